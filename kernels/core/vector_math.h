/* exp, tanh, sigmoid, erf and log of a vector: each from its series, formula or a polynomial fitted to it, right to 4 units
 * in the last place, for every number, infinity and NaN. After simd.h, for the same REAL and instruction set.
 * tests/test_vector_math.py measures them.
 *
 * The polynomials of erf and log are minimax: found by Remez' exchange in 60 digits, so that the largest error, as a share
 * of the result, is smallest. Errors stand beside them in units of the last place. */

#if IS_DOUBLE
#define LN2_HIGH 0x1.62e42feep-1 /* so few digits that n times it is exact */
#define LN2_LOW 0x1.a39ef35793c76p-33
#define BIAS 1023
#define MANTISSA 52
#define LARGEST_POWER 709.79
#define SMALLEST_POWER -745.2
#define NORMAL_POWER -708.39 /* below it e^x is smaller than the smallest number of full precision */
#define NEAREST 0x1.8p52     /* added and subtracted, it rounds to an integer */
#define SMALLEST_NORMAL 0x1p-1022
#define SQRT_HALF 0x3fe6a09e667f3bcd
#define ERF_IS_1 6.0         /* from here on erf rounds to 1 */
#define ERF_DEGREE 24
#define LOG_DEGREE 6
#else
#define LN2_HIGH 0x1.62e4p-1f
#define LN2_LOW 0x1.7f7d1cp-20f
#define BIAS 127
#define MANTISSA 23
#define LARGEST_POWER 88.73f
#define SMALLEST_POWER -104.0f
#define NORMAL_POWER -87.33f
#define NEAREST 0x1.8p23f
#define SMALLEST_NORMAL 0x1p-126f
#define SQRT_HALF 0x3f3504f3
#define ERF_IS_1 4.0f
#define ERF_DEGREE 8
#define LOG_DEGREE 7
#endif
#define LOG2_E ((REAL)1.4426950408889634)

/* 2^n for an n in the range of normal numbers. */
INLINE VECTOR NAME(power_of_2)(MASK n)
{
    return (VECTOR)((n + BIAS) << MANTISSA);
}

/* The nearest integer to x / ln 2; what is left of x, at most ln(2) / 2, goes to rest. Next to NEAREST an integer stands in
 * the lowest bits of a number: so no instruction is needed to convert it, which AVX2 and SSE2 lack for double. */
INLINE MASK NAME(reduce)(VECTOR x, VECTOR *rest)
{
    const VECTOR shifted = x * LOG2_E + NEAREST;
    const VECTOR n = shifted - NEAREST;
    *rest = (x - n * LN2_HIGH) - n * LN2_LOW;
    return (MASK)shifted - (MASK)NAME(fill)(NEAREST);
}

/* e^r - 1 for |r| <= ln(2) / 2: r + r^2 (1/2! + r/3! + r^2/4! + ...), as far as the digits go. */
INLINE VECTOR NAME(series)(VECTOR r)
{
#if IS_DOUBLE
    VECTOR p = NAME(fill)(1 / 6227020800.0); /* 1/13! */
    p = p * r + 1 / 479001600.0;
    p = p * r + 1 / 39916800.0;
    p = p * r + 1 / 3628800.0;
    p = p * r + 1 / 362880.0;
    p = p * r + 1 / 40320.0;
    p = p * r + 1 / 5040.0;
#else
    VECTOR p = NAME(fill)(1 / 5040.0f); /* 1/7! */
#endif
    p = p * r + (REAL)(1 / 720.0);
    p = p * r + (REAL)(1 / 120.0);
    p = p * r + (REAL)(1 / 24.0);
    p = p * r + (REAL)(1 / 6.0);
    p = p * r + (REAL)0.5;
    return p * (r * r) + r;
}

/* e^x = 2^n e^r. 2^n is multiplied in two halves, as n may be beyond the exponents of normal numbers. */
INLINE VECTOR NAME(exp)(VECTOR x)
{
    VECTOR r;
    x = NAME(select)((MASK)(x > LARGEST_POWER), NAME(fill)(LARGEST_POWER), x);
    x = NAME(select)((MASK)(x < SMALLEST_POWER), NAME(fill)(SMALLEST_POWER), x);
    const MASK n = NAME(reduce)(x, &r);
    const MASK half = n >> 1;
    return (NAME(series)(r) + 1) * NAME(power_of_2)(half) * NAME(power_of_2)(n - half);
}

/* e^x for x <= 0, and 0 where it has not its full precision: arithmetic with such denormal numbers is 100 times slower.
 * For sums of exponentials, where the largest is 1. */
INLINE VECTOR NAME(exp_of_negative)(VECTOR x)
{
    VECTOR r;
    const MASK vanishes = (MASK)(x < NORMAL_POWER);
    const MASK n = NAME(reduce)(NAME(select)(vanishes, (VECTOR){0}, x), &r);
    const VECTOR y = (NAME(series)(r) + 1) * NAME(power_of_2)(n);
    return (VECTOR)((MASK)y & ~vanishes);
}

/* e^x - 1 for x <= 0: 2^n (e^r - 1) + (2^n - 1), where nothing cancels as the two have one sign or n is 0. */
INLINE VECTOR NAME(expm1_of_negative)(VECTOR x)
{
    VECTOR r;
    x = NAME(select)((MASK)(x < -40), NAME(fill)(-40), x);
    const VECTOR scale = NAME(power_of_2)(NAME(reduce)(x, &r));
    return NAME(series)(r) * scale + (scale - 1);
}

/* tanh x = (1 - e^-2|x|) / (1 + e^-2|x|), with the sign of x. */
INLINE VECTOR NAME(tanh)(VECTOR x)
{
    const VECTOR m = NAME(expm1_of_negative)(-2 * NAME(absolute)(x));
    return NAME(with_sign)(-m / (m + 2), x);
}

