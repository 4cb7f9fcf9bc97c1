/* The rules, each on a vector of w, in one instruction set: see core/units.h. kernels/update.pyx has the formulas. */

/* The numbers of a rule that are worked out once for many elements. */
struct NAME(numbers) {
    REAL lr, momentum, rest, beta2, rest2, eps, decay, kept, correction;
};

/* g, or -g to go uphill, and the slope of weight_decay / 2 |w|^2. */
INLINE VECTOR NAME(gradient)(const struct update *u, const struct NAME(numbers) *n, VECTOR w, VECTOR g)
{
    if (u->maximize)
        g = -g;
    return u->weight_decay != 0 && !u->decoupled ? n->decay * w + g : g;
}

INLINE void NAME(sgd)(const struct update *u, const struct NAME(numbers) *n, REAL *const at[], ptrdiff_t i)
{
    const VECTOR w = NAME(load)(at[0] + i);
    VECTOR step = NAME(gradient)(u, n, w, NAME(load)(at[1] + i));
    if (at[2]) {
        const VECTOR v = n->momentum * NAME(load)(at[2] + i) + n->rest * step;
        NAME(store)(at[2] + i, v);
        step = u->nesterov ? n->momentum * v + step : v;
    }
    NAME(store)(at[0] + i, w - n->lr * step);
}

INLINE void NAME(adam)(const struct update *u, const struct NAME(numbers) *n, REAL *const at[], ptrdiff_t i)
{
    VECTOR w = NAME(load)(at[0] + i), m = NAME(load)(at[2] + i), v = NAME(load)(at[3] + i);
    const VECTOR g = NAME(gradient)(u, n, w, NAME(load)(at[1] + i));
    m += n->rest * (g - m);
    v = n->beta2 * v + n->rest2 * g * g;
    NAME(store)(at[2] + i, m);
    NAME(store)(at[3] + i, v);
    if (at[4]) {
        v = NAME(larger)(v, NAME(load)(at[4] + i));
        NAME(store)(at[4] + i, v);
    }
    if (u->decoupled)
        w *= n->kept;
    NAME(store)(at[0] + i, w - n->lr * m / (NAME(square_root)(v) * n->correction + n->eps));
}

INLINE void NAME(rmsprop)(const struct update *u, const struct NAME(numbers) *n, REAL *const at[], ptrdiff_t i)
{
    const VECTOR w = NAME(load)(at[0] + i), g = NAME(gradient)(u, n, w, NAME(load)(at[1] + i));
    VECTOR v = n->beta2 * NAME(load)(at[2] + i) + n->rest2 * g * g;
    NAME(store)(at[2] + i, v);
    if (at[3]) {
        VECTOR mean = NAME(load)(at[3] + i);
        mean += n->rest2 * (g - mean);
        NAME(store)(at[3] + i, mean);
        v -= mean * mean;
    }
    VECTOR step = g / (NAME(square_root)(v) + n->eps);
    if (at[4]) {
        step += n->momentum * NAME(load)(at[4] + i);
        NAME(store)(at[4] + i, step);
    }
    NAME(store)(at[0] + i, w - n->lr * step);
}

INLINE void NAME(adagrad)(const struct update *u, const struct NAME(numbers) *n, REAL *const at[], ptrdiff_t i)
{
    const VECTOR w = NAME(load)(at[0] + i), g = NAME(gradient)(u, n, w, NAME(load)(at[1] + i));
    const VECTOR s = NAME(load)(at[2] + i) + g * g;
    NAME(store)(at[2] + i, s);
    NAME(store)(at[0] + i, w - n->lr * g / (NAME(square_root)(s) + n->eps));
}

/* A rule on elements first .. end - 1; fewer than a vector at the end are moved to a place where there is room. */
INLINE void NAME(elements)(void (*rule)(const struct update *, const struct NAME(numbers) *, REAL *const[], ptrdiff_t),
                           const struct update *u, const struct NAME(numbers) *n, ptrdiff_t first, ptrdiff_t end)
{
    REAL *at[ARRAYS], rest[ARRAYS][LANES] = {{0}};
    for (int a = 0; a < ARRAYS; a++)
        at[a] = u->arrays[a];
    ptrdiff_t i = first;
    for (; end - i >= LANES; i += LANES)
        rule(u, n, at, i);
    if (i == end)
        return;
    for (int a = 0; a < ARRAYS; a++)
        if (u->arrays[a])
            at[a] = memcpy(rest[a], at[a] + i, (size_t)(end - i) * sizeof(REAL));
    rule(u, n, at, 0);
    for (int a = 0; a < ARRAYS; a++)
        if (u->arrays[a] && a != 1) /* g is read alone */
            memcpy((REAL *)u->arrays[a] + i, rest[a], (size_t)(end - i) * sizeof(REAL));
}

static void NAME(update)(const struct update *u, ptrdiff_t first, ptrdiff_t end)
{
    struct NAME(numbers) n = {
        .lr = (REAL)u->lr,
        .momentum = (REAL)u->momentum,
        .eps = (REAL)u->eps,
        .decay = (REAL)u->weight_decay,
    };
    switch (u->rule) {
    case SGD:
        n.rest = (REAL)(1 - u->dampening);
        NAME(elements)(NAME(sgd), u, &n, first, end);
        break;
    case ADAM:
        n.lr = (REAL)(u->lr / (1 - pow(u->beta1, u->t)));
        n.correction = (REAL)(1 / sqrt(1 - pow(u->beta2, u->t)));
        n.rest = (REAL)(1 - u->beta1);
        n.beta2 = (REAL)u->beta2;
        n.rest2 = (REAL)(1 - u->beta2);
        n.kept = (REAL)(1 - u->lr * u->weight_decay);
        NAME(elements)(NAME(adam), u, &n, first, end);
        break;
    case RMSPROP:
        n.beta2 = (REAL)u->alpha;
        n.rest2 = (REAL)(1 - u->alpha);
        NAME(elements)(NAME(rmsprop), u, &n, first, end);
        break;
    default:
        n.lr = (REAL)(u->lr / (1 + (u->t - 1) * u->lr_decay));
        NAME(elements)(NAME(adagrad), u, &n, first, end);
    }
}
