"""Pooling. Max pooling's gradient scatters to the chosen elements, whose gradient gathers from them; average pooling is
linear, so that it and its adjoint are each other's derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..operation import primitive
from ._door import contiguous

Pair = tuple[int, int]
Windows = tuple[tuple[int, int, int], ...]


@primitive(outputs=("y", "index"))
def max_pool2d(
    x: Any, *, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, size: Pair
) -> tuple[Any, Any]:
    """y[n,c,i,j] = max_{u,v} x[n,c, i·s+u·d-p, j·s+v·d-p]; `index` (int32) is its place, `size` the output's."""
    y = np.empty((*x.shape[:2], *size), x.dtype)
    index = np.empty(y.shape, np.int32)
    kernels.max_pool2d_forward(*contiguous(x), y, index, kernel_size, stride, padding, dilation)
    return y, index


@primitive
def scatter_planes(x: Any, index: Any, *, shape: tuple[int, ...]) -> Any:
    """y[n,c, index[n,c,i]] += x[n,c,i]: each plane's values added to where they came from, zeros elsewhere."""
    y = np.empty(shape, x.dtype)
    planes = x.shape[0] * x.shape[1]
    x, index = contiguous(x, index.astype(np.int32, copy=False))
    kernels.scatter_add_planes(
        x.reshape(planes, x.shape[2] * x.shape[3]), index.reshape(planes, x.shape[2] * x.shape[3]),
        y.reshape(planes, shape[2] * shape[3]),
    )  # fmt: skip
    return y


@primitive
def gather_planes(x: Any, index: Any) -> Any:
    """y[n,c,i] = x[n,c, index[n,c,i]]: what lies at these places of each plane."""
    flat, places = (a.reshape(*a.shape[:2], a.shape[2] * a.shape[3]) for a in (x, index))
    return np.take_along_axis(flat, places, 2).reshape(index.shape)


@primitive
def avg_pool2d(x: Any, *, rows: Windows, columns: Windows) -> Any:
    """y[n,c,i,j] = the sum of the window (rows i, columns j) of x[n,c], over its two divisors.

    `rows` holds (first row, row after the last, divisor) for each row of windows; `columns` likewise.
    """
    y = np.empty((*x.shape[:2], len(rows), len(columns)), x.dtype)
    kernels.avg_pool2d_forward(*contiguous(x), bounds(rows), bounds(columns), y)
    return y


@primitive
def avg_pool2d_dx(dy: Any, *, rows: Windows, columns: Windows, size: Pair) -> Any:
    """dx[n,c,h,v] = Σ dy[n,c,i,j] over its two divisors, of all windows (i, j) that hold (h, v); `size` is x's."""
    dx = np.empty((*dy.shape[:2], *size), dy.dtype)
    kernels.avg_pool2d_dx(*contiguous(dy), bounds(rows), bounds(columns), dx)
    return dx


def bounds(windows: Windows) -> Any:
    """Return windows as an array (number of windows, 3)."""
    return np.array(windows, np.int64).reshape(-1, 3)


max_pool2d.defvjp(x=lambda g_y, index, x_shape: scatter_planes(g_y, index, shape=x_shape))
scatter_planes.defvjp(x=lambda g, index: gather_planes(g, index))
gather_planes.defvjp(x=lambda g, index, x_shape: scatter_planes(g, index, shape=x_shape))
avg_pool2d.defvjp(x=lambda g, x_shape, rows, columns: avg_pool2d_dx(g, rows=rows, columns=columns, size=x_shape[2:]))
avg_pool2d_dx.defvjp(dy=lambda g, rows, columns: avg_pool2d(g, rows=rows, columns=columns))
