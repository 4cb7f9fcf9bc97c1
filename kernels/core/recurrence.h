/* Recurrence over time: what rnn.c, lstm.c and gru.c ask of recurrence.c, and what each of their cells offers.
 * All arrays are contiguous, in one element type; N sequences, R rows of all steps, I inputs, H units, G gates. */
#ifndef MINIDL_RECURRENCE_H
#define MINIDL_RECURRENCE_H

#include <stdbool.h>
#include <stddef.h>

struct recurrence {
    const struct cell *cell;
    ptrdiff_t steps, sequences, inputs, units;
    const ptrdiff_t *sizes;           /* the rows of each step, of the first so many sequences: falling, at most N */
    bool reverse;                     /* from the last step to the first */
    bool is_double, relu;             /* relu: for rnn */
    const void *x, *h0, *c0;          /* (R, I), (N, H), (N, H) */
    const void *w_ih, *w_hh;          /* (G H, I), (G H, H) */
    const void *b_ih, *b_hh;          /* (G H), or NULL */
    void *y, *h_n, *c_n;              /* (R, H), (N, H), (N, H) */
    void *gates, *kept;               /* (R, G H), (R, H): what the cell leaves for backward */
    const void *g_y, *g_h_n, *g_c_n;  /* cotangents, shaped as y, h_n, c_n */
    void *dx, *dh0, *dc0;             /* each gradient is NULL if it is not wanted */
    void *dw_ih, *dw_hh, *db_ih, *db_hh;
};

/* Some rows of a step, side by side in sequences. */
struct forward_step {
    ptrdiff_t rows, row, sequence;    /* how many; the first of them among all rows, and among the sequences */
    const void *z;                    /* for each row the cell's sums, one after the other */
    ptrdiff_t z_row, z_sum;           /* from row to row and from sum to sum, in elements */
};

struct backward_step {
    ptrdiff_t rows, row;
    const void *h_before, *c_before;  /* the states that the step started from, (rows, H) */
    void *dh, *dc;                    /* the gradients of h and c after the step; become those before it, dh but for what
                                         goes through the gates */
    void *dz;                         /* the gradients of the sums */
    ptrdiff_t state_row, dz_row;      /* from row to row of dh and dc, and of dz */
};

/* A cell has a sum x W_ih' + b_ih + h W_hh' + b_hh for each gate. If `apart`, the two parts of its last gate stay apart:
 * there is one sum more, the last, which is h W_hh' + b_hh of that gate; and in dz the gradient of its part of x stands
 * first, then the other gates, then the gradient of its part of h.
 *
 * forward   fills y, gates, kept and c_n from the sums; h_n holds the states before the step.
 * backward  fills dz from g_y + dh, from dc and from what forward left. If h also goes `past_gates` from step to step, it
 *           leaves that share in dh, and what goes through the gates is added; otherwise dh is overwritten. */
struct cell {
    int gates;
    bool apart, past_gates;
    void (*forward)(const struct recurrence *r, const struct forward_step *s);
    void (*backward)(const struct recurrence *r, const struct backward_step *s);
};

/* Fill the outputs. The answer is false if there is no memory. */
bool forward_in_time(const struct recurrence *r);
bool backward_in_time(const struct recurrence *r);

#endif
