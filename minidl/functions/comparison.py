"""Choosing and comparing, element by element: where, the bounds of clamp, whether values are equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, ops
from ..autograd import Variable, wrap
from ..errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from ..operation import cast_to
from ._arguments import array_in, as_array, constant, like, number_in
from .indexing import nonzero


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """y = x, but `min` where x is below it and `max` where it is above; the slope at the bounds is 1.

    The bounds are numbers, or tensors that broadcast with the input; `max` wins where `min` is larger.

    >>> import minidl
    >>> minidl.clamp(minidl.tensor([-2.0, 0.5, 2.0]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise ArgumentError("clamp: give at least one of min and max")
    if min is not None and max is not None and isinstance(min, Variable) != isinstance(max, Variable):
        kinds = f"{type(min).__name__} and {type(max).__name__}"
        raise ArgumentTypeError(f"clamp: min and max: got {kinds}, expected two numbers or two Tensors")
    dtype = array_in(input, "clamp: input").dtype
    for name, bound in (("min", min), ("max", max)):
        if type(bound) is int and dtype.kind in "iu":
            number_in(bound, dtype, f"clamp: {name}")
    # beside a NaN neither comparison holds, and maximum and minimum pass it on
    if min is not None:
        input = ops.where(ops.ge(input, min), input, ops.maximum(constant(input), min))
    if max is not None:
        input = ops.where(ops.le(input, max), input, ops.minimum(constant(input), max))
    return input


def clamp_min(input: Any, min: Any) -> Any:
    """y = x, but `min` where x is below it.

    >>> import minidl
    >>> minidl.clamp_min(minidl.tensor([-2.0, 0.5]), 0.0)
    tensor([0.0000, 0.5000])
    """
    return clamp(input, min=min)


def clamp_max(input: Any, max: Any) -> Any:
    """y = x, but `max` where x is above it.

    >>> import minidl
    >>> minidl.clamp_max(minidl.tensor([-2.0, 0.5]), 0.0)
    tensor([-2.,  0.])
    """
    return clamp(input, max=max)


def fmax(input: Any, other: Any) -> Any:
    """y = the larger of both, the number beside a NaN; the whole gradient goes to the input where they are equal.

    >>> import minidl
    >>> minidl.fmax(minidl.tensor([1.0, float("nan")]), minidl.tensor([3.0, 2.0]))
    tensor([3., 2.])
    """
    for name, x in (("input", input), ("other", other)):
        array_in(x, f"fmax: {name}")
    return ops.where(ops.logical_or(ops.ge(input, other), ops.isnan(other)), input, other)


def fmin(input: Any, other: Any) -> Any:
    """y = the smaller of both, the number beside a NaN; the whole gradient goes to the input where they are equal.

    >>> import minidl
    >>> minidl.fmin(minidl.tensor([1.0, float("nan")]), minidl.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    for name, x in (("input", input), ("other", other)):
        array_in(x, f"fmin: {name}")
    return ops.where(ops.logical_or(ops.le(input, other), ops.isnan(other)), input, other)


def heaviside(input: Any, values: Any) -> Any:
    """y = 0 where x < 0, `values` where x = 0, 1 where x > 0; both of one dtype.

    >>> import minidl
    >>> minidl.heaviside(minidl.tensor([-1.5, 0.0, 2.0]), minidl.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """
    dtype = same_dtype("heaviside", input, values=values)
    return ops.where(ops.eq(input, 0), values, cast_to(ops.gt(input, 0), dtype))


def logical_xor(input: Any, other: Any) -> Any:
    """y = (either x or the other, not both).

    >>> import minidl
    >>> minidl.logical_xor(minidl.tensor([True, True]), minidl.tensor([True, False]))
    tensor([False,  True])
    """
    return ops.ne(ops.logical_not(input), ops.logical_not(other))


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """y = value where the boolean mask holds, else x; in the dtype of x.

    >>> import minidl
    >>> minidl.masked_fill(minidl.ones(2), minidl.tensor([True, False]), 0.0)
    tensor([0., 1.])
    """
    dtype = array_in(input, "masked_fill: input").dtype
    check_mask(mask, "masked_fill: mask")
    if as_array(value, "masked_fill: value").ndim:
        raise ShapeError(f"masked_fill: value: got shape {as_array(value).shape}, expected one number")
    tensor = isinstance(value, (Variable, np.ndarray))
    return ops.where(mask, cast_to(value, dtype) if tensor else number_in(value, dtype, "masked_fill: value"), input)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """y = input where the boolean condition holds, else other; the three broadcast.

    With the condition alone: the indices where it holds, a tuple of one tensor for each dimension.

    >>> import minidl
    >>> minidl.where(minidl.tensor([True, False]), minidl.ones(2), 0.0)
    tensor([1., 0.])
    >>> minidl.where(minidl.tensor([False, True]))
    (tensor([1]),)
    """
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if as_array(condition, "where: condition").dtype == np.uint8:
        condition = ops.ne(condition, 0)
    check_mask(condition, "where: condition")
    if isinstance(input, (bool, int, float)) and isinstance(other, (bool, int, float)):
        input = np.asarray(input, dtypes.of_values([input, other]))  # or NumPy would decide
    return ops.where(condition, input, other)


def check_mask(mask: Any, name: str) -> None:
    """Refuse what is not an array of booleans."""
    if isinstance(mask, bool):
        raise ArgumentTypeError(f"{name}: got bool, expected a Tensor of booleans")
    if as_array(mask, name).dtype != np.bool_:
        raise ArgumentError(f"{name}: got {as_array(mask).dtype}, expected bool; compare first, as in x > 0")


def equal(input: Any, other: Any) -> bool:
    """Return whether both have the same shape and the same values (NaN equals nothing).

    >>> import minidl
    >>> minidl.equal(minidl.ones(2), minidl.ones(2))
    True
    """
    return np.array_equal(array_in(input, "equal: input"), array_in(other, "equal: other"))


def isclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """y = |input - other| <= atol + rtol · |other|, element by element; infinities are close to themselves.

    >>> import minidl
    >>> minidl.isclose(minidl.tensor([1.0, 2.0]), minidl.tensor(1.0))
    tensor([ True, False])
    """
    same_dtype("isclose", input, other=other)
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if not isinstance(tolerance, (int, float)):
            raise ArgumentTypeError(f"isclose: {name}: got {type(tolerance).__name__}, expected a number")
        if not tolerance >= 0:
            raise ArgumentError(f"isclose: {name}: got {tolerance}, expected at least 0")
    a, b = wrap(as_array(input)), wrap(as_array(other, "other"))
    close = ops.eq(a, b)
    if equal_nan:
        close = ops.logical_or(close, ops.logical_and(ops.isnan(a), ops.isnan(b)))
    difference = ops.abs(ops.sub(ops.mul(a, 1.0), ops.mul(b, 1.0)))  # 1.0 makes floats of integers
    near = ops.le(difference, ops.add(ops.abs(ops.mul(b, float(rtol))), atol))
    return like(ops.logical_or(close, ops.logical_and(ops.isfinite(difference), near)).array, input, other)


def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Return whether |input - other| <= atol + rtol · |other| everywhere.

    >>> import minidl
    >>> minidl.allclose(minidl.ones(2), minidl.ones(2) + 1e-9)
    True
    """
    return bool(np.all(as_array(isclose(input, other, rtol, atol, equal_nan))))


def same_dtype(function: str, input: Any, **other: Any) -> np.dtype[Any]:
    """Return the dtype that both have; refuse others and plain numbers."""
    ((name, value),) = other.items()
    dtype, found = array_in(input, f"{function}: input").dtype, array_in(value, f"{function}: {name}").dtype
    if dtype != found:
        raise DTypeError(f"{function}: {name}: got {found}, expected {dtype} as the input's")
    return dtype
