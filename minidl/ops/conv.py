"""Convolution and its two adjoints: bilinear, so the three are each other's derivatives at any order.

Deep learning's convolution is a cross-correlation: the kernel is not flipped, as in every framework. (The chapter
prints the formula garbled; this is the standard one.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..operation import primitive
from ._door import contiguous
from .reduce import sum

Pair = tuple[int, int]


@primitive
def conv2d(x: Any, w: Any, b: Any, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    """y[n,k,i,j] = b[k] + Σ_{c,u,v} x[n,c, i·s+u·d-p, j·s+v·d-p] w[k,c,u,v]."""
    sizes = [size_after(x, w, axis, stride, padding, dilation) for axis in (0, 1)]
    y = np.empty((x.shape[0], w.shape[0], *sizes), x.dtype)
    kernels.conv2d_forward(*contiguous(x, w, b), y, stride, padding, dilation, groups)
    return y


@primitive
def conv2d_dx(
    dy: Any, w: Any, *, shape: tuple[int, ...], stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Any:
    """dx[n,c,h,v] = Σ dy[n,k,i,j] w[k,c,u,v] over the k, i, j, u, v that read x[n,c,h,v]: transposed convolution."""
    dx = np.empty(shape, dy.dtype)
    kernels.conv2d_dx(*contiguous(dy, w), dx, stride, padding, dilation, groups)
    return dx


@primitive
def conv2d_dw(
    dy: Any, x: Any, *, shape: tuple[int, ...], stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Any:
    """dw[k,c,u,v] = Σ_{n,i,j} dy[n,k,i,j] x[n,c, i·s+u·d-p, j·s+v·d-p]."""
    dw = np.empty(shape, dy.dtype)
    kernels.conv2d_dw(*contiguous(dy, x), dw, stride, padding, dilation, groups)
    return dw


def size_after(x: Any, w: Any, axis: int, stride: Pair, padding: Pair, dilation: Pair) -> int:
    """Return the output's height (axis 0) or width (axis 1): ⌊(n + 2p - d(k - 1) - 1) / s⌋ + 1."""
    reach = dilation[axis] * (w.shape[2 + axis] - 1) + 1
    size: int = (x.shape[2 + axis] + 2 * padding[axis] - reach) // stride[axis] + 1
    return size


def y_of(x: Any, w: Any, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    """The convolution itself, without a bias."""
    return conv2d(x, w, None, stride=stride, padding=padding, dilation=dilation, groups=groups)


def dx_of(dy: Any, w: Any, shape: Any, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    """The gradient of x, which has `shape`."""
    return conv2d_dx(dy, w, shape=shape, stride=stride, padding=padding, dilation=dilation, groups=groups)


def dw_of(dy: Any, x: Any, shape: Any, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    """The gradient of w, which has `shape`."""
    return conv2d_dw(dy, x, shape=shape, stride=stride, padding=padding, dilation=dilation, groups=groups)


conv2d.defvjp(
    x=lambda g, w, x_shape, stride, padding, dilation, groups: dx_of(g, w, x_shape, stride, padding, dilation, groups),
    w=lambda g, x, w_shape, stride, padding, dilation, groups: dw_of(g, x, w_shape, stride, padding, dilation, groups),
    b=lambda g: sum(sum(g, dim=0), dim=(1, 2)),  # images first: whole planes are added, LeNet 110 -> 60 µs
)
conv2d_dx.defvjp(
    dy=lambda g, w, stride, padding, dilation, groups: y_of(g, w, stride, padding, dilation, groups),
    w=lambda g, dy, w_shape, stride, padding, dilation, groups: dw_of(
        dy, g, w_shape, stride, padding, dilation, groups
    ),
)
conv2d_dw.defvjp(
    dy=lambda g, x, stride, padding, dilation, groups: y_of(x, g, stride, padding, dilation, groups),
    x=lambda g, dy, x_shape, stride, padding, dilation, groups: dx_of(
        dy, g, x_shape, stride, padding, dilation, groups
    ),
)
