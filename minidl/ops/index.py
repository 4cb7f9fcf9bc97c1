"""Reading and writing by index. `index` is what stands between the brackets, arrays in it as NumPy arrays."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..operation import primitive, sum_to
from ._door import contiguous


@primitive(view=True)
def getitem(x: Any, *, index: Any) -> Any:
    """y = x[index]; a view for slices and integers."""
    parts = without_ellipsis(index)
    if len(parts) == 1 and isinstance(parts[0], np.ndarray) and parts[0].dtype.kind == "i" and x.ndim:
        return x.take(parts[0], 0)  # x[index] of 6400 rows of 20000: .5 ms, take .15
    return x[index]


@primitive
def place(x: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    """y = zeros of `shape` to which x is added at `index`, once for each time that an element is named there."""
    named = rows_named(index, shape)
    if named is not None and x.dtype in (np.float32, np.float64):
        rows, count = named
        width = prod(shape) // max(count, 1)
        y = np.empty(shape, x.dtype)  # itself, not a view of another shape: .grad would take a copy of that
        kernels.scatter_add_rows(*contiguous(x.reshape(rows.size, width)), rows, y.reshape(count, width))
        return y
    y = np.zeros(shape, x.dtype)
    if names_once(index):
        y[index] = x
    else:
        np.add.at(y, index, x)
    return y


@primitive(view=True)
def setitem(x: Any, value: Any, *, index: Any) -> Any:
    """x[index] = value, in the memory of x; for Tensor.__setitem__ alone, which minds the version of x."""
    x[index] = value
    return x


def parts_of(index: Any) -> tuple[Any, ...]:
    """Return an index as a tuple."""
    return index if isinstance(index, tuple) else (index,)


def without_ellipsis(index: Any) -> tuple[Any, ...]:
    """Return the parts of an index without an ellipsis at the end, which says nothing."""
    parts = parts_of(index)
    return parts[:-1] if parts and parts[-1] is Ellipsis else parts


def names_once(index: Any) -> bool:
    """Return whether an index surely names each element once at most: integers, slices, None, ... and masks only."""
    return all(
        part is None or part is Ellipsis or isinstance(part, (int, slice)) or getattr(part, "dtype", None) == np.bool_
        for part in parts_of(index)
    )


def rows_named(index: Any, shape: tuple[int, ...]) -> tuple[Any, int] | None:
    """Return the rows that integer arrays name, and how many there are; None for any other index.

    With arrays for the first k dimensions, the rows are those of `shape` made (first k sizes multiplied, the rest).
    """
    parts = without_ellipsis(index)
    if not parts or not all(isinstance(part, np.ndarray) and part.dtype.kind in "iu" for part in parts):
        return None
    rows: Any = np.int64(0)
    for part, size in zip(parts, shape, strict=False):
        rows = rows * size + part.astype(np.int64) % max(size, 1)
    return rows.reshape(-1), prod(shape[: len(parts)])


@primitive
def cleared(x: Any, *, index: Any) -> Any:
    """y = x with zeros at `index`."""
    y = np.array(x)
    y[index] = 0
    return y


getitem.defvjp(x=lambda g, x_shape, index: place(g, index=index, shape=x_shape))
place.defvjp(x=lambda g, index: getitem(g, index=index))
setitem.defvjp(
    x=lambda g, value_shape, index: cleared(g, index=index),
    value=lambda g, value_shape, index: sum_to(getitem(g, index=index), shape=value_shape),
)
cleared.defvjp(x=lambda g, index: cleared(g, index=index))
