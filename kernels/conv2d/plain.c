/* dx as its formula says, in plain loops: for weights that are not finite, which must not meet a zero. */
#include "conv2d.h"

#define UNIT "conv2d/plain_unit.h"
#include "core/units.h"

typedef void plain_function(const struct convolution *c, const void *dy, const void *weights, void *dx);

#define TABLE(set) {plain_dx_float_##set, plain_dx_double_##set}
static plain_function *const units[INSTRUCTION_SETS][2] = UNITS(TABLE);

bool plain_dx(const struct core *core, const struct convolution *c, const void *dy, const void *weights, void *dx)
{
    units[core->instruction_set][c->is_double](c, dy, weights, dx);
    return true;
}
