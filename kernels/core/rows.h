/* Rows of numbers whose end fills no vector. For units: see units.h. */

/* A row of n numbers whose end fills no vector is finished with its last LANES numbers, some of them for the second time, or
 * with all where there are fewer. ends() marks those that no whole vector has held. */
INLINE VECTOR NAME(load_end)(const REAL *row, ptrdiff_t n)
{
    return n >= LANES ? NAME(load)(row + n - LANES) : NAME(load_part)(row, n);
}

INLINE void NAME(store_end)(REAL *row, VECTOR value, ptrdiff_t n)
{
    if (n >= LANES)
        NAME(store)(row + n - LANES, value);
    else
        NAME(store_part)(row, value, n);
}

INLINE MASK NAME(ends)(ptrdiff_t n)
{
    MASK lane;
    UNROLL
    for (int i = 0; i < LANES; i++)
        lane[i] = i;
    if (n >= LANES)
        return (MASK)(lane >= (INTEGER)(LANES - n % LANES));
    return (MASK)(lane < (INTEGER)n);
}
