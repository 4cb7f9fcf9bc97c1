"""Pooling: the largest or the mean of each window of an image or a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import wrap
from ..errors import ArgumentError, ShapeError
from ._arguments import array_in, as_array, flag, integers, ints, number, one_int, pair
from .activation import relu
from .conv import flat, single, tall
from .layers import by_floats, same_numbers
from .scattering import scatter

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
    x = check_space("max_pool2d", input, 2, "fiu")
    if 0 in x.shape[-3:]:
        raise ShapeError(f"max_pool2d: the input has shape {x.shape}; no size but the batch's may be 0")
    if x.dtype.kind != "f":
        floats = ops.cast(input, dtype=np.dtype(np.float64), source=x.dtype)
        y, index = max_pool2d(floats, kernel_size, stride, padding, dilation, ceil_mode, True)
        y = ops.cast(y, dtype=x.dtype, source=floats.dtype)
        return (y, index) if return_indices else y
    if x.ndim == 3:
        one = ops.reshape(input, shape=(1, *x.shape))
        result = max_pool2d(one, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
        parts = [ops.reshape(part, shape=part.shape[1:]) for part in (result if return_indices else (result,))]
        return tuple(parts) if return_indices else parts[0]
    kernels = pair(kernel_size, "kernel_size", 1)
    strides = kernels if stride is None or stride in ([], ()) else pair(stride, "stride", 1)
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
    if flag(ceil_mode, "ceil_mode") and room % stride and size * stride < n + padding:
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
    check_space("max_pool1d", input, 1, "fiu")
    strides = None if stride is None or stride in ([], ()) else (1, single(stride, "stride", 1))
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
    check_space("avg_pool1d", input, 1, "fi")
    strides = None if stride is None or stride in ([], ()) else (1, single(stride, "stride", 1))
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
    x = check_space("avg_pool2d", input, 2, "fi")
    if x.dtype.kind == "i":
        options = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
        return by_floats(lambda floats: avg_pool2d(floats, *options), input)
    kernels = pair(kernel_size, "kernel_size", 1)
    strides = kernels if stride is None or stride in ([], ()) else pair(stride, "stride", 1)
    pads = pair(padding, "padding")
    check_padding(padding, pads, kernels, kernel_size)
    if divisor_override is not None:
        divisor_override = one_int(divisor_override, "divisor_override")
        if divisor_override == 0:
            raise ArgumentError("divisor_override: got 0, expected another int")
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
        inside = not flag(count_include_pad, "count_include_pad")
        bounds.append((first, end, end - first if inside else stop - start))
    return tuple(bounds)


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """y[n,c,j] = the mean of x[n,c] from ⌊j L / size⌋ to ⌈(j + 1) L / size⌉. x (N, C, L) or (C, L).

    >>> import minidl
    >>> minidl.nn.functional.adaptive_avg_pool1d(minidl.arange(5.0).reshape(1, 1, 5), 2)
    tensor([[[1., 3.]]])
    """
    check_space("adaptive_avg_pool1d", input, 1)
    return flat(adaptive_avg_pool2d(tall(input), (1, single(output_size, "output_size"))))


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """y[n,c,i,j] = the mean over rows ⌊i H / size⌋ to ⌈(i + 1) H / size⌉, and columns likewise; None keeps a size.

    x (N, C, H, W) or (C, H, W); output_size an int or (height, width).

    >>> import minidl
    >>> minidl.nn.functional.adaptive_avg_pool2d(minidl.arange(9.0).reshape(1, 3, 3), (2, 1))
    tensor([[[2.5000],
             [5.5000]]])
    """
    rows, columns = adaptive_windows("adaptive_avg_pool2d", input, output_size)
    return pooled(input, rows, columns)


def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """y[n,c,j] = the largest of x[n,c] from ⌊j L / size⌋ to ⌈(j + 1) L / size⌉. x (N, C, L) or (C, L).

    >>> import minidl
    >>> minidl.nn.functional.adaptive_max_pool1d(minidl.arange(5.0).reshape(1, 1, 5), 2)
    tensor([[[2., 4.]]])
    """
    check_space("adaptive_max_pool1d", input, 1)
    size = (1, single(output_size, "output_size"))
    y, index = adaptive_max_pool2d(tall(input), size, return_indices=True)
    return (flat(y), flat(index)) if return_indices else flat(y)


def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """y[n,c,i,j] = the largest in the windows of adaptive_avg_pool2d; with return_indices also their places in H·W.

    >>> import minidl
    >>> minidl.nn.functional.adaptive_max_pool2d(minidl.arange(9.0).reshape(1, 3, 3), (2, 1))
    tensor([[[5.],
             [8.]]])
    """
    rows, columns = adaptive_windows("adaptive_max_pool2d", input, output_size)
    x = as_array(input)
    if x.ndim == 3:
        parts = adaptive_max_pool2d(ops.reshape(input, shape=(1, *x.shape)), output_size, return_indices=True)
        y, index = (ops.reshape(part, shape=part.shape[1:]) for part in parts)
    elif rows and columns and x.shape[2] % len(rows) == x.shape[3] % len(columns) == 0:  # windows of one size
        kernel = x.shape[2] // len(rows), x.shape[3] // len(columns)
        return max_pool2d(input, kernel, return_indices=return_indices)
    else:
        (r, c), (n, channels, _, width) = (reads(rows), reads(columns)), x.shape
        seen = x[:, :, r[:, None, :, None], c[None, :, None, :]].reshape(
            n, channels, len(r), len(c), r[:1].size * c[:1].size
        )
        best = largest(seen) if seen.size else np.zeros(seen.shape[:4], np.int64)
        u, v = np.divmod(best, max(c.shape[1], 1))  # the best place within its window
        i, j = np.arange(len(r))[:, None], np.arange(len(c))
        index = wrap(r[i, u] * width + c[j, v])
        y = ops.gather_planes(input, index)
    return (y, index) if return_indices else y


def largest(windows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return where the largest stands along the last dimension: the first one, but of several NaN the last."""
    nan = np.isnan(windows)
    last_nan = windows.shape[-1] - 1 - np.argmax(nan[..., ::-1], -1)
    return np.where(nan.any(-1), last_nan, np.argmax(windows, -1))


