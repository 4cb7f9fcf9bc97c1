"""c_t = f c_{t-1} + i g, h_t = o tanh(c_t): long short-term memory over all time steps.

C files: kernels/lstm/ for the cell, kernels/core/recurrence.c for the steps.
Twin: minidl/reference/lstm.py

a) Steps and rows as in kernels/rnn.pyx.
b) Forward leaves the gates and the cell states behind, 5 numbers a unit and step; backward computes tanh(c) anew.
c) σ(z) is read off e^-|z|, so nothing overflows.

Time against the reference | against PyTorch 2.13, measured as in kernels/rnn.pyx:

    forward  .35 | 1.0    backward  .48    both, with all gradients  | .84
"""

from libc.string cimport memset

from recurrence cimport Call, Cell, begin, end, run, take, take_any

from minidl._kernels.core cimport Core, core

cdef extern from "lstm/lstm.h":
    const Cell *lstm_cell(const Core *core, bint is_double)


def lstm_forward(x, h0, c0, w_ih, w_hh, b_ih, b_hh, y, h_n, c_n, gates, cells, batch_sizes, reverse):
    """z = x[t] W_ihᵀ + b_ih + h W_hhᵀ + b_hh, cut into i, f, g, o;  c = σ(f) c + σ(i) tanh(g),  h = σ(o) tanh(c)

    x            IN   (R, I), R the sum of batch_sizes
    h0, c0       IN   (N, H), the first h and c
    w_ih, w_hh   IN   (4H, I), (4H, H): the rows of i, f, g and o one below the other
    b_ih, b_hh   IN   (4H,) or None
    y            OUT  (R, H), the h of every step
    h_n, c_n     OUT  (N, H), the last h and c of each sequence
    gates        OUT  (R, 4H), σ(i), σ(f), tanh(g), σ(o) of every step, for backward
    cells        OUT  (R, H), the c of every step, for backward
    batch_sizes: the number of rows of each step, falling, at most N; they belong to the first so many sequences
    reverse: from the last step to the first

    |h| < 1, and |c| grows by less than 1 a step.
    Source: Hochreiter & Schmidhuber, Long short-term memory (1997), with the forget gate of Gers et al. (2000).
    Twin: minidl/reference/lstm.py
    """
    cdef Call call
    cdef ptrdiff_t R, N, H, G
    memset(&call, 0, sizeof(call))
    try:
        begin(&call, lstm_cell(core(), x.itemsize == 8), x, h0, w_ih, w_hh, batch_sizes, reverse)
        R, N, H, G = call.rows, call.r.sequences, call.r.units, call.r.cell.gates * call.r.units
        call.r.c0 = take(&call, c0, N, H, False)
        call.r.b_ih = take_any(&call, b_ih, G, -1, False)
        call.r.b_hh = take_any(&call, b_hh, G, -1, False)
        call.r.y = take(&call, y, R, H, True)
        call.r.h_n = take(&call, h_n, N, H, True)
        call.r.c_n = take(&call, c_n, N, H, True)
        call.r.gates = take(&call, gates, R, G, True)
        call.r.kept = take(&call, cells, R, H, True)
        run(&call, True)
    finally:
        end(&call)


def lstm_backward(
    g_y, g_h_n, g_c_n, x, h0, c0, w_ih, w_hh, y, gates, cells, dx, dh0, dc0, dw_ih, dw_hh, db, batch_sizes, reverse
):
    """From the last step computed to the first, with dh += g_y[t]:

    dc += dh o (1 - tanh(c)^2),  dz_i = dc g i (1 - i),  dz_f = dc c_before f (1 - f),  dz_g = dc i (1 - g^2),
    dz_o = dh tanh(c) o (1 - o);  then dc = dc f and dh = dz W_hh for the step before

    dx[t] = dz[t] W_ih,  dw_ih = sum_t dz[t]ᵀ x[t],  dw_hh = sum_t dz[t]ᵀ h_before,  db = sum_{t,n} dz[t,n]

    g_y, g_h_n, g_c_n  IN   (R, H), (N, H), (N, H), the cotangents of y, h_n and c_n
    x, h0, c0          IN   (R, I), (N, H), (N, H)
    w_ih, w_hh         IN   (4H, I), (4H, H)
    y, gates, cells    IN   (R, H), (R, 4H), (R, H), what lstm_forward gave
    dx, dh0, dc0       OUT  (R, I), (N, H), (N, H), or None
    dw_ih, dw_hh       OUT  (4H, I), (4H, H), or None
    db                 OUT  (4H,) or None; the gradient of b_ih and of b_hh

    Source: Gers, Schraudolph & Schmidhuber, Learning precise timing with LSTM recurrent networks (2002), in full BPTT.
    Twin: minidl/reference/lstm.py
    """
    cdef Call call
    cdef ptrdiff_t R, N, H, G
    memset(&call, 0, sizeof(call))
    try:
        begin(&call, lstm_cell(core(), x.itemsize == 8), x, h0, w_ih, w_hh, batch_sizes, reverse)
        R, N, H, G = call.rows, call.r.sequences, call.r.units, call.r.cell.gates * call.r.units
        call.r.c0 = take(&call, c0, N, H, False)
        call.r.g_y = take(&call, g_y, R, H, False)
        call.r.g_h_n = take(&call, g_h_n, N, H, False)
        call.r.g_c_n = take(&call, g_c_n, N, H, False)
        call.r.y = take(&call, y, R, H, False)
        call.r.gates = take(&call, gates, R, G, False)
        call.r.kept = take(&call, cells, R, H, False)
        call.r.dx = take_any(&call, dx, R, call.r.inputs, True)
        call.r.dh0 = take_any(&call, dh0, N, H, True)
        call.r.dc0 = take_any(&call, dc0, N, H, True)
        call.r.dw_ih = take_any(&call, dw_ih, G, call.r.inputs, True)
        call.r.dw_hh = take_any(&call, dw_hh, G, H, True)
        call.r.db_ih = take_any(&call, db, G, -1, True)
        run(&call, False)
    finally:
        end(&call)
