/* Softmax of the scores and its gradient, in one element type and one instruction set. */

/* The scores of one query: scale q k^T + mask, of the keys that it sees. */
INLINE VECTOR NAME(score)(VECTOR product, VECTOR scale, const REAL *mask, ptrdiff_t key)
{
    return mask ? product * scale + NAME(load)(mask + key) : product * scale;
}

/* The same at the end of a row; lanes behind it are -inf, so that they weigh nothing. */
INLINE VECTOR NAME(last_score)(const REAL *products, VECTOR scale, const REAL *mask, ptrdiff_t key, ptrdiff_t count)
{
    VECTOR z = NAME(load_part)(products + key, count) * scale;
    if (mask)
        z += NAME(load_part)(mask + key, count);
    REAL all[LANES];
    NAME(store)(all, z);
    for (ptrdiff_t lane = count; lane < LANES; lane++)
        all[lane] = -INFINITY;
    return NAME(load)(all);
}

/* Turns the products of one query into its weights e^(score - largest), and 0 from n to the end; returns their sum, by
 * which they are still to be divided. It is 0 for a query that sees no key, and else at least 1. */
static REAL NAME(weigh)(REAL *products, REAL scale, const REAL *mask, ptrdiff_t n, ptrdiff_t end)
{
    const ptrdiff_t whole = n / LANES * LANES;
    const VECTOR scales = NAME(fill)(scale);
    VECTOR largest = NAME(fill)(-INFINITY), sums = {0};
    for (ptrdiff_t key = 0; key < whole; key += LANES) {
        const VECTOR z = NAME(score)(NAME(load)(products + key), scales, mask, key);
        NAME(store)(products + key, z);
        largest = NAME(larger)(largest, z);
    }
    if (whole < n) {
        const VECTOR z = NAME(last_score)(products, scales, mask, whole, n - whole);
        NAME(store)(products + whole, z);
        largest = NAME(larger)(largest, z);
    }
    const REAL most = NAME(largest_lane)(largest);
    const VECTOR shift = NAME(fill)(most == -INFINITY ? 0 : most);
    for (ptrdiff_t key = 0; key < n; key += LANES) {
        const VECTOR e = NAME(exp_of_negative)(NAME(load)(products + key) - shift);
        NAME(store)(products + key, e);
        sums += e;
    }
    for (ptrdiff_t key = (n + LANES - 1) / LANES * LANES; key < end; key += LANES)
        NAME(store)(products + key, (VECTOR){0});
    return NAME(sum)(sums);
}

/* y of the queries row .. end_row - 1 of one head. */
static void NAME(forward)(struct job *job, ptrdiff_t item, ptrdiff_t row, ptrdiff_t end_row)
{
    const struct attention *p = job->p;
    const ptrdiff_t keys = seen(p, end_row), distance = scores_row(p);
    REAL *scores = job->core->scratch(0, (size_t)(ROWS * distance) * sizeof(REAL)), sums[ROWS];
    if (!scores) {
        job->failed = true;
        return;
    }
    const struct matrix q = {at(p, &p->q, item, row), p->q.row, false};
    const struct matrix k = {at(p, &p->k, item, 0), p->k.row, true};
    multiply(job, end_row - row, p->width, keys, q, k, scores, distance, false);
    for (ptrdiff_t i = row; i < end_row; i++) {
        const REAL *mask = p->mask.first ? at(p, &p->mask, item, i) : NULL;
        sums[i - row] = NAME(weigh)(scores + (i - row) * distance, (REAL)p->scale, mask, seen(p, i + 1), keys);
    }
    const struct matrix weights = {scores, distance, false}, v = {at(p, &p->v, item, 0), p->v.row, false};
    multiply(job, end_row - row, keys, p->value_width, weights, v, at(p, &p->y, item, row), p->y.row, false);
    for (ptrdiff_t i = row; i < end_row; i++) {
        REAL *y = at(p, &p->y, item, i);
        const REAL sum = sums[i - row];
        for (ptrdiff_t c = 0; c < p->value_width; c++)
            y[c] = sum == 0 ? 0 : y[c] / sum;
    }
}

