"""The activations with which linear and rnn finish: y = f(z), and f'(z) written in y.

Twin: kernels/activation.pxd
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray


def f_formula(z: Any, activation: str) -> Any:
    """Return f(z) for one number."""
    match activation:
        case "identity":
            return z
        case "relu":
            return 0.0 if z < 0 else z
        case "tanh":
            return math.tanh(z)
        case "sigmoid":
            return 1 / (1 + math.exp(-z))
    raise unknown(activation)


def through_formula(g: Any, y: Any, activation: str) -> Any:
    """Return g f'(z) for one number y = f(z). What relu stops is 0, even where g is NaN; NaN in y lets g pass."""
    match activation:
        case "identity":
            return g
        case "relu":
            return 0.0 if y <= 0 else g
        case "tanh":
            return g * (1 - y * y)
        case "sigmoid":
            return g * (y * (1 - y))
    raise unknown(activation)


def activate(z: ndarray, activation: str) -> None:
    """Replace z by f(z)."""
    match activation:
        case "identity":
            pass
        case "relu":
            np.maximum(z, 0, out=z)
        case "tanh":
            np.tanh(z, out=z)
        case "sigmoid":
            np.divide(np.exp(np.minimum(z, 0)), 1 + np.exp(-np.abs(z)), out=z)  # no positive exponent: no overflow
        case _:
            raise unknown(activation)


def through_activation(g: ndarray, y: ndarray, activation: str) -> ndarray:
    """Return g f'(z)."""
    match activation:
        case "identity":
            return g
        case "relu":
            return np.where(y <= 0, 0, g)
        case "tanh":
            return g * (1 - y * y)
        case "sigmoid":
            return g * (y * (1 - y))
    raise unknown(activation)


def unknown(activation: str) -> ValueError:
    """Return the error for a name that is no activation."""
    return ValueError(f"activation={activation!r} is none of 'identity', 'relu', 'tanh', 'sigmoid'")
