"""c_t = f c_{t-1} + i g, h_t = o tanh(c_t): long short-term memory over all time steps.

Twin: minidl/reference/lstm.py

a) Steps, rows and products as in kernels/rnn.pyx.
b) Forward leaves the gates and the cell states behind, 5 numbers a unit and step; backward computes tanh(c) anew, for
   all steps in one call, and nothing else.
c) σ(z) is read off e^-|z|, so nothing overflows. The exponentials of a step are one call of NumPy, as its tanh is.
"""

import numpy as np

from activation cimport sigmoid_from
from real cimport real
from steps cimport states_before, steps_of

from minidl._kernels.linear import linear_backward


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
    width = y.shape[1]
    np.dot(x, w_ih.T, gates)
    bias = np.zeros(4 * width, y.dtype)
    for b in (b_ih, b_hh):
        if b is not None:
            bias += b
    recurrent, e = np.empty((2, len(h0), 4 * width), y.dtype)
    h_n[...] = h0
    c_n[...] = c0
    for rows, n in steps_of(batch_sizes, reverse):
        z, h = gates[rows], y[rows]
        np.dot(h_n[:n], w_hh.T, recurrent[:n])
        _add(z, recurrent, bias, e)
        np.exp(e[:n], e[:n])
        candidate = z[:, 2 * width:3 * width]
        np.tanh(candidate, candidate)
        _next_cell(z, e, c_n, cells[rows])
        np.tanh(cells[rows], h)
        h *= z[:, 3 * width:]
        h_n[:n] = h


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
    steps = steps_of(batch_sizes, reverse)
    tanh_c, c_before = np.tanh(cells), states_before(cells, c0, steps)
    dz, dh, dc = np.empty_like(gates), g_h_n.copy(), g_c_n.copy()
    for rows, n in reversed(steps):
        _back_step(g_y[rows], dh, dc, gates[rows], tanh_c[rows], c_before[rows], dz[rows])
        np.dot(dz[rows], w_hh, dh[:n])
    if dh0 is not None:
        dh0[...] = dh
    if dc0 is not None:
        dc0[...] = dc
    linear_backward(dz, x, w_ih, dz, dx, dw_ih, db, "identity")
    if dw_hh is not None:
        linear_backward(dz, states_before(y, h0, steps), w_hh, dz, None, dw_hh, None, "identity")


def _add(real[:, ::1] z, const real[:, ::1] recurrent, const real[::1] bias, real[:, ::1] e):
    """z += recurrent + bias;  e = -|z|."""
    cdef Py_ssize_t n, o
    with nogil:
        for n in range(z.shape[0]):
            for o in range(z.shape[1]):
                z[n, o] += recurrent[n, o] + bias[o]
                e[n, o] = z[n, o] if z[n, o] < 0 else -z[n, o]


def _next_cell(real[:, ::1] z, const real[:, ::1] e, real[:, ::1] c, real[:, ::1] cells):
    """Finish the gates i, f and o in z;  c = f c + i g."""
    cdef Py_ssize_t n, k, width = c.shape[1]
    with nogil:
        for n in range(z.shape[0]):
            for k in range(width):
                z[n, k] = sigmoid_from(z[n, k], e[n, k])
                z[n, width + k] = sigmoid_from(z[n, width + k], e[n, width + k])
                z[n, 3 * width + k] = sigmoid_from(z[n, 3 * width + k], e[n, 3 * width + k])
                c[n, k] = z[n, width + k] * c[n, k] + z[n, k] * z[n, 2 * width + k]
                cells[n, k] = c[n, k]


def _back_step(
    const real[:, ::1] g, const real[:, ::1] dh, real[:, ::1] dc, const real[:, ::1] gates,
    const real[:, ::1] tanh_c, const real[:, ::1] c_before, real[:, ::1] dz,
):
    """dz of the four gates, and dc for the step before."""
    cdef Py_ssize_t n, k, width = g.shape[1]
    cdef real i, f, cell, o, dh_t, dc_t
    with nogil:
        for n in range(g.shape[0]):
            for k in range(width):
                i, f = gates[n, k], gates[n, width + k]
                cell, o = gates[n, 2 * width + k], gates[n, 3 * width + k]
                dh_t = g[n, k] + dh[n, k]
                dc_t = dc[n, k] + dh_t * o * (1 - tanh_c[n, k] * tanh_c[n, k])
                dz[n, k] = dc_t * cell * (i * (1 - i))
                dz[n, width + k] = dc_t * c_before[n, k] * (f * (1 - f))
                dz[n, 2 * width + k] = dc_t * i * (1 - cell * cell)
                dz[n, 3 * width + k] = dh_t * tanh_c[n, k] * (o * (1 - o))
                dc[n, k] = dc_t * f
