"""Element types: NumPy's dtypes under PyTorch's names, and PyTorch's rules for mixing them.

>>> import minidl
>>> (minidl.ones(2) + minidl.arange(2)).dtype           # float32 with int64 stays float32
dtype('float32')
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np

from .errors import ArgumentError, DTypeError

float16 = half = np.dtype(np.float16)
float32 = np.dtype(np.float32)
float64 = double = np.dtype(np.float64)
uint8 = np.dtype(np.uint8)
int8 = np.dtype(np.int8)
int16 = short = np.dtype(np.int16)
int32 = np.dtype(np.int32)
int64 = long = np.dtype(np.int64)
bool_ = np.dtype(np.bool_)

_default = float32
_category = {"b": 0, "u": 1, "i": 1, "f": 2}  # a dtype's kind -> boolean, integer, floating


def get_default_dtype() -> np.dtype[Any]:
    """Return the dtype that Python floats become: float32 unless changed.

    >>> import minidl
    >>> minidl.get_default_dtype()
    dtype('float32')
    """
    return _default


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype that Python floats become; a floating dtype.

    >>> import minidl
    >>> minidl.set_default_dtype(minidl.float64)
    >>> minidl.tensor(0.5).dtype
    dtype('float64')
    >>> minidl.set_default_dtype(minidl.float32)
    """
    global _default
    dtype = checked(dtype)
    if dtype.kind != "f":
        raise DTypeError(f"set_default_dtype: only floating dtypes can be the default, got {dtype}")
    _default = dtype


def checked(dtype: Any) -> np.dtype[Any]:
    """Return `dtype` as a NumPy dtype that a Tensor can hold; `float` is float64, `int` int64, as in PyTorch."""
    found = None
    if isinstance(dtype, (np.dtype, type, str)):
        with suppress(TypeError):
            found = np.dtype(dtype)
    if found is None:
        given = repr(dtype) if isinstance(dtype, (str, type)) else type(dtype).__name__
        raise DTypeError(f"dtype: {given} is no element type; use one such as minidl.float32")
    if found.kind not in _category:
        raise DTypeError(f"a Tensor holds booleans, integers or floats, not {found}; complex and others are left out")
    return found


def category(dtype: np.dtype[Any]) -> int:
    """Return 0 for booleans, 1 for integers, 2 for floats: a value can't be written where the category is lower."""
    return _category[dtype.kind]


def promote_types(a: Any, b: Any) -> np.dtype[Any]:
    """Return the smallest dtype to which both convert; a float keeps its size beside integers.

    >>> import minidl
    >>> minidl.promote_types(minidl.int64, minidl.float32)
    dtype('float32')
    """
    a, b = checked(a), checked(b)
    if (a.kind == "f") != (b.kind == "f"):
        return a if a.kind == "f" else b
    return np.promote_types(a, b)


def of_values(values: Iterable[Any]) -> np.dtype[Any]:
    """Return the common dtype of arrays and numbers by PyTorch's three ranks.

    Arrays with dimensions decide; a 0-d array or a Python number counts only where its category (boolean < integer <
    floating) is higher: float32 array + float64 0-d array is float32, int64 array + 0.5 is the default dtype.
    """
    ranks: list[np.dtype[Any] | None] = [None, None, None]  # dimensioned, 0-d, Python number
    for value in values:
        if isinstance(value, np.ndarray):
            rank, dtype = (0 if value.ndim else 1), checked(value.dtype)
        elif isinstance(value, (bool, np.bool_)):
            rank, dtype = 2, bool_
        elif isinstance(value, (int, np.integer)):
            rank, dtype = 2, int64
        elif isinstance(value, (float, np.floating)):
            rank, dtype = 2, _default
        else:
            raise DTypeError(f"expected a Tensor, an array or a number, got {type(value).__name__}")
        seen = ranks[rank]
        ranks[rank] = dtype if seen is None else promote_types(seen, dtype)
    result: np.dtype[Any] | None = None
    for found in ranks:
        if found is None:
            continue
        if result is None:
            result = found
        elif category(found) > category(result):
            result = promote_types(result, found)
    if result is None:
        raise ArgumentError("no values to find a common dtype of")
    return result
