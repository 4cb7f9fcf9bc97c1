"""Reductions, by PyTorch's names and arguments. `dim`: None for all, an int, or (where PyTorch has it) a tuple."""

from __future__ import annotations

from typing import Any, NamedTuple

from .. import dtypes, ops
from ..errors import ArgumentError, DTypeError, IndexOutOfRange
from ..operation import cast_to
from ._arguments import as_array, axes, axis, numpy_names
from .indexing import take_along_dim


class Extremum(NamedTuple):
    """What max and min along a dimension answer."""

    values: Any
    indices: Any


def typed(input: Any, dtype: Any) -> Any:
    """Return the input in the dtype asked for."""
    return input if dtype is None else cast_to(input, dtypes.checked(dtype))


def floats(input: Any, name: str) -> None:
    """Refuse integers where PyTorch does."""
    if as_array(input).dtype.kind != "f":
        raise DTypeError(f"{name}: got {as_array(input).dtype}, expected a floating dtype; call .float() first")


def nonempty(input: Any, dim: Any, name: str) -> None:
    """Refuse to choose an extremum of nothing."""
    shape = as_array(input).shape
    if 0 in (shape if dim is None else [shape[d] for d in (dim if isinstance(dim, tuple) else (dim,)) if shape]):
        raise IndexOutOfRange(f"{name}: the reduced dimension of shape {shape} is empty, and nothing has no extremum")


@numpy_names
def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """y = Σ x over `dim`; booleans and integers add up to int64.

    >>> import minidl
    >>> minidl.sum(minidl.ones(2, 3), dim=0)
    tensor([2., 2., 2.])
    """
    if dim is not None:
        dim = axes(dim, as_array(input).ndim)
    return ops.sum(typed(input, dtype), dim=dim, keepdim=keepdim)


@numpy_names
def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """y_i = x_0 + ... + x_i along `dim`; booleans and integers add up to int64.

    >>> import minidl
    >>> minidl.cumsum(minidl.tensor([1.0, 2.0, 3.0]), 0)
    tensor([1., 3., 6.])
    """
    input = typed(input, dtype)
    ndim = as_array(input).ndim
    d = axis(dim, ndim)
    return ops.cumsum(input, dim=d) if ndim else ops.sum(input)


@numpy_names
def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """y = (1/n) Σ x over `dim`.

    >>> import minidl
    >>> minidl.mean(minidl.tensor([1.0, 2.0]))
    tensor(1.5000)
    """
    input = typed(input, dtype)
    floats(input, "mean")
    return ops.mean(input, dim=axes(dim, as_array(input).ndim), keepdim=keepdim)


