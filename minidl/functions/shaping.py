"""Other shapes for the same elements, by PyTorch's names and arguments: views wherever memory allows it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from ._arguments import array_in, as_array, axis, integers, ints, named_axes, numpy_names, one_int, tensors_of


class Size(tuple[int, ...]):
    """A shape, as Tensor.size() gives it: a tuple that can count the elements.

    >>> import minidl
    >>> minidl.zeros(2, 3).size().numel()
    6
    """

    __slots__ = ()

    def numel(self) -> int:
        """Return the number of elements of a Tensor of this shape."""
        return math.prod(self)


def reshape(input: Any, shape: Any) -> Any:
    """Return the elements of `input` in another shape, one size of which may be -1 (worked out); a view where possible.

    >>> import minidl
    >>> minidl.reshape(minidl.arange(6), (2, -1))
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    old = array_in(input).shape
    return ops.reshape(input, shape=whole("reshape", ints(shape, "shape"), math.prod(old), f"shape {old}"))


def whole(name: str, sizes: tuple[int, ...], total: int, source: str) -> tuple[int, ...]:
    """Return the sizes with -1 replaced by what makes them hold `total` elements."""
    known = math.prod(n for n in sizes if n != -1)
    free = sizes.count(-1)
    if min(sizes, default=0) < -1 or free > 1 or (free and known == 0) or (total % known if free else total != known):
        raise ShapeError(f"{name}: shape {sizes} does not hold the {total} elements of {source}")
    return tuple([total // known if n == -1 else n for n in sizes])


def view(input: Any, size: Any) -> Any:
    """Return `input` in another shape, sharing its memory; refused where that takes a copy (then use reshape).

    Unlike PyTorch, it takes no dtype.

    >>> import minidl
    >>> minidl.arange(4).view(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    if isinstance(size, (np.dtype, type)):
        raise DTypeError("view: reinterpreting memory as another dtype is left out; .to(dtype) converts the values")
    result = reshape(input, size)
    old = array_in(input)
    if old.size and not np.may_share_memory(as_array(result), old):
        raise ShapeError(f"view: shape {result.shape} of a non-contiguous tensor takes a copy; use reshape() instead")
    return result


def reshape_as(input: Any, other: Any) -> Any:
    """Return the elements of `input` in the shape of `other`.

    >>> import minidl
    >>> minidl.arange(4).reshape_as(minidl.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return reshape(input, array_in(other, "other").shape)


def view_as(input: Any, other: Any) -> Any:
    """Return `input` in the shape of `other`, sharing its memory.

    >>> import minidl
    >>> minidl.arange(4).view_as(minidl.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return view(input, array_in(other, "other").shape)


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Return `input` with the dimensions from `start_dim` to `end_dim` made one.

    >>> import minidl
    >>> minidl.flatten(minidl.zeros(2, 3, 4), 1).shape
    (2, 12)
    """
    shape = array_in(input).shape
    start, end = axis(start_dim, len(shape), "start_dim"), axis(end_dim, len(shape), "end_dim")
    if start > end:
        raise ArgumentError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    return ops.reshape(input, shape=(*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


def unflatten(input: Any, dim: int, sizes: Any) -> Any:
    """Return `input` with dimension `dim` split into `sizes`, one of which may be -1 (worked out).

    >>> import minidl
    >>> minidl.unflatten(minidl.zeros(2, 12), 1, (3, -1)).shape
    (2, 3, 4)
    """
    shape = array_in(input).shape
    d, parts = axis(dim, len(shape)), ints(sizes, "sizes")
    if not shape or not parts:
        raise ShapeError(f"unflatten: got sizes {parts} for shape {shape}, expected a dimension and its sizes")
    parts = whole("unflatten", parts, shape[d], f"dimension {dim}")
    return ops.reshape(input, shape=(*shape[:d], *parts, *shape[d + 1 :]))


def ravel(input: Any) -> Any:
    """Return `input` with all its dimensions made one.

    >>> import minidl
    >>> minidl.ravel(minidl.eye(2))
    tensor([1., 0., 0., 1.])
    """
    return flatten(input)


def permute(input: Any, dims: Any) -> Any:
    """Return a view with its dimensions in another order.

    >>> import minidl
    >>> minidl.permute(minidl.zeros(2, 3, 4), (2, 0, 1)).shape
    (4, 2, 3)
    """
    ndim = array_in(input).ndim
    order = tuple(axis(d, ndim, "dims") for d in ints(dims, "dims"))
    if sorted(order) != list(range(ndim)):
        raise ShapeError(f"permute: dims {order} must name each of the {ndim} dimensions once")
    return ops.permute(input, dims=order)


def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Return a view with two dimensions exchanged.

    >>> import minidl
    >>> minidl.transpose(minidl.zeros(2, 3), 0, 1).shape
    (3, 2)
    """
    ndim = array_in(input).ndim
    a, b = axis(dim0, ndim, "dim0"), axis(dim1, ndim, "dim1")
    order = list(range(ndim))
    if ndim:
        order[a], order[b] = b, a
    return ops.permute(input, dims=tuple(order))


def swapaxes(input: Any, axis0: int, axis1: int) -> Any:
    """Return a view with two dimensions exchanged: transpose by NumPy's name.

    >>> import minidl
    >>> minidl.swapaxes(minidl.zeros(2, 3), 0, 1).shape
    (3, 2)
    """
    return transpose(input, axis0, axis1)


def t(input: Any) -> Any:
    """Return the transpose of a matrix (a vector stays as it is).

    >>> import minidl
    >>> minidl.t(minidl.zeros(2, 3)).shape
    (3, 2)
    """
    if array_in(input).ndim > 2:
        raise ShapeError(f"t: got {array_in(input).ndim} dimensions, expected at most 2; use transpose(dim0, dim1)")
    return ops.permute(input, dims=tuple(range(array_in(input).ndim))[::-1])


def adjoint(input: Any) -> Any:
    """Return a view with the last two dimensions exchanged; complex numbers, which would be conjugated, are left out.

    >>> import minidl
    >>> minidl.adjoint(minidl.zeros(2, 3)).shape
    (3, 2)
    """
    if array_in(input).ndim == 1:
        raise ShapeError("adjoint: got 1 dimension, expected matrices; a vector has no second dimension to exchange")
    return transpose(input, -2, -1) if array_in(input).ndim else transpose(input, 0, 0)


def movedim(input: Any, source: Any, destination: Any) -> Any:
    """Return a view with dimension `source` moved to `destination`, the others in order; or several at once.

    >>> import minidl
    >>> minidl.movedim(minidl.zeros(2, 3, 4), 0, -1).shape
    (3, 4, 2)
    """
    ndim = array_in(input).ndim
    if isinstance(source, (tuple, list)) != isinstance(destination, (tuple, list)):
        raise DTypeError(f"movedim: got source {source!r} and destination {destination!r}, expected two ints or tuples")
    sources, destinations = named_axes(source, ndim, "source"), named_axes(destination, ndim, "destination")
    if len(sources) != len(destinations):
        raise ArgumentError(f"movedim: source {source} and destination {destination} differ in length")
    order = [d for d in range(ndim) if d not in sources]
    for to, d in sorted(zip(destinations, sources, strict=True)):
        order.insert(to, d)
    return ops.permute(input, dims=tuple(order[:ndim]))


def moveaxis(input: Any, source: Any, destination: Any) -> Any:
    """Return a view with dimension `source` moved to `destination`: movedim by NumPy's name.

    >>> import minidl
    >>> minidl.moveaxis(minidl.zeros(2, 3, 4), 0, -1).shape
    (3, 4, 2)
    """
    return movedim(input, source, destination)


@numpy_names
def squeeze(input: Any, dim: Any = None) -> Any:
    """Return a view without its dimensions of size 1 (or without those of `dim` that are).

    >>> import minidl
    >>> minidl.squeeze(minidl.zeros(1, 2, 1)).shape
    (2,)
    """
    shape = array_in(input).shape
    dims = range(len(shape)) if dim is None else named_axes(dim, len(shape))
    return ops.reshape(input, shape=tuple([n for d, n in enumerate(shape) if d not in dims or n != 1]))


@numpy_names
def unsqueeze(input: Any, dim: int) -> Any:
    """Return a view with a dimension of size 1 at `dim`.

    >>> import minidl
    >>> minidl.unsqueeze(minidl.zeros(2), 0).shape
    (1, 2)
    """
    shape = array_in(input).shape
    d = axis(dim, len(shape) + 1)
    return ops.reshape(input, shape=(*shape[:d], 1, *shape[d:]))


def expand(input: Any, size: Any) -> Any:
    """Return a view of shape `size`, repeating dimensions of size 1 without a copy; -1 keeps a size.

    >>> import minidl
    >>> minidl.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    shape, wanted = array_in(input).shape, ints(size, "size")
    lead = len(wanted) - len(shape)
    full = [shape[d - lead] if n == -1 and d >= lead else n for d, n in enumerate(wanted)]
    if (
        lead < 0
        or any(n < 0 for n in full)
        or any(old not in (1, new) for old, new in zip(shape, full[max(lead, 0) :], strict=True))
    ):
        raise ShapeError(f"expand: shape {shape} can't be expanded to {wanted}; only sizes of 1 can grow")
    return ops.broadcast_to(input, shape=tuple(full))


def expand_as(input: Any, other: Any) -> Any:
    """Return a view of `input` in the shape of `other`.

    >>> import minidl
    >>> minidl.ones(1).expand_as(minidl.zeros(3)).shape
    (3,)
    """
    return expand(input, array_in(other, "other").shape)


def broadcast_to(input: Any, size: Any) -> Any:
    """Return a view of `input` in the shape `size`, repeating dimensions of size 1.

    >>> import minidl
    >>> minidl.broadcast_to(minidl.ones(1), (2, 2)).shape
    (2, 2)
    """
    return expand(input, size)


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """Return the shape to which shapes (or ints, for one dimension) broadcast.

    >>> import minidl
    >>> minidl.broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    given = [ints(shape if isinstance(shape, (tuple, list)) else (shape,), "shapes") for shape in shapes]
    if any(n < 0 for shape in given for n in shape):
        raise ShapeError(f"broadcast_shapes: got {shapes}, expected sizes of at least 0")
    try:
        return np.broadcast_shapes(*given)
    except ValueError:
        raise ShapeError(
            f"broadcast_shapes: {', '.join(map(str, given))} do not broadcast; from the right, sizes must be equal or "
            "one of them 1"
        ) from None


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """Return views of all the tensors in the shape to which they broadcast.

    >>> import minidl
    >>> [x.shape for x in minidl.broadcast_tensors(minidl.ones(3), minidl.ones(2, 1))]
    [(2, 3), (2, 3)]
    """
    together = tensors_of(
        tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors, "tensors"
    )
    shape = broadcast_shapes(*[x.shape for x in together])
    return tuple([expand(x, shape) for x in together])


def each(function: Any, tensors: Any) -> Any:
    """Return what a function makes of one tensor, or a tuple of what it makes of several, or of a list of them."""
    if len(tensors) == 1 and not isinstance(tensors[0], (tuple, list)):
        return function(*tensors_of(tensors, "tensors"))
    together = tensors[0] if len(tensors) == 1 else tensors
    return tuple([function(x) for x in tensors_of(together, "tensors")])


def atleast_1d(*tensors: Any) -> Any:
    """Return views with at least one dimension: of one tensor, or a tuple for several.

    >>> import minidl
    >>> minidl.atleast_1d(minidl.tensor(2.0))
    tensor([2.])
    """
    return each(lambda x: x if x.ndim else ops.reshape(x, shape=(1,)), tensors)


def atleast_2d(*tensors: Any) -> Any:
    """Return views with at least two dimensions, a vector as one row: of one tensor, or a tuple for several.

    >>> import minidl
    >>> minidl.atleast_2d(minidl.ones(2))
    tensor([[1., 1.]])
    """
    return each(lambda x: x if x.ndim > 1 else ops.reshape(x, shape=(1, x.shape[0] if x.ndim else 1)), tensors)


def atleast_3d(*tensors: Any) -> Any:
    """Return views with at least three dimensions, (n) as (1, n, 1), (n, m) as (n, m, 1).

    >>> import minidl
    >>> minidl.atleast_3d(minidl.ones(2)).shape
    (1, 2, 1)
    """

    def deep(x: Any) -> Any:
        shape = x.shape if x.ndim > 1 else (1, *x.shape) if x.ndim else (1, 1)
        return x if x.ndim > 2 else ops.reshape(x, shape=(*shape, 1))

    return each(deep, tensors)


def clone(input: Any) -> Any:
    """Return a copy in memory of its own; the gradient flows through.

    >>> import minidl
    >>> minidl.clone(minidl.ones(2))
    tensor([1., 1.])
    """
    array_in(input)
    return ops.copy(input)


def contiguous(input: Any) -> Any:
    """Return `input` itself where it lies row-major in memory, else a copy that does.

    >>> import minidl
    >>> minidl.ones(2, 3).T.contiguous().is_contiguous()
    True
    """
    return input if array_in(input).flags.c_contiguous else ops.copy(input)


def narrow(input: Any, dim: int, start: int, length: int) -> Any:
    """Return a view of `length` slices along `dim` from `start` on.

    >>> import minidl
    >>> minidl.narrow(minidl.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    shape = array_in(input).shape
    if not shape:
        raise ShapeError("narrow: a 0-d tensor has no dimension to narrow")
    if np.shape(as_array(start, "start")):
        raise ShapeError(f"start: got shape {as_array(start).shape}, expected an int or a 0-d integer Tensor")
    d = axis(dim, len(shape))
    start, length = integers((start, length), "start, length")
    if length < 0:
        raise ArgumentError(f"length: got {length}, expected at least 0")
    if not -shape[d] <= start <= shape[d]:
        raise IndexOutOfRange(f"start: got {start} for dimension {dim} of size {shape[d]}")
    first = start + shape[d] if start < 0 else start
    if first + length > shape[d]:
        raise ShapeError(f"narrow: {start} and length {length} reach outside dimension {dim} of size {shape[d]}")
    return ops.getitem(input, index=(*(slice(None),) * d, slice(first, first + length)))


def select(input: Any, dim: int, index: int) -> Any:
    """Return the slice `index` along `dim`, without it.

    >>> import minidl
    >>> minidl.select(minidl.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    shape = array_in(input).shape
    if not shape:
        raise IndexOutOfRange("select: a 0-d tensor has no dimension to select from")
    d, k = axis(dim, len(shape)), one_int(index, "index")
    if not -shape[d] <= k < shape[d]:
        raise IndexOutOfRange(f"index: got {k} for dimension {dim} of size {shape[d]}")
    return ops.getitem(input, index=(*(slice(None),) * d, k, ...))
