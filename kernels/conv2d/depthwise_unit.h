/* Depthwise convolution in one element type and one instruction set: see units.h. Lanes are the pixels of a row. Each
 * plane is copied with zeros around it into memory that stays in the first level of the cache; then no tap asks where
 * the edge is, and x, y and dy themselves are read and written once, from their first element to their last, as the
 * processor expects. */

/* A plane in the cache: `size` rows of `row` elements, which have room for the vectors that hang over the edge. */
struct NAME(plane) {
    REAL *at;
    ptrdiff_t size, row;
};

static bool NAME(make)(const struct depthwise *d, int slot, ptrdiff_t size, ptrdiff_t row, struct NAME(plane) *plane)
{
    const size_t bytes = (size_t)(size * row) * sizeof(REAL);
    plane->size = size;
    plane->row = row;
    plane->at = d->core->scratch(slot, bytes);
    if (plane->at)
        memset(plane->at, 0, bytes);
    return plane->at != NULL;
}

/* The plane that rows x columns windows read, so many pixels apart. */
static bool NAME(make_source)(const struct depthwise *d, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t step_h,
                              ptrdiff_t step_w, struct NAME(plane) *plane)
{
    const struct convolution *c = d->c;
    return NAME(make)(d, 0, (rows - 1) * step_h + (c->kh - 1) * c->dilation_h + 1,
                      (columns + 2 * LANES) * step_w + (c->kw - 1) * c->dilation_w, plane);
}

/* The plane of rows x columns windows, in whole vectors. */
static bool NAME(make_target)(const struct depthwise *d, ptrdiff_t rows, ptrdiff_t columns, struct NAME(plane) *plane)
{
    return NAME(make)(d, 1, rows, (columns + LANES - 1) / LANES * LANES, plane);
}

/* Asks for a row of the plane that comes next: memory has time until this one is computed. */
INLINE void NAME(expect)(const REAL *row, ptrdiff_t columns, bool written)
{
    for (ptrdiff_t j = 0; j < columns; j += 64 / (ptrdiff_t)sizeof(REAL))
        written ? __builtin_prefetch(row + j, 1, 2) : __builtin_prefetch(row + j, 0, 2);
}

/* Copies an image into the plane, from (top, left) on, its pixels step_h and step_w apart. */
static void NAME(place)(const REAL *from, ptrdiff_t height, ptrdiff_t width, ptrdiff_t top, ptrdiff_t left,
                        ptrdiff_t step_h, ptrdiff_t step_w, const struct NAME(plane) *plane)
{
    ptrdiff_t first = 0, end = width;
    while (first < end && left + first * step_w < 0)
        first++;
    while (first < end && left + (end - 1) * step_w >= plane->row)
        end--;
    for (ptrdiff_t i = 0; i < height; i++, from += width) {
        const ptrdiff_t row = top + i * step_h;
        NAME(expect)(from + height * width, width, false);
        if (row < 0 || row >= plane->size)
            continue;
        REAL *to = plane->at + row * plane->row + left;
        if (step_w == 1)
            memcpy(to + first, from + first, (size_t)(end - first) * sizeof(REAL));
        else {
            for (ptrdiff_t j = first; j < end; j++)
                to[j * step_w] = from[j];
        }
    }
}

/* from[0], from[step], from[2 step], ... */
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

/* y[i, j] = bias + sum of x[i step_h + u dilation_h, j step_w + v dilation_w] w[u, v]; or y += that. The sizes of the
 * kernel and step_w are constants where that is worth it. */
