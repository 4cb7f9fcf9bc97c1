"""loss[n] = -ln softmax(x[n])[target[n]]: how surprised the scores x are by the true classes.

Twin: kernels/cross_entropy.pyx, where shapes and sources are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy import ndarray


def cross_entropy_forward_formula(x: ndarray, target: ndarray, loss: ndarray) -> None:
    """loss[n] = ln sum_c e^(x[n,c] - m) - (x[n,target[n]] - m),  m = max_c x[n,c]"""
    for n in range(x.shape[0]):
        m = max(x[n, c] for c in range(x.shape[1]))
        total = sum(math.exp(x[n, c] - m) for c in range(x.shape[1]))
        loss[n] = math.log(total) - (x[n, target[n]] - m)


def cross_entropy_backward_formula(g: ndarray, x: ndarray, target: ndarray, loss: ndarray, dx: ndarray) -> None:
    """dx[n,c] = g[n] (softmax(x[n])[c] - [c = target[n]])"""
    cross_entropy_forward_formula(x, target, loss)
    for n in range(x.shape[0]):
        m = max(x[n, c] for c in range(x.shape[1]))
        total = sum(math.exp(x[n, c] - m) for c in range(x.shape[1]))
        for c in range(x.shape[1]):
            dx[n, c] = g[n] * (math.exp(x[n, c] - m) / total - (1 if c == target[n] else 0))


def cross_entropy_forward(x: ndarray, target: ndarray, loss: ndarray) -> None:
    """Whole rows at a time; the maximum is subtracted so that no exponent is positive."""
    cross_entropy_backward(np.zeros_like(loss), x, target, loss, np.empty_like(x))


def cross_entropy_backward(g: ndarray, x: ndarray, target: ndarray, loss: ndarray, dx: ndarray) -> None:
    """The softmax, with 1 taken from each row's target, weighed by g."""
    shifted = x - np.max(x, axis=1, keepdims=True, initial=-np.inf)
    np.exp(shifted, dx)
    total = np.sum(dx, axis=1, keepdims=True)
    np.divide(dx, total, dx)
    rows = np.arange(len(target))
    np.subtract(np.log(total[:, 0]), shifted[rows, target], loss)
    dx[rows, target] -= 1
    dx *= g[:, None]
