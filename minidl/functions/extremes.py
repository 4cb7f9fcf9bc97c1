"""The largest, the smallest and the middle of many numbers, and where they are."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import dtypes, ops
from ..autograd import Variable
from ..errors import ArgumentTypeError, DTypeError, IndexOutOfRange
from ._arguments import array_in, as_array, axes, axis, flag, like, numpy_names
from .indexing import take_along_dim
from .reductions import floats


class Extremum(NamedTuple):
    """What max, min and median along a dimension answer."""

    values: Any
    indices: Any


AMinMax = namedtuple("AMinMax", ["min", "max"])


def nonempty(input: Any, dim: Any, name: str) -> None:
    """Refuse to choose an extremum of nothing."""
    shape = array_in(input).shape
    if 0 in (shape if dim is None else [shape[d] for d in (dim if isinstance(dim, tuple) else (dim,)) if shape]):
        raise IndexOutOfRange(f"{name}: the reduced dimension of shape {shape} is empty, and nothing has no extremum")


@numpy_names
def amax(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """y = max x over `dim`; equal maxima share the gradient.

    >>> import minidl
    >>> minidl.amax(minidl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([5., 7.])
    """
    dims = axes(dim, array_in(input).ndim)
    nonempty(input, dims, "amax")
    return ops.amax(input, dim=dims, keepdim=flag(keepdim, "keepdim"))


@numpy_names
def amin(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """y = min x over `dim`; equal minima share the gradient.

    >>> import minidl
    >>> minidl.amin(minidl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([1., 2.])
    """
    dims = axes(dim, array_in(input).ndim)
    nonempty(input, dims, "amin")
    return ops.amin(input, dim=dims, keepdim=flag(keepdim, "keepdim"))


@numpy_names
def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return (min, max) of all, or along a `dim`; equal ones share the gradient.

    >>> import minidl
    >>> minidl.aminmax(minidl.tensor([3.0, 1.0, 2.0]))
    AMinMax(min=tensor(1.), max=tensor(3.))
    """
    d = None if dim is None else axis(dim, array_in(input).ndim)
    return AMinMax(amin(input, d, keepdim), amax(input, d, keepdim))


@numpy_names
def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the index of the (first) maximum along `dim`, of the flattened input for None.

    >>> import minidl
    >>> minidl.argmax(minidl.tensor([1.0, 5.0, 2.0]))
    tensor(1)
    """
    refuse_booleans(input, "argmax")
    return place_of(ops.argmax, input, dim, keepdim)


@numpy_names
def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the index of the (first) minimum along `dim`, of the flattened input for None.

    >>> import minidl
    >>> minidl.argmin(minidl.tensor([1.0, 5.0, 0.0]))
    tensor(2)
    """
    refuse_booleans(input, "argmin")
    return place_of(ops.argmin, input, dim, keepdim)


def refuse_booleans(input: Any, name: str) -> None:
    """Refuse booleans where PyTorch does."""
    if array_in(input).dtype == dtypes.bool_:
        raise DTypeError(f"{name}: got bool, expected numbers")


def place_of(choose: Callable[..., Any], input: Any, dim: Any, keepdim: Any) -> Any:
    """Return the index that ops.argmax or ops.argmin finds."""
    ndim = array_in(input).ndim
    d = None if dim is None else axis(dim, ndim)
    nonempty(input, d, choose.__name__)
    return choose(input, dim=d if ndim else None, keepdim=flag(keepdim, "keepdim"))


@numpy_names
def max(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Return the maximum; along a `dim`, (values, indices); of two Tensors, the larger element by element.

    >>> import minidl
    >>> minidl.max(minidl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1).indices
    tensor([1, 0])
    """
    return extremum("max", ops.maximum, ops.amax, ops.argmax, input, dim if other is None else other, keepdim)


@numpy_names
def min(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Return the minimum; along a `dim`, (values, indices); of two Tensors, the smaller element by element.

    >>> import minidl
    >>> minidl.min(minidl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1).values
    tensor([1., 2.])
    """
    return extremum("min", ops.minimum, ops.amin, ops.argmin, input, dim if other is None else other, keepdim)


def extremum(name: str, of_two: Any, of_all: Any, where: Any, input: Any, dim: Any, keepdim: Any) -> Any:
    """Return the three forms of max and min: of all, of two Tensors, along a dimension."""
    if isinstance(dim, (Variable, np.ndarray)) or dim is None:
        if flag(keepdim, "keepdim") or not isinstance(input, (Variable, np.ndarray)):
            raise ArgumentTypeError(f"{name}: expected a Tensor, a Tensor and a dim, or two Tensors")
        return of_two(input, dim) if dim is not None else undivided(of_all, input, name)
    return picked(input, dim, keepdim, lambda x, d: place_of(where, x, d, True))


def undivided(of_all: Any, input: Any, name: str) -> Any:
    """Return the extremum of all; a NaN among them takes the gradient."""
    nonempty(input, None, name)
    y = of_all(input)
    return tied(input, as_array(y)) if np.isnan(as_array(y)) else y


def tied(input: Any, value: Any) -> Any:
    """Return a value that elements of the input have, which share its gradient."""
    x = array_in(input)
    if np.isnan(value):
        return ops.mean(ops.getitem(input, index=np.isnan(x)))
    return ops.amax(ops.getitem(input, index=x == value))


def picked(input: Any, dim: Any, keepdim: Any, find: Callable[[Any, int], Any]) -> Extremum:
    """Return what is at the indices, of size 1 along `dim`, that `find` returns."""
    d = axis(dim, array_in(input).ndim)
    indices = find(input, d)
    if array_in(input).ndim == 0:
        flag(keepdim, "keepdim")
        return Extremum(ops.copy(input), indices)
    values = take_along_dim(input, indices, d)
    if flag(keepdim, "keepdim"):
        return Extremum(values, indices)
    shape = indices.shape[:d] + indices.shape[d + 1 :]
    return Extremum(ops.reshape(values, shape=shape), ops.reshape(indices, shape=shape))


@numpy_names
def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the middle number (of an even number the lower one), NaN if one is NaN; along a `dim`, (values, indices).

    >>> import minidl
    >>> minidl.median(minidl.tensor([4.0, 1.0, 3.0, 2.0]))
    tensor(2.)
    """
    return middle("median", input, dim, keepdim, lambda n, total: np.where(n < total, n, (total - 1) // 2))


@numpy_names
def nanmedian(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the middle of the numbers that are not NaN; along a `dim`, (values, indices).

    >>> import minidl
    >>> minidl.nanmedian(minidl.tensor([4.0, float("nan"), 3.0]))
    tensor(3.)
    """
    return middle("nanmedian", input, dim, keepdim, lambda n, total: np.maximum(n - 1, 0) // 2)


def middle(name: str, input: Any, dim: Any, keepdim: Any, position: Callable[[Any, int], Any]) -> Any:
    """Return what stands at a position of the sorted numbers, given how many are not NaN, and how many there are."""
    refuse_booleans(input, name)
    x = array_in(input)
    if dim is None:
        if flag(keepdim, "keepdim"):
            raise ArgumentTypeError(f"{name}: keepdim goes with a dim")
        if not x.size:
            floats(input, f"{name} of nothing")
            return ops.mean(input)
        return tied(input, middle(name, x.reshape(-1), 0, False, position).values)
    nonempty(input, axis(dim, x.ndim), name)

    def find(_: Any, d: int) -> Any:
        if not x.ndim:
            return like(np.zeros((), np.int64), input)
        numbers = np.sum(~np.isnan(x), axis=d, keepdims=True)
        order = np.argsort(x, axis=d, kind="stable")  # NaN last
        return like(np.take_along_axis(order, position(numbers, x.shape[d]), d), input)

    return picked(input, dim, keepdim, find)
