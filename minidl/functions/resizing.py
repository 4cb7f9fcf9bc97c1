"""Images and sequences made larger or smaller, and places exchanged for channels."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentError, DTypeError, ShapeError
from ..operation import cast_to
from ._arguments import as_array, flag, integers, number
from .pooling import adaptive_avg_pool1d, adaptive_avg_pool2d

Taps = list[tuple[Any, Any]]  # for each place of the output: where it reads, and with which weight

SPACE = {  # mode -> how many dimensions behind (N, C)
    "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2), "linear": (1,), "bilinear": (2,),
    "trilinear": (3,), "bicubic": (2,),
}  # fmt: skip


def interpolate(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> Any:  # fmt: skip
    """y[j] = x at (j + ½) · scale - ½ along each dimension behind (N, C), scale = 1 / scale_factor or old / new size.

    mode "nearest" takes the place ⌊j · scale⌋, "nearest-exact" the nearest; "linear", "bilinear" and "trilinear" weigh
    the two neighbours by how near they are, "bicubic" four by Keys' cubic (a = -¾); "area" is adaptive_avg_pool.
    Beyond the edges stands the edge. With align_corners the first and the last places stay in place instead:
    scale = (old - 1) / (new - 1), y[j] = x at j · scale. recompute_scale_factor works the scale out from the rounded
    sizes. antialias is left out.

    Unlike PyTorch, which has fixed-point weights for uint8, bilinear and bicubic round exact values; antialias is left
    out.

    >>> import minidl
    >>> x = minidl.tensor([[[0.0, 1.0]]])
    >>> minidl.nn.functional.interpolate(x, scale_factor=2, mode="linear")
    tensor([[[0.0000, 0.2500, 0.7500, 1.0000]]])
    """
    x = as_array(input)
    if antialias:
        raise ArgumentError("interpolate: antialias is left out")
    if not isinstance(mode, str) or mode not in SPACE:
        raise ArgumentError(f"mode: got {mode!r}, expected one of {', '.join(map(repr, SPACE))}")
    if x.ndim - 2 not in SPACE[mode]:
        space = " or ".join(map(str, SPACE[mode]))
        raise ShapeError(f"interpolate: the input has shape {x.shape}; mode {mode!r} takes (N, C) and {space} more")
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ArgumentError(f"align_corners: it has no meaning in mode {mode!r}")
    if recompute_scale_factor and size is not None:
        raise ArgumentError("recompute_scale_factor: it has no meaning with a size")
    corners = align_corners is not None and flag(align_corners, "align_corners")
    sizes, factors = target(x.shape[2:], size, scale_factor, bool(recompute_scale_factor) or mode == "area")
    if min(*sizes, *x.shape[1:]) < 1:
        raise ShapeError(f"interpolate: from shape {x.shape} to {sizes}: all sizes but the batch's must be above 0")
    if mode == "area":
        return adaptive_avg_pool1d(input, sizes) if x.ndim == 3 else adaptive_avg_pool2d(input, sizes)
    if x.dtype.kind != "f" and x.dtype != np.uint8:
        raise DTypeError(f"interpolate: the input is {x.dtype}, expected a floating dtype or uint8")
    each = list(enumerate(zip(x.shape[2:], sizes, factors, strict=True), 2))
    for d, (old, new, factor) in each[::-1]:
        input = resampled(input, d, taps(mode, old, new, factor, corners))
    return input


def upsample(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Any:
    """The old name of interpolate.

    >>> import minidl
    >>> minidl.nn.functional.upsample(minidl.tensor([[[0.0, 1.0]]]), scale_factor=2)
    tensor([[[0., 0., 1., 1.]]])
    """
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """The old name of interpolate in mode "nearest".

    >>> import minidl
    >>> minidl.nn.functional.upsample_nearest(minidl.tensor([[[0.0, 1.0]]]), size=4)
    tensor([[[0., 0., 1., 1.]]])
    """
    return interpolate(input, size, scale_factor)


def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """The old name of interpolate in mode "bilinear" with align_corners.

    >>> import minidl
    >>> minidl.nn.functional.upsample_bilinear(minidl.tensor([[[[0.0, 2.0]]]]), size=(1, 3))
    tensor([[[[0., 1., 2.]]]])
    """
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)


def target(
    old: tuple[int, ...], size: Any, scale_factor: Any, recompute: bool
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """Return the new sizes, and the factors that decide the scales, None where the sizes do."""
    if (size is None) == (scale_factor is None):
        raise ArgumentError("interpolate: give size or scale_factor, one of them")
    given = size if scale_factor is None else scale_factor
    each = tuple(given) if isinstance(given, (tuple, list)) else (given,) * len(old)
    if len(each) != len(old):
        name = "size" if scale_factor is None else "scale_factor"
        raise ArgumentError(f"{name}: got {given}, expected one number, or {len(old)} for the sizes {old}")
    if scale_factor is None:
        return integers(each, "size"), (None,) * len(old)
    each = tuple([number(factor, "scale_factor") for factor in each])
    if not all(0 < factor < float("inf") for factor in each):
        raise ArgumentError(f"scale_factor: got {scale_factor}, expected positive numbers")
    sizes = tuple([int(n * factor) for n, factor in zip(old, each, strict=True)])
    return sizes, (None,) * len(old) if recompute else each


def taps(mode: str, old: int, new: int, factor: float | None, align_corners: bool) -> Taps:
    """Return where each of the new places along a dimension reads, and with which weights."""
    j = np.arange(new)
    if mode == "nearest" and new in (old, 2 * old):  # as PyTorch, whatever the factor
        return [(j * old // new, None)]
    if mode.startswith("nearest"):  # in float32, as PyTorch: the last digit decides
        scale = np.float32(old / new if factor is None else 1 / factor)
        at = np.floor((j + (0.5 if mode == "nearest-exact" else 0.0)).astype(np.float32) * scale)
        return [(np.minimum(at.astype(np.int64), old - 1), None)]
    if align_corners:
        at = j * ((old - 1) / (new - 1) if new > 1 else 0.0)
    else:
        at = (j + 0.5) * (old / new if factor is None else 1 / factor) - 0.5
    if mode == "bicubic":
        first = np.floor(at).astype(np.int64)
        return [(np.clip(first + k, 0, old - 1), cubic(np.abs(at - first - k))) for k in (-1, 0, 1, 2)]
    at = np.clip(at, 0, old - 1)
    first = np.floor(at).astype(np.int64)
    return [(first, 1 - (at - first)), (np.minimum(first + 1, old - 1), at - first)]


def cubic(t: Any, a: float = -0.75) -> Any:
    """Return Keys' cubic at distance t: (a+2)t³ - (a+3)t² + 1 up to 1, at³ - 5at² + 8at - 4a up to 2."""
    return np.where(t <= 1, ((a + 2) * t - (a + 3)) * t * t + 1, ((a * t - 5 * a) * t + 8 * a) * t - 4 * a)


