"""Sorting along a dimension."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from .. import ops
from ..errors import ArgumentError
from ._arguments import as_array, axis, integers
from .indexing import take_along_dim

Sorted = namedtuple("Sorted", ["values", "indices"])


def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """Return the indices that sort along `dim`; NaN counts as the largest, equal values stay in order if stable.

    >>> import minidl
    >>> minidl.argsort(minidl.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    x = as_array(input)
    if x.ndim == 0:
        return ops.cast(ops.zeros_like(input), dtype="int64", source=x.dtype)
    return ops.argsort(input, dim=axis(dim, x.ndim), descending=descending, stable=stable)


def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """Return (values, indices), sorted along `dim`; NaN counts as the largest, equal values stay in order if stable.

    >>> import minidl
    >>> minidl.sort(minidl.tensor([3.0, 1.0, 2.0]), descending=True).values
    tensor([3., 2., 1.])
    """
    indices = argsort(input, dim, descending, stable)
    if as_array(input).ndim == 0:
        return Sorted(ops.copy(input), indices)
    return Sorted(take_along_dim(input, indices, dim), indices)


def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """Return (values, indices) of the k largest (or smallest) along `dim`, in order.

    >>> import minidl
    >>> minidl.topk(minidl.tensor([3.0, 1.0, 2.0]), 2)
    Sorted(values=tensor([3., 2.]), indices=tensor([0, 2]))
    """
    x = as_array(input)
    d = axis(dim, x.ndim)
    size = x.shape[d] if x.ndim else 1
    if not 0 <= integers((k,), "k")[0] <= size:
        raise ArgumentError(f"k: got {k}, expected 0 to {size}, the size of dimension {dim}")
    both = sort(input, dim, descending=largest)
    if x.ndim == 0:
        return both
    return Sorted(*[ops.getitem(part, index=(*(slice(None),) * d, slice(0, k))) for part in both])
