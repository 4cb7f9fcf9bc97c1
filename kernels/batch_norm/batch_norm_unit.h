/* Batch normalisation, a channel after the other: its rows are the planes of all images. Where there are no planes, lanes
 * are channels, and a row is one sample. See core/units.h. */
#include "core/moments.h"

static void NAME(forward_plane)(const struct batch_norm *b, ptrdiff_t c)
{
    const ptrdiff_t step = b->c * b->s, count = b->n * b->s;
    const REAL *x = (const REAL *)b->x + c * b->s;
    REAL *y = (REAL *)b->y + c * b->s;
    double total = 0;
    for (ptrdiff_t n = 0; n < b->n; n++)
        total += NAME(row_sum)(x + n * step, b->s);
    const REAL mean = (REAL)(total / count);
    total = 0;
    for (ptrdiff_t n = 0; n < b->n; n++)
        total += NAME(row_squares)(x + n * step, b->s, mean);
    const REAL var = (REAL)(total / count);
    const REAL rstd = (REAL)(1 / sqrt(var + b->eps));
    const REAL scale = b->w ? rstd * ((const REAL *)b->w)[c] : rstd;
    const REAL shift = b->b ? ((const REAL *)b->b)[c] : 0;
    for (ptrdiff_t n = 0; n < b->n; n++)
        NAME(row_affine)(x + n * step, y + n * step, b->s, mean, scale, shift);
    ((REAL *)b->mean)[c] = mean;
    ((REAL *)b->var)[c] = var;
}

static void NAME(backward_plane)(const struct batch_norm *b, ptrdiff_t c)
{
    const ptrdiff_t step = b->c * b->s, count = b->n * b->s;
    const REAL *x = (const REAL *)b->x + c * b->s, *g = (const REAL *)b->g_y + c * b->s;
    const REAL mean = ((const REAL *)b->mean)[c], var = ((const REAL *)b->var)[c];
    const REAL rstd = (REAL)(1 / sqrt(var + b->eps));
    double one = 0, deviation = 0;
    for (ptrdiff_t n = 0; n < b->n; n++)
        NAME(row_products)(g + n * step, x + n * step, b->s, mean, &one, &deviation);
    const REAL along_one = (REAL)one, along_normal = (REAL)(deviation * rstd);
    if (b->dw)
        ((REAL *)b->dw)[c] = along_normal;
    if (b->db)
        ((REAL *)b->db)[c] = along_one;
    if (!b->dx)
        return;
    const REAL scale = b->w ? rstd * ((const REAL *)b->w)[c] : rstd;
    const REAL slope = (2 * ((const REAL *)b->g_var)[c] - scale * rstd * along_normal) / count;
    const REAL constant = (((const REAL *)b->g_mean)[c] - scale * along_one) / count;
    for (ptrdiff_t n = 0; n < b->n; n++) {
        const REAL *from = x + n * step, *cotangent = g + n * step;
        REAL *dx = (REAL *)b->dx + c * b->s + n * step;
#define DX(x, g) (scale * (g) + slope * ((x) - mean) + constant)
        ptrdiff_t i = 0;
        for (; i + LANES <= b->s; i += LANES)
            NAME(store)(dx + i, DX(NAME(load)(from + i), NAME(load)(cotangent + i)));
        if (i < b->s)
            NAME(store_end)(dx, DX(NAME(load_end)(from, b->s), NAME(load_end)(cotangent, b->s)), b->s);
#undef DX
    }
}

/* y = (x - mean) w + b with the mean given, or without one. */
static void NAME(apply_plane)(const struct batch_norm *b, ptrdiff_t c)
{
    const REAL mean = b->mean ? ((const REAL *)b->mean)[c] : 0, shift = b->b ? ((const REAL *)b->b)[c] : 0;
    for (ptrdiff_t n = 0; n < b->n; n++) {
        const ptrdiff_t at = (n * b->c + c) * b->s;
        NAME(row_affine)((const REAL *)b->x + at, (REAL *)b->y + at, b->s, mean, ((const REAL *)b->w)[c], shift);
    }
}

