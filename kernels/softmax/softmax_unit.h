/* Softmax of rows, where lanes run along the sum, and of columns, where each lane has a sum of its own. See units.h. */
#include "core/exponentials.h"

static void NAME(forward_row)(const REAL *x, REAL *y, ptrdiff_t n, bool logarithm)
{
    const REAL m = NAME(row_largest)(x, n);
    if (!logarithm) {
        NAME(row_times)(y, n, (REAL)(1 / NAME(row_exponentials)(x, y, n, m)));
        return;
    }
    const REAL ln_sum = (REAL)log(NAME(row_exponentials)(x, NULL, n, m));
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
        NAME(store)(y + i, NAME(load)(x + i) - m - ln_sum);
    if (i < n)
        NAME(store_end)(y, NAME(load_end)(x, n) - m - ln_sum, n);
}

/* What a number sends back, given the sum over its line. */
INLINE VECTOR NAME(back)(VECTOR g, VECTOR y, VECTOR sum, bool logarithm)
{
    if (!logarithm)
        return y * (g - sum);
    return g - NAME(select)((MASK)(y > 80), y, NAME(exp_of_negative)(y)) * sum; /* infinity passes */
}

/* The number's part in that sum. */
INLINE VECTOR NAME(part)(VECTOR g, VECTOR y, bool logarithm)
{
    return logarithm ? g : g * y;
}

static void NAME(backward_row)(const REAL *g, const REAL *y, REAL *dx, ptrdiff_t n, bool logarithm)
{
    double total = 0;
    ptrdiff_t i = 0;
    while (i + LANES <= n) {
        const ptrdiff_t end = i + 1024 < n ? i + 1024 : n;
        VECTOR block = {0};
        for (; i + LANES <= end; i += LANES)
            block += NAME(part)(NAME(load)(g + i), NAME(load)(y + i), logarithm);
        total += NAME(sum)(block);
    }
    if (i < n) {
        const VECTOR end = NAME(part)(NAME(load_end)(g, n), NAME(load_end)(y, n), logarithm);
        total += NAME(sum)((VECTOR)((MASK)end & NAME(ends)(n)));
    }
    const VECTOR sum = NAME(fill)((REAL)total);
    for (i = 0; i + LANES <= n; i += LANES)
        NAME(store)(dx + i, NAME(back)(NAME(load)(g + i), NAME(load)(y + i), sum, logarithm));
    if (i < n)
        NAME(store_end)(dx, NAME(back)(NAME(load_end)(g, n), NAME(load_end)(y, n), sum, logarithm), n);
}

/* LANES columns, or as many as `lanes` says, of n rows that are `stride` apart. */
INLINE VECTOR NAME(load_lanes)(const REAL *from, ptrdiff_t lanes)
{
    return lanes == LANES ? NAME(load)(from) : NAME(load_part)(from, lanes);
}

INLINE void NAME(store_lanes)(REAL *to, VECTOR value, ptrdiff_t lanes)
{
    if (lanes == LANES)
        NAME(store)(to, value);
    else
        NAME(store_part)(to, value, lanes);
}

INLINE void NAME(forward_lanes)(const REAL *x, REAL *y, ptrdiff_t n, ptrdiff_t stride, ptrdiff_t lanes, bool logarithm)
{
    VECTOR m = NAME(fill)((REAL)-INFINITY), sum = {0};
    for (ptrdiff_t i = 0; i < n; i++)
        m = NAME(larger)(m, NAME(load_lanes)(x + i * stride, lanes));
    for (ptrdiff_t i = 0; i < n; i++) {
        const VECTOR shifted = NAME(load_lanes)(x + i * stride, lanes) - m;
        const VECTOR e = NAME(exp_of_negative)(shifted);
        sum += e;
        NAME(store_lanes)(y + i * stride, logarithm ? shifted : e, lanes);
    }
    const VECTOR end = logarithm ? NAME(log)(sum) : 1 / sum;
    for (ptrdiff_t i = 0; i < n; i++) {
        const VECTOR value = NAME(load_lanes)(y + i * stride, lanes);
        NAME(store_lanes)(y + i * stride, logarithm ? value - end : value * end, lanes);
    }
}

INLINE void NAME(backward_lanes)(const REAL *g, const REAL *y, REAL *dx, ptrdiff_t n, ptrdiff_t stride, ptrdiff_t lanes,
                                 bool logarithm)
{
    VECTOR sum = {0};
    for (ptrdiff_t i = 0; i < n; i++)
        sum += NAME(part)(NAME(load_lanes)(g + i * stride, lanes), NAME(load_lanes)(y + i * stride, lanes), logarithm);
    for (ptrdiff_t i = 0; i < n; i++) {
        const VECTOR value = NAME(back)(NAME(load_lanes)(g + i * stride, lanes), NAME(load_lanes)(y + i * stride, lanes), sum,
                                        logarithm);
        NAME(store_lanes)(dx + i * stride, value, lanes);
    }
}

static void NAME(forward)(const struct softmax *s, const void *from, void *to, ptrdiff_t line)
{
    const REAL *x = from;
    REAL *y = to;
    if (s->inner == 1) {
        NAME(forward_row)(x + line * s->size, y + line * s->size, s->size, s->logarithm);
        return;
    }
    const ptrdiff_t blocks = (s->inner + COLUMNS - 1) / COLUMNS, plane = line / blocks * s->size * s->inner;
    const ptrdiff_t first = line % blocks * COLUMNS, end = first + COLUMNS < s->inner ? first + COLUMNS : s->inner;
    ptrdiff_t j = first;
    for (; j + LANES <= end; j += LANES)
        NAME(forward_lanes)(x + plane + j, y + plane + j, s->size, s->inner, LANES, s->logarithm);
    if (j < end)
        NAME(forward_lanes)(x + plane + j, y + plane + j, s->size, s->inner, end - j, s->logarithm);
}

static void NAME(backward)(const struct softmax *s, const void *cotangent, const void *from, void *to, ptrdiff_t line)
{
    const REAL *g = cotangent, *y = from;
    REAL *dx = to;
    if (s->inner == 1) {
        const ptrdiff_t at = line * s->size;
        NAME(backward_row)(g + at, y + at, dx + at, s->size, s->logarithm);
        return;
    }
    const ptrdiff_t blocks = (s->inner + COLUMNS - 1) / COLUMNS, plane = line / blocks * s->size * s->inner;
    const ptrdiff_t first = line % blocks * COLUMNS, end = first + COLUMNS < s->inner ? first + COLUMNS : s->inner;
    ptrdiff_t j = first;
    for (; j < end; j += LANES) {
        const ptrdiff_t at = plane + j, lanes = end - j < LANES ? end - j : LANES;
        if (lanes == LANES)
            NAME(backward_lanes)(g + at, y + at, dx + at, s->size, s->inner, LANES, s->logarithm);
        else
            NAME(backward_lanes)(g + at, y + at, dx + at, s->size, s->inner, lanes, s->logarithm);
    }
}
