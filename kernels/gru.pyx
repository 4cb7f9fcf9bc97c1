"""n = tanh(x_n + r h_n), h_t = (1 - z) n + z h_{t-1}: gated recurrent units over all time steps.

Twin: minidl/reference/gru.py

a) Steps, rows and products as in kernels/rnn.pyx.
b) The candidate n weighs the recurrent part alone with r, so x[t] W_ihᵀ and h W_hhᵀ stay apart: a and b below.
c) Forward leaves the gates and b_n behind, 4 numbers a unit and step.
d) σ(z) is read off e^-|z|, so nothing overflows. The exponentials of a step are one call of NumPy, as its tanh is.
"""

import numpy as np

from activation cimport sigmoid_from
from real cimport real
from steps cimport states_before, steps_of

from minidl._kernels.linear import linear_backward


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
    width = y.shape[1]
    np.dot(x, w_ih.T, gates)
    if b_ih is not None:
        gates += b_ih
    bias = np.zeros(3 * width, y.dtype) if b_hh is None else b_hh
    b, e = np.empty((len(h0), 3 * width), y.dtype), np.empty((len(h0), 2 * width), y.dtype)
    h_n[...] = h0
    for rows, count in steps_of(batch_sizes, reverse):
        a = gates[rows]
        np.dot(h_n[:count], w_hh.T, b[:count])
        _add(a, b, bias, e, recurrent[rows])
        np.exp(e[:count], e[:count])
        _candidate(a, e, recurrent[rows])
        n = a[:, 2 * width:]
        np.tanh(n, n)
        _next_state(a, h_n, y[rows])


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
    steps = steps_of(batch_sizes, reverse)
    before = states_before(y, h0, steps)
    da, db = np.empty((2, *gates.shape), gates.dtype)
    dh, through_gates = g_h_n.copy(), np.empty_like(g_h_n)
    for rows, count in reversed(steps):
        _back_step(g_y[rows], dh, gates[rows], recurrent[rows], before[rows], da[rows], db[rows])
        np.dot(db[rows], w_hh, through_gates[:count])
        dh[:count] += through_gates[:count]
    if dh0 is not None:
        dh0[...] = dh
    linear_backward(da, x, w_ih, da, dx, dw_ih, db_ih, "identity")
    linear_backward(db, before, w_hh, db, None, dw_hh, db_hh, "identity")


def _add(real[:, ::1] a, const real[:, ::1] b, const real[::1] bias, real[:, ::1] e, real[:, ::1] recurrent):
    """a += b + bias for r and z, e = -|a|;  recurrent = b + bias of n, which waits for r."""
    cdef Py_ssize_t n, o, width = recurrent.shape[1]
    with nogil:
        for n in range(a.shape[0]):
            for o in range(2 * width):
                a[n, o] += b[n, o] + bias[o]
                e[n, o] = a[n, o] if a[n, o] < 0 else -a[n, o]
            for o in range(width):
                recurrent[n, o] = b[n, 2 * width + o] + bias[2 * width + o]


def _candidate(real[:, ::1] a, const real[:, ::1] e, const real[:, ::1] recurrent):
    """Finish the gates r and z in a;  a_n += r b_n."""
    cdef Py_ssize_t n, k, width = recurrent.shape[1]
    with nogil:
        for n in range(a.shape[0]):
            for k in range(width):
                a[n, k] = sigmoid_from(a[n, k], e[n, k])
                a[n, width + k] = sigmoid_from(a[n, width + k], e[n, width + k])
                a[n, 2 * width + k] += a[n, k] * recurrent[n, k]


def _next_state(const real[:, ::1] gates, real[:, ::1] h, real[:, ::1] y):
    """h = (1 - z) n + z h;  y = h."""
    cdef Py_ssize_t n, k, width = h.shape[1]
    cdef real z
    with nogil:
        for n in range(y.shape[0]):
            for k in range(width):
                z = gates[n, width + k]
                h[n, k] = (1 - z) * gates[n, 2 * width + k] + z * h[n, k]
                y[n, k] = h[n, k]


def _back_step(
    const real[:, ::1] g, real[:, ::1] dh, const real[:, ::1] gates, const real[:, ::1] recurrent,
    const real[:, ::1] before, real[:, ::1] da, real[:, ::1] db,
):
    """da and db of the three gates, and what of dh goes straight to the step before."""
    cdef Py_ssize_t i, k, width = g.shape[1]
    cdef real r, z, n, dh_t, d_new, d_z, d_r
    with nogil:
        for i in range(g.shape[0]):
            for k in range(width):
                r, z, n = gates[i, k], gates[i, width + k], gates[i, 2 * width + k]
                dh_t = g[i, k] + dh[i, k]
                d_new = dh_t * (1 - z) * (1 - n * n)
                d_z = dh_t * (before[i, k] - n) * (z * (1 - z))
                d_r = d_new * recurrent[i, k] * (r * (1 - r))
                da[i, k], da[i, width + k], da[i, 2 * width + k] = d_r, d_z, d_new
                db[i, k], db[i, width + k], db[i, 2 * width + k] = d_r, d_z, d_new * r
                dh[i, k] = dh_t * z
