/* AVX2 with FMA: 16 registers of 8 floats. */
#if defined(__x86_64__)

#define UNIT_TARGET "avx2,fma"
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#include "simd.h"

#include "product.h"

#define REAL float
#include "product_unit.h"
#undef REAL
#define REAL double
#include "product_unit.h"
#undef REAL

UNIT_END

const struct product_unit product_avx2 = {block_float, block_double};

#endif
