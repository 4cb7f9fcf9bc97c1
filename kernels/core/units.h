/* Compiles the file named by UNIT for each instruction set of this kind of processor and for float and double:
 *
 *     #define UNIT "gelu_unit.h"
 *     #include "core/units.h"
 *     #define TABLE(set) {forward_float_##set, forward_double_##set}
 *     static const struct gelu_unit units[INSTRUCTION_SETS] = UNITS(TABLE);
 *
 * In UNIT everything of simd.h and vector_math.h is at hand, and VECTOR_BYTES and REGISTERS, the number of the
 * instruction set's vector registers. Headers are included before it, outside.
 *
 * GCC and Clang spell the pragmas that choose an instruction set differently, and Clang would pass over GCC's in silence
 * and be slow. A sum a * b + c rounds once in a unit (twice as fast); everywhere else the build says -ffp-contract=off. */
#ifndef MINIDL_UNITS_H
#define MINIDL_UNITS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/cpu.h"

#define TEXT(...) #__VA_ARGS__
#define PRAGMA(...) _Pragma(TEXT(__VA_ARGS__))

#ifdef __clang__
#define UNROLL PRAGMA(unroll)
#pragma clang fp contract(fast)
#else
#define UNROLL PRAGMA(GCC unroll 64)
#pragma GCC push_options
#pragma GCC optimize("fp-contract=fast")
#endif

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

#define LOW_2 0, 2
#define HIGH_2 1, 3
#define LOW_4 0, 4, 1, 5
#define HIGH_4 2, 6, 3, 7
#define LOW_8 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_8 4, 12, 5, 13, 6, 14, 7, 15
#define LOW_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31

#define EVEN_2 0, 2
#define EVEN_4 0, 2, 4, 6
#define EVEN_8 0, 2, 4, 6, 8, 10, 12, 14
#define EVEN_16 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30

/* What every processor of the kind has: on x86-64 SSE2. */
#define SET baseline
#define VECTOR_BYTES 16
#define REGISTERS 16
#include "core/types.h"
#undef SET
#undef VECTOR_BYTES
#undef REGISTERS

#if defined(__x86_64__)

#define SET avx2
#define VECTOR_BYTES 32
#define REGISTERS 16
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#include "core/types.h"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef SET
#undef VECTOR_BYTES
#undef REGISTERS

#define SET avx512
#define VECTOR_BYTES 64
#define REGISTERS 32
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#endif
#include "core/types.h"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef SET
#undef VECTOR_BYTES
#undef REGISTERS

#define UNITS(TABLE) {[BASELINE] = TABLE(baseline), [AVX2] = TABLE(avx2), [AVX512] = TABLE(avx512)}

#elif defined(__aarch64__)

#define SET neon
#define VECTOR_BYTES 16
#define REGISTERS 32
#include "core/types.h"
#undef SET
#undef VECTOR_BYTES
#undef REGISTERS

#define UNITS(TABLE) {[BASELINE] = TABLE(baseline), [NEON] = TABLE(neon)}

#else
#define UNITS(TABLE) {[BASELINE] = TABLE(baseline)}
#endif

#ifndef __clang__
#pragma GCC pop_options
#endif

#endif
