/* NEON, which every 64-bit Arm has: 32 registers of 4 floats. */
#if defined(__aarch64__)

#define VECTOR_BYTES 16
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

const struct product_unit product_neon = {block_float, block_double};

#endif
