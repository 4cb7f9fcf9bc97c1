"""Operations that reduce dimensions or work along one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import Graph
from ..trace import Pair


def dims_of(call: Pair) -> tuple[list[int], bool]:
    """Return the dimensions that are reduced, and whether they stay at size 1."""
    dim, ndim = call.fixed("dim"), len(call.shape("x"))
    dims = range(ndim) if dim is None else dim if isinstance(dim, tuple) else (dim,)
    return [d % max(ndim, 1) for d in dims] if ndim else [], bool(call.fixed("keepdim"))


def reduced(operator: str) -> Callable[[Graph, Pair], str]:
    """Return what writes a reduction in the type of its output."""

    def write(g: Graph, call: Pair) -> str:
        x, (dims, keep) = g.input(call, "x"), dims_of(call)
        if call.input("x")[0].dtype != call.output()[0].dtype:
            x = g.cast(x, call.output()[0].dtype)
        return g.reduce(operator, x, dims, keep)

    return write


def truth(operator: str) -> Callable[[Graph, Pair], str]:
    """Return what writes all or any: the smallest or the largest of 0 and 1."""

    def write(g: Graph, call: Pair) -> str:
        dims, keep = dims_of(call)
        numbers = g.cast(g.cast(g.input(call, "x"), bool), np.int32)
        return g.cast(g.reduce(operator, numbers, dims, keep), bool)

    return write


def extremum(operator: str) -> Callable[[Graph, Pair], str]:
    """Return what writes argmax or argmin."""

    def write(g: Graph, call: Pair) -> str:
        x, dim, keep = g.input(call, "x"), call.fixed("dim"), bool(call.fixed("keepdim"))
        if dim is not None and call.shape("x"):
            return str(g.node(operator, x, axis=dim, keepdims=int(keep)))
        found = g.node(operator, g.reshape(x, -1), axis=0, keepdims=0)
        return g.reshape(found, *[1] * len(call.result()))

    return write


def argsort(g: Graph, call: Pair) -> str:
    """TopK of all: equal values stay in order."""
    dim = call.fixed("dim")
    count = g.size(call, call.shape("x")[dim])
    return str(g.node("TopK", g.input(call, "x"), count, outputs=2, axis=dim,
                      largest=int(call.fixed("descending")))[1])  # fmt: skip


def cumsum(g: Graph, call: Pair) -> str:
    """Sums from the start."""
    x, dtype = g.input(call, "x"), call.output()[0].dtype
    if call.input("x")[0].dtype != dtype:
        x = g.cast(x, dtype)
    return str(g.node("CumSum", x, g.constant(call.fixed("dim"), np.int64)))


def softmax(g: Graph, call: Pair) -> str:
    """e^x over its sum along a dimension."""
    return str(g.node("Softmax", g.input(call, "x"), axis=call.fixed("dim")))


def log_softmax(g: Graph, call: Pair) -> str:
    """Its logarithm."""
    return str(g.node("LogSoftmax", g.input(call, "x"), axis=call.fixed("dim")))


TABLE: dict[str, Callable[[Graph, Pair], Any]] = {
    "sum": reduced("ReduceSum"), "mean": reduced("ReduceMean"), "amax": reduced("ReduceMax"),
    "amin": reduced("ReduceMin"), "all": truth("ReduceMin"), "any": truth("ReduceMax"), "argmax": extremum("ArgMax"),
    "argmin": extremum("ArgMin"), "argsort": argsort, "cumsum": cumsum, "softmax": softmax, "log_softmax": log_softmax,
}  # fmt: skip
