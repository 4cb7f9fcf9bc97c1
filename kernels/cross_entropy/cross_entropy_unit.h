/* One row: see core/units.h. */
#include "core/exponentials.h"

static void NAME(row)(const struct cross_entropy *c, ptrdiff_t n)
{
    const ptrdiff_t target = (ptrdiff_t)c->target[n];
    const REAL *x = (const REAL *)c->x + n * c->classes;
    REAL *dx = c->g ? (REAL *)c->dx + n * c->classes : NULL;
    const REAL m = NAME(row_largest)(x, c->classes);
    const double sum = NAME(row_exponentials)(x, dx, c->classes, m);
    ((REAL *)c->loss)[n] = (REAL)log(sum) - (x[target] - m);
    if (dx) {
        const REAL g = ((const REAL *)c->g)[n];
        const REAL softmax = (REAL)(dx[target] / sum);
        NAME(row_times)(dx, c->classes, (REAL)(g / sum));
        dx[target] = g * (softmax - 1);
    }
}
