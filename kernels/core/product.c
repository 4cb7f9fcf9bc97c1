/* y = f(a b + bias): which form serves which shape, and how the work is divided. The arithmetic is in product_unit.h. */
#include "product.h"

#include "pool.h"

#define UNIT "core/product_unit.h"
#include "units.h"

/* The three forms:
 * DOTS    few rows, and b stored (n, k): each element of y is a dot product, b is read once, as it lies.
 * DIRECT  tiles of y, rows of b read where they lie. (Stored (n, k), b is always transposed into panels.)
 * PACKED  the same, each panel of b first copied into adjacent memory: it pays where many rows use the panel.
 *
 * Microseconds on AVX-512 | AVX2, one core of a Zen 4 at 117 GFLOP/s:
 *
 *   a bᵀ, m x k x n     DOTS         DIRECT          a b, m x k x n      DIRECT           PACKED
 *   1 x 784 x 128       6 | 5        16 | 17         16 x 512 x 512      77 | 98          105 | 112
 *   2 x 64 x 64         3.1 | 2.9    3.2 | 3.3       64 x 512 x 512      294 | 390        330 | 340
 *   4 x 128 x 128       6.7 | 6.6    6.7 | 7.5       64 x 128 x 784      115 | 117        123 | 117
 *   8 x 128 x 128       6.7 | 5.7    5.6 | 5.6       512 x 64 x 784      460 | 491        470 | 486
 *   8 x 256 x 256       16 | 15      17 | 18         512 x 128 x 784     1080 | 1249      1054 | 1131
 *   16 x 256 x 256      32 | 30      28 | 28         128 x 1024 x 1024   3864 | 5428      3435 | 3970
 *   16 x 784 x 128      36 | 37      41 | 44         1024^3              24900 | 41000    22200 | 25000
 *   32 x 784 x 128      70 | 67      69 | 74         aᵀ b, 128 x 512 x 784   1109 | 1488  1117 | 1210
 */
static enum product_method method(const struct product *p)
{
    if (p->b_transposed && !p->a_transposed && p->m <= 24 && p->k >= 32 * p->m)
        return DOTS;
    if (p->m <= 64 || p->k <= 64)
        return DIRECT;
    return PACKED;
}

#define TABLE(set) {&product_unit_float_##set, &product_unit_double_##set}
static const struct product_unit *const units[INSTRUCTION_SETS][2] = UNITS(TABLE);

/* One thread works on so many rows at a time, which a panel of b serves. */
#define ROWS 512

/* A chunk for the pool: smaller, so that a thread that wakes late, or loses its core, leaves the others their work. */
#define CHUNK_ROWS 128
#define CHUNK_COLUMNS 32

/* Below so many multiplications a second thread gains nothing. */
#define WORTH_THREADS 2e6

struct job {
    const struct product *p;
    enum product_method method;
    product_block *block;
    ptrdiff_t down, across; /* chunks of one product */
};

static void chunk(void *argument, ptrdiff_t index)
{
    const struct job *job = argument;
    struct product p = *job->p;
    const ptrdiff_t item = index / (job->down * job->across);
    const ptrdiff_t i = index / job->across % job->down;
    const ptrdiff_t j = index % job->across;
    const size_t size = p.is_double ? sizeof(double) : sizeof(float);
    p.a = (const char *)p.a + item * p.a_batch * size;
    p.b = (const char *)p.b + item * p.b_batch * size;
    p.y = (char *)p.y + item * p.y_batch * size;
    const ptrdiff_t end_column = (j + 1) * CHUNK_COLUMNS;
    job->block(&p, job->method, i * p.m / job->down, (i + 1) * p.m / job->down, j * CHUNK_COLUMNS,
               j == job->across - 1 ? p.n : end_column);
}

void product(const struct product *p)
{
    product_block *const block = units[instruction_set][p->is_double]->block;
    struct job job = {.p = p, .method = method(p), .block = block};
    if (p->m == 0 || p->n == 0)
        return;
    if ((double)p->batch * p->m * p->n * p->k < WORTH_THREADS || pool_threads() == 1) {
        job.down = (p->m + ROWS - 1) / ROWS;
        job.across = 1;
        for (ptrdiff_t index = 0; index < p->batch * job.down; index++)
            chunk(&job, index);
    }
    else {
        job.down = (p->m + CHUNK_ROWS - 1) / CHUNK_ROWS;
        job.across = (p->n + CHUNK_COLUMNS - 1) / CHUNK_COLUMNS;
        pool_run(chunk, &job, p->batch * job.down * job.across);
    }
}

ptrdiff_t panel_width(ptrdiff_t m, bool is_double)
{
    const struct product_unit *unit = units[instruction_set][is_double];
    return m <= unit->few_rows ? unit->wide_tile : unit->tile;
}

void pack_panels(const struct product *p, ptrdiff_t width, void *panels)
{
    units[instruction_set][p->is_double]->panels(p, width, panels);
}