/* 1 / (1 + e^-x), read off e^-|x|, which does not overflow. */
INLINE VECTOR NAME(sigmoid)(VECTOR x)
{
    const VECTOR e = NAME(exp)(-NAME(absolute)(x));
    return NAME(select)((MASK)(x < 0), e, NAME(fill)(1)) / (e + 1);
}

/* -ln(erfc t) / t - 1.125 on 0 <= t <= ERF_IS_1. Its error counts ever less as t grows: .07 in float, .07 in double. */
static const REAL NAME(erf_polynomial)[ERF_DEGREE + 1] = {
#if IS_DOUBLE
    .0033791670955125695, .63661977236758319, .10277260330181266, -.019128447005619554, -0.00020919468810008863,
    .0016962063348830814, -0.00059012529640916709, 2.5877689838710848e-5, 6.4494258448730649e-5,
    -2.9728802677717234e-5, 3.4145556114978703e-6, 2.8263764939901318e-6, -1.7331949800931181e-6,
    3.3000829941557369e-7, 1.4105986035226548e-7, -1.4366016884619524e-7, 6.6477503411621039e-8,
    -2.1194845251579268e-8, 5.0548343745197433e-9, -9.191340228818882e-10, 1.2642056614133963e-10,
    -1.2778004011513606e-11, 8.9668358698341595e-13, -3.9044011239195226e-14, 7.9442034855837276e-16,
#else
    .00337916710f, .636619382f, .102777830f, -.0191530715f, -1.60368063e-4f, 1.66698805e-3f, -6.32810342e-4f,
    1.17632751e-4f, -9.25521789e-6f,
#endif
};

/* erf x = 1 - erfc t = 1 - e^-u with t = |x|, u = -ln erfc t and the sign of x. u is t times a polynomial, and e^-u - 1 keeps
 * the digits of a small u: so one formula serves all x, where erf's own series would need one for every range. 1.125, most of the
 * polynomial near 0, is added last, exact. */
INLINE VECTOR NAME(erf)(VECTOR x)
{
    VECTOR t = NAME(absolute)(x);
    t = NAME(select)((MASK)(t > ERF_IS_1), NAME(fill)(ERF_IS_1), t);
    VECTOR p = NAME(fill)(NAME(erf_polynomial)[ERF_DEGREE]);
    UNROLL
    for (int k = ERF_DEGREE - 1; k >= 0; k--)
        p = p * t + NAME(erf_polynomial)[k];
    return NAME(with_sign)(-NAME(expm1_of_negative)(-(t * (REAL)1.125 + t * p)), x);
}

/* In float (ln(1 + f) - f + f^2/2) / f^3 for f between 1/sqrt(2) - 1 and sqrt(2) - 1, error .1; in double, where that would
 * be long, (2 atanh(s) / s - 2) / s^2 as a polynomial in s^2, error .02. */
static const REAL NAME(log_polynomial)[LOG_DEGREE + 1] = {
#if IS_DOUBLE
    .6666666666666734413685, .3999999999941466422937, .2857142874239067485216, .2222219857290578277403,
    .1818356433860819461891, .1531405028090177874155, .1479595198231083404792,
#else
    .333333167f, -.250008104f, .200022858f, -.166245537f, .141811994f, -.131287632f, .128816087f, -.0785954955f,
#endif
};

/* ln x = k ln 2 + ln(1 + f) for x = 2^k (1 + f): k is read off the bits of the exponent. In double ln(1 + f) is
 * 2 atanh(s) = f - (f^2/2 - s (f^2/2 + s^2 p(s^2))) with s = f / (2 + f). */
INLINE VECTOR NAME(log)(VECTOR x)
{
    const MASK denormal = (MASK)(x < SMALLEST_NORMAL);
    const VECTOR normal = NAME(select)(denormal, x * ((INTEGER)1 << MANTISSA), x);
    const MASK bits = (MASK)normal - SQRT_HALF;
    const MASK whole = bits >> MANTISSA;
    const VECTOR k = (VECTOR)(whole - (denormal & MANTISSA) + (MASK)NAME(fill)(NEAREST)) - NEAREST;
    const VECTOR f = (VECTOR)((MASK)normal - (whole << MANTISSA)) - 1;
    const VECTOR half_square = (REAL)0.5 * f * f;
#if IS_DOUBLE
    const VECTOR s = f / (f + 2), z = s * s;
#else
    const VECTOR z = f;
#endif
    VECTOR p = NAME(fill)(NAME(log_polynomial)[LOG_DEGREE]);
    UNROLL
    for (int j = LOG_DEGREE - 1; j >= 0; j--)
        p = p * z + NAME(log_polynomial)[j];
#if IS_DOUBLE
    const VECTOR rest = half_square - (s * (half_square + z * p) + k * LN2_LOW);
#else
    const VECTOR rest = half_square - (f * f * f * p + k * LN2_LOW);
#endif
    VECTOR y = k * LN2_HIGH + (f - rest);
    y = NAME(select)((MASK)(x < (REAL)INFINITY), y, x); /* infinity and NaN */
    y = NAME(select)((MASK)(x == 0), NAME(fill)((REAL)-INFINITY), y);
    return NAME(select)((MASK)(x < 0), NAME(fill)((REAL)NAN), y);
}

#undef LN2_HIGH
#undef LN2_LOW
#undef BIAS
#undef MANTISSA
#undef LARGEST_POWER
#undef SMALLEST_POWER
#undef NORMAL_POWER
#undef NEAREST
#undef SMALLEST_NORMAL
#undef SQRT_HALF
#undef ERF_IS_1
#undef ERF_DEGREE
#undef LOG_DEGREE
#undef LOG2_E
