/* The division of the channels among threads. The formulas are in batch_norm_unit.h. */
#include "batch_norm.h"

struct channels {
    void (*tasks[TASKS])(const struct batch_norm *b, ptrdiff_t c);
    ptrdiff_t lanes;
};

#define UNIT "batch_norm/batch_norm_unit.h"
#include "core/units.h"

#define TABLE(set) {&channels_float_##set, &channels_double_##set}
static const struct channels *const units[INSTRUCTION_SETS][2] = UNITS(TABLE);

/* Fewer numbers are not worth a second thread. */
#define WORTH_THREADS 131072

struct job {
    const struct batch_norm *b;
    void (*work)(const struct batch_norm *b, ptrdiff_t c);
    ptrdiff_t each; /* channels in a chunk: no sum crosses them */
};

static void chunk(void *argument, ptrdiff_t index)
{
    const struct job *job = argument;
    job->work(job->b, index * job->each);
}

void batch_norm(const struct core *core, enum batch_norm_task task, const struct batch_norm *b)
{
    const struct channels *unit = units[core->instruction_set][b->is_double];
    struct job job = {b, unit->tasks[task], b->s == 1 ? unit->lanes : 1};
    const ptrdiff_t chunks = (b->c + job.each - 1) / job.each;
    if (b->n * b->c * b->s >= WORTH_THREADS)
        core->pool_run(chunk, &job, chunks);
    else {
        for (ptrdiff_t index = 0; index < chunks; index++)
            chunk(&job, index);
    }
}
