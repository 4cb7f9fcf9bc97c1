/* Layer normalisation, a row after the other. See core/units.h. */
#include "core/moments.h"

INLINE VECTOR NAME(affine)(VECTOR x, REAL mean, REAL rstd, const VECTOR *w, const VECTOR *b)
{
    VECTOR y = (x - mean) * rstd;
    if (w)
        y *= *w;
    return b ? y + *b : y;
}

static void NAME(forward)(const struct layer_norm *l, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t n = l->width;
    const REAL *w = l->w, *b = l->b;
    for (ptrdiff_t row = first; row < last; row++) {
        const REAL *x = (const REAL *)l->x + row * n;
        REAL *y = (REAL *)l->y + row * n;
        const REAL mean = l->mean ? (REAL)(NAME(row_sum)(x, n) / n) : 0;
        const REAL rstd = (REAL)(1 / sqrt(NAME(row_squares)(x, n, mean) / n + l->eps));
        if (l->mean)
            ((REAL *)l->mean)[row] = mean;
        ((REAL *)l->rstd)[row] = rstd;
        for (ptrdiff_t i = 0; i < n; i += LANES) {
            VECTOR weight = {0}, bias = {0};
            if (i + LANES <= n) {
                if (w)
                    weight = NAME(load)(w + i);
                if (b)
                    bias = NAME(load)(b + i);
                NAME(store)(y + i, NAME(affine)(NAME(load)(x + i), mean, rstd, w ? &weight : NULL, b ? &bias : NULL));
                continue;
            }
            if (w)
                weight = NAME(load_end)(w, n);
            if (b)
                bias = NAME(load_end)(b, n);
            NAME(store_end)(y, NAME(affine)(NAME(load_end)(x, n), mean, rstd, w ? &weight : NULL, b ? &bias : NULL), n);
        }
    }
}

/* Some rows side by side share the loads and stores of w, dw and db. */
#define SIDE_BY_SIDE 4

struct NAME(side) {
    const REAL *x, *g;
    REAL mean, rstd;
    VECTOR one, normal; /* sums of g w and of g w normal, over a block */
    double along_one, along_normal;
};

/* One vector of each row: its part in the sums, in dw and in db. */
INLINE void NAME(gather)(int rows, struct NAME(side) side[], const VECTOR x[], const VECTOR g[], VECTOR weight, VECTOR *dw,
                         VECTOR *db)
{
    UNROLL
    for (int r = 0; r < rows; r++) {
        const VECTOR g_normal = g[r] * ((x[r] - side[r].mean) * side[r].rstd);
        *dw += g_normal;
        *db += g[r];
        side[r].one += g[r] * weight;
        side[r].normal += g_normal * weight;
    }
}

/* `rows` rows from `row` on; see backward. */
INLINE void NAME(backward_rows)(int rows, const struct layer_norm *l, ptrdiff_t row, REAL *dw, REAL *db)
{
    const ptrdiff_t n = l->width;
    const REAL *w = l->w;
    const VECTOR ones = NAME(fill)(1), none = {0};
    struct NAME(side) side[SIDE_BY_SIDE];
    VECTOR x[SIDE_BY_SIDE], g[SIDE_BY_SIDE];
    UNROLL
    for (int r = 0; r < rows; r++)
        side[r] = (struct NAME(side)){
            .x = (const REAL *)l->x + (row + r) * n,
            .g = (const REAL *)l->g + (row + r) * n,
            .mean = l->mean ? ((const REAL *)l->mean)[row + r] : 0,
            .rstd = ((const REAL *)l->rstd)[row + r],
        };
    ptrdiff_t i = 0;
    while (i + LANES <= n) {
        for (const ptrdiff_t stop = i + BLOCK < n ? i + BLOCK : n; i + LANES <= stop; i += LANES) {
            VECTOR to_dw = dw ? NAME(load)(dw + i) : none, to_db = db ? NAME(load)(db + i) : none;
            UNROLL
            for (int r = 0; r < rows; r++) {
                x[r] = NAME(load)(side[r].x + i);
                g[r] = NAME(load)(side[r].g + i);
            }
            NAME(gather)(rows, side, x, g, w ? NAME(load)(w + i) : ones, &to_dw, &to_db);
            if (dw)
                NAME(store)(dw + i, to_dw);
            if (db)
                NAME(store)(db + i, to_db);
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            side[r].along_one += NAME(sum)(side[r].one);
            side[r].along_normal += NAME(sum)(side[r].normal);
            side[r].one = side[r].normal = none;
        }
    }
    if (i < n) { /* what the loop has counted is 0 here */
        const MASK ends = NAME(ends)(n);
        VECTOR to_dw = dw ? NAME(load_end)(dw, n) : none, to_db = db ? NAME(load_end)(db, n) : none;
        UNROLL
        for (int r = 0; r < rows; r++) {
            x[r] = NAME(select)(ends, NAME(load_end)(side[r].x, n), NAME(fill)(side[r].mean));
            g[r] = (VECTOR)((MASK)NAME(load_end)(side[r].g, n) & ends);
        }
        NAME(gather)(rows, side, x, g, w ? NAME(load_end)(w, n) : ones, &to_dw, &to_db);
        if (dw)
            NAME(store_end)(dw, to_dw, n);
        if (db)
            NAME(store_end)(db, to_db, n);
        UNROLL
        for (int r = 0; r < rows; r++) {
            side[r].along_one += NAME(sum)((VECTOR)((MASK)side[r].one & ends));
            side[r].along_normal += NAME(sum)((VECTOR)((MASK)side[r].normal & ends));
        }
    }
    if (!l->dx)
        return;
    for (int r = 0; r < rows; r++) {
        const REAL *from = side[r].x, *cotangent = side[r].g, mean = side[r].mean, rstd = side[r].rstd;
        const REAL along_one = l->mean ? (REAL)(side[r].along_one / n) : 0, along_normal = (REAL)(side[r].along_normal / n);
        REAL *dx = (REAL *)l->dx + (row + r) * n;
#define DX(x, g, w) (rstd * ((g) * (w) - along_one - (((x) - mean) * rstd) * along_normal))
        for (i = 0; i + LANES <= n; i += LANES)
            NAME(store)(dx + i, DX(NAME(load)(from + i), NAME(load)(cotangent + i), w ? NAME(load)(w + i) : ones));
        if (i < n)
            NAME(store_end)(dx, DX(NAME(load_end)(from, n), NAME(load_end)(cotangent, n), w ? NAME(load_end)(w, n) : ones), n);
#undef DX
    }
}

/* Rows first .. last - 1. Their share of dw and db is added to `dw` and `db`, of one chunk alone, or NULL. */
static void NAME(backward)(const struct layer_norm *l, ptrdiff_t first, ptrdiff_t last, void *dw, void *db)
{
    ptrdiff_t row = first;
    for (; row + SIDE_BY_SIDE <= last; row += SIDE_BY_SIDE)
        NAME(backward_rows)(SIDE_BY_SIDE, l, row, dw, db);
    for (; row < last; row++)
        NAME(backward_rows)(1, l, row, dw, db);
}

#undef SIDE_BY_SIDE

/* sum[i] += part[i]. */
static void NAME(add)(void *sum, const void *part, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        ((REAL *)sum)[i] += ((const REAL *)part)[i];
}

#undef ROW_SUM
#undef BLOCK
