/* Sums over a row of numbers, for means and variances. For units: see units.h. */
#include "core/rows.h"

/* So many numbers are added in float, 4 vectors side by side, before double takes over: a float32 row of any length has an
 * exact mean. */
#define BLOCK 2048

/* The sum of term(i) over whole vectors at i = 0, LANES, ... and of last() over what is left. Terms are named by `code`. */
#define ROW_SUM(total, n, term, last)                                                                                  \
    do {                                                                                                               \
        ptrdiff_t i = 0;                                                                                               \
        while (i + LANES <= (n)) {                                                                                     \
            const ptrdiff_t stop = i + BLOCK < (n) ? i + BLOCK : (n);                                                  \
            VECTOR sum0 = {0}, sum1 = {0}, sum2 = {0}, sum3 = {0};                                                     \
            for (; i + 4 * LANES <= stop; i += 4 * LANES) {                                                            \
                sum0 += term(i);                                                                                       \
                sum1 += term(i + LANES);                                                                               \
                sum2 += term(i + 2 * LANES);                                                                           \
                sum3 += term(i + 3 * LANES);                                                                           \
            }                                                                                                          \
            for (; i + LANES <= stop; i += LANES)                                                                      \
                sum0 += term(i);                                                                                       \
            total += NAME(sum)((sum0 + sum1) + (sum2 + sum3));                                                         \
        }                                                                                                              \
        if (i < (n))                                                                                                   \
            total += NAME(sum)((VECTOR)((MASK)(last) & NAME(ends)(n)));                                                \
    } while (0)

INLINE double NAME(row_sum)(const REAL *x, ptrdiff_t n)
{
    double total = 0;
#define TERM(i) NAME(load)(x + (i))
    ROW_SUM(total, n, TERM, NAME(load_end)(x, n));
#undef TERM
    return total;
}

/* The sum of (x - mean)^2. */
INLINE double NAME(row_squares)(const REAL *x, ptrdiff_t n, REAL mean)
{
    double total = 0;
#define SQUARE(v) ((v - mean) * (v - mean))
#define TERM(i) SQUARE(NAME(load)(x + (i)))
    ROW_SUM(total, n, TERM, SQUARE(NAME(load_end)(x, n)));
#undef TERM
#undef SQUARE
    return total;
}

/* The sum of g (x - mean). */
INLINE double NAME(row_product)(const REAL *g, const REAL *x, ptrdiff_t n, REAL mean)
{
    double total = 0;
#define TERM(i) (NAME(load)(g + (i)) * (NAME(load)(x + (i)) - mean))
    ROW_SUM(total, n, TERM, NAME(load_end)(g, n) * (NAME(load_end)(x, n) - mean));
#undef TERM
    return total;
}

/* y = (x - mean) scale + shift. */
INLINE void NAME(row_affine)(const REAL *x, REAL *y, ptrdiff_t n, REAL mean, REAL scale, REAL shift)
{
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
        NAME(store)(y + i, (NAME(load)(x + i) - mean) * scale + shift);
    if (i < n)
        NAME(store_end)(y, (NAME(load_end)(x, n) - mean) * scale + shift, n);
}