/* From the weights of one query and dw, the gradients of its weights: dw becomes dz = w (dw - sum w dw) scale, the gradient
 * of its products with the keys; the weights are divided by their sum. Behind n all are 0. */
static void NAME(through_softmax)(REAL *w, REAL *dw, REAL sum, REAL scale, ptrdiff_t n, ptrdiff_t end)
{
    const REAL share = sum == 0 ? 0 : 1 / sum;
    VECTOR dots = {0};
    for (ptrdiff_t key = n; key < end; key++)
        dw[key] = 0;
    for (ptrdiff_t key = 0; key < end; key += LANES) {
        const VECTOR weight = NAME(load)(w + key) * share;
        NAME(store)(w + key, weight);
        dots += weight * NAME(load)(dw + key);
    }
    const REAL dot = NAME(sum)(dots);
    for (ptrdiff_t key = 0; key < end; key += LANES)
        NAME(store)(dw + key, NAME(load)(w + key) * (NAME(load)(dw + key) - dot) * scale);
}

/* dq, dk and dv of one head; all its queries, from row 0 to end_row. */
static void NAME(backward)(struct job *job, ptrdiff_t item, ptrdiff_t row, ptrdiff_t end_row)
{
    const struct attention *p = job->p;
    const ptrdiff_t distance = scores_row(p);
    REAL *weights = job->core->scratch(0, (size_t)(2 * ROWS * distance) * sizeof(REAL));
    if (!weights) {
        job->failed = true;
        return;
    }
    REAL *dz = weights + ROWS * distance;
    const struct matrix k = {at(p, &p->k, item, 0), p->k.row, false}, v = {at(p, &p->v, item, 0), p->v.row, true};
    const struct matrix k_transposed = {k.first, k.row, true};
    for (ptrdiff_t key = 0; key < p->keys; key++) {
        memset(at(p, &p->dk, item, key), 0, (size_t)p->width * sizeof(REAL));
        memset(at(p, &p->dv, item, key), 0, (size_t)p->value_width * sizeof(REAL));
    }
    for (ptrdiff_t end; row < end_row; row = end) {
        end = end_row - row > ROWS ? row + ROWS : end_row;
        const ptrdiff_t rows = end - row, keys = seen(p, end);
        const struct matrix q = {at(p, &p->q, item, row), p->q.row, false};
        const struct matrix g = {at(p, &p->g, item, row), p->g.row, false};
        multiply(job, rows, p->width, keys, q, k_transposed, weights, distance, false);
        multiply(job, rows, p->value_width, keys, g, v, dz, distance, false);
        for (ptrdiff_t i = row; i < end; i++) {
            const REAL *mask = p->mask.first ? at(p, &p->mask, item, i) : NULL;
            REAL *w = weights + (i - row) * distance, *dw = dz + (i - row) * distance;
            const ptrdiff_t n = seen(p, i + 1);
            const REAL sum = NAME(weigh)(w, (REAL)p->scale, mask, n, keys);
            NAME(through_softmax)(w, dw, sum, (REAL)p->scale, n, (keys + LANES - 1) / LANES * LANES);
        }
        const struct matrix weights_transposed = {weights, distance, true}, dz_transposed = {dz, distance, true};
        const struct matrix dz_rows = {dz, distance, false};
        multiply(job, keys, rows, p->value_width, weights_transposed, g, at(p, &p->dv, item, 0), p->dv.row, true);
        multiply(job, keys, rows, p->width, dz_transposed, q, at(p, &p->dk, item, 0), p->dk.row, true);
        multiply(job, rows, keys, p->width, dz_rows, k, at(p, &p->dq, item, row), p->dq.row, false);
    }
}
