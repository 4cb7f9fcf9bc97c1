/* Gated recurrent units: what gru.pyx asks of gru.c. */
#ifndef MINIDL_GRU_H
#define MINIDL_GRU_H

#include "core/core.h"

const struct cell *gru_cell(const struct core *core, bool is_double);

#endif
