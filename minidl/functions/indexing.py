"""Reading and writing by index, by PyTorch's names and arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Variable, wrap
from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from ._arguments import as_array, axis, like
from .shaping import expand


def normalised(index: Any) -> Any:
    """Return what stands between the brackets with Tensors and lists as NumPy arrays of their own."""
    parts = index if isinstance(index, tuple) else (index,)
    result = []
    for part in parts:
        if isinstance(part, Variable):
            part = np.array(part.array)
        elif isinstance(part, (list, range, np.ndarray)):
            part = np.array(
                [as_array(p, "index") if isinstance(p, Variable) else p for p in part]
                if isinstance(part, list)
                else part
            )
            if part.size == 0 and part.dtype.kind == "f":
                part = part.astype(np.int64)
        if isinstance(part, np.ndarray) and part.dtype.kind not in "biu":
            raise IndexOutOfRange(f"index: got an array of {part.dtype}, expected integers or booleans")
        if isinstance(part, slice):
            part = slice(*[None if p is None else p.__index__() for p in (part.start, part.stop, part.step)])
            if part.step is not None and part.step < 1:
                raise ArgumentError(f"index: a slice needs a positive step, got {part.step}; use flip() to reverse")
        elif isinstance(part, np.integer):
            part = int(part)
        result.append(part)
    if all((isinstance(part, (int, slice)) and not isinstance(part, bool)) or part is None for part in result):
        result.append(...)  # so that a single element is a view, not a NumPy scalar
    return tuple(result)


def getitem(input: Any, index: Any) -> Any:
    """Return input[index] for integers, slices, None, ..., boolean masks and integer arrays, as NumPy does."""
    try:
        return ops.getitem(input, index=normalised(index))
    except IndexError as error:
        raise IndexOutOfRange(f"index: {error} (shape {as_array(input).shape})") from None


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """y[i, j, k] = x[i, indices[i,j,k], k] for dim = 1, and so on; the other dimensions broadcast.

    >>> import minidl
    >>> x = minidl.tensor([[5.0, 1.0], [2.0, 9.0]])
    >>> minidl.take_along_dim(x, minidl.tensor([[0], [1]]), 1)
    tensor([[5.],
            [9.]])
    """
    if dim is None:
        input, indices, dim = ops.reshape(input, shape=(as_array(input).size,)), as_array(indices).reshape(-1), 0
    array, where = as_array(input), as_array(indices, "indices")
    if array.ndim != where.ndim:
        raise ShapeError(f"indices: got {where.ndim} dimensions for an input of {array.ndim}; they must be equal")
    d = axis(dim, array.ndim)
    shape = tuple(
        [
            1 if k == d else max(a, b) if min(a, b) else 0
            for k, (a, b) in enumerate(zip(array.shape, where.shape, strict=True))
        ]
    )
    return ops.getitem(input, index=along(array.shape, where, d, shape))


def along(shape: tuple[int, ...], index: Any, dim: int, span: tuple[int, ...]) -> tuple[Any, ...]:
    """Return the index arrays that read `index` along `dim`, and each other dimension at its own place."""
    if index.dtype.kind not in "iu":
        raise DTypeError(f"index: got {index.dtype}, expected integers")
    bad = (index < -shape[dim]) | (index >= shape[dim])
    if bad.any():
        raise IndexOutOfRange(f"index: {index[bad][0]} is outside dimension {dim} of size {shape[dim]}")
    places = [np.arange(n).reshape([-1 if k == d else 1 for k in range(len(span))]) for d, n in enumerate(span)]
    for d, n in enumerate(shape):
        if d != dim and n == 1 and span[d] != 1:
            places[d] = np.zeros_like(places[d])
    places[dim] = np.array(index)
    return tuple(places)


def gather(input: Any, dim: int, index: Any) -> Any:
    """y[i, j, k] = x[i, index[i,j,k], k] for dim = 1, and so on, in the shape of `index`.

    >>> import minidl
    >>> minidl.gather(minidl.tensor([[1, 2], [3, 4]]), 1, minidl.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    array, where = as_array(input), as_array(index, "index")
    if array.ndim == 0 or where.ndim == 0:
        return ops.reshape(gather(ops.reshape(input, shape=(array.size,)), 0, where.reshape(-1)), shape=where.shape)
    d = axis(dim, array.ndim)
    if array.ndim != where.ndim or any(
        b > a for k, (a, b) in enumerate(zip(array.shape, where.shape, strict=True)) if k != d
    ):
        raise ShapeError(
            f"index: shape {where.shape} does not fit into the input's {array.shape} outside dimension {dim}"
        )
    if (where < 0).any():
        raise IndexOutOfRange(f"index: {where.min()} is outside dimension {dim} of size {array.shape[d]}")
    return ops.getitem(input, index=along(array.shape, where, d, where.shape))


def index_select(input: Any, dim: int, index: Any) -> Any:
    """Return the slices `index` (1-d) along `dim`.

    >>> import minidl
    >>> minidl.index_select(minidl.tensor([[1, 2], [3, 4]]), 1, minidl.tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    where = as_array(index, "index")
    if where.ndim > 1 or where.dtype.kind not in "iu":
        raise IndexOutOfRange(f"index: got {where.dtype} of shape {where.shape}, expected integers, a vector of them")
    where = where.reshape(-1)
    d = axis(dim, as_array(input).ndim)
    n = as_array(input).shape[d] if as_array(input).ndim else 1
    if where.size and (where.min() < 0 or where.max() >= n):
        raise IndexOutOfRange(f"index: expected 0 to {n - 1} along dimension {dim}, got {where.min()} to {where.max()}")
    return getitem(input, (*(slice(None),) * d, where)) if as_array(input).ndim else ops.copy(input)


def masked_select(input: Any, mask: Any) -> Any:
    """Return the elements where the boolean mask holds, as a vector; the two broadcast.

    >>> import minidl
    >>> minidl.masked_select(minidl.tensor([1, 2, 3]), minidl.tensor([True, False, True]))
    tensor([1, 3])
    """
    if as_array(mask, "mask").dtype != np.bool_:
        raise ArgumentError(f"mask: got {as_array(mask).dtype}, expected bool; compare first, as in x > 0")
    shape = np.broadcast_shapes(as_array(input).shape, as_array(mask).shape)
    return getitem(expand(input, shape), np.broadcast_to(as_array(mask), shape))


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """Return the indices of the elements that are not 0: (n, ndim), or with as_tuple one vector for each dimension.

    >>> import minidl
    >>> minidl.nonzero(minidl.tensor([0, 3, 5]))
    tensor([[1],
            [2]])
    """
    found = np.nonzero(np.atleast_1d(as_array(input)))
    if as_tuple:
        return tuple(like(f, input) for f in found)
    return like(np.stack(found, 1)[:, : as_array(input).ndim], input)


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
    return wrap((labels[..., None] == np.arange(num_classes)).astype(np.int64))


def scatter(input: Any, dim: int, index: Any, src: Any) -> Any:
    """y = x, but y[i, index[i,j,k], k] = src[i,j,k] for dim = 1, and so on; src is a Tensor or a number.

    Where an element is named twice, the last one stays.

    >>> import minidl
    >>> minidl.scatter(minidl.zeros(2, 3), 1, minidl.tensor([[2], [0]]), 7.0)
    tensor([[0., 0., 7.],
            [7., 0., 0.]])
    """
    places, source = aimed("scatter", input, dim, index, src)
    return ops.setitem(ops.copy(input), source, index=places)


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """y = x, with src[i,j,k] added to y[i, index[i,j,k], k] for dim = 1, and so on, as often as it is named.

    >>> import minidl
    >>> minidl.scatter_add(minidl.zeros(3), 0, minidl.tensor([0, 2, 0]), minidl.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    places, source = aimed("scatter_add", input, dim, index, src)
    return ops.add(input, ops.place(source, index=places, shape=as_array(input).shape))


def aimed(name: str, input: Any, dim: int, index: Any, src: Any) -> tuple[Any, Any]:
    """Return where `index` points in the input, and the part of src that goes there."""
    array, where = as_array(input), as_array(index, "index")
    d = axis(dim, array.ndim)
    source = as_array(src, "src")
    if array.ndim != where.ndim or array.ndim == 0 or (source.ndim and source.ndim != where.ndim):
        raise ShapeError(
            f"{name}: input {array.shape}, index {where.shape}, src {source.shape}: expected as many dimensions"
        )
    pairs = enumerate(zip(source.shape or where.shape, array.shape, strict=True))
    limits = [n if k == d else min(n, m) for k, (n, m) in pairs]
    if any(n > limit for n, limit in zip(where.shape, limits, strict=True)):
        raise ShapeError(f"{name}: index {where.shape} does not fit into src {source.shape} and input {array.shape}")
    if (where < 0).any():
        raise IndexOutOfRange(f"index: {where.min()} is outside dimension {dim} of size {array.shape[d]}")
    places = along(array.shape, where, d, where.shape)
    return places, ops.getitem(src, index=tuple(slice(0, n) for n in where.shape)) if source.ndim else src
