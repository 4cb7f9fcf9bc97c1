"""Pooling: the largest or the mean of each window of an image or a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentError, ShapeError
from ._arguments import as_array, integers, pair
from .conv import flat, single, tall
from .layers import same_floats

Windows = tuple[tuple[int, int, int], ...]  # first place, place after the last, divisor


def max_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """y[n,c,i,j] = max_{u,v} x[n,c, i·s+u·d-p, j·s+v·d-p]; the stride is the kernel's size by default.

    x (N, C, H, W) or (C, H, W). Padding counts as -∞. With return_indices also the places in the H·W plane.

    >>> import minidl
    >>> minidl.nn.functional.max_pool2d(minidl.arange(16.0).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """
    x = check_space("max_pool2d", input, 2)
    if x.ndim == 3:
        one = ops.reshape(input, shape=(1, *x.shape))
        result = max_pool2d(one, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
        parts = [ops.reshape(part, shape=part.shape[1:]) for part in (result if return_indices else (result,))]
        return tuple(parts) if return_indices else parts[0]
    kernels = pair(kernel_size, "kernel_size", 1)
    strides = kernels if stride is None or stride == [] else pair(stride, "stride", 1)
    pads, dilations = pair(padding, "padding"), pair(dilation, "dilation", 1)
    check_padding(padding, pads, kernels, kernel_size)
    sizes = [pooled_size(x.shape[2 + a], kernels[a], strides[a], pads[a], dilations[a], ceil_mode) for a in (0, 1)]
    size = (sizes[0], sizes[1])
    if min(size) < 1:
        raise ShapeError(f"max_pool2d: an input of {x.shape[2:]} is smaller than the kernel {kernels}")
    y, index = ops.max_pool2d(input, kernel_size=kernels, stride=strides, padding=pads, dilation=dilations, size=size)
    return (y, ops.cast(index, dtype="int64", source="int32")) if return_indices else y


def pooled_size(n: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """Return ⌊(n + 2p - d(k - 1) - 1) / s⌋ + 1; with ceil_mode rounded up, if the last window starts inside."""
    room = n + 2 * padding - dilation * (kernel - 1) - 1
    size = room // stride + 1
    if ceil_mode and room % stride and size * stride < n + padding:
        size += 1
    return size


def max_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """y[n,c,j] = max_v x[n,c, j·s+v·d-p]: max_pool2d over images of height 1. x (N, C, L) or (C, L).

    >>> import minidl
    >>> minidl.nn.functional.max_pool1d(minidl.arange(6.0).reshape(1, 1, 6), 2)
    tensor([[[1., 3., 5.]]])
    """
    check_space("max_pool1d", input, 1)
    strides = None if stride is None or stride == [] else (1, single(stride, "stride", 1))
    kernel, pads = (1, single(kernel_size, "kernel_size", 1)), (0, single(padding, "padding"))
    dilations = (1, single(dilation, "dilation", 1))
    result = max_pool2d(tall(input), kernel, strides, pads, dilations, ceil_mode, return_indices)
    return tuple(map(flat, result)) if return_indices else flat(result)


def avg_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:  # fmt: skip
    """y[n,c,j] = mean_v x[n,c, j·s+v-p]: avg_pool2d over images of height 1. x (N, C, L) or (C, L).

    >>> import minidl
    >>> minidl.nn.functional.avg_pool1d(minidl.arange(6.0).reshape(1, 1, 6), 2)
    tensor([[[0.5000, 2.5000, 4.5000]]])
    """
    check_space("avg_pool1d", input, 1)
    strides = None if stride is None or stride == [] else (1, single(stride, "stride", 1))
    kernel, pads = (1, single(kernel_size, "kernel_size", 1)), (0, single(padding, "padding"))
    return flat(avg_pool2d(tall(input), kernel, strides, pads, ceil_mode, count_include_pad))


def avg_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    """y[n,c,i,j] = mean_{u,v} x[n,c, i·s+u-p, j·s+v-p]; the stride is the kernel's size by default.

    x (N, C, H, W) or (C, H, W). Padding counts as zeros, unless not count_include_pad: then the mean is that of the
    elements inside. With divisor_override the sum is divided by that.

    >>> import minidl
    >>> minidl.nn.functional.avg_pool2d(minidl.arange(16.0).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 2.5000,  4.5000],
              [10.5000, 12.5000]]]])
    """
    x = check_space("avg_pool2d", input, 2)
    kernels = pair(kernel_size, "kernel_size", 1)
    strides = kernels if stride is None or stride == [] else pair(stride, "stride", 1)
    pads = pair(padding, "padding")
    check_padding(padding, pads, kernels, kernel_size)
    if divisor_override is not None and (not isinstance(divisor_override, int) or divisor_override == 0):
        raise ArgumentError(f"divisor_override: got {divisor_override!r}, expected an int other than 0")
    rows, columns = (
        windows(x.shape[axis - 2], kernels[axis], strides[axis], pads[axis], ceil_mode, count_include_pad)
        for axis in (0, 1)
    )
    if min(len(rows), len(columns)) < 1:
        raise ShapeError(f"avg_pool2d: an input of {x.shape[-2:]} is smaller than the kernel {kernels}")
    if divisor_override is not None:
        rows = tuple([(first, end, divisor_override) for first, end, _ in rows])
        columns = tuple([(first, end, 1) for first, end, _ in columns])
    return pooled(input, rows, columns)


def windows(n: int, kernel: int, stride: int, padding: int, ceil_mode: bool, count_include_pad: bool) -> Windows:
    """Return first, end and divisor of each window along a dimension of size n."""
    bounds = []
    for k in range(pooled_size(n, kernel, stride, padding, 1, ceil_mode)):
        start, stop = k * stride - padding, min(k * stride - padding + kernel, n + padding)
        first, end = max(start, 0), min(stop, n)
        bounds.append((first, end, stop - start if count_include_pad else end - first))
    return tuple(bounds)


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """y[n,c,j] = the mean of x[n,c] from ⌊j L / size⌋ to ⌈(j + 1) L / size⌉. x (N, C, L) or (C, L).

    >>> import minidl
    >>> minidl.nn.functional.adaptive_avg_pool1d(minidl.arange(5.0).reshape(1, 1, 5), 2)
    tensor([[[1., 3.]]])
    """
    check_space("adaptive_avg_pool1d", input, 1)
    return flat(adaptive_avg_pool2d(tall(input), (1, single(output_size, "output_size", 1))))


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """y[n,c,i,j] = the mean over rows ⌊i H / size⌋ to ⌈(i + 1) H / size⌉, and columns likewise; None keeps a size.

    x (N, C, H, W) or (C, H, W); output_size an int or (height, width).

    >>> import minidl
    >>> minidl.nn.functional.adaptive_avg_pool2d(minidl.arange(9.0).reshape(1, 3, 3), (2, 1))
    tensor([[[2.5000],
             [5.5000]]])
    """
    x = check_space("adaptive_avg_pool2d", input, 2)
    sizes = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    if len(sizes) != 2:
        raise ShapeError(f"output_size: got {output_size!r}, expected an int or two (height, width)")
    wanted = [n if size is None else size for size, n in zip(sizes, x.shape[-2:], strict=True)]
    height, width = integers(wanted, "output_size")
    if min(height, width, *x.shape[-2:]) < 1:
        raise ShapeError(f"adaptive_avg_pool2d: output_size is {output_size} for the input {x.shape}, expected above 0")
    return pooled(input, adaptive(x.shape[-2], height), adaptive(x.shape[-1], width))


def adaptive(n: int, size: int) -> Windows:
    """Return first, end and divisor of `size` windows that cover n places evenly."""
    bounds = [(k * n // size, -(-(k + 1) * n // size)) for k in range(size)]
    return tuple([(first, end, end - first) for first, end in bounds])


def pooled(input: Any, rows: Windows, columns: Windows) -> Any:
    """Return the means of the windows of images, or of one image."""
    x = as_array(input)
    if x.ndim == 4:
        return ops.avg_pool2d(input, rows=rows, columns=columns)
    y = ops.avg_pool2d(ops.reshape(input, shape=(1, *x.shape)), rows=rows, columns=columns)
    return ops.reshape(y, shape=y.shape[1:])


def check_space(name: str, input: Any, space: int) -> np.ndarray[Any, Any]:
    """Return the input's array; refuse integers and another number of dimensions."""
    x = as_array(input)
    same_floats(name, input=x)
    if x.ndim not in (space + 1, space + 2):
        sizes = "height, width" if space == 2 else "length"
        form = f"(N, channels, {sizes}) or (channels, {sizes})"
        raise ShapeError(f"{name}: the input has shape {x.shape}, expected {form}")
    return x


def check_padding(padding: Any, pads: tuple[int, int], kernels: tuple[int, int], kernel_size: Any) -> None:
    """Refuse padding that would make windows without an element."""
    if 2 * pads[0] > kernels[0] or 2 * pads[1] > kernels[1]:
        raise ArgumentError(f"padding: got {padding}, expected at most half of kernel_size {kernel_size}")