def reads(windows: Windows) -> np.ndarray[Any, Any]:
    """Return the places of each window, (windows, longest); a shorter one repeats its last."""
    first, end = (np.array([window[k] for window in windows], np.int64)[:, None] for k in (0, 1))
    return np.minimum(first + np.arange((end - first).max(initial=0)), end - 1)


def adaptive_windows(name: str, input: Any, output_size: Any) -> tuple[Windows, Windows]:
    """Return the windows of rows and columns that output_size, in which None keeps a size, stands for."""
    x = check_space(name, input, 2)
    sizes = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    if len(sizes) != 2 or output_size is None:
        raise ShapeError(f"output_size: got {output_size!r}, expected an int or two (height, width)")
    wanted = [n if size is None else size for size, n in zip(sizes, x.shape[-2:], strict=True)]
    height, width = integers(wanted, "output_size")
    if min(height, width) < 0 or 0 in x.shape[-3 if x.ndim == 3 else -2 :]:
        raise ShapeError(f"{name}: output_size is {output_size} for the input {x.shape}, none may be below 0, or empty")
    return adaptive(x.shape[-2], height), adaptive(x.shape[-1], width)


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


def max_unpool1d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """y[n,c, indices[n,c,j]] = x[n,c,j], zeros elsewhere: max_unpool2d over images of height 1. x (N, C, L) or (C, L).

    >>> import minidl
    >>> minidl.nn.functional.max_unpool1d(minidl.tensor([[5.0]]), minidl.tensor([[1]]), 2)
    tensor([[0., 5.]])
    """
    check_space("max_unpool1d", input, 1)
    strides = None if stride is None or stride in ([], ()) else (1, single(stride, "stride", 1))
    kernel, pads = (1, single(kernel_size, "kernel_size", 1)), (0, single(padding, "padding"))
    size = None if output_size is None else (1, last(output_size, 1)[0])
    places = array_in(indices, "indices")
    places = places.reshape(*places.shape[:-1], 1, *places.shape[-1:])
    return flat(max_unpool2d(tall(input), places, kernel, strides, pads, size))


