/* The division of the lines among threads. The formulas are in softmax_unit.h. */
#include "softmax.h"

typedef void forward_line(const struct softmax *s, const void *x, void *y, ptrdiff_t line);
typedef void backward_line(const struct softmax *s, const void *g, const void *y, void *dx, ptrdiff_t line);

struct lines {
    forward_line *forward;
    backward_line *backward;
};

#define UNIT "softmax/softmax_unit.h"
#include "core/units.h"

#define TABLE(set) {{forward_float_##set, backward_float_##set}, {forward_double_##set, backward_double_##set}}
static const struct lines units[INSTRUCTION_SETS][2] = UNITS(TABLE);

/* So many numbers for a chunk, some 20 microseconds; fewer than 8 chunks are not worth a second thread. */
#define CHUNK 16384

struct job {
    const struct softmax *s;
    const void *g, *from; /* g is NULL on the way forward */
    void *to;
    const struct lines *lines;
    ptrdiff_t count, each; /* lines in all and in a chunk */
};

static void chunk(void *argument, ptrdiff_t index)
{
    const struct job *job = argument;
    const ptrdiff_t first = index * job->each, last = first + job->each < job->count ? first + job->each : job->count;
    for (ptrdiff_t line = first; line < last; line++) {
        if (job->g)
            job->lines->backward(job->s, job->g, job->from, job->to, line);
        else
            job->lines->forward(job->s, job->from, job->to, line);
    }
}

static void run(const struct core *core, struct job *job)
{
    const struct softmax *s = job->s;
    if (s->outer == 0 || s->size == 0 || s->inner == 0)
        return;
    const ptrdiff_t length = s->inner == 1 ? s->size : s->size * COLUMNS;
    job->lines = &units[core->instruction_set][s->is_double];
    job->count = s->inner == 1 ? s->outer : s->outer * ((s->inner + COLUMNS - 1) / COLUMNS);
    job->each = length < CHUNK ? CHUNK / length : 1;
    const ptrdiff_t chunks = (job->count + job->each - 1) / job->each;
    if (s->outer * s->size * s->inner < 8 * CHUNK) {
        for (ptrdiff_t index = 0; index < chunks; index++)
            chunk(job, index);
    }
    else
        core->pool_run(chunk, job, chunks);
}

void softmax_forward(const struct core *core, const struct softmax *s, const void *x, void *y)
{
    struct job job = {.s = s, .from = x, .to = y};
    run(core, &job);
}

void softmax_backward(const struct core *core, const struct softmax *s, const void *g, const void *y, void *dx)
{
    struct job job = {.s = s, .g = g, .from = y, .to = dx};
    run(core, &job);
}
