"""Diagonals and triangles of matrices. A diagonal is named by its distance from the main one, positive above it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, ops
from ..autograd import wrap
from ..devices import check_device
from ..errors import ArgumentError, DTypeError, ShapeError
from ._arguments import array_in, axis, flag, number, one_int
from .scattering import put
from .shaping import flatten


def tril(input: Any, diagonal: int = 0) -> Any:
    """y = x on and below a diagonal of the last two dimensions, else 0; diagonal 1 is the one above the main one.

    >>> import minidl
    >>> minidl.tril(minidl.ones(2, 2))
    tensor([[1., 0.],
            [1., 1.]])
    """
    return ops.where(lower("tril", input, diagonal), input, ops.zeros_like(input))


def triu(input: Any, diagonal: int = 0) -> Any:
    """y = x on and above a diagonal of the last two dimensions, else 0; diagonal 1 is the one above the main one.

    >>> import minidl
    >>> minidl.triu(minidl.ones(2, 2), diagonal=1)
    tensor([[0., 1.],
            [0., 0.]])
    """
    return ops.where(lower("triu", input, one_int(diagonal, "diagonal") - 1), ops.zeros_like(input), input)


def lower(name: str, input: Any, diagonal: int) -> Any:
    """Return the mask of what lies on and below a diagonal."""
    shape = array_in(input).shape
    if len(shape) < 2:
        raise ShapeError(f"{name}: got shape {shape}, expected at least two dimensions")
    return np.tri(shape[-2], shape[-1], one_int(diagonal, "diagonal"), dtype=bool)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Any:
    """Return the rows and columns of a row × col matrix that lie on and below a diagonal, in row-major order.

    >>> import minidl
    >>> minidl.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return places("tril_indices", row, col, lambda n, m: np.tri(n, m, one_int(offset, "offset")), dtype, device)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Any:
    """Return the rows and columns of a row × col matrix that lie on and above a diagonal, in row-major order.

    >>> import minidl
    >>> minidl.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    return places("triu_indices", row, col, lambda n, m: 1 - np.tri(n, m, one_int(offset, "offset") - 1), dtype, device)


def places(name: str, row: int, col: int, mask: Any, dtype: Any, device: Any) -> Any:
    """Return the indices at which the mask of a row × col matrix holds, as integers of a dtype."""
    check_device(device)
    n, m = one_int(row, "row"), one_int(col, "col")
    if min(n, m) < 0:
        raise ArgumentError(f"{name}: got {n} × {m}, expected sizes of at least 0")
    kind = dtypes.int64 if dtype is None else dtypes.checked(dtype)
    if kind not in (dtypes.int64, dtypes.int32):
        raise DTypeError(f"dtype: got {kind}, expected int64 or int32")
    return wrap(np.stack(np.nonzero(mask(n, m))).astype(kind))


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """Return a diagonal of the matrices that two dimensions span, as the last dimension; a view.

    >>> import minidl
    >>> minidl.diagonal(minidl.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    a, b = plane(dim1, dim2, array_in(input).ndim)
    return ops.diagonal(input, offset=one_int(offset, "offset"), dim1=a, dim2=b)


def plane(dim1: int, dim2: int, ndim: int) -> tuple[int, int]:
    """Return two different dimensions as non-negative ints."""
    a, b = axis(dim1, ndim, "dim1"), axis(dim2, ndim, "dim2")
    if a == b:
        raise ArgumentError(f"dim1, dim2: got {dim1} and {dim2}, expected two different dimensions")
    return a, b


def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Return square matrices, spanned by dim1 and dim2, whose diagonal is the last dimension of x, else 0.

    >>> import minidl
    >>> minidl.diag_embed(minidl.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    shape = list(array_in(input).shape)
    k, (a, b) = one_int(offset, "offset"), plane(dim1, dim2, len(shape) + 1)
    size = shape.pop() + abs(k)
    for d in sorted((a, b)):
        shape.insert(d, size)
    return ops.diagonal_dx(input, offset=k, dim1=a, dim2=b, shape=tuple(shape))


def diag(input: Any, diagonal: int = 0) -> Any:
    """Return the diagonal of a matrix, or for a vector the matrix that has it as its diagonal.

    >>> import minidl
    >>> minidl.diag(minidl.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    ndim = array_in(input).ndim
    if ndim not in (1, 2):
        raise ShapeError(f"diag: got {ndim} dimensions, expected a vector or a matrix")
    if ndim == 1:
        return diag_embed(input, diagonal)
    return ops.diagonal(input, offset=one_int(diagonal, "diagonal"), dim1=0, dim2=1)


def diagflat(input: Any, offset: int = 0) -> Any:
    """Return the square matrix that has the elements of `input`, in order, as a diagonal.

    >>> import minidl
    >>> minidl.diagflat(minidl.tensor([[1, 2]]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(flatten(input), offset)


def fill_diagonal(input: Any, fill_value: Any, wrap: bool = False) -> Any:
    """y = x, but a number on the main diagonal; `wrap` starts it again below its end in a tall matrix.

    >>> import minidl
    >>> minidl.zeros(2, 2).fill_diagonal_(5.0)
    tensor([[5., 0.],
            [0., 5.]])
    """
    array = array_in(input)
    shape = array.shape
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise ShapeError(f"fill_diagonal_: got shape {shape}, expected a matrix, or equal sizes")
    step = sum(math.prod(shape[d:]) for d in range(1, len(shape))) + 1
    end = array.size if flag(wrap, "wrap") else min(array.size, shape[1] ** len(shape))
    places = np.arange(0, end, step)
    return put(input, places, np.full(places.shape, number(fill_value, "fill_value")).astype(array.dtype))