static void NAME(apply_backward_plane)(const struct batch_norm *b, ptrdiff_t c)
{
    const REAL mean = b->mean ? ((const REAL *)b->mean)[c] : 0;
    double one = 0, deviation = 0;
    for (ptrdiff_t n = 0; n < b->n; n++) {
        const ptrdiff_t at = (n * b->c + c) * b->s;
        const REAL *g = (const REAL *)b->g_y + at;
        if (b->dw || b->db)
            NAME(row_products)(g, (const REAL *)b->x + at, b->s, mean, &one, &deviation);
        if (b->dx)
            NAME(row_affine)(g, (REAL *)b->dx + at, b->s, 0, ((const REAL *)b->w)[c], 0);
    }
    if (b->dw)
        ((REAL *)b->dw)[c] = (REAL)deviation;
    if (b->db)
        ((REAL *)b->db)[c] = (REAL)one;
}

/* Blocks of so many samples are added by themselves, which keeps the digits of a long sum. */
#define NEXT(n, end) ((n) + 64 < (end) ? (n) + 64 : (end))

/* Channels c .. c + lanes - 1 of samples without planes. */
INLINE VECTOR NAME(some)(const void *array, ptrdiff_t at, ptrdiff_t lanes)
{
    const REAL *from = (const REAL *)array + at;
    return lanes == LANES ? NAME(load)(from) : NAME(load_part)(from, lanes);
}

INLINE void NAME(set)(void *array, ptrdiff_t at, VECTOR value, ptrdiff_t lanes)
{
    REAL *to = (REAL *)array + at;
    if (lanes == LANES)
        NAME(store)(to, value);
    else
        NAME(store_part)(to, value, lanes);
}

INLINE VECTOR NAME(rstd_of)(VECTOR var, double eps)
{
    VECTOR rstd;
    for (int lane = 0; lane < LANES; lane++)
        rstd[lane] = (REAL)(1 / sqrt(var[lane] + eps));
    return rstd;
}

INLINE void NAME(forward_lanes)(const struct batch_norm *b, ptrdiff_t c, ptrdiff_t lanes)
{
    VECTOR mean = {0}, var = {0};
    for (ptrdiff_t n = 0; n < b->n;) {
        VECTOR block = {0};
        for (const ptrdiff_t stop = NEXT(n, b->n); n < stop; n++)
            block += NAME(some)(b->x, n * b->c + c, lanes);
        mean += block;
    }
    mean /= (REAL)b->n;
    for (ptrdiff_t n = 0; n < b->n;) {
        VECTOR block = {0};
        for (const ptrdiff_t stop = NEXT(n, b->n); n < stop; n++) {
            const VECTOR deviation = NAME(some)(b->x, n * b->c + c, lanes) - mean;
            block += deviation * deviation;
        }
        var += block;
    }
    var /= (REAL)b->n;
    VECTOR scale = NAME(rstd_of)(var, b->eps);
    if (b->w)
        scale *= NAME(some)(b->w, c, lanes);
    const VECTOR shift = b->b ? NAME(some)(b->b, c, lanes) : (VECTOR){0};
    for (ptrdiff_t n = 0; n < b->n; n++)
        NAME(set)(b->y, n * b->c + c, (NAME(some)(b->x, n * b->c + c, lanes) - mean) * scale + shift, lanes);
    NAME(set)(b->mean, c, mean, lanes);
    NAME(set)(b->var, c, var, lanes);
}

