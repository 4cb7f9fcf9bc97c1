/* The tanh and the relu recurrence: what rnn.pyx asks of rnn.c. */
#ifndef MINIDL_RNN_H
#define MINIDL_RNN_H

#include "core/core.h"

const struct cell *rnn_cell(const struct core *core, bool is_double);

#endif
