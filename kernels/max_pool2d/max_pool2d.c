/* Max pooling on all threads, some planes each. */
#include "max_pool2d.h"

#define UNIT "max_pool2d/max_pool2d_unit.h"
#include "core/units.h"

#define TABLE(set) {max_pool_float_##set, max_pool_double_##set}
static max_pool_function *const units[INSTRUCTION_SETS][2] = UNITS(TABLE);

/* A chunk has so many taps: about 100 microseconds. */
#define CHUNK 500000

struct job {
    const struct max_pool *p;
    max_pool_function *unit;
    const void *x;
    void *y;
    int32_t *index;
    ptrdiff_t planes; /* of a chunk */
};

static void chunk(void *argument, ptrdiff_t number)
{
    const struct job *job = argument;
    const ptrdiff_t first = number * job->planes, end = first + job->planes;
    job->unit(job->p, job->x, job->y, job->index, first, end < job->p->planes ? end : job->p->planes);
}

void max_pool(const struct core *core, const struct max_pool *p, const void *x, void *y, int32_t *index)
{
    const ptrdiff_t planes = 1 + CHUNK / (p->oh * p->ow * p->kh * p->kw + 1);
    struct job job = {p, units[core->instruction_set][p->is_double], x, y, index, planes};
    core->pool_run(chunk, &job, (p->planes + planes - 1) / planes);
}
