"""h_t = f(x_t W_ihᵀ + b_ih + h_{t-1} W_hhᵀ + b_hh): a recurrent layer over all time steps, f tanh or relu.

Twin: kernels/rnn.pyx, where shapes and sources are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from ._activation import activate, f_formula, through_activation, through_formula
from ._steps import states_before, steps_of
from .linear import linear_backward


def rnn_forward_formula(
    x: ndarray, h0: ndarray, w_ih: ndarray, w_hh: ndarray, b_ih: ndarray, b_hh: ndarray, y: ndarray, h_n: ndarray,
    batch_sizes: Sequence[int], reverse: bool, nonlinearity: str,
) -> None:  # fmt: skip
    """y[t,n,o] = f(sum_i x[t,n,i] w_ih[o,i] + b_ih[o] + sum_k h[n,k] w_hh[o,k] + b_hh[o]), then h[n] = y[t,n]"""
    h_n[...] = h0
    for rows, count in steps_of(batch_sizes, reverse):
        for n, o in np.ndindex(count, y.shape[1]):
            z = b_ih[o] + b_hh[o]
            z += sum(x[rows][n, i] * w_ih[o, i] for i in range(x.shape[1]))
            z += sum(h_n[n, k] * w_hh[o, k] for k in range(h0.shape[1]))
            y[rows][n, o] = f_formula(z, nonlinearity)
        h_n[:count] = y[rows]


def rnn_backward_formula(
    g_y: ndarray, g_h_n: ndarray, x: ndarray, h0: ndarray, w_ih: ndarray, w_hh: ndarray, y: ndarray,
    dx: ndarray, dh0: ndarray, dw_ih: ndarray, dw_hh: ndarray, db: ndarray,
    batch_sizes: Sequence[int], reverse: bool, nonlinearity: str,
) -> None:  # fmt: skip
    """From the last step computed to the first: dz = (g_y[t] + dh) f'(z), then dh = dz W_hh for the step before."""
    for gradient in (dx, dw_ih, dw_hh, db):
        gradient.fill(0)
    dh0[...] = g_h_n
    steps = steps_of(batch_sizes, reverse)
    before = states_before(y, h0, steps)
    for rows, count in reversed(steps):
        dh = dh0[:count].copy()
        dh0[:count] = 0
        for n, o in np.ndindex(count, y.shape[1]):
            dz = through_formula(g_y[rows][n, o] + dh[n, o], y[rows][n, o], nonlinearity)
            db[o] += dz
            for i in range(x.shape[1]):
                dx[rows][n, i] += dz * w_ih[o, i]
                dw_ih[o, i] += dz * x[rows][n, i]
            for k in range(h0.shape[1]):
                dh0[n, k] += dz * w_hh[o, k]
                dw_hh[o, k] += dz * before[rows][n, k]


def rnn_forward(
    x: ndarray, h0: ndarray, w_ih: ndarray, w_hh: ndarray, b_ih: ndarray | None, b_hh: ndarray | None,
    y: ndarray, h_n: ndarray, batch_sizes: Sequence[int], reverse: bool, nonlinearity: str,
) -> None:  # fmt: skip
    """y[t] = f(x[t] W_ihᵀ + b_ih + h W_hhᵀ + b_hh), then h = y[t]"""
    np.matmul(x, w_ih.T, out=y)
    for b in (b_ih, b_hh):
        if b is not None:
            y += b
    h_n[...] = h0
    for rows, n in steps_of(batch_sizes, reverse):
        y[rows] += h_n[:n] @ w_hh.T
        activate(y[rows], nonlinearity)
        h_n[:n] = y[rows]


def rnn_backward(
    g_y: ndarray, g_h_n: ndarray, x: ndarray, h0: ndarray, w_ih: ndarray, w_hh: ndarray, y: ndarray,
    dx: ndarray | None, dh0: ndarray | None, dw_ih: ndarray | None, dw_hh: ndarray | None, db: ndarray | None,
    batch_sizes: Sequence[int], reverse: bool, nonlinearity: str,
) -> None:  # fmt: skip
    """From the last step computed to the first: dz[t] = (g_y[t] + dh) f'(z[t]), then dh = dz[t] W_hh."""
    steps = steps_of(batch_sizes, reverse)
    dz, dh = np.empty_like(y), g_h_n.copy()
    for rows, n in reversed(steps):
        dz[rows] = through_activation(g_y[rows] + dh[:n], y[rows], nonlinearity)
        dh[:n] = dz[rows] @ w_hh
    if dh0 is not None:
        dh0[...] = dh
    linear_backward(dz, x, w_ih, dz, dx, dw_ih, db, "identity")
    if dw_hh is not None:
        linear_backward(dz, states_before(y, h0, steps), w_hh, dz, None, dw_hh, None, "identity")