def resampled(x: Any, d: int, taps: Taps) -> Any:
    """Return Σ weight · x[place] along dimension d, for uint8 rounded; a weight of None is 1."""
    dtype, before, behind = as_array(x).dtype, (slice(None),) * d, (1,) * (as_array(x).ndim - d - 1)
    places, weights = taps[0]
    if weights is None:
        return ops.getitem(x, index=(*before, places))
    if dtype == np.uint8:
        y = ops.floor(ops.add(resampled(cast_to(x, np.dtype(np.float64)), d, taps), 0.5))
        return cast_to(ops.minimum(ops.maximum(y, 0.0), 255.0), dtype)
    parts = [
        ops.mul(ops.getitem(x, index=(*before, places)), weights.reshape(-1, *behind).astype(dtype))
        for places, weights in taps
    ]
    return reduce(ops.add, parts)


def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """y[..., c, i·r+u, j·r+v] = x[..., (c·r+u)·r+v, i, j]: r² channels become images r times as high and wide.

    Source: Shi et al. 2016.

    >>> import minidl
    >>> minidl.nn.functional.pixel_shuffle(minidl.arange(4.0).reshape(1, 4, 1, 1), 2)
    tensor([[[[0., 1.],
              [2., 3.]]]])
    """
    shape, r = as_array(input).shape, factor_of("upscale_factor", upscale_factor)
    if len(shape) < 3 or shape[-3] % r**2:
        raise ShapeError(f"pixel_shuffle: the input has shape {shape}, expected (..., C·{r * r}, height, width)")
    *lead, c, h, w = shape
    n = len(lead)
    apart = ops.reshape(input, shape=(*lead, c // r**2, r, r, h, w))
    mixed = ops.permute(apart, dims=(*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return ops.reshape(mixed, shape=(*lead, c // r**2, h * r, w * r))


def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """y[..., (c·r+u)·r+v, i, j] = x[..., c, i·r+u, j·r+v]: the inverse of pixel_shuffle.

    >>> import minidl
    >>> minidl.nn.functional.pixel_unshuffle(minidl.arange(4.0).reshape(1, 1, 2, 2), 2).flatten()
    tensor([0., 1., 2., 3.])
    """
    shape, r = as_array(input).shape, factor_of("downscale_factor", downscale_factor)
    if len(shape) < 3 or shape[-2] % r or shape[-1] % r:
        raise ShapeError(f"pixel_unshuffle: the input has shape {shape}, expected (..., C, height·{r}, width·{r})")
    *lead, c, h, w = shape
    n = len(lead)
    apart = ops.reshape(input, shape=(*lead, c, h // r, r, w // r, r))
    mixed = ops.permute(apart, dims=(*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return ops.reshape(mixed, shape=(*lead, c * r * r, h // r, w // r))


def factor_of(name: str, value: Any) -> int:
    """Return a positive int."""
    (factor,) = integers((value,), name)
    if factor < 1:
        raise ArgumentError(f"{name}: got {factor}, expected a positive int")
    return factor


def channel_shuffle(input: Any, groups: int) -> Any:
    """y[n, k·groups+g] = x[n, g·(C/groups)+k] for x (N, C, ...): a channel of each group in turn.

    Source: Zhang et al. 2018, ShuffleNet.

    >>> import minidl
    >>> minidl.nn.functional.channel_shuffle(minidl.arange(4.0).reshape(1, 4, 1), 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    shape, count = as_array(input).shape, factor_of("groups", groups)
    if len(shape) < 3 or shape[1] % count:
        raise ShapeError(f"channel_shuffle: the input has shape {shape}, expected (N, C·{count}, ...)")
    apart = ops.reshape(input, shape=(shape[0], count, shape[1] // count, *shape[2:]))
    dims = (0, 2, 1, *range(3, len(shape) + 1))
    return ops.reshape(ops.permute(apart, dims=dims), shape=shape)
