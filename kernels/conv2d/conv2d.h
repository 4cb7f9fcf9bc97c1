/* Convolution: what conv2d.pyx asks of the C files, and these of each other.
 * Arrays are contiguous, in the order of the letters of their shape. */
#ifndef MINIDL_CONV2D_H
#define MINIDL_CONV2D_H

#include <stdbool.h>
#include <stddef.h>

#include "core/core.h"

/* x (n, c, h, w), weights (k, c / groups, kh, kw), y (n, k, oh, ow). */
struct convolution {
    ptrdiff_t n, c, h, w, k, kh, kw, oh, ow;
    ptrdiff_t stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w, groups;
    bool is_double;
};

/* Any size may be 0. The bias has k elements, or is NULL. The answer is false if there is no memory. */
bool convolve(const struct core *core, const struct convolution *c, const void *x, const void *weights,
              const void *bias, void *y);
bool convolve_dx(const struct core *core, const struct convolution *c, const void *dy, const void *weights, void *dx);
bool convolve_dw(const struct core *core, const struct convolution *c, const void *dy, const void *x, void *dw);

/* dx in plain loops, as its formula has it: plain.c. */
bool plain_dx(const struct core *core, const struct convolution *c, const void *dy, const void *weights, void *dx);

/* The gradient of the weights in any shape: weights.c. */
bool weights_dw(const struct core *core, const struct convolution *c, const void *dy, const void *x, void *dw);

/* A 1 x 1 convolution as a product: pointwise.c. */
bool is_pointwise(const struct convolution *c);
bool pointwise(const struct core *core, const struct convolution *c, const void *x, const void *weights, const void *bias,
               void *y);
bool pointwise_dx(const struct core *core, const struct convolution *c, const void *dy, const void *weights, void *dx);

/* Depthwise convolution, each output channel with one input channel: depthwise.c. */
bool is_depthwise(const struct convolution *c);
bool depthwise(const struct core *core, const struct convolution *c, const void *x, const void *weights, const void *bias,
               void *y);
bool depthwise_dx(const struct core *core, const struct convolution *c, const void *dy, const void *weights, void *dx);
bool depthwise_dw(const struct core *core, const struct convolution *c, const void *dy, const void *x, void *dw);

#endif
