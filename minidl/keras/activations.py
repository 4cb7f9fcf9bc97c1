"""Activations under Keras's names: functions of a tensor, taken element by element (softmax along the last axis)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minidl

from .. import nn
from ..errors import ArgumentTypeError
from .naming import looked_up

F = nn.functional


def linear(x: Any) -> Any:
    """Return x."""
    return x


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Return x where it is at least the threshold, at most max_value, and below it the slope times the distance."""
    if threshold:
        y = minidl.where(x >= threshold, x, negative_slope * (x - threshold))
    else:
        y = F.leaky_relu(x, negative_slope) if negative_slope else minidl.relu(x)
    return y if max_value is None else minidl.clamp(y, max=max_value)


def softmax(x: Any, axis: int = -1) -> Any:
    """Return exp(x) / Σ exp(x) along an axis."""
    return F.softmax(x, dim=axis)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """Return the logarithm of the softmax."""
    return F.log_softmax(x, dim=axis)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """Return x above 0, else α(exp(x) - 1)."""
    return F.elu(x, alpha)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """Return x above 0, else the slope times x."""
    return F.leaky_relu(x, negative_slope)


def gelu(x: Any, approximate: bool = False) -> Any:
    """Return x Φ(x)."""
    return F.gelu(x, approximate="tanh" if approximate else "none")


def relu6(x: Any) -> Any:
    """Return x between 0 and 6."""
    return minidl.clamp(x, 0, 6)


def hard_sigmoid(x: Any) -> Any:
    """Return x / 6 + 1/2 between 0 and 1."""
    return minidl.clamp(x / 6 + 0.5, 0, 1)


def exponential(x: Any) -> Any:
    """Return exp(x)."""
    return minidl.exp(x)


sigmoid, tanh = minidl.sigmoid, minidl.tanh
softplus, softsign, selu, silu, mish = F.softplus, F.softsign, F.selu, F.silu, F.mish

NAMES: dict[str, Callable[[Any], Any]] = {
    "linear": linear, "relu": relu, "softmax": softmax, "log_softmax": log_softmax, "sigmoid": sigmoid, "tanh": tanh,
    "elu": elu, "selu": selu, "gelu": gelu, "silu": silu, "swish": silu, "mish": mish, "leaky_relu": leaky_relu,
    "relu6": relu6, "softplus": softplus, "softsign": softsign, "hard_sigmoid": hard_sigmoid,
    "exponential": exponential,
}  # fmt: skip


def get(identifier: Any) -> Callable[[Any], Any]:
    """Return the function that a name stands for; None is the identity.

    >>> import minidl
    >>> from minidl.keras import activations
    >>> activations.get("relu")(minidl.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        function: Callable[[Any], Any] = looked_up(identifier, NAMES, "activation")
        return function
    if callable(identifier):
        return identifier
    raise ArgumentTypeError(
        f"activation: got {type(identifier).__name__} {identifier!r}, expected a name or a function"
    )
