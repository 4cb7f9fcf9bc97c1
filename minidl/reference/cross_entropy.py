"""loss[n] = -ln softmax(x[n])[target[n]]: how surprised the scores x are by the true classes.

Twin: kernels/cross_entropy.pyx, where shapes and sources are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy import ndarray


def cross_entropy_forward_formula(x: ndarray, target: ndarray, loss: ndarray, softmax: ndarray) -> None:
    """softmax[n,c] = e^(x[n,c] - m) / sum_c e^(x[n,c] - m), m = max_c x[n,c];  loss[n] = -ln softmax[n,target[n]]"""
    for n in range(x.shape[0]):
        m = max(x[n, c] for c in range(x.shape[1]))
        total = sum(math.exp(x[n, c] - m) for c in range(x.shape[1]))
        for c in range(x.shape[1]):
            softmax[n, c] = math.exp(x[n, c] - m) / total
        loss[n] = math.log(total) - (x[n, target[n]] - m)


def cross_entropy_backward_formula(g: ndarray, target: ndarray, softmax: ndarray, dx: ndarray) -> None:
    """dx[n,c] = g[n] (softmax[n,c] - [c = target[n]])"""
    for n, c in np.ndindex(dx.shape):
        dx[n, c] = g[n] * (softmax[n, c] - (1 if c == target[n] else 0))


def cross_entropy_forward(x: ndarray, target: ndarray, loss: ndarray, softmax: ndarray) -> None:
    """Whole rows at a time; the maximum is subtracted so that no exponent is positive."""
    shifted = x - np.max(x, axis=1, keepdims=True, initial=-np.inf)
    np.exp(shifted, softmax)
    total = np.sum(softmax, axis=1, keepdims=True)
    np.divide(softmax, total, softmax)
    np.subtract(np.log(total[:, 0]), shifted[np.arange(len(target)), target], loss)


def cross_entropy_backward(g: ndarray, target: ndarray, softmax: ndarray, dx: ndarray) -> None:
    """The softmax, with 1 taken from each row's target, weighed by g."""
    np.copyto(dx, softmax)
    dx[np.arange(len(target)), target] -= 1
    dx *= g[:, None]
