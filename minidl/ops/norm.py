"""Normalisation: what is left of x when its mean and its scale are taken away, along rows or over a batch."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..operation import fused
from ._door import contiguous
from .elementwise import sqrt
from .reduce import mean, smallest, sum
from .shape import reshape


@fused
def layer_norm(x: Any, w: Any, b: Any, *, eps: float, dims: int = 1) -> Any:
    """y = (x - mean) / √(var + ε) w + b, mean and (biased) var over the last `dims` dimensions of x, those of w and b.

    w or b may be None.
    """
    along = tuple(range(-dims, 0))
    deviation = x - mean(x, dim=along, keepdim=True)
    y = deviation / sqrt(mean(deviation * deviation, dim=along, keepdim=True) + eps)
    y = y if w is None else y * w
    return y if b is None else y + b


@fused
def rms_norm(x: Any, w: Any, *, eps: float, dims: int = 1) -> Any:
    """y = x / √(mean x² + ε) w, the mean over the last `dims` dimensions of x, those of w, which may be None."""
    y = x / sqrt(mean(x * x, dim=tuple(range(-dims, 0)), keepdim=True) + eps)
    return y if w is None else y * w


@fused(outputs=("y", "mean", "var"))
def batch_norm(x: Any, w: Any, b: Any, *, eps: float) -> Any:
    """y[n,c,...] = (x[n,c,...] - mean_c) / √(var_c + ε) w[c] + b[c] for x (N, C, ...), w and b (C,) or None.

    mean_c and var_c, the biased one, are those of channel c over all n and places.
    """
    along, channel = (0, *range(2, x.ndim)), (-1,) + (1,) * (x.ndim - 2)
    count = float(x.shape[0] * prod(x.shape[2:]))
    mean_c = sum(x, dim=along) / count
    deviation = x - reshape(mean_c, shape=channel)
    var_c = sum(deviation * deviation, dim=along) / count
    y = deviation / sqrt(reshape(var_c, shape=channel) + eps)
    y = y if w is None else y * reshape(w, shape=channel)
    return y if b is None else y + reshape(b, shape=channel), mean_c, var_c


@fused
def channel_affine(x: Any, mean: Any, scale: Any, shift: Any) -> Any:
    """y[n,c,...] = (x[n,c,...] - mean[c]) scale[c] + shift[c] for x (N, C, ...); mean and shift may be None."""
    channel = (-1,) + (1,) * (x.ndim - 2)
    y = (x if mean is None else x - reshape(mean, shape=channel)) * reshape(scale, shape=channel)
    return y if shift is None else y + reshape(shift, shape=channel)


def rows_of(x: Any, dims: int) -> tuple[int, int]:
    """Return how many rows x has, and how long they are, if the last dimensions are one."""
    return prod(x.shape[: x.ndim - dims]), prod(x.shape[x.ndim - dims :])


def planes_of(x: Any) -> tuple[int, int, int]:
    """Return the shape of x (N, C, ...) with all places in one dimension."""
    return (x.shape[0], x.shape[1], prod(x.shape[2:]))


def shaped(shape: tuple[int, ...], *arrays: Any) -> list[Any]:
    """Return the arrays as the kernels take them; None stays None."""
    return [None if x is None else x.reshape(shape) for x in contiguous(*arrays)]


def layer_norm_forward(x: Any, w: Any, b: Any, *, eps: float, dims: int) -> Any:
    """Allocate y, and the mean and 1 / √(var + ε) that backward needs, and let the kernel fill them."""
    rows, width = rows_of(x, dims)
    y, centre, rstd = np.empty(x.shape, x.dtype), np.empty(rows, x.dtype), np.empty(rows, x.dtype)
    kernels.layer_norm_forward(
        *shaped((rows, width), x), *shaped((width,), w, b), y.reshape(rows, width), centre, rstd, eps
    )
    if overflown(x, rstd):
        return narrowed(x, layer_norm_forward(*widened(x, w, b), eps=eps, dims=dims))
    return y, centre, rstd


def overflown(x: Any, rstd: Any) -> bool:
    """Whether the square of a float32 number was too large: then 1 / √(var + ε) is 0."""
    return x.dtype.char == "f" and rstd.size > 0 and smallest(rstd) == 0


def widened(*arrays: Any) -> list[Any]:
    """Return the arrays as float64, in which the squares of all float32 numbers have room."""
    return [None if x is None else x.astype(np.float64) for x in arrays]


def narrowed(x: Any, results: Any) -> Any:
    """Return the arrays in the type of x."""
    return tuple([result.astype(x.dtype) for result in results])


def layer_norm_vjp(g: Any, x: Any, w: Any, mean: Any, rstd: Any, needs: tuple[bool, ...], dims: int) -> Any:
    """Allocate the gradients that are needed and let the kernel fill them."""
    return normalised_back(g, x, w, mean, rstd, needs, dims)


def rms_norm_forward(x: Any, w: Any, *, eps: float, dims: int) -> Any:
    """Let the kernel of layer_norm run without a mean."""
    rows, width = rows_of(x, dims)
    y, rstd = np.empty(x.shape, x.dtype), np.empty(rows, x.dtype)
    kernels.layer_norm_forward(
        *shaped((rows, width), x), *shaped((width,), w), None, y.reshape(rows, width), None, rstd, eps
    )
    if overflown(x, rstd):
        return narrowed(x, rms_norm_forward(*widened(x, w), eps=eps, dims=dims))
    return y, rstd


def rms_norm_vjp(g: Any, x: Any, w: Any, rstd: Any, needs: tuple[bool, ...], dims: int) -> Any:
    """Likewise without a mean."""
    return normalised_back(g, x, w, None, rstd, (*needs, False), dims)[:2]


def normalised_back(g: Any, x: Any, w: Any, mean: Any, rstd: Any, needs: tuple[bool, ...], dims: int) -> Any:
    """Return the gradients of x, w and b, None for those that are not needed."""
    rows, width = rows_of(x, dims)
    gradients = needed(x, x.shape[x.ndim - dims :], needs)
    dx, dw, db = gradients
    kernels.layer_norm_backward(
        *shaped((rows, width), g, x),
        *shaped((width,), w),
        mean,
        rstd,
        *shaped((rows, width), dx),
        *shaped((width,), dw, db),
    )
    return gradients


def batch_norm_forward(x: Any, w: Any, b: Any, *, eps: float) -> Any:
    """Allocate the outputs and let the kernel fill them."""
    planes = planes_of(x)
    y, centre, var = np.empty(x.shape, x.dtype), np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    kernels.batch_norm_forward(*shaped(planes, x), *contiguous(w, b), y.reshape(planes), centre, var, eps)
    return y, centre, var


def batch_norm_vjp(
    g_y: Any, g_mean: Any, g_var: Any, x: Any, w: Any, mean: Any, var: Any, needs: tuple[bool, ...], eps: float
) -> Any:
    """Allocate the gradients that are needed and let the kernel fill them."""
    planes, gradients = planes_of(x), needed(x, x.shape[1:2], needs)
    dx, dw, db = gradients
    g, rows, dx = shaped(planes, g_y, x, dx)
    kernels.batch_norm_backward(g, *contiguous(g_mean, g_var), rows, *contiguous(w), mean, var, dx, dw, db, eps)
    return gradients


def channel_affine_forward(x: Any, mean: Any, scale: Any, shift: Any) -> Any:
    """Allocate y and let the kernel fill it."""
    planes, y = planes_of(x), np.empty(x.shape, x.dtype)
    kernels.batch_norm_apply(*shaped(planes, x), *contiguous(mean, scale, shift), y.reshape(planes))
    return y


def channel_affine_vjp(g: Any, x: Any, mean: Any, scale: Any, needs: tuple[bool, ...]) -> Any:
    """Allocate the gradients that are needed and let the kernel fill them; the mean's is that of shift times -scale."""
    planes = planes_of(x)
    dx, dscale, dshift = needed(x, x.shape[1:2], (needs[0], needs[2], needs[1] or needs[3]))
    kernels.batch_norm_apply_backward(
        *shaped(planes, g, x), *contiguous(mean, scale), *shaped(planes, dx), dscale, dshift
    )
    return dx, -scale * dshift if needs[1] else None, dscale, dshift


def needed(x: Any, parameter: tuple[int, ...], needs: tuple[bool, ...]) -> list[Any]:
    """Return memory for the gradients of x, w and b, None for those that are not needed."""
    shapes = (x.shape, parameter, parameter)
    return [np.empty(shape, x.dtype) if need else None for shape, need in zip(shapes, needs, strict=True)]


layer_norm.kernels(forward=layer_norm_forward, vjp=layer_norm_vjp, residuals=("mean", "rstd"))
rms_norm.kernels(forward=rms_norm_forward, vjp=rms_norm_vjp, residuals=("rstd",))
batch_norm.kernels(forward=batch_norm_forward, vjp=batch_norm_vjp)
channel_affine.kernels(forward=channel_affine_forward, vjp=channel_affine_vjp)
