/* Convolution: which form serves which shape. */
#include "conv2d.h"

bool convolve(const struct core *core, const struct convolution *c, const void *x, const void *weights, const void *bias,
              void *y)
{
    return plain(core, c, x, weights, bias, y);
}

bool convolve_dx(const struct core *core, const struct convolution *c, const void *dy, const void *weights, void *dx)
{
    return plain_dx(core, c, dy, weights, dx);
}

bool convolve_dw(const struct core *core, const struct convolution *c, const void *dy, const void *x, void *dw)
{
    return plain_dw(core, c, dy, x, dw);
}
