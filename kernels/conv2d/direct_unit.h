/* The sum of direct.h for one instruction set and one element type: see units.h.
 *
 * Two tiles, each a function for every size that occurs, keep a piece of the target in registers for the whole sum:
 * channel lanes   a vector is LANES output channels of a pixel; the image's pixels are broadcast.
 * pixel lanes     a vector is LANES adjacent pixels of a channel; the weights are broadcast. */

#define CHANNEL_VECTORS 2
#define PIXEL_OUTPUTS 6
#if REGISTERS == 32
#define CHANNEL_PIXELS 14
#define PIXEL_VECTORS 4
#else
#define CHANNEL_PIXELS 6
#define PIXEL_VECTORS 2
#endif

/* Phases of columns that are computed side by side and stored together; where there are more, one by one. */
#define TOGETHER 4

/* What a tile sums over: `channels` images, in each `taps` pixels. */
struct NAME(terms) {
    ptrdiff_t channels, channel_size, taps;
    const ptrdiff_t *offset;
    const REAL *weights; /* [channel][tap][output of the block] */
    ptrdiff_t skip;      /* weights of taps that are left out, between two channels */
    const REAL *bias;    /* [output of the block] */
};

/* to[pixel][vector] = the sums of adjacent pixels. */
INLINE void NAME(channel_tile)(int pixels, int vectors, const struct NAME(terms) *terms, const REAL *at, REAL *to,
                               ptrdiff_t to_pixel)
{
    VECTOR sum[CHANNEL_PIXELS][CHANNEL_VECTORS];
    UNROLL
    for (int i = 0; i < pixels; i++) {
        UNROLL
        for (int v = 0; v < vectors; v++)
            sum[i][v] = NAME(load)(terms->bias + v * LANES);
    }
    const struct NAME(terms) s = *terms;
    const REAL *w = s.weights;
    for (ptrdiff_t channel = 0; channel < s.channels; channel++, at += s.channel_size, w += s.skip) {
        for (ptrdiff_t tap = 0; tap < s.taps; tap++, w += vectors * LANES) {
            const REAL *pixel = at + s.offset[tap];
            VECTOR row[CHANNEL_VECTORS];
            UNROLL
            for (int v = 0; v < vectors; v++)
                row[v] = NAME(load)(w + v * LANES);
            UNROLL
            for (int i = 0; i < pixels; i++) {
                UNROLL
                for (int v = 0; v < vectors; v++)
                    sum[i][v] += pixel[i] * row[v];
            }
        }
    }
    UNROLL
    for (int i = 0; i < pixels; i++) {
        UNROLL
        for (int v = 0; v < vectors; v++)
            NAME(store)(to + i * to_pixel + v * LANES, sum[i][v]);
    }
}

/* to[v] + output * to_output = the sums of the LANES pixels at at[v]. */
INLINE void NAME(pixel_tile)(int outputs, int vectors, const struct NAME(terms) *terms, const REAL *const at[],
                             REAL *const to[], ptrdiff_t to_output)
{
    VECTOR sum[PIXEL_OUTPUTS][PIXEL_VECTORS];
    const REAL *place[PIXEL_VECTORS];
    UNROLL
    for (int v = 0; v < vectors; v++)
        place[v] = at[v];
    UNROLL
    for (int o = 0; o < outputs; o++) {
        UNROLL
        for (int v = 0; v < vectors; v++)
            sum[o][v] = NAME(fill)(terms->bias[o]);
    }
    const struct NAME(terms) s = *terms;
    const REAL *w = s.weights;
    for (ptrdiff_t channel = 0, shift = 0; channel < s.channels; channel++, shift += s.channel_size, w += s.skip) {
        for (ptrdiff_t tap = 0; tap < s.taps; tap++, w += outputs) {
            const ptrdiff_t offset = shift + s.offset[tap];
            VECTOR pixels[PIXEL_VECTORS];
            UNROLL
            for (int v = 0; v < vectors; v++) {
                pixels[v] = NAME(load)(place[v] + offset);
                IN_REGISTER(pixels[v]);
            }
            UNROLL
            for (int o = 0; o < outputs; o++) {
                UNROLL
                for (int v = 0; v < vectors; v++)
                    sum[o][v] += w[o] * pixels[v];
            }
        }
    }
    UNROLL
    for (int o = 0; o < outputs; o++) {
        UNROLL
        for (int v = 0; v < vectors; v++)
            NAME(store)(to[v] + o * to_output, sum[o][v]);
    }
}

