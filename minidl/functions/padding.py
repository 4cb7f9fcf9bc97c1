"""Padding: what stands around a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentError, DTypeError, ShapeError
from ._arguments import as_array, integers, number


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: Any = None) -> Any:
    """Return x with `pad` = (before, after) of the last dimension, then of the one before it, ... around it.

    mode "constant" fills with `value` (0 by default); "reflect" mirrors without repeating the edge, "replicate" repeats
    the edge, "circular" goes on at the other end: these pad the last dimensions of x (N, C, ...) or (C, ...), all of
    them. Negative sizes cut off.

    >>> import minidl
    >>> minidl.nn.functional.pad(minidl.tensor([[1.0, 2.0, 3.0]]), (1, 2), mode="reflect")
    tensor([[2., 1., 2., 3., 2., 1.]])
    """
    shape = as_array(input).shape
    if not isinstance(pad, (tuple, list)):
        raise DTypeError(f"pad: got {type(pad).__name__}, expected a tuple of ints")
    sizes = integers(pad, "pad")
    if len(sizes) % 2 or len(sizes) > 2 * len(shape):
        raise ShapeError(f"pad: got {len(sizes)} sizes for {len(shape)} dimensions; expected two for each padded one")
    around = [(0, 0)] * (len(shape) - len(sizes) // 2) + list(zip(sizes[::2], sizes[1::2], strict=True))[::-1]
    if mode == "constant":
        return surrounded(input, around, 0 if value is None else number(value, "value"))
    check_mode(mode, shape, sizes, value)
    for d, (before, after) in enumerate(around):
        if before or after:
            n = shape[d]
            wanted, first, kept = np.arange(-before, n + after), max(-before, 0), n + min(before, 0) + min(after, 0)
            places = {
                "reflect": n - 1 - np.abs(n - 1 - np.abs(wanted)), "replicate": np.clip(wanted, 0, n - 1),
                "circular": first + (wanted - first) % max(kept, 1),
            }[mode]  # fmt: skip
            input = ops.getitem(input, index=(*(slice(None),) * d, places))
    return input


def check_mode(mode: str, shape: tuple[int, ...], sizes: tuple[int, ...], value: Any) -> None:
    """Refuse what a mode other than "constant" can't do."""
    if mode not in ("reflect", "replicate", "circular"):
        raise ArgumentError(f'mode: got {mode!r}, expected "constant", "reflect", "replicate" or "circular"')
    if value is not None and value != 0:
        raise ArgumentError(f"value: {value} has no meaning in mode {mode!r}")
    space = len(sizes) // 2
    if not 1 <= space <= 3 or len(shape) - space not in (1, 2):
        raise ShapeError(f"pad: got {len(sizes)} sizes for shape {shape}; mode {mode!r} pads all that is behind (N, C)")
    if 0 in shape[-space - 1 :]:
        raise ShapeError(f"pad: mode {mode!r} needs sizes other than 0 behind the batch, got shape {shape}")
    for n, before, after in zip(shape[::-1], sizes[::2], sizes[1::2], strict=False):
        most = {"reflect": n - 1, "circular": n}.get(mode, max(before, after))
        left = n + min(before, 0) + min(after, 0) if mode == "circular" else n + before + after
        if max(before, after) > most or left < 1:
            raise ArgumentError(
                f"pad: got {(before, after)} for a dimension of size {n}, expected at most {most} for mode {mode!r}, "
                "and not to cut all off"
            )


def surrounded(input: Any, around: list[tuple[int, int]], value: Any) -> Any:
    """Return x with `value` around it; negative sizes cut off."""
    x = as_array(input)
    inner, outer, size = [], [], []
    for n, (before, after) in zip(x.shape, around, strict=True):
        if n + before + after < 0 or n + min(before, 0) + min(after, 0) < 0:
            raise ShapeError(f"pad: {(before, after)} cuts off more than the {n} places there are (shape {x.shape})")
        inner.append(slice(max(-before, 0), n + min(after, 0)))
        size.append(n + before + after)
        outer.append(slice(max(before, 0), max(before, 0) + inner[-1].stop - inner[-1].start))
    y = ops.place(ops.getitem(input, index=(*inner, ...)), index=(*outer, ...), shape=tuple(size))
    if value == 0:
        return y
    outside = np.ones(size, bool)
    outside[tuple(outer)] = False
    return ops.where(outside, np.asarray(value).astype(x.dtype), y)
