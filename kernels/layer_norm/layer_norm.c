/* The division of the rows among threads, and the sums over all of them. The formulas are in layer_norm_unit.h. */
#include "layer_norm.h"

struct rows {
    void (*forward)(const struct layer_norm *l, ptrdiff_t first, ptrdiff_t last);
    void (*backward)(const struct layer_norm *l, ptrdiff_t first, ptrdiff_t last, void *dw, void *db);
    void (*add)(void *sum, const void *part, ptrdiff_t n);
};

#define UNIT "layer_norm/layer_norm_unit.h"
#include "core/units.h"

#define ROWS(type, set) {forward_##type##_##set, backward_##type##_##set, add_##type##_##set}
#define TABLE(set) {ROWS(float, set), ROWS(double, set)}
static const struct rows units[INSTRUCTION_SETS][2] = UNITS(TABLE);

/* At least so many numbers for a chunk, some 20 microseconds, and at most so many chunks, as each has a dw and a db of its
 * own. Fewer than 8 chunks are not worth a second thread. */
#define CHUNK 32768
#define MOST_CHUNKS 64

struct job {
    const struct layer_norm *l;
    const struct rows *unit;
    ptrdiff_t each; /* rows in a chunk */
    char *parts;    /* dw and db of each chunk, or NULL */
    size_t part;    /* bytes of one of them */
};

static ptrdiff_t chunks_of(struct job *job)
{
    const ptrdiff_t rows = job->l->rows, width = job->l->width > 0 ? job->l->width : 1;
    job->each = CHUNK / width + 1;
    if ((rows + job->each - 1) / job->each > MOST_CHUNKS)
        job->each = (rows + MOST_CHUNKS - 1) / MOST_CHUNKS;
    return (rows + job->each - 1) / job->each;
}

static void run(const struct core *core, void (*work)(void *job, ptrdiff_t chunk), struct job *job, ptrdiff_t chunks)
{
    if (job->l->rows * job->l->width >= 8 * CHUNK) {
        core->pool_run(work, job, chunks);
        return;
    }
    for (ptrdiff_t chunk = 0; chunk < chunks; chunk++)
        work(job, chunk);
}

static ptrdiff_t end_of(const struct job *job, ptrdiff_t chunk)
{
    const ptrdiff_t end = (chunk + 1) * job->each;
    return end < job->l->rows ? end : job->l->rows;
}

static void forward(void *argument, ptrdiff_t chunk)
{
    const struct job *job = argument;
    job->unit->forward(job->l, chunk * job->each, end_of(job, chunk));
}

static void backward(void *argument, ptrdiff_t chunk)
{
    const struct job *job = argument;
    char *dw = job->l->dw ? job->parts + 2 * chunk * job->part : NULL;
    char *db = job->l->db ? job->parts + (2 * chunk + 1) * job->part : NULL;
    if (dw)
        memset(dw, 0, job->part);
    if (db)
        memset(db, 0, job->part);
    job->unit->backward(job->l, chunk * job->each, end_of(job, chunk), dw, db);
}

void layer_norm_forward(const struct core *core, const struct layer_norm *l)
{
    struct job job = {.l = l, .unit = &units[core->instruction_set][l->is_double]};
    run(core, forward, &job, chunks_of(&job));
}

bool layer_norm_backward(const struct core *core, const struct layer_norm *l)
{
    struct job job = {.l = l, .unit = &units[core->instruction_set][l->is_double]};
    const ptrdiff_t chunks = chunks_of(&job);
    job.part = (size_t)l->width * (l->is_double ? sizeof(double) : sizeof(float));
    if (l->dw || l->db) {
        job.parts = core->scratch(0, 2 * chunks * job.part + 1);
        if (!job.parts)
            return false;
    }
    run(core, backward, &job, chunks);
    if (l->dw)
        memset(l->dw, 0, job.part);
    if (l->db)
        memset(l->db, 0, job.part);
    for (ptrdiff_t chunk = 0; chunk < chunks; chunk++) { /* in order, whoever computed them */
        if (l->dw)
            job.unit->add(l->dw, job.parts + 2 * chunk * job.part, l->width);
        if (l->db)
            job.unit->add(l->db, job.parts + (2 * chunk + 1) * job.part, l->width);
    }
    return true;
}