typedef void NAME(channel_tile_function)(const struct NAME(terms) *terms, const REAL *at, REAL *to, ptrdiff_t to_pixel);
typedef void NAME(pixel_tile_function)(const struct NAME(terms) *terms, const REAL *const at[], REAL *const to[],
                                       ptrdiff_t to_output);

#define CHANNEL_TILE(pixels, vectors)                                                                                  \
    static void NAME(channel_tile_##pixels##x##vectors)(const struct NAME(terms) *terms, const REAL *at, REAL *to,     \
                                                        ptrdiff_t to_pixel)                                            \
    {                                                                                                                  \
        NAME(channel_tile)(pixels, vectors, terms, at, to, to_pixel);                                                  \
    }
#define CHANNEL_TILES(pixels) CHANNEL_TILE(pixels, 1) CHANNEL_TILE(pixels, 2)
#define PIXEL_TILE(outputs, many, vectors)                                                                             \
    static void NAME(pixel_tile_##outputs##many)(const struct NAME(terms) *terms, const REAL *const at[],              \
                                                 REAL *const to[], ptrdiff_t to_output)                                \
    {                                                                                                                  \
        NAME(pixel_tile)(outputs, vectors, terms, at, to, to_output);                                                  \
    }
#define PIXEL_TILES(outputs) PIXEL_TILE(outputs, _one, 1) PIXEL_TILE(outputs, _many, PIXEL_VECTORS)

CHANNEL_TILES(1) CHANNEL_TILES(2) CHANNEL_TILES(3) CHANNEL_TILES(4) CHANNEL_TILES(5) CHANNEL_TILES(6)
#if CHANNEL_PIXELS == 14
CHANNEL_TILES(7) CHANNEL_TILES(8) CHANNEL_TILES(9) CHANNEL_TILES(10) CHANNEL_TILES(11) CHANNEL_TILES(12)
CHANNEL_TILES(13) CHANNEL_TILES(14)
#endif
PIXEL_TILES(1) PIXEL_TILES(2) PIXEL_TILES(3) PIXEL_TILES(4) PIXEL_TILES(5) PIXEL_TILES(6)

/* By [pixels - 1][vectors - 1]. */
#define BOTH(pixels) {NAME(channel_tile_##pixels##x1), NAME(channel_tile_##pixels##x2)}
static NAME(channel_tile_function) *const NAME(channel_tiles)[CHANNEL_PIXELS][CHANNEL_VECTORS] = {
    BOTH(1), BOTH(2), BOTH(3), BOTH(4), BOTH(5), BOTH(6),
#if CHANNEL_PIXELS == 14
    BOTH(7), BOTH(8), BOTH(9), BOTH(10), BOTH(11), BOTH(12), BOTH(13), BOTH(14),
#endif
};
#undef BOTH

/* By [outputs - 1][one vector or many]. */
#define BOTH(outputs) {NAME(pixel_tile_##outputs##_one), NAME(pixel_tile_##outputs##_many)}
static NAME(pixel_tile_function) *const NAME(pixel_tiles)[PIXEL_OUTPUTS][2] = {
    BOTH(1), BOTH(2), BOTH(3), BOTH(4), BOTH(5), BOTH(6),
};
#undef BOTH

enum { NAME(lanes) = LANES };

/* Copies a few numbers without a call. */
INLINE void NAME(copy)(REAL *to, const REAL *from, ptrdiff_t count)
{
    if (count >= LANES) {
        for (ptrdiff_t j = 0; j + LANES < count; j += LANES)
            NAME(store)(to + j, NAME(load)(from + j));
        NAME(store)(to + count - LANES, NAME(load)(from + count - LANES));
        return;
    }
    UNROLL
    for (int size = LANES / 2; size > 0; size /= 2) {
        if (count & size) {
            memcpy(to, from, size * sizeof(REAL));
            to += size;
            from += size;
        }
    }
}

/* Copies from[0], from[2], ..., where one more number can be read behind the last. */
INLINE void NAME(copy_even)(REAL *to, const REAL *from, ptrdiff_t count)
{
    if (count < LANES) {
        for (ptrdiff_t j = 0; j < count; j++)
            to[j] = from[2 * j];
        return;
    }
    for (ptrdiff_t j = 0; j < count; j += LANES) {
        if (j + LANES > count)
            j = count - LANES;
        NAME(store)(to + j, NAME(even)(NAME(load)(from + 2 * j), NAME(load)(from + 2 * j + LANES)));
    }
}

