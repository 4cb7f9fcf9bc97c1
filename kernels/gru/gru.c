/* The cell of gru.pyx in each instruction set. */
#include "gru.h"

#define UNIT "gru/gru_unit.h"
#include "core/units.h"

#define TABLE(set) {&gru_float_##set, &gru_double_##set}
static const struct cell *const units[INSTRUCTION_SETS][2] = UNITS(TABLE);

const struct cell *gru_cell(const struct core *core, bool is_double)
{
    return units[core->instruction_set][is_double];
}
