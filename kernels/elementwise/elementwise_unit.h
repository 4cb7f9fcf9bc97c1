/* Each function and its slope, for one vector; then the loops around them. See units.h. */

/* x sigmoid(x) with the factor that is also needed for its slope: 1 / (1 + e^-w), which vanishes where e^w would be denormal. */
INLINE VECTOR NAME(gate)(VECTOR w)
{
    const VECTOR e = NAME(exp_of_negative)(-NAME(absolute)(w));
    return NAME(select)((MASK)(w < 0), e, NAME(fill)(1)) / (e + 1);
}

INLINE VECTOR NAME(silu)(VECTOR x)
{
    return x * NAME(gate)(x);
}

INLINE VECTOR NAME(silu_slope)(VECTOR x)
{
    const VECTOR s = NAME(gate)(x);
    return s * (1 + x * (1 - s));
}

/* x Phi(x): Phi is the share of the normal distribution below x. */
INLINE VECTOR NAME(normal_share)(VECTOR x)
{
    return (REAL)0.5 + (REAL)0.5 * NAME(erf)(x * (REAL)0.70710678118654752);
}

INLINE VECTOR NAME(gelu)(VECTOR x)
{
    return x * NAME(normal_share)(x);
}

INLINE VECTOR NAME(gelu_slope)(VECTOR x)
{
    const VECTOR density = (REAL)0.39894228040143268 * NAME(exp_of_negative)((REAL)-0.5 * x * x); /* 1 / sqrt(2 pi) */
    return NAME(normal_share)(x) + x * density;
}

/* (1 + tanh z) / 2 = sigmoid(2 z) with z = sqrt(2 / pi) (x + 0.044715 x^3). */
#define TWO_Z ((REAL)1.5957691216057308) /* 2 sqrt(2 / pi) */
#define CUBE ((REAL)0.044715)

INLINE VECTOR NAME(gelu_tanh)(VECTOR x)
{
    return x * NAME(gate)(TWO_Z * (x + CUBE * x * x * x));
}

INLINE VECTOR NAME(gelu_tanh_slope)(VECTOR x)
{
    const VECTOR s = NAME(gate)(TWO_Z * (x + CUBE * x * x * x));
    return s * (1 + x * (1 - s) * (TWO_Z * (1 + 3 * CUBE * x * x)));
}

#undef TWO_Z
#undef CUBE

/* g where y > 0, else 0, which an infinite g must not spoil; NaN in y lets g pass. */
INLINE VECTOR NAME(relu_dx)(VECTOR g, VECTOR y)
{
    return (VECTOR)((MASK)g & ~(MASK)(y <= 0));
}

INLINE VECTOR NAME(tanh_slope)(VECTOR y)
{
    return 1 - y * y;
}

INLINE VECTOR NAME(sigmoid_slope)(VECTOR y)
{
    return y * (1 - y);
}

#define TIMES_SLOPE(f)                                                                                                 \
    INLINE VECTOR NAME(f##_dx)(VECTOR g, VECTOR x)                                                                     \
    {                                                                                                                  \
        return g * NAME(f##_slope)(x);                                                                                 \
    }

TIMES_SLOPE(tanh) TIMES_SLOPE(sigmoid) TIMES_SLOPE(silu) TIMES_SLOPE(gelu) TIMES_SLOPE(gelu_tanh)
#undef TIMES_SLOPE

#define FORWARD(f)                                                                                                     \
    static void NAME(f##_forward)(const void *from, void *to, ptrdiff_t n)                                             \
    {                                                                                                                  \
        const REAL *x = from;                                                                                          \
        REAL *y = to;                                                                                                  \
        for (; n >= LANES; n -= LANES, x += LANES, y += LANES)                                                         \
            NAME(store)(y, NAME(f)(NAME(load)(x)));                                                                    \
        if (n > 0)                                                                                                     \
            NAME(store_part)(y, NAME(f)(NAME(load_part)(x, n)), n);                                                    \
    }

#define BACKWARD(f)                                                                                                    \
    static void NAME(f##_backward)(const void *cotangent, const void *from, void *to, ptrdiff_t n)                     \
    {                                                                                                                  \
        const REAL *g = cotangent, *x = from;                                                                          \
        REAL *dx = to;                                                                                                 \
        for (; n >= LANES; n -= LANES, g += LANES, x += LANES, dx += LANES)                                            \
            NAME(store)(dx, NAME(f##_dx)(NAME(load)(g), NAME(load)(x)));                                               \
        if (n > 0)                                                                                                     \
            NAME(store_part)(dx, NAME(f##_dx)(NAME(load_part)(g, n), NAME(load_part)(x, n)), n);                       \
    }

FORWARD(exp) FORWARD(log) FORWARD(erf) FORWARD(relu) FORWARD(tanh) FORWARD(sigmoid) FORWARD(silu) FORWARD(gelu) FORWARD(gelu_tanh)
BACKWARD(relu) BACKWARD(tanh) BACKWARD(sigmoid) BACKWARD(silu) BACKWARD(gelu) BACKWARD(gelu_tanh)
#undef FORWARD
#undef BACKWARD

static const struct loops NAME(loops)[FUNCTIONS] = {
    [EXP] = {NAME(exp_forward), NULL},
    [LOG] = {NAME(log_forward), NULL},
    [ERF] = {NAME(erf_forward), NULL},
    [RELU] = {NAME(relu_forward), NAME(relu_backward)},
    [TANH] = {NAME(tanh_forward), NAME(tanh_backward)},
    [SIGMOID] = {NAME(sigmoid_forward), NAME(sigmoid_backward)},
    [SILU] = {NAME(silu_forward), NAME(silu_backward)},
    [GELU] = {NAME(gelu_forward), NAME(gelu_backward)},
    [GELU_TANH] = {NAME(gelu_tanh_forward), NAME(gelu_tanh_backward)},
};
