/* Attention: what attention.pyx asks of attention.c. */
#ifndef MINIDL_ATTENTION_H
#define MINIDL_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "core/core.h"

/* An array (batch, heads, rows, columns) whose columns are adjacent: distances are in elements. */
struct heads {
    void *first; /* NULL if there is no such array */
    ptrdiff_t batch, head, row;
};

/* y = softmax(q k^T scale + mask) v for each of batch times heads. */
struct attention {
    ptrdiff_t batch, heads, queries, keys, width, value_width;
    struct heads q, k, v, mask;
    struct heads y;             /* forward */
    struct heads g, dq, dk, dv; /* backward */
    double scale;
    bool causal, is_double;
};

/* Return 0 if there is no memory to work in. */
int attention_forward(const struct core *core, const struct attention *p);
int attention_backward(const struct core *core, const struct attention *p);

#endif
