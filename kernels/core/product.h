/* The product y = f(a b + bias), or y = f(y + a b + bias): what product.c is asked, and what each unit offers to it. */
#ifndef MINIDL_PRODUCT_H
#define MINIDL_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

struct product {
    ptrdiff_t batch, m, n, k;             /* batch times (m, k) x (k, n) */
    const void *a, *b, *bias;             /* bias has n elements, or is NULL */
    void *y;                              /* (m, n) */
    ptrdiff_t a_row, b_row, y_row;        /* from one row, as it is stored, to the next, in elements */
    ptrdiff_t a_batch, b_batch, y_batch;  /* from one product of the batch to the next, in elements */
    bool a_transposed, b_transposed;      /* a is stored (k, m); b is stored (n, k) */
    bool accumulate, relu, is_double;
};

/* Computes every product of the batch. Any size may be 0. y overlaps neither a, b nor bias. */
void product(const struct product *p);

/* For many products with one b, which is then packed once, as panels of `width` columns, one after the other: each is
 * (k, width) in adjacent memory, with zeros past the last column, and is a b with b_row = width. The width suits products
 * of m rows; half of it is a multiple of the vectors' size. Of p only b, b_row, b_transposed, k, n and is_double are read. */
ptrdiff_t panel_width(ptrdiff_t m, bool is_double);
void pack_panels(const struct product *p, ptrdiff_t width, void *panels);

/* How a unit computes: see product.c, where the choice is made. */
enum product_method { DOTS, DIRECT, PACKED };

/* Fills y[first_row:end_row, first_column:end_column] of one product, whose a, b, y are given already shifted. */
typedef void product_block(const struct product *p, enum product_method method, ptrdiff_t first_row, ptrdiff_t end_row,
                           ptrdiff_t first_column, ptrdiff_t end_column);

/* What a unit offers. */
struct product_unit {
    product_block *block;
    void (*panels)(const struct product *p, ptrdiff_t width, void *panels);
    ptrdiff_t few_rows; /* up to so many, a tile is wide_tile columns wide, otherwise tile */
    ptrdiff_t tile, wide_tile;
};

#endif