static ptrdiff_t NAME(smaller_size)(ptrdiff_t a, ptrdiff_t b)
{
    return a < b ? a : b;
}

/* The blocks of outputs that tiles compute: the first output of each. Channel lanes: all but the last are full. */
static ptrdiff_t NAME(block_begin)(const struct direct *d, ptrdiff_t block)
{
    if (d->pixel_lanes)
        return block * d->outputs / d->blocks;
    return NAME(smaller_size)(block * CHANNEL_VECTORS * LANES, d->outputs);
}

static ptrdiff_t NAME(blocks)(const struct direct *d)
{
    const ptrdiff_t most = d->pixel_lanes ? PIXEL_OUTPUTS : CHANNEL_VECTORS * LANES;
    return (d->outputs + most - 1) / most;
}

/* The outputs of a block, with those that only fill a vector up. */
static ptrdiff_t NAME(width)(const struct direct *d, ptrdiff_t outputs)
{
    return d->pixel_lanes ? outputs : (outputs + LANES - 1) / LANES * LANES;
}

static ptrdiff_t NAME(packed_size)(const struct direct *d, ptrdiff_t block)
{
    return NAME(width)(d, NAME(block_begin)(d, block + 1) - NAME(block_begin)(d, block)) * d->inputs * d->taps;
}

/* Whether no weight is infinite or not a number: times 0 such a one is not 0. */
static bool NAME(finite)(const struct direct *d)
{
    const REAL *w = d->weights;
    const ptrdiff_t count = d->groups * d->inputs * d->outputs * d->taps;
    VECTOR sum = {0};
    ptrdiff_t i = 0;
    for (; i + LANES <= count; i += LANES)
        sum += 0 * NAME(load)(w + i);
    REAL rest = NAME(sum)(sum);
    for (; i < count; i++)
        rest += 0 * w[i];
    return rest == 0;
}

/* Brings the weights of one block into the order in which tiles read them: [phase][channel][tap][output of the block].
 * Channel lanes: squares of LANES outputs and LANES taps are transposed. */
static void NAME(pack)(const struct direct *d, ptrdiff_t group, ptrdiff_t block, void *packed)
{
    const ptrdiff_t first_output = NAME(block_begin)(d, block), count = NAME(block_begin)(d, block + 1) - first_output;
    const ptrdiff_t width = NAME(width)(d, count);
    const ptrdiff_t group_size = d->inputs * d->outputs * d->taps;
    const REAL *w = (const REAL *)d->weights + group * group_size + first_output * d->weight_output;
    REAL *const to = packed;
    const bool in_a_row = d->row_phases * d->column_phases == 1 && d->weight_input == d->taps;
    const ptrdiff_t channels = in_a_row ? 1 : d->inputs, taps = in_a_row ? d->inputs * d->taps : d->taps;
    const REAL *const end = (const REAL *)d->weights + d->groups * group_size;
    for (ptrdiff_t channel = 0; channel < channels; channel++, w += d->weight_input) {
        for (ptrdiff_t tap = 0, here; tap < taps; tap += here) {
            here = d->pixel_lanes ? 1 : NAME(smaller_size)(taps - tap, LANES);
            REAL *places[LANES];
            for (ptrdiff_t j = 0; j < here; j++) {
                const ptrdiff_t place = in_a_row ? tap + j : d->tap_first[tap + j] + channel * d->tap_step[tap + j];
                places[j] = to + place * width;
            }
            if (d->pixel_lanes) {
                for (ptrdiff_t o = 0; o < count; o++)
                    places[0][o] = w[o * d->weight_output + tap];
                continue;
            }
            for (ptrdiff_t first = 0; first < width; first += LANES) {
                VECTOR square[LANES];
                UNROLL
                for (int o = 0; o < LANES; o++) {
                    const REAL *from = w + (first + o) * d->weight_output + tap;
                    square[o] = first + o >= count     ? (VECTOR){0}
                                : from + LANES <= end ? NAME(load)(from)
                                                      : NAME(load_part)(from, here);
                }
                NAME(transpose)(square);
                UNROLL
                for (int j = 0; j < LANES; j++) {
                    if (j < here)
                        NAME(store)(places[j] + first, square[j]);
                }
            }
        }
    }
}

