#include "core.h"

#include "pool.h"
#include "scratch.h"

const struct core *core_functions(void)
{
    static struct core functions;
    functions = (struct core){instruction_set, product, pool_run, pool_threads, scratch, forward_in_time, backward_in_time};
    return &functions;
}
