"""n = tanh(x_n + r h_n), h_t = (1 - z) n + z h_{t-1}: gated recurrent units over all time steps.

Twin: kernels/gru.pyx, where shapes and sources are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from ._activation import activate, f_formula
from ._steps import states_before, steps_of
from .linear import linear_backward


def gru_forward_formula(
    x: ndarray, h0: ndarray, w_ih: ndarray, w_hh: ndarray, b_ih: ndarray, b_hh: ndarray,
    y: ndarray, h_n: ndarray, gates: ndarray, recurrent: ndarray, batch_sizes: Sequence[int], reverse: bool,
) -> None:  # fmt: skip
    """a = x[t] W_ihᵀ + b_ih, b = h W_hhᵀ + b_hh, each cut into three;
    r = σ(a_r + b_r),  z = σ(a_z + b_z),  n = tanh(a_n + r b_n),  h = (1 - z) n + z h"""
    width = y.shape[1]
    h_n[...] = h0
    for rows, count in steps_of(batch_sizes, reverse):
        h = h_n[:count].copy()
        for n, k in np.ndindex(count, width):
            places = (k, k + width, k + 2 * width)
            a = [b_ih[o] + sum(x[rows][n, i] * w_ih[o, i] for i in range(x.shape[1])) for o in places]
            b = [b_hh[o] + sum(h[n, j] * w_hh[o, j] for j in range(width)) for o in places]
            r, z = f_formula(a[0] + b[0], "sigmoid"), f_formula(a[1] + b[1], "sigmoid")
            new = math.tanh(a[2] + r * b[2])
            h_n[n, k] = (1 - z) * new + z * h[n, k]
            gates[rows][n, k::width] = r, z, new
            recurrent[rows][n, k] = b[2]
        y[rows] = h_n[:count]


def gru_backward_formula(
    g_y: ndarray, g_h_n: ndarray, x: ndarray, h0: ndarray, w_ih: ndarray, w_hh: ndarray, y: ndarray,
    gates: ndarray, recurrent: ndarray,
    dx: ndarray, dh0: ndarray, dw_ih: ndarray, dw_hh: ndarray, db_ih: ndarray, db_hh: ndarray,
    batch_sizes: Sequence[int], reverse: bool,
) -> None:  # fmt: skip
    """The chain rule through h = (1 - z) n + z h_before, then the gates to a and b, then to x and h."""
    width = y.shape[1]
    for gradient in (dx, dw_ih, dw_hh, db_ih, db_hh):
        gradient.fill(0)
    dh0[...] = g_h_n
    steps = steps_of(batch_sizes, reverse)
    before = states_before(y, h0, steps)
    for rows, count in reversed(steps):
        da, db = np.empty((2, count, 3 * width))
        for n, k in np.ndindex(count, width):
            r, z, new = gates[rows][n, k::width]
            dh = g_y[rows][n, k] + dh0[n, k]
            d_new = dh * (1 - z) * (1 - new * new)
            d_z = dh * (before[rows][n, k] - new) * (z * (1 - z))
            d_r = d_new * recurrent[rows][n, k] * (r * (1 - r))
            da[n, k::width] = d_r, d_z, d_new
            db[n, k::width] = d_r, d_z, d_new * r
            dh0[n, k] = dh * z
        for n, o in np.ndindex(count, 3 * width):
            db_ih[o] += da[n, o]
            db_hh[o] += db[n, o]
            for i in range(x.shape[1]):
                dx[rows][n, i] += da[n, o] * w_ih[o, i]
                dw_ih[o, i] += da[n, o] * x[rows][n, i]
            for k in range(width):
                dh0[n, k] += db[n, o] * w_hh[o, k]
                dw_hh[o, k] += db[n, o] * before[rows][n, k]


def gru_forward(
    x: ndarray, h0: ndarray, w_ih: ndarray, w_hh: ndarray, b_ih: ndarray | None, b_hh: ndarray | None,
    y: ndarray, h_n: ndarray, gates: ndarray, recurrent: ndarray, batch_sizes: Sequence[int], reverse: bool,
) -> None:  # fmt: skip
    """a = x[t] W_ihᵀ + b_ih, b = h W_hhᵀ + b_hh, each cut into three;
    r = σ(a_r + b_r),  z = σ(a_z + b_z),  n = tanh(a_n + r b_n),  h = (1 - z) n + z h"""
    np.matmul(x, w_ih.T, out=gates)
    if b_ih is not None:
        gates += b_ih
    h_n[...] = h0
    for rows, count in steps_of(batch_sizes, reverse):
        b = h_n[:count] @ w_hh.T
        if b_hh is not None:
            b += b_hh
        b_r, b_z, b_n = np.split(b, 3, axis=1)
        r, z, n = np.split(gates[rows], 3, axis=1)  # views: what follows is written into gates
        r += b_r
        z += b_z
        activate(r, "sigmoid")
        activate(z, "sigmoid")
        n += r * b_n
        activate(n, "tanh")
        h_n[:count] = (1 - z) * n + z * h_n[:count]
        y[rows], recurrent[rows] = h_n[:count], b_n


def gru_backward(
    g_y: ndarray, g_h_n: ndarray, x: ndarray, h0: ndarray, w_ih: ndarray, w_hh: ndarray, y: ndarray,
    gates: ndarray, recurrent: ndarray,
    dx: ndarray | None, dh0: ndarray | None, dw_ih: ndarray | None, dw_hh: ndarray | None,
    db_ih: ndarray | None, db_hh: ndarray | None, batch_sizes: Sequence[int], reverse: bool,
) -> None:  # fmt: skip
    """da and db of every step, from the last computed to the first; the other gradients are made of them."""
    steps = steps_of(batch_sizes, reverse)
    before = states_before(y, h0, steps)
    da, db, dh = np.empty_like(gates), np.empty_like(gates), g_h_n.copy()
    for rows, count in reversed(steps):
        r, z, n = np.split(gates[rows], 3, axis=1)
        da_r, da_z, da_n = np.split(da[rows], 3, axis=1)
        dh_t = g_y[rows] + dh[:count]
        da_n[...] = dh_t * (1 - z) * (1 - n * n)
        da_z[...] = dh_t * (before[rows] - n) * (z * (1 - z))
        da_r[...] = da_n * recurrent[rows] * (r * (1 - r))
        db[rows] = da[rows]
        np.split(db[rows], 3, axis=1)[2][...] *= r
        dh[:count] = dh_t * z + db[rows] @ w_hh
    if dh0 is not None:
        dh0[...] = dh
    linear_backward(da, x, w_ih, da, dx, dw_ih, db_ih, "identity")
    linear_backward(db, before, w_hh, db, None, dw_hh, db_hh, "identity")