/* Brings the rows of image n that the places of the rows first_place to end_place - 1 see, with zeros around them. */
static void NAME(pad)(const struct direct *d, ptrdiff_t n, ptrdiff_t first_place, ptrdiff_t end_place, void *padded)
{
    const ptrdiff_t channels = d->groups * d->inputs;
    const ptrdiff_t first = first_place * d->row_step, count = (end_place - 1 - first_place) * d->row_step + d->reach;
    const REAL *source = (const REAL *)d->source + n * channels * d->source_height * d->source_width;
    REAL *const image = padded;
    const REAL *const source_end = source + channels * d->source_height * d->source_width;
    memset(image, 0, (size_t)(count * d->row_size + LANES) * sizeof(REAL));
    for (ptrdiff_t channel = 0; channel < channels; channel++, source += d->source_height * d->source_width) {
        for (ptrdiff_t r = 0; r < count; r++) {
            const ptrdiff_t row = first + r - d->top;
            if (row < 0 || row >= d->source_height)
                continue;
            const REAL *from = source + row * d->source_width;
            REAL *to = image + r * d->row_size + channel * d->channel_size;
            const ptrdiff_t step = d->image_phases;
            for (ptrdiff_t phase = 0; phase < step; phase++, to += d->pitch) {
                const ptrdiff_t left = d->left - phase;
                ptrdiff_t q = left > 0 ? (left + step - 1) / step : 0;
                ptrdiff_t end = left + d->source_width > 0 ? (left + d->source_width + step - 1) / step : 0;
                end = NAME(smaller_size)(end, d->pitch);
                if (q >= end)
                    continue;
                if (step == 1)
                    NAME(copy)(to + q, from + q - left, end - q);
                else if (step == 2 && from + 2 * end - left <= source_end)
                    NAME(copy_even)(to + q, from + 2 * q - left, end - q);
                else {
                    for (; q < end; q++)
                        to[q] = from[q * step - left];
                }
            }
        }
    }
}

/* Where tiles of one block of outputs write. */
struct NAME(plane) {
    REAL *target;    /* of the block's first output */
    ptrdiff_t size;  /* from one output to the next */
    ptrdiff_t count; /* of outputs */
    ptrdiff_t end;   /* of the strip: as rows are stored in order, a whole vector may be stored up to here */
};

/* Stores `columns` pixels, [pixel][width], into the target's row from `column` on, `step` apart. */
static void NAME(store_channels)(const struct direct *d, const struct NAME(plane) *plane, ptrdiff_t row,
                                 ptrdiff_t column, ptrdiff_t step, ptrdiff_t columns, const REAL *pixels,
                                 ptrdiff_t width)
{
    for (; columns > 0 && column < 0; columns--, column += step)
        pixels += width;
    columns = NAME(smaller_size)(columns, column < d->target_width ? (d->target_width - column + step - 1) / step : 0);
    REAL *to = plane->target + row * d->target_width + column;
    if (step > 1) {
        for (ptrdiff_t o = 0; o < plane->count; o++) {
            for (ptrdiff_t j = 0; j < columns; j++)
                to[o * plane->size + j * step] = pixels[j * width + o];
        }
        return;
    }
    for (ptrdiff_t first = 0; first < columns; first += LANES, pixels += LANES * width) {
        const ptrdiff_t here = NAME(smaller_size)(columns - first, LANES);
        for (ptrdiff_t o = 0; o < plane->count; o += LANES) {
            const ptrdiff_t outputs = NAME(smaller_size)(plane->count - o, LANES);
            VECTOR square[LANES];
            UNROLL
            for (int j = 0; j < LANES; j++)
                square[j] = j < here ? NAME(load)(pixels + j * width + o) : (VECTOR){0};
            NAME(transpose)(square);
            REAL *corner = to + o * plane->size + first;
            if (corner - plane->target - o * plane->size + LANES <= plane->end) {
                UNROLL
                for (int lane = 0; lane < LANES; lane++) {
                    if (lane < outputs)
                        NAME(store)(corner + lane * plane->size, square[lane]);
                }
            }
            else {
                for (ptrdiff_t lane = 0; lane < outputs; lane++)
                    NAME(copy)(corner + lane * plane->size, (const REAL *)&square[lane], here);
            }
        }
    }
}

