/* The time steps of a recurrent layer, and the products between them: see recurrence.h.
 *
 * Forward, step by step: the sums of all gates, which are products, then the cell.
 * Backward, from the last step to the first: the cell, which leaves dz, the gradient of its sums, then dh = dz W_hh. The
 * other gradients are products over many steps: dx = dz W_ih, dw_ih = dz' x, dw_hh = dz' h_before, db = 1' dz.
 *
 * The weights serve every step, so they are packed first. Sequences do not see each other: a chunk for the pool is some
 * of them, through all steps. */
#include "recurrence.h"

#include <string.h>

#include "pool.h"
#include "product.h"
#include "scratch.h"

/* Fewer steps do not pay for packing the weights. */
#define WORTH_PACKING 4

/* Below so many multiplications a second thread gains nothing. */
#define WORTH_THREADS 2e6

/* Backward goes by groups of steps with so many rows: their dz is still in the cache when the gradients are made of it. */
#define GROUP 256

/* Sequences of a chunk. One thread takes many, as each panel of weights then serves many; so many that their sums stay in
 * the cache. */
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

/* One block of scratch memory is cut into pieces. */
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

static ptrdiff_t rows_of_all(const struct recurrence *r)
{
    ptrdiff_t rows = 0;
    for (ptrdiff_t t = 0; t < r->steps; t++)
        rows += r->sizes[t];
    return rows;
}

/* How the units lie: packed, in panels of `width`, the last of which need not be full; otherwise as if all were one. */
struct panels {
    bool packed;
    ptrdiff_t width, whole; /* whole: the units of all panels */
    ptrdiff_t padded;       /* those that are computed: whole vectors */
};

static ptrdiff_t round_up(ptrdiff_t a, ptrdiff_t b)
{
    return (a + b - 1) / b * b;
}

