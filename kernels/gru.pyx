"""n = tanh(x_n + r h_n), h_t = (1 - z) n + z h_{t-1}: gated recurrent units over all time steps.

C files: kernels/gru/ for the cell, kernels/core/recurrence.c for the steps.
Twin: minidl/reference/gru.py

a) Steps and rows as in kernels/rnn.pyx.
b) The candidate n weighs the recurrent part alone with r, so the two parts of its sum stay apart: a and b below.
c) Forward leaves the gates and b_n behind, 4 numbers a unit and step.
d) Backward keeps da_n, d_r, d_z and db_n side by side: the first three are the gradient of a, the last three that of b.
e) σ(z) is read off e^-|z|, so nothing overflows.

Time against the reference | against PyTorch 2.13, measured as in kernels/rnn.pyx:

    forward  .25 | .52    backward  .40    both, with all gradients  | .41
"""

from libc.string cimport memset

from recurrence cimport Call, Cell, begin, end, run, take, take_any

from minidl._kernels.core cimport Core, core

cdef extern from "gru/gru.h":
    const Cell *gru_cell(const Core *core, bint is_double)


def gru_forward(x, h0, w_ih, w_hh, b_ih, b_hh, y, h_n, gates, recurrent, batch_sizes, reverse):
    """a = x[t] W_ihᵀ + b_ih, b = h W_hhᵀ + b_hh, each cut into three;

    r = σ(a_r + b_r),  z = σ(a_z + b_z),  n = tanh(a_n + r b_n),  h = (1 - z) n + z h

    x            IN   (R, I), R the sum of batch_sizes
    h0           IN   (N, H), the first h
    w_ih, w_hh   IN   (3H, I), (3H, H): the rows of r, z and n one below the other
    b_ih, b_hh   IN   (3H,) or None
    y            OUT  (R, H), the h of every step
    h_n          OUT  (N, H), the last h of each sequence
    gates        OUT  (R, 3H), r, z and n of every step, for backward
    recurrent    OUT  (R, H), b_n of every step, for backward
    batch_sizes: the number of rows of each step, falling, at most N; they belong to the first so many sequences
    reverse: from the last step to the first

    h is between n and the h before, so it stays in [-1, 1] if it starts there.
    Source: Cho et al., Learning phrase representations using RNN encoder-decoder (2014), in cuDNN's and PyTorch's form.
    Twin: minidl/reference/gru.py
    """
    cdef Call call
    cdef ptrdiff_t R, N, H, G
    memset(&call, 0, sizeof(call))
    try:
        begin(&call, gru_cell(core(), x.itemsize == 8), x, h0, w_ih, w_hh, batch_sizes, reverse)
        R, N, H, G = call.rows, call.r.sequences, call.r.units, call.r.cell.gates * call.r.units
        call.r.b_ih = take_any(&call, b_ih, G, -1, False)
        call.r.b_hh = take_any(&call, b_hh, G, -1, False)
        call.r.y = take(&call, y, R, H, True)
        call.r.h_n = take(&call, h_n, N, H, True)
        call.r.gates = take(&call, gates, R, G, True)
        call.r.kept = take(&call, recurrent, R, H, True)
        run(&call, True)
    finally:
        end(&call)


def gru_backward(
    g_y, g_h_n, x, h0, w_ih, w_hh, y, gates, recurrent, dx, dh0, dw_ih, dw_hh, db_ih, db_hh, batch_sizes, reverse
):
    """From the last step computed to the first, with dh += g_y[t]:

    da_n = dh (1 - z) (1 - n^2),  da_z = dh (h_before - n) z (1 - z),  da_r = da_n b_n r (1 - r),
    db = da but db_n = da_n r;  then dh = dh z + db W_hh for the step before

    dx[t] = da[t] W_ih,  dw_ih = sum_t da[t]ᵀ x[t],  dw_hh = sum_t db[t]ᵀ h_before,
    db_ih = sum_{t,n} da[t,n],  db_hh = sum_{t,n} db[t,n]

    g_y, g_h_n           IN   (R, H), (N, H), the cotangents of y and h_n
    x, h0                IN   (R, I), (N, H)
    w_ih, w_hh           IN   (3H, I), (3H, H)
    y, gates, recurrent  IN   (R, H), (R, 3H), (R, H), what gru_forward gave
    dx, dh0              OUT  (R, I), (N, H), or None
    dw_ih, dw_hh         OUT  (3H, I), (3H, H), or None
    db_ih, db_hh         OUT  (3H,) or None

    Source: the chain rule on gru_forward.
    Twin: minidl/reference/gru.py
    """
    cdef Call call
    cdef ptrdiff_t R, N, H, G
    memset(&call, 0, sizeof(call))
    try:
        begin(&call, gru_cell(core(), x.itemsize == 8), x, h0, w_ih, w_hh, batch_sizes, reverse)
        R, N, H, G = call.rows, call.r.sequences, call.r.units, call.r.cell.gates * call.r.units
        call.r.g_y = take(&call, g_y, R, H, False)
        call.r.g_h_n = take(&call, g_h_n, N, H, False)
        call.r.y = take(&call, y, R, H, False)
        call.r.gates = take(&call, gates, R, G, False)
        call.r.kept = take(&call, recurrent, R, H, False)
        call.r.dx = take_any(&call, dx, R, call.r.inputs, True)
        call.r.dh0 = take_any(&call, dh0, N, H, True)
        call.r.dw_ih = take_any(&call, dw_ih, G, call.r.inputs, True)
        call.r.dw_hh = take_any(&call, dw_hh, G, H, True)
        call.r.db_ih = take_any(&call, db_ih, G, -1, True)
        call.r.db_hh = take_any(&call, db_hh, G, -1, True)
        run(&call, False)
    finally:
        end(&call)
