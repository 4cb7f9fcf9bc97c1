/* Convolution: which form serves which shape. */
#include "conv2d.h"
#include "direct.h"

bool convolve(const struct core *core, const struct convolution *c, const void *x, const void *weights, const void *bias,
              void *y)
{
    if (c->n == 0 || c->k == 0 || c->oh == 0 || c->ow == 0)
        return true;
    if (is_pointwise(c))
        return pointwise(core, c, x, weights, bias, y);
    return direct(core, c, x, weights, bias, y);
}

bool convolve_dx(const struct core *core, const struct convolution *c, const void *dy, const void *weights, void *dx)
{
    if (c->n == 0 || c->c == 0 || c->h == 0 || c->w == 0)
        return true;
    if (is_pointwise(c))
        return pointwise_dx(core, c, dy, weights, dx);
    return direct_dx(core, c, dy, weights, dx);
}

bool convolve_dw(const struct core *core, const struct convolution *c, const void *dy, const void *x, void *dw)
{
    return weights_dw(core, c, dy, x, dw);
}
