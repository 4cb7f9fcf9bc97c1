"""Activations, each only as its formula."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..errors import ArgumentError
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
    if approximate == "tanh":
        return 0.5 * input * (1.0 + ops.tanh(0.7978845608028654 * (input + 0.044715 * (input * input * input))))
    return input * (0.5 * (1.0 + ops.erf(input * 0.7071067811865476)))


def silu(input: Any, inplace: bool = False) -> Any:
    """y = x / (1 + e^-x).

    >>> import minidl
    >>> minidl.nn.functional.silu(minidl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7311])
    """
    y = ops.mul(input, ops.sigmoid(input))
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
