"""Operations that work element by element: each is its formula and its line in the table of derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..operation import elementwise

# -- comparison and logic: no derivative, their outputs are boolean --------------------------------------------------


@elementwise
def eq(a: Any, b: Any) -> Any:
    """y = (a == b)."""
    return np.equal(a, b)


@elementwise
def ne(a: Any, b: Any) -> Any:
    """y = (a != b)."""
    return np.not_equal(a, b)


@elementwise
def lt(a: Any, b: Any) -> Any:
    """y = (a < b)."""
    return np.less(a, b)


@elementwise
def le(a: Any, b: Any) -> Any:
    """y = (a <= b)."""
    return np.less_equal(a, b)


@elementwise
def gt(a: Any, b: Any) -> Any:
    """y = (a > b)."""
    return np.greater(a, b)


@elementwise
def ge(a: Any, b: Any) -> Any:
    """y = (a >= b)."""
    return np.greater_equal(a, b)


@elementwise
def logical_and(a: Any, b: Any) -> Any:
    """y = (a and b)."""
    return np.logical_and(a, b)


@elementwise
def logical_or(a: Any, b: Any) -> Any:
    """y = (a or b)."""
    return np.logical_or(a, b)


@elementwise
def logical_not(x: Any) -> Any:
    """y = (not x)."""
    return np.logical_not(x)


@elementwise
def bitwise_and(a: Any, b: Any) -> Any:
    """y = a & b, bit by bit; of booleans: a and b."""
    return np.bitwise_and(a, b)


@elementwise
def bitwise_or(a: Any, b: Any) -> Any:
    """y = a | b, bit by bit; of booleans: a or b."""
    return np.bitwise_or(a, b)


@elementwise
def bitwise_xor(a: Any, b: Any) -> Any:
    """y = a ^ b, bit by bit; of booleans: either a or b."""
    return np.bitwise_xor(a, b)


@elementwise
def bitwise_not(x: Any) -> Any:
    """y = ~x, bit by bit; of booleans: not x."""
    return np.invert(x)


@elementwise
def isnan(x: Any) -> Any:
    """y = (x is not a number)."""
    return np.isnan(x)


@elementwise
def isinf(x: Any) -> Any:
    """y = (x is infinite)."""
    return np.isinf(x)


@elementwise
def isfinite(x: Any) -> Any:
    """y = (x is neither infinite nor NaN)."""
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


@elementwise
def sub(a: Any, b: Any) -> Any:
    """y = a - b."""
    return a - b


@elementwise
def mul(a: Any, b: Any) -> Any:
    """y = a * b."""
    return a * b


@elementwise(floating=True)
def div(a: Any, b: Any) -> Any:
    """y = a / b."""
    return np.true_divide(a, b)


@elementwise
def floor_divide(a: Any, b: Any) -> Any:
    """y = ⌊a / b⌋; an integer divided by 0 raises."""
    check_divisor(a, b)
    return np.floor_divide(a, b)


@elementwise
def remainder(a: Any, b: Any) -> Any:
    """y = a - b ⌊a / b⌋; of an integer by 0 it raises."""
    check_divisor(a, b)
    return np.remainder(a, b)


def check_divisor(a: Any, b: Any) -> None:
    """Refuse to divide integers by 0, of which NumPy makes 0; floats give inf or NaN."""
    if np.result_type(a, b).kind != "f" and not np.all(b):
        raise ArgumentError("integer division by zero")


@elementwise
def neg(x: Any) -> Any:
    """y = -x."""
    return -x


@elementwise
def pow(a: Any, b: Any) -> Any:
    """y = a ** b."""
    return a**b


def pow_da(g: Any, a: Any, b: Any) -> Any:
    """g b a^(b-1), and 0 where b = 0, also at a = 0 where a^(b-1) is infinite."""
    if isinstance(b, (int, float)):
        return zeros_like(g) if b == 0 else g * (b * a) if b == 2 else g * (b * a ** (b - 1))
    return where(eq(b, 0.0), 0.0, g * (b * a ** (b - 1.0)))


def pow_db(g: Any, a: Any, b: Any, out: Any) -> Any:
    """g a^b log a, and 0 where a = 0 and b >= 0, where the product 0 * log 0 tends to it."""
    if isinstance(a, (int, float)):
        return g * out * float(np.log(a)) if a > 0 else g * where(ge(b, 0.0), 0.0, float("nan"))
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
    """y = e^x."""
    return np.exp(x)


@elementwise(floating=True)
def expm1(x: Any) -> Any:
    """y = e^x - 1, exact for small x too."""
    return np.expm1(x)


@elementwise(floating=True)
def log(x: Any) -> Any:
    """y = ln x."""
    return np.log(x)


@elementwise(floating=True)
def log1p(x: Any) -> Any:
    """y = ln(1 + x), exact for small x too."""
    return np.log1p(x)


@elementwise(floating=True)
def sqrt(x: Any) -> Any:
    """y = √x."""
    return np.sqrt(x)


@elementwise(floating=True)
def tanh(x: Any) -> Any:
    """y = (e^x - e^-x) / (e^x + e^-x)."""
    return np.tanh(x)


@elementwise(floating=True)
def sigmoid(x: Any) -> Any:
    """y = 1 / (1 + e^-x), by e^-|x| so that nothing overflows."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, np.ones_like(e)) / (1 + e)


