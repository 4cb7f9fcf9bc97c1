/* A 1 x 1 convolution is a product for each image: y[n] (k, pixels) = w (k, c) x[n] (c, pixels).
 * With a stride x is first made smaller, or dx, which then has zeros between, larger. */
#include <string.h>

#include "conv2d.h"

bool is_pointwise(const struct convolution *c)
{
    return c->kh == 1 && c->kw == 1 && c->padding_h == 0 && c->padding_w == 0 && c->groups == 1;
}

static bool strided(const struct convolution *c)
{
    return c->stride_h > 1 || c->stride_w > 1 || c->oh != c->h || c->ow != c->w;
}

/* Copies the pixels that the stride meets, from x or to x. */
struct copy {
    const struct convolution *c;
    const void *from;
    void *to;
    bool back;
};

#define COPY(type)                                                                                                     \
    static void copy_##type(void *argument, ptrdiff_t plane)                                                           \
    {                                                                                                                  \
        const struct copy *job = argument;                                                                             \
        const struct convolution *c = job->c;                                                                          \
        const ptrdiff_t large = plane * c->h * c->w, small = plane * c->oh * c->ow;                                     \
        if (job->back)                                                                                                 \
            memset((type *)job->to + large, 0, (size_t)(c->h * c->w) * sizeof(type));                                  \
        for (ptrdiff_t i = 0; i < c->oh; i++) {                                                                        \
            const ptrdiff_t row = large + i * c->stride_h * c->w, compact = small + i * c->ow;                         \
            for (ptrdiff_t j = 0; j < c->ow; j++) {                                                                    \
                if (job->back)                                                                                         \
                    ((type *)job->to)[row + j * c->stride_w] = ((const type *)job->from)[compact + j];                 \
                else                                                                                                   \
                    ((type *)job->to)[compact + j] = ((const type *)job->from)[row + j * c->stride_w];                 \
            }                                                                                                          \
        }                                                                                                              \
    }

COPY(float)
COPY(double)

static void copy(const struct core *core, const struct convolution *c, const void *from, void *to, bool back)
{
    struct copy job = {c, from, to, back};
    core->pool_run(c->is_double ? copy_double : copy_float, &job, c->n * c->c);
}

static size_t compact_bytes(const struct convolution *c)
{
    return (size_t)(c->n * c->c * c->oh * c->ow) * (c->is_double ? sizeof(double) : sizeof(float));
}

/* y[n, k] = bias[k] at every pixel. */
static void fill(const struct convolution *c, const void *bias, void *y)
{
    const ptrdiff_t pixels = c->oh * c->ow;
    for (ptrdiff_t plane = 0; plane < c->n * c->k; plane++) {
        for (ptrdiff_t i = plane * pixels; i < (plane + 1) * pixels; i++) {
            if (c->is_double)
                ((double *)y)[i] = ((const double *)bias)[plane % c->k];
            else
                ((float *)y)[i] = ((const float *)bias)[plane % c->k];
        }
    }
}

bool pointwise(const struct core *core, const struct convolution *c, const void *x, const void *weights, const void *bias,
               void *y)
{
    const ptrdiff_t pixels = c->oh * c->ow;
    if (strided(c)) {
        void *compact = core->scratch(0, compact_bytes(c));
        if (!compact)
            return false;
        copy(core, c, x, compact, false);
        x = compact;
    }
    if (bias)
        fill(c, bias, y);
    core->product(&(struct product){
        .batch = c->n, .m = c->k, .n = pixels, .k = c->c,
        .a = weights, .a_row = c->c,
        .b = x, .b_row = pixels, .b_batch = c->c * pixels,
        .y = y, .y_row = pixels, .y_batch = c->k * pixels,
        .accumulate = bias != NULL, .is_double = c->is_double,
    });
    return true;
}

bool pointwise_dx(const struct core *core, const struct convolution *c, const void *dy, const void *weights, void *dx)
{
    const ptrdiff_t pixels = c->oh * c->ow;
    void *compact = strided(c) ? core->scratch(0, compact_bytes(c)) : dx;
    if (!compact)
        return false;
    core->product(&(struct product){
        .batch = c->n, .m = c->c, .n = pixels, .k = c->k,
        .a = weights, .a_row = c->c, .a_transposed = true,
        .b = dy, .b_row = pixels, .b_batch = c->k * pixels,
        .y = compact, .y_row = pixels, .y_batch = c->c * pixels,
        .is_double = c->is_double,
    });
    if (compact != dx)
        copy(core, c, compact, dx, true);
    return true;
}