def max_unpool2d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """y[n,c, indices[n,c,i,j]] = x[n,c,i,j], zeros elsewhere: max_pool2d undone, with the indices that it returned.

    y has (H - 1) s - 2 p + kernel rows, its columns likewise, unless output_size, near that, says otherwise.

    >>> import minidl
    >>> y, places = minidl.nn.functional.max_pool2d(minidl.arange(4.0).reshape(1, 2, 2), 2, return_indices=True)
    >>> minidl.nn.functional.max_unpool2d(y, places, 2)
    tensor([[[0., 0.],
             [0., 3.]]])
    """
    x, index = check_space("max_unpool2d", input, 2), array_in(indices, "indices")
    if index.dtype != np.int64 or index.shape != x.shape:
        raise ShapeError(f"indices: got {index.dtype} of shape {index.shape}, expected int64 of the input's {x.shape}")
    kernels = pair(kernel_size, "kernel_size", 1)
    strides = kernels if stride is None or stride in ([], ()) else pair(stride, "stride", 1)
    pads = pair(padding, "padding")
    size = [(n - 1) * s - 2 * p + k for n, s, p, k in zip(x.shape[-2:], strides, pads, kernels, strict=True)]
    if output_size is not None:
        wanted = last(output_size, 2)
        if any(abs(a - b) >= s for a, b, s in zip(wanted, size, strides, strict=True)):
            raise ShapeError(f"output_size: got {tuple(output_size)}, expected nearer to {tuple(size)} than the stride")
        size = list(wanted)
    lead, places = x.shape[:-2], size[0] * size[1]
    if index.size and not 0 <= index.min() <= index.max() < places:
        raise ShapeError(f"indices: got {index.min()} to {index.max()}, expected 0 to {places - 1} in planes of {size}")
    rows = (int(np.prod(lead)), int(np.prod(x.shape[-2:])))
    zeros = wrap(np.zeros((rows[0], places), x.dtype))
    y = scatter(zeros, 1, index.reshape(rows), ops.reshape(input, shape=rows))
    return ops.reshape(y, shape=(*lead, *size))


def last(output_size: Any, space: int) -> tuple[int, ...]:
    """Return the last sizes of an output_size, which may be given with or without (N, C)."""
    sizes = ints(output_size, "output_size")
    if len(sizes) not in (space, space + 2):
        raise ShapeError(f"output_size: got {output_size}, expected {space} sizes, or {space + 2} with (N, channels)")
    return sizes[-space:]


def lp_pool1d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """y = (Σ x^p)^(1/p) over each window, p = norm_type. x (N, C, L) or (C, L).

    >>> import minidl
    >>> minidl.nn.functional.lp_pool1d(minidl.tensor([[3.0, 4.0]]), 2, 2)
    tensor([[5.]])
    """
    kernel, p = single(kernel_size, "kernel_size", 1), number(norm_type, "norm_type")
    return rooted(avg_pool1d(ops.pow(input, p), kernel, stride, 0, ceil_mode), kernel, p)


def lp_pool2d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """y = (Σ x^p)^(1/p) over each window, p = norm_type. x (N, C, H, W) or (C, H, W).

    >>> import minidl
    >>> minidl.nn.functional.lp_pool2d(minidl.tensor([[[3.0, 4.0]]]), 2, (1, 2))
    tensor([[[5.]]])
    """
    (kh, kw), p = pair(kernel_size, "kernel_size", 1), number(norm_type, "norm_type")
    return rooted(avg_pool2d(ops.pow(input, p), (kh, kw), stride, 0, ceil_mode), kh * kw, p)


def rooted(means: Any, count: int, p: float) -> Any:
    """Return (count · mean)^(1/p), 0 where the mean is not positive."""
    return ops.pow(ops.mul(ops.mul(ops.sign(means), relu(ops.abs(means))), float(count)), 1.0 / p)


def check_space(name: str, input: Any, space: int, kinds: str = "f") -> np.ndarray[Any, Any]:
    """Return the input's array; refuse another number of dimensions, and, where not taken, integers."""
    x = as_array(input)
    same_numbers(name, kinds, input=x)
    if x.ndim not in (space + 1, space + 2):
        sizes = "height, width" if space == 2 else "length"
        form = f"(N, channels, {sizes}) or (channels, {sizes})"
        raise ShapeError(f"{name}: the input has shape {x.shape}, expected {form}")
    return x


def check_padding(padding: Any, pads: tuple[int, int], kernels: tuple[int, int], kernel_size: Any) -> None:
    """Refuse padding that would make windows without an element."""
    if 2 * pads[0] > kernels[0] or 2 * pads[1] > kernels[1]:
        raise ArgumentError(f"padding: got {padding}, expected at most half of kernel_size {kernel_size}")
