"""c_t = f c_{t-1} + i g, h_t = o tanh(c_t): long short-term memory over all time steps.

Twin: kernels/lstm.pyx, where shapes and sources are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from ._activation import activate, f_formula
from ._steps import states_before, steps_of
from .linear import linear_backward


def lstm_forward_formula(
    x: ndarray, h0: ndarray, c0: ndarray, w_ih: ndarray, w_hh: ndarray, b_ih: ndarray, b_hh: ndarray,
    y: ndarray, h_n: ndarray, c_n: ndarray, gates: ndarray, cells: ndarray, batch_sizes: Sequence[int], reverse: bool,
) -> None:  # fmt: skip
    """z = x[t] W_ihᵀ + b_ih + h W_hhᵀ + b_hh, cut into i, f, g, o;  c = σ(f) c + σ(i) tanh(g),  h = σ(o) tanh(c)"""
    width = y.shape[1]
    h_n[...], c_n[...] = h0, c0
    for rows, count in steps_of(batch_sizes, reverse):
        for n, o in np.ndindex(count, 4 * width):
            z = b_ih[o] + b_hh[o]
            z += sum(x[rows][n, i] * w_ih[o, i] for i in range(x.shape[1]))
            z += sum(h_n[n, k] * w_hh[o, k] for k in range(width))
            gates[rows][n, o] = f_formula(z, "tanh" if o // width == 2 else "sigmoid")
        for n, k in np.ndindex(count, width):
            i, f, g, o = gates[rows][n, k::width]
            c_n[n, k] = f * c_n[n, k] + i * g
            h_n[n, k] = o * math.tanh(c_n[n, k])
        y[rows], cells[rows] = h_n[:count], c_n[:count]


def lstm_backward_formula(
    g_y: ndarray, g_h_n: ndarray, g_c_n: ndarray, x: ndarray, h0: ndarray, c0: ndarray, w_ih: ndarray, w_hh: ndarray,
    y: ndarray, gates: ndarray, cells: ndarray,
    dx: ndarray, dh0: ndarray, dc0: ndarray, dw_ih: ndarray, dw_hh: ndarray, db: ndarray,
    batch_sizes: Sequence[int], reverse: bool,
) -> None:  # fmt: skip
    """The chain rule through h = o tanh(c), then c = f c_before + i g, then the four gates to z, x and h."""
    width = y.shape[1]
    for gradient in (dx, dw_ih, dw_hh, db):
        gradient.fill(0)
    dh0[...], dc0[...] = g_h_n, g_c_n
    steps = steps_of(batch_sizes, reverse)
    h_before, c_before = states_before(y, h0, steps), states_before(cells, c0, steps)
    for rows, count in reversed(steps):
        dz = np.empty((count, 4 * width))
        for n, k in np.ndindex(count, width):
            i, f, g, o = gates[rows][n, k::width]
            tanh_c = math.tanh(cells[rows][n, k])
            dh = g_y[rows][n, k] + dh0[n, k]
            dc = dc0[n, k] + dh * o * (1 - tanh_c * tanh_c)
            dz[n, k] = dc * g * (i * (1 - i))
            dz[n, k + width] = dc * c_before[rows][n, k] * (f * (1 - f))
            dz[n, k + 2 * width] = dc * i * (1 - g * g)
            dz[n, k + 3 * width] = dh * tanh_c * (o * (1 - o))
            dc0[n, k] = dc * f
        dh0[:count] = 0
        for n, o in np.ndindex(count, 4 * width):
            db[o] += dz[n, o]
            for i in range(x.shape[1]):
                dx[rows][n, i] += dz[n, o] * w_ih[o, i]
                dw_ih[o, i] += dz[n, o] * x[rows][n, i]
            for k in range(width):
                dh0[n, k] += dz[n, o] * w_hh[o, k]
                dw_hh[o, k] += dz[n, o] * h_before[rows][n, k]


def lstm_forward(
    x: ndarray, h0: ndarray, c0: ndarray, w_ih: ndarray, w_hh: ndarray, b_ih: ndarray | None, b_hh: ndarray | None,
    y: ndarray, h_n: ndarray, c_n: ndarray, gates: ndarray, cells: ndarray, batch_sizes: Sequence[int], reverse: bool,
) -> None:  # fmt: skip
    """z = x[t] W_ihᵀ + b_ih + h W_hhᵀ + b_hh, cut into i, f, g, o;  c = σ(f) c + σ(i) tanh(g),  h = σ(o) tanh(c)"""
    np.matmul(x, w_ih.T, out=gates)
    for b in (b_ih, b_hh):
        if b is not None:
            gates += b
    h_n[...], c_n[...] = h0, c0
    for rows, n in steps_of(batch_sizes, reverse):
        gates[rows] += h_n[:n] @ w_hh.T
        i, f, g, o = np.split(gates[rows], 4, axis=1)  # views: what follows is written into gates
        for gate, activation in ((i, "sigmoid"), (f, "sigmoid"), (g, "tanh"), (o, "sigmoid")):
            activate(gate, activation)
        c_n[:n] = f * c_n[:n] + i * g
        h_n[:n] = o * np.tanh(c_n[:n])
        y[rows], cells[rows] = h_n[:n], c_n[:n]


def lstm_backward(
    g_y: ndarray, g_h_n: ndarray, g_c_n: ndarray, x: ndarray, h0: ndarray, c0: ndarray, w_ih: ndarray, w_hh: ndarray,
    y: ndarray, gates: ndarray, cells: ndarray,
    dx: ndarray | None, dh0: ndarray | None, dc0: ndarray | None, dw_ih: ndarray | None, dw_hh: ndarray | None,
    db: ndarray | None, batch_sizes: Sequence[int], reverse: bool,
) -> None:  # fmt: skip
    """dz of every step, from the last computed to the first; the gradients of x and of the weights are made of dz."""
    steps = steps_of(batch_sizes, reverse)
    tanh_c, c_before = np.tanh(cells), states_before(cells, c0, steps)
    dz, dh, dc = np.empty_like(gates), g_h_n.copy(), g_c_n.copy()
    for rows, n in reversed(steps):
        i, f, g, o = np.split(gates[rows], 4, axis=1)
        dz_i, dz_f, dz_g, dz_o = np.split(dz[rows], 4, axis=1)
        dh_t = g_y[rows] + dh[:n]
        dc_t = dc[:n] + dh_t * o * (1 - tanh_c[rows] * tanh_c[rows])
        dz_i[...] = dc_t * g * (i * (1 - i))
        dz_f[...] = dc_t * c_before[rows] * (f * (1 - f))
        dz_g[...] = dc_t * i * (1 - g * g)
        dz_o[...] = dh_t * tanh_c[rows] * (o * (1 - o))
        dc[:n] = dc_t * f
        dh[:n] = dz[rows] @ w_hh
    if dh0 is not None:
        dh0[...] = dh
    if dc0 is not None:
        dc0[...] = dc
    linear_backward(dz, x, w_ih, dz, dx, dw_ih, db, "identity")
    if dw_hh is not None:
        linear_backward(dz, states_before(y, h0, steps), w_hh, dz, None, dw_hh, None, "identity")
