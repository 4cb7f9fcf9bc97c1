"""Reductions, by PyTorch's names and arguments. `dim`: None for all, an int, or (where PyTorch has it) a tuple."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes, ops
from ..errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from ..operation import cast_to
from ._arguments import array_in, as_array, axes, axis, flag, integers, numpy_names


def typed(input: Any, dtype: Any) -> Any:
    """Return the input in the dtype asked for."""
    return input if dtype is None else cast_to(input, dtypes.checked(dtype))


def floats(input: Any, name: str) -> None:
    """Refuse integers where PyTorch does."""
    if array_in(input).dtype.kind != "f":
        raise DTypeError(f"{name}: got {array_in(input).dtype}, expected a floating dtype; call .float() first")


def floating(input: Any) -> Any:
    """Return the input, integers and booleans as the default floating dtype."""
    return input if array_in(input).dtype.kind == "f" else cast_to(input, dtypes.get_default_dtype())


def over(input: Any, dim: Any, keepdim: Any) -> dict[str, Any]:
    """Return the options of a reduction over `dim`."""
    return {"dim": axes(dim, array_in(input).ndim), "keepdim": flag(keepdim, "keepdim")}


@numpy_names
def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """y = Σ x over `dim`; booleans and integers add up to int64.

    >>> import minidl
    >>> minidl.sum(minidl.ones(2, 3), dim=0)
    tensor([2., 2., 2.])
    """
    return typed(ops.sum(typed(input, dtype), **over(input, dim, keepdim)), dtype)


@numpy_names
def nansum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """y = Σ x over `dim`, NaN counted as 0.

    >>> import minidl
    >>> minidl.nansum(minidl.tensor([1.0, float("nan")]))
    tensor(1.)
    """
    return sum(ops.where(ops.isnan(input), 0, input), dim, keepdim, dtype=dtype)


@numpy_names
def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """y = (1/n) Σ x over `dim`.

    >>> import minidl
    >>> minidl.mean(minidl.tensor([1.0, 2.0]))
    tensor(1.5000)
    """
    input = typed(input, dtype)
    floats(input, "mean")
    return ops.mean(input, **over(input, dim, keepdim))


@numpy_names
def nanmean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """y = (1/n) Σ x over `dim`, of the n numbers that are not NaN.

    >>> import minidl
    >>> minidl.nanmean(minidl.tensor([1.0, float("nan"), 2.0]))
    tensor(1.5000)
    """
    floats(input, "nanmean")
    count = ops.sum(ops.logical_not(ops.isnan(input)), **over(input, dim, keepdim))
    return ops.div(nansum(input, dim, keepdim, dtype=dtype), count)


@numpy_names
def prod(input: Any, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """y = Π x over `dim`; booleans and integers multiply to int64.

    The halves are multiplied with each other until one number is left, so the gradient needs no division and is right
    where some x are 0.

    >>> import minidl
    >>> minidl.prod(minidl.tensor([2.0, 3.0, 4.0]))
    tensor(24.)
    """
    ndim = array_in(input).ndim
    d, y = None if dim is None else axis(dim, ndim), typed(input, dtype)
    if as_array(y).dtype.kind != "f":
        y = cast_to(y, dtypes.int64)
    if d is None or not ndim:
        y, d = ops.reshape(y, shape=(-1,)), 0
    before = (slice(None),) * d
    while (n := y.shape[d]) > 1:
        halves = [ops.getitem(y, index=(*before, slice(k, k + n // 2))) for k in (0, n // 2)]
        last = [ops.getitem(y, index=(*before, slice(n - 1, n)))] if n % 2 else []
        y = ops.mul(*halves)
        y = ops.cat(y, *last, dim=d) if last else y
    shape = (*y.shape[:d], 1, *y.shape[d + 1 :])
    if not y.shape[d]:
        y = ops.add(ops.sum(y, dim=d, keepdim=True), 1)
    if dim is None or not ndim:
        shape = ()
    elif not flag(keepdim, "keepdim"):
        shape = shape[:d] + shape[d + 1 :]
    return typed(ops.reshape(y, shape=shape), dtype)


@numpy_names
def var(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """y = Σ (x - mean x)² / (n - correction) over `dim`, in two passes; correction 1 unless given, `unbiased` False: 0.

    In float64, as PyTorch does, so that the square of a large or small deviation stays a number.

    >>> import minidl
    >>> minidl.var(minidl.tensor([1.0, 2.0, 3.0, 4.0]), correction=0)
    tensor(1.2500)
    """
    return variance("var", input, dim, unbiased, keepdim, correction)[0]


@numpy_names
def std(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """y = √var(x), with slope 0 where it is 0.

    >>> import minidl
    >>> minidl.std(minidl.tensor([1.0, 3.0]), correction=0)
    tensor(1.)
    """
    return variance("std", input, dim, unbiased, keepdim, correction, root)[0]


@numpy_names
def var_mean(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> tuple[Any, Any]:
    """Return (var(x), mean(x)).

    >>> import minidl
    >>> minidl.var_mean(minidl.tensor([1.0, 3.0]))
    (tensor(2.), tensor(2.))
    """
    return variance("var_mean", input, dim, unbiased, keepdim, correction)


@numpy_names
def std_mean(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> tuple[Any, Any]:
    """Return (std(x), mean(x)).

    >>> import minidl
    >>> minidl.std_mean(minidl.tensor([1.0, 3.0]), correction=0)
    (tensor(1.), tensor(2.))
    """
    return variance("std_mean", input, dim, unbiased, keepdim, correction, root)


def variance(
    name: str, input: Any, dim: Any, unbiased: Any, keepdim: Any, correction: Any, then: Callable[[Any], Any] = ops.copy
) -> tuple[Any, Any]:
    """Return `then` of the variance, and the mean."""
    floats(input, name)
    if isinstance(dim, bool) and unbiased is None and not keepdim and correction is None:  # PyTorch's var(unbiased)
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise ArgumentTypeError(f"{name}: got unbiased={unbiased} and correction={correction}, expected one of them")
    if not isinstance(correction, (int, float, type(None))):
        raise DTypeError(f"{name}: correction is {correction!r}, expected a number")
    if correction is None:
        correction = 1 if unbiased is None else int(flag(unbiased, "unbiased"))
    dtype, x, options = array_in(input).dtype, cast_to(input, dtypes.float64), over(input, dim, keepdim)
    deviation = ops.sub(x, ops.mean(x, dim=options["dim"], keepdim=True))
    left = float(ops.reduce.count(as_array(x).shape, options["dim"]) - correction)
    square = ops.div(ops.sum(ops.mul(deviation, deviation), **options), left if left > 0 else 0.0)
    return cast_to(then(square), dtype), cast_to(ops.mean(x, **options), dtype)


def root(x: Any) -> Any:
    """Return √x, with slope 0 instead of ∞ where x is 0: a length that is 0 does not know where to grow."""
    zero = ops.eq(x, 0.0)
    return ops.where(zero, 0.0, ops.sqrt(ops.where(zero, 1.0, x)))


@numpy_names
def all(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Return whether all are true (over `dim`); of uint8 the answer is uint8.

    >>> import minidl
    >>> minidl.all(minidl.tensor([True, False]))
    tensor(False)
    """
    return truth(ops.all, input, dim, keepdim)


