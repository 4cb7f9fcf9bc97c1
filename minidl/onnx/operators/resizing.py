"""Resize: each output is a weighted mean of inputs, one dimension after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl

from .shaping import checked
from .values import Array, Attributes, Operator, array, numbers, tensor


def where_from(attributes: Attributes, size: int, target: int, scale: float, roi: tuple[float, float]) -> Array:
    """Return the place in the input of each output."""
    x = np.arange(target, dtype=np.float64)
    mode = attributes.get("coordinate_transformation_mode", "half_pixel" if attributes.version > 10 else "asymmetric")
    if mode == "align_corners":
        whole = scale * size  # the size that is asked for, with its fraction
        return x * (size - 1) / (whole - 1) if whole != 1 else x * 0
    if mode == "asymmetric":
        return x / scale
    if mode == "tf_crop_and_resize":
        if target == 1:
            return np.array([0.5 * (roi[0] + roi[1]) * (size - 1)])
        return roi[0] * (size - 1) + x * (roi[1] - roi[0]) * (size - 1) / (target - 1)
    if mode == "pytorch_half_pixel" and target == 1:
        return np.array([-0.5])
    if mode == "half_pixel_symmetric":
        return size / 2 * (1 - target / (scale * size)) + (x + 0.5) / scale - 0.5
    return (x + 0.5) / scale - 0.5


def nearest(x: Array, mode: str) -> Array:
    """Return whole places."""
    if mode == "floor":
        return np.floor(x)
    if mode == "ceil":
        return np.ceil(x)
    return np.floor(x + 0.5) if mode == "round_prefer_ceil" else np.ceil(x - 0.5)


def cubic(d: Array, a: float) -> Array:
    """Return the weight of a neighbour at a distance (Keys 1981)."""
    d = np.abs(d)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((d - 5) * d + 8) * d * a - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def weights_of(attributes: Attributes, x: Array, size: int, scale: float) -> Array:
    """Return the matrix (outputs, inputs) of a linear or cubic interpolation."""
    linear = attributes.get("mode") == "linear"
    shrink = min(scale, 1.0) if attributes.get("antialias", 0) else 1.0
    reach = 1 if linear else 2
    start = int(np.floor(-reach / shrink) + 1)
    offsets = np.arange(start, 2 - start)
    base = np.ceil(x) - 1
    distance = (offsets[None] - (x - base)[:, None]) * shrink
    w = np.clip(1 - np.abs(distance), 0, 1) if linear else cubic(distance, attributes.get("cubic_coeff_a", -0.75))
    places = (base[:, None] + offsets[None]).astype(np.int64)
    if shrink != 1:
        w = w / w.sum(1, keepdims=True)
    if attributes.get("exclude_outside", 0):
        w = np.where((places < 0) | (places >= size), 0, w)
        w = w / w.sum(1, keepdims=True)
    matrix = np.zeros((len(x), size))
    rows = np.broadcast_to(np.arange(len(x))[:, None], places.shape)
    np.add.at(matrix, (rows, places.clip(0, size - 1)), w)
    return matrix


def resize(attributes: Attributes, x: Any, roi: Any = None, scales: Any = None, sizes: Any = None) -> Any:
    """x in another size, by scales or sizes."""
    if attributes.version < 11:
        roi, scales = None, roi
    axes = attributes.get("axes") or range(x.ndim)
    axes = [k % x.ndim for k in axes]
    own = [x.shape[k] for k in axes]
    if sizes is not None and sizes.numel():
        targets = [int(size) for size in numbers(sizes)]
        factors = [t / n for t, n in zip(targets, own, strict=True)]
        policy = attributes.get("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            factor = (min if policy == "not_larger" else max)(factors)
            targets = [int(np.floor(factor * n + 0.5)) for n in own]
            factors = [factor] * len(own)
    else:
        factors = numbers(scales)
        targets = [int(np.floor(n * f)) for n, f in zip(own, factors, strict=True)]
    checked([*x.shape, *targets] and [t if k not in axes else targets[axes.index(k)] for k, t in enumerate(x.shape)])
    region = numbers(roi) if roi is not None and roi.numel() else [0.0] * len(axes) + [1.0] * len(axes)
    crop = attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize"
    outside = None
    for place, axis in enumerate(axes):
        size, target, factor = own[place], targets[place], factors[place]
        if size == target and factor == 1 and not crop:
            continue
        at = where_from(attributes, size, target, factor, (region[place], region[place + len(axes)]))
        if attributes.get("mode", "nearest") == "nearest":
            default = "round_prefer_floor" if attributes.version > 10 else "floor"
            whole = nearest(at, attributes.get("nearest_mode", default)).clip(0, size - 1).astype(np.int64)
            x = minidl.index_select(x, axis, tensor(whole))
        else:
            matrix = tensor(weights_of(attributes, at, size, factor).astype(array(x).dtype))
            x = minidl.matmul(x.movedim(axis, -1), matrix.T).movedim(-1, axis)
        if crop:
            shape = [1] * x.ndim
            shape[axis] = target
            beyond = ((at < 0) | (at > size - 1)).reshape(shape)
            outside = beyond if outside is None else outside | beyond
    if crop and outside is not None and outside.any():
        fill = minidl.full(tuple(x.shape), attributes.get("extrapolation_value", 0.0), dtype=x.dtype)
        x = minidl.where(tensor(np.broadcast_to(outside, x.shape).copy()), fill, x)
    return x


def upsample(attributes: Attributes, x: Any, scales: Any = None) -> Any:
    """Resize as it was before version 10."""
    given = tensor(np.array(attributes.get("scales"), np.float32)) if scales is None else scales
    older = Attributes(attributes.given, 10)
    return resize(older, x, given)


OPERATORS: dict[str, Operator] = {"Resize": resize, "Upsample": upsample}
