/* exp, tanh and sigmoid of a vector: each from its series or formula, right to 4 units in the last place, for every
 * number, infinity and NaN. After simd.h, for the same REAL and instruction set. tests/test_vector_math.py measures them. */

#if IS_DOUBLE
#define LN2_HIGH 0x1.62e42feep-1 /* so few digits that n times it is exact */
#define LN2_LOW 0x1.a39ef35793c76p-33
#define BIAS 1023
#define MANTISSA 52
#define LARGEST_POWER 709.79
#define SMALLEST_POWER -745.2
#define NORMAL_POWER -708.39 /* below it e^x is smaller than the smallest number of full precision */
#define NEAREST 0x1.8p52     /* added and subtracted, it rounds to an integer */
#else
#define LN2_HIGH 0x1.62e4p-1f
#define LN2_LOW 0x1.7f7d1cp-20f
#define BIAS 127
#define MANTISSA 23
#define LARGEST_POWER 88.73f
#define SMALLEST_POWER -104.0f
#define NORMAL_POWER -87.33f
#define NEAREST 0x1.8p23f
#endif
#define LOG2_E ((REAL)1.4426950408889634)

/* 2^n for an n in the range of normal numbers. */
INLINE VECTOR NAME(power_of_2)(MASK n)
{
    return (VECTOR)((n + BIAS) << MANTISSA);
}

/* The nearest integer to x / ln 2 as a number; what is left of x, at most ln(2) / 2, goes to rest. */
INLINE VECTOR NAME(reduce)(VECTOR x, VECTOR *rest)
{
    VECTOR n = x * LOG2_E + NEAREST;
    n -= NEAREST;
    *rest = (x - n * LN2_HIGH) - n * LN2_LOW;
    return n;
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
    const MASK n = __builtin_convertvector(NAME(reduce)(x, &r), MASK);
    const MASK half = n >> 1;
    return (NAME(series)(r) + 1) * NAME(power_of_2)(half) * NAME(power_of_2)(n - half);
}

/* e^x for x <= 0, and 0 where it has not its full precision: arithmetic with such denormal numbers is 100 times slower.
 * For sums of exponentials, where the largest is 1. */
INLINE VECTOR NAME(exp_of_negative)(VECTOR x)
{
    VECTOR r;
    const MASK vanishes = (MASK)(x < NORMAL_POWER);
    const VECTOR n = NAME(reduce)(NAME(select)(vanishes, (VECTOR){0}, x), &r);
    const VECTOR y = (NAME(series)(r) + 1) * NAME(power_of_2)(__builtin_convertvector(n, MASK));
    return (VECTOR)((MASK)y & ~vanishes);
}

/* e^x - 1 for x <= 0: 2^n (e^r - 1) + (2^n - 1), where nothing cancels as the two have one sign or n is 0. */
INLINE VECTOR NAME(expm1_of_negative)(VECTOR x)
{
    VECTOR r;
    x = NAME(select)((MASK)(x < -40), NAME(fill)(-40), x);
    const VECTOR n = NAME(reduce)(x, &r);
    const VECTOR scale = NAME(power_of_2)(__builtin_convertvector(n, MASK));
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

#undef LN2_HIGH
#undef LN2_LOW
#undef BIAS
#undef MANTISSA
#undef LARGEST_POWER
#undef SMALLEST_POWER
#undef NORMAL_POWER
#undef NEAREST
#undef LOG2_E