INLINE void NAME(windows)(const struct convolution *c, ptrdiff_t kh, ptrdiff_t kw, ptrdiff_t step_h, ptrdiff_t step_w,
                          const struct NAME(plane) *x, const REAL *w, REAL bias, bool add, const struct NAME(plane) *y)
{
    for (ptrdiff_t i = 0; i < y->size; i++) {
        for (ptrdiff_t j = 0; j < y->row; j += LANES) {
            const REAL *from = x->at + i * step_h * x->row + j * step_w;
            REAL *to = y->at + i * y->row + j;
            VECTOR sum = NAME(fill)(bias);
            for (ptrdiff_t u = 0; u < kh; u++) {
                for (ptrdiff_t v = 0; v < kw; v++)
                    sum += w[u * kw + v] * NAME(every)(from + u * c->dilation_h * x->row + v * c->dilation_w, step_w);
            }
            NAME(store)(to, add ? NAME(load)(to) + sum : sum);
        }
    }
}

/* The same for 3 x 3 and rows one apart: each row of x is loaded once, and adds to the three rows of y that see it. */
static void NAME(slide)(const struct convolution *c, const struct NAME(plane) *x, const REAL *w, REAL bias, bool add,
                        const struct NAME(plane) *y)
{
    for (ptrdiff_t j = 0; j < y->row; j += LANES) {
        const REAL *from = x->at + j;
        REAL *to = y->at + j;
        VECTOR upper = {0}, middle = {0};
        for (ptrdiff_t row = 0; row < y->size + 2; row++, from += x->row) {
            const VECTOR a = NAME(load)(from), b = NAME(load)(from + c->dilation_w);
            const VECTOR d = NAME(load)(from + 2 * c->dilation_w);
            const VECTOR sum = upper + w[6] * a + w[7] * b + w[8] * d;
            upper = middle + w[3] * a + w[4] * b + w[5] * d;
            middle = NAME(fill)(bias) + w[0] * a + w[1] * b + w[2] * d;
            if (row >= 2) {
                NAME(store)(to, add ? NAME(load)(to) + sum : sum);
                to += y->row;
            }
        }
    }
}

static void NAME(convolve)(const struct convolution *c, ptrdiff_t step_h, ptrdiff_t step_w, const struct NAME(plane) *x,
                           const REAL *w, REAL bias, bool add, const struct NAME(plane) *y)
{
    const bool nine = c->kh == 3 && c->kw == 3;
    if (nine && step_h == 1 && step_w == 1 && c->dilation_h == 1)
        NAME(slide)(c, x, w, bias, add, y);
    else if (nine && step_w == 2)
        NAME(windows)(c, 3, 3, step_h, 2, x, w, bias, add, y);
    else
        NAME(windows)(c, c->kh, c->kw, step_h, step_w, x, w, bias, add, y);
}

static void NAME(take)(const struct NAME(plane) *plane, ptrdiff_t columns, REAL *to)
{
    for (ptrdiff_t i = 0; i < plane->size; i++, to += columns) {
        NAME(expect)(to + plane->size * columns, columns, true);
        memcpy(to, plane->at + i * plane->row, (size_t)columns * sizeof(REAL));
    }
}

/* y of some planes of x. */
static void NAME(forward)(void *argument, ptrdiff_t number)
{
    struct depthwise *d = argument;
    const struct convolution *c = d->c;
    const ptrdiff_t first = number * d->planes, end = first + d->planes < c->n * c->c ? first + d->planes : c->n * c->c;
    const ptrdiff_t outputs = c->k / c->c, taps = c->kh * c->kw;
    struct NAME(plane) x, y;
    if (!NAME(make_source)(d, c->oh, c->ow, c->stride_h, c->stride_w, &x) || !NAME(make_target)(d, c->oh, c->ow, &y)) {
        d->no_memory = true;
        return;
    }
    for (ptrdiff_t p = first; p < end; p++) {
        NAME(place)((const REAL *)d->x + p * c->h * c->w, c->h, c->w, c->padding_h, c->padding_w, 1, 1, &x);
        for (ptrdiff_t q = 0; q < outputs; q++) {
            const ptrdiff_t k = p % c->c * outputs + q;
            NAME(convolve)(c, c->stride_h, c->stride_w, &x, (const REAL *)d->w + k * taps,
                           d->bias ? ((const REAL *)d->bias)[k] : 0, false, &y);
            NAME(take)(&y, c->ow, (REAL *)d->y + (p * outputs + q) * c->oh * c->ow);
        }
    }
}

