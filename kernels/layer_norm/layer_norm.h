/* Layer and RMS normalisation of rows. */
#ifndef MINIDL_LAYER_NORM_H
#define MINIDL_LAYER_NORM_H

#include <stdbool.h>
#include <stddef.h>

#include "core/core.h"

/* Of RMS normalisation, which takes no mean away, mean is NULL. */
struct layer_norm {
    ptrdiff_t rows, width;
    const void *x, *w, *b; /* (rows, width), (width) or NULL, (width) or NULL */
    const void *g;         /* backward: the cotangent of y */
    void *y;               /* (rows, width) */
    void *mean, *rstd;     /* (rows) */
    void *dx, *dw, *db;    /* like x, w and b; each may be NULL */
    double eps;
    bool is_double;
};

void layer_norm_forward(const struct core *core, const struct layer_norm *l);

/* The answer is false if there is no memory. */
bool layer_norm_backward(const struct core *core, const struct layer_norm *l);

#endif
