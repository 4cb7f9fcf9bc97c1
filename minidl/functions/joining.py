"""Tensors put together, and taken apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from itertools import pairwise
from typing import Any, TypeVar, cast

import numpy as np

from .. import dtypes, ops
from ..autograd import Variable
from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from ..operation import cast_to
from ._arguments import array_in, as_array, axis, ints, numpy_names, one_int, tensors_of
from .shaping import atleast_1d, atleast_2d, atleast_3d

F = TypeVar("F", bound=Callable[..., Any])


@numpy_names
def cat(tensors: Any, dim: int = 0) -> Any:
    """Return the tensors one after the other along `dim`; their other sizes must be equal.

    >>> import minidl
    >>> minidl.cat([minidl.zeros(2), minidl.ones(1)])
    tensor([0., 0., 1.])
    """
    joined = alike(sequence(tensors, "cat"))
    solid = [x for x in joined if x.shape != (0,)] or joined[:1]  # PyTorch skips empty vectors, for an old habit
    first = solid[0].shape
    d = axis(dim, len(first))
    for k, x in enumerate(solid):
        shape = x.shape
        if (
            len(shape) != len(first)
            or not shape
            or any(a != b for e, (a, b) in enumerate(zip(first, shape, strict=True)) if e != d)
        ):
            raise ShapeError(
                f"cat: tensor 0 has shape {first} and tensor {k} has {shape}; "
                f"all sizes but that of dimension {d} must be equal"
            )
    return ops.cat(*solid, dim=d)


@numpy_names
def stack(tensors: Any, dim: int = 0) -> Any:
    """Return the tensors, all of one shape, side by side along a new dimension `dim`.

    >>> import minidl
    >>> minidl.stack([minidl.zeros(2), minidl.ones(2)], dim=1)
    tensor([[0., 1.],
            [0., 1.]])
    """
    tensors = sequence(tensors, "stack")
    shapes = {x.shape for x in tensors}
    if len(shapes) > 1:
        raise ShapeError(f"stack: all tensors must have one shape, got {sorted(shapes)}")
    return ops.stack(*alike(tensors), dim=axis(dim, tensors[0].ndim + 1))


def sequence(tensors: Any, name: str) -> list[Any]:
    """Return a sequence of tensors, at least one, as a list."""
    together = tensors_of(tensors, name)
    if not together:
        raise ArgumentError(f"{name}: expected at least one Tensor, got an empty {type(tensors).__name__}")
    return together


def alike(tensors: list[Any]) -> list[Any]:
    """Return the tensors in their common dtype."""
    arrays = [as_array(x) for x in tensors]
    if all(array.dtype is arrays[0].dtype for array in arrays):
        return tensors
    dtype = dtypes.of_values(arrays)
    return [cast_to(x, dtype) for x in tensors]


def hstack(tensors: Any) -> Any:
    """Return the tensors one after the other along the second dimension, vectors along their only one.

    >>> import minidl
    >>> minidl.hstack([minidl.zeros(2), minidl.ones(1)])
    tensor([0., 0., 1.])
    """
    tensors = [atleast_1d(x) for x in sequence(tensors, "hstack")]
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1)


def vstack(tensors: Any) -> Any:
    """Return the tensors below each other, along the first dimension, vectors as rows.

    >>> import minidl
    >>> minidl.vstack([minidl.zeros(2), minidl.ones(2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    return cat([atleast_2d(x) for x in sequence(tensors, "vstack")], 0)


def dstack(tensors: Any) -> Any:
    """Return the tensors one after the other along the third dimension.

    >>> import minidl
    >>> minidl.dstack([minidl.zeros(2), minidl.ones(2)]).shape
    (1, 2, 2)
    """
    return cat([atleast_3d(x) for x in sequence(tensors, "dstack")], 2)


def column_stack(tensors: Any) -> Any:
    """Return the tensors side by side, along the second dimension, vectors as columns.

    >>> import minidl
    >>> minidl.column_stack([minidl.zeros(2), minidl.ones(2)])
    tensor([[0., 1.],
            [0., 1.]])
    """
    columns = [
        x if x.ndim > 1 else ops.reshape(x, shape=(as_array(x).size, 1)) for x in sequence(tensors, "column_stack")
    ]
    return cat(columns, 1)


def either_name(function: F) -> F:
    """Return the function as it also takes its second argument by the names of PyTorch's forms of it."""
    second = list(signature(function).parameters)[1]

    @wraps(function)
    def renamed(*args: Any, **named: Any) -> Any:
        for name in ("split_size", "indices", "sections", "tensor_indices_or_sections"):
            if name in named:
                named[second] = named.pop(name)
        return function(*args, **named)

    return cast(F, renamed)


@either_name
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Return views of pieces of equal size (the last may be smaller), or of the sizes listed.

    >>> import minidl
    >>> minidl.split(minidl.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    d, n = divided("split", tensor, dim)
    if isinstance(split_size_or_sections, (list, tuple)):
        sizes = ints(split_size_or_sections, "split_size_or_sections")
        if sum(sizes) != n or min(sizes, default=0) < 0:
            raise ShapeError(f"split: sizes {sizes} do not add up to {n}, the size of dimension {dim}")
        return pieces(tensor, d, np.cumsum((0, *sizes)).tolist())
    size = one_int(split_size_or_sections, "split_size")
    if size < 0 or (size == 0 and n):
        raise ArgumentError(f"split_size: got {size}, expected at least 1")
    return pieces(tensor, d, [*range(0, n, size), n] if n else [0, 0])


def split_with_sizes(input: Any, split_sizes: Any, dim: int = 0) -> tuple[Any, ...]:
    """Return views of pieces of the sizes listed, which add up to the size of `dim`.

    >>> import minidl
    >>> minidl.split_with_sizes(minidl.arange(5), [3, 2])
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    return split(input, ints(split_sizes, "split_sizes"), dim)


def divided(name: str, input: Any, dim: int) -> tuple[int, int]:
    """Return the dimension to divide, as a non-negative int, and its size."""
    shape = array_in(input).shape
    if not shape:
        raise ShapeError(f"{name}: a 0-d tensor has no dimension to divide")
    d = axis(dim, len(shape))
    return d, shape[d]


def pieces(input: Any, d: int, bounds: list[int]) -> tuple[Any, ...]:
    """Return views of what lies between neighbouring bounds along dimension `d`."""
    before = (slice(None),) * d
    return tuple([ops.getitem(input, index=(*before, slice(start, stop))) for start, stop in pairwise(bounds)])


def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """Return views of at most `chunks` pieces of equal size, the last one smaller where it does not divide.

    >>> import minidl
    >>> [len(part) for part in minidl.chunk(minidl.arange(7), 3)]
    [3, 3, 1]
    """
    count = one_int(chunks, "chunks")
    if count < 1:
        raise ArgumentError(f"chunks: got {chunks}, expected at least 1")
    d, n = divided("chunk", input, dim)
    return split(input, -(-n // count), d) if n else pieces(input, d, [0] * (count + 1))


@either_name
def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Return views of so many pieces of nearly equal size, or of the pieces between the indices listed.

    >>> import minidl
    >>> minidl.tensor_split(minidl.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    >>> minidl.tensor_split(minidl.arange(5), (1, 3))
    (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    d, n = divided("tensor_split", input, dim)
    where = indices_or_sections
    if isinstance(where, (Variable, np.ndarray)):
        where = as_array(where)
        if where.dtype != np.int64 or where.ndim > 1:
            raise DTypeError(f"tensor_split: got indices of {where.dtype} and shape {where.shape}, expected int64")
        where = where.tolist()
    if not isinstance(where, (tuple, list)):
        count = one_int(where, "sections")
        if count < 1:
            raise ArgumentError(f"sections: got {count}, expected at least 1")
        return pieces(input, d, [0, *np.cumsum([n // count + (k < n % count) for k in range(count)]).tolist()])
    return pieces(input, d, [0, *ints(where, "indices"), n])


@either_name
def hsplit(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Return the pieces along the second dimension (the only one of a vector), the inverse of hstack.

    >>> import minidl
    >>> [part.shape for part in minidl.hsplit(minidl.zeros(2, 4), 2)]
    [(2, 2), (2, 2)]
    """
    return evenly("hsplit", input, indices_or_sections, 0 if array_in(input).ndim == 1 else 1, 1)


@either_name
def vsplit(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Return the pieces along the first dimension, the inverse of vstack.

    >>> import minidl
    >>> [part.shape for part in minidl.vsplit(minidl.zeros(2, 4), 2)]
    [(1, 4), (1, 4)]
    """
    return evenly("vsplit", input, indices_or_sections, 0, 2)


@either_name
def dsplit(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Return the pieces along the third dimension, the inverse of dstack.

    >>> import minidl
    >>> [part.shape for part in minidl.dsplit(minidl.zeros(2, 3, 4), 2)]
    [(2, 3, 2), (2, 3, 2)]
    """
    return evenly("dsplit", input, indices_or_sections, 2, 3)


def evenly(name: str, input: Any, where: Any, dim: int, least: int) -> tuple[Any, ...]:
    """Return pieces along `dim`, so many of equal size or between the indices listed."""
    shape = array_in(input).shape
    if len(shape) < least:
        raise ShapeError(f"{name}: got {len(shape)} dimensions, expected at least {least}")
    if not isinstance(where, (tuple, list)):
        count = one_int(where, "sections")
        if count < 1 or shape[dim] % count:
            raise ArgumentError(f"sections: {count} pieces of equal size do not make {shape[dim]}, as {name} asks")
    return tensor_split(input, where, dim)


@numpy_names
def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """Return the slices along `dim`, without it.

    >>> import minidl
    >>> minidl.unbind(minidl.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    shape = array_in(input).shape
    d = axis(dim, len(shape))
    if not shape:
        raise IndexOutOfRange("unbind: a 0-d tensor has no dimension to unbind")
    return tuple(ops.getitem(input, index=(*(slice(None),) * d, k, ...)) for k in range(shape[d]))


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """Return, for vectors, grids of all their combinations: grid k varies along dimension k ("xy": the first two swap).

    >>> import minidl
    >>> minidl.meshgrid(minidl.tensor([1, 2]), minidl.tensor([3, 4]))[1]
    tensor([[3, 4],
            [3, 4]])
    """
    if indexing not in ("ij", "xy"):
        raise ArgumentError(f'indexing: got {indexing!r}, expected "ij" or "xy"')
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    vectors = sequence(given, "meshgrid")
    if any(x.ndim > 1 for x in vectors):
        raise ShapeError("meshgrid: expected vectors, or numbers as 0-d Tensors")
    if any(x.dtype != vectors[0].dtype for x in vectors):
        raise DTypeError(f"meshgrid: got {', '.join(str(x.dtype) for x in vectors)}, expected one dtype")
    swap = indexing == "xy" and len(vectors) > 1
    vectors = vectors[1::-1] + vectors[2:] if swap else vectors
    sizes = tuple([as_array(x).size for x in vectors])
    apart = [tuple([n if k == d else 1 for d in range(len(sizes))]) for k, n in enumerate(sizes)]
    grids = [
        ops.broadcast_to(ops.reshape(x, shape=shape), shape=sizes) for x, shape in zip(vectors, apart, strict=True)
    ]
    return tuple(grids[1::-1] + grids[2:] if swap else grids)
