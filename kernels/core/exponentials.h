/* Rows of e^(x - m), as softmax and cross entropy need them. For units: see units.h. */
#include "core/rows.h"

/* A sum is kept in double after so many numbers: a long one of floats would lose digits. */
#define BLOCK 1024

/* The largest number of a row, -infinity if it is empty, NaN if one is NaN. */
INLINE REAL NAME(row_largest)(const REAL *x, ptrdiff_t n)
{
    VECTOR m = NAME(fill)((REAL)-INFINITY);
    ptrdiff_t i = 0;
    if (n >= 4 * LANES) {
        VECTOR m1 = m, m2 = m, m3 = m;
        for (; i + 4 * LANES <= n; i += 4 * LANES) {
            m = NAME(larger)(m, NAME(load)(x + i));
            m1 = NAME(larger)(m1, NAME(load)(x + i + LANES));
            m2 = NAME(larger)(m2, NAME(load)(x + i + 2 * LANES));
            m3 = NAME(larger)(m3, NAME(load)(x + i + 3 * LANES));
        }
        m = NAME(larger)(NAME(larger)(m, m1), NAME(larger)(m2, m3));
    }
    for (; i + LANES <= n; i += LANES)
        m = NAME(larger)(m, NAME(load)(x + i));
    if (i < n)
        m = NAME(larger)(m, NAME(select)(NAME(ends)(n), NAME(load_end)(x, n), m));
    return NAME(largest_lane)(m);
}

/* The sum of e^(x - m) over a row, m its largest number; the exponentials go to e unless it is NULL. */
INLINE double NAME(row_exponentials)(const REAL *x, REAL *e, ptrdiff_t n, REAL m)
{
    double sum = 0;
    ptrdiff_t i = 0;
    while (i + LANES <= n) {
        const ptrdiff_t end = i + BLOCK < n ? i + BLOCK : n;
        VECTOR block = {0};
        for (; i + LANES <= end; i += LANES) {
            const VECTOR value = NAME(exp_of_negative)(NAME(load)(x + i) - m);
            block += value;
            if (e)
                NAME(store)(e + i, value);
        }
        sum += NAME(sum)(block);
    }
    if (i < n) {
        const VECTOR value = NAME(exp_of_negative)(NAME(load_end)(x, n) - m);
        sum += NAME(sum)((VECTOR)((MASK)value & NAME(ends)(n)));
        if (e)
            NAME(store_end)(e, value, n);
    }
    return sum;
}

/* The row times a number, in place. */
INLINE void NAME(row_times)(REAL *y, ptrdiff_t n, REAL factor)
{
    const VECTOR end = NAME(load_end)(y, n) * factor; /* before the loop changes what it overlaps */
    for (ptrdiff_t i = 0; i + LANES <= n; i += LANES)
        NAME(store)(y + i, NAME(load)(y + i) * factor);
    NAME(store_end)(y, end, n);
}

#undef BLOCK
