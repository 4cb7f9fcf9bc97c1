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

/* The statistics of x and y normalised by them; their gradients; y = (x - mean) w + b, where mean may be NULL and w is not;
 * and its gradients. */
enum batch_norm_task { FORWARD, BACKWARD, APPLY, APPLY_BACKWARD, TASKS };

void batch_norm(const struct core *core, enum batch_norm_task task, const struct batch_norm *b);

#endif
