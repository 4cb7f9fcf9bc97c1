"""Arithmetic with PyTorch's extra arguments, and formulas of two and three numbers."""

from __future__ import annotations

import math
from typing import Any

from .. import dtypes, ops
from ..autograd import Variable
from ..errors import ArgumentError, DTypeError, GraphError
from ..operation import cast_to
from ._arguments import array_in, as_array, constant, number
from .elementary import check_floating


def add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """y = input + alpha · other.

    >>> import minidl
    >>> minidl.add(minidl.ones(2), 2, alpha=3)
    tensor([7., 7.])
    """
    return ops.add(input, other if type(alpha) is int and alpha == 1 else scaled(input, other, alpha))


def sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """y = input - alpha · other.

    >>> import minidl
    >>> minidl.sub(minidl.ones(2), 2, alpha=3)
    tensor([-5., -5.])
    """
    return ops.sub(input, other if type(alpha) is int and alpha == 1 else scaled(input, other, alpha))


def scaled(input: Any, other: Any, alpha: Any) -> Any:
    """Return alpha · other in the type of the sum with the input; alpha must be a number of no higher kind."""
    alpha = number(alpha, "alpha")
    input, other = together(input, other)
    dtype = dtypes.of_values([as_array(input), as_array(other)])
    if isinstance(alpha, bool) and dtype.kind != "b":
        raise ArgumentError(f"alpha: got {alpha} for {dtype}, expected a number; a boolean goes with booleans only")
    if isinstance(alpha, float) and dtype.kind != "f":
        raise ArgumentError(f"alpha: got {alpha} for {dtype}, expected an int")
    return ops.mul(other, bool(alpha) if dtype.kind == "b" else alpha)


def together(*values: Any) -> list[Any]:
    """Return Tensors and arrays in their common dtype; Python numbers adapt by themselves."""
    dtype = dtypes.of_values([x if isinstance(x, (bool, int, float)) else as_array(x) for x in values])
    return [cast_to(x, dtype) for x in values]


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
        return ops.floor_divide(input, other)
    input, other = together(input, other)
    if any(as_array(x).dtype.kind == "f" for x in (input, other)):
        whole = ops.trunc(ops.div(constant(input), constant(other)))
        return ops.add(whole, ops.add(ops.zeros_like(input), ops.zeros_like(other)))  # slope 0, by 0 too
    return ops.floor_divide(ops.sub(input, ops.fmod(input, other)), other)


def true_divide(input: Any, other: Any) -> Any:
    """y = input / other, of integers too.

    >>> import minidl
    >>> minidl.true_divide(minidl.tensor([1, 2]), 2)
    tensor([0.5000, 1.0000])
    """
    return ops.div(input, other)


def floor_divide(input: Any, other: Any) -> Any:
    """y = ⌊input / other⌋; it has no derivative, unlike div(..., rounding_mode="floor"), whose slope is 0.

    >>> import minidl
    >>> minidl.floor_divide(minidl.tensor([-7, 7]), 2)
    tensor([-4,  3])
    """
    return without_derivative(ops.floor_divide(input, other), "floor_divide has no derivative; detach() its inputs")


def without_derivative(result: Any, reason: str) -> Any:
    """Return a result through which no gradient may flow."""

    def refuse(gradient: Any) -> None:
        raise GraphError(reason)

    if isinstance(result, Variable) and result.needs_grad:
        result.register_hook(refuse)  # type: ignore[attr-defined]
    return result