@elementwise(floating=True)
def erf(x: Any) -> Any:
    """y = 2/√π ∫_0^x e^(-t²) dt."""
    from scipy.special import erf as scipy_erf

    return scipy_erf(x)


exp.defvjp(x=lambda g, out: g * out)
expm1.defvjp(x=lambda g, out: g * (out + 1.0))
log.defvjp(x=lambda g, x: g / x)
log1p.defvjp(x=lambda g, x: g / (x + 1.0))
sqrt.defvjp(x=lambda g, out: g / (2.0 * out))
tanh.defvjp(x=lambda g, out: g * (1.0 - out * out))
sigmoid.defvjp(x=lambda g, out: g * (out * (1.0 - out)))
erf.defvjp(x=lambda g, x: g * (1.1283791670955126 * exp(-x * x)))  # 2/√π

# -- trigonometric ---------------------------------------------------------------------------------------------------


@elementwise(floating=True)
def sin(x: Any) -> Any:
    """y = sin x, x in radians."""
    return np.sin(x)


@elementwise(floating=True)
def cos(x: Any) -> Any:
    """y = cos x, x in radians."""
    return np.cos(x)


sin.defvjp(x=lambda g, x: g * cos(x))
cos.defvjp(x=lambda g, x: -g * sin(x))

# -- piecewise -------------------------------------------------------------------------------------------------------


@elementwise
def abs(x: Any) -> Any:
    """y = |x|; its slope at 0 is taken as 0."""
    return np.abs(x)


@elementwise
def sign(x: Any) -> Any:
    """y = -1, 0 or 1 with the sign of x."""
    return np.sign(x)


@elementwise
def floor(x: Any) -> Any:
    """y = the largest integer that is at most x."""
    return np.floor(x)


@elementwise
def ceil(x: Any) -> Any:
    """y = the smallest integer that is at least x."""
    return np.ceil(x)


@elementwise
def round(x: Any) -> Any:
    """y = the nearest integer; halves go to the even one."""
    return np.round(x)


@elementwise
def trunc(x: Any) -> Any:
    """y = x without its fraction."""
    return np.trunc(x)


@elementwise
def relu(x: Any) -> Any:
    """y = max(x, 0); its slope at 0 is taken as 0."""
    return np.maximum(x, 0)


@elementwise
def maximum(a: Any, b: Any) -> Any:
    """y = the larger of a and b, NaN if one is NaN; where they are equal each gets half of the gradient."""
    return np.maximum(a, b)


@elementwise
def minimum(a: Any, b: Any) -> Any:
    """y = the smaller of a and b, NaN if one is NaN; where they are equal each gets half of the gradient."""
    return np.minimum(a, b)


def share_of_winner(g: Any, mine: Any, other: Any, loses: Any) -> Any:
    """None of g where `mine` loses, half of it at a tie, else (and beside a NaN) all."""
    return where(loses(mine, other), 0.0, where(eq(mine, other), 0.5 * g, g))


abs.defvjp(x=lambda g, x: g * sign(x))
sign.defvjp(x=lambda g: zeros_like(g))
floor.defvjp(x=lambda g: zeros_like(g))
ceil.defvjp(x=lambda g: zeros_like(g))
round.defvjp(x=lambda g: zeros_like(g))
trunc.defvjp(x=lambda g: zeros_like(g))
relu.defvjp(x=lambda g, out: where(le(out, 0.0), 0.0, g))
maximum.defvjp(a=lambda g, a, b: share_of_winner(g, a, b, lt), b=lambda g, a, b: share_of_winner(g, b, a, lt))
minimum.defvjp(a=lambda g, a, b: share_of_winner(g, a, b, gt), b=lambda g, a, b: share_of_winner(g, b, a, gt))
