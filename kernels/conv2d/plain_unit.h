/* Convolution in plain loops, for one instruction set and one element type: see units.h.
 * Outermost are the terms of the sum, one for each output channel, input channel and tap; each is a sum over pixels. */

/* One row of y and the row of x that a tap reads for it: y[j] meets x[j * step] for first <= j < end. */
struct NAME(rows) {
    ptrdiff_t y, x, first, end;
};

static ptrdiff_t NAME(round_up)(ptrdiff_t a, ptrdiff_t b)
{
    return a <= 0 ? 0 : (a + b - 1) / b;
}

/* Where the tap (u, v) meets row i; no columns if it falls outside the image. */
static struct NAME(rows) NAME(meet)(const struct convolution *c, ptrdiff_t i, ptrdiff_t u, ptrdiff_t v)
{
    const ptrdiff_t row = i * c->stride_h + u * c->dilation_h - c->padding_h, column = v * c->dilation_w - c->padding_w;
    struct NAME(rows) rows = {.y = i * c->ow, .x = row * c->w + column};
    if (row < 0 || row >= c->h)
        return rows; /* no column meets the image */
    rows.first = NAME(round_up)(-column, c->stride_w);
    rows.first = rows.first < c->ow ? rows.first : c->ow;
    rows.end = NAME(round_up)(c->w - column, c->stride_w);
    rows.end = rows.end < c->ow ? rows.end : c->ow;
    return rows;
}

#define EACH_TERM(c)                                                                                                   \
    const ptrdiff_t outputs = c->k / c->groups, inputs = c->c / c->groups;                                              \
    for (ptrdiff_t k = 0; k < c->k; k++)                                                                               \
        for (ptrdiff_t channel = 0; channel < inputs; channel++)                                                       \
            for (ptrdiff_t u = 0; u < c->kh; u++)                                                                      \
                for (ptrdiff_t v = 0; v < c->kw; v++)

static void NAME(forward)(const struct convolution *c, const void *x, const void *weights, const void *bias, void *y)
{
    const REAL *w = weights;
    for (ptrdiff_t n = 0; n < c->n; n++) {
        const REAL *image = (const REAL *)x + n * c->c * c->h * c->w;
        REAL *result = (REAL *)y + n * c->k * c->oh * c->ow;
        for (ptrdiff_t k = 0; k < c->k; k++) {
            for (ptrdiff_t j = 0; j < c->oh * c->ow; j++)
                result[k * c->oh * c->ow + j] = bias ? ((const REAL *)bias)[k] : 0;
        }
        EACH_TERM(c)
        {
            const REAL weight = w[((k * inputs + channel) * c->kh + u) * c->kw + v];
            const REAL *plane = image + (k / outputs * inputs + channel) * c->h * c->w;
            for (ptrdiff_t i = 0; i < c->oh; i++) {
                const struct NAME(rows) at = NAME(meet)(c, i, u, v);
                const REAL *from = plane + at.x;
                REAL *to = result + k * c->oh * c->ow + at.y;
                for (ptrdiff_t j = 0; j < at.first; j++)
                    to[j] += weight * 0;
                for (ptrdiff_t j = at.first; j < at.end; j++)
                    to[j] += weight * from[j * c->stride_w];
                for (ptrdiff_t j = at.first > at.end ? at.first : at.end; j < c->ow; j++)
                    to[j] += weight * 0;
            }
        }
    }
}

static void NAME(dx)(const struct convolution *c, const void *dy, const void *weights, const void *none, void *dx)
{
    const REAL *w = weights;
    (void)none;
    memset(dx, 0, (size_t)(c->n * c->c * c->h * c->w) * sizeof(REAL));
    for (ptrdiff_t n = 0; n < c->n; n++) {
        REAL *image = (REAL *)dx + n * c->c * c->h * c->w;
        const REAL *g = (const REAL *)dy + n * c->k * c->oh * c->ow;
        EACH_TERM(c)
        {
            const REAL weight = w[((k * inputs + channel) * c->kh + u) * c->kw + v];
            REAL *plane = image + (k / outputs * inputs + channel) * c->h * c->w;
            for (ptrdiff_t i = 0; i < c->oh; i++) {
                const struct NAME(rows) at = NAME(meet)(c, i, u, v);
                const REAL *from = g + k * c->oh * c->ow + at.y;
                REAL *to = plane + at.x;
                for (ptrdiff_t j = at.first; j < at.end; j++)
                    to[j * c->stride_w] += weight * from[j];
            }
        }
    }
}

static void NAME(dw)(const struct convolution *c, const void *dy, const void *x, const void *none, void *dw)
{
    REAL *to = dw;
    (void)none;
    EACH_TERM(c)
    {
        REAL total = 0;
        for (ptrdiff_t n = 0; n < c->n; n++) {
            const REAL *plane = (const REAL *)x + (n * c->c + k / outputs * inputs + channel) * c->h * c->w;
            const REAL *g = (const REAL *)dy + (n * c->k + k) * c->oh * c->ow;
            for (ptrdiff_t i = 0; i < c->oh; i++) {
                const struct NAME(rows) at = NAME(meet)(c, i, u, v);
                for (ptrdiff_t j = 0; j < c->ow; j++)
                    total += g[at.y + j] * (j >= at.first && j < at.end ? plane[at.x + j * c->stride_w] : 0);
            }
        }
        *to++ = total;
    }
}

#undef EACH_TERM
