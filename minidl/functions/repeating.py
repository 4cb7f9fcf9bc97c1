"""Elements repeated, reversed and moved along a dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Variable
from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from ._arguments import array_in, as_array, axis, ints, like, named_axes, one_int
from .shaping import flatten


def repeat(input: Any, repeats: Any) -> Any:
    """Return `input` repeated as often along each dimension; more repeats than dimensions add dimensions in front.

    >>> import minidl
    >>> minidl.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times, shape = ints(repeats, "repeats"), array_in(input).shape
    if len(times) < len(shape) or min(times, default=0) < 0:
        raise ShapeError(f"repeats: got {times} for a tensor of {len(shape)} dimensions; give each one, at least 0")
    shape = (1,) * (len(times) - len(shape)) + shape
    apart = [n for size in shape for n in (1, size)]
    grown = [n for count, size in zip(times, shape, strict=True) for n in (count, size)]
    wide = ops.broadcast_to(ops.reshape(input, shape=tuple(apart)), shape=tuple(grown))
    whole = tuple([count * size for count, size in zip(times, shape, strict=True)])
    return ops.copy(ops.reshape(wide, shape=whole)) if set(times) <= {1} else ops.reshape(wide, shape=whole)


def tile(input: Any, dims: Any) -> Any:
    """Return x repeated as often along each dimension; missing repeats in front are 1.

    >>> import minidl
    >>> minidl.tile(minidl.tensor([1, 2]), (2,))
    tensor([1, 2, 1, 2])
    """
    times = ints(dims, "dims")
    return repeat(input, (1,) * (array_in(input).ndim - len(times)) + times)


def repeat_interleave(
    input: Any, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Any:
    """Return x with each element along `dim` repeated: by an int, or each by its own; None: of the flattened x.

    Without `repeats`, x says how often to repeat 0, 1, 2, ... `output_size` is the size along `dim`, to be checked.

    >>> import minidl
    >>> minidl.repeat_interleave(minidl.tensor([5, 7]), minidl.tensor([1, 2]))
    tensor([5, 7, 7])
    """
    if repeats is None:
        return like(np.repeat(np.arange(array_in(input).size), counts(input, array_in(input).size)), input)
    if dim is None:
        return repeat_interleave(flatten(input), repeats, 0, output_size=output_size)
    shape = array_in(input).shape
    if not shape:
        raise IndexOutOfRange("repeat_interleave: a 0-d tensor has no dimension; leave dim out")
    d = axis(dim, len(shape))
    places = np.repeat(np.arange(shape[d]), counts(repeats, shape[d]))
    if output_size is not None and one_int(output_size, "output_size") != places.size:
        raise ArgumentError(f"output_size: got {output_size}, the repeats add up to {places.size}")
    return ops.getitem(input, index=(*(slice(None),) * d, places))


def counts(repeats: Any, n: int) -> Any:
    """Return how often to repeat each of n elements."""
    times = (
        as_array(repeats, "repeats")
        if isinstance(repeats, (Variable, np.ndarray))
        else np.array(one_int(repeats, "repeats"))
    )
    if times.dtype not in (np.int64, np.int32):
        raise DTypeError(f"repeats: got {times.dtype}, expected int64")
    if times.ndim > 1 or times.size not in (1, n) or (times < 0).any():
        raise ArgumentError(f"repeats: got {times.tolist()}, expected an int, or one for each of {n}, at least 0")
    return times.reshape(-1) if times.size == n else times.item()


def flip(input: Any, dims: Any) -> Any:
    """Return `input` with the order along `dims` reversed.

    >>> import minidl
    >>> minidl.flip(minidl.arange(3), (0,))
    tensor([2, 1, 0])
    """
    ndim = array_in(input).ndim
    turned = named_axes(ints(dims, "dims"), ndim, "dims")
    return ops.copy(
        ops.getitem(input, index=(*[slice(None, None, -1 if d in turned else 1) for d in range(ndim)], ...))
    )


def fliplr(input: Any) -> Any:
    """Return `input` with its columns (dimension 1) in reverse order.

    >>> import minidl
    >>> minidl.fliplr(minidl.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    if array_in(input).ndim < 2:
        raise ShapeError(f"fliplr: got {array_in(input).ndim} dimensions, expected at least 2")
    return flip(input, (1,))


def flipud(input: Any) -> Any:
    """Return `input` with its rows (dimension 0) in reverse order.

    >>> import minidl
    >>> minidl.flipud(minidl.tensor([[1, 2], [3, 4]]))
    tensor([[3, 4],
            [1, 2]])
    """
    if array_in(input).ndim < 1:
        raise ShapeError("flipud: got a 0-d tensor, expected at least 1 dimension")
    return flip(input, (0,))


def rot90(input: Any, k: int = 1, dims: Any = (0, 1)) -> Any:
    """Return `input` turned by k quarters in the plane of two dimensions, from the first towards the second.

    >>> import minidl
    >>> minidl.rot90(minidl.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    ndim, plane, turns = array_in(input).ndim, ints(dims, "dims"), one_int(k, "k") % 4
    if ndim < 2 or len(plane) != 2:
        raise ShapeError(f"rot90: got {ndim} dimensions and dims {plane}, expected at least 2, and two to turn in")
    a, b = named_axes(plane, ndim, "dims")
    if turns % 2 == 0:
        return flip(input, (a, b) if turns else ())
    order = list(range(ndim))
    order[a], order[b] = b, a
    return ops.permute(flip(input, (b if turns == 1 else a,)), dims=tuple(order))


def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """Return x moved on by `shifts` along `dims`, what leaves at the end coming back in front; None: as one vector.

    >>> import minidl
    >>> minidl.roll(minidl.arange(5), 2)
    tensor([3, 4, 0, 1, 2])
    """
    shape = array_in(input).shape
    steps = ints(shifts if isinstance(shifts, (tuple, list)) else (shifts,), "shifts")
    along = () if dims is None else ints(dims if isinstance(dims, (tuple, list)) else (dims,), "dims")
    if not along and len(steps) == 1:
        return ops.reshape(roll(flatten(input), steps, 0), shape=shape)
    if not steps or len(steps) != len(along):
        raise ArgumentError(f"roll: got {len(steps)} shifts for {len(along)} dims, expected as many")
    if not shape:
        raise IndexOutOfRange(f"dims: got {dims} for a 0-d tensor, which has none")
    for step, dim in zip(steps, along, strict=True):
        d = axis(dim, len(shape), "dims")
        cut = -step % shape[d] if shape[d] else 0
        before = (slice(None),) * d
        parts = [ops.getitem(input, index=(*before, part)) for part in (slice(cut, shape[d]), slice(0, cut))]
        input = ops.cat(*parts, dim=d)
    return input
