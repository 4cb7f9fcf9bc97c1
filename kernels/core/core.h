/* What the extension core lends to the C files of the other extensions, which would have a pool of their own if they
 * linked its files: they ask for it once, through minidl/_kernels/core.pxd. */
#ifndef MINIDL_CORE_H
#define MINIDL_CORE_H

#include "core/cpu.h"
#include "core/product.h"
#include "core/recurrence.h"

struct core {
    enum instruction_set instruction_set;
    void (*product)(const struct product *p);                                           /* core/product.h */
    void (*pool_run)(void (*work)(void *job, ptrdiff_t chunk), void *job, ptrdiff_t chunks); /* core/pool.h */
    int (*pool_threads)(void);
    void *(*scratch)(int slot, size_t bytes);                                           /* core/scratch.h */
    bool (*forward_in_time)(const struct recurrence *r);                                /* core/recurrence.h */
    bool (*backward_in_time)(const struct recurrence *r);
};

const struct core *core_functions(void);

#endif
