"""Reading and writing by index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..constants import same
from ..graph import Graph
from ..trace import Both, Pair, sizes_of
from .shaping import reshaped

END = np.iinfo(np.int64).max
WHOLE = slice(None)


class Part(NamedTuple):
    """A part of an index in both runs, its name among the options, and the axis of x that it is about."""

    both: Both
    name: str
    axis: int

    @property
    def kind(self) -> str:
        """Return "array", "mask", "int", "slice" or "new"."""
        first = self.both[0]
        if isinstance(first, np.ndarray):
            return "mask" if first.dtype == np.bool_ else "array"
        return "new" if first is None else "slice" if isinstance(first, slice) else "int"


def parts_of(call: Pair, ndim: int) -> list[Part]:
    """Return the parts of the index: one for each axis of x, and those that make new ones."""
    first, second = call.option("index")
    several = isinstance(first, tuple)
    both = list(zip(first, second, strict=True)) if several else [(first, second)]
    named = [(pair, f"index[{k}]" if several else "index") for k, pair in enumerate(both)]
    if any(isinstance(a, bool) for a, _ in both):
        raise call.unsupported("an index with a single True or False")
    widths = [0 if a is None or a is Ellipsis else a.ndim if is_mask(a) else 1 for a, _ in both]
    parts, axis = [], 0
    for (pair, name), width in zip(named, widths, strict=True):
        if pair[0] is Ellipsis:
            parts += [Part((WHOLE, WHOLE), name, axis + k) for k in range(ndim - sum(widths))]
            axis += ndim - sum(widths)
        else:
            parts.append(Part(pair, name, axis))
            axis += width
    return parts + [Part((WHOLE, WHOLE), "index", k) for k in range(axis, ndim)]


def is_mask(value: Any) -> bool:
    """Return whether it is an array of booleans."""
    return isinstance(value, np.ndarray) and value.dtype == np.bool_


def getitem(g: Graph, call: Pair) -> str:
    """x[index]: slices, then arrays, then integers and new dimensions."""
    x, shape = g.input(call, "x"), call.shape("x")
    parts = parts_of(call, len(shape))
    arrays = [part for part in parts if part.kind in ("array", "mask")]
    if arrays and arrays[0].kind == "mask":
        return masked(g, call, x, parts)
    x = sliced(g, call, x, shape, [part for part in parts if part.kind == "slice"])
    if len(arrays) == 1:
        x = str(g.node("Gather", x, g.value(call, arrays[0].name, arrays[0].both), axis=arrays[0].axis))
        return with_others(g, x, parts, arrays[0])
    if arrays:
        if {part.kind for part in parts} - {"array", "slice"}:
            raise call.unsupported("several arrays beside integers or None in an index")
        along = elements_along(g, call, x, arrays, len(shape))
        return along or by_places(g, call, x, arrays, len(shape))
    return with_others(g, x, parts, None)


def sliced(g: Graph, call: Pair, x: str, shape: Sequence[Both], parts: Sequence[Part]) -> str:
    """Return x cut along all axes at once."""
    starts, ends, axes, steps = [], [], [], []
    for part in parts:
        bounds = [s.indices(n) for s, n in zip(part.both, shape[part.axis], strict=True)]
        whole = all((start, stop, step) == (0, n, 1) for (start, stop, step), n in
                    zip(bounds, shape[part.axis], strict=True))  # fmt: skip
        if whole:
            continue
        (start, stop, step), given = zip(*bounds, strict=True), part.both[0]
        starts.append(bound(given.start, part.both[1].start, start, -1 if step[0] < 0 else 0))
        ends.append(bound(given.stop, part.both[1].stop, stop, -END if step[0] < 0 else END))
        axes.append(part.axis)
        steps.append(step[0])
    if not axes:
        return x
    return str(
        g.node("Slice", x, g.sizes(call, starts), g.sizes(call, ends), g.ints(*axes), g.ints(*steps))
    )  # fmt: skip


def bound(first: Any, second: Any, resolved: tuple[int, ...], open_end: int) -> Both:
    """Return a bound of a slice: as it is written where it is always the same, else as it came out."""
    if first is None and second is None:
        return open_end, open_end
    return (first, second) if first == second else (resolved[0], resolved[1])


def with_others(g: Graph, x: str, parts: Sequence[Part], array: Part | None) -> str:
    """Return x with integers chosen and new dimensions made; an array has taken the place of its axis already."""
    span = array.both[0].ndim if array is not None else 0
    place, axis_now = 0, {}
    for part in parts:  # where each axis of the index lies in x now
        if part.kind != "new":
            axis_now[part.axis] = place
            place += span if part is array else 1
    for part in reversed(parts):
        if part.kind == "int":
            x = g.node("Gather", x, g.constant(part.both[0], np.int64), axis=axis_now[part.axis])
    new, at = [], 0
    for part in parts:
        if part.kind == "new":
            new.append(at)
        at += span if part is array else part.kind != "int"
    return str(g.node("Unsqueeze", x, g.ints(*new))) if new else x


def elements_along(g: Graph, call: Pair, x: str, arrays: Sequence[Part], ndim: int) -> str | None:
    """Return x by GatherElements, if each other axis is read at its own place."""
    if len(arrays) != ndim:
        return None
    others = [part for part in arrays if not counts(part, ndim)]
    if len(others) != 1:
        return None
    index = others[0]
    if any(a.ndim != ndim for a in index.both):
        return None
    return str(g.node("GatherElements", x, g.value(call, index.name, index.both), axis=index.axis))


def counts(part: Part, ndim: int) -> bool:
    """Return whether an array names the places along its own axis in their order."""
    for a in part.both:
        shape = [-1 if k == part.axis else 1 for k in range(ndim)]
        if a.ndim != ndim or not same(a, np.arange(a.shape[part.axis]).reshape(shape)):
            return False
    return True


def places(g: Graph, call: Pair, arrays: Sequence[Part]) -> tuple[str, list[Both]]:
    """Return the places that arrays name together, (..., number of arrays), and the shape that they broadcast to."""
    shapes = [np.broadcast_shapes(*[part.both[k].shape for part in arrays]) for k in (0, 1)]
    shape: list[Both] = list(zip(*shapes, strict=True))
    columns = []
    for part in arrays:
        column = g.value(call, part.name, part.both)
        if part.both[0].dtype != np.int64:
            column = g.cast(column, np.int64)
        if sizes_of(part.both) != shape:
            column = g.node("Expand", column, g.sizes(call, shape))
        columns.append(g.node("Unsqueeze", column, g.ints(len(shape))))
    return (columns[0] if len(columns) == 1 else str(g.node("Concat", *columns, axis=len(shape)))), shape


def by_places(g: Graph, call: Pair, x: str, arrays: Sequence[Part], ndim: int) -> str:
    """Return x by GatherND: the axes that arrays name come first, and their result goes where the first of them was."""
    axes = [part.axis for part in arrays]
    rest = [d for d in range(ndim) if d not in axes]
    front = x if axes == list(range(len(axes))) else g.node("Transpose", x, perm=[*axes, *rest])
    index, shape = places(g, call, arrays)
    y = g.node("GatherND", front, index)
    before = axes[0] if axes == list(range(axes[0], axes[0] + len(axes))) else 0  # as NumPy has it
    if before:
        span = len(shape)
        y = g.node("Transpose", y, perm=[*range(span, span + before), *range(span),
                                         *range(span + before, span + len(rest))])  # fmt: skip
    return str(y)


def masked(g: Graph, call: Pair, x: str, parts: Sequence[Part]) -> str:
    """Return the elements where a mask for the first axes holds."""
    if parts[0].kind != "mask" or any(part.kind != "slice" or part.both[0] != WHOLE for part in parts[1:]):
        raise call.unsupported("a mask beside other parts in an index")
    mask = g.value(call, parts[0].name, parts[0].both)
    return str(g.node("GatherND", x, g.node("Transpose", g.node("NonZero", mask), perm=[1, 0])))


# -- writing ---------------------------------------------------------------------------------------------------------


def place(g: Graph, call: Pair) -> str:
    """Zeros with x at the index: padding for slices, sums for arrays."""
    if all(part.kind == "slice" for part in parts_of(call, len(call.result()))):
        return surrounded(g, call, g.constant(0, call.output()[0].dtype))
    arrays = parts_of(call, len(call.result()))
    named = [part for part in arrays if part.kind == "array"]
    trailing = arrays[len(named) :]
    leading = all(part.kind == "array" for part in arrays[: len(named)])
    if not leading or any(part.kind != "slice" or part.both[0] != WHOLE for part in trailing) or g.opset < 16:
        raise call.unsupported("ONNX adds at arrays of indices for the first axes, from opset 16 on")
    zeros = g.node("Expand", g.constant(0, call.output()[0].dtype), g.sizes(call, call.result()))
    return str(g.node("ScatterND", zeros, places(g, call, named)[0], g.input(call, "x"), reduction="add"))


def surrounded(g: Graph, call: Pair, value: str) -> str:
    """Return the x of a call of place, with `value` around it."""
    before, after = [], []
    for part, (n, m) in zip(parts_of(call, len(call.result())), call.result(), strict=True):
        (start, stop, step), (start2, stop2, _) = (s.indices(size) for s, size in zip(part.both, (n, m), strict=True))
        if step != 1 or (start, n - stop) != (start2, m - stop2):
            raise call.unsupported("padding that follows from a size that may change")
        before.append(start)
        after.append(n - stop)
    x = g.input(call, "x")
    if not any(before + after):
        return x
    return str(g.node("Pad", x, g.ints(*before, *after), value, mode="constant"))


def setitem(g: Graph, call: Pair) -> str:
    """x with value at the index."""
    x, shape = g.input(call, "x"), call.shape("x")
    value, of_value = g.input(call, "value"), sizes_of(tuple(map(np.asarray, call.input("value"))))
    parts = parts_of(call, len(shape))
    if len(parts) == 1 and parts[0].kind == "mask" and not of_value:
        return str(g.node("Where", g.value(call, parts[0].name, parts[0].both), value, x))
    if any(part.kind not in ("slice", "int") for part in parts):
        raise call.unsupported("writing at arrays of indices; use scatter, or minidl.where with a mask")
    chosen = [part for part in parts if part.both[0] != WHOLE]
    if not chosen:
        return value if of_value == shape else str(g.node("Expand", value, g.sizes(call, shape)))
    if len(chosen) > 1:
        raise call.unsupported("writing at an index of several axes; write it with minidl.where, or axis by axis")
    (part,) = chosen
    size, axis = shape[part.axis], part.axis
    spans = [
        (p % n, p % n + 1, 1) if isinstance(p, int) else p.indices(n) for p, n in zip(part.both, size, strict=True)
    ]
    (start, stop, step), (start2, stop2, _) = spans
    if step != 1:
        raise call.unsupported("writing at every so-manieth place; write it with minidl.where")
    span = (stop - start, stop2 - start2)
    if part.kind == "int" and len(of_value) == len(shape) - 1:
        wide = [*of_value[:axis], (1, 1), *of_value[axis:]]
        value, of_value = reshaped(g, call, value, of_value, wide), wide
    elif part.kind == "int" and of_value:
        inserted = axis - len(shape) + 1 + len(of_value)
        wide = [*of_value[: max(inserted, 0)], (1, 1), *of_value[max(inserted, 0) :]] if inserted >= 0 else of_value
        value, of_value = reshaped(g, call, value, of_value, wide), wide
    target = [*shape[:axis], span, *shape[axis + 1 :]]
    if of_value != target:
        value = g.node("Expand", value, g.sizes(call, target))
    pieces = [value]
    if start or start2:
        pieces.insert(0, cut(g, call, x, (0, 0), (start, start2), axis))
    if (stop, stop2) != size:
        pieces.append(cut(g, call, x, (stop, stop2), (END, END), axis))
    return pieces[0] if len(pieces) == 1 else str(g.node("Concat", *pieces, axis=axis))


def cut(g: Graph, call: Pair, x: str, start: Both, stop: Both, axis: int) -> str:
    """Return a part of x along an axis."""
    return str(g.node("Slice", x, g.sizes(call, [start]), g.sizes(call, [stop]), g.ints(axis)))


TABLE: dict[str, Callable[[Graph, Pair], Any]] = {"getitem": getitem, "place": place, "setitem": setitem}
