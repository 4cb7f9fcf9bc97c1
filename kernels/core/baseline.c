/* What every processor of the kind has (on x86-64: SSE2, 16 registers of 4 floats). */

#define VECTOR_BYTES 16
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

const struct product_unit product_baseline = {block_float, block_double};
