/* The instruction set in use, for every extension that has a unit for each. */
#ifndef MINIDL_CPU_H
#define MINIDL_CPU_H

#include <stdbool.h>

enum instruction_set { BASELINE, NEON, AVX2, AVX512, INSTRUCTION_SETS };

/* As MINIDL_ISA spells them. */
extern const char *const instruction_set_names[INSTRUCTION_SETS];

/* Whether this processor, and this build, has it. */
bool can_use(enum instruction_set set);

/* The one in use: at first the best that can be used. */
extern enum instruction_set instruction_set;

enum instruction_set best_instruction_set(void);

#endif
