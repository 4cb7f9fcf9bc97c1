/* The unit for one instruction set and one element type: see units.h. */
#include "core/simd.h"
#include "core/vector_math.h"
#include UNIT
#undef LANES
#undef NAME
#undef VECTOR
#undef ANYWHERE
#undef MASK
#undef INTEGER
