"""h_t = f(x_t W_ihᵀ + b_ih + h_{t-1} W_hhᵀ + b_hh): a recurrent layer over all time steps, f tanh or relu.

Twin: minidl/reference/rnn.py

a) The inputs of all steps go through one product; only h W_hhᵀ waits for the step before it.
b) Backward keeps dz of every step. The steps again share nothing but dh = dz W_hh; the gradients of x, of the weights
   and of the bias are one product or sum over all steps.
c) The products and tanh are NumPy's, for the reasons that kernels/linear.pyx gives.
"""

import numpy as np

from activation cimport RELU, TANH, Activation, activation_named, through_activation
from real cimport real


def rnn_forward(x, h0, w_ih, w_hh, b_ih, b_hh, y, nonlinearity):
    """y[t] = f(x[t] W_ihᵀ + b_ih + h W_hhᵀ + b_hh), then h = y[t]

    x           IN   (T, N, I)
    h0          IN   (N, H), the first h
    w_ih, w_hh  IN   (H, I), (H, H)
    b_ih, b_hh  IN   (H,) or None
    y           OUT  (T, N, H), the h of every step
    nonlinearity: "tanh" or "relu"

    tanh keeps every h in [-1, 1]; with relu the states may grow without bound.
    Source: Elman, Finding structure in time (1990).
    Twin: minidl/reference/rnn.py
    """
    cdef Activation f = activation_named(nonlinearity)
    steps, rows, width = y.shape
    np.dot(x.reshape(steps * rows, x.shape[2]), w_ih.T, y.reshape(steps * rows, width))
    bias = np.zeros(width, y.dtype)
    for b in (b_ih, b_hh):
        if b is not None:
            bias += b
    recurrent = np.empty_like(h0)
    h = h0
    for t in range(steps):
        np.dot(h, w_hh.T, recurrent)
        h = y[t]
        _finish_step(h, recurrent, bias, f)
        if f == TANH:
            np.tanh(h, h)


def rnn_backward(g, x, h0, w_ih, w_hh, y, dx, dh0, dw_ih, dw_hh, db, nonlinearity):
    """From the last step to the first: dz[t] = (g[t] + dh) f'(z[t]), then dh = dz[t] W_hh

    dx[t] = dz[t] W_ih,  dw_ih = sum_t dz[t]ᵀ x[t],  dw_hh = sum_t dz[t]ᵀ h_{t-1},  db = sum_{t,n} dz[t,n]

    g             IN   (T, N, H), the cotangent of y at every step
    x, h0         IN   (T, N, I), (N, H)
    w_ih, w_hh    IN   (H, I), (H, H)
    y             IN   (T, N, H), what rnn_forward gave
    dx, dh0       OUT  (T, N, I), (N, H), or None
    dw_ih, dw_hh  OUT  (H, I), (H, H), or None
    db            OUT  (H,) or None; the gradient of b_ih and of b_hh

    f' is written in y: tanh: 1 - y^2; relu: 1 where y > 0.
    Source: Werbos, Backpropagation through time: what it does and how to do it (1990).
    Twin: minidl/reference/rnn.py
    """
    cdef Activation f = activation_named(nonlinearity)
    steps, rows, width = y.shape
    dz = np.empty_like(g)
    dh = np.zeros_like(h0)
    for t in reversed(range(steps)):
        _back_step(g[t], dh, y[t], dz[t], f)
        np.dot(dz[t], w_hh, dh)
    if dh0 is not None:
        dh0[...] = dh
    dz = dz.reshape(steps * rows, width)
    x = x.reshape(steps * rows, x.shape[2])
    if dx is not None:
        np.dot(dz, w_ih, dx.reshape(x.shape))
    if dw_ih is not None:
        np.dot(dz.T, x, dw_ih)
    if dw_hh is not None:
        h_before = np.concatenate([h0[None], y])[:steps]
        np.dot(dz.T, h_before.reshape(steps * rows, width), dw_hh)
    if db is not None:
        np.add.reduce(dz, 0, None, db)


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
