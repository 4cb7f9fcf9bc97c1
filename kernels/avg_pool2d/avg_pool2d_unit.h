/* Average pooling of one plane, in one element type and one instruction set: see units.h. The rows of a row of windows
 * are added first, then the columns of their sum: h w + oh w additions instead of one for each element of each window. */

/* from[0], from[step], from[2 step], ...; up to LANES elements too much are read. */
INLINE VECTOR NAME(every)(const REAL *from, ptrdiff_t step)
{
    if (step == 1)
        return NAME(load)(from);
    if (step == 2)
        return NAME(even)(NAME(load)(from), NAME(load)(from + LANES));
    VECTOR value;
    for (ptrdiff_t lane = 0; lane < LANES; lane++)
        value[lane] = from[lane * step];
    return value;
}

/* The sum of adjacent elements. */
static REAL NAME(total)(const REAL *from, ptrdiff_t count)
{
    VECTOR sum = {0};
    ptrdiff_t i = 0;
    for (; i + LANES <= count; i += LANES)
        sum += NAME(load)(from + i);
    if (i < count)
        sum += NAME(load_part)(from + i, count - i);
    return NAME(sum)(sum);
}

/* to[j] += from[j], or to[j] = from[j]. */
INLINE void NAME(add_row)(REAL *to, const REAL *from, ptrdiff_t count, bool add)
{
    ptrdiff_t j = 0;
    for (; j + LANES <= count; j += LANES)
        NAME(store)(to + j, add ? NAME(load)(to + j) + NAME(load)(from + j) : NAME(load)(from + j));
    for (; j < count; j++)
        to[j] = add ? to[j] + from[j] : from[j];
}

/* y[j] = the sum of row over the columns of window j, over a divisor. */
static void NAME(means)(const struct avg_pool *p, const struct regular *r, const REAL *row, int64_t divisor, REAL *y)
{
    for (ptrdiff_t j = r->first; j < r->end; j += LANES) {
        const REAL *from = row + p->columns[j].first;
        VECTOR sum = {0};
        for (ptrdiff_t v = 0; v < r->width; v++)
            sum += NAME(every)(from + v, r->step);
        sum /= (REAL)(divisor * p->columns[j].divisor);
        if (j + LANES <= r->end)
            NAME(store)(y + j, sum);
        else
            NAME(store_part)(y + j, sum, r->end - j);
    }
    for (ptrdiff_t j = r->first > 0 ? 0 : r->end; j < p->ow; j = j + 1 == r->first ? r->end : j + 1) {
        const struct bounds window = p->columns[j];
        REAL sum = 0;
        for (int64_t v = window.first; v < window.end; v++)
            sum += row[v];
        y[j] = sum / (REAL)(divisor * window.divisor);
    }
}

static void NAME(avg_pool)(const struct avg_pool *p, const struct regular *r, const void *x, void *y, void *memory)
{
    REAL *row = memory;
    memset(row, 0, (size_t)r->row * sizeof(REAL));
    for (ptrdiff_t i = 0; i < p->oh; i++) {
        const struct bounds rows = p->rows[i];
        const REAL *from = (const REAL *)x + rows.first * p->w;
        REAL *to = (REAL *)y + i * p->ow;
        if (p->ow == 1 && r->width == p->w) { /* whole rows are adjacent */
            *to = NAME(total)(from, (rows.end - rows.first) * p->w) / (REAL)(rows.divisor * p->columns[0].divisor);
            continue;
        }
        if (rows.first == rows.end)
            memset(row, 0, (size_t)p->w * sizeof(REAL));
        for (int64_t h = rows.first; h < rows.end; h++, from += p->w)
            NAME(add_row)(row, from, p->w, h > rows.first);
        NAME(means)(p, r, row, rows.divisor, to);
    }
}

/* row[v] += dy[j] over the divisors, for the columns v of each window j. */
static void NAME(shares)(const struct avg_pool *p, const REAL *dy, int64_t divisor, REAL *row)
{
    for (ptrdiff_t j = 0; j < p->ow; j++) {
        const struct bounds window = p->columns[j];
        const REAL share = dy[j] / (REAL)(divisor * window.divisor);
        for (int64_t v = window.first; v < window.end; v++)
            row[v] += share;
    }
}

static void NAME(avg_pool_dx)(const struct avg_pool *p, const struct regular *r, const void *dy, void *dx, void *memory)
{
    REAL *row = memory;
    (void)r;
    int64_t filled = 0; /* rows of dx; those below are still to be written */
    for (ptrdiff_t i = 0; i < p->oh; i++) {
        const struct bounds rows = p->rows[i];
        memset(row, 0, (size_t)p->w * sizeof(REAL));
        NAME(shares)(p, (const REAL *)dy + i * p->ow, rows.divisor, row);
        for (; filled < rows.first; filled++)
            memset((REAL *)dx + filled * p->w, 0, (size_t)p->w * sizeof(REAL));
        for (int64_t h = rows.first; h < rows.end; h++)
            NAME(add_row)((REAL *)dx + h * p->w, row, p->w, h < filled);
        filled = filled > rows.end ? filled : rows.end;
    }
    for (; filled < p->h; filled++)
        memset((REAL *)dx + filled * p->w, 0, (size_t)p->w * sizeof(REAL));
}