/* Stores the pixels of some places, [phase][place], into the target's row from `column` on, `step` apart. */
static void NAME(store_pixels)(const struct direct *d, REAL *row, ptrdiff_t column, ptrdiff_t step, ptrdiff_t phases,
                               ptrdiff_t places, const REAL *pixels, ptrdiff_t phase_size)
{
    REAL line[TOGETHER * LANES];
    if (phases == 2) {
        const VECTOR a = NAME(load)(pixels), b = NAME(load)(pixels + phase_size);
        NAME(store)(line, NAME(low)(a, b));
        NAME(store)(line + LANES, NAME(high)(a, b));
    }
    else {
        for (ptrdiff_t phase = 0; phase < phases; phase++) {
            for (ptrdiff_t j = 0; j < places; j++)
                line[j * phases + phase] = pixels[phase * phase_size + j];
        }
    }
    const ptrdiff_t skip = column < 0 ? (step - 1 - column) / step : 0;
    const ptrdiff_t end = NAME(smaller_size)(places * phases, (d->target_width - column + step - 1) / step);
    if (step == 1 && skip < end)
        NAME(copy)(row + column + skip, line + skip, end - skip);
    else {
        for (ptrdiff_t j = skip; j < end; j++)
            row[column + j * step] = line[j];
    }
}

/* The taps of a phase for the places of the rows first to last, without those at both ends that see zeros alone. */
INLINE void NAME(choose_taps)(struct NAME(terms) *terms, const struct direct *d, ptrdiff_t phase, ptrdiff_t first,
                              ptrdiff_t last, const REAL *weights, ptrdiff_t width)
{
    const ptrdiff_t all = d->tap_begin[phase + 1] - d->tap_begin[phase];
    const ptrdiff_t above = d->top - last * d->row_step, below = d->top + d->source_height - first * d->row_step;
    ptrdiff_t begin = d->tap_begin[phase], end = begin + all;
    if (d->finite) {
        while (begin < end && (d->tap_row[begin] < above || d->tap_row[begin] >= below))
            begin++;
        while (begin < end && (d->tap_row[end - 1] < above || d->tap_row[end - 1] >= below))
            end--;
    }
    terms->offset = d->tap_offset + begin;
    terms->taps = end - begin;
    terms->skip = (all - terms->taps) * width;
    terms->weights = weights + (d->tap_begin[phase] * d->inputs + begin - d->tap_begin[phase]) * width;
}

/* One block of outputs with channel lanes. */
static void NAME(channel_block)(const struct direct *d, struct NAME(terms) *terms, const struct NAME(plane) *plane,
                                ptrdiff_t first, ptrdiff_t end, const REAL *weights, const REAL *image)
{
    _Alignas(64) REAL aside[CHANNEL_PIXELS * TOGETHER * CHANNEL_VECTORS * LANES];
    const ptrdiff_t width = NAME(width)(d, plane->count);
    const ptrdiff_t tiles = (d->columns + CHANNEL_PIXELS - 1) / CHANNEL_PIXELS;
    const ptrdiff_t together = d->column_phases <= TOGETHER ? d->column_phases : 1;
    const ptrdiff_t step = d->column_phases / together;
    for (ptrdiff_t i = first; i < end; i++) {
        const REAL *at = image + (i - first) * d->row_step * d->row_size;
        for (ptrdiff_t a = 0; a < d->row_phases; a++) {
            const ptrdiff_t row = d->first_row + i * d->row_phases + a;
            if (row < 0 || row >= d->target_height)
                continue;
            for (ptrdiff_t tile = 0; tile < tiles; tile++) {
                const ptrdiff_t j = tile * d->columns / tiles, pixels = (tile + 1) * d->columns / tiles - j;
                for (ptrdiff_t b = 0; b < d->column_phases; b += together) {
                    for (ptrdiff_t phase = b; phase < b + together; phase++) {
                        NAME(choose_taps)(terms, d, a * d->column_phases + phase, i, i, weights, width);
                        NAME(channel_tiles)[pixels - 1][width / LANES - 1](terms, at + j, aside + (phase - b) * width,
                                                                           together * width);
                    }
                    NAME(store_channels)(d, plane, row, d->first_column + j * d->column_phases + b, step,
                                         pixels * together, aside, width);
                }
            }
        }
    }
}

