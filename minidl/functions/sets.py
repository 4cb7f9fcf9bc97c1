"""The different values of a Tensor, and which of its values are in another."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import Variable
from ..errors import DTypeError, IndexOutOfRange, ShapeError
from ._arguments import array_in, as_array, axis, flag, like


def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Return the different values, in order; along `dim` the different slices. NaN equals nothing.

    `return_inverse` adds where each element went, `return_counts` how often each value occurs.

    >>> import minidl
    >>> minidl.unique(minidl.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    x = array_in(input)
    d = selected("unique", x, dim)
    flag(sorted, "sorted")
    values, inverse, counts = np.unique(x, return_inverse=True, return_counts=True, axis=d, equal_nan=False)
    return answer(input, values, inverse.reshape(x.shape if d is None else -1), counts, return_inverse, return_counts)


def unique_consecutive(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Return the values without those that equal the one before them; along `dim`, the slices.

    >>> import minidl
    >>> minidl.unique_consecutive(minidl.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])
    """
    x = array_in(input)
    d = selected("unique_consecutive", x, dim)
    rows = x.reshape(-1, 1) if d is None else np.moveaxis(x, d, 0).reshape(x.shape[d], -1)
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]).any(1)
    inverse = np.cumsum(new) - 1
    counts = np.diff(np.append(np.flatnonzero(new), len(rows)))
    values = rows[new].reshape(-1) if d is None else np.compress(new, x, d)
    return answer(input, values, inverse.reshape(x.shape if d is None else -1), counts, return_inverse, return_counts)


def selected(name: str, x: Any, dim: Any) -> int | None:
    """Return the dimension whose slices are compared, None for the elements."""
    if dim is None:
        return None
    d = axis(dim, x.ndim)
    if x.ndim == 0:
        raise IndexOutOfRange(f"{name}: a 0-d tensor has no dimension; leave dim out")
    if x.size == 0 and x.shape[d]:
        raise ShapeError(f"{name}: the slices of shape {x.shape} along dimension {dim} are empty")
    return d


def answer(input: Any, values: Any, inverse: Any, counts: Any, return_inverse: bool, return_counts: bool) -> Any:
    """Return the values alone, or a tuple with what else is asked for."""
    asked = [values]
    if flag(return_inverse, "return_inverse"):
        asked.append(inverse)
    if flag(return_counts, "return_counts"):
        asked.append(counts)
    results = tuple([like(part, input) for part in asked])
    return results if len(results) > 1 else results[0]


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Any:
    """Return which elements are among the test elements, or with `invert` which are not; NaN is in nothing.

    `assume_unique` promises that neither holds a value twice.

    >>> import minidl
    >>> minidl.isin(minidl.tensor([1, 2, 3]), minidl.tensor([2, 5]))
    tensor([False,  True, False])
    """
    if not isinstance(elements, (Variable, np.ndarray)) and not isinstance(test_elements, (Variable, np.ndarray)):
        raise DTypeError("isin: expected elements or test_elements to be a Tensor")
    x, tests = as_array(elements, "elements"), as_array(test_elements, "test_elements")
    if np.bool_ in (x.dtype, tests.dtype):
        raise DTypeError("isin: got bool, expected numbers")
    flag(assume_unique, "assume_unique")
    found = np.isin(x, tests, assume_unique=assume_unique) & (x == x)
    return like(~found if flag(invert, "invert") else found, elements, test_elements)
