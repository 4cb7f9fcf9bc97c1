/* A step of an optimizer on one parameter: what update.c is asked, and what each unit offers to it. */
#ifndef MINIDL_UPDATE_H
#define MINIDL_UPDATE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/core.h"

enum rule { SGD, ADAM, RMSPROP, ADAGRAD, RULES };

#define ARRAYS 5

struct update {
    enum rule rule;
    bool is_double;
    ptrdiff_t size;
    void *arrays[ARRAYS]; /* w, g, and what the rule keeps, in the order of its arguments; NULL is left out */
    double t;             /* the number of this step, from 1 */
    double lr, momentum, dampening, beta1, beta2, alpha, eps, lr_decay, weight_decay;
    bool nesterov, decoupled, maximize;
};

void update(const struct core *core, const struct update *u);

/* How a unit computes elements first .. end - 1. */
typedef void update_part(const struct update *u, ptrdiff_t first, ptrdiff_t end);

#endif
