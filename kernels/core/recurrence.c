/* The time steps of a recurrent layer, and the products between them: see recurrence.h.
 *
 * Forward, step by step: the sums of all gates, panel by panel; then the cell.
 * Backward, from the last step to the first: the cell, which leaves dz; then dh = dz W_hh. When all steps have their dz, the
 * other gradients are long products: dx = dz W_ih, dw_ih = dz' x, dw_hh = dz' h_before, db = 1' dz.
 *
 * The weights serve every step, so they are packed first. Sequences do not see each other: a chunk for the pool is some of
 * them, through all steps. */
#include "recurrence.h"

#include <string.h>

#include "pool.h"
#include "product.h"
#include "scratch.h"

/* Fewer steps do not pay for packing the weights. */
#define WORTH_PACKING 4

/* Below so many multiplications a second thread gains nothing. */
#define WORTH_THREADS 2e6

/* Backward goes by groups of steps that have so many rows: their dz is still in the cache when all gradients are made. */
#define GROUP 256

/* Sequences of a chunk: for one thread as many as one packing of weights and one cache serve well. */
#define CHUNK 64
#define CHUNK_OF_THREADS 8

static size_t size_of(const struct recurrence *r)
{
    return r->is_double ? sizeof(double) : sizeof(float);
}

static ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b)
{
    return a < b ? a : b;
}

static ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b)
{
    return a > b ? a : b;
}

/* The rows of step number s of those computed. */
static ptrdiff_t size_of_step(const struct recurrence *r, ptrdiff_t s)
{
    return r->sizes[r->reverse ? r->steps - 1 - s : s];
}

/* -- memory: one block of scratch is cut into pieces ----------------------------------------------------------------- */

struct memory {
    char *begin; /* NULL while the pieces are only counted */
    size_t used;
};

static void *piece(struct memory *memory, size_t bytes)
{
    void *place = memory->begin ? memory->begin + memory->used : NULL;
    memory->used += (bytes + 63) & ~(size_t)63;
    return place;
}

/* -- steps ----------------------------------------------------------------------------------------------------------- */

static ptrdiff_t rows_of_all(const struct recurrence *r)
{
    ptrdiff_t rows = 0;
    for (ptrdiff_t t = 0; t < r->steps; t++)
        rows += r->sizes[t];
    return rows;
}

/* Without packed weights a product may choose its form by the number of rows: then all sequences stay together. */
static void run(void (*work)(void *job, ptrdiff_t chunk), void *job, const struct recurrence *r, bool packed,
                ptrdiff_t *sequences)
{
    const double products = (double)rows_of_all(r) * r->cell->gates * r->units * (r->inputs + r->units);
    const bool alone = products < WORTH_THREADS || pool_threads() == 1;
    *sequences = !packed ? larger(r->sequences, 1) : alone ? CHUNK : CHUNK_OF_THREADS;
    const ptrdiff_t chunks = (r->sequences + *sequences - 1) / *sequences;
    if (!packed || alone) {
        for (ptrdiff_t chunk = 0; chunk < chunks; chunk++)
            work(job, chunk);
    }
    else
        pool_run(work, job, chunks);
}

/* -- forward --------------------------------------------------------------------------------------------------------- */

/* One of the two products that the sums are made of: of the inputs, or of the states before. */
struct part {
    ptrdiff_t depth;     /* I or H */
    const char *weights; /* (G H, depth), or panels of it, those of one gate after those of another */
    const char *bias;    /* (G, padded), or NULL */
};

struct forward {
    const struct recurrence *r;
    bool packed;
    ptrdiff_t width, padded; /* units of a panel; units of all panels */
    ptrdiff_t sums;
    ptrdiff_t chunk; /* sequences of a chunk */
    struct part inputs, states;
    char *z; /* (N, sums, padded) */
};

/* z = a W' + b, or z += a W' + b, for each gate and the units of a panel. */
static void sum_part(const struct forward *f, const struct part *part, const void *a, ptrdiff_t rows, ptrdiff_t unit, char *z,
                     bool add)
{
    const struct recurrence *r = f->r;
    const size_t size = size_of(r);
    for (int gate = 0; gate < r->cell->gates; gate++) {
        const bool apart = add && r->cell->apart && gate == r->cell->gates - 1;
        const ptrdiff_t first = f->packed ? gate * f->padded + unit : gate * r->units;
        const struct product p = {
            .batch = 1, .m = rows, .n = f->width, .k = part->depth,
            .a = a, .a_row = part->depth,
            .b = part->weights + first * part->depth * size, .b_row = f->packed ? f->width : part->depth,
            .b_transposed = !f->packed,
            .bias = part->bias ? part->bias + (gate * f->padded + unit) * size : NULL,
            .y = z + ((gate + apart) * f->padded + unit) * size, .y_row = f->sums * f->padded,
            .accumulate = add && !apart, .is_double = r->is_double,
        };
        product(&p);
    }
}