INLINE void NAME(backward_lanes)(const struct batch_norm *b, ptrdiff_t c, ptrdiff_t lanes)
{
    const VECTOR mean = NAME(some)(b->mean, c, lanes), rstd = NAME(rstd_of)(NAME(some)(b->var, c, lanes), b->eps);
    VECTOR one = {0}, normal = {0};
    for (ptrdiff_t n = 0; n < b->n;) {
        VECTOR block_one = {0}, block_normal = {0};
        for (const ptrdiff_t stop = NEXT(n, b->n); n < stop; n++) {
            const VECTOR g = NAME(some)(b->g_y, n * b->c + c, lanes);
            block_one += g;
            block_normal += g * ((NAME(some)(b->x, n * b->c + c, lanes) - mean) * rstd);
        }
        one += block_one;
        normal += block_normal;
    }
    if (b->dw)
        NAME(set)(b->dw, c, normal, lanes);
    if (b->db)
        NAME(set)(b->db, c, one, lanes);
    if (!b->dx)
        return;
    const VECTOR scale = b->w ? rstd * NAME(some)(b->w, c, lanes) : rstd;
    const VECTOR slope = (2 * NAME(some)(b->g_var, c, lanes) - scale * rstd * normal) / (REAL)b->n;
    const VECTOR constant = (NAME(some)(b->g_mean, c, lanes) - scale * one) / (REAL)b->n;
    for (ptrdiff_t n = 0; n < b->n; n++) {
        const ptrdiff_t at = n * b->c + c;
        const VECTOR deviation = NAME(some)(b->x, at, lanes) - mean;
        NAME(set)(b->dx, at, scale * NAME(some)(b->g_y, at, lanes) + slope * deviation + constant, lanes);
    }
}

INLINE void NAME(apply_lanes)(const struct batch_norm *b, ptrdiff_t c, ptrdiff_t lanes)
{
    const VECTOR mean = b->mean ? NAME(some)(b->mean, c, lanes) : (VECTOR){0};
    const VECTOR shift = b->b ? NAME(some)(b->b, c, lanes) : (VECTOR){0}, scale = NAME(some)(b->w, c, lanes);
    for (ptrdiff_t n = 0; n < b->n; n++)
        NAME(set)(b->y, n * b->c + c, (NAME(some)(b->x, n * b->c + c, lanes) - mean) * scale + shift, lanes);
}

INLINE void NAME(apply_backward_lanes)(const struct batch_norm *b, ptrdiff_t c, ptrdiff_t lanes)
{
    const VECTOR mean = b->mean ? NAME(some)(b->mean, c, lanes) : (VECTOR){0}, scale = NAME(some)(b->w, c, lanes);
    VECTOR one = {0}, deviation = {0};
    for (ptrdiff_t n = 0; n < b->n;) {
        VECTOR block_one = {0}, block_deviation = {0};
        for (const ptrdiff_t stop = NEXT(n, b->n); n < stop; n++) {
            const VECTOR g = NAME(some)(b->g_y, n * b->c + c, lanes);
            block_one += g;
            block_deviation += g * (NAME(some)(b->x, n * b->c + c, lanes) - mean);
            if (b->dx)
                NAME(set)(b->dx, n * b->c + c, g * scale, lanes);
        }
        one += block_one;
        deviation += block_deviation;
    }
    if (b->dw)
        NAME(set)(b->dw, c, deviation, lanes);
    if (b->db)
        NAME(set)(b->db, c, one, lanes);
}

/* One channel, or LANES channels from the given one where there are no planes. */
#define CHANNELS(f)                                                                                                    \
    static void NAME(f)(const struct batch_norm *b, ptrdiff_t c)                                                       \
    {                                                                                                                  \
        if (b->s != 1)                                                                                                 \
            NAME(f##_plane)(b, c);                                                                                     \
        else if (c + LANES <= b->c)                                                                                    \
            NAME(f##_lanes)(b, c, LANES);                                                                              \
        else                                                                                                           \
            NAME(f##_lanes)(b, c, b->c - c);                                                                           \
    }

CHANNELS(forward) CHANNELS(backward) CHANNELS(apply) CHANNELS(apply_backward)
#undef CHANNELS

static const struct channels NAME(channels) = {
    {NAME(forward), NAME(backward), NAME(apply), NAME(apply_backward)}, LANES,
};

#undef NEXT
#undef ROW_SUM
#undef BLOCK
