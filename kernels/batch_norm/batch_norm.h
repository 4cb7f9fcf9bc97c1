/* Batch normalisation of channels. */
#ifndef MINIDL_BATCH_NORM_H
#define MINIDL_BATCH_NORM_H

#include <stdbool.h>
#include <stddef.h>

#include "core/core.h"

struct batch_norm {
    ptrdiff_t n, c, s;
    const void *x, *w, *b;             /* (n, c, s), (c) or NULL, (c) or NULL */
    const void *g_y, *g_mean, *g_var;  /* backward: the cotangents of y, mean and var */
    void *y, *mean, *var;              /* (n, c, s), (c), (c) */
    void *dx, *dw, *db;                /* like x, w and b; each may be NULL */
    double eps;
    bool is_double;
};

void batch_norm_forward(const struct core *core, const struct batch_norm *b);
void batch_norm_backward(const struct core *core, const struct batch_norm *b);

#endif