/* dx of some planes: what dy gives when its pixels lie a stride apart and the kernel is flipped. */
static void NAME(dx)(void *argument, ptrdiff_t number)
{
    struct depthwise *d = argument;
    const struct convolution *c = d->c;
    const ptrdiff_t first = number * d->planes, end = first + d->planes < c->n * c->c ? first + d->planes : c->n * c->c;
    const ptrdiff_t outputs = c->k / c->c, taps = c->kh * c->kw;
    const ptrdiff_t top = (c->kh - 1) * c->dilation_h - c->padding_h, left = (c->kw - 1) * c->dilation_w - c->padding_w;
    struct NAME(plane) dy, dx;
    REAL *flipped = d->core->scratch(2, (size_t)taps * sizeof(REAL));
    if (!flipped || !NAME(make_source)(d, c->h, c->w, 1, 1, &dy) || !NAME(make_target)(d, c->h, c->w, &dx)) {
        d->no_memory = true;
        return;
    }
    for (ptrdiff_t p = first; p < end; p++) {
        for (ptrdiff_t q = 0; q < outputs; q++) {
            const REAL *w = (const REAL *)d->w + (p % c->c * outputs + q) * taps;
            for (ptrdiff_t t = 0; t < taps; t++)
                flipped[t] = w[taps - 1 - t];
            NAME(place)((const REAL *)d->y + (p * outputs + q) * c->oh * c->ow, c->oh, c->ow, top, left, c->stride_h,
                        c->stride_w, &dy);
            NAME(convolve)(c, 1, 1, &dy, flipped, 0, q > 0, &dx);
        }
        NAME(take)(&dx, c->w, (REAL *)d->dx + p * c->h * c->w);
    }
}

/* -1 in the lanes of columns that are there. */
INLINE MASK NAME(columns)(ptrdiff_t left)
{
    MASK lanes;
    for (int lane = 0; lane < LANES; lane++)
        lanes[lane] = lane < left ? -1 : 0;
    return lanes;
}

/* sums[t] += x[tap t of pixel] dy[pixel] over a plane, each lane for itself. `taps` and step are constants where that
 * is worth it. Beyond the row dy is 0, and x is made so: infinity times 0 is not 0. */
INLINE void NAME(correlate)(const struct convolution *c, int taps, const ptrdiff_t *offsets, ptrdiff_t step,
                            const struct NAME(plane) *x, const struct NAME(plane) *dy, REAL *sums)
{
    VECTOR sum[TAPS];
    UNROLL
    for (int t = 0; t < taps; t++)
        sum[t] = NAME(load)(sums + t * LANES);
    for (ptrdiff_t j = 0; j < dy->row; j += LANES) {
        const MASK inside = NAME(columns)(c->ow - j);
        for (ptrdiff_t i = 0; i < dy->size; i++) {
            const REAL *from = x->at + i * c->stride_h * x->row + j * step;
            const VECTOR g = NAME(load)(dy->at + i * dy->row + j);
            UNROLL
            for (int t = 0; t < taps; t++)
                sum[t] += g * (VECTOR)((MASK)NAME(every)(from + offsets[t], step) & inside);
        }
    }
    UNROLL
    for (int t = 0; t < taps; t++)
        NAME(store)(sums + t * LANES, sum[t]);
}

