"""Normalisation: what is left of x when its mean and its scale are taken away, along rows or over a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..operation import fused
from ._door import contiguous
from .elementwise import sqrt
from .reduce import mean, sum
from .shape import reshape


@fused
def layer_norm(x: Any, w: Any, b: Any, *, eps: float) -> Any:
    """y[n,d] = (x[n,d] - mean_n) / √(var_n + ε) w[d] + b[d] for x (N, D), w and b (D,) or None; var is biased."""
    deviation = x - mean(x, dim=1, keepdim=True)
    y = deviation / sqrt(mean(deviation * deviation, dim=1, keepdim=True) + eps)
    y = y if w is None else y * w
    return y if b is None else y + b


@fused(outputs=("y", "mean", "var"))
def batch_norm(x: Any, w: Any, b: Any, *, eps: float) -> Any:
    """y[n,c,s] = (x[n,c,s] - mean_c) / √(var_c + ε) w[c] + b[c] for x (N, C, S), w and b (C,) or None.

    mean_c and var_c, the biased one, are those of channel c over all n and s.
    """
    count = float(x.shape[0] * x.shape[2])
    mean_c = sum(x, dim=(0, 2)) / count
    deviation = x - reshape(mean_c, shape=(-1, 1))
    var_c = sum(deviation * deviation, dim=(0, 2)) / count
    y = deviation / sqrt(reshape(var_c, shape=(-1, 1)) + eps)
    y = y if w is None else y * reshape(w, shape=(-1, 1))
    return y if b is None else y + reshape(b, shape=(-1, 1)), mean_c, var_c


@fused
def rms_norm(x: Any, w: Any, *, eps: float) -> Any:
    """y[n,d] = x[n,d] / √(mean_d x[n,d]² + ε) w[d] for x (N, D), w (D,) or None."""
    y = x / sqrt(mean(x * x, dim=1, keepdim=True) + eps)
    return y if w is None else y * w


def layer_norm_forward(x: Any, w: Any, b: Any, *, eps: float) -> Any:
    """Allocate y, and the mean and 1 / √(var + ε) that backward needs, and let the kernel fill them."""
    y, centre, rstd = np.empty(x.shape, x.dtype), np.empty(x.shape[0], x.dtype), np.empty(x.shape[0], x.dtype)
    kernels.layer_norm_forward(*contiguous(x, w, b), y, centre, rstd, eps)
    return y, centre, rstd


def layer_norm_vjp(g: Any, x: Any, w: Any, mean: Any, rstd: Any, needs: tuple[bool, ...]) -> Any:
    """Allocate the gradients that are needed and let the kernel fill them."""
    gradients = needed(x, x.shape[1], needs)
    kernels.layer_norm_backward(*contiguous(g, x, w), mean, rstd, *gradients)
    return gradients


def rms_norm_forward(x: Any, w: Any, *, eps: float) -> Any:
    """Let the kernel of layer_norm run without a mean."""
    y, rstd = np.empty(x.shape, x.dtype), np.empty(x.shape[0], x.dtype)
    x, w = contiguous(x, w)
    kernels.layer_norm_forward(x, w, None, y, None, rstd, eps)
    return y, rstd


def rms_norm_vjp(g: Any, x: Any, w: Any, rstd: Any, needs: tuple[bool, ...]) -> Any:
    """Allocate the gradients that are needed and let the kernel fill them."""
    dx, dw, _ = needed(x, x.shape[1], (*needs, False))
    g, x, w = contiguous(g, x, w)
    kernels.layer_norm_backward(g, x, w, None, rstd, dx, dw, None)
    return dx, dw


def batch_norm_forward(x: Any, w: Any, b: Any, *, eps: float) -> Any:
    """Allocate the outputs and let the kernel fill them."""
    y, centre, var = np.empty(x.shape, x.dtype), np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    kernels.batch_norm_forward(*contiguous(x, w, b), y, centre, var, eps)
    return y, centre, var


def batch_norm_vjp(
    g_y: Any, g_mean: Any, g_var: Any, x: Any, w: Any, mean: Any, var: Any, needs: tuple[bool, ...], eps: float
) -> Any:
    """Allocate the gradients that are needed and let the kernel fill them."""
    gradients = needed(x, x.shape[1], needs)
    kernels.batch_norm_backward(*contiguous(g_y, g_mean, g_var, x, w), mean, var, *gradients, eps)
    return gradients


def needed(x: Any, width: int, needs: tuple[bool, ...]) -> list[Any]:
    """Return memory for the gradients of x, w and b, None for those that are not needed."""
    shapes = (x.shape, (width,), (width,))
    return [np.empty(shape, x.dtype) if need else None for shape, need in zip(shapes, needs, strict=True)]


layer_norm.kernels(forward=layer_norm_forward, vjp=layer_norm_vjp, residuals=("mean", "rstd"))
rms_norm.kernels(forward=rms_norm_forward, vjp=rms_norm_vjp, residuals=("rstd",))
batch_norm.kernels(forward=batch_norm_forward, vjp=batch_norm_vjp)