/* One block of outputs with pixel lanes. */
static void NAME(pixel_block)(const struct direct *d, struct NAME(terms) *terms, const struct NAME(plane) *plane,
                              ptrdiff_t first, ptrdiff_t end, const REAL *weights, const REAL *image)
{
    _Alignas(64) REAL aside[TOGETHER][PIXEL_OUTPUTS][PIXEL_VECTORS * LANES];
    const ptrdiff_t across = (d->columns + LANES - 1) / LANES, vectors = (end - first) * across;
    const ptrdiff_t together = d->column_phases <= TOGETHER ? d->column_phases : 1;
    const ptrdiff_t step = d->column_phases / together;
    const bool whole = d->column_phases == 1 && d->columns == d->target_width;
    for (ptrdiff_t a = 0; a < d->row_phases; a++) {
        for (ptrdiff_t vector = 0, many; vector < vectors; vector += many) {
            many = vectors - vector >= PIXEL_VECTORS ? PIXEL_VECTORS : 1;
            const REAL *at[PIXEL_VECTORS];
            REAL *to[PIXEL_VECTORS], *rows[PIXEL_VECTORS];
            ptrdiff_t columns[PIXEL_VECTORS];
            bool straight = whole;
            for (ptrdiff_t v = 0; v < many; v++) {
                const ptrdiff_t i = first + (vector + v) / across;
                ptrdiff_t j = (vector + v) % across * LANES;
                if (j + LANES > d->columns) /* the last of a row ends with it */
                    j = d->columns > LANES ? d->columns - LANES : 0;
                const ptrdiff_t row = d->first_row + i * d->row_phases + a;
                at[v] = image + (i - first) * d->row_step * d->row_size + j;
                rows[v] = row < 0 || row >= d->target_height ? NULL : plane->target + row * d->target_width;
                columns[v] = j;
                /* A vector that is longer than a row is stored whole where the next rows follow. */
                straight &= rows[v] && (d->columns >= LANES ||
                                        (d->row_phases == 1 && rows[v] - plane->target + LANES <= plane->end));
            }
            for (ptrdiff_t b = 0; b < d->column_phases; b += together) {
                for (ptrdiff_t phase = b; phase < b + together; phase++) {
                    NAME(choose_taps)(terms, d, a * d->column_phases + phase, first + vector / across,
                                      first + (vector + many - 1) / across, weights, plane->count);
                    for (ptrdiff_t v = 0; v < many; v++)
                        to[v] = straight ? rows[v] + columns[v] : &aside[phase - b][0][v * LANES];
                    NAME(pixel_tiles)[plane->count - 1][many > 1](terms, at, to,
                                                                  straight ? plane->size : PIXEL_VECTORS * LANES);
                }
                if (straight)
                    continue;
                for (ptrdiff_t v = 0; v < many; v++) {
                    for (ptrdiff_t o = 0; rows[v] && o < plane->count; o++)
                        NAME(store_pixels)(d, rows[v] + o * plane->size,
                                           d->first_column + columns[v] * d->column_phases + b, step, together,
                                           NAME(smaller_size)(d->columns, LANES), &aside[0][o][v * LANES],
                                           PIXEL_OUTPUTS * PIXEL_VECTORS * LANES);
                }
            }
        }
    }
}

/* Fills one block of outputs of image n in the target's rows of the places first to end - 1. */
static void NAME(compute)(const struct direct *d, ptrdiff_t n, ptrdiff_t first, ptrdiff_t end, ptrdiff_t group,
                          ptrdiff_t block, const void *packed, const void *image)
{
    const ptrdiff_t size = d->target_height * d->target_width;
    const ptrdiff_t block_begin = NAME(block_begin)(d, block), count = NAME(block_begin)(d, block + 1) - block_begin;
    const ptrdiff_t output = group * d->outputs + block_begin;
    REAL bias[CHANNEL_VECTORS * LANES > PIXEL_OUTPUTS ? CHANNEL_VECTORS * LANES : PIXEL_OUTPUTS] = {0};
    if (d->bias)
        memcpy(bias, (const REAL *)d->bias + output, count * sizeof(REAL));
    struct NAME(terms) terms = {.channels = d->inputs, .channel_size = d->channel_size, .bias = bias};
    const struct NAME(plane) plane = {
        .target = (REAL *)d->target + (n * d->groups * d->outputs + output) * size, .size = size, .count = count,
        .end = NAME(smaller_size)(d->first_row + end * d->row_phases, d->target_height) * d->target_width,
    };
    (d->pixel_lanes ? NAME(pixel_block) : NAME(channel_block))(
        d, &terms, &plane, first, end, packed, (const REAL *)image + group * d->inputs * d->channel_size);
}

#undef CHANNEL_VECTORS
#undef CHANNEL_PIXELS
#undef PIXEL_OUTPUTS
#undef PIXEL_VECTORS
#undef TOGETHER
#undef CHANNEL_TILE
#undef CHANNEL_TILES
#undef PIXEL_TILE
#undef PIXEL_TILES
