/* The cell of rnn.pyx in each instruction set. */
#include "rnn.h"

#define UNIT "rnn/rnn_unit.h"
#include "core/units.h"

#define TABLE(set) {&rnn_float_##set, &rnn_double_##set}
static const struct cell *const units[INSTRUCTION_SETS][2] = UNITS(TABLE);

const struct cell *rnn_cell(const struct core *core, bool is_double)
{
    return units[core->instruction_set][is_double];
}
