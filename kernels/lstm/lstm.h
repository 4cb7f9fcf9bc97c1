/* Long short-term memory: what lstm.pyx asks of lstm.c. */
#ifndef MINIDL_LSTM_H
#define MINIDL_LSTM_H

#include "core/core.h"

const struct cell *lstm_cell(const struct core *core, bool is_double);

#endif