static void forward_chunk(void *argument, ptrdiff_t chunk)
{
    const struct forward *f = argument;
    const struct recurrence *r = f->r;
    const size_t size = size_of(r);
    const ptrdiff_t first = chunk * f->chunk, end = smaller(first + f->chunk, r->sequences);
    char *z = f->z + first * f->sums * f->padded * size;
    char *h = (char *)r->h_n + first * r->units * size;
    ptrdiff_t row = r->reverse ? rows_of_all(r) : 0;
    for (ptrdiff_t s = 0; s < r->steps; s++) {
        const ptrdiff_t n = size_of_step(r, s);
        const ptrdiff_t rows = smaller(end, n) - first;
        row -= r->reverse ? n : 0;
        if (rows > 0) {
            const char *x = (const char *)r->x + (row + first) * r->inputs * size;
            for (ptrdiff_t unit = 0; unit < r->units; unit += f->width) {
                sum_part(f, &f->inputs, x, rows, unit, z, false);
                sum_part(f, &f->states, h, rows, unit, z, true);
            }
            const struct forward_step step = {
                .rows = rows, .row = row + first, .sequence = first,
                .z = z, .z_row = f->sums * f->padded, .z_sum = f->padded,
            };
            r->cell->forward(r, &step);
            memcpy(h, (const char *)r->y + (row + first) * r->units * size, rows * r->units * size);
        }
        row += r->reverse ? 0 : n;
    }
}

/* The panels of each gate, one gate after the other. */
static void pack_gates(const struct forward *f, const void *weights, ptrdiff_t depth, char *panels)
{
    const struct recurrence *r = f->r;
    const size_t size = size_of(r);
    for (int gate = 0; gate < r->cell->gates; gate++) {
        const struct product p = {
            .n = r->units, .k = depth, .b = (const char *)weights + gate * r->units * depth * size, .b_row = depth,
            .b_transposed = true, .is_double = r->is_double,
        };
        pack_panels(&p, f->width, panels + gate * f->padded * depth * size);
    }
}

static void pad_bias(const struct forward *f, const char *bias, char *padded)
{
    const size_t bytes = f->r->units * size_of(f->r), row = f->padded * size_of(f->r);
    memset(padded, 0, f->r->cell->gates * row);
    for (int gate = 0; gate < f->r->cell->gates; gate++)
        memcpy(padded + gate * row, bias + gate * bytes, bytes);
}

static void place_forward(struct forward *f, struct memory *memory)
{
    const struct recurrence *r = f->r;
    const size_t row = r->cell->gates * f->padded * size_of(r);
    f->inputs = (struct part){r->inputs, r->w_ih, r->b_ih};
    f->states = (struct part){r->units, r->w_hh, r->b_hh};
    if (f->packed) {
        f->inputs.weights = piece(memory, row * r->inputs);
        f->states.weights = piece(memory, row * r->units);
        if (r->b_ih)
            f->inputs.bias = piece(memory, row);
        if (r->b_hh)
            f->states.bias = piece(memory, row);
    }
    f->z = piece(memory, r->sequences * f->sums * f->padded * size_of(r));
}

bool forward_in_time(const struct recurrence *r)
{
    const size_t state = r->sequences * r->units * size_of(r);
    struct forward f = {.r = r, .sums = r->cell->gates + r->cell->apart, .packed = r->steps >= WORTH_PACKING};
    f.width = f.packed ? panel_width(r->sequences, r->is_double) : r->units;
    f.padded = f.width ? (r->units + f.width - 1) / f.width * f.width : 0;
    struct memory memory = {0};
    place_forward(&f, &memory);
    memory = (struct memory){.begin = scratch(0, memory.used)};
    if (!memory.begin)
        return false;
    place_forward(&f, &memory);
    if (f.packed) {
        pack_gates(&f, r->w_ih, r->inputs, (char *)f.inputs.weights);
        pack_gates(&f, r->w_hh, r->units, (char *)f.states.weights);
        if (r->b_ih)
            pad_bias(&f, r->b_ih, (char *)f.inputs.bias);
        if (r->b_hh)
            pad_bias(&f, r->b_hh, (char *)f.states.bias);
    }
    memcpy(r->h_n, r->h0, state);
    if (r->c_n)
        memcpy(r->c_n, r->c0, state);
    run(forward_chunk, &f, r, f.packed, &f.chunk);
    return true;
}

/* -- backward -------------------------------------------------------------------------------------------------------- */

