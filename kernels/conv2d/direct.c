/* Convolution and dx without im2col: where the taps of direct.h lie, and how the work is divided. */
#include "direct.h"

#include <stdatomic.h>

#define UNIT "conv2d/direct_unit.h"
#include "core/units.h"

#define TABLE(set)                                                                                                     \
    {{lanes_float_##set, blocks_float_##set, width_float_##set, finite_float_##set, pack_float_##set, strip_float_##set},                                 \
     {lanes_double_##set, blocks_double_##set, width_double_##set, finite_double_##set, pack_double_##set, strip_double_##set}}
static const struct direct_unit units[INSTRUCTION_SETS][2] = UNITS(TABLE);

/* Slots of scratch: what all threads read, and each thread's image. */
#define SHARED 0
#define IMAGE 1

/* An image goes through the cache in strips of about so many bytes. */
#define STRIP 262144

/* Below so many multiplications a second thread gains nothing. */
#define WORTH_THREADS 2e6

struct job {
    const struct core *core;
    const struct direct *d;
    const struct direct_unit *unit;
    atomic_bool no_memory;
};

static void chunk(void *argument, ptrdiff_t index)
{
    struct job *job = argument;
    const struct direct *d = job->d;
    const ptrdiff_t strip = index % d->strips;
    const ptrdiff_t first = strip * d->rows / d->strips, end = (strip + 1) * d->rows / d->strips;
    const size_t rows = (size_t)((end - 1 - first) * d->row_step + d->reach);
    const size_t size = d->is_double ? sizeof(double) : sizeof(float);
    void *image = job->core->scratch(IMAGE, (rows * (size_t)d->row_size + 16) * size);
    if (image)
        job->unit->strip(d, index / d->strips, first, end, image);
    else
        atomic_store(&job->no_memory, true);
}

/* Computes what d describes, all but its taps, which `find_taps` fills in. */
static bool run(const struct core *core, const struct convolution *c, struct direct *d,
                void (*find_taps)(const struct convolution *c, struct direct *d))
{
    const struct direct_unit *unit = &units[core->instruction_set][c->is_double];
    const size_t size = c->is_double ? sizeof(double) : sizeof(float);
    const ptrdiff_t phases = d->row_phases * d->column_phases;
    d->channel_size = d->image_phases * d->pitch;
    d->row_size = c->groups * d->inputs * d->channel_size;
    d->blocks = unit->blocks(d);
    const size_t indices = ((size_t)(phases + 1 + 4 * d->taps) * sizeof(ptrdiff_t) + 63) & ~(size_t)63;
    const size_t width = (size_t)(d->blocks * unit->width(d, d->blocks ? (d->outputs + d->blocks - 1) / d->blocks : 0));
    char *shared = core->scratch(SHARED, indices + (size_t)(c->groups * d->inputs * d->taps) * width * size);
    if (!shared)
        return false;
    d->tap_begin = (ptrdiff_t *)shared;
    d->tap_offset = d->tap_begin + phases + 1;
    d->tap_row = d->tap_offset + d->taps;
    d->tap_first = d->tap_row + d->taps;
    d->tap_step = d->tap_first + d->taps;
    d->packed = shared + indices;
    find_taps(c, d);
    unit->pack(d);

    const ptrdiff_t strip_rows = (STRIP / (ptrdiff_t)size / (d->row_size + 1) - d->reach) / d->row_step + 1;
    d->strips = strip_rows > 1 ? (d->rows + strip_rows - 1) / strip_rows : d->rows;
    struct job job = {.core = core, .d = d, .unit = unit};
    const double work = (double)c->n * c->k * c->oh * c->ow * d->taps * (c->c / c->groups);
    if (work < WORTH_THREADS) {
        for (ptrdiff_t index = 0; index < c->n * d->strips; index++)
            chunk(&job, index);
    }
    else
        core->pool_run(chunk, &job, c->n * d->strips);
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

bool direct(const struct core *core, const struct convolution *c, bool pixel_lanes, const void *x, const void *weights, const void *bias,
            void *y)
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
    d.finite = units[core->instruction_set][c->is_double].finite(&d);
    return run(core, c, &d, forward_taps);
}

/* A pixel at t of the padded x, counted from its edge, was read by the tap u from the output (t - u * dilation) / stride,
 * where that is whole: by the taps with u * dilation = t modulo the stride. So with t = place * stride + phase, the tap
 * reads dy at place - u * dilation / stride, rounded down. */
static void dx_taps(const struct convolution *c, struct direct *d)
{
    const ptrdiff_t reach_h = (c->kh - 1) * c->dilation_h / c->stride_h, reach_w = (c->kw - 1) * c->dilation_w / c->stride_w;
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

bool direct_dx(const struct core *core, const struct convolution *c, bool pixel_lanes, const void *dy, const void *weights, void *dx)
{
    const ptrdiff_t reach_h = (c->kh - 1) * c->dilation_h / c->stride_h, reach_w = (c->kw - 1) * c->dilation_w / c->stride_w;
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
    d.finite = units[core->instruction_set][c->is_double].finite(&d);
    if (!d.finite) /* the zeros around dy would make NaNs of them */
        return plain_dx(core, c, dy, weights, dx);
    return run(core, c, &d, dx_taps);
}