@numpy_names
def any(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Return whether any is true (over `dim`); of uint8 the answer is uint8.

    >>> import minidl
    >>> minidl.any(minidl.tensor([True, False]))
    tensor(True)
    """
    return truth(ops.any, input, dim, keepdim)


def truth(quantifier: Callable[..., Any], input: Any, dim: Any, keepdim: Any) -> Any:
    """Return what all or any say; an empty tuple of dimensions reduces none."""
    options = over(input, dim, keepdim)
    if isinstance(dim, (tuple, list)) and not dim:
        options["dim"] = ()
    y = quantifier(input, **options)
    return cast_to(y, dtypes.uint8) if array_in(input).dtype == dtypes.uint8 else y


@numpy_names
def count_nonzero(input: Any, dim: Any = None) -> Any:
    """y = how many x are not 0 (over `dim`).

    >>> import minidl
    >>> minidl.count_nonzero(minidl.tensor([0, 3, 0, 4]))
    tensor(2)
    """
    options = over(input, dim, False)
    return ops.sum(ops.ne(input, 0), **options)


@numpy_names
def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Any:
    """y = ln Σ e^x over `dim`, shifted by the maximum so that nothing overflows.

    >>> import minidl
    >>> minidl.logsumexp(minidl.tensor([1000.0, 1000.0]), 0)
    tensor(1000.6932)
    """
    if dim is None:
        raise DTypeError("logsumexp: dim is None, expected an int or a tuple of ints")
    input = floating(input)
    dims = axes(dim, array_in(input).ndim)
    top: Any = 0.0
    if array_in(input).size:
        top = ops.amax(input, dim=dims, keepdim=True)
        top = top.detach() if hasattr(top, "detach") else top
        top = ops.where(ops.isinf(top), 0.0, top)
    total = ops.log(ops.sum(ops.exp(ops.sub(input, top)), dim=dims, keepdim=True)) + top
    return total if flag(keepdim, "keepdim") else ops.sum(total, dim=dims)


def trace(input: Any) -> Any:
    """y = Σ_i x_ii, the sum over the diagonal of a matrix.

    >>> import minidl
    >>> minidl.trace(minidl.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    x = array_in(input)
    if x.ndim != 2:
        raise ShapeError(f"trace: got shape {x.shape}, expected a matrix")
    if x.dtype == dtypes.bool_:
        raise DTypeError("trace: got bool, expected numbers")
    return ops.sum(ops.diagonal(input, offset=0, dim1=0, dim2=1))


def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """y_k = how often k is in a vector of integers, or the sum of the weights there; at least `minlength` long.

    >>> import minidl
    >>> minidl.bincount(minidl.tensor([1, 3, 1]))
    tensor([0, 2, 0, 1])
    """
    x, (least,) = array_in(input), integers((minlength,), "minlength")
    if x.dtype.kind not in "iu":
        raise DTypeError(f"bincount: got {x.dtype}, expected integers")
    if x.ndim != 1 or (x < 0).any():
        raise ShapeError(f"bincount: got shape {x.shape}, expected a vector of integers that are at least 0")
    if least < 0:
        raise ArgumentError(f"minlength: got {least}, expected at least 0")
    if weights is None:
        weights = ops.add(ops.zeros_like(cast_to(input, dtypes.int64)), 1)
    elif as_array(weights, "weights").shape != x.shape:
        raise ShapeError(f"weights: got shape {as_array(weights).shape}, expected {x.shape}, one for each number")
    elif as_array(weights).dtype != dtypes.float32:
        weights = cast_to(weights, dtypes.float64)
    size = max(least, int(x.max()) + 1 if x.size else 0)
    return ops.place(weights, index=x.astype(np.int64), shape=(size,))
