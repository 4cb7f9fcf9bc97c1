/* AVX-512: 32 registers of 16 floats. */
#if defined(__x86_64__)

#define UNIT_TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"
#define VECTOR_BYTES 64
#define TILE_ROWS 8
#include "simd.h"

#include "product.h"

#define REAL float
#include "product_unit.h"
#undef REAL
#define REAL double
#include "product_unit.h"
#undef REAL

UNIT_END

const struct product_unit product_avx512 = {block_float, block_double};

#endif
