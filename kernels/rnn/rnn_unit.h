/* The cell of an RNN in one element type and one instruction set: see units.h and core/recurrence.h. Lanes are units.
 *
 * h = f(z), f tanh or relu. */

/* Unit u of row n and as many behind it as are left, at most LANES. */
INLINE void NAME(forward_units)(const struct recurrence *r, const struct forward_step *s, ptrdiff_t n, ptrdiff_t u,
                                ptrdiff_t left)
{
    const VECTOR z = NAME(load_most)((const REAL *)s->z + n * s->z_row + u, left);
    REAL *y = (REAL *)r->y + (s->row + n) * r->units + u;
    NAME(store_most)(y, r->relu ? NAME(relu)(z) : NAME(tanh)(z), left);
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

/* f' is written in y: tanh: 1 - y^2; relu: 1 where y > 0, and NaN passes. */
INLINE void NAME(backward_units)(const struct recurrence *r, const struct backward_step *s, ptrdiff_t n, ptrdiff_t u,
                                 ptrdiff_t left)
{
    const ptrdiff_t row = (s->row + n) * r->units + u;
    const VECTOR y = NAME(load_most)((const REAL *)r->y + row, left);
    const VECTOR dh = NAME(load_most)((const REAL *)r->g_y + row, left)
                      + NAME(load_most)((const REAL *)s->dh + n * s->state_row + u, left);
    const VECTOR dz = r->relu ? NAME(select)((MASK)(y <= 0), (VECTOR){0}, dh) : dh * (1 - y * y);
    NAME(store_most)((REAL *)s->dz + n * s->dz_row + u, dz, left);
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

static const struct cell NAME(rnn) = {.gates = 1, .forward = NAME(forward), .backward = NAME(backward)};
