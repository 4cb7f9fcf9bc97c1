"""The optimizers' rules: SGD, Adam, RMSprop and Adagrad, one step on several parameters.

Twin: kernels/update.pyx, where the arguments are explained.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy import ndarray

Arrays = list[ndarray]


def update_sgd_formula(
    w: Arrays, g: Arrays, v: Arrays | None, lr: float, momentum: float, dampening: float, weight_decay: float,
    nesterov: bool, maximize: bool,
) -> None:  # fmt: skip
    """w = w - lr v, with v = momentum v + (1 - dampening) g; nesterov: w = w - lr (g + momentum v)"""
    for i, k in elements(w):
        step = (-g[i][k] if maximize else g[i][k]) + weight_decay * w[i][k]
        if v is not None:
            v[i][k] = momentum * v[i][k] + (1 - dampening) * step
            step = step + momentum * v[i][k] if nesterov else v[i][k]
        w[i][k] -= lr * step


@np.errstate(all="ignore")
def update_sgd(
    w: Arrays, g: Arrays, v: Arrays | None, lr: float, momentum: float, dampening: float, weight_decay: float,
    nesterov: bool, maximize: bool,
) -> None:  # fmt: skip
    """Array by array."""
    for i in range(len(w)):
        step = gradient(w[i], g[i], weight_decay, maximize)
        if v is not None:
            v[i] *= momentum
            v[i] += (1 - dampening) * step
            step = step + momentum * v[i] if nesterov else v[i]
        w[i] -= lr * step


def update_adam_formula(
    w: Arrays, g: Arrays, m: Arrays, v: Arrays, largest: Arrays | None, t: list[float], lr: float, beta1: float,
    beta2: float, eps: float, weight_decay: float, decoupled: bool, maximize: bool,
) -> None:  # fmt: skip
    """w = w - lr m' / (sqrt(v') + eps), with m' = m / (1 - beta1^t), v' = v / (1 - beta2^t)"""
    for i, k in elements(w):
        slope = -g[i][k] if maximize else g[i][k]
        if decoupled:
            w[i][k] -= lr * weight_decay * w[i][k]
        else:
            slope = slope + weight_decay * w[i][k]
        m[i][k] = beta1 * m[i][k] + (1 - beta1) * slope
        v[i][k] = beta2 * v[i][k] + (1 - beta2) * slope * slope
        square = v[i][k]
        if largest is not None:
            square = largest[i][k] = np.maximum(largest[i][k], square)
        root = np.sqrt(square / (1 - beta2 ** t[i]))
        w[i][k] -= lr * m[i][k] / (1 - beta1 ** t[i]) / (root + eps)


@np.errstate(all="ignore")
def update_adam(
    w: Arrays, g: Arrays, m: Arrays, v: Arrays, largest: Arrays | None, t: list[float], lr: float, beta1: float,
    beta2: float, eps: float, weight_decay: float, decoupled: bool, maximize: bool,
) -> None:  # fmt: skip
    """Array by array; m and v in place, the root of v' in an array of its own."""
    for i in range(len(w)):
        slope = gradient(w[i], g[i], 0 if decoupled else weight_decay, maximize)
        if decoupled:
            w[i] *= 1 - lr * weight_decay
        m[i] += (1 - beta1) * (slope - m[i])
        v[i] *= beta2
        v[i] += (1 - beta2) * slope * slope
        root = np.sqrt(v[i] if largest is None else np.maximum(v[i], largest[i], out=largest[i]))
        root /= math.sqrt(1 - beta2 ** t[i])
        root += eps
        w[i] -= lr / (1 - beta1 ** t[i]) * m[i] / root


def update_rmsprop_formula(
    w: Arrays, g: Arrays, v: Arrays, mean: Arrays | None, b: Arrays | None, lr: float, alpha: float, eps: float,
    weight_decay: float, momentum: float, maximize: bool,
) -> None:  # fmt: skip
    """w = w - lr b, with b = momentum b + g / (sqrt(v - mean^2) + eps)"""
    for i, k in elements(w):
        slope = (-g[i][k] if maximize else g[i][k]) + weight_decay * w[i][k]
        v[i][k] = alpha * v[i][k] + (1 - alpha) * slope * slope
        variance = v[i][k]
        if mean is not None:
            mean[i][k] = alpha * mean[i][k] + (1 - alpha) * slope
            variance = variance - mean[i][k] * mean[i][k]
        step = slope / (np.sqrt(variance) + eps)
        if b is not None:
            step = b[i][k] = momentum * b[i][k] + step
        w[i][k] -= lr * step


@np.errstate(all="ignore")
def update_rmsprop(
    w: Arrays, g: Arrays, v: Arrays, mean: Arrays | None, b: Arrays | None, lr: float, alpha: float, eps: float,
    weight_decay: float, momentum: float, maximize: bool,
) -> None:  # fmt: skip
    """Array by array."""
    for i in range(len(w)):
        slope = gradient(w[i], g[i], weight_decay, maximize)
        v[i] *= alpha
        v[i] += (1 - alpha) * slope * slope
        variance = v[i]
        if mean is not None:
            mean[i] += (1 - alpha) * (slope - mean[i])
            variance = variance - mean[i] * mean[i]
        step = slope / (np.sqrt(variance) + eps)
        if b is not None:
            b[i] *= momentum
            b[i] += step
            step = b[i]
        w[i] -= lr * step


def update_adagrad_formula(
    w: Arrays, g: Arrays, s: Arrays, t: list[float], lr: float, lr_decay: float, eps: float, weight_decay: float,
    maximize: bool,
) -> None:  # fmt: skip
    """w = w - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps), with s = s + g^2"""
    for i, k in elements(w):
        slope = (-g[i][k] if maximize else g[i][k]) + weight_decay * w[i][k]
        s[i][k] += slope * slope
        w[i][k] -= lr / (1 + (t[i] - 1) * lr_decay) * slope / (np.sqrt(s[i][k]) + eps)


@np.errstate(all="ignore")
def update_adagrad(
    w: Arrays, g: Arrays, s: Arrays, t: list[float], lr: float, lr_decay: float, eps: float, weight_decay: float,
    maximize: bool,
) -> None:  # fmt: skip
    """Array by array."""
    for i in range(len(w)):
        slope = gradient(w[i], g[i], weight_decay, maximize)
        s[i] += slope * slope
        w[i] -= lr / (1 + (t[i] - 1) * lr_decay) * slope / (np.sqrt(s[i]) + eps)


def elements(w: Arrays) -> Iterable[tuple[int, tuple[int, ...]]]:
    """Yield every place in every array."""
    return ((i, k) for i, array in enumerate(w) for k in np.ndindex(array.shape))


def gradient(w: ndarray, g: ndarray, weight_decay: float, maximize: bool) -> ndarray:
    """Return g, or -g to go uphill, and the slope of weight_decay / 2 |w|^2."""
    g = -g if maximize else g
    return g + weight_decay * w if weight_decay else g
