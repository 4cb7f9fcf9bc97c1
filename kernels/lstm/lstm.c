/* The cell of lstm.pyx in each instruction set. */
#include "lstm.h"

#define UNIT "lstm/lstm_unit.h"
#include "core/units.h"

#define TABLE(set) {&lstm_float_##set, &lstm_double_##set}
static const struct cell *const units[INSTRUCTION_SETS][2] = UNITS(TABLE);

const struct cell *lstm_cell(const struct core *core, bool is_double)
{
    return units[core->instruction_set][is_double];
}