struct backward {
    const struct recurrence *r;
    bool packed;
    ptrdiff_t width, padded; /* units of a panel; units of all panels */
    ptrdiff_t sums, dz_row;
    ptrdiff_t chunk;         /* sequences of a chunk */
    ptrdiff_t most_rows;     /* of a group of steps */
    ptrdiff_t step, end_step, row, rows; /* the group in work: steps in the order computed; its first row and how many */
    const char *weights;     /* w_hh, or panels of it */
    char *dh, *dc;           /* (N, padded) */
    char *dz;                /* (rows, sums, H), its rows dz_row apart */
    char *before;            /* (rows, H): for each row the h that its step started from */
    char *ones;              /* (rows) */
};

/* dh = dz W_hh, or dh += dz W_hh. */
static void through_gates(const struct backward *b, const char *dz, char *dh, ptrdiff_t rows)
{
    const struct recurrence *r = b->r;
    const size_t size = size_of(r);
    const ptrdiff_t depth = r->cell->gates * r->units;
    for (ptrdiff_t unit = 0; unit < b->padded; unit += b->width) {
        const struct product p = {
            .batch = 1, .m = rows, .n = b->width, .k = depth,
            .a = dz + r->cell->apart * r->units * size, .a_row = b->dz_row,
            .b = b->weights + unit * depth * size, .b_row = b->width,
            .y = dh + unit * size, .y_row = b->padded,
            .accumulate = r->cell->past_gates, .is_double = r->is_double,
        };
        product(&p);
    }
}

/* Rows of a step whose sequences started it from these states. */
static void backward_rows(const struct backward *b, ptrdiff_t row, ptrdiff_t sequence, ptrdiff_t rows, const void *h,
                          const void *c)
{
    const struct recurrence *r = b->r;
    const size_t size = size_of(r);
    if (rows <= 0)
        return;
    const struct backward_step step = {
        .rows = rows, .row = row, .h_before = h, .c_before = c,
        .dh = b->dh + sequence * b->padded * size, .dc = b->dc ? b->dc + sequence * b->padded * size : NULL,
        .dz = b->dz + (row - b->row) * b->dz_row * size, .state_row = b->padded, .dz_row = b->dz_row,
    };
    r->cell->backward(r, &step);
    if (b->before)
        memcpy(b->before + (row - b->row) * r->units * size, h, rows * r->units * size);
}

static const char *rows_at(const void *array, ptrdiff_t row, const struct recurrence *r)
{
    return array ? (const char *)array + row * r->units * size_of(r) : NULL;
}

static void backward_chunk(void *argument, ptrdiff_t chunk)
{
    const struct backward *b = argument;
    const struct recurrence *r = b->r;
    const size_t size = size_of(r);
    const ptrdiff_t first = chunk * b->chunk, end = smaller(first + b->chunk, r->sequences);
    ptrdiff_t row = r->reverse ? b->row : b->row + b->rows;
    for (ptrdiff_t s = b->end_step - 1; s >= b->step; s--) {
        const ptrdiff_t n = size_of_step(r, s), n_before = s > 0 ? size_of_step(r, s - 1) : 0;
        row -= r->reverse ? 0 : n;
        const ptrdiff_t rows = smaller(end, n) - first, begun = larger(smaller(smaller(end, n), n_before) - first, 0);
        if (rows > 0) {
            const ptrdiff_t before = first + (r->reverse ? row + n : row - n_before);
            backward_rows(b, row + first, first, begun, rows_at(r->y, before, r), rows_at(r->kept, before, r));
            backward_rows(b, row + first + begun, first + begun, rows - begun, rows_at(r->h0, first + begun, r),
                          rows_at(r->c0, first + begun, r));
            through_gates(b, b->dz + (row + first - b->row) * b->dz_row * size, b->dh + first * b->padded * size, rows);
        }
        row += r->reverse ? n : 0;
    }
}

/* y = a' x or y = a x, where a is some columns of dz. */
static void long_product(const struct backward *b, ptrdiff_t column, ptrdiff_t columns, bool transposed, const void *x,
                         ptrdiff_t n, void *y, bool accumulate)
{
    const struct recurrence *r = b->r;
    const struct product p = {
        .batch = 1, .m = transposed ? columns : b->rows, .n = n, .k = transposed ? b->rows : columns,
        .a = b->dz + column * size_of(r), .a_row = b->dz_row, .a_transposed = transposed,
        .b = x, .b_row = n, .y = y, .y_row = n, .accumulate = accumulate, .is_double = r->is_double,
    };
    product(&p);
}

/* y = the sums of some columns of dz. */
static void column_sums(const struct backward *b, ptrdiff_t column, ptrdiff_t columns, void *y, bool accumulate)
{
    const struct recurrence *r = b->r;
    const struct product p = {
        .batch = 1, .m = 1, .n = columns, .k = b->rows, .a = b->ones, .a_row = b->rows,
        .b = b->dz + column * size_of(r), .b_row = b->dz_row, .y = y, .y_row = columns, .accumulate = accumulate,
        .is_double = r->is_double,
    };
    product(&p);
}