/* The same for 3 x 3 and rows one apart: each row of x is loaded once, and meets the three rows of dy that see it. */
static void NAME(slide_correlate)(const struct convolution *c, const struct NAME(plane) *x,
                                  const struct NAME(plane) *dy, REAL *sums)
{
    VECTOR sum[TAPS];
    UNROLL
    for (int t = 0; t < TAPS; t++)
        sum[t] = NAME(load)(sums + t * LANES);
    for (ptrdiff_t j = 0; j < dy->row; j += LANES) {
        const MASK inside = NAME(columns)(c->ow - j);
        const REAL *from = x->at + j, *row = dy->at + j;
        VECTOR upper = {0}, middle = {0}, lower = {0};
        for (ptrdiff_t i = 0; i < dy->size + 2; i++, from += x->row, row += dy->row) {
            upper = middle;
            middle = lower;
            if (i < dy->size)
                lower = NAME(load)(row);
            UNROLL
            for (int v = 0; v < 3; v++) {
                const VECTOR value = (VECTOR)((MASK)NAME(load)(from + v * c->dilation_w) & inside);
                if (i < dy->size)
                    sum[v] += lower * value;
                if (i >= 1 && i <= dy->size)
                    sum[3 + v] += middle * value;
                if (i >= 2)
                    sum[6 + v] += upper * value;
            }
        }
    }
    UNROLL
    for (int t = 0; t < TAPS; t++)
        NAME(store)(sums + t * LANES, sum[t]);
}

/* sums[t] += for all taps. */
static void NAME(correlate_all)(const struct convolution *c, const ptrdiff_t *offsets, const struct NAME(plane) *x,
                                const struct NAME(plane) *dy, REAL *sums)
{
    ptrdiff_t t = 0;
    if (c->kh == 3 && c->kw == 3 && c->stride_h == 1 && c->stride_w == 1 && c->dilation_h == 1) {
        NAME(slide_correlate)(c, x, dy, sums);
        return;
    }
    for (; t + TAPS <= c->kh * c->kw && c->stride_w <= 2; t += TAPS) {
        if (c->stride_w == 1)
            NAME(correlate)(c, TAPS, offsets + t, 1, x, dy, sums + t * LANES);
        else
            NAME(correlate)(c, TAPS, offsets + t, 2, x, dy, sums + t * LANES);
    }
    for (; t < c->kh * c->kw; t++)
        NAME(correlate)(c, 1, offsets + t, c->stride_w, x, dy, sums + t * LANES);
}

/* dw of one channel of x, over all images. */
static void NAME(dw)(void *argument, ptrdiff_t channel)
{
    struct depthwise *d = argument;
    const struct convolution *c = d->c;
    const ptrdiff_t outputs = c->k / c->c, taps = c->kh * c->kw, lanes = outputs * taps * LANES;
    struct NAME(plane) x, dy;
    REAL *sums = d->core->scratch(2, (size_t)lanes * sizeof(REAL));
    ptrdiff_t *offsets = d->core->scratch(3, (size_t)taps * sizeof *offsets);
    if (!sums || !offsets || !NAME(make_source)(d, c->oh, c->ow, c->stride_h, c->stride_w, &x) ||
        !NAME(make_target)(d, c->oh, c->ow, &dy)) {
        d->no_memory = true;
        return;
    }
    for (ptrdiff_t t = 0; t < taps; t++)
        offsets[t] = t / c->kw * c->dilation_h * x.row + t % c->kw * c->dilation_w;
    memset(sums, 0, (size_t)lanes * sizeof(REAL));
    for (ptrdiff_t n = 0; n < c->n; n++) {
        const ptrdiff_t p = n * c->c + channel;
        NAME(place)((const REAL *)d->x + p * c->h * c->w, c->h, c->w, c->padding_h, c->padding_w, 1, 1, &x);
        for (ptrdiff_t q = 0; q < outputs; q++) {
            NAME(place)((const REAL *)d->y + (p * outputs + q) * c->oh * c->ow, c->oh, c->ow, 0, 0, 1, 1, &dy);
            NAME(correlate_all)(c, offsets, &x, &dy, sums + q * taps * LANES);
        }
    }
    for (ptrdiff_t i = 0; i < outputs * taps; i++)
        ((REAL *)d->dw)[channel * outputs * taps + i] = NAME(sum)(NAME(load)(sums + i * LANES));
}
