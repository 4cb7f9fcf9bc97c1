/* Convolution as its formula says, in plain loops. */
#include "conv2d.h"

#define UNIT "conv2d/plain_unit.h"
#include "core/units.h"

typedef void plain_function(const struct convolution *c, const void *a, const void *b, const void *bias, void *result);

#define FORWARD(set) {forward_float_##set, forward_double_##set}
#define DX(set) {dx_float_##set, dx_double_##set}
#define DW(set) {dw_float_##set, dw_double_##set}
static plain_function *const forwards[INSTRUCTION_SETS][2] = UNITS(FORWARD);
static plain_function *const dxs[INSTRUCTION_SETS][2] = UNITS(DX);
static plain_function *const dws[INSTRUCTION_SETS][2] = UNITS(DW);

bool plain(const struct core *core, const struct convolution *c, const void *x, const void *weights, const void *bias,
           void *y)
{
    forwards[core->instruction_set][c->is_double](c, x, weights, bias, y);
    return true;
}

bool plain_dx(const struct core *core, const struct convolution *c, const void *dy, const void *weights, void *dx)
{
    dxs[core->instruction_set][c->is_double](c, dy, weights, NULL, dx);
    return true;
}

bool plain_dw(const struct core *core, const struct convolution *c, const void *dy, const void *x, void *dw)
{
    dws[core->instruction_set][c->is_double](c, dy, x, NULL, dw);
    return true;
}
