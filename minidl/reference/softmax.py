"""y_i = e^(x_i - m) / Σ_j e^(x_j - m), m = max x, and its logarithm, along one dimension.

Twin: kernels/softmax.pyx, where shapes and sources are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy import ndarray


def softmax_forward_formula(x: ndarray, y: ndarray, logarithm: bool) -> None:
    """y[o,i,k] = e^(x[o,i,k] - m) / sum_j e^(x[o,j,k] - m),  m = max_j x[o,j,k];  or the logarithm of it"""
    for o, k in np.ndindex(x.shape[0], x.shape[2]):
        m = largest(x[o, :, k])
        total = sum(math.exp(value - m) for value in x[o, :, k])
        for i in range(x.shape[1]):
            y[o, i, k] = x[o, i, k] - m - math.log(total) if logarithm else math.exp(x[o, i, k] - m) / total


def largest(values: ndarray) -> float:
    """Return the largest number, NaN if one is NaN; the difference of two infinities is NaN too."""
    return math.nan if any(math.isnan(value) for value in values) else max(values, default=-math.inf)


def softmax_backward_formula(g: ndarray, y: ndarray, dx: ndarray, logarithm: bool) -> None:
    """dx[i] = y[i] (g[i] - sum_j g[j] y[j]);  of the logarithm: g[i] - e^y[i] sum_j g[j]"""
    for o, i, k in np.ndindex(y.shape):
        if logarithm:
            dx[o, i, k] = g[o, i, k] - np.exp(y[o, i, k]) * sum(g[o, :, k])
        else:
            dx[o, i, k] = y[o, i, k] * (g[o, i, k] - sum(g[o, :, k] * y[o, :, k]))


def softmax_forward(x: ndarray, y: ndarray, logarithm: bool) -> None:
    """The maximum is subtracted so that no exponent is positive."""
    np.subtract(x, np.max(x, axis=1, keepdims=True, initial=-np.inf), out=y)
    e = np.exp(y)
    total = np.add.reduce(e, axis=1, keepdims=True)
    if logarithm:
        y -= np.log(total)
    else:
        np.divide(e, total, out=y)


def softmax_backward(g: ndarray, y: ndarray, dx: ndarray, logarithm: bool) -> None:
    """dx = y (g - Σ g y);  of the logarithm: g - e^y Σ g"""
    if logarithm:
        np.subtract(g, np.exp(y) * np.add.reduce(g, axis=1, keepdims=True), out=dx)
    else:
        np.multiply(y, g - np.add.reduce(g * y, axis=1, keepdims=True), out=dx)
