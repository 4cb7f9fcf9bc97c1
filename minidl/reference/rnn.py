"""h_t = f(x_t W_ihᵀ + b_ih + h_{t-1} W_hhᵀ + b_hh): a recurrent layer over all time steps, f tanh or relu.

Twin: kernels/rnn.pyx, where shapes and sources are.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from ._activation import activate, f_formula, through_activation, through_formula


def rnn_forward_formula(
    x: ndarray,
    h0: ndarray,
    w_ih: ndarray,
    w_hh: ndarray,
    b_ih: ndarray,
    b_hh: ndarray,
    y: ndarray,
    nonlinearity: str,
) -> None:
    """y[t,n,o] = f(sum_i x[t,n,i] w_ih[o,i] + b_ih[o] + sum_k h[n,k] w_hh[o,k] + b_hh[o]), then h = y[t]"""
    h = h0
    for t in range(len(y)):
        for n, o in np.ndindex(y.shape[1:]):
            z = b_ih[o] + b_hh[o]
            z += sum(x[t, n, i] * w_ih[o, i] for i in range(x.shape[2]))
            z += sum(h[n, k] * w_hh[o, k] for k in range(h.shape[1]))
            y[t, n, o] = f_formula(z, nonlinearity)
        h = y[t]


def rnn_backward_formula(
    g: ndarray,
    x: ndarray,
    h0: ndarray,
    w_ih: ndarray,
    w_hh: ndarray,
    y: ndarray,
    dx: ndarray,
    dh0: ndarray,
    dw_ih: ndarray,
    dw_hh: ndarray,
    db: ndarray,
    nonlinearity: str,
) -> None:
    """From the last step to the first: dz = (g[t] + dh) f'(z), then dh = dz W_hh for the step before."""
    for gradient in (dx, dw_ih, dw_hh, db):
        gradient.fill(0)
    dh = np.zeros_like(h0)
    for t in reversed(range(len(y))):
        h = y[t - 1] if t > 0 else h0
        dh_before = np.zeros_like(h0)
        for n, o in np.ndindex(y.shape[1:]):
            dz = through_formula(g[t, n, o] + dh[n, o], y[t, n, o], nonlinearity)
            db[o] += dz
            for i in range(x.shape[2]):
                dx[t, n, i] += dz * w_ih[o, i]
                dw_ih[o, i] += dz * x[t, n, i]
            for k in range(h.shape[1]):
                dh_before[n, k] += dz * w_hh[o, k]
                dw_hh[o, k] += dz * h[n, k]
        dh = dh_before
    dh0[...] = dh


def rnn_forward(
    x: ndarray,
    h0: ndarray,
    w_ih: ndarray,
    w_hh: ndarray,
    b_ih: ndarray | None,
    b_hh: ndarray | None,
    y: ndarray,
    nonlinearity: str,
) -> None:
    """y[t] = f(x[t] W_ihᵀ + b_ih + h W_hhᵀ + b_hh), then h = y[t]"""
    np.matmul(x, w_ih.T, out=y)
    for b in (b_ih, b_hh):
        if b is not None:
            y += b
    h = h0
    for t in range(len(y)):
        y[t] += h @ w_hh.T
        activate(y[t], nonlinearity)
        h = y[t]


def rnn_backward(
    g: ndarray,
    x: ndarray,
    h0: ndarray,
    w_ih: ndarray,
    w_hh: ndarray,
    y: ndarray,
    dx: ndarray | None,
    dh0: ndarray | None,
    dw_ih: ndarray | None,
    dw_hh: ndarray | None,
    db: ndarray | None,
    nonlinearity: str,
) -> None:
    """From the last step to the first: dz[t] = (g[t] + dh) f'(z[t]), then dh = dz[t] W_hh; the rest is made of dz."""
    dz = np.empty_like(y)
    dh = np.zeros_like(h0)
    for t in reversed(range(len(y))):
        dz[t] = through_activation(g[t] + dh, y[t], nonlinearity)
        dh = dz[t] @ w_hh
    h_before = np.concatenate([h0[None], y])[: len(y)]
    if dx is not None:
        np.matmul(dz, w_ih, out=dx)
    if dh0 is not None:
        dh0[...] = dh
    if dw_ih is not None:
        dw_ih[...] = np.tensordot(dz, x, axes=((0, 1), (0, 1)))
    if dw_hh is not None:
        dw_hh[...] = np.tensordot(dz, h_before, axes=((0, 1), (0, 1)))
    if db is not None:
        dz.sum(axis=(0, 1), out=db)
