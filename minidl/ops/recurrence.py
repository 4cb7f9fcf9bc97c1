"""Recurrence over time: h_t = f(W·[h_{t-1}, x_t] + b), all steps of one layer in one direction."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..operation import fused
from ._door import contiguous
from .elementwise import relu, tanh
from .linear import linear
from .shape import stack


@fused
def rnn(x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, *, nonlinearity: str) -> Any:
    """h_t = f(x_t W_ihᵀ + b_ih + h_{t-1} W_hhᵀ + b_hh) for x (T, N, in), h0 (N, hidden); y (T, N, hidden).

    The chapter's h_t = f(W·[h_{t-1}, x_t] + b): W's two blocks are stored apart and b = b_ih + b_hh, as in PyTorch.
    """
    f = tanh if nonlinearity == "tanh" else relu
    h, states = h0, []
    for t in range(x.shape[0]):
        h = f(linear(x[t], w_ih, b_ih) + linear(h, w_hh, b_hh))
        states.append(h)
    return stack(*states, dim=0)


def rnn_forward(x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, *, nonlinearity: str) -> Any:
    """Allocate y and let the kernel fill it."""
    y = np.empty((*x.shape[:2], w_hh.shape[0]), x.dtype)
    kernels.rnn_forward(*contiguous(x, h0, w_ih, w_hh, b_ih, b_hh), y, nonlinearity)
    return y


def rnn_vjp(g: Any, x: Any, h0: Any, w_ih: Any, w_hh: Any, out: Any, needs: tuple[bool, ...], nonlinearity: str) -> Any:
    """Allocate the gradients that are needed and let the kernel fill them."""
    like = [np.empty(a.shape, a.dtype) if need else None for a, need in zip((x, h0, w_ih, w_hh), needs, strict=False)]
    db = np.empty(w_hh.shape[0], x.dtype) if needs[4] or needs[5] else None
    kernels.rnn_backward(*contiguous(g, x, h0, w_ih, w_hh), out, *like, db, nonlinearity)
    return (*like, db, db)


rnn.kernels(forward=rnn_forward, vjp=rnn_vjp)
