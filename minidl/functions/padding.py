"""Padding: what stands around a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentError, ShapeError
from ._arguments import as_array, integers

NUMPY_MODES: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: Any = None) -> Any:
    """Return x with `pad` = (before, after) of the last dimension, then of the one before it, ... around it.

    mode "constant" fills with `value` (0 by default), and negative sizes cut off; "reflect" mirrors without repeating
    the edge, "replicate" repeats the edge, "circular" goes on at the other end.

    >>> import minidl
    >>> minidl.nn.functional.pad(minidl.tensor([[1.0, 2.0, 3.0]]), (1, 2), mode="reflect")
    tensor([[2., 1., 2., 3., 2., 1.]])
    """
    shape = as_array(input).shape
    sizes = integers(tuple(pad), "pad")
    if len(sizes) % 2 or len(sizes) > 2 * len(shape):
        raise ShapeError(f"pad: got {len(sizes)} sizes for {len(shape)} dimensions; expected two for each padded one")
    around = [(0, 0)] * (len(shape) - len(sizes) // 2) + list(zip(sizes[::2], sizes[1::2], strict=True))[::-1]
    if mode == "constant":
        return surrounded(input, around, 0 if value is None else value)
    if mode not in NUMPY_MODES:
        raise ArgumentError(f'mode: got {mode!r}, expected "constant", "reflect", "replicate" or "circular"')
    if value is not None and value != 0:
        raise ArgumentError(f"value: {value} has no meaning in mode {mode!r}")
    for d, (before, after) in enumerate(around):
        most = {"reflect": shape[d] - 1, "circular": shape[d]}.get(mode, max(before, after) if shape[d] else 0)
        if min(before, after) < 0 or max(before, after) > most:
            raise ArgumentError(
                f"pad: got {(before, after)} for dimension {d} of size {shape[d]}, expected 0 to {most} for {mode!r}"
            )
    for d, (before, after) in enumerate(around):
        if before or after:
            places = np.pad(np.arange(shape[d]), (before, after), NUMPY_MODES[mode])
            input = ops.getitem(input, index=(*(slice(None),) * d, places))
    return input


def surrounded(input: Any, around: list[tuple[int, int]], value: Any) -> Any:
    """Return x with `value` around it; negative sizes cut off."""
    shape = as_array(input).shape
    inner, outer, size = [], [], []
    for n, (before, after) in zip(shape, around, strict=True):
        if n + before + after < 0:
            raise ShapeError(f"pad: {(before, after)} cuts more off than the {n} places that there are (shape {shape})")
        inner.append(slice(max(-before, 0), max(n + min(after, 0), max(-before, 0))))
        size.append(n + before + after)
        outer.append(slice(max(before, 0), max(before, 0) + inner[-1].stop - inner[-1].start))
    y = ops.place(ops.getitem(input, index=(*inner, ...)), index=(*outer, ...), shape=tuple(size))
    if value == 0:
        return y
    outside = np.ones(size, bool)
    outside[tuple(outer)] = False
    return ops.where(outside, value, y)
