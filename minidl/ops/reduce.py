"""Operations that reduce dimensions. `dim` is None (all), an int or a tuple; `keepdim` leaves size 1 in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..operation import broadcast_to, cast, primitive
from .elementwise import eq, where
from .index import getitem
from .shape import reshape

add_up: Any = np.add.reduce  # what np.sum calls in the end, at a third of its price
largest: Any = np.maximum.reduce
smallest: Any = np.minimum.reduce


@primitive
def sum(x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    """y = Σ x over `dim`; booleans and integers add up to int64."""
    return add_up(x, axis=dim, keepdims=keepdim, dtype=None if x.dtype.kind == "f" else np.int64)


@primitive
def mean(x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    """y = Σ x / n over `dim`."""
    return add_up(x, axis=dim, keepdims=keepdim) / x.dtype.type(count(x.shape, dim))


@primitive
def amax(x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    """y = max x over `dim`; equal maxima share the gradient."""
    return largest(x, axis=dim, keepdims=keepdim)


@primitive
def amin(x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    """y = min x over `dim`; equal minima share the gradient."""
    return smallest(x, axis=dim, keepdims=keepdim)


@primitive
def argmax(x: Any, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """y = the index of the (first) maximum along `dim`, of the flattened x for None."""
    return np.argmax(x, axis=dim, keepdims=keepdim)


@primitive
def argmin(x: Any, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """y = the index of the (first) minimum along `dim`, of the flattened x for None."""
    return np.argmin(x, axis=dim, keepdims=keepdim)


@primitive
def argsort(x: Any, *, dim: int, descending: bool = False) -> Any:
    """y = the places along `dim` in the order of their values, NaN as the largest; equal ones stay in order."""
    if descending:  # from the end, so that equal values stay in order here too
        return x.shape[dim] - 1 - np.flip(np.argsort(np.flip(x, dim), axis=dim, kind="stable"), dim)
    return np.argsort(x, axis=dim, kind="stable")


@primitive
def cumsum(x: Any, *, dim: int) -> Any:
    """y_i = Σ_{j ≤ i} x_j along `dim`; booleans and integers add up to int64."""
    return np.cumsum(x, axis=dim, dtype=None if x.dtype.kind == "f" else np.int64)


@primitive
def all(x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    """y = whether all are true."""
    return np.all(x, axis=dim, keepdims=keepdim)


@primitive
def any(x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    """y = whether any is true."""
    return np.any(x, axis=dim, keepdims=keepdim)


def dims_of(shape: tuple[int, ...], dim: Any) -> tuple[int, ...]:
    """Return `dim` as a tuple of non-negative ints."""
    if dim is None:
        return tuple(range(len(shape)))
    return tuple(d % max(len(shape), 1) for d in (dim if isinstance(dim, tuple) else (dim,)))


def count(shape: tuple[int, ...], dim: Any) -> int:
    """Return how many elements are reduced to one."""
    n = 1
    for d in dims_of(shape, dim) if shape else ():
        n *= shape[d]
    return n


def kept(g: Any, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Any:
    """Return a reduced value with the reduced dimensions back in place, at size 1."""
    if keepdim or not shape or (dim is None and g.shape == ()):
        return g
    dims = dims_of(shape, dim)
    return reshape(g, shape=tuple([1 if d in dims else n for d, n in enumerate(shape)]))


def spread(g: Any, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Any:
    """Return the adjoint of a sum: g repeated over the dimensions that were reduced."""
    return broadcast_to(kept(g, shape, dim, keepdim), shape=shape)


def to_extremum(g: Any, x: Any, out: Any, x_shape: Any, dim: Any, keepdim: bool) -> Any:
    """Return g at the elements that equal the extremum, shared evenly among them."""
    chosen = eq(x, kept(out, x_shape, dim, keepdim))
    shares = cast(sum(chosen, dim=dim, keepdim=True), dtype=g.dtype, source=np.dtype(np.int64))
    return where(chosen, spread(g, x_shape, dim, keepdim) / shares, 0.0)


def mean_dx(g: Any, x_shape: Any, dim: Any, keepdim: bool) -> Any:
    """Return g / n at each of the n elements."""
    return spread(g / float(count(x_shape, dim)), x_shape, dim, keepdim)


def backwards(x: Any, dim: int) -> Any:
    """Return x with the order along `dim` reversed."""
    return getitem(x, index=(*(slice(None),) * dim, slice(None, None, -1)))


cumsum.defvjp(x=lambda g, dim: backwards(cumsum(backwards(g, dim), dim=dim), dim))
sum.defvjp(x=lambda g, x_shape, dim, keepdim: spread(g, x_shape, dim, keepdim))
mean.defvjp(x=mean_dx)
amax.defvjp(x=to_extremum)
amin.defvjp(x=to_extremum)
