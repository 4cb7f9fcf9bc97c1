/* The cell of an LSTM in one element type and one instruction set: see units.h and core/recurrence.h. Lanes are units.
 *
 * i = σ(z_i), f = σ(z_f), g = tanh(z_g), o = σ(z_o);  c = f c + i g;  h = o tanh(c).
 * `gates` keeps i, f, g and o, `kept` keeps c. */

/* Unit u of row n and as many behind it as are left, at most LANES. */
INLINE void NAME(forward_units)(const struct recurrence *r, const struct forward_step *s, ptrdiff_t n, ptrdiff_t u,
                                ptrdiff_t left)
{
    const REAL *z = (const REAL *)s->z + n * s->z_row + u;
    const ptrdiff_t row = (s->row + n) * r->units + u;
    REAL *gates = (REAL *)r->gates + 4 * (s->row + n) * r->units + u;
    REAL *c_n = (REAL *)r->c_n + (s->sequence + n) * r->units + u;

    const VECTOR i = NAME(sigmoid)(NAME(load_most)(z, left));
    const VECTOR f = NAME(sigmoid)(NAME(load_most)(z + s->z_sum, left));
    const VECTOR g = NAME(tanh)(NAME(load_most)(z + 2 * s->z_sum, left));
    const VECTOR o = NAME(sigmoid)(NAME(load_most)(z + 3 * s->z_sum, left));
    const VECTOR c = f * NAME(load_most)(c_n, left) + i * g;
    NAME(store_most)(gates, i, left);
    NAME(store_most)(gates + r->units, f, left);
    NAME(store_most)(gates + 2 * r->units, g, left);
    NAME(store_most)(gates + 3 * r->units, o, left);
    NAME(store_most)(c_n, c, left);
    NAME(store_most)((REAL *)r->kept + row, c, left);
    NAME(store_most)((REAL *)r->y + row, o * NAME(tanh)(c), left);
}

static void NAME(forward)(const struct recurrence *r, const struct forward_step *s)
{
    for (ptrdiff_t n = 0; n < s->rows; n++) {
        ptrdiff_t u = 0;
        for (; u + LANES <= r->units; u += LANES)
            NAME(forward_units)(r, s, n, u, LANES);
        if (u < r->units)
            NAME(forward_units)(r, s, n, u, r->units - u);
    }
}

INLINE void NAME(backward_units)(const struct recurrence *r, const struct backward_step *s, ptrdiff_t n, ptrdiff_t u,
                                 ptrdiff_t left)
{
    const ptrdiff_t row = (s->row + n) * r->units + u;
    const REAL *gates = (const REAL *)r->gates + 4 * (s->row + n) * r->units + u;
    const REAL *dh_row = (const REAL *)s->dh + n * s->state_row + u;
    REAL *dc_row = (REAL *)s->dc + n * s->state_row + u;
    REAL *dz = (REAL *)s->dz + n * s->dz_row + u;

    const VECTOR i = NAME(load_most)(gates, left);
    const VECTOR f = NAME(load_most)(gates + r->units, left);
    const VECTOR g = NAME(load_most)(gates + 2 * r->units, left);
    const VECTOR o = NAME(load_most)(gates + 3 * r->units, left);
    const VECTOR tanh_c = NAME(tanh)(NAME(load_most)((const REAL *)r->kept + row, left));
    const VECTOR c_before = NAME(load_most)((const REAL *)s->c_before + n * r->units + u, left);
    const VECTOR dh = NAME(load_most)((const REAL *)r->g_y + row, left) + NAME(load_most)(dh_row, left);
    const VECTOR dc = NAME(load_most)(dc_row, left) + dh * o * (1 - tanh_c * tanh_c);
    NAME(store_most)(dz, dc * g * (i * (1 - i)), left);
    NAME(store_most)(dz + r->units, dc * c_before * (f * (1 - f)), left);
    NAME(store_most)(dz + 2 * r->units, dc * i * (1 - g * g), left);
    NAME(store_most)(dz + 3 * r->units, dh * tanh_c * (o * (1 - o)), left);
    NAME(store_most)(dc_row, dc * f, left);
}

static void NAME(backward)(const struct recurrence *r, const struct backward_step *s)
{
    for (ptrdiff_t n = 0; n < s->rows; n++) {
        ptrdiff_t u = 0;
        for (; u + LANES <= r->units; u += LANES)
            NAME(backward_units)(r, s, n, u, LANES);
        if (u < r->units)
            NAME(backward_units)(r, s, n, u, r->units - u);
    }
}

static const struct cell NAME(lstm) = {.gates = 4, .forward = NAME(forward), .backward = NAME(backward)};