def pow(input: Any, exponent: Any) -> Any:
    """y = input ** exponent; integers to negative powers of a tensor round towards 0.

    >>> import minidl
    >>> minidl.pow(minidl.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    return ops.pow(input, exponent)


def float_power(input: Any, exponent: Any) -> Any:
    """y = input ** exponent in float64.

    >>> import minidl
    >>> minidl.float_power(minidl.tensor([2, 4]), -1)
    tensor([0.5000, 0.2500], dtype=float64)
    """
    base, power = (
        float(x) if isinstance(x, (bool, int, float)) else cast_to(x, dtypes.float64) for x in (input, exponent)
    )
    return ops.pow(base, power)


def logaddexp2(input: Any, other: Any) -> Any:
    """y = log₂(2^input + 2^other).

    >>> import minidl
    >>> minidl.logaddexp2(minidl.tensor([1.0]), minidl.tensor([1.0]))
    tensor([2.])
    """
    ln_2 = math.log(2)
    for x in together(input, other):
        check_floating(x, "logaddexp2")
    return ops.div(ops.logaddexp(ops.mul(input, ln_2), ops.mul(other, ln_2)), ln_2)


def xlogy(input: Any, other: Any) -> Any:
    """y = input · ln other, and 0 where the input is 0, whatever the other is but NaN.

    >>> import minidl
    >>> minidl.xlogy(minidl.tensor([0.0, 2.0]), minidl.tensor([0.0, 1.5]))
    tensor([0.0000, 0.8109])
    """
    input, other = together(input, other)
    outside = ops.logical_or(ops.le(other, 0), ops.eq(other, math.inf))
    inside = ops.where(ops.logical_and(ops.eq(input, 0), outside), 1, other)
    return ops.mul(input, ops.log(inside))


def lerp(input: Any, end: Any, weight: Any) -> Any:
    """y = input + weight · (end - input), from the nearer of the two so that weights of 0 and 1 are exact.

    >>> import minidl
    >>> minidl.lerp(minidl.tensor([0.0, 1.0]), minidl.tensor([10.0, 2.0]), 0.5)
    tensor([5.0000, 1.5000])
    """
    dtype = array_in(input, "lerp: input").dtype
    check_floating(input, "lerp")
    array_in(end, "lerp: end")
    for name, x in (("end", end), ("weight", weight)):
        given = as_array(x, f"lerp: {name}")
        if isinstance(x, Variable) and given.dtype != dtype and (name == "end" or given.ndim):
            raise DTypeError(f"lerp: {name}: got {given.dtype}, expected {dtype} as the input's")
    way = ops.sub(end, input)
    onward = ops.add(input, ops.mul(way, weight))
    if isinstance(weight, (int, float)) and abs(weight) < 0.5:
        return onward
    back = ops.sub(end, ops.mul(way, ops.sub(1, weight)))
    return back if isinstance(weight, (int, float)) else ops.where(ops.lt(ops.abs(weight), 0.5), onward, back)


def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    """y = input + value · tensor1 · tensor2.

    >>> import minidl
    >>> minidl.addcmul(minidl.ones(2), minidl.full((2,), 2.0), minidl.full((2,), 3.0), value=0.5)
    tensor([4., 4.])
    """
    input, tensor1, tensor2 = three("addcmul", input, tensor1, tensor2)
    return ops.add(input, ops.mul(factor(value, input, tensor1, tensor2), ops.mul(tensor1, tensor2)))


def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    """y = input + value · tensor1 / tensor2; of two integer tensors it raises.

    >>> import minidl
    >>> minidl.addcdiv(minidl.ones(2), minidl.full((2,), 2.0), minidl.full((2,), 4.0), value=0.5)
    tensor([1.2500, 1.2500])
    """
    if as_array(tensor1, "tensor1").dtype.kind != "f" and as_array(tensor2, "tensor2").dtype.kind != "f":
        raise DTypeError("addcdiv: tensor1 and tensor2: got integers, expected floats; use tensor1.float()")
    input, tensor1, tensor2 = three("addcdiv", input, tensor1, tensor2)
    return ops.add(input, ops.mul(factor(value, input, tensor1, tensor2), ops.div(tensor1, tensor2)))


def three(function: str, input: Any, tensor1: Any, tensor2: Any) -> list[Any]:
    """Return three Tensors or arrays in their common dtype; plain numbers are refused."""
    for name, x in (("input", input), ("tensor1", tensor1), ("tensor2", tensor2)):
        array_in(x, f"{function}: {name}")
    return together(input, tensor1, tensor2)


def factor(value: Any, *tensors: Any) -> Any:
    """Return the factor of a product of these as a number of their kind."""
    value = number(value, "value")
    return value if any(as_array(x).dtype.kind == "f" for x in tensors) else int(value)
