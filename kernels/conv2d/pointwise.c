/* A 1 x 1 convolution is a product for each image: y[n] (k, pixels) = w (k, c) x[n] (c, pixels). It is bound by
 * memory: each row of x[n] begins on another page. So some panels of adjacent pixels are copied at a time, channel by
 * channel, and the products read these. A stride is taken in the copy. */
#include <stdatomic.h>
#include <string.h>

#include "conv2d.h"

/* A panel has so many pixels, a chunk about so many panels. */
#define PANEL 32
#define PANELS 8

/* Below so many multiplications a second thread gains nothing. */
#define WORTH_THREADS 2e6

/* target[n] (outputs, pixels) = a source[n] (inputs, pixels) + bias. */
struct job {
    const struct core *core;
    const struct convolution *c;
    const char *source, *bias;
    char *target;
    const void *a;
    ptrdiff_t outputs, inputs;
    bool transposed;    /* a, as it lies */
    bool strided;       /* the source is x, of which the stride leaves out pixels */
    ptrdiff_t size;     /* of an element */
    ptrdiff_t chunks;   /* of an image */
    _Atomic bool no_memory;
};

bool is_pointwise(const struct convolution *c)
{
    return c->kh == 1 && c->kw == 1 && c->padding_h == 0 && c->padding_w == 0 && c->groups == 1;
}

static bool strided(const struct convolution *c)
{
    return c->stride_h > 1 || c->stride_w > 1 || c->oh != c->h || c->ow != c->w;
}

/* Copies pixels first .. end - 1 of a channel, PANEL adjacent ones to each panel, and asks for those of the next
 * chunk. */
static void copy_pixels(const struct job *job, const char *channel, ptrdiff_t first, ptrdiff_t end, char *to,
                        ptrdiff_t panel)
{
    const ptrdiff_t size = job->size;
    for (ptrdiff_t pixel = first; pixel < end; pixel += PANEL, to += panel) {
        for (ptrdiff_t line = 0; line < PANEL * size; line += 64)
            __builtin_prefetch(channel + (pixel + end - first) * size + line, 0, 2);
        if (end - pixel >= PANEL)
            memcpy(to, channel + pixel * size, (size_t)(PANEL * size));
        else
            memcpy(to, channel + pixel * size, (size_t)((end - pixel) * size));
    }
}

/* The same of what the stride leaves of x: along a row, or to the end of a panel, one pixel after the other. */
static void copy_strided(const struct job *job, const char *channel, ptrdiff_t first, ptrdiff_t end, char *to,
                         ptrdiff_t panel)
{
    const struct convolution *c = job->c;
    for (ptrdiff_t pixel = first, count; pixel < end; pixel += count) {
        const ptrdiff_t i = pixel / c->ow, j = pixel % c->ow, place = (pixel - first) % PANEL;
        const ptrdiff_t from = i * c->stride_h * c->w + j * c->stride_w;
        char *at = to + (pixel - first) / PANEL * panel;
        count = end - pixel < PANEL - place ? end - pixel : PANEL - place;
        count = count < c->ow - j ? count : c->ow - j;
        if (c->is_double) {
            for (ptrdiff_t p = 0; p < count; p++)
                ((double *)at)[place + p] = ((const double *)channel)[from + p * c->stride_w];
        }
        else {
            for (ptrdiff_t p = 0; p < count; p++)
                ((float *)at)[place + p] = ((const float *)channel)[from + p * c->stride_w];
        }
    }
}

/* A panel of y is the bias, to which the product will be added. */
static void set_bias(const struct job *job, char *y, ptrdiff_t row, ptrdiff_t count)
{
    for (ptrdiff_t k = 0; k < job->outputs; k++) {
        for (ptrdiff_t p = 0; p < count; p++) {
            if (job->c->is_double)
                ((double *)y)[k * row + p] = ((const double *)job->bias)[k];
            else
                ((float *)y)[k * row + p] = ((const float *)job->bias)[k];
        }
    }
}

