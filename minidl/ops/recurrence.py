"""Recurrence over time: rnn, lstm and gru, all steps of one layer in one direction.

x is (T, N, in): T steps of N sequences; y, (T, N, hidden), holds the states of all steps, h_n, (N, hidden), the last.
Sequences of different lengths come without padding, as PyTorch packs them: sorted by length, the longest first, step
after step, so that x is (rows, in), y is (rows, hidden) and step t is the next batch_sizes[t] rows; h_n holds each
sequence's own last state. With `reverse` the steps run from the last to the first, each sequence from its own end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..operation import fused
from ._door import contiguous
from .elementwise import relu, sigmoid, tanh
from .linear import linear
from .shape import cat, reshape

Sizes = Sequence[int] | None


@fused(outputs=("y", "h_n"))
def rnn(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, *, nonlinearity: str, batch_sizes: Sizes = None,
    reverse: bool = False,
) -> Any:  # fmt: skip
    """h_t = f(x_t W_ihᵀ + b_ih + h_{t-1} W_hhᵀ + b_hh), f tanh or relu.

    The chapter's h_t = f(W·[h_{t-1}, x_t] + b): W's two blocks are stored apart and b = b_ih + b_hh, as in PyTorch.
    """
    f = tanh if nonlinearity == "tanh" else relu

    def step(x_t: Any, h: Any) -> tuple[Any, ...]:
        return (f(linear(x_t, w_ih, b_ih) + linear(h, w_hh, b_hh)),)

    return over_time(step, x, (h0,), batch_sizes, reverse)


@fused(outputs=("y", "h_n", "c_n"))
def lstm(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, *, batch_sizes: Sizes = None,
    reverse: bool = False,
) -> Any:  # fmt: skip
    """c_t = σ(f) c_{t-1} + σ(i) tanh(g), h_t = σ(o) tanh(c_t).

    i, f, g and o are the four blocks of x_t W_ihᵀ + b_ih + h_{t-1} W_hhᵀ + b_hh.
    """

    def step(x_t: Any, h: Any, c: Any) -> tuple[Any, ...]:
        i, f, g, o = blocks(linear(x_t, w_ih, b_ih) + linear(h, w_hh, b_hh), 4)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    return over_time(step, x, (h0, c0), batch_sizes, reverse)


@fused(outputs=("y", "h_n"))
def gru(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, *, batch_sizes: Sizes = None, reverse: bool = False
) -> Any:
    """h_t = (1 - z) n + z h_{t-1}: z and r are σ of sums of an input and a recurrent part, n = tanh(a_n + r b_n).

    a = x_t W_ihᵀ + b_ih and b = h_{t-1} W_hhᵀ + b_hh are each cut into the blocks of r, z and n.
    """

    def step(x_t: Any, h: Any) -> tuple[Any, ...]:
        a_r, a_z, a_n = blocks(linear(x_t, w_ih, b_ih), 3)
        b_r, b_z, b_n = blocks(linear(h, w_hh, b_hh), 3)
        z = sigmoid(a_z + b_z)
        return ((1.0 - z) * tanh(a_n + sigmoid(a_r + b_r) * b_n) + z * h,)

    return over_time(step, x, (h0,), batch_sizes, reverse)


def over_time(
    step: Callable[..., tuple[Any, ...]], x: Any, states: tuple[Any, ...], batch_sizes: Sizes, reverse: bool
) -> Any:
    """Apply (h_t, ...) = step(x_t, h_{t-1}, ...) at every step; return all h_t, then the last of each state."""
    sizes = sizes_of(x, batch_sizes)
    ends = list(accumulate(sizes))
    rows = reshape(x, shape=(sum(sizes), x.shape[-1]))
    outputs = [states[0][:0]] * len(sizes)
    for t in reversed(range(len(sizes))) if reverse else range(len(sizes)):
        n = sizes[t]
        now = step(rows[ends[t] - n : ends[t]], *[first(n, state) for state in states])
        outputs[t] = now[0]
        # a sequence that is over, or in reverse not yet begun, keeps its state
        pairs = zip(now, states, strict=True)
        states = tuple([new if n == len(old) else cat(new, old[n:], dim=0) for new, old in pairs])
    y = cat(*outputs, dim=0) if outputs else states[0][:0]
    return (reshape(y, shape=(*x.shape[:-1], y.shape[1])), *states)


def first(n: int, state: Any) -> Any:
    """Return the state of the first n sequences."""
    return state if n == len(state) else state[:n]


def blocks(z: Any, count: int) -> list[Any]:
    """Return z (n, count · width) cut into blocks (n, width)."""
    width = z.shape[1] // count
    return [z[:, k * width : (k + 1) * width] for k in range(count)]


def sizes_of(x: Any, batch_sizes: Sizes) -> Sequence[int]:
    """Return the number of rows of each step."""
    return (x.shape[1],) * x.shape[0] if batch_sizes is None else batch_sizes


# -- the doors to the kernels, which see rows, fill what they are given, and leave out what is None ------------------


def rows_of(x: Any) -> Any:
    """Return (T, N, features), or rows already, as contiguous rows."""
    return np.ascontiguousarray(x).reshape(prod(x.shape[:-1]), x.shape[-1])


def needed(needs: Sequence[bool], *arrays: Any) -> list[Any]:
    """Return memory for the gradients that are needed, None for the others."""
    return [np.empty(a.shape, a.dtype) if need else None for need, a in zip(needs, arrays, strict=False)]


def rnn_forward(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, *, nonlinearity: str, batch_sizes: Sizes, reverse: bool
) -> Any:
    """Allocate y and h_n and let the kernel fill them."""
    y, h_n = np.empty((*x.shape[:-1], h0.shape[1]), x.dtype), np.empty(h0.shape, x.dtype)
    arrays = contiguous(h0, w_ih, w_hh, b_ih, b_hh)
    kernels.rnn_forward(rows_of(x), *arrays, rows_of(y), h_n, sizes_of(x, batch_sizes), reverse, nonlinearity)
    return y, h_n


def rnn_vjp(
    g_y: Any, g_h_n: Any, x: Any, h0: Any, w_ih: Any, w_hh: Any, y: Any, needs: tuple[bool, ...], nonlinearity: str,
    batch_sizes: Sizes, reverse: bool,
) -> Any:  # fmt: skip
    """Allocate the gradients that are needed and let the kernel fill them."""
    dx, *others = needed(needs, x, h0, w_ih, w_hh)
    db = np.empty(w_hh.shape[0], x.dtype) if needs[4] or needs[5] else None
    kernels.rnn_backward(
        rows_of(g_y), *contiguous(g_h_n), rows_of(x), *contiguous(h0, w_ih, w_hh), rows_of(y),
        None if dx is None else rows_of(dx), *others, db, sizes_of(x, batch_sizes), reverse, nonlinearity,
    )  # fmt: skip
    return (dx, *others, db, db)


def lstm_forward(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, *, batch_sizes: Sizes, reverse: bool
) -> Any:
    """Allocate the outputs, and the gates and cell states that backward needs, and let the kernel fill them."""
    y = np.empty((*x.shape[:-1], h0.shape[1]), x.dtype)
    h_n, c_n = np.empty(h0.shape, x.dtype), np.empty(h0.shape, x.dtype)
    gates, cells = np.empty((*x.shape[:-1], w_hh.shape[0]), x.dtype), np.empty(y.shape, x.dtype)
    arrays = contiguous(h0, c0, w_ih, w_hh, b_ih, b_hh)
    written = rows_of(y), h_n, c_n, rows_of(gates), rows_of(cells)
    kernels.lstm_forward(rows_of(x), *arrays, *written, sizes_of(x, batch_sizes), reverse)
    return y, h_n, c_n, gates, cells


def lstm_vjp(
    g_y: Any, g_h_n: Any, g_c_n: Any, x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, y: Any, gates: Any, cells: Any,
    needs: tuple[bool, ...], batch_sizes: Sizes, reverse: bool,
) -> Any:  # fmt: skip
    """Allocate the gradients that are needed and let the kernel fill them."""
    dx, *others = needed(needs, x, h0, c0, w_ih, w_hh)
    db = np.empty(w_hh.shape[0], x.dtype) if needs[5] or needs[6] else None
    kernels.lstm_backward(
        rows_of(g_y), *contiguous(g_h_n, g_c_n), rows_of(x), *contiguous(h0, c0, w_ih, w_hh),
        rows_of(y), rows_of(gates), rows_of(cells),
        None if dx is None else rows_of(dx), *others, db, sizes_of(x, batch_sizes), reverse,
    )  # fmt: skip
    return (dx, *others, db, db)


def gru_forward(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, *, batch_sizes: Sizes, reverse: bool
) -> Any:
    """Allocate the outputs, and the gates and recurrent parts that backward needs, and let the kernel fill them."""
    y, h_n = np.empty((*x.shape[:-1], h0.shape[1]), x.dtype), np.empty(h0.shape, x.dtype)
    gates, recurrent = np.empty((*x.shape[:-1], w_hh.shape[0]), x.dtype), np.empty(y.shape, x.dtype)
    arrays = contiguous(h0, w_ih, w_hh, b_ih, b_hh)
    written = rows_of(y), h_n, rows_of(gates), rows_of(recurrent)
    kernels.gru_forward(rows_of(x), *arrays, *written, sizes_of(x, batch_sizes), reverse)
    return y, h_n, gates, recurrent


def gru_vjp(
    g_y: Any, g_h_n: Any, x: Any, h0: Any, w_ih: Any, w_hh: Any, y: Any, gates: Any, recurrent: Any,
    needs: tuple[bool, ...], batch_sizes: Sizes, reverse: bool,
) -> Any:  # fmt: skip
    """Allocate the gradients that are needed and let the kernel fill them."""
    dx, *others = needed(needs, x, h0, w_ih, w_hh)
    db_ih, db_hh = (np.empty(w_hh.shape[0], x.dtype) if need else None for need in needs[4:])
    kernels.gru_backward(
        rows_of(g_y), *contiguous(g_h_n), rows_of(x), *contiguous(h0, w_ih, w_hh),
        rows_of(y), rows_of(gates), rows_of(recurrent),
        None if dx is None else rows_of(dx), *others, db_ih, db_hh, sizes_of(x, batch_sizes), reverse,
    )  # fmt: skip
    return (dx, *others, db_ih, db_hh)


rnn.kernels(forward=rnn_forward, vjp=rnn_vjp)
lstm.kernels(forward=lstm_forward, vjp=lstm_vjp, residuals=("gates", "cells"))
gru.kernels(forward=gru_forward, vjp=gru_vjp, residuals=("gates", "recurrent"))
