/* Attention by blocks of queries: the scores of a block stay in the cache, those of all queries are never stored. */
#include "attention.h"

#include <math.h>

/* So many queries are one block. With fewer, the causal mask skips more keys and the products work less well. */
#define ROWS 32

/* Below so many multiplications a second thread gains nothing. */
#define WORTH_THREADS 2e6

struct job;
typedef void part(struct job *job, ptrdiff_t item, ptrdiff_t row, ptrdiff_t end_row);

struct job {
    const struct core *core;
    const struct attention *p;
    part *part;
    ptrdiff_t blocks; /* of one item */
    bool failed;      /* there was no memory */
};

/* Row `row` of one head of one example, which item counts through. */
static void *at(const struct attention *p, const struct heads *x, ptrdiff_t item, ptrdiff_t row)
{
    const ptrdiff_t place = item / p->heads * x->batch + item % p->heads * x->head + row * x->row;
    const ptrdiff_t size = p->is_double ? sizeof(double) : sizeof(float);
    return (char *)x->first + place * size;
}

/* y = a b or, to accumulate, y += a b, of which a and b may be stored transposed: m x k and k x n are the sizes that are
 * multiplied, `row` leads from one stored row to the next. */
struct matrix {
    const void *first;
    ptrdiff_t row;
    bool transposed;
};

static void multiply(const struct job *job, ptrdiff_t m, ptrdiff_t k, ptrdiff_t n, struct matrix a, struct matrix b,
                     void *y, ptrdiff_t y_row, bool accumulate)
{
    const struct product product = {
        .batch = 1, .m = m, .n = n, .k = k, .is_double = job->p->is_double, .accumulate = accumulate,
        .a = a.first, .a_row = a.row, .a_transposed = a.transposed,
        .b = b.first, .b_row = b.row, .b_transposed = b.transposed, .y = y, .y_row = y_row,
    };
    job->core->product(&product);
}

/* How many keys the queries before end_row see, all together. */
static ptrdiff_t seen(const struct attention *p, ptrdiff_t end_row)
{
    return p->causal && end_row < p->keys ? end_row : p->keys;
}

/* From one row of scores to the next; rows at a distance of a power of 2 would share few lines of the cache. */
static ptrdiff_t scores_row(const struct attention *p)
{
    return (p->keys + 15) / 16 * 16 + 16;
}

#define UNIT "attention/attention_unit.h"
#include "core/units.h"

#define FORWARD(set) {forward_float_##set, forward_double_##set}
static part *const forward[INSTRUCTION_SETS][2] = UNITS(FORWARD);

#define BACKWARD(set) {backward_float_##set, backward_double_##set}
static part *const backward[INSTRUCTION_SETS][2] = UNITS(BACKWARD);

static void chunk(void *argument, ptrdiff_t index)
{
    struct job *job = argument;
    const ptrdiff_t block = index % job->blocks, rows = job->p->queries;
    job->part(job, index / job->blocks, block * rows / job->blocks, (block + 1) * rows / job->blocks);
}

static int run(struct job *job)
{
    const struct attention *p = job->p;
    const ptrdiff_t chunks = p->batch * p->heads * job->blocks;
    if ((double)p->batch * p->heads * p->queries * p->keys * (p->width + p->value_width) < WORTH_THREADS) {
        for (ptrdiff_t index = 0; index < chunks; index++)
            chunk(job, index);
    }
    else {
        job->core->pool_run(chunk, job, chunks);
    }
    return !job->failed;
}

int attention_forward(const struct core *core, const struct attention *p)
{
    struct job job = {.core = core, .p = p, .part = forward[core->instruction_set][p->is_double]};
    job.blocks = (p->queries + ROWS - 1) / ROWS;
    return run(&job);
}

/* The gradients of keys and values are sums over all queries of a head, so that a head is one piece of work. */
int attention_backward(const struct core *core, const struct attention *p)
{
    struct job job = {.core = core, .p = p, .part = backward[core->instruction_set][p->is_double], .blocks = 1};
    return run(&job);
}
