"""The windows of images as columns, and columns added up to images again: convolution's view of a product."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .. import ops
from ..errors import ShapeError
from ._arguments import as_array, pair
from .layers import same_floats
from .padding import surrounded


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """y[n, (c·kh+u)·kw+v, i·W'+j] = x[n,c, i·s+u·d-p, j·s+v·d-p]: each window of x is a column of y (im2col).

    x (N, C, H, W) or (C, H, W) -> y (N, C·kh·kw, H'·W').

    >>> import minidl
    >>> minidl.nn.functional.unfold(minidl.arange(4.0).reshape(1, 1, 2, 2), (1, 2))
    tensor([[[0., 2.],
             [1., 3.]]])
    """
    x = as_array(input)
    if x.dtype != np.bool_:
        same_floats("unfold", input=x)
    if x.ndim not in (3, 4) or 0 in x.shape[-3:]:
        raise ShapeError(f"unfold: the input has shape {x.shape}, expected (N, C, H, W), none of them 0")
    if x.ndim == 3:
        y = unfold(ops.reshape(input, shape=(1, *x.shape)), kernel_size, dilation, padding, stride)
        return ops.reshape(y, shape=y.shape[1:])
    around, index, (*kernel, rows, columns) = windows("unfold", x.shape[2:], kernel_size, dilation, padding, stride)
    places_first = ops.permute(surrounded(input, [(0, 0), (0, 0), *around], 0), dims=(2, 3, 0, 1))
    read = ops.permute(ops.getitem(places_first, index=index), dims=(4, 5, 0, 1, 2, 3))
    return ops.reshape(read, shape=(x.shape[0], x.shape[1] * prod(kernel), rows * columns))


def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """x[n,c, i·s+u·d-p, j·s+v·d-p] += y[n, (c·kh+u)·kw+v, i·W'+j]: the adjoint of unfold.

    y (N, C·kh·kw, H'·W'), or without N -> x (N, C, *output_size): where windows overlap, they are added up.

    >>> import minidl
    >>> minidl.nn.functional.fold(minidl.ones(1, 2, 2), (1, 3), (1, 2))
    tensor([[[[1., 2., 1.]]]])
    """
    y = as_array(input)
    if y.dtype != np.bool_:
        same_floats("fold", input=y)
    if y.ndim not in (2, 3) or 0 in y.shape[-2:]:
        raise ShapeError(f"fold: the input has shape {y.shape}, expected (N, C·kernel, windows), none of them 0")
    if y.ndim == 2:
        one = fold(ops.reshape(input, shape=(1, *y.shape)), output_size, kernel_size, dilation, padding, stride)
        return ops.reshape(one, shape=one.shape[1:])
    size = pair(output_size, "output_size", 1)
    around, index, (*kernel, rows, columns) = windows("fold", size, kernel_size, dilation, padding, stride)
    if y.shape[1] % prod(kernel) or y.shape[2] != rows * columns:
        raise ShapeError(
            f"fold: the input has shape {y.shape}, expected a multiple of {prod(kernel)} channels and "
            f"{rows * columns} columns, the windows of {size}"
        )
    n, c = y.shape[0], y.shape[1] // prod(kernel)
    apart = ops.permute(ops.reshape(input, shape=(n, c, *kernel, rows, columns)), dims=(2, 3, 4, 5, 0, 1))
    padded = tuple([side + 2 * around[k][0] for k, side in enumerate(size)])
    x = ops.permute(ops.place(apart, index=index, shape=(*padded, n, c)), dims=(2, 3, 0, 1))
    return surrounded(x, [(0, 0), (0, 0), *[(-p, -p) for p, _ in around]], 0)


def windows(
    name: str, size: tuple[int, ...], kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[list[tuple[int, int]], tuple[Any, Any], tuple[int, ...]]:
    """Return the padding of the image, the rows and columns that the windows read, and the shape of that index."""
    kernel, dilations = pair(kernel_size, "kernel_size", 1), pair(dilation, "dilation", 1)
    pads, strides = pair(padding, "padding"), pair(stride, "stride", 1)
    reads, counts = [], []
    for side, k, d, p, s in zip(size, kernel, dilations, pads, strides, strict=True):
        counts.append((side + 2 * p - d * (k - 1) - 1) // s + 1)
        reads.append(d * np.arange(k)[:, None] + s * np.arange(max(counts[-1], 0)))  # (kernel, windows)
    if min(counts) < 1:
        raise ShapeError(f"{name}: the kernel {kernel}, dilation {dilations}, does not fit into {size}, padded {pads}")
    index = reads[0][:, None, :, None], reads[1][None, :, None, :]
    return [(p, p) for p in pads], index, (*kernel, *counts)
