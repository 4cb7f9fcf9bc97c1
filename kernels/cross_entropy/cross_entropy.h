/* Cross entropy of rows of scores against classes. */
#ifndef MINIDL_CROSS_ENTROPY_H
#define MINIDL_CROSS_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/core.h"

struct cross_entropy {
    ptrdiff_t rows, classes;
    const void *x;           /* (rows, classes) */
    const long long *target; /* (rows), each one of the classes */
    const void *g;           /* (rows), or NULL if no gradient is wanted */
    void *loss, *dx;         /* (rows), (rows, classes) */
    bool is_double;
};

void cross_entropy(const struct core *core, const struct cross_entropy *c);

#endif
