"""How the functions read their arguments: dimensions, shapes, pairs; what they refuse, and in which words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from ..autograd import Variable, observer, wrap
from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError


def as_array(x: Any, name: str = "input") -> np.ndarray[Any, Any]:
    """Return the array of a Tensor, an array or a number."""
    if isinstance(x, Variable):
        return x.array
    if isinstance(x, (np.ndarray, np.generic, bool, int, float)):
        return np.asarray(x)
    raise DTypeError(f"{name}: got {type(x).__name__}, expected a Tensor, an array or a number")


def array_in(x: Any, name: str = "input") -> np.ndarray[Any, Any]:
    """Return the array of a Tensor or an array; a Python number, which has no shape, is refused."""
    if isinstance(x, (bool, int, float)):
        raise DTypeError(f"{name}: got {x!r}, expected a Tensor or an array")
    return as_array(x, name)


def own_copy(x: Any, name: str = "input", dtype: Any = None) -> np.ndarray[Any, Any]:
    """Return the values of a Tensor or an array in memory of their own; the observer is told whose they are."""
    array = np.array(as_array(x, name), dtype)
    watching = observer.get()
    if watching is not None:
        watching.holds(array, x)
    return array


def like(answer: Any, *inputs: Any) -> Any:
    """Return an array as a Tensor if one of the inputs was one, else plain."""
    return wrap(answer) if any(isinstance(x, Variable) for x in inputs) else answer


def number(value: Any, name: str) -> Any:
    """Return an option as a Python number, from one or from a 0-d array or Tensor."""
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, (Variable, np.ndarray, np.generic)) and as_array(value).ndim == 0:
        return as_array(value).item()
    raise DTypeError(f"{name}: got {value!r}, expected a number")


def constant(x: Any) -> Any:
    """Return a Tensor without its history; anything else as it is."""
    return x.detach() if isinstance(x, Variable) else x  # type: ignore[attr-defined]


def number_in(value: Any, dtype: np.dtype[Any], name: str) -> Any:
    """Return a number as this dtype holds it, an integer without its fraction; refuse one that is out of range."""
    if not isinstance(value, (bool, int, float, np.generic)):
        raise DTypeError(f"{name}: got {type(value).__name__}, expected a number")
    if dtype.kind == "b":
        return bool(value)
    limits: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    least = limits.min if dtype.kind != "u" else -limits.max  # a negative number counts from the end
    if not least <= value <= limits.max and (dtype.kind != "f" or np.isfinite(value)):
        raise ArgumentError(f"{name}: got {value}, which does not fit into {dtype}")
    return float(value) if dtype.kind == "f" else int(value) % 2**limits.bits if dtype.kind == "u" else int(value)


def integers(values: Sequence[Any], name: str) -> tuple[int, ...]:
    """Return ints (or 0-d integer Tensors) as a tuple of ints."""
    result = []
    for value in values:
        truth = isinstance(value, bool) or getattr(value, "dtype", None) == np.bool_
        if truth or isinstance(value, float) or not hasattr(value, "__index__"):
            raise DTypeError(f"{name}: got {value!r}, expected int")
        result.append(value.__index__())
    return tuple(result)


def shape_from(sizes: Sequence[Any], name: str = "size") -> tuple[int, ...]:
    """Return the shape given as f(2, 3) or f((2, 3))."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    return integers(sizes, name)


def ints(values: Any, name: str) -> tuple[int, ...]:
    """Return a tuple or list of ints as a tuple."""
    if not isinstance(values, (tuple, list)):
        raise DTypeError(f"{name}: got {values!r}, expected a tuple of ints")
    return integers(values, name)


def one_int(value: Any, name: str) -> int:
    """Return an int (or a 0-d integer Tensor) as an int."""
    return integers((value,), name)[0]


def tensors_of(values: Any, name: str) -> list[Any]:
    """Return a tuple or list of Tensors or arrays as a list."""
    if not isinstance(values, (tuple, list)):
        raise DTypeError(f"{name}: got {type(values).__name__}, expected a list or tuple of Tensors")
    for k, x in enumerate(values):
        if not isinstance(x, (Variable, np.ndarray)):
            raise DTypeError(f"{name}: element {k} is {type(x).__name__}, expected a Tensor or an array")
    return list(values)


def axis(dim: Any, ndim: int, name: str = "dim") -> int:
    """Return a dimension as a non-negative int; a 0-d tensor counts as having one."""
    (d,) = integers((dim,), name)
    n = max(ndim, 1)
    if not -n <= d < n:
        raise IndexOutOfRange(f"{name}: got {d} for a tensor of {ndim} dimensions, expected {-n} to {n - 1}")
    return d % n


def axes(dim: Any, ndim: int, name: str = "dim") -> tuple[int, ...] | None:
    """Return dimensions as a tuple of non-negative ints, None for all of them."""
    if dim is None or (isinstance(dim, (tuple, list)) and len(dim) == 0):
        return None
    dims = named_axes(dim, ndim, name)
    return dims if ndim else ()


def named_axes(dim: Any, ndim: int, name: str = "dim") -> tuple[int, ...]:
    """Return a dimension, or several, as a tuple of non-negative ints, none of them twice."""
    dims = tuple(axis(d, ndim, name) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))
    if len(set(dims)) != len(dims):
        raise ArgumentError(f"{name}: got {dim}, which names a dimension twice")
    return dims


def flag(value: Any, name: str) -> bool:
    """Return a bool; nothing else stands for one."""
    if not isinstance(value, bool):
        raise DTypeError(f"{name}: got {value!r}, expected True or False")
    return value


F = TypeVar("F", bound=Callable[..., Any])


def numpy_names(function: F) -> F:
    """Return the function as it also takes NumPy's names of its arguments, as PyTorch's does: axis and keepdims."""

    @wraps(function)
    def renamed(*args: Any, **named: Any) -> Any:
        for theirs, ours in (("axis", "dim"), ("keepdims", "keepdim")):
            if theirs in named and ours not in named:
                named[ours] = named.pop(theirs)
        return function(*args, **named)

    return cast(F, renamed)


def pair(value: Any, name: str, least: int = 0) -> tuple[int, int]:
    """Return an int, or two, as (height, width)."""
    if type(value) is int and value >= least:
        return value, value
    if type(value) is tuple and len(value) == 2 and type(value[0]) is type(value[1]) is int and min(value) >= least:
        return value  # what layers give
    values = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(values) == 1:
        values *= 2
    if len(values) != 2:
        raise ShapeError(f"{name}: got {value!r}, expected an int or two (height, width)")
    first, second = integers(values, name)
    if min(first, second) < least:
        raise ArgumentError(f"{name}: got {value!r}, expected {'positive' if least else 'non-negative'} ints")
    return first, second
