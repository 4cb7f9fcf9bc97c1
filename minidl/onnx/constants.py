"""Arrays that follow from sizes alone, told by what they are in two runs of different sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .trace import Array, Both, Pair, sizes_of

if TYPE_CHECKING:
    from .graph import Graph


def pattern(g: Graph, pair: Pair, both: Both) -> str | None:
    """Return an array whose size changes: the same all along an axis, counting, or with a triangle in it."""
    sizes = sizes_of(both)
    axes = [axis for axis, size in enumerate(sizes) if size != (1, 1) and all(repeats(x, axis) for x in both)]
    cores = [x[tuple([slice(0, 1) if axis in axes else slice(None) for axis in range(x.ndim)])] for x in both]
    shape = sizes_of(cores)
    long = [size for size in shape if size != (1, 1)]
    if same(*cores):
        found: str | None = g.constant(cores[0])
    else:
        bare = [x.reshape([n[k] for n in long]) for k, x in enumerate(cores)]
        found = counted(g, pair, bare) if len(long) == 1 else triangle(g, pair, bare)
        ones = [axis for axis, size in enumerate(shape) if size == (1, 1)]
        if found is not None and ones:
            found = g.node("Unsqueeze", found, g.ints(*ones))
    return g.node("Expand", found, g.sizes(pair, sizes)) if found is not None and axes else found


def counted(g: Graph, pair: Pair, both: Sequence[Array]) -> str | None:
    """Return numbers at even distances, whose count changes."""
    long = max(both, key=len)
    if len(long) < 2 or long.dtype.kind not in "if":
        return None
    start, step = long[0], long[1] - long[0]
    if not all(same(x, (start + step * np.arange(len(x))).astype(x.dtype)) for x in both):
        return None
    count = g.cast(g.node("Squeeze", g.size(pair, (len(both[0]), len(both[1])))), long.dtype)
    end = g.node("Add", g.node("Mul", count, g.constant(step)), g.constant(start))
    return str(g.node("Range", g.constant(start), end, g.constant(step)))


def triangle(g: Graph, pair: Pair, both: Sequence[Array]) -> str | None:
    """Return a matrix with one number on and below a diagonal and another above it."""
    for k in (0, -1) if both[0].ndim == 2 else ():
        masks = [np.tri(x.shape[0], x.shape[1], k, bool) for x in both]
        parts = [
            np.unique(np.concatenate([x[mask == side] for x, mask in zip(both, masks, strict=True)]))
            for side in (True, False)
        ]
        if all(part.size == 1 for part in parts):
            below, above = (g.constant(part[0]) for part in parts)
            return str(g.node("Where", lower(g, pair, sizes_of(both), k), below, above))
    return None


def lower(g: Graph, pair: Pair, shape: Sequence[Both], k: int) -> str:
    """Return a boolean matrix that is true on and below diagonal k."""
    ones = g.node("Expand", g.constant(1, np.int64), g.sizes(pair, shape))
    return g.cast(g.node("Trilu", ones, g.constant(k, np.int64), upper=0), bool)


def repeats(x: Array, axis: int) -> bool:
    """Return whether an array is the same all along an axis."""
    return x.shape[axis] > 0 and same(np.broadcast_to(x.take([0], axis), x.shape), x)


def same(a: Array, b: Array) -> bool:
    """Return whether two arrays are the same, NaN in the same places."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
