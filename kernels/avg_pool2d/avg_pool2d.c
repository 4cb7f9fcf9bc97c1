/* Average pooling on all threads, some planes each. */
#include "avg_pool2d.h"

#include <stdatomic.h>

#define UNIT "avg_pool2d/avg_pool2d_unit.h"
#include "core/units.h"

#define FORWARD(set) {avg_pool_float_##set, avg_pool_double_##set}
#define DX(set) {avg_pool_dx_float_##set, avg_pool_dx_double_##set}
static avg_pool_function *const forwards[INSTRUCTION_SETS][2] = UNITS(FORWARD);
static avg_pool_function *const dxs[INSTRUCTION_SETS][2] = UNITS(DX);

/* A chunk has so many elements: about 50 microseconds. */
#define CHUNK 100000
#define MOST_LANES 16

struct job {
    const struct core *core;
    const struct avg_pool *p;
    avg_pool_function *unit;
    const char *from;
    char *to;
    size_t from_plane, to_plane; /* bytes */
    ptrdiff_t planes;            /* of a chunk */
    struct regular regular;
    _Atomic bool failed;
};

static void chunk(void *argument, ptrdiff_t number)
{
    struct job *job = argument;
    const struct avg_pool *p = job->p;
    void *row = job->core->scratch(0, (size_t)job->regular.row * sizeof(double));
    if (!row) {
        job->failed = true;
        return;
    }
    for (ptrdiff_t plane = number * job->planes; plane < (number + 1) * job->planes && plane < p->planes; plane++)
        job->unit(p, &job->regular, job->from + plane * job->from_plane, job->to + plane * job->to_plane, row);
}

static struct regular regular_columns(const struct avg_pool *p)
{
    const struct bounds *columns = p->columns;
    struct regular r = {.step = 1};
    for (ptrdiff_t j = 0; j < p->ow; j++) {
        if (columns[j].end - columns[j].first > r.width) {
            r.width = columns[j].end - columns[j].first;
            r.first = j;
        }
    }
    if (r.first + 1 < p->ow)
        r.step = columns[r.first + 1].first - columns[r.first].first;
    r.step = r.step < 1 ? 1 : r.step;
    r.row = p->w + MOST_LANES * (r.step + 1);
    r.end = r.first;
    while (r.end < p->ow && columns[r.end].divisor == columns[r.first].divisor &&
           columns[r.end].end - columns[r.end].first == r.width &&
           columns[r.end].first == columns[r.first].first + (r.end - r.first) * r.step)
        r.end++;
    return r;
}

static bool run(const struct core *core, const struct avg_pool *p, avg_pool_function *unit, const void *from,
                ptrdiff_t from_size, void *to, ptrdiff_t to_size)
{
    const size_t size = p->is_double ? sizeof(double) : sizeof(float);
    struct job job = {
        .core = core,
        .p = p,
        .unit = unit,
        .from = from,
        .to = to,
        .from_plane = (size_t)from_size * size,
        .to_plane = (size_t)to_size * size,
        .planes = 1 + CHUNK / (p->h * p->w + 1),
        .regular = regular_columns(p),
    };
    core->pool_run(chunk, &job, (p->planes + job.planes - 1) / job.planes);
    return !job.failed;
}

bool avg_pool(const struct core *core, const struct avg_pool *p, const void *x, void *y)
{
    return run(core, p, forwards[core->instruction_set][p->is_double], x, p->h * p->w, y, p->oh * p->ow);
}

bool avg_pool_dx(const struct core *core, const struct avg_pool *p, const void *dy, void *dx)
{
    return run(core, p, dxs[core->instruction_set][p->is_double], dy, p->oh * p->ow, dx, p->h * p->w);
}
