"""h_t = f(x_t W_ihᵀ + b_ih + h_{t-1} W_hhᵀ + b_hh): a recurrent layer over all time steps, f tanh or relu.

C files: kernels/rnn/ for the cell, kernels/core/recurrence.c for the steps.
Twin: minidl/reference/rnn.py

a) Rows lie one step after the other, and step t is the next batch_sizes[t] of them: equal sizes for sequences of one
   length, falling sizes for PyTorch's packed sequences. Either way no row is padding.
b) All steps are one call of C. kernels/README.md, "Recurrence", says how a step is computed and what each idea gains.
c) Backward gives every step its dz. The steps share nothing but dh = dz W_hh; the gradients of x, of the weights and of
   the bias are those of a linear layer over all rows.

Time against the reference | against PyTorch 2.13 (64 inputs, 128 units, 50 steps of 32 sequences, float32, AVX-512 on a
Zen 4, one thread, CPU time, interleaved medians):

    forward  .55 | .5    backward  .59    both, with all gradients  | .42
"""

from libc.string cimport memset

from activation cimport RELU, activation_named
from recurrence cimport Call, Cell, begin, end, run, take, take_any

from minidl._kernels.core cimport Core, core

cdef extern from "rnn/rnn.h":
    const Cell *rnn_cell(const Core *core, bint is_double)


def rnn_forward(x, h0, w_ih, w_hh, b_ih, b_hh, y, h_n, batch_sizes, reverse, nonlinearity):
    """y[t] = f(x[t] W_ihᵀ + b_ih + h W_hhᵀ + b_hh), then h = y[t]; x[t], y[t] are the rows of step t

    x            IN   (R, I), R the sum of batch_sizes
    h0           IN   (N, H), the first h
    w_ih, w_hh   IN   (H, I), (H, H)
    b_ih, b_hh   IN   (H,) or None
    y            OUT  (R, H), the h of every step
    h_n          OUT  (N, H), the last h of each sequence
    batch_sizes: the number of rows of each step, falling, at most N; they belong to the first so many sequences
    reverse: from the last step to the first
    nonlinearity: "tanh" or "relu"

    tanh keeps every h in [-1, 1]; with relu the states may grow without bound.
    Source: Elman, Finding structure in time (1990).
    Twin: minidl/reference/rnn.py
    """
    cdef Call call
    cdef ptrdiff_t R, N, H, G
    memset(&call, 0, sizeof(call))
    try:
        begin(&call, rnn_cell(core(), x.itemsize == 8), x, h0, w_ih, w_hh, batch_sizes, reverse)
        R, N, H, G = call.rows, call.r.sequences, call.r.units, call.r.cell.gates * call.r.units
        call.r.b_ih = take_any(&call, b_ih, G, -1, False)
        call.r.b_hh = take_any(&call, b_hh, G, -1, False)
        call.r.y = take(&call, y, R, H, True)
        call.r.h_n = take(&call, h_n, N, H, True)
        call.r.relu = activation_named(nonlinearity) == RELU
        run(&call, True)
    finally:
        end(&call)


def rnn_backward(
    g_y, g_h_n, x, h0, w_ih, w_hh, y, dx, dh0, dw_ih, dw_hh, db, batch_sizes, reverse, nonlinearity
):
    """From the last step computed to the first: dz[t] = (g_y[t] + dh) f'(z[t]), then dh = dz[t] W_hh

    dx[t] = dz[t] W_ih,  dw_ih = sum_t dz[t]ᵀ x[t],  dw_hh = sum_t dz[t]ᵀ h_before,  db = sum_{t,n} dz[t,n]

    g_y, g_h_n    IN   (R, H), (N, H), the cotangents of y and h_n
    x, h0         IN   (R, I), (N, H)
    w_ih, w_hh    IN   (H, I), (H, H)
    y             IN   (R, H), what rnn_forward gave
    dx, dh0       OUT  (R, I), (N, H), or None
    dw_ih, dw_hh  OUT  (H, I), (H, H), or None
    db            OUT  (H,) or None; the gradient of b_ih and of b_hh

    f' is written in y: tanh: 1 - y^2; relu: 1 where y > 0.
    Source: Werbos, Backpropagation through time: what it does and how to do it (1990).
    Twin: minidl/reference/rnn.py
    """
    cdef Call call
    cdef ptrdiff_t R, N, H, G
    memset(&call, 0, sizeof(call))
    try:
        begin(&call, rnn_cell(core(), x.itemsize == 8), x, h0, w_ih, w_hh, batch_sizes, reverse)
        R, N, H, G = call.rows, call.r.sequences, call.r.units, call.r.cell.gates * call.r.units
        call.r.g_y = take(&call, g_y, R, H, False)
        call.r.g_h_n = take(&call, g_h_n, N, H, False)
        call.r.y = take(&call, y, R, H, False)
        call.r.dx = take_any(&call, dx, R, call.r.inputs, True)
        call.r.dh0 = take_any(&call, dh0, N, H, True)
        call.r.dw_ih = take_any(&call, dw_ih, G, call.r.inputs, True)
        call.r.dw_hh = take_any(&call, dw_hh, G, H, True)
        call.r.db_ih = take_any(&call, db, G, -1, True)
        call.r.relu = activation_named(nonlinearity) == RELU
        run(&call, False)
    finally:
        end(&call)
