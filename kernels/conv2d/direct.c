/* Convolution and dx without im2col: where the taps of direct.h lie, and how the work is divided. */
#include "direct.h"

#include <stdatomic.h>

#define UNIT "conv2d/direct_unit.h"
#include "core/units.h"

#define OF(type, set)                                                                                                  \
    {                                                                                                                  \
        lanes_##type##_##set, finite_##type##_##set, blocks_##type##_##set, packed_size_##type##_##set,                \
            pack_##type##_##set, pad_##type##_##set, compute_##type##_##set                                            \
    }
#define TABLE(set) {OF(float, set), OF(double, set)}
static const struct direct_unit units[INSTRUCTION_SETS][2] = UNITS(TABLE);

/* Slots of scratch: what all threads read, and what each has for itself. */
#define SHARED 0
#define OWN 1

/* Below so many multiplications a second thread gains nothing. */
#define WORTH_THREADS 2e6

/* In bytes. An image goes through the cache in strips of about STRIP. More weights than MANY_WEIGHTS are packed block
 * by block instead, and each block is used for all images, or so many as fit in IMAGES, while it is in the cache.
 * 256 -> 256 channels of 14 x 14, batch 8: 1.06 -> 1.01 of the time of PyTorch; 512 -> 512 of 7 x 7: 1.21 -> 1.10. */
#define STRIP 262144
#define MANY_WEIGHTS 1048576
#define IMAGES 4194304

struct job {
    const struct core *core;
    const struct direct *d;
    const struct direct_unit *unit;
    size_t size;              /* of a number */
    char *packed;             /* all weights, or */
    char *images;             /* whole images, so far apart, */
    size_t image_bytes;
    ptrdiff_t first, end;     /* from first to end - 1 */
    ptrdiff_t strips;
    atomic_bool no_memory;
};

static size_t image_bytes(const struct job *job, ptrdiff_t rows)
{
    const struct direct *d = job->d;
    const size_t image_rows = (size_t)((rows - 1) * d->row_step + d->reach);
    return (image_rows * (size_t)d->row_size + 16) * job->size; /* vectors may hang over the end */
}

/* A strip of an image, all blocks. */
static void strip(void *argument, ptrdiff_t index)
{
    struct job *job = argument;
    const struct direct *d = job->d;
    const ptrdiff_t n = index / job->strips, part = index % job->strips;
    const ptrdiff_t first = part * d->rows / job->strips, end = (part + 1) * d->rows / job->strips;
    void *image = job->core->scratch(OWN, image_bytes(job, end - first));
    if (!image) {
        atomic_store(&job->no_memory, true);
        return;
    }
    job->unit->pad(d, n, first, end, image);
    const char *packed = job->packed;
    for (ptrdiff_t group = 0; group < d->groups; group++) {
        for (ptrdiff_t block = 0; block < d->blocks; block++) {
            job->unit->compute(d, n, first, end, group, block, packed, image);
            packed += (size_t)job->unit->packed_size(d, block) * job->size;
        }
    }
}

static void pad_image(void *argument, ptrdiff_t index)
{
    struct job *job = argument;
    job->unit->pad(job->d, job->first + index, 0, job->d->rows, job->images + (size_t)index * job->image_bytes);
}

/* A block, all images. */
static void block(void *argument, ptrdiff_t index)
{
    struct job *job = argument;
    const struct direct *d = job->d;
    const ptrdiff_t group = index / d->blocks, which = index % d->blocks;
    void *packed = job->core->scratch(OWN, (size_t)job->unit->packed_size(d, which) * job->size);
    if (!packed) {
        atomic_store(&job->no_memory, true);
        return;
    }
    job->unit->pack(d, group, which, packed);
    for (ptrdiff_t n = job->first; n < job->end; n++)
        job->unit->compute(d, n, 0, d->rows, group, which, packed,
                           job->images + (size_t)(n - job->first) * job->image_bytes);
}

