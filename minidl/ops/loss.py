"""Losses that have a derivative of their own worth writing down."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import fused
from .softmax import log_softmax


@fused
def cross_entropy(x: Any, target: Any) -> Any:
    """y_n = -ln softmax(x_n)[target_n] for scores x (N, C) and class indices target (N,)."""
    return -log_softmax(x, dim=1)[np.arange(x.shape[0]), target]


def cross_entropy_forward(x: Any, target: Any) -> Any:
    """Compute the losses and keep the softmax."""
    shifted = x - np.maximum.reduce(x, axis=1, keepdims=True)
    softmax = np.exp(shifted)
    total = np.add.reduce(softmax, axis=1, keepdims=True)
    softmax /= total
    return np.log(total[:, 0]) - shifted[np.arange(len(target)), target], softmax


def cross_entropy_vjp(g: Any, target: Any, softmax: Any) -> Any:
    """dL/dx = g (softmax(x) - onehot(target))."""
    dx = softmax * g[:, None]
    dx[np.arange(len(target)), target] -= g
    return dx, None


cross_entropy.kernels(forward=cross_entropy_forward, vjp=cross_entropy_vjp, residuals=("softmax",))
