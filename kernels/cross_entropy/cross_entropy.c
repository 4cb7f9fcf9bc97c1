/* The division of the rows among threads. The formula is in cross_entropy_unit.h. */
#include "cross_entropy.h"

#define UNIT "cross_entropy/cross_entropy_unit.h"
#include "core/units.h"

typedef void row_function(const struct cross_entropy *c, ptrdiff_t n);

#define TABLE(set) {row_float_##set, row_double_##set}
static row_function *const units[INSTRUCTION_SETS][2] = UNITS(TABLE);

/* So many numbers for a chunk, some 20 microseconds; fewer than 8 chunks are not worth a second thread. */
#define CHUNK 16384

struct job {
    const struct cross_entropy *c;
    row_function *row;
    ptrdiff_t each; /* rows in a chunk */
};

static void chunk(void *argument, ptrdiff_t index)
{
    const struct job *job = argument;
    const ptrdiff_t first = index * job->each, rows = job->c->rows;
    for (ptrdiff_t n = first; n < first + job->each && n < rows; n++)
        job->row(job->c, n);
}

void cross_entropy(const struct core *core, const struct cross_entropy *c)
{
    struct job job = {.c = c, .row = units[core->instruction_set][c->is_double]};
    job.each = c->classes < CHUNK ? CHUNK / (c->classes + 1) + 1 : 1;
    const ptrdiff_t chunks = (c->rows + job.each - 1) / job.each;
    if (c->rows * c->classes < 8 * CHUNK) {
        for (ptrdiff_t index = 0; index < chunks; index++)
            chunk(&job, index);
    }
    else
        core->pool_run(chunk, &job, chunks);
}
