/* Vectors of REAL in one instruction set, for units.h, which includes this file for each pair of the two.
 *
 * NAME(f) is the name of f for this pair, such as f_float_avx512. VECTOR holds LANES numbers; ANYWHERE is the same at any
 * address; MASK has -1 or 0 for each number, as comparisons of vectors give it. */

#if VECTOR_BYTES == 64 && !IS_DOUBLE
#define LANES 16
#elif VECTOR_BYTES == 64 || (VECTOR_BYTES == 32 && !IS_DOUBLE)
#define LANES 8
#elif VECTOR_BYTES == 32 || !IS_DOUBLE
#define LANES 4
#else
#define LANES 2
#endif

#define NAME(name) JOIN(JOIN(name##_, REAL), JOIN(_, SET))
#define VECTOR NAME(vector)
#define ANYWHERE NAME(anywhere)
#define MASK NAME(mask)
#if IS_DOUBLE
#define INTEGER int64_t
#else
#define INTEGER int32_t
#endif

typedef REAL VECTOR __attribute__((vector_size(VECTOR_BYTES)));
typedef REAL ANYWHERE __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
typedef INTEGER MASK __attribute__((vector_size(VECTOR_BYTES)));

INLINE VECTOR NAME(load)(const REAL *from)
{
    return *(const ANYWHERE *)from;
}

INLINE void NAME(store)(REAL *to, VECTOR value)
{
    *(ANYWHERE *)to = value;
}

/* The first `count` numbers, fewer than LANES, with zeros behind them; and back. */
INLINE VECTOR NAME(load_part)(const REAL *from, ptrdiff_t count)
{
    VECTOR value = {0};
    memcpy(&value, from, (size_t)count * sizeof(REAL));
    return value;
}

INLINE void NAME(store_part)(REAL *to, VECTOR value, ptrdiff_t count)
{
    memcpy(to, &value, (size_t)count * sizeof(REAL));
}

/* As many as there are, at most LANES. */
INLINE VECTOR NAME(load_most)(const REAL *from, ptrdiff_t left)
{
    return left >= LANES ? NAME(load)(from) : NAME(load_part)(from, left);
}

INLINE void NAME(store_most)(REAL *to, VECTOR value, ptrdiff_t left)
{
    if (left >= LANES)
        NAME(store)(to, value);
    else
        NAME(store_part)(to, value, left);
}

/* Every lane the same. */
INLINE VECTOR NAME(fill)(REAL value)
{
    return value - (VECTOR){0};
}

/* a where the mask says so, else b. */
INLINE VECTOR NAME(select)(MASK mask, VECTOR a, VECTOR b)
{
    return (VECTOR)(((MASK)a & mask) | ((MASK)b & ~mask));
}

INLINE VECTOR NAME(absolute)(VECTOR x)
{
    return (VECTOR)((MASK)x & ~(MASK)NAME(fill)((REAL)-0.0));
}

/* The loop becomes one instruction, as -fno-math-errno lets it. */
INLINE VECTOR NAME(square_root)(VECTOR x)
{
#if defined(__clang__) && __has_builtin(__builtin_elementwise_sqrt)
    return __builtin_elementwise_sqrt(x);
#else
    UNROLL
    for (int i = 0; i < LANES; i++)
        x[i] = IS_DOUBLE ? (REAL)__builtin_sqrt(x[i]) : (REAL)__builtin_sqrtf(x[i]);
    return x;
#endif
}

/* The absolute value of the first with the sign of the second. */
INLINE VECTOR NAME(with_sign)(VECTOR x, VECTOR sign)
{
    const MASK bit = (MASK)NAME(fill)((REAL)-0.0);
    return (VECTOR)(((MASK)x & ~bit) | ((MASK)sign & bit));
}

/* max(0, z), where NaN stays. */
INLINE VECTOR NAME(relu)(VECTOR z)
{
    return (VECTOR)((MASK)z & ~(MASK)(z < 0));
}

/* The larger of two; NaN where either is NaN. */
INLINE VECTOR NAME(larger)(VECTOR a, VECTOR b)
{
    return NAME(select)((MASK)(a > b) | (MASK)(a != a), a, b);
}

/* The lower and the upper halves of two vectors, their lanes alternating: a0 b0 a1 b1 ... */
INLINE VECTOR NAME(low)(VECTOR a, VECTOR b)
{
    return __builtin_shufflevector(a, b, JOIN(LOW_, LANES));
}

INLINE VECTOR NAME(high)(VECTOR a, VECTOR b)
{
    return __builtin_shufflevector(a, b, JOIN(HIGH_, LANES));
}

/* Every second number of two vectors in a row, from the first on. */
INLINE VECTOR NAME(even)(VECTOR a, VECTOR b)
{
    return __builtin_shufflevector(a, b, JOIN(EVEN_, LANES));
}

/* A square of LANES x LANES numbers is transposed by log2(LANES) steps: each pairs row i with row i + LANES / 2. */
INLINE void NAME(transpose)(VECTOR rows[LANES])
{
    UNROLL
    for (int step = 1; step < LANES; step *= 2) {
        VECTOR old[LANES];
        UNROLL
        for (int i = 0; i < LANES; i++)
            old[i] = rows[i];
        UNROLL
        for (int i = 0; i < LANES / 2; i++) {
            rows[2 * i] = NAME(low)(old[i], old[i + LANES / 2]);
            rows[2 * i + 1] = NAME(high)(old[i], old[i + LANES / 2]);
        }
    }
}

/* sums[j] = the sum of the lanes of v[j], for a power of 2 of vectors, at most LANES. Each step adds the two halves of
 * two vectors and lets their lanes alternate; a vector that is alone is its own partner. */
INLINE void NAME(sum_lanes)(int count, VECTOR v[], REAL sums[])
{
    int half = count / 2;
    UNROLL
    for (int lanes = LANES; lanes > 1; lanes /= 2, half /= 2) {
        VECTOR low, high;
        UNROLL
        for (int j = 0; j == 0 || j < half; j++) {
            low = NAME(low)(v[j], v[j + half]);
            high = NAME(high)(v[j], v[j + half]);
            v[j] = low + high;
        }
    }
    for (int j = 0; j < count; j++)
        sums[j] = v[0][j * (LANES / count)];
}

INLINE REAL NAME(sum)(VECTOR v)
{
    REAL sum;
    NAME(sum_lanes)(1, &v, &sum);
    return sum;
}

/* The largest number of a vector; NaN where one is NaN. */
INLINE REAL NAME(largest_lane)(VECTOR v)
{
    UNROLL
    for (int lanes = LANES; lanes > 1; lanes /= 2)
        v = NAME(larger)(NAME(low)(v, v), NAME(high)(v, v));
    return v[0];
}
