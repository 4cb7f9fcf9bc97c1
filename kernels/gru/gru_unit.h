/* The cell of a GRU in one element type and one instruction set: see units.h and core/recurrence.h. Lanes are units.
 *
 * r = σ(a_r + b_r), z = σ(a_z + b_z), n = tanh(a_n + r b_n);  h = (1 - z) n + z h. As r weighs b_n alone, a_n and b_n stay
 * apart. `gates` keeps r, z and n, `kept` keeps b_n. */

/* Unit u of a row and as many behind it as are left, at most LANES. */
INLINE void NAME(forward_units)(const struct recurrence *l, const struct forward_step *s, ptrdiff_t i, ptrdiff_t u,
                                ptrdiff_t left)
{
    const REAL *sums = (const REAL *)s->z + i * s->z_row + u;
    const ptrdiff_t row = (s->row + i) * l->units + u;
    REAL *gates = (REAL *)l->gates + 3 * (s->row + i) * l->units + u;
    const REAL *h = (const REAL *)l->h_n + (s->sequence + i) * l->units + u;

    const VECTOR r = NAME(sigmoid)(NAME(load_most)(sums, left));
    const VECTOR z = NAME(sigmoid)(NAME(load_most)(sums + s->z_sum, left));
    const VECTOR b_n = NAME(load_most)(sums + 3 * s->z_sum, left);
    const VECTOR n = NAME(tanh)(NAME(load_most)(sums + 2 * s->z_sum, left) + r * b_n);
    NAME(store_most)(gates, r, left);
    NAME(store_most)(gates + l->units, z, left);
    NAME(store_most)(gates + 2 * l->units, n, left);
    NAME(store_most)((REAL *)l->kept + row, b_n, left);
    NAME(store_most)((REAL *)l->y + row, (1 - z) * n + z * NAME(load_most)(h, left), left);
}

static void NAME(forward)(const struct recurrence *l, const struct forward_step *s)
{
    for (ptrdiff_t i = 0; i < s->rows; i++) {
        ptrdiff_t u = 0;
        for (; u + LANES <= l->units; u += LANES)
            NAME(forward_units)(l, s, i, u, LANES);
        if (u < l->units)
            NAME(forward_units)(l, s, i, u, l->units - u);
    }
}

/* dz holds da_n, d_r, d_z, db_n: the last three are the gradient of h W_hh'. */
INLINE void NAME(backward_units)(const struct recurrence *l, const struct backward_step *s, ptrdiff_t i, ptrdiff_t u,
                                 ptrdiff_t left)
{
    const ptrdiff_t row = (s->row + i) * l->units + u;
    const REAL *gates = (const REAL *)l->gates + 3 * (s->row + i) * l->units + u;
    const REAL *h_before = (const REAL *)s->h_before + i * l->units + u;
    REAL *dh_row = (REAL *)s->dh + i * s->state_row + u;
    REAL *dz = (REAL *)s->dz + i * s->dz_row + u;

    const VECTOR r = NAME(load_most)(gates, left);
    const VECTOR z = NAME(load_most)(gates + l->units, left);
    const VECTOR n = NAME(load_most)(gates + 2 * l->units, left);
    const VECTOR b_n = NAME(load_most)((const REAL *)l->kept + row, left);
    const VECTOR dh = NAME(load_most)((const REAL *)l->g_y + row, left) + NAME(load_most)(dh_row, left);
    const VECTOR da_n = dh * (1 - z) * (1 - n * n);
    NAME(store_most)(dz, da_n, left);
    NAME(store_most)(dz + l->units, da_n * b_n * (r * (1 - r)), left);
    NAME(store_most)(dz + 2 * l->units, dh * (NAME(load_most)(h_before, left) - n) * (z * (1 - z)), left);
    NAME(store_most)(dz + 3 * l->units, da_n * r, left);
    NAME(store_most)(dh_row, dh * z, left);
}

static void NAME(backward)(const struct recurrence *l, const struct backward_step *s)
{
    for (ptrdiff_t i = 0; i < s->rows; i++) {
        ptrdiff_t u = 0;
        for (; u + LANES <= l->units; u += LANES)
            NAME(backward_units)(l, s, i, u, LANES);
        if (u < l->units)
            NAME(backward_units)(l, s, i, u, l->units - u);
    }
}

static const struct cell NAME(gru) = {
    .gates = 3, .apart = true, .past_gates = true, .forward = NAME(forward), .backward = NAME(backward),
};
