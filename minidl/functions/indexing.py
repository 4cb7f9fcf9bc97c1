"""Reading by index, by PyTorch's names and arguments."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .. import ops
from ..autograd import Variable, wrap
from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from ._arguments import array_in, as_array, axis, flag, like, numpy_names, own_copy
from .shaping import broadcast_shapes, expand, flatten

EVERY = slice(None)


def parts_of(index: Any) -> tuple[Any, ...]:
    """Return an index as a tuple; a list with Tensors, sequences, slices, None or ... in it means one."""
    if isinstance(index, tuple):
        return index
    if isinstance(index, list) and len(index) < 32:
        inner = (Variable, np.ndarray, list, tuple, slice)
        if any(isinstance(part, inner) or part is None or part is Ellipsis for part in index):
            return tuple(index)
    return (index,)


def normalised(index: Any, shape: tuple[int, ...]) -> tuple[tuple[Any, ...], tuple[int, ...] | None]:
    """Return what stands between the brackets as NumPy takes it, and the order of the result's dimensions, if another.

    Tensors and lists become arrays of their own; integers are no arrays, which matters where slices part the two:
    x[0, :, [1, 2]] has the shape of x[0][:, [1, 2]], while NumPy puts the dimension of [1, 2] in front.
    """
    parts = [part_from(part) for part in parts_of(index)]
    arrays: list[Any] = [part for part in parts if isinstance(part, (np.ndarray, bool))]
    if not arrays:
        return (*parts, *([] if Ellipsis in parts else [...])), None  # ..., or a single element would be no array
    named = sum(width(part) for part in parts)
    if named > len(shape):
        raise IndexOutOfRange(f"index: {named} indices for a tensor of {len(shape)} dimensions")
    if len(parts) == 1:
        return tuple(parts), None
    k = next((k for k, part in enumerate(parts) if part is Ellipsis), len(parts))
    rest, at_end = len(shape) - named, k >= len(parts) - 1  # the dimensions not named, at the end or where ... stands
    parts[k : k + 1] = [] if at_end else [EVERY] * rest
    front, place, d = [], 0, 0  # for each array and integer: how many of the result's dimensions come before it
    for part in parts:
        d += width(part)
        if isinstance(part, np.ndarray) and part.dtype == np.bool_ and part.shape != shape[d - part.ndim : d]:
            raise IndexOutOfRange(f"index: a mask of shape {part.shape} for dimensions {shape[d - part.ndim : d]}")
        if isinstance(part, (np.ndarray, int)):
            front.append((place, isinstance(part, int) and not isinstance(part, bool)))
        else:
            place += 1
    meant, numpys = {p for p, integer in front if not integer}, {p for p, _ in front}
    if len(meant) > 1 or len(numpys) == 1 or meant == {0}:
        return tuple(parts), None
    (start,) = meant
    span = max(1 if as_array(x).dtype == np.bool_ else x.ndim for x in arrays)
    ndim = span + place + (rest if at_end else 0)
    return tuple(parts), (*range(span, span + start), *range(span), *range(span + start, ndim))


def part_from(part: Any) -> Any:
    """Return one part of an index as an int, bool, slice, None, ... or an array of int64 or bool."""
    if part is None or part is Ellipsis or isinstance(part, (bool, int)):
        return part
    if isinstance(part, slice):
        bounds = [None if p is None else operator.index(p) for p in (part.start, part.stop, part.step)]
        if bounds[2] is not None and bounds[2] < 1:
            raise ArgumentError(f"index: a slice needs a positive step, got {bounds[2]}; use flip() to reverse")
        return slice(*bounds)
    if isinstance(part, np.integer):
        return int(part)
    if isinstance(part, (list, tuple, range)):
        array = np.array([as_array(p, "index") if isinstance(p, Variable) else p for p in part])
        array = array.astype(np.int64) if not array.size else array
    elif isinstance(part, (Variable, np.ndarray)):
        array = own_copy(part)
    else:
        raise IndexOutOfRange(
            f"index: got {type(part).__name__}, expected ints, slices, None, ... or integer or boolean arrays"
        )
    if array.dtype == np.uint8:
        array = array != 0  # a mask, from the time before there were booleans
    if array.dtype.kind not in "biu" or (
        isinstance(part, Variable) and array.ndim and array.dtype not in (np.int64, np.int32, np.bool_)
    ):
        raise IndexOutOfRange(f"index: got an array of {array.dtype}, expected int64, int32 or bool")
    if array.ndim == 0:
        return array.item()
    return array


def width(part: Any) -> int:
    """Return how many dimensions a part of an index stands for."""
    if isinstance(part, np.ndarray):
        return part.ndim if part.dtype == np.bool_ else 1
    return 0 if part is None or part is Ellipsis or isinstance(part, bool) else 1


def getitem(input: Any, index: Any) -> Any:
    """Return input[index] for integers, slices, None, ..., boolean masks and integer arrays, as PyTorch does."""
    parts, order = normalised(index, array_in(input).shape)
    try:
        chosen = ops.getitem(input, index=parts)
    except IndexError as error:
        raise IndexOutOfRange(f"index: {error} (shape {array_in(input).shape})") from None
    return chosen if order is None else ops.permute(chosen, dims=order)


# -- along a dimension -----------------------------------------------------------------------------------------------


def places_in(index: Any, name: str = "index", kinds: tuple[Any, ...] = (np.int64, np.int32)) -> Any:
    """Return an index as an array of int64."""
    array = array_in(index, name)
    if array.dtype not in kinds and (array.size or array.dtype.kind not in "iu"):
        expected = " or ".join(np.dtype(kind).name for kind in kinds)
        raise DTypeError(f"{name}: got {array.dtype}, expected {expected}; call .long()")
    return own_copy(index, name, np.int64)  # a backward reads it, whatever the caller does with the original


def within(index: Any, n: int, name: str = "index", least: int = 0) -> Any:
    """Return an index whose elements lie from `least` to n - 1; others are refused."""
    bad = (index < least) | (index >= n)
    if bad.any():
        raise IndexOutOfRange(f"{name}: got {index[bad].flat[0]} for a dimension of size {n}")
    return index


def vector_of(index: Any, name: str = "index", kinds: tuple[Any, ...] = (np.int64, np.int32)) -> Any:
    """Return an index of at most one dimension as a vector."""
    where = places_in(index, name, kinds)
    if where.ndim > 1:
        raise IndexOutOfRange(f"{name}: got shape {where.shape}, expected a vector")
    return where.reshape(-1)


def along(index: Any, dim: int, n: int) -> tuple[Any, ...]:
    """Return the index arrays that read `index` along `dim`, of size n, and each other dimension at its own place."""
    sizes = index.shape
    places = [np.arange(m).reshape([-1 if k == d else 1 for k in range(len(sizes))]) for d, m in enumerate(sizes)]
    places[dim] = within(index, n)
    return tuple(places)


def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    """y[i, j, k] = x[i, index[i,j,k], k] for dim = 1, and so on, in the shape of `index`.

    >>> import minidl
    >>> minidl.gather(minidl.tensor([[1, 2], [3, 4]]), 1, minidl.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    if flag(sparse_grad, "sparse_grad"):
        raise ArgumentError("sparse_grad: sparse gradients are left out; leave it False")
    array, where = array_in(input), places_in(index)
    d = axis(dim, array.ndim)
    if not where.size or (array.ndim < 2 and where.ndim < 2):
        return ops.getitem(flatten(input), index=(within(where, array.size), ...))
    if array.ndim != where.ndim or any(
        m > n for k, (n, m) in enumerate(zip(array.shape, where.shape, strict=True)) if k != d
    ):
        raise ShapeError(
            f"index: shape {where.shape} does not fit into the input's {array.shape} outside dimension {dim}"
        )
    return ops.getitem(input, index=along(where, d, array.shape[d]))


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """y[i, j, k] = x[i, indices[i,j,k], k] for dim = 1, and so on; the other dimensions broadcast.

    None: from the flattened x. An index beyond the end of `dim` counts on from its start.

    >>> import minidl
    >>> x = minidl.tensor([[5.0, 1.0], [2.0, 9.0]])
    >>> minidl.take_along_dim(x, minidl.tensor([[0], [1]]), 1)
    tensor([[5.],
            [9.]])
    """
    where = places_in(indices, "indices", (np.int64,))
    if dim is None:
        return gather(flatten(input), 0, where.reshape(-1))
    shape = array_in(input).shape
    if not shape or len(shape) != where.ndim:
        raise IndexOutOfRange(f"indices: got {where.ndim} dimensions for an input of {len(shape)}, expected as many")
    d = axis(dim, len(shape))
    if where.size and not shape[d]:
        raise IndexOutOfRange(f"indices: dimension {dim} of the input {shape} is empty")
    around = [(*sizes[:d], 1, *sizes[d + 1 :]) for sizes in (shape, where.shape)]
    if around[0] != around[1]:
        common = broadcast_shapes(*around)
        input = expand(input, (*common[:d], shape[d], *common[d + 1 :]))
        where = np.broadcast_to(where, (*common[:d], where.shape[d], *common[d + 1 :]))
    beyond = (where < 0) | (where >= shape[d])
    return gather(input, d, where % max(shape[d], 1) if beyond.any() else where)


@numpy_names
def index_select(input: Any, dim: int, index: Any) -> Any:
    """Return the slices `index` (1-d) along `dim`.

    >>> import minidl
    >>> minidl.index_select(minidl.tensor([[1, 2], [3, 4]]), 1, minidl.tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    shape, where = array_in(input).shape, vector_of(index)
    d = axis(dim, len(shape))
    within(where, shape[d] if shape else 1)
    if not shape:
        if where.size != 1:
            raise ShapeError(f"index: got {where.size} indices for a 0-d tensor, expected one")
        return ops.copy(input)
    return ops.getitem(input, index=(*(EVERY,) * d, where))


# -- of all elements -------------------------------------------------------------------------------------------------


def take(input: Any, index: Any) -> Any:
    """Return the elements of the flattened x at `index`, in the shape of `index`; negative ones count from the end.

    >>> import minidl
    >>> minidl.take(minidl.tensor([[5, 6], [7, 8]]), minidl.tensor([0, -1]))
    tensor([5, 8])
    """
    where, n = places_in(index, kinds=(np.int64,)), array_in(input).size
    return ops.getitem(flatten(input), index=(within(where, n, least=-n), ...))


def mask_of(mask: Any) -> Any:
    """Return a mask as an array of its own."""
    array = array_in(mask, "mask")
    if array.dtype != np.bool_:
        raise DTypeError(f"mask: got {array.dtype}, expected bool; compare first, as in x > 0")
    return own_copy(mask, "mask")


def masked_select(input: Any, mask: Any) -> Any:
    """Return the elements where the boolean mask holds, as a vector; the two broadcast.

    >>> import minidl
    >>> minidl.masked_select(minidl.tensor([1, 2, 3]), minidl.tensor([True, False, True]))
    tensor([1, 3])
    """
    chosen = mask_of(mask)
    shape = broadcast_shapes(array_in(input).shape, chosen.shape)
    mask = chosen if chosen.shape == shape else np.broadcast_to(chosen, shape)
    return ops.getitem(expand(input, shape), index=(mask,))


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """Return the indices of the elements that are not 0: (n, ndim), or with as_tuple one vector for each dimension.

    >>> import minidl
    >>> minidl.nonzero(minidl.tensor([0, 3, 5]))
    tensor([[1],
            [2]])
    """
    found = np.nonzero(np.atleast_1d(array_in(input)))
    if flag(as_tuple, "as_tuple"):
        return tuple(like(f, input) for f in found)
    return like(np.stack(found, 1)[:, : array_in(input).ndim], input)


def argwhere(input: Any) -> Any:
    """Return the indices of the elements that are not 0, as (n, ndim).

    >>> import minidl
    >>> minidl.argwhere(minidl.tensor([0, 3, 5]))
    tensor([[1],
            [2]])
    """
    return nonzero(input)


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """y[..., c] = 1 where tensor[...] = c, else 0, as int64.

    >>> import minidl
    >>> minidl.nn.functional.one_hot(minidl.tensor([0, 2]), 3)
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    labels = as_array(tensor, "tensor")
    if labels.dtype != np.int64:
        raise DTypeError(f"one_hot: got {labels.dtype}, expected int64 class indices; call .long()")
    if labels.size and labels.min() < 0:
        raise IndexOutOfRange(f"one_hot: class indices start at 0, got {labels.min()}")
    if num_classes == -1:
        if not labels.size:
            raise ArgumentError("one_hot: can't work out num_classes from no labels; give it")
        num_classes = int(labels.max()) + 1
    if labels.size and labels.max() >= num_classes:
        raise IndexOutOfRange(
            f"one_hot: label {labels.max()} is outside the {num_classes} classes 0 to {num_classes - 1}"
        )
    if not isinstance(tensor, Variable):
        tensor = wrap(labels)
    found = ops.eq(ops.reshape(tensor, shape=(*labels.shape, 1)), np.arange(num_classes))
    return ops.cast(found, dtype=np.dtype(np.int64), source=found.dtype)