/* Computes what d describes, all but its taps, which `find_taps` fills in. */
static bool run(const struct core *core, const struct convolution *c, struct direct *d,
                void (*find_taps)(const struct convolution *c, struct direct *d))
{
    const struct direct_unit *unit = &units[core->instruction_set][c->is_double];
    struct job job = {.core = core, .d = d, .unit = unit, .size = c->is_double ? sizeof(double) : sizeof(float)};
    const ptrdiff_t phases = d->row_phases * d->column_phases;
    d->channel_size = d->image_phases * d->pitch;
    d->row_size = c->groups * d->inputs * d->channel_size;
    d->blocks = unit->blocks(d);

    const size_t indices = ((size_t)(phases + 1 + 4 * d->taps) * sizeof(ptrdiff_t) + 63) & ~(size_t)63;
    size_t packed = 0;
    for (ptrdiff_t which = 0; which < d->blocks; which++)
        packed += (size_t)c->groups * (size_t)unit->packed_size(d, which) * job.size;
    const bool by_blocks = packed > MANY_WEIGHTS;
    job.image_bytes = (image_bytes(&job, d->rows) + 63) & ~(size_t)63;
    ptrdiff_t images = by_blocks && job.image_bytes < IMAGES ? (ptrdiff_t)(IMAGES / job.image_bytes) : 1;
    images = images < c->n ? images : c->n;
    char *shared = core->scratch(SHARED, indices + (by_blocks ? (size_t)images * job.image_bytes : packed));
    if (!shared)
        return false;
    d->tap_begin = (ptrdiff_t *)shared;
    d->tap_offset = d->tap_begin + phases + 1;
    d->tap_row = d->tap_offset + d->taps;
    d->tap_first = d->tap_row + d->taps;
    d->tap_step = d->tap_first + d->taps;
    job.packed = job.images = shared + indices;
    find_taps(c, d);

    if (by_blocks) {
        for (job.first = 0; job.first < c->n; job.first = job.end) {
            job.end = job.first + images < c->n ? job.first + images : c->n;
            core->pool_run(pad_image, &job, job.end - job.first);
            core->pool_run(block, &job, c->groups * d->blocks);
        }
        return !atomic_load(&job.no_memory);
    }
    char *to = job.packed;
    for (ptrdiff_t group = 0; group < c->groups; group++) {
        for (ptrdiff_t which = 0; which < d->blocks; which++) {
            unit->pack(d, group, which, to);
            to += (size_t)unit->packed_size(d, which) * job.size;
        }
    }
    const ptrdiff_t rows = (STRIP / (ptrdiff_t)job.size / (d->row_size + 1) - d->reach) / d->row_step + 1;
    job.strips = rows > 1 ? (d->rows + rows - 1) / rows : d->rows;
    if ((double)c->n * c->k * c->oh * c->ow * d->taps * (c->c / c->groups) < WORTH_THREADS) {
        for (ptrdiff_t index = 0; index < c->n * job.strips; index++)
            strip(&job, index);
    }
    else
        core->pool_run(strip, &job, c->n * job.strips);
    return !atomic_load(&job.no_memory);
}

static void forward_taps(const struct convolution *c, struct direct *d)
{
    ptrdiff_t t = 0;
    for (ptrdiff_t u = 0; u < c->kh; u++) {
        for (ptrdiff_t v = 0; v < c->kw; v++, t++) {
            const ptrdiff_t column = v * c->dilation_w;
            d->tap_row[t] = u * c->dilation_h;
            d->tap_offset[t] = d->tap_row[t] * d->row_size + column % c->stride_w * d->pitch + column / c->stride_w;
            d->tap_first[t] = t;
            d->tap_step[t] = d->taps;
        }
    }
    d->tap_begin[0] = 0;
    d->tap_begin[1] = t;
}

ptrdiff_t direct_lanes(const struct core *core, bool is_double)
{
    return units[core->instruction_set][is_double].lanes;
}

bool direct(const struct core *core, const struct convolution *c, bool pixel_lanes, const void *x, const void *weights,
            const void *bias, void *y)
{
    struct direct d = {
        .is_double = c->is_double, .pixel_lanes = pixel_lanes, .n = c->n, .groups = c->groups, .taps = c->kh * c->kw,
        .source = x, .bias = bias, .target = y, .weights = weights,
        .inputs = c->c / c->groups, .outputs = c->k / c->groups,
        .source_height = c->h, .source_width = c->w, .target_height = c->oh, .target_width = c->ow,
        .rows = c->oh, .columns = c->ow, .row_phases = 1, .column_phases = 1,
        .top = c->padding_h, .left = c->padding_w,
        .row_step = c->stride_h, .image_phases = c->stride_w,
        .pitch = c->ow + (c->kw - 1) * c->dilation_w / c->stride_w,
        .reach = (c->kh - 1) * c->dilation_h + 1,
        .weight_output = c->c / c->groups * c->kh * c->kw, .weight_input = c->kh * c->kw,
    };
    d.finite = units[core->instruction_set][c->is_double].all_finite(&d);
    return run(core, c, &d, forward_taps);
}

