"""Activations that work element by element, each only as its formula; an in-place twin of each that PyTorch has."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from .. import ops, random
from ..autograd import Variable
from ..errors import ArgumentError, DTypeError, ShapeError
from ._arguments import array_in, as_array, axis, constant, like, number
from .comparison import clamp
from .reductions import floats


def into(input: Any, y: Any, inplace: bool) -> Any:
    """Return y, or the input with its values replaced by those of y."""
    if not inplace:
        return y
    if not isinstance(input, Variable):
        raise DTypeError(f"inplace: got {type(input).__name__}, expected a Tensor")
    return input.copy_(y)  # type: ignore[attr-defined]


def original(input: Any, inplace: bool) -> Any:
    """Return the input, or a copy where its values are needed for the gradient and about to be replaced."""
    return ops.copy(input) if inplace else input


def in_place(function: Callable[..., Any], options: str = "") -> Callable[..., Any]:
    """Return the twin of an activation that replaces the values of its input; `options` are those of its example."""

    @wraps(function)
    def twin(*args: Any, **options: Any) -> Any:
        return function(*args, **options, inplace=True)

    name = twin.__name__ = twin.__qualname__ = f"{function.__name__}_"
    twin.__doc__ = f"""Put {function.__name__}(...) in the place of the input's values and return it.

    >>> import minidl
    >>> x = minidl.tensor([-1.0, 2.0])
    >>> minidl.nn.functional.{name}(x{options}) is x
    True
    """
    return twin


def no_booleans(input: Any, name: str) -> None:
    """Refuse booleans."""
    if as_array(input).dtype.kind == "b":
        raise DTypeError(f"{name}: got bool, expected numbers; call .float() first")


def numerical(input: Any, name: str) -> None:
    """Refuse booleans and plain numbers."""
    array_in(input)
    no_booleans(input, name)


def floating(input: Any, name: str) -> None:
    """Refuse integers and plain numbers."""
    array_in(input)
    floats(input, name)


def relu(input: Any, inplace: bool = False) -> Any:
    """y = max(x, 0).

    >>> import minidl
    >>> minidl.relu(minidl.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    numerical(input, "relu")
    return input.relu_() if inplace else ops.relu(input)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """y = x where x > 0, else negative_slope · x.

    >>> import minidl
    >>> minidl.nn.functional.leaky_relu(minidl.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    floating(input, "leaky_relu")
    below = ops.mul(input, number(negative_slope, "negative_slope"))
    return into(input, ops.where(ops.gt(input, 0.0), input, below), inplace)


def gelu(input: Any, approximate: str = "none") -> Any:
    """y = x Φ(x), Φ the normal distribution's; "tanh": x/2 (1 + tanh(√(2/π)(x + 0.044715 x³))).

    Source: Hendrycks and Gimpel 2016.

    >>> import minidl
    >>> minidl.nn.functional.gelu(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8413])
    """
    floating(input, "gelu")
    if not isinstance(approximate, str):
        raise DTypeError(f'approximate: got {approximate!r}, expected "none" or "tanh"')
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f'approximate: got {approximate!r}, expected "none" or "tanh"')
    return ops.gelu(input, approximate=approximate)


def silu(input: Any, inplace: bool = False) -> Any:
    """y = x / (1 + e^-x).

    >>> import minidl
    >>> minidl.nn.functional.silu(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7311])
    """
    floating(input, "silu")
    return into(input, ops.silu(original(input, inplace)), inplace)


def logsigmoid(input: Any) -> Any:
    """y = ln(1 / (1 + e^-x)), as min(x, 0) - ln(1 + e^-|x|), which overflows nowhere.

    >>> import minidl
    >>> minidl.nn.functional.logsigmoid(minidl.tensor([0.0, -200.0]))
    tensor([  -0.6931, -200.0000])
    """
    floating(input, "logsigmoid")
    negative = ops.lt(input, 0.0)
    below = ops.where(negative, input, ops.neg(input))  # -|x|, smooth on either side of 0
    return ops.sub(ops.where(negative, input, 0.0), ops.log1p(ops.exp(below)))


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """y = ln(1 + e^(βx)) / β, and x itself where βx > threshold.

    >>> import minidl
    >>> minidl.nn.functional.softplus(minidl.tensor([0.0, 100.0]))
    tensor([  0.6931, 100.0000])
    """
    floating(input, "softplus")
    beta = number(beta, "beta")
    scaled = ops.mul(input, beta)
    smooth = ops.div(ops.neg(logsigmoid(ops.neg(scaled))), beta)
    return ops.where(ops.gt(scaled, number(threshold, "threshold")), input, smooth)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """y = x where x > 0, else α (e^x - 1). Source: Clevert et al. 2015.

    >>> import minidl
    >>> minidl.nn.functional.elu(minidl.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    floating(input, "elu")
    return into(input, exponential_below(input, number(alpha, "alpha"), 1.0), inplace)


def exponential_below(input: Any, alpha: float, scale: float) -> Any:
    """Return x where x > 0, else α (e^(x / scale) - 1); the exponential sees 0 where it is not taken."""
    below = ops.le(input, 0.0)
    x = ops.where(below, input, 0.0)
    return ops.where(below, ops.mul(ops.expm1(x if scale == 1 else ops.div(x, scale)), alpha), input)


def selu(input: Any, inplace: bool = False) -> Any:
    """y = λ elu(x, α), with λ and α for which mean 0 and variance 1 stay from layer to layer. Klambauer et al. 2017.

    >>> import minidl
    >>> minidl.nn.functional.selu(minidl.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    floating(input, "selu")
    return into(input, ops.mul(elu(input, 1.6732632423543772), 1.0507009873554805), inplace)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """y = x where x > 0, else α (e^(x/α) - 1). Source: Barron 2017.

    >>> import minidl
    >>> minidl.nn.functional.celu(minidl.tensor([-1.0, 2.0]), 2.0)
    tensor([-0.7869,  2.0000])
    """
    floating(input, "celu")
    alpha = number(alpha, "alpha")
    if alpha == 0:
        raise ArgumentError("celu: alpha is 0, expected another number, x is divided by it")
    return into(input, exponential_below(input, alpha, alpha), inplace)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """y = x cut off at min_val and max_val, where its slope is taken as 0.

    >>> import minidl
    >>> minidl.nn.functional.hardtanh(minidl.tensor([-2.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """
    numerical(input, "hardtanh")
    low, high = number(min_val, "min_val"), number(max_val, "max_val")
    if low > high:
        raise ArgumentError(f"min_val: got {low}, expected at most max_val, which is {high}")
    kind = array_in(input).dtype.kind
    if kind != "f":
        low, high = int(low), int(high)
    if kind == "u" and low < 0:
        raise ArgumentError(f"min_val: got {low} for {array_in(input).dtype}, which has no negative numbers")
    return into(input, ops.where(ops.le(input, low), low, ops.where(ops.ge(input, high), high, input)), inplace)


def relu6(input: Any, inplace: bool = False) -> Any:
    """y = min(max(x, 0), 6).

    >>> import minidl
    >>> minidl.nn.functional.relu6(minidl.tensor([-2.0, 3.0, 8.0]))
    tensor([0., 3., 6.])
    """
    return hardtanh(input, 0.0, 6.0, inplace)


def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """y = (x + 3) / 6 between -3 and 3, 0 below, 1 above.

    >>> import minidl
    >>> minidl.nn.functional.hardsigmoid(minidl.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """
    floating(input, "hardsigmoid")
    inside = ops.div(ops.add(input, 3.0), 6.0)
    outside = clamp(constant(inside), 0.0, 1.0)
    return into(input, ops.where(ops.lt(ops.abs(input), 3.0), inside, outside), inplace)


def hardswish(input: Any, inplace: bool = False) -> Any:
    """y = x min(max(x + 3, 0), 6) / 6. Source: Howard et al. 2019, MobileNetV3.

    >>> import minidl
    >>> minidl.nn.functional.hardswish(minidl.tensor([-2.0, 1.0, 4.0]))
    tensor([-0.3333,  0.6667,  4.0000])
    """
    floating(input, "hardswish")
    x = original(input, inplace)
    return into(input, ops.mul(x, hardsigmoid(x)), inplace)


def mish(input: Any, inplace: bool = False) -> Any:
    """y = x tanh(ln(1 + e^x)). Source: Misra 2019.

    >>> import minidl
    >>> minidl.nn.functional.mish(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8651])
    """
    floating(input, "mish")
    x = original(input, inplace)
    return into(input, ops.mul(x, ops.tanh(softplus(x))), inplace)


def prelu(input: Any, weight: Any) -> Any:
    """y = x where x > 0, else weight · x: one weight, or one for each channel (dimension 1). Source: He et al. 2015.

    >>> import minidl
    >>> minidl.nn.functional.prelu(minidl.tensor([-2.0, 2.0]), minidl.tensor([0.25]))
    tensor([-0.5000,  2.0000])
    """
    x, w = array_in(input), array_in(weight, "weight")
    floating(input, "prelu")
    if x.dtype != w.dtype:
        raise DTypeError(f"prelu: input is {x.dtype} and weight is {w.dtype}; make them equal with .to(dtype)")
    channels = x.shape[1] if x.ndim > 1 else 1
    if w.ndim > 1 or w.size not in (1, channels) or (x.ndim == 0 and w.size != 1):
        raise ShapeError(f"prelu: weight has shape {w.shape}, expected (1,) or ({channels},), one for each channel")
    weight = ops.reshape(weight, shape=(w.size,) + (1,) * (x.ndim - 2) if x.ndim > 1 else (1,) * x.ndim)
    return ops.where(ops.gt(input, 0.0), input, ops.mul(weight, input))


def rrelu(
    input: Any, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Any:
    """y = x where x > 0, else a · x: a is drawn from lower to upper in training, else their mean. Xu et al. 2015.

    >>> import minidl
    >>> minidl.nn.functional.rrelu(minidl.tensor([-2.0, 2.0]), 0.0, 0.5)
    tensor([-0.5000,  2.0000])
    """
    floating(input, "rrelu")
    lower, upper = number(lower, "lower"), number(upper, "upper")
    if not lower <= upper:
        raise ArgumentError(f"lower: got {lower}, expected at most upper, which is {upper}")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    x = array_in(input)
    slope = random.uniform(x.shape, x.dtype, None) * x.dtype.type(upper - lower) + x.dtype.type(lower)
    return into(input, ops.where(ops.gt(input, 0.0), input, ops.mul(input, like(slope, input))), inplace)


def glu(input: Any, dim: int = -1) -> Any:
    """y = a σ(b), a and b the two halves of x along `dim`. Source: Dauphin et al. 2016.

    >>> import minidl
    >>> minidl.nn.functional.glu(minidl.tensor([3.0, 0.0]))
    tensor([1.5000])
    """
    shape = array_in(input).shape
    floating(input, "glu")
    d = axis(dim, len(shape))
    if not shape or shape[d] % 2:
        raise ShapeError(f"glu: dimension {dim} of the input {shape} must have an even size")
    before, half = (slice(None),) * d, shape[d] // 2
    a, b = (ops.getitem(input, index=(*before, part)) for part in (slice(0, half), slice(half, shape[d])))
    return ops.mul(a, ops.sigmoid(b))


def softsign(input: Any) -> Any:
    """y = x / (1 + |x|).

    >>> import minidl
    >>> minidl.nn.functional.softsign(minidl.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    numerical(input, "softsign")
    return ops.div(input, ops.add(ops.abs(input), 1))


def tanhshrink(input: Any) -> Any:
    """y = x - tanh(x).

    >>> import minidl
    >>> minidl.nn.functional.tanhshrink(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2384])
    """
    numerical(input, "tanhshrink")
    return ops.sub(input, ops.tanh(input))


def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """y = x - λ where x > λ, x + λ where x < -λ, else 0.

    >>> import minidl
    >>> minidl.nn.functional.softshrink(minidl.tensor([-2.0, 0.3, 1.0]))
    tensor([-1.5000,  0.0000,  0.5000])
    """
    floating(input, "softshrink")
    lambd = number(lambd, "lambd")
    if not lambd >= 0:
        raise ArgumentError(f"lambd: got {lambd}, expected at least 0")
    towards_zero = ops.where(ops.gt(input, 0.0), ops.sub(input, lambd), ops.add(input, lambd))
    return ops.where(ops.le(ops.abs(input), lambd), 0.0, towards_zero)


def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """y = 0 where |x| <= λ, else x.

    >>> import minidl
    >>> minidl.nn.functional.hardshrink(minidl.tensor([-2.0, 0.3, 1.0]))
    tensor([-2.,  0.,  1.])
    """
    floating(input, "hardshrink")
    return ops.where(ops.le(ops.abs(input), number(lambd, "lambd")), 0.0, input)


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """y = x where x > threshold, else value.

    >>> import minidl
    >>> minidl.nn.functional.threshold(minidl.tensor([0.1, 1.0]), 0.5, 7.0)
    tensor([7., 1.])
    """
    numerical(input, "threshold")
    threshold, value = number(threshold, "threshold"), number(value, "value")
    if array_in(input).dtype.kind != "f":
        threshold, value = int(threshold), int(value)
    return into(input, ops.where(ops.le(input, threshold), value, input), inplace)


relu_ = in_place(relu)
leaky_relu_ = in_place(leaky_relu)
elu_ = in_place(elu)
selu_ = in_place(selu)
celu_ = in_place(celu)
hardtanh_ = in_place(hardtanh)
rrelu_ = in_place(rrelu)
threshold_ = in_place(threshold, ", 0.5, 7.0")
