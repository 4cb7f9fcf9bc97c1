/* Opens a unit: a file compiled for one instruction set. It defines UNIT_TARGET (as the compiler's -m options name it; left
 * out for the baseline) and VECTOR_BYTES, includes this file before any code, and ends with UNIT_END.
 *
 * GCC and Clang spell both pragmas differently, and Clang would pass over GCC's in silence and be slow.
 * A sum a * b + c rounds once in a unit (twice as fast); everywhere else the build says -ffp-contract=off. */
#ifndef MINIDL_SIMD_H
#define MINIDL_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TEXT(...) #__VA_ARGS__
#define PRAGMA(...) _Pragma(TEXT(__VA_ARGS__))

#ifdef __clang__
#define FAST_CONTRACTION PRAGMA(clang fp contract(fast))
#define TARGET(names) PRAGMA(clang attribute push(__attribute__((target(names))), apply_to = function))
#define END_TARGET PRAGMA(clang attribute pop)
#define UNROLL PRAGMA(unroll)
#else
#define FAST_CONTRACTION PRAGMA(GCC optimize("fp-contract=fast"))
#define TARGET(names) PRAGMA(GCC target(names))
#define END_TARGET
#define UNROLL PRAGMA(GCC unroll 64)
#endif

#ifdef UNIT_TARGET
TARGET(UNIT_TARGET)
#define UNIT_END END_TARGET
#else
#define UNIT_END
#endif
FAST_CONTRACTION

/* Keeps the compiler from loading a vector again for every use. */
#if defined(__x86_64__)
#define IN_REGISTER(vector) __asm__("" : "+v"(vector))
#elif defined(__aarch64__)
#define IN_REGISTER(vector) __asm__("" : "+w"(vector))
#else
#define IN_REGISTER(vector) (void)(vector)
#endif

#define INLINE static inline __attribute__((always_inline))

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

/* A vector of each element type, the same at any address (for loads and stores), and a mask of its lanes. */
typedef float vector_float __attribute__((vector_size(VECTOR_BYTES)));
typedef double vector_double __attribute__((vector_size(VECTOR_BYTES)));
typedef float anywhere_float __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
typedef double anywhere_double __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));
typedef int32_t mask_float __attribute__((vector_size(VECTOR_BYTES)));
typedef int64_t mask_double __attribute__((vector_size(VECTOR_BYTES)));

#define LANES_float (VECTOR_BYTES / 4)
#define LANES_double (VECTOR_BYTES / 8)

/* The lower and the upper halves of two vectors, their lanes alternating: a0 b0 a1 b1 ... */
#define LOW_2 0, 2
#define HIGH_2 1, 3
#define LOW_4 0, 4, 1, 5
#define HIGH_4 2, 6, 3, 7
#define LOW_8 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_8 4, 12, 5, 13, 6, 14, 7, 15
#define LOW_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31

/* A square of lanes x lanes elements is transposed by log2(lanes) steps: each pairs row i with row i + lanes / 2. */
#define ALTERNATE(REAL, LANES)                                                                                         \
    INLINE vector_##REAL low_##REAL(vector_##REAL a, vector_##REAL b)                                                  \
    {                                                                                                                  \
        return __builtin_shufflevector(a, b, LOW_##LANES);                                                             \
    }                                                                                                                  \
    INLINE vector_##REAL high_##REAL(vector_##REAL a, vector_##REAL b)                                                 \
    {                                                                                                                  \
        return __builtin_shufflevector(a, b, HIGH_##LANES);                                                            \
    }                                                                                                                  \
    INLINE void transpose_##REAL(vector_##REAL rows[LANES])                                                            \
    {                                                                                                                  \
        UNROLL                                                                                                         \
        for (int step = 1; step < LANES; step *= 2) {                                                                  \
            vector_##REAL old[LANES];                                                                                  \
            UNROLL                                                                                                     \
            for (int i = 0; i < LANES; i++)                                                                            \
                old[i] = rows[i];                                                                                      \
            UNROLL                                                                                                     \
            for (int i = 0; i < LANES / 2; i++) {                                                                      \
                rows[2 * i] = low_##REAL(old[i], old[i + LANES / 2]);                                                  \
                rows[2 * i + 1] = high_##REAL(old[i], old[i + LANES / 2]);                                             \
            }                                                                                                          \
        }                                                                                                              \
    }

#if VECTOR_BYTES == 64
ALTERNATE(float, 16)
ALTERNATE(double, 8)
#elif VECTOR_BYTES == 32
ALTERNATE(float, 8)
ALTERNATE(double, 4)
#else
ALTERNATE(float, 4)
ALTERNATE(double, 2)
#endif

#endif
