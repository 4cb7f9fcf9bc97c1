"""The functions behind layers: arguments read and checked, then one operation."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops, random
from ..autograd import wrap
from ..errors import ArgumentError, DTypeError, ShapeError
from ._arguments import as_array, pair


def same_floats(name: str, **arrays: Any) -> None:
    """Refuse integers, and inputs of different element types, before any kernel runs."""
    first, wanted = None, None
    for argument, value in arrays.items():
        if value is None:
            continue
        dtype = as_array(value, argument).dtype
        if dtype.kind != "f":
            raise DTypeError(f"{name}: {argument} is {dtype}, expected a floating dtype; call .float() on it")
        if wanted is None:
            first, wanted = argument, dtype
        elif dtype != wanted:
            raise DTypeError(f"{name}: {first} is {wanted} and {argument} is {dtype}; make them equal with .to(dtype)")


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """y = x Wᵀ + b for x (..., in), W (out, in), b (out) or none.

    >>> import minidl
    >>> minidl.nn.functional.linear(minidl.ones(1, 2), minidl.tensor([[1.0, 2.0]]), minidl.tensor([0.5]))
    tensor([[3.5000]])
    """
    x, w = as_array(input), as_array(weight, "weight")
    same_floats("linear", input=x, weight=w, bias=bias)
    if w.ndim != 2:
        raise ShapeError(f"linear: weight has shape {w.shape}, expected (out_features, in_features)")
    if x.ndim == 0 or x.shape[-1] != w.shape[1]:
        got = x.shape[-1] if x.ndim else "no"
        raise ShapeError(
            f"linear: the input has {got} features in its last dimension (shape {x.shape}), the weight expects "
            f"{w.shape[1]} (weight {w.shape}); flatten the input or set in_features to match"
        )
    if bias is not None and as_array(bias, "bias").shape != (w.shape[0],):
        raise ShapeError(f"linear: bias has shape {as_array(bias).shape}, expected ({w.shape[0]},)")
    if x.ndim == 2:
        return ops.linear(input, weight, bias)
    rows = ops.reshape(input, shape=(x.size // w.shape[1] if w.shape[1] else int(np.prod(x.shape[:-1])), w.shape[1]))
    return ops.reshape(ops.linear(rows, weight, bias), shape=(*x.shape[:-1], w.shape[0]))


def conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """y[n,k,i,j] = b[k] + Σ_{c,u,v} x[n,c, i·s+u·d-p, j·s+v·d-p] w[k,c,u,v], the cross-correlation of deep learning.

    x (N, C, H, W) or (C, H, W), w (K, C/groups, kh, kw), b (K); padding an int, a pair, "valid" (none) or "same".

    >>> import minidl
    >>> x = minidl.arange(9.0).reshape(1, 1, 3, 3)
    >>> minidl.nn.functional.conv2d(x, minidl.ones(1, 1, 2, 2))
    tensor([[[[ 8., 12.],
              [20., 24.]]]])
    """
    x, w = as_array(input), as_array(weight, "weight")
    same_floats("conv2d", input=x, weight=w, bias=bias)
    if w.ndim != 4:
        raise ShapeError(
            f"conv2d: weight has shape {w.shape}, expected (out_channels, in_channels/groups, height, width)"
        )
    if x.ndim == 3:
        y = conv2d(ops.reshape(input, shape=(1, *x.shape)), weight, bias, stride, padding, dilation, groups)
        return ops.reshape(y, shape=y.shape[1:])
    if x.ndim != 4:
        raise ShapeError(
            f"conv2d: the input has shape {x.shape}, expected (N, channels, height, width) or (channels, height, width)"
        )
    strides, dilations = pair(stride, "stride", 1), pair(dilation, "dilation", 1)
    if not isinstance(groups, int) or groups < 1 or w.shape[0] % groups:
        raise ArgumentError(
            f"conv2d: groups is {groups}, expected a positive divisor of the {w.shape[0]} output channels"
        )
    if x.shape[1] != w.shape[1] * groups:
        raise ShapeError(
            f"conv2d: the input has {x.shape[1]} channels (shape {x.shape}), the weight expects {w.shape[1] * groups} "
            f"(weight {w.shape}, groups {groups})"
        )
    if bias is not None and as_array(bias, "bias").shape != (w.shape[0],):
        raise ShapeError(f"conv2d: bias has shape {as_array(bias).shape}, expected ({w.shape[0]},)")
    reach = [d * (k - 1) for d, k in zip(dilations, w.shape[2:], strict=True)]
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ArgumentError(f'padding: got {padding!r}, expected ints, "valid" or "same"')
        if padding == "same" and strides != (1, 1):
            raise ArgumentError('padding: "same" needs stride 1')
        total = reach if padding == "same" else [0, 0]
        if total[0] % 2 or total[1] % 2:  # one more behind than in front
            input = padded_behind(input, total[0] % 2, total[1] % 2)
            x = as_array(input)
        pads = (total[0] // 2, total[1] // 2)
    else:
        pads = pair(padding, "padding")
    for axis in (0, 1):
        if w.shape[2 + axis] == 0 or x.shape[2 + axis] + 2 * pads[axis] < reach[axis] + 1:
            raise ShapeError(
                f"conv2d: the kernel reaches over {reach[axis] + 1} pixels, the padded input has only "
                f"{x.shape[2 + axis] + 2 * pads[axis]} ({'height' if axis == 0 else 'width'})"
            )
    return ops.conv2d(input, weight, bias, stride=strides, padding=pads, dilation=dilations, groups=groups)


def padded_behind(x: Any, rows: int, columns: int) -> Any:
    """Return images with zeros below and to the right."""
    n, c, h, w = as_array(x).shape
    return ops.place(x, index=(slice(None), slice(None), slice(0, h), slice(0, w)), shape=(n, c, h + rows, w + columns))


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
    x = as_array(input)
    same_floats("max_pool2d", input=x)
    if x.ndim == 3:
        pooled = max_pool2d(
            ops.reshape(input, shape=(1, *x.shape)), kernel_size, stride, padding, dilation, ceil_mode, True
        )
        y, index = (ops.reshape(part, shape=part.shape[1:]) for part in pooled)
        return (y, index) if return_indices else y
    if x.ndim != 4:
        raise ShapeError(
            f"max_pool2d: the input has shape {x.shape}, expected (N, channels, height, width) or without N"
        )
    kernels = pair(kernel_size, "kernel_size", 1)
    strides = kernels if stride is None or stride == [] else pair(stride, "stride", 1)
    pads, dilations = pair(padding, "padding"), pair(dilation, "dilation", 1)
    if any(p > k // 2 for p, k in zip(pads, kernels, strict=True)):
        raise ArgumentError(f"padding: got {padding}, expected at most half of kernel_size {kernel_size}")
    size = tuple(pooled_size(x.shape[2 + a], kernels[a], strides[a], pads[a], dilations[a], ceil_mode) for a in (0, 1))
    if min(size) < 1:
        raise ShapeError(f"max_pool2d: an input of {x.shape[2:]} is smaller than the kernel {kernels}")
    y, index = ops.max_pool2d(input, kernel_size=kernels, stride=strides, padding=pads, dilation=dilations, size=size)
    return (y, index) if return_indices else y


def pooled_size(n: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """Return ⌊(n + 2p - d(k - 1) - 1) / s⌋ + 1; with ceil_mode rounded up, if the last window starts inside."""
    room = n + 2 * padding - dilation * (kernel - 1) - 1
    size = room // stride + 1
    if ceil_mode and room % stride and size * stride < n + padding:
        size += 1
    return size


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """y = x · m / (1 - p), each m 0 with probability p, else 1; y = x when not training.

    Source: Srivastava et al. 2014.

    >>> import minidl
    >>> minidl.nn.functional.dropout(minidl.ones(2), p=1.0)
    tensor([0., 0.])
    """
    if not 0 <= p <= 1:
        raise ArgumentError(f"dropout: p is a probability from 0 to 1, got {p}")
    if not training or p == 0:
        return input
    x = as_array(input)
    same_floats("dropout", input=x)
    kept = random.uniform(x.shape, x.dtype, None) >= p
    y = ops.mul(input, wrap(kept * x.dtype.type(1 / (1 - p) if p < 1 else 0)))
    return input.copy_(y) if inplace else y
