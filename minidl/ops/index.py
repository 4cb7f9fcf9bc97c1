"""Reading and writing by index. `index` is what stands between the brackets, arrays in it as NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..operation import primitive, sum_to


@primitive(view=True)
def getitem(x: Any, *, index: Any) -> Any:
    """y = x[index]; a view for slices and integers."""
    return x[index]


@primitive
def place(x: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    """y = zeros of `shape` to which x is added at `index`, once for each time that an element is named there."""
    y = np.zeros(shape, x.dtype)
    if is_basic(index):
        y[index] = x
    else:
        np.add.at(y, index, x)
    return y


@primitive(view=True)
def setitem(x: Any, value: Any, *, index: Any) -> Any:
    """x[index] = value, in the memory of x; for Tensor.__setitem__ alone, which minds the version of x."""
    x[index] = value
    return x


def is_basic(index: Any) -> bool:
    """Return whether an index names each element once at most: integers, slices, None and ... only."""
    return all(
        part is None or part is Ellipsis or isinstance(part, (int, slice))
        for part in (index if isinstance(index, tuple) else (index,))
    )


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
