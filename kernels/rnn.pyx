"""h_t = f(x_t W_ihᵀ + b_ih + h_{t-1} W_hhᵀ + b_hh): a recurrent layer over all time steps, f tanh or relu.

Twin: minidl/reference/rnn.py

a) Rows lie one step after the other, and step t is the next batch_sizes[t] of them: equal sizes for sequences of one
   length, falling sizes for PyTorch's packed sequences. Either way no row is padding.
b) The inputs of all steps go through one product; only h W_hhᵀ waits for the step before it.
c) Backward keeps dz of every step. The steps again share nothing but dh = dz W_hh; the gradients of x, of the weights
   and of the bias are those of one linear layer over all rows.
d) The products and tanh are NumPy's, for the reasons that kernels/linear.pyx gives.
"""

import numpy as np

from activation cimport RELU, TANH, Activation, activation_named, through_activation
from real cimport real
from steps cimport states_before, steps_of

from minidl._kernels.linear import linear_backward


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
    cdef Activation f = activation_named(nonlinearity)
    np.dot(x, w_ih.T, y)
    bias = np.zeros(y.shape[1], y.dtype)
    for b in (b_ih, b_hh):
        if b is not None:
            bias += b
    recurrent = np.empty_like(h0)
    h_n[...] = h0
    for rows, n in steps_of(batch_sizes, reverse):
        np.dot(h_n[:n], w_hh.T, recurrent[:n])
        h = y[rows]
        _finish_step(h, recurrent, bias, f)
        if f == TANH:
            np.tanh(h, h)
        h_n[:n] = h


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
    cdef Activation f = activation_named(nonlinearity)
    steps = steps_of(batch_sizes, reverse)
    dz = np.empty_like(y)
    dh = g_h_n.copy()
    for rows, n in reversed(steps):
        _back_step(g_y[rows], dh, y[rows], dz[rows], f)
        np.dot(dz[rows], w_hh, dh[:n])
    if dh0 is not None:
        dh0[...] = dh
    linear_backward(dz, x, w_ih, dz, dx, dw_ih, db, "identity")
    if dw_hh is not None:
        linear_backward(dz, states_before(y, h0, steps), w_hh, dz, None, dw_hh, None, "identity")


def _finish_step(real[:, ::1] z, const real[:, ::1] recurrent, const real[::1] bias, Activation f):
    """z += recurrent + bias, and relu in the same pass."""
    cdef Py_ssize_t n, o
    with nogil:
        for n in range(z.shape[0]):
            for o in range(z.shape[1]):
                z[n, o] += recurrent[n, o] + bias[o]
                if f == RELU:
                    z[n, o] = 0 if z[n, o] < 0 else z[n, o]


def _back_step(const real[:, ::1] g, const real[:, ::1] dh, const real[:, ::1] y, real[:, ::1] dz, Activation f):
    """dz = (g + dh) f'(z)."""
    cdef Py_ssize_t n, o
    with nogil:
        for n in range(g.shape[0]):
            for o in range(g.shape[1]):
                dz[n, o] = through_activation(g[n, o] + dh[n, o], y[n, o], f)
