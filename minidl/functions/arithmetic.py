"""Arithmetic, comparison and rounding with PyTorch's extra arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, ops
from ..errors import ArgumentError
from ._arguments import as_array, like


def add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """y = input + alpha · other.

    >>> import minidl
    >>> minidl.add(minidl.ones(2), 2, alpha=3)
    tensor([7., 7.])
    """
    return ops.add(input, other if alpha == 1 else ops.mul(other, alpha))


def sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """y = input - alpha · other.

    >>> import minidl
    >>> minidl.sub(minidl.ones(2), 2, alpha=3)
    tensor([-5., -5.])
    """
    return ops.sub(input, other if alpha == 1 else ops.mul(other, alpha))


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """y = input / other, rounded down ("floor") or towards zero ("trunc") if asked.

    >>> import minidl
    >>> minidl.div(minidl.tensor([-7.0, 7.0]), 2, rounding_mode="trunc")
    tensor([-3.,  3.])
    """
    if rounding_mode is None:
        return ops.div(input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise ArgumentError(f'rounding_mode: got {rounding_mode!r}, expected None, "floor" or "trunc"')
    if rounding_mode == "floor":
        return floor_divide(input, other)
    integers = all(as_array(x).dtype.kind != "f" for x in (input, other))
    if not integers:
        return ops.trunc(ops.div(input, other))
    quotient = ops.floor_divide(ops.abs(input), ops.abs(other))
    return ops.mul(quotient, ops.mul(ops.sign(input), ops.sign(other)))


def floor_divide(input: Any, other: Any) -> Any:
    """y = ⌊input / other⌋.

    >>> import minidl
    >>> minidl.floor_divide(minidl.tensor([-7, 7]), 2)
    tensor([-4,  3])
    """
    return ops.floor_divide(input, other)


def remainder(input: Any, other: Any) -> Any:
    """y = input - other · ⌊input / other⌋, with the sign of `other`.

    >>> import minidl
    >>> minidl.remainder(minidl.tensor([-7.0, 7.0]), 3)
    tensor([2., 1.])
    """
    return ops.remainder(input, other)


def round(input: Any, *, decimals: int = 0) -> Any:
    """y = the nearest number with so many decimals; halves go to the even one.

    >>> import minidl
    >>> minidl.round(minidl.tensor([1.26, 2.5, -1.5]), decimals=1)
    tensor([ 1.3000,  2.5000, -1.5000])
    >>> minidl.round(minidl.tensor([1.26, 2.5, -1.5]))
    tensor([ 1.,  2., -2.])
    """
    if decimals == 0:
        return ops.round(input)
    scale = 10.0**decimals
    return ops.div(ops.round(ops.mul(input, scale)), scale)


def square(input: Any) -> Any:
    """y = x².

    >>> import minidl
    >>> minidl.square(minidl.tensor([-3.0]))
    tensor([9.])
    """
    return ops.pow(input, 2)


def reciprocal(input: Any) -> Any:
    """y = 1 / x.

    >>> import minidl
    >>> minidl.reciprocal(minidl.tensor([4.0]))
    tensor([0.2500])
    """
    return ops.div(1.0, input)


def rsqrt(input: Any) -> Any:
    """y = 1 / √x.

    >>> import minidl
    >>> minidl.rsqrt(minidl.tensor([4.0]))
    tensor([0.5000])
    """
    return ops.div(1.0, ops.sqrt(input))


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """y = x, but `min` where x is below it and `max` where it is above; the slope at the bounds is 1.

    >>> import minidl
    >>> minidl.clamp(minidl.tensor([-2.0, 0.5, 2.0]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise ArgumentError("clamp: give at least one of min and max")
    if min is not None:
        input = ops.where(ops.lt(input, min), min, input)
    if max is not None:
        input = ops.where(ops.gt(input, max), max, input)
    return input


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """y = value where the boolean mask holds, else x.

    >>> import minidl
    >>> minidl.masked_fill(minidl.ones(2), minidl.tensor([True, False]), 0.0)
    tensor([0., 1.])
    """
    return where(mask, value, input)


def where(condition: Any, input: Any, other: Any) -> Any:
    """y = input where the boolean condition holds, else other; the three broadcast.

    >>> import minidl
    >>> minidl.where(minidl.tensor([True, False]), minidl.ones(2), 0.0)
    tensor([1., 0.])
    """
    if as_array(condition, "condition").dtype != np.bool_:
        raise ArgumentError(f"condition: got {as_array(condition).dtype}, expected bool; compare first, as in x > 0")
    if isinstance(input, (bool, int, float)) and isinstance(other, (bool, int, float)):
        input = np.asarray(input, dtypes.of_values([input, other]))  # or NumPy would decide
    return ops.where(condition, input, other)


def equal(input: Any, other: Any) -> bool:
    """Return whether both have the same shape and the same values (NaN equals nothing).

    >>> import minidl
    >>> minidl.equal(minidl.ones(2), minidl.ones(2))
    True
    """
    return np.array_equal(as_array(input), as_array(other, "other"))


def isclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """y = |input - other| <= atol + rtol · |other|, element by element.

    >>> import minidl
    >>> minidl.isclose(minidl.tensor([1.0, 2.0]), 1.0)
    tensor([ True, False])
    """
    close = np.isclose(as_array(input), as_array(other, "other"), rtol, atol, equal_nan)
    return like(close, input, other)


def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Return whether |input - other| <= atol + rtol · |other| everywhere.

    >>> import minidl
    >>> minidl.allclose(minidl.ones(2), minidl.ones(2) + 1e-9)
    True
    """
    return np.allclose(as_array(input), as_array(other, "other"), rtol, atol, equal_nan)
