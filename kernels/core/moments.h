/* Sums over a row of numbers, for means and variances. For units: see units.h. */
#include "core/rows.h"

/* So many numbers are added in float, 4 vectors side by side, before double takes over: a float32 row of any length has an
 * exact mean. */
#define BLOCK 2048

/* The sum of term(i) over whole vectors at i = 0, LANES, ... and of last() over what is left. */
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

/* Adds the sum of g to `one` and that of g (x - mean) to `deviation`. */
INLINE void NAME(row_products)(const REAL *g, const REAL *x, ptrdiff_t n, REAL mean, double *one, double *deviation)
{
    ptrdiff_t i = 0;
    while (i + LANES <= n) {
        const ptrdiff_t stop = i + BLOCK < n ? i + BLOCK : n;
        VECTOR one0 = {0}, one1 = {0}, deviation0 = {0}, deviation1 = {0};
        for (; i + 2 * LANES <= stop; i += 2 * LANES) {
            const VECTOR g0 = NAME(load)(g + i), g1 = NAME(load)(g + i + LANES);
            one0 += g0;
            one1 += g1;
            deviation0 += g0 * (NAME(load)(x + i) - mean);
            deviation1 += g1 * (NAME(load)(x + i + LANES) - mean);
        }
        for (; i + LANES <= stop; i += LANES) {
            const VECTOR g0 = NAME(load)(g + i);
            one0 += g0;
            deviation0 += g0 * (NAME(load)(x + i) - mean);
        }
        *one += NAME(sum)(one0 + one1);
        *deviation += NAME(sum)(deviation0 + deviation1);
    }
    if (i < n) {
        const MASK ends = NAME(ends)(n);
        const VECTOR g_end = NAME(load_end)(g, n);
        *one += NAME(sum)((VECTOR)((MASK)g_end & ends));
        *deviation += NAME(sum)((VECTOR)((MASK)(g_end * (NAME(load_end)(x, n) - mean)) & ends));
    }
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
