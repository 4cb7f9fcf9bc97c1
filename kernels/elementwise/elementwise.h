/* y = f(x), element by element, and what f does to a cotangent. */
#ifndef MINIDL_ELEMENTWISE_H
#define MINIDL_ELEMENTWISE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/core.h"

enum function { EXP, LOG, ERF, RELU, TANH, SIGMOID, SILU, GELU, GELU_TANH, FUNCTIONS };

/* y may be x itself. */
void elementwise_forward(const struct core *core, enum function f, const void *x, void *y, ptrdiff_t n, bool is_double);

/* dx = g f'(x), where x stands for the output y if f is RELU, TANH or SIGMOID. dx may be g itself. EXP, LOG and ERF have none. */
void elementwise_backward(const struct core *core, enum function f, const void *g, const void *x, void *dx, ptrdiff_t n,
                          bool is_double);

#endif