static struct panels panels_for(const struct recurrence *r)
{
    if (r->steps < WORTH_PACKING)
        return (struct panels){.width = larger(r->units, 1), .whole = r->units, .padded = r->units};
    const ptrdiff_t width = panel_width(r->sequences, r->is_double);
    return (struct panels){true, width, round_up(r->units, width), round_up(r->units, width / 2)};
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

/* -- forward ------------------------------------------------------------------------------------------------------- */

/* One of the two products that the sums are made of: of the inputs, or of the states before. */
struct part {
    ptrdiff_t depth;     /* I or H */
    const char *weights; /* (G H, depth), or panels of it, those of one gate after those of another */
    const char *bias;    /* (G, padded), or NULL */
};

struct forward {
    const struct recurrence *r;
    struct panels panels;
    ptrdiff_t sums;
    ptrdiff_t chunk; /* sequences of a chunk */
    struct part inputs, states;
    char *z;         /* (N, sums, padded) */
};

/* z = a W' + b, or z += a W' + b, for each gate and the units of a panel. */
static void sum_part(const struct forward *f, const struct part *part, const void *a, ptrdiff_t rows, ptrdiff_t unit,
                     char *z, bool add)
{
    const struct recurrence *r = f->r;
    const struct panels at = f->panels;
    const size_t size = size_of(r);
    for (int gate = 0; gate < r->cell->gates; gate++) {
        const bool apart = add && r->cell->apart && gate == r->cell->gates - 1;
        const struct product p = {
            .batch = 1, .m = rows, .n = smaller(at.width, at.padded - unit), .k = part->depth,
            .a = a, .a_row = part->depth,
            .b = part->weights + (gate * at.whole + unit) * part->depth * size,
            .b_row = at.packed ? at.width : part->depth, .b_transposed = !at.packed,
            .bias = part->bias ? part->bias + (gate * at.padded + unit) * size : NULL,
            .y = z + ((gate + apart) * at.padded + unit) * size, .y_row = f->sums * at.padded,
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
    const ptrdiff_t z_row = f->sums * f->panels.padded;
    char *z = f->z + first * z_row * size;
    char *h = (char *)r->h_n + first * r->units * size;
    ptrdiff_t row = r->reverse ? rows_of_all(r) : 0;
    for (ptrdiff_t s = 0; s < r->steps; s++) {
        const ptrdiff_t n = size_of_step(r, s);
        const ptrdiff_t rows = smaller(end, n) - first;
        row -= r->reverse ? n : 0;
        if (rows > 0) {
            const char *x = (const char *)r->x + (row + first) * r->inputs * size;
            for (ptrdiff_t unit = 0; unit < r->units; unit += f->panels.width) {
                sum_part(f, &f->inputs, x, rows, unit, z, false);
                sum_part(f, &f->states, h, rows, unit, z, true);
            }
            const struct forward_step step = {
                .rows = rows, .row = row + first, .sequence = first,
                .z = z, .z_row = z_row, .z_sum = f->panels.padded,
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
        pack_panels(&p, f->panels.width, panels + gate * f->panels.whole * depth * size);
    }
}

static void pad_bias(const struct forward *f, const char *bias, char *padded)
{
    const size_t bytes = f->r->units * size_of(f->r), row = f->panels.padded * size_of(f->r);
    memset(padded, 0, f->r->cell->gates * row);
    for (int gate = 0; gate < f->r->cell->gates; gate++)
        memcpy(padded + gate * row, bias + gate * bytes, bytes);
}

static void place_forward(struct forward *f, struct memory *memory)
{
    const struct recurrence *r = f->r;
    const size_t row = r->cell->gates * f->panels.whole * size_of(r);
    f->inputs = (struct part){r->inputs, r->w_ih, r->b_ih};
    f->states = (struct part){r->units, r->w_hh, r->b_hh};
    if (f->panels.packed) {
        f->inputs.weights = piece(memory, row * r->inputs);
        f->states.weights = piece(memory, row * r->units);
        if (r->b_ih)
            f->inputs.bias = piece(memory, row);
        if (r->b_hh)
            f->states.bias = piece(memory, row);
    }
    f->z = piece(memory, r->sequences * f->sums * f->panels.padded * size_of(r));
}

bool forward_in_time(const struct recurrence *r)
{
    const size_t state = r->sequences * r->units * size_of(r);
    struct forward f = {.r = r, .panels = panels_for(r), .sums = r->cell->gates + r->cell->apart};
    struct memory memory = {0};
    place_forward(&f, &memory);
    memory = (struct memory){.begin = scratch(0, memory.used)};
    if (!memory.begin)
        return false;
    place_forward(&f, &memory);
    if (f.panels.packed) {
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
    run(forward_chunk, &f, r, f.panels.packed, &f.chunk);
    return true;
}

/* -- backward ------------------------------------------------------------------------------------------------------ */

struct backward {
    const struct recurrence *r;
    struct panels panels;
    ptrdiff_t dz_row;
    ptrdiff_t chunk;          /* sequences of a chunk */
    ptrdiff_t step, end_step; /* the group of steps in work, in the order computed */
    ptrdiff_t row, rows;      /* its first row, and how many */
    const char *weights;      /* w_hh, or panels of it */
    char *dh, *dc;            /* (N, padded) */
    char *dz;                 /* (rows, sums, H), its rows dz_row apart */
    char *before;             /* (rows, H): for each row the h that its step started from */
    char *ones;               /* (rows) */
};

/* dh = dz W_hh, or dh += dz W_hh. */
static void through_gates(const struct backward *b, const char *dz, char *dh, ptrdiff_t rows)
{
    const struct recurrence *r = b->r;
    const struct panels at = b->panels;
    const size_t size = size_of(r);
    const ptrdiff_t depth = r->cell->gates * r->units;
    for (ptrdiff_t unit = 0; unit < r->units; unit += at.width) {
        const struct product p = {
            .batch = 1, .m = rows, .n = smaller(at.width, at.padded - unit), .k = depth,
            .a = dz + r->cell->apart * r->units * size, .a_row = b->dz_row,
            .b = b->weights + unit * depth * size, .b_row = at.width,
            .y = dh + unit * size, .y_row = at.padded,
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
    const size_t size = size_of(r), state = sequence * b->panels.padded * size;
    if (rows <= 0)
        return;
    const struct backward_step step = {
        .rows = rows, .row = row, .h_before = h, .c_before = c,
        .dh = b->dh + state, .dc = b->dc ? b->dc + state : NULL, .state_row = b->panels.padded,
        .dz = b->dz + (row - b->row) * b->dz_row * size, .dz_row = b->dz_row,
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
    char *dh = b->dh + first * b->panels.padded * size;
    ptrdiff_t row = r->reverse ? b->row : b->row + b->rows;
    for (ptrdiff_t s = b->end_step - 1; s >= b->step; s--) {
        const ptrdiff_t n = size_of_step(r, s), n_before = s > 0 ? size_of_step(r, s - 1) : 0;
        row -= r->reverse ? 0 : n;
        const ptrdiff_t rows = smaller(end, n) - first;
        const ptrdiff_t begun = larger(smaller(smaller(end, n), n_before) - first, 0); /* by an earlier step */
        if (rows > 0) {
            const ptrdiff_t before = first + (r->reverse ? row + n : row - n_before);
            backward_rows(b, row + first, first, begun, rows_at(r->y, before, r), rows_at(r->kept, before, r));
            backward_rows(b, row + first + begun, first + begun, rows - begun, rows_at(r->h0, first + begun, r),
                          rows_at(r->c0, first + begun, r));
            through_gates(b, b->dz + (row + first - b->row) * b->dz_row * size, dh, rows);
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
    /* So many rows of w_ih have their gradients in dz from the column `first` on; a gate that is apart has them before. */
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

/* The pieces for groups of at most so many rows. */
static void place_backward(struct backward *b, ptrdiff_t rows, struct memory *memory)
{
    const struct recurrence *r = b->r;
    const size_t size = size_of(r), state = r->sequences * b->panels.padded * size;
    b->weights = r->w_hh;
    if (b->panels.packed)
        b->weights = piece(memory, r->cell->gates * r->units * b->panels.whole * size);
    b->dh = piece(memory, state);
    b->dc = r->c0 ? piece(memory, state) : NULL;
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

static void fill_with_ones(const struct recurrence *r, void *ones, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++) {
        if (r->is_double)
            ((double *)ones)[i] = 1;
        else
            ((float *)ones)[i] = 1;
    }
}

bool backward_in_time(const struct recurrence *r)
{
    const ptrdiff_t all_rows = rows_of_all(r), most_rows = smaller(all_rows, GROUP + r->sequences);
    struct backward b = {.r = r, .panels = panels_for(r), .end_step = r->steps, .row = r->reverse ? 0 : all_rows};
    /* Rows a power of 2 apart would meet in few sets of the cache. */
    b.dz_row = (r->cell->gates + r->cell->apart) * r->units + 16;
    struct memory memory = {0};
    place_backward(&b, most_rows, &memory);
    memory = (struct memory){.begin = scratch(0, memory.used)};
    if (!memory.begin)
        return false;
    place_backward(&b, most_rows, &memory);
    if (b.panels.packed) {
        const struct product p = {
            .n = r->units, .k = r->cell->gates * r->units, .b = r->w_hh, .b_row = r->units, .is_double = r->is_double,
        };
        pack_panels(&p, b.panels.width, (char *)b.weights);
    }
    fill_with_ones(r, b.ones, most_rows);
    copy_state(r, r->g_h_n, r->units, b.dh, b.panels.padded);
    if (r->c0)
        copy_state(r, r->g_c_n, r->units, b.dc, b.panels.padded);
    do {
        b.row += r->reverse ? b.rows : 0;
        b.rows = 0;
        for (b.step = b.end_step; b.step > 0 && b.rows < GROUP; b.step--)
            b.rows += size_of_step(r, b.step - 1);
        b.row -= r->reverse ? 0 : b.rows;
        run(backward_chunk, &b, r, b.panels.packed, &b.chunk);
        long_products(&b, b.end_step < r->steps);
        b.end_step = b.step;
    } while (b.step > 0);
    if (r->dh0)
        copy_state(r, b.dh, b.panels.padded, r->dh0, r->units);
    if (r->dc0)
        copy_state(r, b.dc, b.panels.padded, r->dc0, r->units);
    return true;
}
