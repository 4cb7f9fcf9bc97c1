/* A step of an optimizer on one parameter, divided among threads. The arithmetic is in update_unit.h. */
#include "update/update.h"

#include <math.h>

#define UNIT "update/update_unit.h"
#include "core/units.h"

#define TABLE(set) {update_float_##set, update_double_##set}
static update_part *const units[INSTRUCTION_SETS][2] = UNITS(TABLE);

/* A chunk for the pool takes 20 to 60 microseconds. */
#define CHUNK 65536

struct job {
    const struct update *u;
    update_part *part;
};

static void chunk(void *argument, ptrdiff_t index)
{
    const struct job *job = argument;
    const ptrdiff_t first = index * CHUNK, size = job->u->size;
    job->part(job->u, first, size - first < CHUNK ? size : first + CHUNK);
}

void update(const struct core *core, const struct update *u)
{
    struct job job = {u, units[core->instruction_set][u->is_double]};
    const ptrdiff_t chunks = (u->size + CHUNK - 1) / CHUNK;
    if (chunks >= 4)
        core->pool_run(chunk, &job, chunks);
    else if (u->size > 0)
        job.part(u, 0, u->size);
}
