"""What the doors of kernels share: kernels take contiguous arrays, and any other layout is converted here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ascontiguousarray, ndarray


def contiguous(*arrays: Any) -> list[Any]:
    """Return the arrays in row-major order, copied only where they are not; None stays None."""
    return [x if x is None or x.flags.c_contiguous else ascontiguousarray(x) for x in arrays]


def computed(kernel: Any, x: Any, function: str) -> Any:
    """Return f(x) by kernels.elementwise_forward, for an array of any type or a number."""
    array = np.asarray(x)
    kind = array.dtype.char
    if kind not in "fd":  # float16 goes by way of float32
        array = array.astype(np.float32 if kind == "e" else np.float64)
    (array,) = contiguous(array)
    y = np.empty(array.shape, array.dtype)
    kernel(array, y, function)
    if kind == "e":
        y = y.astype(np.float16)
    return y if type(x) is ndarray else y[()]


def sloped(kernel: Any, g: Any, x: Any, function: str) -> Any:
    """Return g f'(x) by kernels.elementwise_backward."""
    kind = x.dtype
    if kind.char not in "fd":
        x = x.astype(np.float32)
    g, x = contiguous(np.asarray(g, x.dtype), x)
    dx = np.empty(x.shape, x.dtype)
    kernel(g, x, dx, function)
    return dx.astype(kind, copy=False)
