/* Average pooling: what avg_pool2d.pyx asks of the C file. */
#ifndef MINIDL_AVG_POOL2D_H
#define MINIDL_AVG_POOL2D_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/core.h"

/* The bounds of a row, or a column, of windows, and what its sum is divided by. */
struct bounds {
    int64_t first, end, divisor;
};

/* x (planes, h, w), y (planes, oh, ow); rows has oh elements, columns ow. */
struct avg_pool {
    ptrdiff_t planes, h, w, oh, ow;
    const struct bounds *rows, *columns;
    bool is_double;
};

/* The answer is false if there is no memory. */
bool avg_pool(const struct core *core, const struct avg_pool *p, const void *x, void *y);
bool avg_pool_dx(const struct core *core, const struct avg_pool *p, const void *dy, void *dx);

/* The columns from `first` to `end` have windows of one width, `step` apart: all but those that an edge cuts.
 * row: the elements of w and what vectors read beyond them. */
struct regular {
    ptrdiff_t first, end, width, step, row;
};

/* One plane, in one element type and instruction set; memory for a row. */
typedef void avg_pool_function(const struct avg_pool *p, const struct regular *r, const void *from, void *to,
                               void *memory);

#endif
