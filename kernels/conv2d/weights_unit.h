/* The gradient of the weights in one element type and one instruction set: see units.h.
 *
 * dw[k, term] = sum over pixels of dy[k, pixel] x[pixel + offset of term], where a term is an input channel and a
 * tap: a product of two matrices, of which neither is written down. Lanes are output channels: dy is transposed once.
 * The other factor is broadcast from the image, which has its zeros around it, so that a term is no more than an
 * offset. A tile of dw stays in registers while all pixels pass by.
 *
 * A few output channels fill no vector: then lanes are pixels of a row, and dy is read as it lies. */

#include "core/rows.h"

#if REGISTERS == 32
#define TERMS 9
#define FEW_OUTPUTS 6
#define FEW_TERMS 4
#else
#define TERMS 6
#define FEW_OUTPUTS 3
#define FEW_TERMS 3
#endif

/* The images of one pass, and what they are made into. */
struct NAME(weights) {
    const struct convolution *c;
    const REAL *dy, *x; /* of the first image */
    REAL *dw;
    ptrdiff_t images;
    bool add;                              /* to what earlier passes have left in dw */
    const REAL *image;                     /* x with zeros around: (images, c, height, width) */
    /* image, if it is a copy; dy as (groups, blocks, images, pixels, channels) */
    REAL *padded, *lanes;
    ptrdiff_t height, width;
    /* channels of a group; their blocks; the channels of a block, but for the last */
    ptrdiff_t outputs, blocks, block;
    ptrdiff_t terms, tiles;                /* of a group and of a block */
    const ptrdiff_t *offsets;              /* of the terms */
};

/* A tile: count terms x vectors of channels. count and vectors are constants in every use. */
INLINE void NAME(tile)(int count, int vectors, const struct NAME(weights) *w, const REAL *image, const REAL *dy,
                       const ptrdiff_t *offsets, REAL *sums)
{
    const struct convolution *c = w->c;
    VECTOR sum[TERMS][2];
    ptrdiff_t offset[TERMS];
    UNROLL
    for (int t = 0; t < count; t++) {
        offset[t] = offsets[t];
        UNROLL
        for (int v = 0; v < vectors; v++)
            sum[t][v] = (VECTOR){0};
    }
    for (ptrdiff_t n = 0; n < w->images; n++) {
        for (ptrdiff_t i = 0; i < c->oh; i++) {
            const REAL *at = image + (n * c->c * w->height + i * c->stride_h) * w->width;
            for (ptrdiff_t j = 0; j < c->ow; j++) {
                VECTOR row[2];
                UNROLL
                for (int v = 0; v < vectors; v++)
                    row[v] = NAME(load)(dy + v * LANES);
                UNROLL
                for (int t = 0; t < count; t++) {
                    UNROLL
                    for (int v = 0; v < vectors; v++)
                        sum[t][v] += at[offset[t]] * row[v];
                }
                at += c->stride_w;
                dy += vectors * LANES;
            }
        }
    }
    UNROLL
    for (int t = 0; t < count; t++) {
        UNROLL
        for (int v = 0; v < vectors; v++)
            NAME(store)(sums + (2 * t + v) * LANES, sum[t][v]);
    }
}

typedef void NAME(tile_function)(const struct NAME(weights) *w, const REAL *image, const REAL *dy,
                                 const ptrdiff_t *offsets, REAL *sums);

#define TILE(count, vectors)                                                                                           \
    static void NAME(tile_##count##x##vectors)(const struct NAME(weights) *w, const REAL *image, const REAL *dy,       \
                                               const ptrdiff_t *offsets, REAL *sums)                                   \
    {                                                                                                                  \
        NAME(tile)(count, vectors, w, image, dy, offsets, sums);                                                       \
    }

TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2)
#if TERMS == 9
TILE(7, 1) TILE(8, 1) TILE(9, 1) TILE(7, 2) TILE(8, 2) TILE(9, 2)
#define UP_TO_TERMS(v)                                                                                                 \
    {NAME(tile_1x##v), NAME(tile_2x##v), NAME(tile_3x##v), NAME(tile_4x##v), NAME(tile_5x##v),                         \
     NAME(tile_6x##v), NAME(tile_7x##v), NAME(tile_8x##v), NAME(tile_9x##v)}
#else
#define UP_TO_TERMS(v)                                                                                                 \
    {NAME(tile_1x##v), NAME(tile_2x##v), NAME(tile_3x##v), NAME(tile_4x##v), NAME(tile_5x##v), NAME(tile_6x##v)}
#endif

/* By [vectors - 1][count - 1]. */
static NAME(tile_function) *const NAME(tiles)[2][TERMS] = {UP_TO_TERMS(1), UP_TO_TERMS(2)};

/* How many vectors of channels a block has. */
static ptrdiff_t NAME(vectors)(const struct NAME(weights) *w, ptrdiff_t block)
{
    return w->outputs - block * w->block > LANES ? 2 : 1;
}

/* Adds the products of LANES pixels to a tile of outputs x terms, only those of the lanes in `mask` if `part`. */
INLINE void NAME(few_pixels)(int outputs, int terms, const REAL *dy, ptrdiff_t plane, const REAL *at,
                             const ptrdiff_t *offset, bool part, MASK mask, VECTOR sum[FEW_OUTPUTS][FEW_TERMS])
{
    VECTOR g[FEW_OUTPUTS];
    UNROLL
    for (int o = 0; o < outputs; o++) {
        g[o] = NAME(load)(dy + o * plane);
        if (part)
            g[o] = (VECTOR)((MASK)g[o] & mask);
    }
    UNROLL
    for (int t = 0; t < terms; t++) {
        VECTOR pixels = NAME(load)(at + offset[t]);
        if (part) /* an infinity there would make a NaN of the 0 in dy */
            pixels = (VECTOR)((MASK)pixels & mask);
        UNROLL
        for (int o = 0; o < outputs; o++)
            sum[o][t] += g[o] * pixels;
    }
}

/* A tile with lanes of pixels: stride 1 and rows of LANES pixels at least. The last vector of a row ends with it. */
INLINE void NAME(few)(int outputs, int terms, const struct NAME(weights) *w, const REAL *image, const REAL *dy,
                      const ptrdiff_t *offsets, REAL *to)
{
    const struct convolution *c = w->c;
    const ptrdiff_t plane = c->oh * c->ow, whole = c->ow / LANES * LANES;
    const MASK mask = NAME(ends)(c->ow);
    ptrdiff_t offset[FEW_TERMS];
    VECTOR sum[FEW_OUTPUTS][FEW_TERMS];
    UNROLL
    for (int t = 0; t < terms; t++) {
        offset[t] = offsets[t];
        UNROLL
        for (int o = 0; o < outputs; o++)
            sum[o][t] = (VECTOR){0};
    }
    for (ptrdiff_t n = 0; n < w->images; n++) {
        for (ptrdiff_t i = 0; i < c->oh; i++) {
            const REAL *at = image + (n * c->c * w->height + i * c->stride_h) * w->width;
            const REAL *from = dy + n * c->k * plane + i * c->ow;
            for (ptrdiff_t j = 0; j < whole; j += LANES)
                NAME(few_pixels)(outputs, terms, from + j, plane, at + j, offset, false, mask, sum);
            const ptrdiff_t last = c->ow - LANES;
            if (whole < c->ow)
                NAME(few_pixels)(outputs, terms, from + last, plane, at + last, offset, true, mask, sum);
        }
    }
    UNROLL
    for (int o = 0; o < outputs; o++) {
        UNROLL
        for (int t = 0; t < terms; t++) {
            const REAL here = NAME(sum)(sum[o][t]);
            to[o * w->terms + t] = w->add ? to[o * w->terms + t] + here : here;
        }
    }
}

#define FEW(outputs, terms)                                                                                            \
    static void NAME(few_##outputs##x##terms)(const struct NAME(weights) *w, const REAL *image, const REAL *dy,        \
                                              const ptrdiff_t *offsets, REAL *to)                                      \
    {                                                                                                                  \
        NAME(few)(outputs, terms, w, image, dy, offsets, to);                                                          \
    }
#if FEW_OUTPUTS == 6
#define UP_TO_FEW(f) f(1) f(2) f(3) f(4) f(5) f(6)
#define FEW_ROW(o) FEW(o, 1) FEW(o, 2) FEW(o, 3) FEW(o, 4)
#define FEW_NAMES(o) {NAME(few_##o##x1), NAME(few_##o##x2), NAME(few_##o##x3), NAME(few_##o##x4)},
#else
#define UP_TO_FEW(f) f(1) f(2) f(3)
#define FEW_ROW(o) FEW(o, 1) FEW(o, 2) FEW(o, 3)
#define FEW_NAMES(o) {NAME(few_##o##x1), NAME(few_##o##x2), NAME(few_##o##x3)},
#endif
UP_TO_FEW(FEW_ROW)

/* By [outputs - 1][terms - 1]. */
static NAME(tile_function) *const NAME(few_tiles)[FEW_OUTPUTS][FEW_TERMS] = {UP_TO_FEW(FEW_NAMES)};

/* Adds this pass's pixels to a tile of dw, with lanes of pixels. */
static void NAME(weigh_few)(void *argument, ptrdiff_t number)
{
    const struct NAME(weights) *w = argument;
    const struct convolution *c = w->c;
    const ptrdiff_t tile = number % w->tiles, block = number / w->tiles % w->blocks;
    const ptrdiff_t group = number / w->tiles / w->blocks;
    const ptrdiff_t first = tile * w->terms / w->tiles, count = (tile + 1) * w->terms / w->tiles - first;
    const ptrdiff_t output = block * w->outputs / w->blocks, end = (block + 1) * w->outputs / w->blocks;
    const ptrdiff_t channel = group * w->outputs + output;
    NAME(few_tiles)[end - output - 1][count - 1](
        w, w->image + group * (c->c / c->groups) * w->height * w->width, w->dy + channel * c->oh * c->ow,
        w->offsets + first, w->dw + channel * w->terms + first);
}

/* Puts zeros around one channel of one image. */
static void NAME(pad)(void *argument, ptrdiff_t plane)
{
    const struct NAME(weights) *w = argument;
    const struct convolution *c = w->c;
    const REAL *from = w->x + plane * c->h * c->w;
    REAL *to = w->padded + plane * w->height * w->width;
    memset(to, 0, (size_t)(w->height * w->width) * sizeof(REAL));
    for (ptrdiff_t row = 0; row < c->h; row++)
        memcpy(to + (row + c->padding_h) * w->width + c->padding_w, from + row * c->w, (size_t)c->w * sizeof(REAL));
}

/* to[pixel, channel] = from[channel, pixel] for LANES channels, of which `count` are there, in rows of `row`
 * elements. */
static void NAME(turn)(const REAL *from, ptrdiff_t pixels, ptrdiff_t count, REAL *to, ptrdiff_t row)
{
    ptrdiff_t pixel = 0;
    for (; pixel + LANES <= pixels; pixel += LANES) {
        VECTOR square[LANES];
        UNROLL
        for (int channel = 0; channel < LANES; channel++)
            square[channel] = channel < count ? NAME(load)(from + channel * pixels + pixel) : (VECTOR){0};
        NAME(transpose)(square);
        UNROLL
        for (int i = 0; i < LANES; i++)
            NAME(store)(to + (pixel + i) * row, square[i]);
    }
    for (; pixel < pixels; pixel++) {
        for (ptrdiff_t channel = 0; channel < LANES; channel++)
            to[pixel * row + channel] = channel < count ? from[channel * pixels + pixel] : 0;
    }
}

/* Transposes one block of channels of dy of one image. */
static void NAME(turn_block)(void *argument, ptrdiff_t number)
{
    const struct NAME(weights) *w = argument;
    const struct convolution *c = w->c;
    const ptrdiff_t pixels = c->oh * c->ow, n = number % w->images;
    const ptrdiff_t block = number / w->images % w->blocks, group = number / w->images / w->blocks;
    const ptrdiff_t vectors = NAME(vectors)(w, block), row = vectors * LANES;
    REAL *to = w->lanes + ((group * w->blocks + block) * w->block * w->images + n * row) * pixels;
    for (ptrdiff_t v = 0; v < vectors; v++) {
        const ptrdiff_t channel = block * w->block + v * LANES, left = w->outputs - channel;
        NAME(turn)(w->dy + (n * c->k + group * w->outputs + channel) * pixels, pixels, left, to + v * LANES, row);
    }
}

/* Adds this pass's pixels to a tile of dw. */
static void NAME(weigh)(void *argument, ptrdiff_t number)
{
    const struct NAME(weights) *w = argument;
    const struct convolution *c = w->c;
    const ptrdiff_t tile = number % w->tiles, block = number / w->tiles % w->blocks;
    const ptrdiff_t group = number / w->tiles / w->blocks;
    const ptrdiff_t first = tile * w->terms / w->tiles, count = (tile + 1) * w->terms / w->tiles - first;
    const ptrdiff_t vectors = NAME(vectors)(w, block), left = w->outputs - block * w->block;
    const ptrdiff_t channels = left < vectors * LANES ? left : vectors * LANES;
    const REAL *image = w->image + group * (c->c / c->groups) * w->height * w->width;
    const REAL *dy = w->lanes + (group * w->blocks + block) * w->block * w->images * c->oh * c->ow;
    REAL sums[TERMS][2 * LANES];
    NAME(tiles)[vectors - 1][count - 1](w, image, dy, w->offsets + first, sums[0]);
    REAL *to = w->dw + (group * w->outputs + block * w->block) * w->terms + first;
    for (ptrdiff_t k = 0; k < channels; k++, to += w->terms) {
        for (ptrdiff_t t = 0; t < count; t++)
            to[t] = w->add ? to[t] + sums[t][k] : sums[t][k];
    }
}

static bool NAME(dw)(const struct core *core, const struct convolution *c, const void *dy, const void *x, void *dw)
{
    const ptrdiff_t inputs = c->c / c->groups, pixels = c->oh * c->ow;
    const ptrdiff_t most = 1 + PASS / (pixels + 1), passes = (c->n + most - 1) / most;
    const bool pads = c->padding_h > 0 || c->padding_w > 0;
    struct NAME(weights) w = {
        .c = c,
        .dw = dw,
        .height = c->h + 2 * c->padding_h,
        .width = c->w + 2 * c->padding_w,
        .outputs = c->k / c->groups,
        .terms = inputs * c->kh * c->kw,
    };
    const bool few = few_channels(c, LANES);
    w.block = few ? FEW_OUTPUTS : w.outputs <= LANES ? LANES : 2 * LANES;
    w.blocks = (w.outputs + w.block - 1) / w.block;
    w.tiles = few ? (w.terms + FEW_TERMS - 1) / FEW_TERMS : (w.terms + TERMS - 1) / TERMS;
    ptrdiff_t *offsets = core->scratch(0, (size_t)w.terms * sizeof *offsets);
    w.lanes = core->scratch(1, (size_t)(c->groups * w.blocks * w.block * most * pixels) * sizeof(REAL));
    w.padded = core->scratch(2, pads ? (size_t)(most * c->c * w.height * w.width) * sizeof(REAL) : 1);
    if (!offsets || !w.lanes || !w.padded)
        return false;
    for (ptrdiff_t t = 0; t < w.terms; t++) {
        const ptrdiff_t channel = t / (c->kh * c->kw), u = t / c->kw % c->kh, v = t % c->kw;
        offsets[t] = (channel * w.height + u * c->dilation_h) * w.width + v * c->dilation_w;
    }
    w.offsets = offsets;
    const bool large = (double)c->n * pixels * c->k * w.terms > WORTH_THREADS;
    for (ptrdiff_t pass = 0; pass < passes; pass++) {
        const ptrdiff_t first = pass * c->n / passes;
        w.images = (pass + 1) * c->n / passes - first;
        w.dy = (const REAL *)dy + first * c->k * pixels;
        w.x = (const REAL *)x + first * c->c * c->h * c->w;
        w.image = pads ? w.padded : w.x;
        w.add = pass > 0;
        if (pads)
            run(core, large, NAME(pad), &w, w.images * c->c);
        if (!few)
            run(core, large, NAME(turn_block), &w, c->groups * w.blocks * w.images);
        run(core, large, few ? NAME(weigh_few) : NAME(weigh), &w, c->groups * w.blocks * w.tiles);
    }
    return true;
}

#undef TERMS
#undef TILE
#undef UP_TO_TERMS
#undef FEW_OUTPUTS
#undef FEW_TERMS
#undef FEW
#undef UP_TO_FEW
#undef FEW_ROW
#undef FEW_NAMES
