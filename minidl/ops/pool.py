"""Max pooling; its gradient scatters to the chosen elements, whose gradient gathers from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..operation import primitive
from ._door import contiguous

Pair = tuple[int, int]


@primitive(outputs=("y", "index"))
def max_pool2d(
    x: Any, *, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, size: Pair
) -> tuple[Any, Any]:
    """y[n,c,i,j] = max_{u,v} x[n,c, i·s+u·d-p, j·s+v·d-p]; `index` is where in the plane, `size` the output's."""
    y = np.empty((*x.shape[:2], *size), x.dtype)
    index = np.empty(y.shape, np.int64)
    kernels.max_pool2d_forward(*contiguous(x), y, index, kernel_size, stride, padding, dilation)
    return y, index


@primitive
def scatter_planes(x: Any, index: Any, *, shape: tuple[int, ...]) -> Any:
    """y[n,c, index[n,c,i]] += x[n,c,i]: each plane's values added to where they came from, zeros elsewhere."""
    y = np.empty(shape, x.dtype)
    planes = x.shape[0] * x.shape[1]
    x, index = contiguous(x, index)
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


max_pool2d.defvjp(x=lambda g_y, index, x_shape: scatter_planes(g_y, index, shape=x_shape))
scatter_planes.defvjp(x=lambda g, index: gather_planes(g, index))
gather_planes.defvjp(x=lambda g, index, x_shape: scatter_planes(g, index, shape=x_shape))
