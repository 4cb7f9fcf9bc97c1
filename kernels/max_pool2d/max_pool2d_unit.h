/* Max pooling in one element type and one instruction set: see units.h. Lanes are windows side by side. */

/* LANES windows side by side: the row and the column of the first tap of the first, and their plane of x. */
struct NAME(windows) {
    const REAL *plane;
    ptrdiff_t row, column;
};

/* from[0], from[step], from[2 step], ... A vector may read beyond the row. */
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

/* The same where columns[lane] is inside the image; nothing else is read. */
INLINE VECTOR NAME(every_inside)(const REAL *from, ptrdiff_t step, MASK columns, ptrdiff_t width)
{
    VECTOR value = {0};
    for (ptrdiff_t lane = 0; lane < LANES; lane++) {
        if (columns[lane] >= 0 && columns[lane] < width)
            value[lane] = from[lane * step];
    }
    return value;
}

/* The largest of each window, and its place in the plane, or 0.
 * inside: no window hangs over the left or right edge. careful: nothing outside the image is read.
 * kh, kw and step, the stride along the row, are constants where that is worth it. */
INLINE VECTOR NAME(largest)(const struct max_pool *p, const struct NAME(windows) *at, ptrdiff_t kh, ptrdiff_t kw,
                            ptrdiff_t step, bool inside, bool careful, MASK *place)
{
    VECTOR best = NAME(fill)(-(REAL)__builtin_inf());
    MASK lanes, where = (MASK){0} - 1;
    for (int lane = 0; lane < LANES; lane++)
        lanes[lane] = lane;
    for (ptrdiff_t u = 0; u < kh; u++) {
        const ptrdiff_t row = at->row + u * p->dilation_h;
        if (row < 0 || row >= p->h)
            continue;
        for (ptrdiff_t v = 0; v < kw; v++) {
            const ptrdiff_t column = at->column + v * p->dilation_w;
            const REAL *from = at->plane + row * p->w + column;
            const MASK columns = lanes * (INTEGER)step + (INTEGER)column;
            const VECTOR value = careful ? NAME(every_inside)(from, step, columns, p->w) : NAME(every)(from, step);
            MASK wins = (MASK)(value > best) | (MASK)(value != value) | (where < 0);
            if (!inside)
                wins &= (columns >= 0) & (columns < (INTEGER)p->w);
            best = NAME(select)(wins, value, best);
            where = (where & ~wins) | ((columns + (INTEGER)(row * p->w)) & wins);
        }
    }
    *place = where & ~(where < 0);
    return best;
}

static __attribute__((noinline)) VECTOR NAME(careful)(const struct max_pool *p, const struct NAME(windows) *at,
                                                      MASK *place)
{
    return NAME(largest)(p, at, p->kh, p->kw, p->stride_w, false, true, place);
}

/* Stores LANES results; but for the chunk's last ones the next row overwrites what is beyond this row. */
INLINE void NAME(put)(VECTOR best, MASK place, REAL *y, int32_t *index, ptrdiff_t left)
{
    typedef int32_t PLACES __attribute__((vector_size(4 * LANES)));
    const PLACES places = __builtin_convertvector(place, PLACES);
    if (left >= LANES) {
        NAME(store)(y, best);
        memcpy(index, &places, sizeof places);
    }
    else {
        NAME(store_part)(y, best, left);
        memcpy(index, &places, (size_t)left * sizeof *index);
    }
}

static void NAME(max_pool)(const struct max_pool *p, const void *x, void *y, int32_t *index, ptrdiff_t first,
                           ptrdiff_t end)
{
    const bool inside = p->padding_w == 0 && (p->ow - 1) * p->stride_w + (p->kw - 1) * p->dilation_w < p->w;
    const bool halves = inside && p->kh == 2 && p->kw == 2 && p->stride_w == 2;
    const ptrdiff_t size = p->planes * p->h * p->w, last = end * p->oh * p->ow;
    /* What LANES windows read, from their first tap on, with what a vector loads too much. */
    const ptrdiff_t taps = (p->kh - 1) * p->dilation_h * p->w + (p->kw - 1) * p->dilation_w;
    const ptrdiff_t reach = taps + (LANES + 1) * p->stride_w;
    for (ptrdiff_t plane = first; plane < end; plane++) {
        struct NAME(windows) at = {.plane = (const REAL *)x + plane * p->h * p->w};
        for (ptrdiff_t i = 0; i < p->oh; i++) {
            at.row = i * p->stride_h - p->padding_h;
            for (ptrdiff_t j = 0; j < p->ow; j += LANES) {
                const ptrdiff_t to = (plane * p->oh + i) * p->ow + j;
                MASK place;
                VECTOR best;
                at.column = j * p->stride_w - p->padding_w;
                const ptrdiff_t from = (plane * p->h + at.row) * p->w + at.column;
                if (from < 0 || from + reach > size)
                    best = NAME(careful)(p, &at, &place);
                else if (halves)
                    best = NAME(largest)(p, &at, 2, 2, 2, true, false, &place);
                else if (inside)
                    best = NAME(largest)(p, &at, p->kh, p->kw, p->stride_w, true, false, &place);
                else
                    best = NAME(largest)(p, &at, p->kh, p->kw, p->stride_w, false, false, &place);
                NAME(put)(best, place, (REAL *)y + to, index + to, last - to);
            }
        }
    }
}
