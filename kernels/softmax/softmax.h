/* Softmax and its logarithm along the middle one of three dimensions. */
#ifndef MINIDL_SOFTMAX_H
#define MINIDL_SOFTMAX_H

#include <stdbool.h>
#include <stddef.h>

#include "core/core.h"

struct softmax {
    ptrdiff_t outer, size, inner;
    bool logarithm, is_double;
};

/* No array overlaps another. Any size may be 0. */
void softmax_forward(const struct core *core, const struct softmax *s, const void *x, void *y);
void softmax_backward(const struct core *core, const struct softmax *s, const void *g, const void *y, void *dx);

/* A line for one task: a row where inner is 1, else this many columns of one of the outer matrices, fewer at its edge. */
#define COLUMNS 64

#endif
