"""Convolutions in one and two dimensions, and their transposes: all of them the one family of ops/conv.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentError, ShapeError
from ._arguments import as_array, integers, one_int, pair
from .layers import by_floats, same_numbers
from .padding import surrounded


def conv1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """y[n,k,j] = b[k] + Σ_{c,v} x[n,c, j·s+v·d-p] w[k,c,v]: conv2d over images of height 1.

    x (N, C, L) or (C, L), w (K, C/groups, kl), b (K); padding an int, "valid" (none) or "same".

    >>> import minidl
    >>> minidl.nn.functional.conv1d(minidl.arange(4.0).reshape(1, 1, 4), minidl.tensor([[[1.0, 10.0]]]))
    tensor([[[10., 21., 32.]]])
    """
    x, w = as_array(input), as_array(weight, "weight")
    check_weight("conv1d", w, 1, "(out_channels, in_channels/groups, length)")
    if x.ndim not in (2, 3):
        raise ShapeError(f"conv1d: the input has shape {x.shape}, expected (N, channels, length) or (channels, length)")
    pads = padding if isinstance(padding, str) else (0, single(padding, "padding"))
    strides, dilations = (1, single(stride, "stride", 1)), (1, single(dilation, "dilation", 1))
    return flat(convolution("conv1d", tall(input), tall(weight), bias, strides, pads, dilations, groups))


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
    check_weight("conv2d", as_array(weight, "weight"), 2, "(out_channels, in_channels/groups, height, width)")
    return convolution("conv2d", input, weight, bias, stride, padding, dilation, groups)


def convolution(
    name: str, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """Check what came, work out the padding, and convolve in two dimensions."""
    x, w = as_array(input), as_array(weight)
    if x.dtype != w.dtype or x.dtype.char not in "fd" or (bias is not None and as_array(bias, "bias").dtype != x.dtype):
        same_numbers(name, "fiu", input=x, weight=w, bias=bias)
        return by_floats(
            lambda x, w, b: convolution(name, x, w, b, stride, padding, dilation, groups), input, weight, bias
        )
    if x.ndim == 3:
        y = convolution(name, ops.reshape(input, shape=(1, *x.shape)), weight, bias, stride, padding, dilation, groups)
        return ops.reshape(y, shape=y.shape[1:])
    if x.ndim != 4:
        raise ShapeError(
            f"{name}: the input has shape {x.shape}, expected (N, channels, height, width) or (channels, height, width)"
        )
    strides, dilations = pair(stride, "stride", 1), pair(dilation, "dilation", 1)
    groups = checked_groups(name, groups, w.shape[0], "output")
    if x.shape[1] != w.shape[1] * groups:
        raise ShapeError(
            f"{name}: the input has {x.shape[1]} channels (shape {x.shape}), the weight expects {w.shape[1] * groups} "
            f"(weight {w.shape}, groups {groups})"
        )
    check_bias(name, bias, w.shape[0])
    reach = [dilations[0] * (w.shape[2] - 1), dilations[1] * (w.shape[3] - 1)]
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ArgumentError(f'padding: got {padding!r}, expected ints, "valid" or "same"')
        if padding == "same" and strides != (1, 1):
            raise ArgumentError('padding: "same" needs stride 1')
        total = reach if padding == "same" else [0, 0]
        if total[0] % 2 or total[1] % 2:  # one more behind than in front
            input = surrounded(input, [(0, 0), (0, 0), (0, total[0] % 2), (0, total[1] % 2)], 0)
            x = as_array(input)
        pads = (total[0] // 2, total[1] // 2)
    else:
        pads = pair(padding, "padding")
    for axis in (0, 1):
        if w.shape[2 + axis] == 0 or x.shape[2 + axis] == 0 or x.shape[2 + axis] + 2 * pads[axis] < reach[axis] + 1:
            raise ShapeError(
                f"{name}: the kernel reaches over {reach[axis] + 1} pixels, the padded input has only "
                f"{x.shape[2 + axis] + 2 * pads[axis]} ({'height' if axis == 0 else 'width'})"
            )
    return ops.conv2d(input, weight, bias, stride=strides, padding=pads, dilation=dilations, groups=groups)


def conv_transpose1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    """y[n,k, j·s+v·d-p] = b[k] + Σ_{c,j,v} x[n,c,j] w[c,k,v]: conv_transpose2d over images of height 1.

    x (N, C, L) or (C, L), w (C, K/groups, kl), b (K); y has (L - 1) s - 2 p + d (kl - 1) + output_padding + 1 columns.

    >>> import minidl
    >>> minidl.nn.functional.conv_transpose1d(minidl.ones(1, 1, 2), minidl.tensor([[[1.0, 10.0]]]), stride=2)
    tensor([[[ 1., 10.,  1., 10.]]])
    """
    x, w = as_array(input), as_array(weight, "weight")
    check_weight("conv_transpose1d", w, 1, "(in_channels, out_channels/groups, length)")
    if x.ndim not in (2, 3):
        raise ShapeError(
            f"conv_transpose1d: the input has shape {x.shape}, expected (N, channels, length) or (channels, length)"
        )
    strides, dilations = (1, single(stride, "stride", 1)), (1, single(dilation, "dilation", 1))
    pads, more = (0, single(padding, "padding")), (0, single(output_padding, "output_padding"))
    return flat(transposed("conv_transpose1d", tall(input), tall(weight), bias, strides, pads, more, groups, dilations))


def conv_transpose2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    """y[n,k, i·s+u·d-p, j·s+v·d-p] = b[k] + Σ_{c,i,j,u,v} x[n,c,i,j] w[c,k,u,v]: the gradient of conv2d, used forward.

    x (N, C, H, W) or (C, H, W), w (C, K/groups, kh, kw), b (K). y has (H - 1) s - 2 p + d (kh - 1) + output_padding + 1
    rows, its columns likewise; output_padding, less than the stride or the dilation, chooses among the sizes that a
    convolution makes one. Source: Zeiler et al. 2010, Deconvolutional networks.

    >>> import minidl
    >>> minidl.nn.functional.conv_transpose2d(minidl.ones(1, 1, 1, 2), minidl.ones(1, 1, 2, 2))
    tensor([[[[1., 2., 1.],
              [1., 2., 1.]]]])
    """
    check_weight("conv_transpose2d", as_array(weight, "weight"), 2, "(in_channels, out_channels/groups, height, width)")
    return transposed("conv_transpose2d", input, weight, bias, stride, padding, output_padding, groups, dilation)


def transposed(
    name: str, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, output_padding: Any, groups: int,
    dilation: Any,
) -> Any:  # fmt: skip
    """Check what came, work out the size of y, and convolve backwards in two dimensions."""
    x, w = as_array(input), as_array(weight)
    same_numbers(name, "fiu", input=x, weight=w, bias=bias)
    if x.dtype.kind != "f":
        options = (stride, padding, output_padding, groups, dilation)
        return by_floats(lambda x, w, b: transposed(name, x, w, b, *options), input, weight, bias)
    if x.ndim == 3:
        one = ops.reshape(input, shape=(1, *x.shape))
        y = transposed(name, one, weight, bias, stride, padding, output_padding, groups, dilation)
        return ops.reshape(y, shape=y.shape[1:])
    if x.ndim != 4:
        raise ShapeError(
            f"{name}: the input has shape {x.shape}, expected (N, channels, height, width) or (channels, height, width)"
        )
    strides, dilations = pair(stride, "stride", 1), pair(dilation, "dilation", 1)
    pads, more = pair(padding, "padding"), pair(output_padding, "output_padding")
    groups = checked_groups(name, groups, w.shape[0], "input")
    if x.shape[1] != w.shape[0]:
        raise ShapeError(f"{name}: the input has {x.shape[1]} channels (shape {x.shape}), the weight {w.shape[0]}")
    check_bias(name, bias, w.shape[1] * groups)
    for m, s, d in zip(more, strides, dilations, strict=True):
        if m >= max(s, d):
            raise ArgumentError(
                f"output_padding: got {output_padding}, expected less than stride {stride} or dilation {dilation}"
            )
    size = [
        (n - 1) * s - 2 * p + d * (k - 1) + m + 1
        for n, k, s, p, d, m in zip(x.shape[2:], w.shape[2:], strides, pads, dilations, more, strict=True)
    ]
    if min(*size, *x.shape[2:]) < 1:
        raise ShapeError(f"{name}: the output would have the size {size}; too much padding for the input {x.shape}")
    around = [(0, 0)] * 4
    if more[0] >= strides[0] or more[1] >= strides[1]:  # no convolution makes y the size of x: cut it from the whole
        around[2:] = [(-p, m - p) for p, m in zip(pads, more, strict=True)]
        size, pads = [n - before - after for n, (before, after) in zip(size, around[2:], strict=True)], (0, 0)
    shape = (x.shape[0], w.shape[1] * groups, *size)
    y = ops.conv2d_dx(input, weight, shape=shape, stride=strides, padding=pads, dilation=dilations, groups=groups)
    y = surrounded(y, around, 0) if any(map(any, around)) else y
    return y if bias is None else ops.add(y, ops.reshape(bias, shape=(shape[1], 1, 1)))


def check_weight(name: str, w: np.ndarray[Any, Any], space: int, form: str) -> None:
    """Refuse a weight of another number of dimensions."""
    if w.ndim != 2 + space:
        raise ShapeError(f"{name}: weight has shape {w.shape}, expected {form}")


def checked_groups(name: str, groups: Any, channels: int, which: str) -> int:
    """Return the number of groups; refuse one that does not divide the channels."""
    count = one_int(groups, "groups")
    if count < 1 or channels % count:
        raise ArgumentError(
            f"{name}: groups is {groups}, expected a positive divisor of the {channels} {which} channels"
        )
    return count


def check_bias(name: str, bias: Any, channels: int) -> None:
    """Refuse a bias of another shape than one number for each output channel."""
    if bias is not None and as_array(bias, "bias").shape != (channels,):
        raise ShapeError(f"{name}: bias has shape {as_array(bias).shape}, expected ({channels},)")


def single(value: Any, name: str, least: int = 0) -> int:
    """Return an int, given as itself or as a tuple of one."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(values) != 1:
        raise ShapeError(f"{name}: got {value!r}, expected one int")
    (number,) = integers(values, name)
    if number < least:
        raise ArgumentError(f"{name}: got {value!r}, expected a {'positive' if least else 'non-negative'} int")
    return number


def tall(x: Any) -> Any:
    """Return (..., L) as (..., 1, L)."""
    shape = as_array(x).shape
    return ops.reshape(x, shape=(*shape[:-1], 1, shape[-1]))


def flat(x: Any) -> Any:
    """Return (..., 1, L) as (..., L)."""
    return ops.reshape(x, shape=(*x.shape[:-2], x.shape[-1]))