static void chunk(void *argument, ptrdiff_t number)
{
    struct job *job = argument;
    const struct convolution *c = job->c;
    const ptrdiff_t pixels = c->oh * c->ow, panels = (pixels + PANEL - 1) / PANEL;
    const ptrdiff_t n = number / job->chunks, part = number % job->chunks;
    const ptrdiff_t first = part * panels / job->chunks * PANEL, last = (part + 1) * panels / job->chunks * PANEL;
    const ptrdiff_t end = last < pixels ? last : pixels, panel = job->inputs * PANEL * job->size;
    const ptrdiff_t channel = (job->strided ? c->h * c->w : pixels) * job->size;
    char *memory = job->core->scratch(0, (size_t)((last - first) / PANEL * panel));
    if (!memory) {
        job->no_memory = true;
        return;
    }
    for (ptrdiff_t input = 0; input < job->inputs; input++)
        (job->strided ? copy_strided : copy_pixels)(job, job->source + (n * job->inputs + input) * channel, first, end,
                                                    memory + input * PANEL * job->size, panel);
    char *target = job->target + n * job->outputs * pixels * job->size;
    for (ptrdiff_t pixel = first; pixel < end; pixel += PANEL, memory += panel) {
        const ptrdiff_t count = end - pixel < PANEL ? end - pixel : PANEL;
        if (job->bias)
            set_bias(job, target + pixel * job->size, pixels, count);
        job->core->product(&(struct product){
            .batch = 1, .m = job->outputs, .n = count, .k = job->inputs,
            .a = job->a, .a_row = c->c, .a_transposed = job->transposed,
            .b = memory, .b_row = PANEL,
            .y = target + pixel * job->size, .y_row = pixels,
            .accumulate = job->bias != NULL, .is_double = c->is_double,
        });
    }
}

static bool run(struct job *job)
{
    const struct convolution *c = job->c;
    const ptrdiff_t panels = (c->oh * c->ow + PANEL - 1) / PANEL;
    job->size = c->is_double ? sizeof(double) : sizeof(float);
    job->chunks = (panels + PANELS - 1) / PANELS;
    if ((double)c->n * c->c * c->k * c->oh * c->ow > WORTH_THREADS)
        job->core->pool_run(chunk, job, c->n * job->chunks);
    else {
        for (ptrdiff_t number = 0; number < c->n * job->chunks; number++)
            chunk(job, number);
    }
    return !job->no_memory;
}

bool pointwise(const struct core *core, const struct convolution *c, const void *x, const void *weights,
               const void *bias, void *y)
{
    struct job job = {
        .core = core, .c = c, .source = x, .bias = bias, .target = y, .a = weights, .outputs = c->k, .inputs = c->c,
        .strided = strided(c),
    };
    return run(&job);
}

/* dx has zeros where the stride leaves out pixels. */
static void spread(const struct convolution *c, const void *compact, void *dx)
{
    memset(dx, 0, (size_t)(c->n * c->c * c->h * c->w) * (c->is_double ? sizeof(double) : sizeof(float)));
    for (ptrdiff_t row = 0; row < c->n * c->c * c->oh; row++) {
        const ptrdiff_t to = (row / c->oh * c->h + row % c->oh * c->stride_h) * c->w;
        for (ptrdiff_t j = 0; j < c->ow; j++) {
            if (c->is_double)
                ((double *)dx)[to + j * c->stride_w] = ((const double *)compact)[row * c->ow + j];
            else
                ((float *)dx)[to + j * c->stride_w] = ((const float *)compact)[row * c->ow + j];
        }
    }
}

bool pointwise_dx(const struct core *core, const struct convolution *c, const void *dy, const void *weights, void *dx)
{
    const size_t bytes = (size_t)(c->n * c->c * c->oh * c->ow) * (c->is_double ? sizeof(double) : sizeof(float));
    void *compact = strided(c) ? core->scratch(1, bytes) : dx;
    struct job job = {
        .core = core, .c = c, .source = dy, .target = compact, .a = weights, .outputs = c->c, .inputs = c->k,
        .transposed = true,
    };
    if (!compact || !run(&job))
        return false;
    if (compact != dx)
        spread(c, compact, dx);
    return true;
}
