"""Sorting along a dimension, and searching in what is sorted."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import ops
from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from ._arguments import array_in, as_array, axis, flag, like, numpy_names, one_int
from .indexing import take_along_dim


class Sorted(NamedTuple):
    """What is chosen by order along a dimension, and where it was."""

    values: Any
    indices: Any


@numpy_names
def argsort(input: Any, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Any:
    """Return the indices that sort along `dim`; NaN counts as the largest, equal values stay in order.

    >>> import minidl
    >>> minidl.argsort(minidl.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    x = array_in(input)
    d = axis(dim, x.ndim)
    flag(descending, "descending")
    flag(stable, "stable")
    if x.ndim == 0:
        return like(np.zeros((), np.int64), input)
    return ops.argsort(input, dim=d, descending=descending)


@numpy_names
def sort(input: Any, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Any:
    """Return (values, indices), sorted along `dim`; NaN counts as the largest, equal values stay in order.

    >>> import minidl
    >>> minidl.sort(minidl.tensor([3.0, 1.0, 2.0]), descending=True).values
    tensor([3., 2., 1.])
    """
    indices = argsort(input, dim, descending, stable=stable)
    if array_in(input).ndim == 0:
        return Sorted(ops.copy(input), indices)
    return Sorted(take_along_dim(input, indices, dim), indices)


def msort(input: Any) -> Any:
    """Return the values sorted along the first dimension.

    >>> import minidl
    >>> minidl.msort(minidl.tensor([3.0, 1.0, 2.0]))
    tensor([1., 2., 3.])
    """
    return sort(input, 0).values


@numpy_names
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """Return (values, indices) of the k largest (or smallest) along `dim`, in order, whether `sorted` or not.

    Unlike PyTorch's, the places among equal values are the first ones.

    >>> import minidl
    >>> minidl.topk(minidl.tensor([3.0, 1.0, 2.0]), 2)
    Sorted(values=tensor([3., 2.]), indices=tensor([0, 2]))
    """
    x = array_in(input)
    d, count = axis(dim, x.ndim), one_int(k, "k")
    flag(largest, "largest")
    flag(sorted, "sorted")
    size = x.shape[d] if x.ndim else 1
    if not 0 <= count <= size:
        raise ArgumentError(f"k: got {k}, expected 0 to {size}, the size of dimension {dim}")
    if x.dtype == np.bool_:
        raise DTypeError("topk: got bool, expected numbers")
    both = sort(input, dim, largest)
    if x.ndim == 0:
        return both
    return Sorted(*[ops.getitem(part, index=(*(slice(None),) * d, slice(0, count))) for part in both])


@numpy_names
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """Return (values, indices) of the k-th smallest along `dim`, counted from 1.

    >>> import minidl
    >>> minidl.kthvalue(minidl.tensor([3.0, 1.0, 2.0]), 2).values
    tensor(2.)
    """
    x = array_in(input)
    d, place = axis(dim, x.ndim), one_int(k, "k")
    flag(keepdim, "keepdim")
    size = x.shape[d] if x.ndim else 1
    if size == 0:
        raise IndexOutOfRange(f"kthvalue: dimension {dim} of shape {x.shape} is empty")
    if not 1 <= place <= size:
        raise ArgumentError(f"k: got {k}, expected 1 to {size}, the size of dimension {dim}")
    if x.dtype == np.bool_:
        raise DTypeError("kthvalue: got bool, expected numbers")
    both = sort(input, dim)
    if x.ndim == 0:
        return both
    part = slice(place - 1, place) if keepdim else place - 1
    return Sorted(*[ops.getitem(each, index=(*(slice(None),) * d, part, ...)) for each in both])


@numpy_names
def mode(input: Any, dim: int = -1, keepdim: bool = False) -> Any:
    """Return (values, indices) of what occurs most often along `dim`: the smallest such value, its last place.

    >>> import minidl
    >>> minidl.mode(minidl.tensor([3.0, 1.0, 3.0, 2.0]))
    Sorted(values=tensor(3.), indices=tensor(2))
    """
    x = array_in(input)
    d = axis(dim, x.ndim)
    flag(keepdim, "keepdim")
    if x.ndim == 0:
        return sort(input)
    if x.shape[d] == 0:
        raise IndexOutOfRange(f"mode: dimension {dim} of shape {x.shape} is empty")
    order = np.moveaxis(np.argsort(x, axis=d, kind="stable"), d, -1)
    ranked = np.take_along_axis(np.moveaxis(x, d, -1), order, -1)
    place = np.arange(x.shape[d])
    first = np.ones(ranked.shape, bool)  # does a run of equal values begin here?
    first[..., 1:] = ranked[..., 1:] != ranked[..., :-1]
    length = place - np.maximum.accumulate(np.where(first, place, 0), -1)
    longest = np.argmax(length, -1, keepdims=True)
    indices = like(np.moveaxis(np.take_along_axis(order, longest, -1), -1, d), input)
    both = Sorted(take_along_dim(input, indices, d), indices)
    shape = x.shape[:d] + x.shape[d + 1 :]
    return both if keepdim else Sorted(*[ops.reshape(part, shape=shape) for part in both])


# -- searching -------------------------------------------------------------------------------------------------------


def searchsorted(
    sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None,
    sorter: Any = None,
) -> Any:  # fmt: skip
    """Return where to insert each value so that the sequence (the last dimension) stays sorted.

    Before what equals it, or with `right` (side="right") behind. `sorter` holds the indices that sort the sequence.

    >>> import minidl
    >>> minidl.searchsorted(minidl.tensor([1, 3, 5]), minidl.tensor([3, 6]))
    tensor([1, 3])
    """
    sequence, values = array_in(sorted_sequence, "sorted_sequence"), as_array(input)
    if side not in (None, "left", "right"):
        raise ArgumentError(f'side: got {side!r}, expected "left" or "right"')
    if side == "left" and right:
        raise ArgumentError('side: got "left" while right is True; give one of them')
    if sequence.ndim == 0 or (sequence.ndim > 1 and sequence.shape[:-1] != values.shape[:-1]):
        raise ShapeError(
            f"searchsorted: a sequence of shape {sequence.shape} and values of shape {values.shape}; expected a "
            "vector, or equal sizes but the last"
        )
    if sorter is not None:
        order = array_in(sorter, "sorter")
        if order.shape != sequence.shape or order.dtype != np.int64:
            raise ShapeError(f"sorter: got {order.dtype} {order.shape}, expected int64 {sequence.shape}")
        if order.size and (order.min() < 0 or order.max() >= sequence.shape[-1]):
            raise IndexOutOfRange(f"sorter: expected indices from 0 to {sequence.shape[-1] - 1}")
        sequence = np.take_along_axis(sequence, order, -1)
    behind = flag(right, "right") or side == "right"
    return like(halved(sequence, values, behind, flag(out_int32, "out_int32")), sorted_sequence, input)


def halved(sequence: Any, values: Any, right: bool, out_int32: bool) -> Any:
    """Return where values belong, by halving the part of the sequence in question, for all of them at once."""
    n = sequence.shape[-1]
    low, high = np.zeros(values.shape, np.int64), np.full(values.shape, n)
    for _ in range(n.bit_length()):
        middle = np.minimum((low + high) // 2, n - 1)
        seen = sequence[middle] if sequence.ndim == 1 else np.take_along_axis(sequence, middle, -1)
        beyond = ~(seen > values if right else seen >= values) & (low < high)
        high = np.where(beyond, high, np.minimum(middle, high))
        low = np.where(beyond, middle + 1, low)
    return low.astype(np.int32 if out_int32 else np.int64)


def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    """Return, for each value, the number of boundaries below it (with `right`: at or below it).

    >>> import minidl
    >>> minidl.bucketize(minidl.tensor([0.5, 2.0]), minidl.tensor([0.0, 1.0, 2.0]))
    tensor([1, 2])
    """
    if array_in(boundaries, "boundaries").ndim != 1:
        raise ShapeError(f"boundaries: got shape {as_array(boundaries).shape}, expected a vector")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)
