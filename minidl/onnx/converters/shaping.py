"""Operations that rearrange elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import Graph
from ..trace import Both, Pair


def reshaped(g: Graph, call: Pair, x: str, old: list[Both], new: list[Both]) -> str:
    """Return x in another shape; sizes that change stay (0), or follow from the rest (-1), or are worked out."""
    if old == new:
        return x
    shape, free = [], 0
    for axis, (a, b) in enumerate(new):
        if a == b:
            shape.append(a)
        elif axis < len(old) and old[axis] == (a, b):
            shape.append(0)
        else:
            shape.append(-1)
            free += 1
    static_zero = any(a == b == 0 for a, b in new)
    if free > 1 or static_zero:
        return str(g.node("Reshape", x, g.sizes(call, new), allowzero=1 if static_zero and g.opset >= 14 else None))
    return g.reshape(x, *shape)


def reshape(g: Graph, call: Pair) -> str:
    """The same elements in another shape."""
    return reshaped(g, call, g.input(call, "x"), call.shape("x"), call.result())


def permute(g: Graph, call: Pair) -> str:
    """Dimensions in another order."""
    dims = [d % len(call.shape("x")) for d in call.fixed("dims")]
    x = g.input(call, "x")
    return x if dims == sorted(dims) else str(g.node("Transpose", x, perm=dims))


def broadcast_to(g: Graph, call: Pair) -> str:
    """x repeated along new dimensions and those of size 1."""
    x = g.input(call, "x")
    if call.shape("x") == call.result():
        return x
    return str(g.node("Expand", x, g.sizes(call, call.result())))


def sum_to(g: Graph, call: Pair) -> str:
    """x summed down to a shape."""
    old, new = call.shape("x"), call.result()
    lead = len(old) - len(new)
    axes = [*range(lead), *[lead + k for k, n in enumerate(new) if n == (1, 1) and old[lead + k] != n]]
    summed = g.reduce("ReduceSum", g.input(call, "x"), axes, True)
    return reshaped(g, call, summed, [(1, 1)] * lead + new, new)


def cat(g: Graph, call: Pair) -> str:
    """One after the other along a dimension."""
    parts = [g.input(call, name) for name in call.first.inputs]
    return parts[0] if len(parts) == 1 else str(g.node("Concat", *parts, axis=call.fixed("dim")))


def stack(g: Graph, call: Pair) -> str:
    """Side by side along a new dimension."""
    dim = call.fixed("dim") % len(call.result())
    parts = [g.node("Unsqueeze", g.input(call, name), g.ints(dim)) for name in call.first.inputs]
    return parts[0] if len(parts) == 1 else str(g.node("Concat", *parts, axis=dim))


def diagonal(g: Graph, call: Pair) -> str:
    """The elements of a plane on a diagonal: the plane is made one dimension, and they are chosen from it."""
    shape, offset = call.shape("x"), call.fixed("offset")
    d1, d2 = (call.fixed(name) % len(shape) for name in ("dim1", "dim2"))
    (n, n2), (m, m2) = shape[d1], shape[d2]
    if n != n2 or m != m2:
        raise call.unsupported("the size of the plane may change; leave it out of dynamic_axes")
    rest = [d for d in range(len(shape)) if d not in (d1, d2)]
    planes = g.node("Transpose", g.input(call, "x"), perm=[*rest, d1, d2])
    lead = [shape[d] for d in rest]
    flat = reshaped(g, call, planes, [*lead, shape[d1], shape[d2]], [*lead, (n * m, n * m)])
    places = np.diagonal(np.arange(n * m).reshape(n, m), offset)
    return str(g.node("Gather", flat, g.constant(places, np.int64), axis=len(rest)))


def through(g: Graph, call: Pair) -> str:
    """The same values."""
    return g.input(call, "x")


TABLE: dict[str, Callable[[Graph, Pair], Any]] = {
    "reshape": reshape, "permute": permute, "broadcast_to": broadcast_to, "sum_to": sum_to, "cat": cat, "stack": stack,
    "diagonal": diagonal, "identity": through, "copy": through,
}  # fmt: skip