/* A pixel at t of the padded x, counted from its edge, is read by the tap u for the output (t - u * dilation) / stride,
 * where that is whole: by the taps with u * dilation = t modulo the stride. So with t = place * stride + phase, the tap
 * reads dy at place - u * dilation / stride, rounded down. */
static void dx_taps(const struct convolution *c, struct direct *d)
{
    const ptrdiff_t reach_h = (c->kh - 1) * c->dilation_h / c->stride_h;
    const ptrdiff_t reach_w = (c->kw - 1) * c->dilation_w / c->stride_w;
    ptrdiff_t t = 0, *begin = d->tap_begin;
    for (ptrdiff_t a = 0; a < c->stride_h; a++) {
        for (ptrdiff_t b = 0; b < c->stride_w; b++) {
            const ptrdiff_t first = t;
            for (ptrdiff_t u = 0; u < c->kh; u++) {
                if (u * c->dilation_h % c->stride_h != a)
                    continue;
                for (ptrdiff_t v = 0; v < c->kw; v++) {
                    if (v * c->dilation_w % c->stride_w != b)
                        continue;
                    d->tap_row[t] = reach_h - u * c->dilation_h / c->stride_h;
                    d->tap_offset[t] = d->tap_row[t] * d->row_size + reach_w - v * c->dilation_w / c->stride_w;
                    d->tap_first[u * c->kw + v] = first * d->inputs + t - first;
                    t++;
                }
            }
            for (ptrdiff_t u = 0; u < c->kh; u++) {
                for (ptrdiff_t v = 0; v < c->kw; v++) {
                    if (u * c->dilation_h % c->stride_h == a && v * c->dilation_w % c->stride_w == b)
                        d->tap_step[u * c->kw + v] = t - first;
                }
            }
            *begin++ = first;
        }
    }
    *begin = t;
}

bool direct_dx(const struct core *core, const struct convolution *c, bool pixel_lanes, const void *dy,
               const void *weights, void *dx)
{
    const ptrdiff_t reach_h = (c->kh - 1) * c->dilation_h / c->stride_h;
    const ptrdiff_t reach_w = (c->kw - 1) * c->dilation_w / c->stride_w;
    const ptrdiff_t first_h = c->padding_h / c->stride_h, first_w = c->padding_w / c->stride_w;
    struct direct d = {
        .is_double = c->is_double, .pixel_lanes = pixel_lanes, .n = c->n, .groups = c->groups, .taps = c->kh * c->kw,
        .source = dy, .target = dx, .weights = weights,
        .inputs = c->k / c->groups, .outputs = c->c / c->groups,
        .source_height = c->oh, .source_width = c->ow, .target_height = c->h, .target_width = c->w,
        .rows = (c->padding_h + c->h - 1) / c->stride_h - first_h + 1,
        .columns = (c->padding_w + c->w - 1) / c->stride_w - first_w + 1,
        .row_phases = c->stride_h, .column_phases = c->stride_w,
        .first_row = first_h * c->stride_h - c->padding_h, .first_column = first_w * c->stride_w - c->padding_w,
        .top = reach_h - first_h, .left = reach_w - first_w,
        .row_step = 1, .image_phases = 1,
        .reach = reach_h + 1,
        .weight_output = c->kh * c->kw, .weight_input = c->c / c->groups * c->kh * c->kw,
    };
    d.pitch = d.columns + reach_w;
    d.finite = units[core->instruction_set][c->is_double].all_finite(&d);
    if (!d.finite) /* the zeros around dy would make NaNs of them */
        return plain_dx(core, c, dy, weights, dx);
    return run(core, c, &d, dx_taps);
}
