"""Operations that work element by element: each is its formula and its line in the table of derivatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..errors import ArgumentError
from ..operation import elementwise
from ._door import computed, sloped

# -- what an operation refuses, told by the kinds of its numbers: "b" boolean, "u" and "i" integer, "f" floating ------


def any_boolean(kinds: set[str]) -> bool:
    """Whether one of them is boolean."""
    return "b" in kinds


def only_booleans(kinds: set[str]) -> bool:
    """Whether nothing makes numbers of the booleans."""
    return kinds == {"b"}


def not_integers(kinds: set[str]) -> bool:
    """Whether there are no bits to work on, or they do not make a number."""
    return "f" in kinds or only_booleans(kinds)


def any_floating(kinds: set[str]) -> bool:
    """Whether one of them is floating."""
    return "f" in kinds


def not_floating(kinds: set[str]) -> bool:
    """Whether none of them is floating."""
    return "f" not in kinds


# -- comparison and logic: no derivative, their outputs are boolean --------------------------------------------------


@elementwise
def eq(a: Any, b: Any) -> Any:
    """y = (a == b).

    >>> import minidl
    >>> minidl.eq(minidl.tensor([1, 2, 3]), 2)
    tensor([False,  True, False])
    """
    return np.equal(a, b)


@elementwise
def ne(a: Any, b: Any) -> Any:
    """y = (a != b).

    >>> import minidl
    >>> minidl.ne(minidl.tensor([1, 2, 3]), 2)
    tensor([ True, False,  True])
    """
    return np.not_equal(a, b)


@elementwise
def lt(a: Any, b: Any) -> Any:
    """y = (a < b).

    >>> import minidl
    >>> minidl.lt(minidl.tensor([1, 2, 3]), 2)
    tensor([ True, False, False])
    """
    return np.less(a, b)


@elementwise
def le(a: Any, b: Any) -> Any:
    """y = (a <= b).

    >>> import minidl
    >>> minidl.le(minidl.tensor([1, 2, 3]), 2)
    tensor([ True,  True, False])
    """
    return np.less_equal(a, b)


@elementwise
def gt(a: Any, b: Any) -> Any:
    """y = (a > b).

    >>> import minidl
    >>> minidl.gt(minidl.tensor([1, 2, 3]), 2)
    tensor([False, False,  True])
    """
    return np.greater(a, b)


@elementwise
def ge(a: Any, b: Any) -> Any:
    """y = (a >= b).

    >>> import minidl
    >>> minidl.ge(minidl.tensor([1, 2, 3]), 2)
    tensor([False,  True,  True])
    """
    return np.greater_equal(a, b)


@elementwise
def logical_and(a: Any, b: Any) -> Any:
    """y = (a and b).

    >>> import minidl
    >>> minidl.logical_and(minidl.tensor([True, True]), minidl.tensor([True, False]))
    tensor([ True, False])
    """
    return np.logical_and(a, b)


@elementwise
def logical_or(a: Any, b: Any) -> Any:
    """y = (a or b).

    >>> import minidl
    >>> minidl.logical_or(minidl.tensor([False, True]), minidl.tensor([False, False]))
    tensor([False,  True])
    """
    return np.logical_or(a, b)


@elementwise
def logical_not(x: Any) -> Any:
    """y = (not x).

    >>> import minidl
    >>> minidl.logical_not(minidl.tensor([True, False]))
    tensor([False,  True])
    """
    return np.logical_not(x)


@elementwise(refuses=any_floating)
def bitwise_and(a: Any, b: Any) -> Any:
    """y = a & b, bit by bit; of booleans: a and b.

    >>> import minidl
    >>> minidl.bitwise_and(minidl.tensor([5, 6]), 3)
    tensor([1, 2])
    """
    return np.bitwise_and(a, b)


@elementwise(refuses=any_floating)
def bitwise_or(a: Any, b: Any) -> Any:
    """y = a | b, bit by bit; of booleans: a or b.

    >>> import minidl
    >>> minidl.bitwise_or(minidl.tensor([5, 6]), 3)
    tensor([7, 7])
    """
    return np.bitwise_or(a, b)


@elementwise(refuses=any_floating)
def bitwise_xor(a: Any, b: Any) -> Any:
    """y = a ^ b, bit by bit; of booleans: either a or b.

    >>> import minidl
    >>> minidl.bitwise_xor(minidl.tensor([5, 6]), 3)
    tensor([6, 5])
    """
    return np.bitwise_xor(a, b)


@elementwise(refuses=any_floating)
def bitwise_not(x: Any) -> Any:
    """y = ~x, bit by bit; of booleans: not x.

    >>> import minidl
    >>> minidl.bitwise_not(minidl.tensor([5, 6]))
    tensor([-6, -7])
    """
    return np.invert(x)


@elementwise(refuses=not_integers)
def bitwise_left_shift(a: Any, b: Any) -> Any:
    """y = a · 2^b, the bits of a moved to the left.

    >>> import minidl
    >>> minidl.bitwise_left_shift(minidl.tensor([1, 6]), 2)
    tensor([ 4, 24])
    """
    return np.left_shift(a, b)


@elementwise(refuses=not_integers)
def bitwise_right_shift(a: Any, b: Any) -> Any:
    """y = ⌊a / 2^b⌋, the bits of a moved to the right.

    >>> import minidl
    >>> minidl.bitwise_right_shift(minidl.tensor([5, -8]), 2)
    tensor([ 1, -2])
    """
    return np.right_shift(a, b)


@elementwise
def isnan(x: Any) -> Any:
    """y = (x is not a number).

    >>> import minidl
    >>> minidl.isnan(minidl.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """
    return np.isnan(x)


@elementwise
def isinf(x: Any) -> Any:
    """y = (x is infinite).

    >>> import minidl
    >>> minidl.isinf(minidl.tensor([1.0, float("inf")]))
    tensor([False,  True])
    """
    return np.isinf(x)


@elementwise
def isfinite(x: Any) -> Any:
    """y = (x is neither infinite nor NaN).

    >>> import minidl
    >>> minidl.isfinite(minidl.tensor([1.0, float("inf")]))
    tensor([ True, False])
    """
    return np.isfinite(x)


# -- choosing -------------------------------------------------------------------------------------------------------


@elementwise(masks=["condition"])
def where(condition: Any, a: Any, b: Any) -> Any:
    """y = a where the condition holds, else b."""
    return np.where(condition, a, b)


@elementwise
def zeros_like(x: Any) -> Any:
    """y = 0, in the shape of x."""
    return np.zeros_like(x)


zeros_like.defvjp(x=lambda g: zeros_like(g))
where.defvjp(a=lambda g, condition: where(condition, g, 0.0), b=lambda g, condition: where(condition, 0.0, g))

# -- arithmetic ------------------------------------------------------------------------------------------------------


@elementwise
def add(a: Any, b: Any) -> Any:
    """y = a + b."""
    return a + b


@elementwise(refuses=any_boolean)
def sub(a: Any, b: Any) -> Any:
    """y = a - b."""
    return a - b


@elementwise
def mul(a: Any, b: Any) -> Any:
    """y = a * b.

    >>> import minidl
    >>> minidl.mul(minidl.tensor([1.0, 2.0]), 3)
    tensor([3., 6.])
    """
    return a * b


@elementwise(floating=True)
def div(a: Any, b: Any) -> Any:
    """y = a / b."""
    return np.true_divide(a, b)


@elementwise(refuses=only_booleans)
def floor_divide(a: Any, b: Any) -> Any:
    """y = ⌊a / b⌋; an integer divided by 0 raises."""
    check_divisor(a, b)
    return np.floor_divide(a, b)


@elementwise(refuses=only_booleans)
def remainder(a: Any, b: Any) -> Any:
    """y = a - b ⌊a / b⌋, with the sign of b; of an integer by 0 it raises.

    >>> import minidl
    >>> minidl.remainder(minidl.tensor([-7.0, 7.0]), 3)
    tensor([2., 1.])
    """
    check_divisor(a, b)
    return np.remainder(a, b)


@elementwise(refuses=only_booleans)
def fmod(a: Any, b: Any) -> Any:
    """y = a - b trunc(a / b), with the sign of a; of an integer by 0 it raises.

    >>> import minidl
    >>> minidl.fmod(minidl.tensor([-7.0, 7.0]), 3)
    tensor([-1.,  1.])
    """
    check_divisor(a, b)
    return np.fmod(a, b)


def check_divisor(a: Any, b: Any) -> None:
    """Refuse to divide integers by 0, of which NumPy makes 0; floats give inf or NaN."""
    if np.result_type(a, b).kind != "f" and np.size(a) and not np.all(b):
        raise ArgumentError("integer division by zero")


@elementwise(refuses=any_boolean)
def neg(x: Any) -> Any:
    """y = -x.

    >>> import minidl
    >>> minidl.neg(minidl.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """
    return -x


@elementwise(refuses=only_booleans)
def pow(a: Any, b: Any) -> Any:
    """y = a ** b; integers to negative powers round towards 0.

    >>> import minidl
    >>> minidl.pow(minidl.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    try:
        return a**b
    except OverflowError as error:
        raise ArgumentError(f"pow: exponent: got {b} for integers: {error}") from None
    except ValueError:
        if np.result_type(a, b).kind == "f":
            raise
        if isinstance(b, (int, np.integer)):
            raise ArgumentError(f"pow: exponent: got {b} for integers, expected at least 0; use x.float()") from None
        inverse = np.equal(a, 1) + np.equal(a, -1) * (1 - 2 * (b % 2))  # 1 and -1 have one, of others 0 is left
        return np.where(b < 0, inverse, a ** np.maximum(b, 0)).astype(b.dtype)


def pow_da(g: Any, a: Any, b: Any) -> Any:
    """g b a^(b-1), and 0 where b = 0, also at a = 0 where a^(b-1) is infinite."""
    if isinstance(b, (int, float)):
        return zeros_like(g) if b == 0 else g * (b * a) if b == 2 else g * (b * a ** (b - 1))
    return where(eq(b, 0.0), 0.0, g * (b * a ** (b - 1.0)))


def pow_db(g: Any, a: Any, b: Any, out: Any) -> Any:
    """g a^b log a, and 0 where a = 0 and b >= 0, where the product 0 * log 0 tends to it."""
    if isinstance(a, (int, float)):
        slope = g * out * (math.log(a) if a > 0 else -math.inf if a == 0 else math.nan)
        return where(ge(b, 0.0), 0.0, slope) if a == 0 else slope
    return where(logical_and(eq(a, 0.0), ge(b, 0.0)), 0.0, g * out * log(a))


add.defvjp(a=lambda g: g, b=lambda g: g)
sub.defvjp(a=lambda g: g, b=lambda g: -g)
mul.defvjp(a=lambda g, b: g * b, b=lambda g, a: g * a)
div.defvjp(a=lambda g, b: g / b, b=lambda g, b, out: -g * out / b)
floor_divide.defvjp(a=lambda g: zeros_like(g), b=lambda g: zeros_like(g))
remainder.defvjp(a=lambda g: g, b=lambda g, a, b: -g * floor_divide(a, b))
neg.defvjp(x=lambda g: -g)
pow.defvjp(a=pow_da, b=pow_db)

# -- exponential and relatives ---------------------------------------------------------------------------------------


@elementwise(floating=True)
def exp(x: Any) -> Any:
    """y = e^x.

    >>> import minidl
    >>> minidl.exp(minidl.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return np.exp(x)


@elementwise(floating=True)
def expm1(x: Any) -> Any:
    """y = e^x - 1, exact for small x too.

    >>> import minidl
    >>> minidl.expm1(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.7183])
    """
    return np.expm1(x)


@elementwise(floating=True)
def log(x: Any) -> Any:
    """y = ln x.

    >>> import minidl
    >>> minidl.log(minidl.tensor([1.0, 2.0]))
    tensor([0.0000, 0.6931])
    """
    return np.log(x)


@elementwise(floating=True)
def log1p(x: Any) -> Any:
    """y = ln(1 + x), exact for small x too.

    >>> import minidl
    >>> minidl.log1p(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.6931])
    """
    return np.log1p(x)


@elementwise(floating=True)
def log2(x: Any) -> Any:
    """y = log₂ x, exact for powers of 2.

    >>> import minidl
    >>> minidl.log2(minidl.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """
    return np.log2(x)


@elementwise(floating=True)
def log10(x: Any) -> Any:
    """y = log₁₀ x.

    >>> import minidl
    >>> minidl.log10(minidl.tensor([1.0, 2.0]))
    tensor([0.0000, 0.3010])
    """
    return np.log10(x)


@elementwise(refuses=not_floating)
def logaddexp(a: Any, b: Any) -> Any:
    """y = ln(e^a + e^b), by the larger of the two so that nothing overflows.

    >>> import minidl
    >>> minidl.logaddexp(minidl.tensor([0.0, 200.0]), minidl.tensor([0.0, 200.0]))
    tensor([  0.6931, 200.6931])
    """
    return np.logaddexp(a, b)


@elementwise(floating=True)
def sqrt(x: Any) -> Any:
    """y = √x.

    >>> import minidl
    >>> minidl.sqrt(minidl.tensor([4.0, 2.0]))
    tensor([2.0000, 1.4142])
    """
    return np.sqrt(x)


@elementwise(refuses=not_floating)
def hypot(a: Any, b: Any) -> Any:
    """y = √(a² + b²), without the overflow of a square.

    >>> import minidl
    >>> minidl.hypot(minidl.tensor([3.0, 3e30]), minidl.tensor([4.0, 4e30]))
    tensor([5.0000e+00, 5.0000e+30])
    """
    return np.hypot(a, b)


@elementwise(floating=True)
def sinh(x: Any) -> Any:
    """y = (e^x - e^-x) / 2, exact for small x too.

    >>> import minidl
    >>> minidl.sinh(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    return np.sinh(x)


@elementwise(floating=True)
def cosh(x: Any) -> Any:
    """y = (e^x + e^-x) / 2.

    >>> import minidl
    >>> minidl.cosh(minidl.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    return np.cosh(x)


@elementwise(floating=True)
def asinh(x: Any) -> Any:
    """y = ln(x + √(x² + 1)), what sinh undoes; exact for small and for negative x too.

    >>> import minidl
    >>> minidl.asinh(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """
    return np.arcsinh(x)


@elementwise(floating=True)
def acosh(x: Any) -> Any:
    """y = ln(x + √(x² - 1)), what cosh undoes; x >= 1.

    >>> import minidl
    >>> minidl.acosh(minidl.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """
    return np.arccosh(x)


@elementwise(floating=True)
def tanh(x: Any) -> Any:
    """y = (e^x - e^-x) / (e^x + e^-x).

    >>> import minidl
    >>> minidl.tanh(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    return np.tanh(x)


@elementwise(floating=True)
def sigmoid(x: Any) -> Any:
    """y = 1 / (1 + e^-x), by e^-|x| so that nothing overflows.

    >>> import minidl
    >>> minidl.sigmoid(minidl.tensor([0.0, 1.0]))
    tensor([0.5000, 0.7311])
    """
    return computed(kernels.elementwise_forward, x, "sigmoid")


@elementwise(floating=True)
def erf(x: Any) -> Any:
    """y = 2/√π ∫_0^x e^(-t²) dt.

    >>> import minidl
    >>> minidl.erf(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """
    return computed(kernels.elementwise_forward, x, "erf")


@elementwise(floating=True)
def erfc(x: Any) -> Any:
    """y = 1 - erf x, exact for large x too.

    >>> import minidl
    >>> minidl.erfc(minidl.tensor([0.0, 5.0]))
    tensor([1.0000e+00, 1.5375e-12])
    """
    from scipy import special

    return special.erfc(x)


@elementwise
def tanh_dx(dy: Any, y: Any) -> Any:
    """dx = dy (1 - y²): what y = tanh x does to a cotangent."""
    return sloped(kernels.elementwise_backward, dy, y, "tanh") if is_large(dy, y) else dy * (1.0 - y * y)


@elementwise
def sigmoid_dx(dy: Any, y: Any) -> Any:
    """dx = dy y (1 - y): what y = 1 / (1 + e^-x) does to a cotangent."""
    return sloped(kernels.elementwise_backward, dy, y, "sigmoid") if is_large(dy, y) else dy * (y * (1.0 - y))


def is_large(dy: Any, y: Any) -> bool:
    """Whether one call of a kernel costs less than three of NumPy's; it does not broadcast."""
    return type(y) is np.ndarray and y.size > 256 and getattr(dy, "shape", None) == y.shape


exp.defvjp(x=lambda g, out: g * out)
expm1.defvjp(x=lambda g, x: g * exp(x))  # out + 1 has lost the digits of a small e^x
log.defvjp(x=lambda g, x: g / x)
log1p.defvjp(x=lambda g, x: g / (x + 1.0))
log2.defvjp(x=lambda g, x: g / (x * 0.6931471805599453))  # ln 2
log10.defvjp(x=lambda g, x: g / (x * 2.302585092994046))  # ln 10
logaddexp.defvjp(a=lambda g, a, b: g * sigmoid(a - b), b=lambda g, a, b: g * sigmoid(b - a))
sqrt.defvjp(x=lambda g, out: g / (2.0 * out))
hypot.defvjp(a=lambda g, a, out: g * (a / out), b=lambda g, b, out: g * (b / out))
sinh.defvjp(x=lambda g, x: g * cosh(x))
cosh.defvjp(x=lambda g, x: g * sinh(x))
asinh.defvjp(x=lambda g, x: g / hypot(x, 1.0))
acosh.defvjp(x=lambda g, x: g / sqrt((x - 1.0) * (x + 1.0)))
tanh.defvjp(x=lambda g, out: tanh_dx(g, out))
tanh_dx.defvjp(dy=lambda g, y: tanh_dx(g, y), y=lambda g, dy, y: g * (-2.0 * dy * y))
sigmoid.defvjp(x=lambda g, out: sigmoid_dx(g, out))
sigmoid_dx.defvjp(dy=lambda g, y: sigmoid_dx(g, y), y=lambda g, dy, y: g * (dy * (1.0 - 2.0 * y)))
erf.defvjp(x=lambda g, x: g * (1.1283791670955126 * exp(-x * x)))  # 2/√π
erfc.defvjp(x=lambda g, x: g * (-1.1283791670955126 * exp(-x * x)))

# -- trigonometric ---------------------------------------------------------------------------------------------------


@elementwise(floating=True)
def sin(x: Any) -> Any:
    """y = sin x, x in radians.

    >>> import minidl
    >>> minidl.sin(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """
    return np.sin(x)


@elementwise(floating=True)
def cos(x: Any) -> Any:
    """y = cos x, x in radians.

    >>> import minidl
    >>> minidl.cos(minidl.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """
    return np.cos(x)


@elementwise(floating=True)
def asin(x: Any) -> Any:
    """y = the angle from -π/2 to π/2 whose sine is x.

    >>> import minidl
    >>> minidl.asin(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    return np.arcsin(x)


@elementwise(floating=True)
def acos(x: Any) -> Any:
    """y = the angle from 0 to π whose cosine is x.

    >>> import minidl
    >>> minidl.acos(minidl.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """
    return np.arccos(x)


@elementwise(floating=True)
def atan2(a: Any, b: Any) -> Any:
    """y = the angle from -π to π of the point whose height is a and whose width is b.

    >>> import minidl
    >>> minidl.atan2(minidl.tensor([1.0, 1.0]), minidl.tensor([1.0, -1.0]))
    tensor([0.7854, 2.3562])
    """
    return np.arctan2(a, b)


def turning(g: Any, side: Any, a: Any, b: Any) -> Any:
    """g side / (a² + b²), and 0 at the origin, where there is no angle."""
    radius = hypot(a, b)
    return where(eq(radius, 0.0), 0.0, g * (side / radius) / radius)


sin.defvjp(x=lambda g, x: g * cos(x))
cos.defvjp(x=lambda g, x: -g * sin(x))
asin.defvjp(x=lambda g, x: g / sqrt((1.0 - x) * (1.0 + x)))
acos.defvjp(x=lambda g, x: -g / sqrt((1.0 - x) * (1.0 + x)))
atan2.defvjp(a=lambda g, a, b: turning(g, b, a, b), b=lambda g, a, b: -turning(g, a, a, b))

# -- piecewise -------------------------------------------------------------------------------------------------------


@elementwise(refuses=any_boolean)
def abs(x: Any) -> Any:
    """y = |x|; its slope at 0 is taken as 0.

    >>> import minidl
    >>> minidl.abs(minidl.tensor([-1.5, 2.0]))
    tensor([1.5000, 2.0000])
    """
    return np.abs(x)


@elementwise
def sign(x: Any) -> Any:
    """y = -1, 0 or 1 with the sign of x, 0 of NaN.

    >>> import minidl
    >>> minidl.sign(minidl.tensor([-1.5, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    if np.asarray(x).dtype.kind == "b":
        return np.positive(x, dtype=np.int8) != 0
    y = np.sign(x)
    return np.where(np.isnan(y), 0, y) if np.asarray(y).dtype.kind == "f" else y


@elementwise(floating=True)
def copysign(a: Any, b: Any) -> Any:
    """y = |a| with the sign of b, that of -0.0 too.

    >>> import minidl
    >>> minidl.copysign(minidl.tensor([1.0, 2.0]), minidl.tensor([-3.0, 0.0]))
    tensor([-1.,  2.])
    """
    return np.copysign(a, b)


@elementwise(refuses=any_boolean)
def floor(x: Any) -> Any:
    """y = the largest integer that is at most x.

    >>> import minidl
    >>> minidl.floor(minidl.tensor([-1.5, 1.5]))
    tensor([-2.,  1.])
    """
    return np.floor(x)


@elementwise(refuses=any_boolean)
def ceil(x: Any) -> Any:
    """y = the smallest integer that is at least x.

    >>> import minidl
    >>> minidl.ceil(minidl.tensor([-1.5, 1.5]))
    tensor([-1.,  2.])
    """
    return np.ceil(x)


@elementwise(refuses=any_boolean)
def round(x: Any) -> Any:
    """y = the nearest integer; halves go to the even one."""
    return np.round(x)


@elementwise(refuses=any_boolean)
def trunc(x: Any) -> Any:
    """y = x without its fraction.

    >>> import minidl
    >>> minidl.trunc(minidl.tensor([-1.5, 1.5]))
    tensor([-1.,  1.])
    """
    return np.trunc(x)


@elementwise
def relu(x: Any) -> Any:
    """y = max(x, 0); its slope at 0 is taken as 0.

    >>> import minidl
    >>> minidl.relu(minidl.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    if type(x) is np.ndarray and x.size > 256 and x.dtype.char in "fd":
        return computed(kernels.elementwise_forward, x, "relu")
    return np.maximum(x, 0)


@elementwise
def relu_dx(dy: Any, y: Any) -> Any:
    """dx = dy where y > 0, else 0: what y = max(x, 0) does to a cotangent."""
    return sloped(kernels.elementwise_backward, dy, y, "relu") if is_large(dy, y) else np.where(y <= 0, 0, dy)


@elementwise
def maximum(a: Any, b: Any) -> Any:
    """y = the larger of a and b, NaN if one is NaN; where they are equal each gets half of the gradient.

    >>> import minidl
    >>> minidl.maximum(minidl.tensor([1.0, 5.0]), minidl.tensor([3.0, 2.0]))
    tensor([3., 5.])
    """
    return np.maximum(a, b)


@elementwise
def minimum(a: Any, b: Any) -> Any:
    """y = the smaller of a and b, NaN if one is NaN; where they are equal each gets half of the gradient.

    >>> import minidl
    >>> minidl.minimum(minidl.tensor([1.0, 5.0]), minidl.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    return np.minimum(a, b)


def share_of_winner(g: Any, mine: Any, other: Any, loses: Any) -> Any:
    """None of g where `mine` loses, half of it at a tie, else (and beside a NaN) all."""
    return where(loses(mine, other), 0.0, where(eq(mine, other), 0.5 * g, g))


abs.defvjp(x=lambda g, x: g * sign(x))
sign.defvjp(x=lambda g: zeros_like(g))
copysign.defvjp(a=lambda g, a, out: g * (sign(a) * sign(out)), b=lambda g: zeros_like(g))
floor.defvjp(x=lambda g: zeros_like(g))
ceil.defvjp(x=lambda g: zeros_like(g))
round.defvjp(x=lambda g: zeros_like(g))
trunc.defvjp(x=lambda g: zeros_like(g))
fmod.defvjp(a=lambda g: g, b=lambda g, a, b: -g * trunc(a / b))
relu.defvjp(x=lambda g, out: relu_dx(g, out))
relu_dx.defvjp(dy=lambda g, y: relu_dx(g, y), y=lambda g: zeros_like(g))
maximum.defvjp(a=lambda g, a, b: share_of_winner(g, a, b, lt), b=lambda g, a, b: share_of_winner(g, b, a, lt))
minimum.defvjp(a=lambda g, a, b: share_of_winner(g, a, b, gt), b=lambda g, a, b: share_of_winner(g, b, a, gt))
