"""Writing by index, by PyTorch's names and arguments: each returns a new Tensor, its twin f_ changes the Tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Variable
from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from ..operation import cast_to
from ._arguments import array_in, as_array, axis, flag, number, number_in
from .indexing import EVERY, along, mask_of, normalised, places_in, vector_of, within
from .shaping import broadcast_shapes, expand, flatten


def scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None) -> Any:
    """y = x, but y[i, index[i,j,k], k] = src[i,j,k] for dim = 1, and so on; src is a Tensor or a number (`value`).

    Where an element is named twice, the last one stays. `reduce` "add" or "multiply": x is kept and combined with src.

    >>> import minidl
    >>> minidl.scatter(minidl.zeros(2, 3), 1, minidl.tensor([[2], [0]]), 7.0)
    tensor([[0., 0., 7.],
            [7., 0., 0.]])
    """
    if reduce not in (None, "add", "multiply"):
        raise ArgumentError(f'reduce: got {reduce!r}, expected "add" or "multiply"')
    if (src is None) == (value is None):
        raise DTypeError("scatter: give one of src, a Tensor, and value, a number")
    source = value if src is None else src
    if not isinstance(source, (Variable, np.ndarray)):
        where = array_in(index, "index")
        dtype = array_in(input).dtype
        source = np.full(where.shape, number_in(source, dtype, "value"), dtype)
    if reduce is not None:
        return scatter_reduce(input, dim, index, source, "sum" if reduce == "add" else "prod")
    flat, source, cells = aimed("scatter", input, dim, index, source)
    return ops.reshape(ops.setitem(ops.copy(flat), source, index=(cells,)), shape=array_in(input).shape)


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """y = x, with src[i,j,k] added to y[i, index[i,j,k], k] for dim = 1, and so on, as often as it is named.

    >>> import minidl
    >>> minidl.scatter_add(minidl.zeros(3), 0, minidl.tensor([0, 2, 0]), minidl.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    return scatter_reduce(input, dim, index, src, "sum")


def scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    """y = x, but y[i, index[i,j,k], k] is reduced from all src[i,j,k] that name it, for dim = 1, and so on.

    `reduce` is "sum", "prod", "mean", "amax" or "amin"; `include_self` counts the element of x among them.

    Unlike PyTorch, for amax and amin without include_self the input takes no share of the gradient.

    >>> import minidl
    >>> x, index = minidl.tensor([1.0, 2.0, 3.0]), minidl.tensor([0, 0, 2])
    >>> minidl.scatter_reduce(x, 0, index, minidl.tensor([5.0, 7.0, 9.0]), "mean", include_self=False)
    tensor([6., 2., 9.])
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise ArgumentError(f'reduce: got {reduce!r}, expected "sum", "prod", "mean", "amax" or "amin"')
    flag(include_self, "include_self")
    flat, source, cells = aimed("scatter_reduce", input, dim, index, src)
    return ops.reshape(reduced(flat, source, cells, reduce, include_self), shape=array_in(input).shape)


def aimed(name: str, input: Any, dim: int, index: Any, src: Any) -> tuple[Any, Any, Any]:
    """Return the flattened input, the elements of src that go into it, and the place of each in it."""
    array, where = array_in(input), places_in(index)
    d, source = axis(dim, array.ndim), array_in(src, "src")
    if not isinstance(src, (Variable, np.ndarray)):
        raise DTypeError(f"src: got {type(src).__name__}, expected a Tensor")
    if source.dtype != array.dtype:
        raise DTypeError(f"{name}: src is {source.dtype}, expected the input's {array.dtype}")
    if not where.size:
        return flatten(input), ops.getitem(flatten(src), index=(slice(0, 0),)), np.zeros(0, np.int64)
    shape, spans, sizes = (x.shape or (1,) for x in (array, where, source))
    limits = [n if k == d else min(n, m) for k, (n, m) in enumerate(zip(sizes, shape, strict=False))]
    if not len(shape) == len(spans) == len(sizes) or any(n > m for n, m in zip(spans, limits, strict=True)):
        raise ShapeError(f"{name}: index {where.shape} does not fit into src {source.shape} and input {array.shape}")
    cells = np.ravel_multi_index(along(where.reshape(spans), d, shape[d]), shape).reshape(-1)
    part = ops.getitem(ops.reshape(src, shape=sizes), index=tuple([slice(0, n) for n in spans]))
    return flatten(input), flatten(part), cells


def reduced(x: Any, source: Any, cells: Any, reduce: str, include_self: bool) -> Any:
    """Return the vector x, each element reduced from what `source` has for it (and itself)."""
    n, dtype = x.shape[0], x.dtype
    if not cells.size:
        return ops.copy(x)
    count = np.bincount(cells, minlength=n)
    named = count > 0
    if reduce in ("sum", "mean"):
        start = x if include_self else ops.where(named, ops.zeros_like(x), x)
        total = ops.add(start, ops.place(source, index=(cells,), shape=(n,)))
        if reduce == "sum":
            return total
        if dtype.kind == "b":
            raise DTypeError("scatter_reduce: the mean of bool is left out; convert first")
        parts = np.where(named, count + include_self, 1).astype(dtype)
        return ops.div(total, parts) if dtype.kind == "f" else ops.floor_divide(total, parts)
    # all that goes into one element in a row, x itself in front; the rows are filled up with what changes nothing
    rows = np.cumsum(named) - 1
    order = np.argsort(cells, kind="stable")
    rank = np.arange(cells.size) - (np.cumsum(count) - count)[cells[order]]
    table = np.full((rows[-1] + 1, count.max() + include_self), n + cells.size)
    table[rows[cells[order]], rank + include_self] = n + order
    if include_self:
        table[:, 0] = np.flatnonzero(named)
    parts = ops.getitem(ops.cat(x, source, np.array([neutral(reduce, dtype)], dtype), dim=0), index=(table,))
    if reduce == "prod":
        total = parts[:, 0]
        for k in range(1, table.shape[1]):
            total = ops.mul(total, parts[:, k])
    else:
        total = ops.amax(parts, dim=(1,)) if reduce == "amax" else ops.amin(parts, dim=(1,))
    return ops.setitem(ops.copy(x), total, index=(named,))


def neutral(reduce: str, dtype: Any) -> Any:
    """Return the number that changes no product, maximum or minimum."""
    if reduce == "prod" or dtype.kind == "b":
        return reduce != "amax"
    if dtype.kind == "f":
        return -np.inf if reduce == "amax" else np.inf
    return np.iinfo(dtype).min if reduce == "amax" else np.iinfo(dtype).max


# -- slices along a dimension ----------------------------------------------------------------------------------------


def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    """y = x, with alpha · source[k] added to the slice y[index[k]] along `dim`, as often as it is named.

    >>> import minidl
    >>> minidl.index_add(minidl.zeros(3), 0, minidl.tensor([0, 0]), minidl.tensor([1.0, 2.0]))
    tensor([3., 0., 0.])
    """
    places = slices("index_add", input, dim, vector_of(index), source)
    scale = np.asarray(number(alpha, "alpha")).astype(array_in(input).dtype)  # for integers without its fraction
    scaled = source if scale == 1 else ops.mul(source, scale)
    return ops.add(input, ops.place(scaled, index=places, shape=array_in(input).shape))


def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """y = x, but the slice y[index[k]] along `dim` is source[k].

    >>> import minidl
    >>> minidl.index_copy(minidl.zeros(3), 0, minidl.tensor([2, 0]), minidl.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    where = vector_of(index, kinds=(np.int64,))
    if not array_in(input).ndim and array_in(source, "source").shape == (1,):
        source = ops.reshape(source, shape=())
    return ops.setitem(ops.copy(input), source, index=slices("index_copy", input, dim, where, source))


def slices(name: str, input: Any, dim: int, where: Any, source: Any) -> tuple[Any, ...]:
    """Return the index of the slices `where` along `dim`, into which the source fits."""
    array, given = array_in(input), array_in(source, "source")
    if not isinstance(source, (Variable, np.ndarray)):
        raise DTypeError(f"source: got {type(source).__name__}, expected a Tensor")
    if given.dtype != array.dtype:
        raise DTypeError(f"{name}: source is {given.dtype}, expected the input's {array.dtype}")
    d = axis(dim, array.ndim)
    expected = (*array.shape[:d], where.size, *array.shape[d + 1 :]) if array.ndim else ()
    if given.shape != expected or (not array.ndim and where.size != 1):
        raise ShapeError(f"source: got shape {given.shape} for {where.size} indices, expected {expected}")
    within(where, array.shape[d] if array.ndim else 1)
    return (*(EVERY,) * d, where) if array.ndim else (...,)


def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """y = x, but `value` in the slices `index` along `dim`; negative ones count from the end.

    >>> import minidl
    >>> minidl.index_fill(minidl.zeros(3), 0, minidl.tensor([0, -1]), 5.0)
    tensor([5., 0., 5.])
    """
    array, filler = array_in(input), as_array(value, "value")
    d, where = axis(dim, array.ndim), array_in(index, "index")
    if where.dtype != np.int64:
        raise IndexOutOfRange(f"index: got {where.dtype}, expected int64; call .long()")
    if filler.ndim or where.ndim > 1:
        raise ShapeError(
            f"index_fill: got value {filler.shape} and index {where.shape}, expected a number and a vector"
        )
    n = array.shape[d] if array.ndim else 1
    places = np.unique(within(np.array(where).reshape(-1), n, least=-n) % max(n, 1))
    index = (*(EVERY,) * d, places) if array.ndim else (...,) if places.size else (None, slice(0, 0))
    return ops.setitem(ops.copy(input), fitting(array, (), None, value), index=index)


# -- elements --------------------------------------------------------------------------------------------------------


def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """y = x, but y[indices] = values, or with `accumulate` y[indices] += values, as often as an element is named.

    >>> import minidl
    >>> minidl.index_put(minidl.zeros(3), (minidl.tensor([0, 0]),), minidl.tensor([1.0, 2.0]), accumulate=True)
    tensor([3., 0., 0.])
    """
    if not isinstance(indices, (tuple, list)) or not all(isinstance(x, (Variable, np.ndarray)) for x in indices):
        raise DTypeError("indices: expected a tuple of Tensors")
    if not isinstance(values, (Variable, np.ndarray)):
        raise DTypeError(f"values: got {type(values).__name__}, expected a Tensor")
    array = array_in(input)
    parts, _ = normalised(tuple(indices), array.shape)
    values = fitting(array, parts, None, values)
    if not flag(accumulate, "accumulate"):
        return written(ops.copy(input), values, parts)
    values = expand(values, chosen_shape(array, parts))
    return ops.add(input, ops.place(values, index=parts, shape=array.shape))


def written(x: Any, values: Any, parts: Any) -> Any:
    """Return x[parts] = values, in the memory of x."""
    try:
        return ops.setitem(x, values, index=parts)
    except IndexError as error:
        raise IndexOutOfRange(f"index: {error} (shape {x.shape})") from None
    except ValueError:
        given, room = np.shape(as_array(values)), chosen_shape(as_array(x), parts)
        raise ShapeError(f"index: a value of shape {given} does not fit into {room}, the shape it names") from None


def chosen_shape(array: Any, parts: Any) -> tuple[int, ...]:
    """Return the shape of array[parts]."""
    try:
        return np.broadcast_to(np.empty((), np.bool_), array.shape)[parts].shape
    except IndexError as error:
        raise IndexOutOfRange(f"index: {error} (shape {array.shape})") from None


def fitting(array: Any, parts: Any, order: Any, values: Any) -> Any:
    """Return the values for array[parts] = values in the dtype of the array, as NumPy lays them out.

    Another dtype is taken where no arrays are in the index, and of one number where masks are, as in PyTorch.
    """
    if isinstance(values, (bool, int, float, np.generic)):
        return number_in(values, array.dtype, "value")
    given = as_array(values, "values")
    kinds = {part.dtype for part in parts if isinstance(part, np.ndarray)}
    if (
        isinstance(values, Variable)
        and kinds
        and given.dtype != array.dtype
        and (given.size != 1 or kinds != {np.dtype(bool)})
    ):
        raise DTypeError(f"values: got {given.dtype} for a Tensor of {array.dtype}, expected the same; use .to(dtype)")
    values = cast_to(values, array.dtype)
    ones = next((k for k, n in enumerate(given.shape) if n != 1), given.ndim)
    if ones:
        values = ops.reshape(values, shape=given.shape[ones:])
    if order is None or ones == given.ndim:
        return values
    room = chosen_shape(array, parts)
    return ops.permute(expand(values, tuple([room[d] for d in order])), dims=ops.shape.inverse(order))


def take_places(input: Any, index: Any, source: Any) -> Any:
    """Return an index into the flattened input, as many elements as the source has."""
    array, given, where = array_in(input), array_in(source, "source"), places_in(index, kinds=(np.int64,))
    if given.dtype != array.dtype:
        raise DTypeError(f"source: got {given.dtype}, expected the input's {array.dtype}")
    if given.size != where.size:
        raise IndexOutOfRange(f"source: got {given.size} elements for {where.size} indices, expected as many")
    return within(where.reshape(-1), array.size, least=-array.size)


def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """y = x, but the elements `index` of the flattened y are `source`, or with `accumulate` it is added to them.

    >>> import minidl
    >>> minidl.zeros(2, 2).put(minidl.tensor([0, -1]), minidl.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    where, flat = take_places(input, index, source), flatten(input)
    if flag(accumulate, "accumulate"):
        y = ops.add(flat, ops.place(flatten(source), index=(where,), shape=flat.shape))
    else:
        y = ops.setitem(ops.copy(flat), flatten(source), index=(where,))
    return ops.reshape(y, shape=array_in(input).shape)


def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """y = x, but where the mask holds the elements of `source`, one after the other; x and mask broadcast.

    >>> import minidl
    >>> minidl.masked_scatter(minidl.zeros(3), minidl.tensor([True, False, True]), minidl.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    array, given, chosen = array_in(input), array_in(source, "source"), mask_of(mask)
    if given.dtype != array.dtype:
        raise DTypeError(f"source: got {given.dtype}, expected the input's {array.dtype}")
    shape = broadcast_shapes(array.shape, chosen.shape)
    chosen = np.array(np.broadcast_to(chosen, shape))
    n = np.count_nonzero(chosen)
    if given.size < n:
        raise ShapeError(
            f"source: got {given.size} elements for a mask that holds {n} times, expected as many at least"
        )
    taken = ops.getitem(flatten(source), index=(slice(0, n),))
    return ops.setitem(ops.copy(expand(input, shape)), taken, index=(chosen,))
