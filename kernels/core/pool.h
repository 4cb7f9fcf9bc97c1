/* One pool of threads for the whole process. */
#ifndef MINIDL_POOL_H
#define MINIDL_POOL_H

#include <stddef.h>

/* Calls work(job, chunk) for each chunk in 0 .. chunks - 1, some of them on other threads, and returns when all are done.
 * The chunks come in any order. A caller that finds the pool taken, or is itself a chunk, does all of them alone. */
void pool_run(void (*work)(void *job, ptrdiff_t chunk), void *job, ptrdiff_t chunks);

/* How many threads work together, the caller among them. They start when there is work for them. */
void pool_set_threads(int threads);
int pool_threads(void);

#endif
