"""Activations, each only as its formula."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..errors import ArgumentError, ShapeError
from ._arguments import as_array, axis, numpy_names
from .reductions import floats, typed


def relu(input: Any, inplace: bool = False) -> Any:
    """y = max(x, 0).

    >>> import minidl
    >>> minidl.relu(minidl.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return input.relu_() if inplace else ops.relu(input)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """y = x where x > 0, else negative_slope · x.

    >>> import minidl
    >>> minidl.nn.functional.leaky_relu(minidl.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    y = ops.where(ops.gt(input, 0.0), input, ops.mul(input, negative_slope))
    return input.copy_(y) if inplace else y


def gelu(input: Any, approximate: str = "none") -> Any:
    """y = x Φ(x), Φ the normal distribution's; "tanh": x/2 (1 + tanh(√(2/π)(x + 0.044715 x³))).

    Source: Hendrycks and Gimpel 2016.

    >>> import minidl
    >>> minidl.nn.functional.gelu(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8413])
    """
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f'approximate: got {approximate!r}, expected "none" or "tanh"')
    return ops.gelu(input, approximate=approximate)


def silu(input: Any, inplace: bool = False) -> Any:
    """y = x / (1 + e^-x).

    >>> import minidl
    >>> minidl.nn.functional.silu(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7311])
    """
    y = ops.silu(input)
    return input.copy_(y) if inplace else y


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """y = ln(1 + e^(βx)) / β, and x itself where βx > threshold.

    >>> import minidl
    >>> minidl.nn.functional.softplus(minidl.tensor([0.0, 100.0]))
    tensor([  0.6931, 100.0000])
    """
    scaled = ops.mul(input, beta)
    small = ops.minimum(scaled, threshold)
    return ops.where(ops.gt(scaled, threshold), input, ops.div(ops.log1p(ops.exp(small)), beta))


@numpy_names
def softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """y_i = e^(x_i) / Σ_j e^(x_j) along `dim`.

    >>> import minidl
    >>> minidl.softmax(minidl.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    input = typed(input, dtype)
    floats(input, "softmax")
    d = axis(dim, as_array(input).ndim)
    return ops.softmax(input, dim=d) if as_array(input).ndim else ops.div(input, input)


@numpy_names
def log_softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """y_i = x_i - ln Σ_j e^(x_j) along `dim`.

    >>> import minidl
    >>> minidl.log_softmax(minidl.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    input = typed(input, dtype)
    floats(input, "log_softmax")
    d = axis(dim, as_array(input).ndim)
    return ops.log_softmax(input, dim=d) if as_array(input).ndim else ops.sub(input, input)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """y = x where x > 0, else α (e^x - 1). Source: Clevert et al. 2015.

    >>> import minidl
    >>> minidl.nn.functional.elu(minidl.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    y = ops.where(ops.gt(input, 0.0), input, ops.mul(ops.expm1(not_above_zero(input)), alpha))
    return input.copy_(y) if inplace else y


def not_above_zero(input: Any) -> Any:
    """Return x where x <= 0, else 0: what an exponential may see where its branch is not taken, without an overflow."""
    return ops.where(ops.gt(input, 0.0), 0.0, input)


def selu(input: Any, inplace: bool = False) -> Any:
    """y = λ elu(x, α), with λ and α for which mean 0 and variance 1 stay from layer to layer. Klambauer et al. 2017.

    >>> import minidl
    >>> minidl.nn.functional.selu(minidl.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    y = ops.mul(elu(input, 1.6732632423543772), 1.0507009873554805)
    return input.copy_(y) if inplace else y


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """y = x where x > 0, else α (e^(x/α) - 1). Source: Barron 2017.

    >>> import minidl
    >>> minidl.nn.functional.celu(minidl.tensor([-1.0, 2.0]), 2.0)
    tensor([-0.7869,  2.0000])
    """
    if alpha == 0:
        raise ArgumentError("celu: alpha is 0, expected another number, x is divided by it")
    below = ops.mul(ops.expm1(ops.div(not_above_zero(input), alpha)), alpha)
    y = ops.where(ops.gt(input, 0.0), input, below)
    return input.copy_(y) if inplace else y


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """y = x cut off at min_val and max_val, where its slope is taken as 0.

    >>> import minidl
    >>> minidl.nn.functional.hardtanh(minidl.tensor([-2.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """
    y = ops.where(ops.le(input, min_val), min_val, ops.where(ops.ge(input, max_val), max_val, input))
    return input.copy_(y) if inplace else y


def relu6(input: Any, inplace: bool = False) -> Any:
    """y = min(max(x, 0), 6).

    >>> import minidl
    >>> minidl.nn.functional.relu6(minidl.tensor([-2.0, 3.0, 8.0]))
    tensor([0., 3., 6.])
    """
    return hardtanh(input, 0.0, 6.0, inplace)


def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """y = min(max(x + 3, 0), 6) / 6.

    >>> import minidl
    >>> minidl.nn.functional.hardsigmoid(minidl.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """
    y = ops.div(relu6(ops.add(input, 3.0)), 6.0)
    return input.copy_(y) if inplace else y


def hardswish(input: Any, inplace: bool = False) -> Any:
    """y = x min(max(x + 3, 0), 6) / 6. Source: Howard et al. 2019, MobileNetV3.

    >>> import minidl
    >>> minidl.nn.functional.hardswish(minidl.tensor([-2.0, 1.0, 4.0]))
    tensor([-0.3333,  0.6667,  4.0000])
    """
    y = ops.mul(input, hardsigmoid(input))
    return input.copy_(y) if inplace else y


def logsigmoid(input: Any) -> Any:
    """y = ln(1 / (1 + e^-x)), as min(x, 0) - ln(1 + e^-|x|), which overflows nowhere.

    >>> import minidl
    >>> minidl.nn.functional.logsigmoid(minidl.tensor([0.0, -200.0]))
    tensor([  -0.6931, -200.0000])
    """
    negative = ops.lt(input, 0.0)
    below = ops.where(negative, input, ops.neg(input))  # -|x|, smooth on either side of 0
    return ops.sub(ops.where(negative, input, 0.0), ops.log1p(ops.exp(below)))


def mish(input: Any, inplace: bool = False) -> Any:
    """y = x tanh(ln(1 + e^x)). Source: Misra 2019.

    >>> import minidl
    >>> minidl.nn.functional.mish(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8651])
    """
    y = ops.mul(input, ops.tanh(softplus(input)))
    return input.copy_(y) if inplace else y


def prelu(input: Any, weight: Any) -> Any:
    """y = x where x > 0, else weight · x: one weight, or one for each channel (dimension 1). Source: He et al. 2015.

    >>> import minidl
    >>> minidl.nn.functional.prelu(minidl.tensor([-2.0, 2.0]), minidl.tensor([0.25]))
    tensor([-0.5000,  2.0000])
    """
    x, w = as_array(input), as_array(weight, "weight")
    if w.size != 1:
        channels = x.shape[1] if x.ndim > 1 else 1
        if w.shape != (channels,):
            raise ShapeError(f"prelu: weight has shape {w.shape}, expected (1,) or ({channels},), one for each channel")
        weight = ops.reshape(weight, shape=(-1,) + (1,) * (x.ndim - 2))
    elif x.ndim == 0:
        weight = ops.reshape(weight, shape=())
    return ops.where(ops.gt(input, 0.0), input, ops.mul(weight, input))


def glu(input: Any, dim: int = -1) -> Any:
    """y = a σ(b), a and b the two halves of x along `dim`. Source: Dauphin et al. 2016.

    >>> import minidl
    >>> minidl.nn.functional.glu(minidl.tensor([3.0, 0.0]))
    tensor([1.5000])
    """
    shape = as_array(input).shape
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
    return ops.div(input, ops.add(ops.abs(input), 1.0))


def softmin(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """y = softmax(-x) along `dim`.

    >>> import minidl
    >>> minidl.nn.functional.softmin(minidl.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return softmax(ops.neg(input), dim, dtype=dtype)


def tanhshrink(input: Any) -> Any:
    """y = x - tanh(x).

    >>> import minidl
    >>> minidl.nn.functional.tanhshrink(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2384])
    """
    return ops.sub(input, ops.tanh(input))


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """y = x where x > threshold, else value.

    >>> import minidl
    >>> minidl.nn.functional.threshold(minidl.tensor([0.1, 1.0]), 0.5, 7.0)
    tensor([7., 1.])
    """
    y = ops.where(ops.le(input, threshold), value, input)
    return input.copy_(y) if inplace else y
