/* The choice of the loop, and its division among threads. The functions themselves are in elementwise_unit.h. */
#include "elementwise.h"

struct loops {
    void (*forward)(const void *x, void *y, ptrdiff_t n);
    void (*backward)(const void *g, const void *x, void *dx, ptrdiff_t n);
};

#define UNIT "elementwise/elementwise_unit.h"
#include "core/units.h"

#define TABLE(set) {loops_float_##set, loops_double_##set}
static const struct loops *const units[INSTRUCTION_SETS][2] = UNITS(TABLE);

/* A chunk takes some 15 microseconds; fewer than 8 of them are not worth a second thread. */
#define CHUNK 32768

struct job {
    const struct loops *loops;
    const char *g, *x; /* g is NULL on the way forward */
    char *y;
    ptrdiff_t n;
    size_t item;
};

static void chunk(void *argument, ptrdiff_t index)
{
    const struct job *job = argument;
    const ptrdiff_t first = index * CHUNK;
    const ptrdiff_t n = job->n - first < CHUNK ? job->n - first : CHUNK;
    const size_t skip = first * job->item;
    if (job->g)
        job->loops->backward(job->g + skip, job->x + skip, job->y + skip, n);
    else
        job->loops->forward(job->x + skip, job->y + skip, n);
}

static void run(const struct core *core, const struct job *job)
{
    const ptrdiff_t chunks = (job->n + CHUNK - 1) / CHUNK;
    if (chunks < 8) {
        for (ptrdiff_t index = 0; index < chunks; index++)
            chunk((void *)job, index);
    }
    else
        core->pool_run(chunk, (void *)job, chunks);
}

void elementwise_forward(const struct core *core, enum function f, const void *x, void *y, ptrdiff_t n, bool is_double)
{
    const struct job job = {
        .loops = &units[core->instruction_set][is_double][f], .x = x, .y = y, .n = n, .item = is_double ? 8 : 4,
    };
    run(core, &job);
}

void elementwise_backward(const struct core *core, enum function f, const void *g, const void *x, void *dx, ptrdiff_t n,
                          bool is_double)
{
    const struct job job = {
        .loops = &units[core->instruction_set][is_double][f], .g = g, .x = x, .y = dx, .n = n, .item = is_double ? 8 : 4,
    };
    run(core, &job);
}
