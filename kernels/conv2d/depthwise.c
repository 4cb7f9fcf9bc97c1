/* Depthwise convolution: each output channel sees one input channel, so that there is little to multiply, and what
 * counts is to read and write each image once. */
#include "conv2d.h"

#include <math.h>

/* So many taps have their sums in registers. */
#define TAPS 9

/* A chunk for the pool has about so many multiplications: 50 microseconds. */
#define CHUNK 1000000

struct depthwise {
    const struct core *core;
    const struct convolution *c;
    const void *x, *w, *bias; /* bias is NULL or has k elements */
    void *y, *dx, *dw;        /* y is dy in dx and dw */
    ptrdiff_t planes;         /* of a chunk */
    _Atomic bool no_memory;
};

#define UNIT "conv2d/depthwise_unit.h"
#include "core/units.h"

struct depthwise_unit {
    void (*forward)(void *depthwise, ptrdiff_t chunk);
    void (*dx)(void *depthwise, ptrdiff_t chunk);
    void (*dw)(void *depthwise, ptrdiff_t channel);
};

#define TABLE(set)                                                                                                     \
    {{forward_float_##set, dx_float_##set, dw_float_##set}, {forward_double_##set, dx_double_##set, dw_double_##set}}
static const struct depthwise_unit units[INSTRUCTION_SETS][2] = UNITS(TABLE);

bool is_depthwise(const struct convolution *c)
{
    return c->groups == c->c && c->groups > 1;
}

/* For narrow images AVX2 has vectors enough. */
static const struct depthwise_unit *unit(const struct core *core, const struct convolution *c, ptrdiff_t width)
{
    const bool halves = core->instruction_set == AVX512 && width <= (c->is_double ? 4 : 8);
    return &units[halves ? AVX2 : core->instruction_set][c->is_double];
}

static ptrdiff_t planes(const struct convolution *c)
{
    return 1 + CHUNK / (c->k / c->c * c->oh * c->ow * c->kh * c->kw + 1);
}

bool depthwise(const struct core *core, const struct convolution *c, const void *x, const void *weights,
               const void *bias, void *y)
{
    struct depthwise d = {.core = core, .c = c, .x = x, .w = weights, .bias = bias, .y = y, .planes = planes(c)};
    core->pool_run(unit(core, c, c->ow)->forward, &d, (c->n * c->c + d.planes - 1) / d.planes);
    return !d.no_memory;
}

static bool all_finite(const struct convolution *c, const void *weights)
{
    for (ptrdiff_t i = 0; i < c->k * c->kh * c->kw; i++) {
        if (!isfinite(c->is_double ? ((const double *)weights)[i] : ((const float *)weights)[i]))
            return false;
    }
    return true;
}

bool depthwise_dx(const struct core *core, const struct convolution *c, const void *dy, const void *weights, void *dx)
{
    struct depthwise d = {.core = core, .c = c, .w = weights, .y = (void *)dy, .dx = dx, .planes = planes(c)};
    if (!all_finite(c, weights) || c->k == 0) /* the zeros around dy would make NaNs of infinity */
        return plain_dx(core, c, dy, weights, dx);
    core->pool_run(unit(core, c, c->w)->dx, &d, (c->n * c->c + d.planes - 1) / d.planes);
    return !d.no_memory;
}

bool depthwise_dw(const struct core *core, const struct convolution *c, const void *dy, const void *x, void *dw)
{
    struct depthwise d = {.core = core, .c = c, .x = x, .y = (void *)dy, .dw = dw};
    core->pool_run(unit(core, c, c->ow)->dw, &d, c->c);
    return !d.no_memory;
}
