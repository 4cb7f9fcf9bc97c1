/* dx in plain loops, for one instruction set and one element type: see units.h. */

static ptrdiff_t NAME(round_up)(ptrdiff_t a, ptrdiff_t b)
{
    return a <= 0 ? 0 : (a + b - 1) / b;
}

static void NAME(plain_dx)(const struct convolution *c, const void *dy, const void *weights, void *dx)
{
    const ptrdiff_t outputs = c->k / c->groups, inputs = c->c / c->groups;
    memset(dx, 0, (size_t)(c->n * c->c * c->h * c->w) * sizeof(REAL));
    for (ptrdiff_t n = 0; n < c->n; n++) {
        const REAL *w = weights;
        for (ptrdiff_t k = 0; k < c->k; k++) {
            const REAL *g = (const REAL *)dy + (n * c->k + k) * c->oh * c->ow;
            for (ptrdiff_t channel = 0; channel < inputs; channel++) {
                REAL *plane = (REAL *)dx + (n * c->c + k / outputs * inputs + channel) * c->h * c->w;
                for (ptrdiff_t u = 0; u < c->kh; u++) {
                    for (ptrdiff_t v = 0; v < c->kw; v++, w++) {
                        /* Column j of dy goes to column j * stride_w + shift of dx, where there is one. */
                        const ptrdiff_t shift = v * c->dilation_w - c->padding_w;
                        const ptrdiff_t first = NAME(round_up)(-shift, c->stride_w);
                        const ptrdiff_t last = NAME(round_up)(c->w - shift, c->stride_w);
                        const ptrdiff_t end = last < c->ow ? last : c->ow;
                        for (ptrdiff_t i = 0; i < c->oh; i++) {
                            const ptrdiff_t row = i * c->stride_h + u * c->dilation_h - c->padding_h;
                            for (ptrdiff_t j = first; row >= 0 && row < c->h && j < end; j++)
                                plane[row * c->w + j * c->stride_w + shift] += *w * g[i * c->ow + j];
                        }
                    }
                }
            }
        }
    }
}
