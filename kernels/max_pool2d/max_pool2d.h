/* Max pooling: what max_pool2d.pyx asks of the C file. */
#ifndef MINIDL_MAX_POOL2D_H
#define MINIDL_MAX_POOL2D_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/core.h"

/* x (planes, h, w), y and index (planes, oh, ow). */
struct max_pool {
    ptrdiff_t planes, h, w, oh, ow, kh, kw;
    ptrdiff_t stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w;
    bool is_double;
};

void max_pool(const struct core *core, const struct max_pool *p, const void *x, void *y, int32_t *index);

/* Planes first .. end - 1, in one element type and instruction set. */
typedef void max_pool_function(const struct max_pool *p, const void *x, void *y, int32_t *index, ptrdiff_t first,
                               ptrdiff_t end);

#endif
