/* Memory that a thread keeps between calls: fresh memory costs a page fault every 4 KB, each time. */
#ifndef MINIDL_SCRATCH_H
#define MINIDL_SCRATCH_H

#include <stddef.h>

#define SCRATCH_SLOTS 4

/* Returns at least `bytes` of this thread's memory number `slot`, at an address that is a multiple of 64, or NULL if there
 * is none. What it holds is lost when more is asked for in the same slot. A slot has one user at a time in a thread. */
void *scratch(int slot, size_t bytes);

#endif
