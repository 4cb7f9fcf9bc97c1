"""Rearranging, by PyTorch's names and arguments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, ops
from ..autograd import Variable
from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from ..operation import cast_to
from ._arguments import as_array, axes, axis, integers, numpy_names, shape_from


def reshape(input: Any, *shape: Any) -> Any:
    """Return the elements of `input` in another shape, one size of which may be -1 (worked out); a view where possible.

    >>> import minidl
    >>> minidl.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    old = as_array(input).shape
    sizes = shape_from(shape, "shape")
    total = math.prod(old)
    known = math.prod(n for n in sizes if n != -1)
    free = sizes.count(-1)
    if min(sizes, default=0) < -1 or free > 1 or (free and known == 0) or (total % known if free else total != known):
        raise ShapeError(f"reshape: shape {sizes} does not hold the {total} elements of shape {old}")
    return ops.reshape(input, shape=tuple([total // known if n == -1 else n for n in sizes]))


def view(input: Any, *shape: Any) -> Any:
    """Return `input` in another shape, sharing its memory; refused where that takes a copy (then use reshape).

    >>> import minidl
    >>> minidl.arange(4).view(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    if len(shape) == 1 and isinstance(shape[0], (np.dtype, type)):
        raise DTypeError("view: reinterpreting memory as another dtype is left out; .to(dtype) converts the values")
    result = reshape(input, *shape)
    old = as_array(input)
    if old.size and not np.shares_memory(as_array(result), old):
        raise ShapeError(f"view: shape {result.shape} of a non-contiguous tensor takes a copy; use reshape() instead")
    return result


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Return `input` with the dimensions from `start_dim` to `end_dim` made one.

    >>> import minidl
    >>> minidl.flatten(minidl.zeros(2, 3, 4), 1).shape
    (2, 12)
    """
    shape = as_array(input).shape
    start, end = axis(start_dim, len(shape), "start_dim"), axis(end_dim, len(shape), "end_dim")
    if start > end:
        raise ArgumentError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    return ops.reshape(input, shape=(*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


def unflatten(input: Any, dim: int, sizes: Any) -> Any:
    """Return `input` with dimension `dim` split into `sizes`.

    >>> import minidl
    >>> minidl.zeros(2, 12).unflatten(1, (3, -1)).shape
    (2, 3, 4)
    """
    shape = as_array(input).shape
    d = axis(dim, len(shape))
    parts = shape_from((sizes,), "sizes")
    known = math.prod(n for n in parts if n != -1)
    parts = tuple([shape[d] // known if n == -1 and known else n for n in parts])
    if math.prod(parts) != shape[d]:
        raise ShapeError(f"unflatten: sizes {sizes} do not multiply to {shape[d]}, the size of dimension {dim}")
    return ops.reshape(input, shape=(*shape[:d], *parts, *shape[d + 1 :]))


def permute(input: Any, *dims: Any) -> Any:
    """Return a view with its dimensions in another order.

    >>> import minidl
    >>> minidl.zeros(2, 3, 4).permute(2, 0, 1).shape
    (4, 2, 3)
    """
    ndim = as_array(input).ndim
    order = tuple(axis(d, ndim, "dims") for d in shape_from(dims, "dims"))
    if sorted(order) != list(range(ndim)):
        raise ShapeError(f"permute: dims {order} must name each of the {ndim} dimensions once")
    return ops.permute(input, dims=order)


def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Return a view with two dimensions exchanged.

    >>> import minidl
    >>> minidl.zeros(2, 3).transpose(0, 1).shape
    (3, 2)
    """
    ndim = as_array(input).ndim
    a, b = axis(dim0, ndim, "dim0"), axis(dim1, ndim, "dim1")
    order = list(range(ndim))
    if ndim:
        order[a], order[b] = b, a
    return ops.permute(input, dims=tuple(order))


def t(input: Any) -> Any:
    """Return the transpose of a matrix (a vector stays as it is).

    >>> import minidl
    >>> minidl.t(minidl.zeros(2, 3)).shape
    (3, 2)
    """
    if as_array(input).ndim > 2:
        raise ShapeError(f"t: got {as_array(input).ndim} dimensions, expected at most 2; use transpose(dim0, dim1)")
    return ops.permute(input, dims=tuple(range(as_array(input).ndim))[::-1])


def movedim(input: Any, source: Any, destination: Any) -> Any:
    """Return a view with dimension `source` moved to `destination`, the others in order.

    >>> import minidl
    >>> minidl.zeros(2, 3, 4).movedim(0, -1).shape
    (3, 4, 2)
    """
    ndim = as_array(input).ndim
    sources, destinations = axes(source, ndim, "source") or (), axes(destination, ndim, "destination") or ()
    if len(sources) != len(destinations):
        raise ArgumentError(f"movedim: source {source} and destination {destination} differ in length")
    order = [d for d in range(ndim) if d not in sources]
    for to, d in sorted(zip(destinations, sources, strict=True)):
        order.insert(to, d)
    return ops.permute(input, dims=tuple(order))


@numpy_names
def squeeze(input: Any, dim: Any = None) -> Any:
    """Return a view without its dimensions of size 1 (or without those of `dim` that are).

    >>> import minidl
    >>> minidl.zeros(1, 2, 1).squeeze().shape
    (2,)
    """
    shape = as_array(input).shape
    dims = (
        range(len(shape)) if dim is None else [axis(d, len(shape)) for d in (dim if isinstance(dim, tuple) else (dim,))]
    )
    return ops.reshape(input, shape=tuple([n for d, n in enumerate(shape) if d not in dims or n != 1]))


@numpy_names
def unsqueeze(input: Any, dim: int) -> Any:
    """Return a view with a dimension of size 1 at `dim`.

    >>> import minidl
    >>> minidl.zeros(2).unsqueeze(0).shape
    (1, 2)
    """
    shape = as_array(input).shape
    d = axis(dim, len(shape) + 1)
    return ops.reshape(input, shape=(*shape[:d], 1, *shape[d:]))


def expand(input: Any, *sizes: Any) -> Any:
    """Return a view of shape `sizes`, repeating dimensions of size 1 without a copy; -1 keeps a size.

    >>> import minidl
    >>> minidl.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    shape = as_array(input).shape
    wanted = shape_from(sizes, "sizes")
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
    return expand(input, as_array(other, "other").shape)


def broadcast_to(input: Any, size: Any) -> Any:
    """Return a view of `input` in the shape `size`, repeating dimensions of size 1.

    >>> import minidl
    >>> minidl.broadcast_to(minidl.ones(1), (2, 2)).shape
    (2, 2)
    """
    return expand(input, size)


@numpy_names
def cat(tensors: Any, dim: int = 0) -> Any:
    """Return the tensors one after the other along `dim`; their other sizes must be equal.

    >>> import minidl
    >>> minidl.cat([minidl.zeros(2), minidl.ones(1)])
    tensor([0., 0., 1.])
    """
    tensors = sequence(tensors, "cat")
    shapes = [as_array(x, "tensors").shape for x in tensors]
    solid = [x for x, shape in zip(tensors, shapes, strict=True) if shape != (0,)] or tensors[
        :1
    ]  # as PyTorch, for an old habit
    first = as_array(solid[0]).shape
    d = axis(dim, len(first))
    for k, x in enumerate(solid):
        shape = as_array(x).shape
        if (
            len(shape) != len(first)
            or not shape
            or any(a != b for e, (a, b) in enumerate(zip(first, shape, strict=True)) if e != d)
        ):
            raise ShapeError(
                f"cat: tensor 0 has shape {first} and tensor {k} has {shape}; "
                f"all sizes but that of dimension {d} must be equal"
            )
    return ops.cat(*alike(solid), dim=d)


@numpy_names
def stack(tensors: Any, dim: int = 0) -> Any:
    """Return the tensors, all of one shape, side by side along a new dimension `dim`.

    >>> import minidl
    >>> minidl.stack([minidl.zeros(2), minidl.ones(2)], dim=1)
    tensor([[0., 1.],
            [0., 1.]])
    """
    tensors = sequence(tensors, "stack")
    shapes = {as_array(x, "tensors").shape for x in tensors}
    if len(shapes) > 1:
        raise ShapeError(f"stack: all tensors must have one shape, got {sorted(shapes)}")
    return ops.stack(*alike(tensors), dim=axis(dim, as_array(tensors[0]).ndim + 1))


def sequence(tensors: Any, name: str) -> list[Any]:
    """Return a non-empty sequence of tensors as a list."""
    if not isinstance(tensors, (list, tuple)):
        raise DTypeError(f"{name}: got {type(tensors).__name__}, expected a list or tuple of Tensors")
    if not tensors:
        raise ArgumentError(f"{name}: expected at least one Tensor, got an empty {type(tensors).__name__}")
    for k, x in enumerate(tensors):
        if not isinstance(x, (Variable, np.ndarray)):
            raise DTypeError(f"{name}: element {k} is {type(x).__name__}, expected a Tensor or an array")
    return list(tensors)


def alike(tensors: list[Any]) -> list[Any]:
    """Return the tensors in their common dtype."""
    arrays = [as_array(x) for x in tensors]
    if all(array.dtype is arrays[0].dtype for array in arrays):
        return tensors
    dtype = dtypes.of_values(arrays)
    return [cast_to(x, dtype) for x in tensors]


def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Return views of pieces of equal size (the last may be smaller), or of the sizes listed.

    >>> import minidl
    >>> minidl.split(minidl.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    shape = as_array(tensor).shape
    d = axis(dim, len(shape))
    if isinstance(split_size_or_sections, (list, tuple)):
        sizes = list(integers(split_size_or_sections, "split_size_or_sections"))
        if sum(sizes) != shape[d] or min(sizes, default=0) < 0:
            raise ShapeError(f"split: sizes {sizes} do not add up to {shape[d]}, the size of dimension {dim}")
    else:
        (size,) = integers((split_size_or_sections,), "split_size")
        if size < 0 or (size == 0 and shape[d]):
            raise ArgumentError(f"split_size: got {size}, expected at least 1")
        sizes = [min(size, shape[d] - k) for k in range(0, shape[d], size)] if shape[d] else [0]
    before, start, parts = (slice(None),) * d, 0, []
    for size in sizes:
        parts.append(ops.getitem(tensor, index=(*before, slice(start, start + size))))
        start += size
    return tuple(parts)


def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """Return views of at most `chunks` pieces of equal size, the last one smaller where it does not divide.

    >>> import minidl
    >>> [len(part) for part in minidl.chunk(minidl.arange(7), 3)]
    [3, 3, 1]
    """
    if integers((chunks,), "chunks")[0] < 1:
        raise ArgumentError(f"chunks: got {chunks}, expected at least 1")
    size = as_array(input).shape[axis(dim, as_array(input).ndim)]
    return split(input, max(-(-size // chunks), 1), dim) if size else (input,) * chunks


@numpy_names
def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """Return the slices along `dim`, without it.

    >>> import minidl
    >>> minidl.unbind(minidl.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    shape = as_array(input).shape
    d = axis(dim, len(shape))
    if not shape:
        raise IndexOutOfRange("unbind: a 0-d tensor has no dimension to unbind")
    return tuple(ops.getitem(input, index=(*(slice(None),) * d, k, ...)) for k in range(shape[d]))


def flip(input: Any, *dims: Any) -> Any:
    """Return `input` with the order along `dims` reversed.

    >>> import minidl
    >>> minidl.flip(minidl.arange(3), (0,))
    tensor([2, 1, 0])
    """
    ndim = as_array(input).ndim
    named = shape_from(dims, "dims")
    reversed_dims = (axes(named, ndim, "dims") or ()) if named else ()
    index = tuple(slice(None, None, -1) if d in reversed_dims else slice(None) for d in range(ndim))
    return ops.copy(ops.getitem(input, index=index))


def repeat(input: Any, *repeats: Any) -> Any:
    """Return `input` repeated as often along each dimension; more repeats than dimensions add dimensions in front.

    >>> import minidl
    >>> minidl.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times = shape_from(repeats, "repeats")
    shape = as_array(input).shape
    if len(times) < len(shape):
        raise ShapeError(
            f"repeat: got {len(times)} repeats for a tensor of {len(shape)} dimensions; give at least as many"
        )
    shape = (1,) * (len(times) - len(shape)) + shape
    apart = [n for size in shape for n in (1, size)]
    grown = [n for count, size in zip(times, shape, strict=True) for n in (count, size)]
    wide = ops.broadcast_to(ops.reshape(input, shape=tuple(apart)), shape=tuple(grown))
    return ops.reshape(wide, shape=tuple([count * size for count, size in zip(times, shape, strict=True)]))


def clone(input: Any) -> Any:
    """Return a copy in memory of its own; the gradient flows through.

    >>> import minidl
    >>> minidl.clone(minidl.ones(2))
    tensor([1., 1.])
    """
    return ops.copy(input)


def contiguous(input: Any) -> Any:
    """Return `input` itself where it lies row-major in memory, else a copy that does.

    >>> import minidl
    >>> minidl.ones(2, 3).T.contiguous().is_contiguous()
    True
    """
    return input if as_array(input).flags.c_contiguous else ops.copy(input)


def narrow(input: Any, dim: int, start: int, length: int) -> Any:
    """Return a view of `length` slices along `dim` from `start` on.

    >>> import minidl
    >>> minidl.narrow(minidl.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    shape = as_array(input).shape
    d = axis(dim, len(shape))
    start, length = integers((start, length), "start, length")
    first = start + shape[d] if start < 0 else start
    if length < 0 or first < 0 or first + length > shape[d]:
        raise ShapeError(f"narrow: {start} and length {length} reach outside dimension {dim} of size {shape[d]}")
    return ops.getitem(input, index=(*(slice(None),) * d, slice(first, first + length)))


def select(input: Any, dim: int, index: int) -> Any:
    """Return the slice `index` along `dim`, without it.

    >>> import minidl
    >>> minidl.select(minidl.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    shape = as_array(input).shape
    if not shape:
        raise IndexOutOfRange("select: a 0-d tensor has no dimension to select from")
    d, k = axis(dim, len(shape)), axis(index, shape[axis(dim, len(shape))], "index")
    return ops.getitem(input, index=(*(slice(None),) * d, k, ...))


def ravel(input: Any) -> Any:
    """Return `input` with all its dimensions made one.

    >>> import minidl
    >>> minidl.ravel(minidl.eye(2))
    tensor([1., 0., 0., 1.])
    """
    return flatten(input)


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
    return ops.where(lower("triu", input, diagonal - 1), ops.zeros_like(input), input)


def lower(name: str, input: Any, diagonal: int) -> Any:
    """Return the mask of what lies on and below a diagonal."""
    shape = as_array(input).shape
    if len(shape) < 2:
        raise ShapeError(f"{name}: got shape {shape}, expected at least two dimensions")
    return np.tri(shape[-2], shape[-1], integers((diagonal,), "diagonal")[0], dtype=bool)


def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """Return x moved on by `shifts` along `dims`, what leaves at the end coming back in front; None: as one vector.

    >>> import minidl
    >>> minidl.roll(minidl.arange(5), 2)
    tensor([3, 4, 0, 1, 2])
    """
    shape = as_array(input).shape
    if dims is None:
        return ops.reshape(roll(flatten(input), shifts, 0), shape=shape)
    steps, along = shape_from((shifts,), "shifts"), shape_from((dims,), "dims")
    if len(steps) != len(along):
        raise ArgumentError(f"roll: got {len(steps)} shifts for {len(along)} dims, expected as many")
    for step, dim in zip(steps, along, strict=True):
        d = axis(dim, len(shape))
        cut = -step % shape[d] if shape[d] else 0
        before = (slice(None),) * d
        parts = [ops.getitem(input, index=(*before, part)) for part in (slice(cut, shape[d]), slice(0, cut))]
        input = ops.cat(*parts, dim=d)
    return input


def tile(input: Any, *dims: Any) -> Any:
    """Return x repeated as often along each dimension; missing repeats in front are 1.

    >>> import minidl
    >>> minidl.tile(minidl.tensor([1, 2]), (2,))
    tensor([1, 2, 1, 2])
    """
    times = shape_from(dims, "dims")
    return repeat(input, *(1,) * (as_array(input).ndim - len(times)), *times)


def repeat_interleave(input: Any, repeats: Any, dim: int | None = None) -> Any:
    """Return x with each element along `dim` repeated: by an int, or each by its own; None: of the flattened x.

    >>> import minidl
    >>> minidl.repeat_interleave(minidl.tensor([5, 7]), minidl.tensor([1, 2]))
    tensor([5, 7, 7])
    """
    if dim is None:
        return repeat_interleave(flatten(input), repeats, 0)
    d, times = axis(dim, as_array(input).ndim), as_array(repeats, "repeats")
    n = as_array(input).shape[d]
    if times.dtype.kind not in "iu" or times.size not in (1, n) or (times < 0).any():
        raise ArgumentError(f"repeats: got {times.tolist()}, expected an int, or one for each of {n}, at least 0")
    places = np.repeat(np.arange(n), times.reshape(-1) if times.size == n else times.item())
    return ops.getitem(input, index=(*(slice(None),) * d, places))


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """Return, for vectors, grids of all their combinations: grid k varies along dimension k ("xy": the first two swap).

    >>> import minidl
    >>> minidl.meshgrid(minidl.tensor([1, 2]), minidl.tensor([3, 4]))[1]
    tensor([[3, 4],
            [3, 4]])
    """
    if indexing not in ("ij", "xy"):
        raise ArgumentError(f'indexing: got {indexing!r}, expected "ij" or "xy"')
    vectors = list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else list(tensors)
    if any(as_array(x, "tensors").ndim > 1 for x in vectors):
        raise ShapeError("meshgrid: expected vectors, or numbers as 0-d Tensors")
    swap = indexing == "xy" and len(vectors) > 1
    vectors = vectors[1::-1] + vectors[2:] if swap else vectors
    sizes = tuple([as_array(x).size for x in vectors])
    apart = [tuple([n if k == d else 1 for d in range(len(sizes))]) for k, n in enumerate(sizes)]
    grids = [expand(ops.reshape(x, shape=shape), sizes) for x, shape in zip(vectors, apart, strict=True)]
    return tuple(grids[1::-1] + grids[2:] if swap else grids)