@numpy_names
def amax(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """y = max x over `dim`; equal maxima share the gradient.

    >>> import minidl
    >>> minidl.amax(minidl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([5., 7.])
    """
    dims = axes(dim, as_array(input).ndim)
    nonempty(input, dims, "amax")
    return ops.amax(input, dim=dims, keepdim=keepdim)


@numpy_names
def amin(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """y = min x over `dim`; equal minima share the gradient.

    >>> import minidl
    >>> minidl.amin(minidl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([1., 2.])
    """
    dims = axes(dim, as_array(input).ndim)
    nonempty(input, dims, "amin")
    return ops.amin(input, dim=dims, keepdim=keepdim)


@numpy_names
def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the index of the (first) maximum along `dim`, of the flattened input for None.

    >>> import minidl
    >>> minidl.argmax(minidl.tensor([1.0, 5.0, 2.0]))
    tensor(1)
    """
    d = None if dim is None else axis(dim, as_array(input).ndim)
    nonempty(input, d, "argmax")
    return ops.argmax(input, dim=d if as_array(input).ndim else None, keepdim=keepdim)


@numpy_names
def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the index of the (first) minimum along `dim`, of the flattened input for None.

    >>> import minidl
    >>> minidl.argmin(minidl.tensor([1.0, 5.0, 0.0]))
    tensor(2)
    """
    d = None if dim is None else axis(dim, as_array(input).ndim)
    nonempty(input, d, "argmin")
    return ops.argmin(input, dim=d if as_array(input).ndim else None, keepdim=keepdim)


@numpy_names
def max(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the maximum; along a `dim`, (values, indices); of two Tensors, the larger element by element.

    >>> import minidl
    >>> minidl.max(minidl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1).indices
    tensor([1, 0])
    """
    if dim is None:
        return amax(input)
    if not isinstance(dim, int):
        return ops.maximum(input, dim)
    return Extremum(*chosen(input, dim, keepdim, argmax))


@numpy_names
def min(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the minimum; along a `dim`, (values, indices); of two Tensors, the smaller element by element.

    >>> import minidl
    >>> minidl.min(minidl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1).values
    tensor([1., 2.])
    """
    if dim is None:
        return amin(input)
    if not isinstance(dim, int):
        return ops.minimum(input, dim)
    return Extremum(*chosen(input, dim, keepdim, argmin))


def chosen(input: Any, dim: int, keepdim: bool, choose: Any) -> tuple[Any, Any]:
    """Return what `choose` finds along `dim`, and where."""
    if as_array(input).ndim == 0:
        return ops.copy(input), choose(input, dim)
    indices = choose(input, dim, keepdim=True)
    values = take_along_dim(input, indices, dim)
    if keepdim:
        return values, indices
    shape = indices.shape[: dim % len(indices.shape)] + indices.shape[dim % len(indices.shape) + 1 :]
    return ops.reshape(values, shape=shape), ops.reshape(indices, shape=shape)


@numpy_names
def var(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = 1
) -> Any:
    """y = Σ (x - mean x)² / (n - correction) over `dim`, in two passes; `unbiased` False means correction 0.

    >>> import minidl
    >>> minidl.var(minidl.tensor([1.0, 2.0, 3.0, 4.0]), correction=0)
    tensor(1.2500)
    """
    floats(input, "var")
    if isinstance(dim, bool):  # PyTorch's var(unbiased)
        dim, unbiased = None, dim
    if unbiased is not None:
        correction = int(unbiased)
    ndim = as_array(input).ndim
    dims = axes(dim, ndim)
    deviation = input - ops.mean(input, dim=dims, keepdim=True)
    left = ops.reduce.count(as_array(input).shape, dims) - correction
    return ops.div(ops.sum(deviation * deviation, dim=dims, keepdim=keepdim), float(left) if left > 0 else 0.0)


@numpy_names
def std(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = 1
) -> Any:
    """y = √var(x).

    >>> import minidl
    >>> minidl.std(minidl.tensor([1.0, 3.0]), correction=0)
    tensor(1.)
    """
    return ops.sqrt(var(input, dim, unbiased, keepdim, correction=correction))


@numpy_names
def all(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Return whether all are true (over `dim`).

    >>> import minidl
    >>> minidl.all(minidl.tensor([True, False]))
    tensor(False)
    """
    return ops.all(input, dim=axes(dim, as_array(input).ndim), keepdim=keepdim)


@numpy_names
def any(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Return whether any is true (over `dim`).

    >>> import minidl
    >>> minidl.any(minidl.tensor([True, False]))
    tensor(True)
    """
    return ops.any(input, dim=axes(dim, as_array(input).ndim), keepdim=keepdim)


@numpy_names
def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Any:
    """y = ln Σ e^x over `dim`, shifted by the maximum so that nothing overflows.

    >>> import minidl
    >>> minidl.logsumexp(minidl.tensor([1000.0, 1000.0]), 0)
    tensor(1000.6932)
    """
    dims = axes(dim, as_array(input).ndim)
    top: Any = 0.0
    if as_array(input).size:
        top = ops.amax(input, dim=dims, keepdim=True)
        top = top.detach() if hasattr(top, "detach") else top
        top = ops.where(ops.isinf(top), 0.0, top)
    total = ops.log(ops.sum(ops.exp(input - top), dim=dims, keepdim=True)) + top
    return total if keepdim else ops.sum(total, dim=dims)


def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False) -> Any:
    """y = (Σ |x|^p)^(1/p) over `dim`; "fro" is p = 2, inf the largest |x|, -inf the smallest, 0 how many are not 0.

    >>> import minidl
    >>> minidl.norm(minidl.tensor([3.0, 4.0]))
    tensor(5.)
    """
    floats(input, "norm")
    dims = axes(dim, as_array(input).ndim)
    size = ops.abs(input)
    if p == float("inf"):
        return ops.amax(size, dim=dims, keepdim=keepdim)
    if p in ("fro", 2):
        return ops.sqrt(ops.sum(input * input, dim=dims, keepdim=keepdim))
    if not isinstance(p, (int, float)):
        raise ArgumentError(f'p: got {p!r}, expected "fro" or a number')
    if p == float("-inf"):
        return ops.amin(size, dim=dims, keepdim=keepdim)
    if p == 0:
        return ops.sum(cast_to(ops.ne(input, 0.0), as_array(input).dtype), dim=dims, keepdim=keepdim)
    return ops.pow(ops.sum(ops.pow(size, p), dim=dims, keepdim=keepdim), 1.0 / p)
