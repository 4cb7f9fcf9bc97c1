/* The gradient of a convolution's weights, in any shape. */
#include "conv2d.h"

/* So many pixels are one pass: what 32 channels of dy have there fits in the second level of the cache. */
#define PASS 4096

/* Below so many multiplications a second thread gains nothing. */
#define WORTH_THREADS 2e6

static void run(const struct core *core, bool large, void (*work)(void *job, ptrdiff_t chunk), void *job,
                ptrdiff_t chunks)
{
    if (large)
        core->pool_run(work, job, chunks);
    else {
        for (ptrdiff_t chunk = 0; chunk < chunks; chunk++)
            work(job, chunk);
    }
}

/* Whether lanes are pixels of a row: so few output channels fill no vector. */
static bool few_channels(const struct convolution *c, ptrdiff_t lanes)
{
    return c->k / c->groups <= 8 && c->stride_w == 1 && c->ow >= lanes;
}

#define UNIT "conv2d/weights_unit.h"
#include "core/units.h"

typedef bool dw_function(const struct core *core, const struct convolution *c, const void *dy, const void *x, void *dw);

#define TABLE(set) {dw_float_##set, dw_double_##set}
static dw_function *const units[INSTRUCTION_SETS][2] = UNITS(TABLE);

bool weights_dw(const struct core *core, const struct convolution *c, const void *dy, const void *x, void *dw)
{
    if (c->n * c->oh * c->ow == 0) {
        memset(dw, 0,
               (size_t)(c->k * c->c / c->groups * c->kh * c->kw) * (c->is_double ? sizeof(double) : sizeof(float)));
        return true;
    }
    /* Half a vector of channels is AVX2's whole vector, at twice the vectors a second. */
    const bool halves = core->instruction_set == AVX512 && c->k / c->groups <= (c->is_double ? 4 : 8) &&
                        !few_channels(c, c->is_double ? 8 : 16);
    return units[halves ? AVX2 : core->instruction_set][c->is_double](core, c, dy, x, dw);
}
