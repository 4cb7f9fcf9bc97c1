"""Functions of one number, element by element, that are formulas over others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentTypeError, DTypeError
from ._arguments import array_in, as_array, integers, like, number
from .comparison import clamp


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


def exp2(input: Any) -> Any:
    """y = 2^x.

    >>> import minidl
    >>> minidl.exp2(minidl.tensor([3.0, -1.0]))
    tensor([8.0000, 0.5000])
    """
    return ops.pow(2.0, input)


def logit(input: Any, eps: float | None = None) -> Any:
    """y = ln(x / (1 - x)), what sigmoid undoes; x is first brought between eps and 1 - eps if that is given.

    >>> import minidl
    >>> minidl.logit(minidl.tensor([0.5, 0.9]))
    tensor([0.0000, 2.1972])
    """
    array_in(input, "logit: input")
    if eps is not None:
        eps = float(number(eps, "logit: eps"))
        input = clamp(input, eps, 1.0 - eps)
    return ops.sub(ops.log(input), ops.log1p(ops.mul(input, -1.0)))


def tan(input: Any) -> Any:
    """y = sin x / cos x.

    >>> import minidl
    >>> minidl.tan(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """
    return ops.div(ops.sin(input), ops.cos(input))


def atan(input: Any) -> Any:
    """y = the angle from -π/2 to π/2 whose tangent is x.

    >>> import minidl
    >>> minidl.atan(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    return ops.atan2(input, 1.0)


def atanh(input: Any) -> Any:
    """y = ln((1 + x) / (1 - x)) / 2, what tanh undoes.

    >>> import minidl
    >>> minidl.atanh(minidl.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """
    return ops.mul(ops.sub(ops.log1p(input), ops.log1p(ops.mul(input, -1.0))), 0.5)


def sinc(input: Any) -> Any:
    """y = sin(πx) / (πx), and 1 at 0.

    >>> import minidl
    >>> minidl.sinc(minidl.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    angle = ops.where(ops.eq(input, 0), 1.0, ops.mul(input, math.pi))
    return ops.where(ops.eq(input, 0), 1.0, ops.div(ops.sin(angle), angle))


def rad2deg(input: Any) -> Any:
    """y = 180 x / π.

    >>> import minidl
    >>> minidl.rad2deg(minidl.tensor([3.1416]))
    tensor([180.0004])
    """
    return ops.mul(input, 180 / math.pi)


def deg2rad(input: Any) -> Any:
    """y = π x / 180.

    >>> import minidl
    >>> minidl.deg2rad(minidl.tensor([180.0]))
    tensor([3.1416])
    """
    return ops.mul(input, math.pi / 180)


def positive(input: Any) -> Any:
    """y = x; of a boolean it raises.

    >>> import minidl
    >>> minidl.positive(minidl.tensor([-1.0]))
    tensor([-1.])
    """
    if as_array(input).dtype.kind == "b":
        raise DTypeError("positive does not work on bool; convert first, as in x.int()")
    return input


def round(input: Any, *, decimals: int = 0) -> Any:
    """y = the nearest number with so many decimals, before the point if negative; halves go to the even one.

    >>> import minidl
    >>> minidl.round(minidl.tensor([1.26, 2.5, -1.5]), decimals=1)
    tensor([ 1.3000,  2.5000, -1.5000])
    >>> minidl.round(minidl.tensor([1.26, 2.5, -1.5]))
    tensor([ 1.,  2., -2.])
    """
    array_in(input, "round: input")
    (decimals,) = integers((decimals,), "round: decimals")
    if decimals == 0:
        return ops.round(input)
    check_floating(input, "round with decimals")
    scale = 10.0 ** abs(decimals) if abs(decimals) < 309 else math.inf
    if decimals < 0:
        return ops.mul(ops.round(ops.div(input, scale)), scale)
    return ops.div(ops.round(ops.mul(input, scale)), scale)


def frac(input: Any) -> Any:
    """y = x - trunc(x), the part behind the point, with the sign of x.

    >>> import minidl
    >>> minidl.frac(minidl.tensor([1.25, -1.25]))
    tensor([ 0.2500, -0.2500])
    """
    check_floating(input, "frac")
    return ops.sub(input, ops.trunc(input))


def check_floating(input: Any, name: str) -> None:
    """Refuse integers and booleans."""
    if as_array(input).dtype.kind != "f":
        raise DTypeError(f"{name}: input: got {as_array(input).dtype}, expected a floating type; use x.float()")


def signbit(input: Any) -> Any:
    """y = (x has a minus sign), that of -0.0 and of -NaN too.

    >>> import minidl
    >>> minidl.signbit(minidl.tensor([-0.0, 1.0]))
    tensor([ True, False])
    """
    return like(np.signbit(as_array(input)), input)


def nan_to_num(input: Any, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Any:
    """y = x, but `nan` (0) for NaN, `posinf` and `neginf` (the largest and smallest finite numbers) for the infinities.

    >>> import minidl
    >>> minidl.nan_to_num(minidl.tensor([1.0, float("nan"), float("inf")]), posinf=9.0)
    tensor([1., 0., 9.])
    """
    for name, value in (("nan", nan), ("posinf", posinf), ("neginf", neginf)):
        if value is not None and not isinstance(value, (int, float)):
            raise ArgumentTypeError(f"nan_to_num: {name}: got {type(value).__name__}, expected a number or None")
    dtype = array_in(input, "nan_to_num: input").dtype
    if dtype.kind != "f":
        return ops.copy(input)
    limits = np.finfo(dtype)
    for found, value in (
        (ops.isnan(input), 0.0 if nan is None else nan),
        (ops.eq(input, math.inf), float(limits.max) if posinf is None else posinf),
        (ops.eq(input, -math.inf), float(limits.min) if neginf is None else neginf),
    ):
        input = ops.where(found, float(value), input)
    return input
