/* Convolution: which form serves which shape. */
#include "conv2d.h"
#include "direct.h"

/* Whether the vectors of direct.h are adjacent pixels of a channel, or else channels of a pixel.
 *
 * Both waste what of the last vector hangs over: pixels over the end of a row, or outputs over the last channel. Lanes
 * of channels pay about 8 steps more, to transpose what they store. Time with lanes of channels / with lanes of pixels,
 * of 3 x 3 convolutions in float32 on AVX-512 (16 lanes), one core of a Zen 4:
 *
 *     channels in    1 (9 steps)           4 (36 steps)          16 (144 steps)        64 (576 steps)
 *     columns        8    14   28   112    8    14   28   112    8    14   28   112    8    14   28   112
 *     outputs 4      1.6  3.1  4.2  3.6    1.6  2.8  3.3  3.4    1.5  2.3  2.8  3.2    1.5  2.5  2.6  3.4
 *             8      1.0  2.2  2.2  2.8    1.0  1.7  1.9  2.2    1.0  1.5  1.6  1.8    1.0  1.4  1.7  1.8
 *             16     .58  1.2  1.4  1.8    .60  1.0  1.1  1.2    .62  .90  .92  1.0    .56  .85  .88  1.0
 *             24     .71  1.7  2.0  2.2    .69  1.3  1.4  1.6    .72  1.2  1.2  1.4    .71  1.1  1.0  1.3
 *             64     .54  1.2  1.5  1.7    .53  1.0  1.1  1.2    .53  .79  .92  1.1    .59  .78  .86  1.1
 */
static bool pixel_lanes(const struct core *core, bool is_double, ptrdiff_t outputs, ptrdiff_t columns, ptrdiff_t steps)
{
    const ptrdiff_t lanes = direct_lanes(core, is_double);
    const double outputs_filled = (double)((outputs + lanes - 1) / lanes * lanes) / (double)outputs;
    const double columns_filled = (double)((columns + lanes - 1) / lanes * lanes) / (double)columns;
    return columns_filled * (double)steps < outputs_filled * (double)(steps + 8);
}

bool convolve(const struct core *core, const struct convolution *c, const void *x, const void *weights,
              const void *bias, void *y)
{
    if (c->n == 0 || c->k == 0 || c->oh == 0 || c->ow == 0)
        return true;
    if (is_pointwise(c))
        return pointwise(core, c, x, weights, bias, y);
    if (is_depthwise(c))
        return depthwise(core, c, x, weights, bias, y);
    const bool pixels = pixel_lanes(core, c->is_double, c->k / c->groups, c->ow, c->c / c->groups * c->kh * c->kw);
    return direct(core, c, pixels, x, weights, bias, y);
}

bool convolve_dx(const struct core *core, const struct convolution *c, const void *dy, const void *weights, void *dx)
{
    if (c->n == 0 || c->c == 0 || c->h == 0 || c->w == 0)
        return true;
    if (is_pointwise(c))
        return pointwise_dx(core, c, dy, weights, dx);
    if (is_depthwise(c))
        return depthwise_dx(core, c, dy, weights, dx);
    const ptrdiff_t steps = c->k / c->groups * c->kh * c->kw / (c->stride_h * c->stride_w);
    const ptrdiff_t columns = (c->padding_w + c->w - 1) / c->stride_w - c->padding_w / c->stride_w + 1;
    const bool pixels = pixel_lanes(core, c->is_double, c->c / c->groups, columns, steps);
    return direct_dx(core, c, pixels, dy, weights, dx);
}

bool convolve_dw(const struct core *core, const struct convolution *c, const void *dy, const void *x, void *dw)
{
    if (is_depthwise(c))
        return depthwise_dw(core, c, dy, x, dw);
    return weights_dw(core, c, dy, x, dw);
}
