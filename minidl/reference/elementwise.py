"""y = f(x) element by element, and dx = g f'(x): the activations and what they are made of.

Twin: kernels/elementwise.pyx, where shapes and sources are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

ROOT_2 = math.sqrt(2)
ROOT_2_PI = math.sqrt(2 * math.pi)
TWO_Z = 2 * math.sqrt(2 / math.pi)


def elementwise_forward_formula(x: ndarray, y: ndarray, function: str) -> None:
    """y = f(x)"""
    f = known(function, FORMULAS)
    for at in np.ndindex(x.shape):
        y[at] = f(float(x[at]))


def elementwise_backward_formula(g: ndarray, x: ndarray, dx: ndarray, function: str) -> None:
    """dx = g f'(x), where x stands for y = f(x) if f is relu, tanh or sigmoid"""
    slope = known(function, SLOPE_FORMULAS)
    for at in np.ndindex(x.shape):
        s = slope(float(x[at]))
        dx[at] = g[at] * s if s != 0 or function != "relu" else 0.0


def elementwise_forward(x: ndarray, y: ndarray, function: str) -> None:
    """Whole arrays at a time."""
    y[...] = known(function, FUNCTIONS)(x)


def elementwise_backward(g: ndarray, x: ndarray, dx: ndarray, function: str) -> None:
    """dx = g f'(x); relu chooses, so that an infinite g does not pass where y = 0"""
    slope = known(function, SLOPES)(x)
    if function == "relu":
        np.copyto(dx, np.where(slope == 0, slope, g))
    else:
        np.multiply(g, slope, out=dx)


def known(function: str, functions: dict[str, Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Return a function by its name."""
    if function not in functions:
        raise ValueError(f"function={function!r} is none of {', '.join(functions)}")
    return functions[function]


# Of one number.


def exp_formula(x: float) -> float:
    """Return e^x, inf where it overflows."""
    return math.exp(x) if x < 709.78 else x * math.inf


def log_formula(x: float) -> float:
    """Return ln x: -inf at 0, NaN below."""
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


def sigmoid_formula(x: float) -> float:
    """Return 1 / (1 + e^-x)."""
    return 1 / (1 + exp_formula(-x))


def normal_share(x: float) -> float:
    """Return the share of the normal distribution below x."""
    return 0.5 * (1 + math.erf(x / ROOT_2))


def silu_slope_formula(x: float) -> float:
    """Return the derivative of x sigmoid(x)."""
    s = sigmoid_formula(x)
    return s * (1 + x * (1 - s))


def gelu_tanh_slope_formula(x: float) -> float:
    """Return the derivative of x/2 (1 + tanh z) = x sigmoid(2z)."""
    s = sigmoid_formula(TWO_Z * (x + 0.044715 * x * x * x))
    return s * (1 + x * (1 - s) * (TWO_Z * (1 + 3 * 0.044715 * x * x)))


FORMULAS: dict[str, Callable[[float], float]] = {
    "exp": exp_formula,
    "log": log_formula,
    "erf": math.erf,
    "relu": lambda x: 0.0 if x < 0 else x,
    "tanh": math.tanh,
    "sigmoid": sigmoid_formula,
    "silu": lambda x: x * sigmoid_formula(x),
    "gelu": lambda x: x * normal_share(x),
    "gelu_tanh": lambda x: 0.5 * x * (1 + math.tanh(0.5 * TWO_Z * (x + 0.044715 * x * x * x))),
}
SLOPE_FORMULAS: dict[str, Callable[[float], float]] = {
    "relu": lambda y: 0.0 if y <= 0 else 1.0,
    "tanh": lambda y: 1 - y * y,
    "sigmoid": lambda y: y * (1 - y),
    "silu": silu_slope_formula,
    "gelu": lambda x: normal_share(x) + x * math.exp(-0.5 * x * x) / ROOT_2_PI,
    "gelu_tanh": gelu_tanh_slope_formula,
}

# Of arrays.


def erf(x: ndarray) -> Any:
    """Return 2/√π ∫_0^x e^(-t²) dt."""
    from scipy.special import erf as scipy_erf

    return scipy_erf(x)


def sigmoid(x: ndarray) -> Any:
    """Return 1 / (1 + e^-x), by e^-|x| so that nothing overflows."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, np.ones_like(e)) / (1 + e)


def share(x: ndarray) -> Any:
    """Return the share of the normal distribution below x."""
    return 0.5 * (1 + erf(x / ROOT_2))


def silu_slope(x: ndarray) -> Any:
    """Return the derivative of x sigmoid(x)."""
    s = sigmoid(x)
    return s * (1 + x * (1 - s))


def twice_z(x: ndarray) -> Any:
    """Return 2 √(2/π) (x + 0.044715 x³)."""
    return TWO_Z * (x + 0.044715 * (x * x * x))


def gelu_tanh_slope(x: ndarray) -> Any:
    """Return the derivative of x sigmoid(2z)."""
    s = sigmoid(twice_z(x))
    return s * (1 + x * (1 - s) * (TWO_Z * (1 + 3 * 0.044715 * x * x)))


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "log": np.log,
    "erf": erf,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: x * share(x),
    "gelu_tanh": lambda x: x * sigmoid(twice_z(x)),
}
SLOPES: dict[str, Callable[[Any], Any]] = {
    "relu": lambda y: np.where(y <= 0, y.dtype.type(0), y.dtype.type(1)),
    "tanh": lambda y: 1 - y * y,
    "sigmoid": lambda y: y * (1 - y),
    "silu": silu_slope,
    "gelu": lambda x: share(x) + x * (np.exp(-0.5 * x * x) / ROOT_2_PI),
    "gelu_tanh": gelu_tanh_slope,
}