/* The gradients that are long products of dz. */
static void long_products(const struct backward *b, bool add)
{
    const struct recurrence *r = b->r;
    const size_t size = size_of(r);
    const ptrdiff_t all = r->cell->gates * r->units;
    /* The rows of w_ih that stand in their order in dz, from the column `first`; and those of a gate apart, column 0. */
    const ptrdiff_t first = r->cell->apart ? r->units : 0, rows = all - first;
    const char *w_apart = (const char *)r->w_ih + rows * r->inputs * size;
    const char *x = (const char *)r->x + b->row * r->inputs * size;
    if (r->dx) {
        char *dx = (char *)r->dx + b->row * r->inputs * size;
        long_product(b, first, rows, false, r->w_ih, r->inputs, dx, false);
        if (first)
            long_product(b, 0, first, false, w_apart, r->inputs, dx, true);
    }
    if (r->dw_ih) {
        long_product(b, first, rows, true, x, r->inputs, r->dw_ih, add);
        if (first)
            long_product(b, 0, first, true, x, r->inputs, (char *)r->dw_ih + rows * r->inputs * size, add);
    }
    if (r->db_ih) {
        column_sums(b, first, rows, r->db_ih, add);
        if (first)
            column_sums(b, 0, first, (char *)r->db_ih + rows * size, add);
    }
    if (r->dw_hh)
        long_product(b, first, all, true, b->before, r->units, r->dw_hh, add);
    if (r->db_hh)
        column_sums(b, first, all, r->db_hh, add);
}

static void place_backward(struct backward *b, struct memory *memory)
{
    const struct recurrence *r = b->r;
    const size_t size = size_of(r), rows = b->most_rows;
    b->weights = r->w_hh;
    if (b->packed)
        b->weights = piece(memory, r->cell->gates * r->units * b->padded * size);
    b->dh = piece(memory, r->sequences * b->padded * size);
    b->dc = r->c0 ? piece(memory, r->sequences * b->padded * size) : NULL;
    b->dz = piece(memory, rows * b->dz_row * size);
    b->before = r->dw_hh ? piece(memory, rows * r->units * size) : NULL;
    b->ones = piece(memory, rows * size);
}

/* Copies (N, H), whose rows may be further apart. */
static void copy_state(const struct recurrence *r, const void *from, ptrdiff_t from_row, void *to, ptrdiff_t to_row)
{
    const size_t size = size_of(r);
    for (ptrdiff_t n = 0; n < r->sequences; n++)
        memcpy((char *)to + n * to_row * size, (const char *)from + n * from_row * size, r->units * size);
}

bool backward_in_time(const struct recurrence *r)
{
    struct backward b = {.r = r, .sums = r->cell->gates + r->cell->apart, .packed = r->steps >= WORTH_PACKING};
    b.width = b.packed ? panel_width(r->sequences, r->is_double) : r->units;
    b.padded = b.width ? (r->units + b.width - 1) / b.width * b.width : 0;
    b.dz_row = b.sums * r->units + 16; /* rows a power of 2 apart would meet in few sets of the cache */
    b.most_rows = smaller(rows_of_all(r), GROUP + r->sequences);
    struct memory memory = {0};
    place_backward(&b, &memory);
    memory = (struct memory){.begin = scratch(0, memory.used)};
    if (!memory.begin)
        return false;
    place_backward(&b, &memory);
    if (b.packed) {
        const struct product p = {
            .n = r->units, .k = r->cell->gates * r->units, .b = r->w_hh, .b_row = r->units, .is_double = r->is_double,
        };
        pack_panels(&p, b.width, (char *)b.weights);
    }
    copy_state(r, r->g_h_n, r->units, b.dh, b.padded);
    if (r->c0)
        copy_state(r, r->g_c_n, r->units, b.dc, b.padded);
    for (ptrdiff_t i = 0; i < b.most_rows; i++) {
        if (r->is_double)
            ((double *)b.ones)[i] = 1;
        else
            ((float *)b.ones)[i] = 1;
    }
    bool add = false;
    b.end_step = r->steps;
    b.row = r->reverse ? 0 : rows_of_all(r);
    b.rows = 0;
    do {
        b.row += r->reverse ? b.rows : 0;
        b.rows = 0;
        for (b.step = b.end_step; b.step > 0 && b.rows < GROUP; b.step--)
            b.rows += size_of_step(r, b.step - 1);
        b.row -= r->reverse ? 0 : b.rows;
        run(backward_chunk, &b, r, b.packed, &b.chunk);
        long_products(&b, add);
        add = true;
        b.end_step = b.step;
    } while (b.step > 0);
    if (r->dh0)
        copy_state(r, b.dh, b.padded, r->dh0, r->units);
    if (r->dc0)
        copy_state(r, b.dc, b.padded, r->dc0, r->units);
    return true;
}
