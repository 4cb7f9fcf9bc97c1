"""Convolution, pooling and normalisation over any number of dimensions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import minidl

from ... import nn
from .values import Attributes, Operator, array, tensor

F = nn.functional


def edges(attributes: Attributes, sizes: Any, window: Any, strides: Any, dilations: Any) -> list[tuple[int, int]]:
    """Return the padding before and after each dimension, given or worked out by auto_pad."""
    n, kind = len(sizes), attributes.get("auto_pad", "NOTSET")
    if kind == "NOTSET":
        pads = attributes.get("pads") or [0] * 2 * n
        return list(zip(pads[:n], pads[n:], strict=True))
    if kind == "VALID":
        return [(0, 0)] * n
    found = []
    for size, k, s, d in zip(sizes, window, strides, dilations, strict=True):
        both = max(0, (-(-size // s) - 1) * s + (k - 1) * d + 1 - size)
        found.append((both // 2, both - both // 2) if kind == "SAME_UPPER" else (both - both // 2, both // 2))
    return found


def padded(x: Any, pads: list[tuple[int, int]], value: float = 0.0) -> Any:
    """Return x with an edge in its last dimensions."""
    flat = [size for pair in reversed(pads) for size in pair]
    return F.pad(x, flat, value=value) if any(flat) else x


def places(window: Any) -> Any:
    """Return all places in a window."""
    return itertools.product(*map(range, window))


def part(x: Any, place: Any, counts: Any, strides: Any, dilations: Any) -> Any:
    """Return what stands at one place of every window."""
    key = [
        slice(p * d, p * d + (n - 1) * s + 1, s) for p, n, s, d in zip(place, counts, strides, dilations, strict=True)
    ]
    return x[(slice(None), slice(None), *key)]


def conv(attributes: Attributes, x: Any, w: Any, b: Any = None) -> Any:
    """y = b + Σ x[i·s + u·d - p] w[u]."""
    n = x.ndim - 2
    window = tuple(w.shape[2:])
    strides, dilations = (tuple(attributes.get(name) or [1] * n) for name in ("strides", "dilations"))
    pads = edges(attributes, x.shape[2:], window, strides, dilations)
    groups = attributes.get("group", 1)
    even = all(before == after for before, after in pads)
    if n in (1, 2):
        padding = tuple(before for before, _ in pads) if even else 0
        x = x if even else padded(x, pads)
        function = F.conv1d if n == 1 else F.conv2d
        return function(x, w, b, strides, padding, dilations, groups)
    x = padded(x, pads)
    counts = [
        (size - (k - 1) * d - 1) // s + 1 for size, k, s, d in zip(x.shape[2:], window, strides, dilations, strict=True)
    ]
    xs, ws = minidl.chunk(x, groups, dim=1), minidl.chunk(w, groups, dim=0)
    made = []
    for own, weight in zip(xs, ws, strict=True):
        total: Any = 0
        for place in places(window):
            seen = part(own, place, counts, strides, dilations).movedim(1, -1)
            total = total + minidl.matmul(seen, weight[(slice(None), slice(None), *place)].T)
        made.append(total.movedim(-1, 1))
    y = minidl.cat(made, dim=1)
    return y if b is None else y + b.reshape(1, -1, *[1] * n)


def conv_transpose(attributes: Attributes, x: Any, w: Any, b: Any = None) -> Any:
    """The adjoint of the convolution: each input is spread over its window."""
    n, groups = x.ndim - 2, attributes.get("group", 1)
    window = w.shape[2:]
    strides, dilations = ((attributes.get(name) or [1] * n) for name in ("strides", "dilations"))
    extra, wanted = attributes.get("output_padding") or [0] * n, attributes.get("output_shape")
    full = [
        (size - 1) * s + (k - 1) * d + 1 for size, k, s, d in zip(x.shape[2:], window, strides, dilations, strict=True)
    ]
    kind = attributes.get("auto_pad", "NOTSET")
    if wanted is None and kind in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [size * s for size, s in zip(x.shape[2:], strides, strict=True)]
    if wanted is not None:
        both = [size + e - target for size, e, target in zip(full, extra, wanted[-n:], strict=True)]
        upper = kind == "SAME_UPPER"
        pads = [(total // 2, total - total // 2) if upper else (total - total // 2, total // 2) for total in both]
    else:
        given = attributes.get("pads") or [0] * 2 * n
        pads = list(zip(given[:n], given[n:], strict=True))
    if n in (1, 2):
        function = F.conv_transpose1d if n == 1 else F.conv_transpose2d
        y = function(x, w, b, tuple(strides), 0, 0, groups, tuple(dilations))
        return padded(y, [(-before, e - after) for (before, after), e in zip(pads, extra, strict=True)])
    made = []
    for own, weight in zip(minidl.chunk(x, groups, dim=1), minidl.chunk(w, groups, dim=0), strict=True):
        total: Any = 0
        for place in places(window):
            y = minidl.matmul(own.movedim(1, -1), weight[(slice(None), slice(None), *place)]).movedim(-1, 1)
            total = total + spread(y, place, strides, dilations, full)
        made.append(total)
    y = padded(minidl.cat(made, dim=1), [(-before, e - after) for (before, after), e in zip(pads, extra, strict=True)])
    return y if b is None else y + b.reshape(1, -1, *[1] * n)


def spread(y: Any, place: Any, strides: Any, dilations: Any, full: Any) -> Any:
    """Return y with zeros between its elements and around them, beginning at one place of the window."""
    for k, (p, s, d, size) in enumerate(zip(place, strides, dilations, full, strict=True)):
        at = (p * d + np.arange(y.shape[k + 2]) * s).tolist()
        source = np.full(size, y.shape[k + 2])
        source[at] = np.arange(y.shape[k + 2])
        zero = minidl.zeros_like(minidl.narrow(y, k + 2, 0, 1))
        y = minidl.index_select(minidl.cat([y, zero], dim=k + 2), k + 2, tensor(source))
    return y


def windows(attributes: Attributes, x: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Return window, strides, dilations, padding (with what ceil_mode adds) and how many windows there are."""
    n, window = x.ndim - 2, attributes.get("kernel_shape")
    strides, dilations = ((attributes.get(name) or [1] * n) for name in ("strides", "dilations"))
    pads = edges(attributes, x.shape[2:], window, strides, dilations)
    counts, whole = [], []
    for size, k, s, d, (before, after) in zip(x.shape[2:], window, strides, dilations, pads, strict=True):
        reach = (k - 1) * d + 1
        room = size + before + after - reach
        count = (-(-room // s) if attributes.get("ceil_mode", 0) else room // s) + 1
        if (count - 1) * s >= size + before:  # a window must begin inside
            count -= 1
        counts.append(count)
        whole.append((before, max(after, (count - 1) * s + reach - size - before)))
    return window, strides, dilations, whole, counts


def max_pool(attributes: Attributes, x: Any) -> Any:
    """The greatest value of each window, and where it is."""
    window, strides, dilations, pads, counts = windows(attributes, x)
    simple = (
        x.ndim == 4 and all(a == b <= k // 2 for (a, b), k in zip(pads, window, strict=True)) and attributes.outputs < 2
    )
    if simple and x.dtype == minidl.float32:
        return F.max_pool2d(x, tuple(window), tuple(strides), tuple(a for a, _ in pads), tuple(dilations))
    values = array(x)
    lowest = -np.inf if values.dtype.kind == "f" else np.iinfo(values.dtype).min
    edge = [(0, 0), (0, 0), *pads]
    order = np.arange(int(np.prod(x.shape[2:]))).reshape(x.shape[2:])
    if attributes.get("storage_order", 0):
        order = np.arange(order.size).reshape(x.shape[2:], order="F")
    flat = np.pad(np.arange(order.size).reshape(x.shape[2:]), pads)[None, None]
    wide = np.pad(values, edge, constant_values=lowest)
    seen = np.stack([part(wide, p, counts, strides, dilations) for p in places(window)])
    where = np.stack(
        [np.broadcast_to(part(flat, p, counts, strides, dilations), seen.shape[1:]) for p in places(window)]
    )
    best = np.take_along_axis(where, seen.argmax(0)[None], 0)[0]
    rows = x.reshape(*x.shape[:2], -1)
    y = minidl.gather(rows, 2, tensor(best.reshape(*best.shape[:2], -1))).reshape(*best.shape)
    if attributes.outputs < 2:
        return y
    lead = np.arange(best.shape[0] * best.shape[1]).reshape(*best.shape[:2], *[1] * (best.ndim - 2)) * order.size
    return y, tensor(order.reshape(-1)[best] + lead)


def average_pool(attributes: Attributes, x: Any) -> Any:
    """The mean of each window, of what is in the image, or with count_include_pad of its padding too."""
    window, strides, dilations, pads, counts = windows(attributes, x)
    given = edges(attributes, x.shape[2:], window, strides, dilations)
    simple = x.ndim == 4 and pads == given and not any(a or b for a, b in pads) and max(dilations) == 1
    if simple:
        return F.avg_pool2d(x, tuple(window), tuple(strides))
    ones = np.ones((1, 1, *x.shape[2:]), array(x).dtype)
    if attributes.get("count_include_pad", 0):
        ones = np.pad(ones, [(0, 0), (0, 0), *given], constant_values=1)
        rest = [(0, whole[1] - own[1]) for whole, own in zip(pads, given, strict=True)]
        ones = np.pad(ones, [(0, 0), (0, 0), *rest])
    else:
        ones = np.pad(ones, [(0, 0), (0, 0), *pads])
    wide = padded(x, pads)
    total: Any = 0
    count: Any = 0
    for place in places(window):
        total = total + part(wide, place, counts, strides, dilations)
        count = count + part(ones, place, counts, strides, dilations)
    return total / tensor(count)


def over_all(function: Any) -> Operator:
    """Return a pooling over all dimensions of each channel."""
    return lambda attributes, x: function(x, dim=tuple(range(2, x.ndim)), keepdim=True)


def channels(v: Any, x: Any) -> Any:
    """Return a number for each channel in a shape that broadcasts with x."""
    return v.reshape(1, -1, *[1] * (x.ndim - 2))


def batch_normalization(attributes: Attributes, x: Any, scale: Any, b: Any, mean: Any, var: Any) -> Any:
    """(x - μ) / √(σ² + ε) · scale + b; in training mode with the batch's figures, and the moving ones."""
    eps, momentum = attributes.get("epsilon", 1e-5), attributes.get("momentum", 0.9)
    if not attributes.get("training_mode", 0):
        return F.batch_norm(x, mean, var, scale, b, False, 0.0, eps)
    axes = [k for k in range(x.ndim) if k != 1]
    now_mean, now_var = x.mean(dim=axes), x.var(dim=axes, correction=0)
    y = (x - channels(now_mean, x)) / minidl.sqrt(channels(now_var, x) + eps) * channels(scale, x) + channels(b, x)
    moved = mean * momentum + now_mean * (1 - momentum), var * momentum + now_var * (1 - momentum)
    return (y, *moved)[: attributes.outputs]


def instance_normalization(attributes: Attributes, x: Any, scale: Any, b: Any) -> Any:
    """Each channel of each sample by its own figures."""
    axes = tuple(range(2, x.ndim))
    centred = x - x.mean(dim=axes, keepdim=True)
    var = (centred * centred).mean(dim=axes, keepdim=True)
    return centred / minidl.sqrt(var + attributes.get("epsilon", 1e-5)) * channels(scale, x) + channels(b, x)


def group_normalization(attributes: Attributes, x: Any, scale: Any, b: Any) -> Any:
    """Groups of channels of each sample by their own figures; before version 21 scale and b are for each group."""
    groups = attributes.get("num_groups")
    rows = x.reshape(x.shape[0], groups, -1)
    centred = rows - rows.mean(dim=2, keepdim=True)
    y = centred / minidl.sqrt((centred * centred).mean(dim=2, keepdim=True) + attributes.get("epsilon", 1e-5))
    if scale.shape[0] == groups != x.shape[1]:
        return (y * scale.reshape(1, -1, 1) + b.reshape(1, -1, 1)).reshape(*x.shape)
    y = y.reshape(*x.shape)
    return y * channels(scale, x) + channels(b, x)


def layer_normalization(attributes: Attributes, x: Any, scale: Any, b: Any = None) -> Any:
    """Each sample from the axis on by its own figures; also gives μ and 1/σ."""
    axis, eps = attributes.get("axis", -1) % x.ndim, attributes.get("epsilon", 1e-5)
    if attributes.outputs == 1 and tuple(scale.shape) == tuple(x.shape[axis:]):
        return F.layer_norm(x, tuple(x.shape[axis:]), scale, b, eps)
    axes = tuple(range(axis, x.ndim))
    mean = x.mean(dim=axes, keepdim=True)
    centred = x - mean
    inverse = 1 / minidl.sqrt((centred * centred).mean(dim=axes, keepdim=True) + eps)
    y = centred * inverse * scale
    return (y if b is None else y + b, mean, inverse)[: attributes.outputs]


def rms_normalization(attributes: Attributes, x: Any, scale: Any) -> Any:
    """x / √(mean x² + ε) · scale, from the axis on."""
    axes = tuple(range(attributes.get("axis", -1) % x.ndim, x.ndim))
    return x / minidl.sqrt((x * x).mean(dim=axes, keepdim=True) + attributes.get("epsilon", 1e-5)) * scale


def local_response(attributes: Attributes, x: Any) -> Any:
    """x / (bias + α/size Σ x²)^β, the sum over neighbouring channels."""
    size = attributes.get("size")
    before = (size - 1) // 2
    squares = F.pad(x * x, [0, 0] * (x.ndim - 2) + [before, size - 1 - before])
    total: Any = 0
    for k in range(size):
        total = total + minidl.narrow(squares, 1, k, x.shape[1])
    base = attributes.get("bias", 1.0) + attributes.get("alpha", 1e-4) / size * total
    return x / base ** attributes.get("beta", 0.75)


OPERATORS: dict[str, Operator] = {
    "Conv": conv, "ConvTranspose": conv_transpose, "MaxPool": max_pool, "AveragePool": average_pool,
    "GlobalAveragePool": over_all(minidl.mean), "GlobalMaxPool": over_all(minidl.amax),
    "BatchNormalization": batch_normalization, "InstanceNormalization": instance_normalization,
    "GroupNormalization": group_normalization, "LayerNormalization": layer_normalization,
    "RMSNormalization": rms_normalization, "LRN": local_response,
}  # fmt: skip
