/* Which instruction set the units are chosen by. */
#include "cpu.h"

const char *const instruction_set_names[INSTRUCTION_SETS] = {"baseline", "neon", "avx2", "avx512"};

enum instruction_set instruction_set = BASELINE;

bool can_use(enum instruction_set set)
{
    switch (set) {
#if defined(__x86_64__)
    case AVX2: /* The builtins also ask whether the operating system saves the wide registers. */
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case AVX512:
        return can_use(AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
    case NEON:
        return true;
#endif
    case BASELINE:
        return true;
    default:
        return false;
    }
}

enum instruction_set best_instruction_set(void)
{
    int set = INSTRUCTION_SETS - 1;
    while (!can_use(set))
        set--;
    return set;
}
