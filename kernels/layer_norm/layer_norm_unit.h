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

/* What a vector of a row adds: to the sums of g w and of g w normal, and to dw and db. */
struct NAME(sums) {
    VECTOR one, normal;
};

INLINE void NAME(gather)(struct NAME(sums) *sums, VECTOR x, VECTOR g, REAL mean, REAL rstd, const REAL *w, VECTOR weight,
                         VECTOR *dw, VECTOR *db)
{
    const VECTOR g_normal = g * ((x - mean) * rstd);
    *dw += g_normal;
    *db += g;
    sums->one += w ? g * weight : g;
    sums->normal += w ? g_normal * weight : g_normal;
}

/* Rows first .. last - 1. Their share of dw and db is added to `dw` and `db`, of one chunk alone, or NULL. */
static void NAME(backward)(const struct layer_norm *l, ptrdiff_t first, ptrdiff_t last, void *dw_here, void *db_here)
{
    const ptrdiff_t n = l->width;
    const REAL *w = l->w;
    REAL *dw = dw_here, *db = db_here;
    const MASK ends = NAME(ends)(n);
    for (ptrdiff_t row = first; row < last; row++) {
        const REAL *x = (const REAL *)l->x + row * n, *g = (const REAL *)l->g + row * n;
        REAL *dx = (REAL *)l->dx + row * n;
        const REAL mean = l->mean ? ((const REAL *)l->mean)[row] : 0, rstd = ((const REAL *)l->rstd)[row];
        struct NAME(sums) sums = {{0}, {0}};
        double one = 0, normal = 0;
        ptrdiff_t i = 0;
        while (i + LANES <= n) {
            const ptrdiff_t stop = i + BLOCK < n ? i + BLOCK : n;
            for (; i + LANES <= stop; i += LANES) {
                const VECTOR weight = w ? NAME(load)(w + i) : (VECTOR){0};
                VECTOR to_dw = dw ? NAME(load)(dw + i) : (VECTOR){0}, to_db = db ? NAME(load)(db + i) : (VECTOR){0};
                NAME(gather)(&sums, NAME(load)(x + i), NAME(load)(g + i), mean, rstd, w, weight, &to_dw, &to_db);
                if (dw)
                    NAME(store)(dw + i, to_dw);
                if (db)
                    NAME(store)(db + i, to_db);
            }
            one += NAME(sum)(sums.one);
            normal += NAME(sum)(sums.normal);
            sums = (struct NAME(sums)){{0}, {0}};
        }
        if (i < n) { /* of this vector only the ends count */
            const VECTOR weight = w ? NAME(load_end)(w, n) : (VECTOR){0};
            VECTOR to_dw = {0}, to_db = {0};
            NAME(gather)(&sums, NAME(load_end)(x, n), NAME(load_end)(g, n), mean, rstd, w, weight, &to_dw, &to_db);
            if (dw)
                NAME(store_end)(dw, NAME(load_end)(dw, n) + (VECTOR)((MASK)to_dw & ends), n);
            if (db)
                NAME(store_end)(db, NAME(load_end)(db, n) + (VECTOR)((MASK)to_db & ends), n);
            one += NAME(sum)((VECTOR)((MASK)sums.one & ends));
            normal += NAME(sum)((VECTOR)((MASK)sums.normal & ends));
        }
        if (!l->dx)
            continue;
        const REAL along_one = l->mean ? (REAL)(one / n) : 0, along_normal = (REAL)(normal / n);
#define DX(x, g, w) (rstd * ((g) * (w) - along_one - (((x) - mean) * rstd) * along_normal))
        const VECTOR ones = NAME(fill)(1);
        for (i = 0; i + LANES <= n; i += LANES)
            NAME(store)(dx + i, DX(NAME(load)(x + i), NAME(load)(g + i), w ? NAME(load)(w + i) : ones));
        if (i < n)
            NAME(store_end)(dx, DX(NAME(load_end)(x, n), NAME(load_end)(g, n), w ? NAME(load_end)(w, n) : ones), n);
#undef DX
    }
}

/* sum[i] += part[i]. */
static void NAME(add)(void *sum, const void *part, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        ((REAL *)sum)[i] += ((const REAL *)part)[i];
}

#undef ROW_SUM
#undef BLOCK
