"""Softmax and its logarithm, shifted by the maximum so that nothing overflows; and what they do to a cotangent."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..operation import primitive
from ._door import contiguous
from .elementwise import exp
from .reduce import sum


@primitive
def softmax(x: Any, *, dim: int) -> Any:
    """y_i = e^(x_i - m) / Σ_j e^(x_j - m), m = max x, along `dim`."""
    return along(dim, kernels.softmax_forward, False, x)


@primitive
def log_softmax(x: Any, *, dim: int) -> Any:
    """y_i = x_i - m - ln Σ_j e^(x_j - m), m = max x, along `dim`."""
    return along(dim, kernels.softmax_forward, True, x)


@primitive
def softmax_dx(dy: Any, y: Any, *, dim: int) -> Any:
    """dx_i = y_i (dy_i - Σ_j dy_j y_j): what y = softmax(x) does to a cotangent."""
    return along(dim, kernels.softmax_backward, False, dy, y)


@primitive
def log_softmax_dx(dy: Any, y: Any, *, dim: int) -> Any:
    """dx_i = dy_i - e^(y_i) Σ_j dy_j: what y = log_softmax(x) does to a cotangent."""
    return along(dim, kernels.softmax_backward, True, dy, y)


def along(dim: int, kernel: Any, logarithm: bool, *arrays: Any) -> Any:
    """Let a kernel work along one dimension, with all before and all behind it as one each."""
    shape, dtype = arrays[-1].shape, arrays[-1].dtype
    dim %= len(shape)
    if dtype.char not in "fd":
        wider = np.float32 if dtype.char == "e" else np.float64
        arrays = tuple([x.astype(wider) for x in arrays])
    parts = (prod(shape[:dim]), shape[dim], prod(shape[dim + 1 :]))
    y = np.empty(shape, arrays[-1].dtype)
    kernel(*[x.reshape(parts) for x in contiguous(*arrays)], y.reshape(parts), logarithm)
    return y.astype(dtype) if dtype.char == "e" else y


softmax.defvjp(x=lambda g, out, dim: softmax_dx(g, out, dim=dim))
log_softmax.defvjp(x=lambda g, out, dim: log_softmax_dx(g, out, dim=dim))
softmax_dx.defvjp(
    dy=lambda g, y, dim: softmax_dx(g, y, dim=dim),
    y=lambda g, dy, y, dim: g * (dy - sum(dy * y, dim=dim, keepdim=True)) - dy * sum(g * y, dim=dim, keepdim=True),
)
log_softmax_dx.defvjp(
    dy=lambda g, y, dim: g - sum(g * exp(y), dim=dim, keepdim=True),
    y=lambda g, dy, y, dim: -g * exp(y) * sum(dy, dim=dim, keepdim=True),
)
