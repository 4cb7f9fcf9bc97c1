/* The unit for one instruction set, for float and for double: see units.h. */
#define REAL float
#define IS_DOUBLE 0
#include "core/type.h"
#undef REAL
#undef IS_DOUBLE

#define REAL double
#define IS_DOUBLE 1
#include "core/type.h"
#undef REAL
#undef IS_DOUBLE
