"""Losses that have a derivative of their own worth writing down."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..operation import fused
from ._door import contiguous
from .softmax import log_softmax


@fused
def cross_entropy(x: Any, target: Any) -> Any:
    """y_n = -ln softmax(x_n)[target_n] for scores x (N, C) and class indices target (N,)."""
    return -log_softmax(x, dim=1)[np.arange(x.shape[0]), target]


def cross_entropy_forward(x: Any, target: Any) -> Any:
    """Allocate the losses, and the softmax that the gradient needs, and let the kernel fill them."""
    loss, softmax = np.empty(x.shape[0], x.dtype), np.empty(x.shape, x.dtype)
    kernels.cross_entropy_forward(*contiguous(x, target), loss, softmax)
    return loss, softmax


def cross_entropy_vjp(g: Any, target: Any, softmax: Any) -> Any:
    """Allocate the gradient and let the kernel fill it; a class has none."""
    dx = np.empty(softmax.shape, softmax.dtype)
    kernels.cross_entropy_backward(*contiguous(g, target), softmax, dx)
    return dx, None


cross_entropy.kernels(forward=cross_entropy_forward, vjp=cross_entropy_vjp, residuals=("softmax",))
