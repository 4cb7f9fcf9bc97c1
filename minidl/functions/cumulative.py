"""Running sums, products and extremes along a dimension, and the differences that undo a sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes, ops
from ..errors import ArgumentError, ShapeError
from ..operation import cast_to
from ._arguments import array_in, as_array, axis, like, numpy_names, one_int
from .extremes import Extremum
from .indexing import take_along_dim
from .joining import cat
from .reductions import floats, typed


def scanned(input: Any, dim: int, combine: Callable[[Any, Any], Any]) -> Any:
    """Return y_i = x_0 ∘ x_1 ∘ ... ∘ x_i along `dim` for an associative ∘.

    Each step joins every stretch of k elements to the k before it, so log₂ n steps do (Hillis and Steele 1986).
    """
    y, k, before = ops.copy(input), 1, (slice(None),) * dim  # a copy, so that the input may change in place
    n = array_in(input).shape[dim]
    while k < n:
        first, earlier, later = (
            ops.getitem(y, index=(*before, part)) for part in (slice(0, k), slice(0, n - k), slice(k, n))
        )
        y, k = ops.cat(first, combine(earlier, later), dim=dim), 2 * k
    return y


@numpy_names
def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """y_i = x_0 + ... + x_i along `dim`; booleans and integers add up to int64.

    >>> import minidl
    >>> minidl.cumsum(minidl.tensor([1.0, 2.0, 3.0]), 0)
    tensor([1., 3., 6.])
    """
    input = typed(input, dtype)
    ndim = array_in(input).ndim
    d = axis(dim, ndim)
    return typed(ops.cumsum(input, dim=d) if ndim else ops.sum(input), dtype)


@numpy_names
def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """y_i = x_0 · ... · x_i along `dim`; booleans and integers multiply to int64.

    Its gradient needs no division, so it is right where some x are 0.

    >>> import minidl
    >>> minidl.cumprod(minidl.tensor([2.0, 3.0, 4.0]), 0)
    tensor([ 2.,  6., 24.])
    """
    input = typed(input, dtype)
    ndim = array_in(input).ndim
    d = axis(dim, ndim)
    x = input if array_in(input).dtype.kind == "f" else cast_to(input, dtypes.int64)
    return typed(scanned(x, d, ops.mul) if ndim else ops.copy(x), dtype)


@numpy_names
def logcumsumexp(input: Any, dim: int) -> Any:
    """y_i = ln(e^(x_0) + ... + e^(x_i)) along `dim`, each sum shifted so that nothing overflows.

    Unlike PyTorch, float32 goes by way of float64.

    >>> import minidl
    >>> minidl.logcumsumexp(minidl.tensor([1000.0, 1000.0]), 0)
    tensor([1000.0000, 1000.6932])
    """
    floats(input, "logcumsumexp")
    ndim = array_in(input).ndim
    d = axis(dim, ndim)
    wide = cast_to(input, dtypes.float64)
    return cast_to(scanned(wide, d, log_of_sum), array_in(input).dtype) if ndim else ops.copy(input)


def log_of_sum(a: Any, b: Any) -> Any:
    """Return ln(e^a + e^b), by the smaller one's distance from the larger."""
    larger = ops.ge(a, b)
    top, low = ops.where(larger, a, b), ops.where(larger, b, a)
    apart = ops.where(ops.logical_and(ops.eq(a, b), ops.isinf(a)), 0.0, ops.sub(low, top))
    return ops.add(top, ops.log1p(ops.exp(apart)))


@numpy_names
def cummax(input: Any, dim: int) -> Any:
    """Return (values, indices): the largest of x_0 ... x_i along `dim`, and where the last such one is.

    >>> import minidl
    >>> minidl.cummax(minidl.tensor([1.0, 3.0, 2.0]), 0).values
    tensor([1., 3., 3.])
    """
    return running(np.maximum, input, dim)


@numpy_names
def cummin(input: Any, dim: int) -> Any:
    """Return (values, indices): the smallest of x_0 ... x_i along `dim`, and where the last such one is.

    >>> import minidl
    >>> minidl.cummin(minidl.tensor([2.0, 3.0, 1.0]), 0).values
    tensor([2., 2., 1.])
    """
    return running(np.minimum, input, dim)


def running(choose: np.ufunc, input: Any, dim: Any) -> Extremum:
    """Return the running extremum and its places; NaN, once met, stays."""
    x = array_in(input)
    d = axis(dim, x.ndim)
    if not x.ndim:
        return Extremum(ops.copy(input), like(np.zeros((), np.int64), input))
    reached = choose.accumulate(x, axis=d)
    here = (x == reached) | np.isnan(x)
    places = np.arange(x.shape[d]).reshape(-1, *(1,) * (x.ndim - d - 1))
    indices = like(np.maximum.accumulate(np.where(here, places, 0), axis=d), input)
    return Extremum(take_along_dim(input, indices, d), indices)


@numpy_names
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """y_i = x_(i+1) - x_i along `dim`, n times over, with `prepend` and `append` put to the ends of x first.

    >>> import minidl
    >>> minidl.diff(minidl.tensor([1, 4, 9, 16]))
    tensor([3, 5, 7])
    """
    if not array_in(input).ndim:
        raise ShapeError("diff: got a 0-d tensor, expected at least one dimension")
    d, times = axis(dim, array_in(input).ndim), one_int(n, "n")
    if times < 0:
        raise ArgumentError(f"n: got {n}, expected at least 0")
    pieces = [x for x in (prepend, input, append) if x is not None]
    if any(as_array(x, "prepend, append").ndim != array_in(input).ndim for x in pieces):
        raise ShapeError("diff: prepend and append must have as many dimensions as the input")
    if times == 0:
        return ops.copy(input)
    y = cat(pieces, d) if len(pieces) > 1 else input
    less = ops.ne if as_array(y).dtype == dtypes.bool_ else ops.sub
    before = (slice(None),) * d
    for _ in range(min(times, as_array(y).shape[d])):
        y = less(*[ops.getitem(y, index=(*before, part)) for part in (slice(1, None), slice(None, -1))])
    return y
