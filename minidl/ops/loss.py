"""Losses that have a derivative of their own worth writing down."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..operation import elementwise, fused
from ._door import contiguous
from .elementwise import log, log1p, maximum
from .softmax import log_softmax


@elementwise
def binary_cross_entropy(p: Any, t: Any) -> Any:
    """y = -(t ln p + (1 - t) ln(1 - p)), each ln at least -100; the slope's divisor p (1 - p) is at least 1e-12."""
    return (t - 1) * np.maximum(np.log1p(-p), -100) - t * np.maximum(np.log(p), -100)


binary_cross_entropy.defvjp(
    p=lambda g, p, t: g * ((p - t) / maximum((1.0 - p) * p, 1e-12)),
    t=lambda g, p: g * (log1p(-p) - log(p)),
)


@fused
def cross_entropy(x: Any, target: Any) -> Any:
    """y_n = -ln softmax(x_n)[target_n] for scores x (N, C) and class indices target (N,)."""
    return -log_softmax(x, dim=1)[np.arange(x.shape[0]), target]


def cross_entropy_forward(x: Any, target: Any, *, needs: tuple[bool, ...] = ()) -> Any:
    """Let the kernel compute the losses, and the gradient too where it will be wanted."""
    loss = np.empty(x.shape[0], x.dtype)
    if True in needs:
        return loss, [gradient(x, target, loss)]
    kernels.cross_entropy_forward(*contiguous(x, target), loss)
    return loss, []


def gradient(x: Any, target: Any, loss: Any) -> Any:
    """Return the gradient for the cotangent that a mean sends, and fill in the losses."""
    dx = np.empty(x.shape, x.dtype)
    kernels.cross_entropy_backward(np.full(x.shape[0], share(x)), *contiguous(x, target), loss, dx)
    return dx


def share(x: Any) -> Any:
    """Return 1 / N, what a mean over N losses sends to each."""
    return x.dtype.type(1) / x.dtype.type(max(x.shape[0], 1))


def cross_entropy_vjp(g: Any, x: Any, target: Any, ready: list[Any]) -> Any:
    """Give away the gradient that forward left, scaled if the cotangent is not that of a mean; a class has none.

    A second walk through a retained graph finds it gone, and computes it again.
    """
    dx = ready.pop() if ready else gradient(x, target, np.empty(x.shape[0], x.dtype))
    of_mean = g.strides == (0,) and g.size > 0 and g[0] == share(x)
    if not of_mean:
        dx *= (g / share(x))[:, None]
    return dx, None


cross_entropy.kernels(forward=cross_entropy_forward, vjp=cross_entropy_vjp, residuals=("ready",))
