"""y[n,c,i,j] = max_{u,v} x[n,c, i s + u d - p, j s + v d - p]: the largest of each window, and where it is.

Twin: kernels/max_pool2d.pyx, where shapes and sources are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy import ndarray

Pair = tuple[int, int]


def max_pool2d_forward_formula(
    x: ndarray, y: ndarray, index: ndarray, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> None:
    """y[n,c,i,j] = max_{u,v} x[n,c, i s + u d - p, j s + v d - p]; index is its place row W + column"""
    height, width = x.shape[2:]
    for n, c, i, j in np.ndindex(y.shape):
        best, where = -math.inf, -1
        for u, v in np.ndindex(*kernel_size):
            row = i * stride[0] + u * dilation[0] - padding[0]
            column = j * stride[1] + v * dilation[1] - padding[1]
            if 0 <= row < height and 0 <= column < width:
                value = x[n, c, row, column]
                if where < 0 or value > best or math.isnan(value):
                    best, where = value, row * width + column
        y[n, c, i, j], index[n, c, i, j] = best, max(where, 0)


def max_pool2d_forward(
    x: ndarray, y: ndarray, index: ndarray, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> None:
    """Go through the taps (u, v) of all windows at once; a later tap wins where it is larger, or NaN."""
    image = np.arange(x.shape[2] * x.shape[3]).reshape(x.shape[2:])
    around = [
        (p, max((size - 1) * s + (k - 1) * d + 1 - p - n, 0))
        for n, size, k, s, p, d in zip(x.shape[2:], y.shape[2:], kernel_size, stride, padding, dilation, strict=True)
    ]
    values = np.pad(x, ((0, 0), (0, 0), *around), constant_values=-np.inf)
    places = np.pad(image, around, constant_values=-1)
    y.fill(-np.inf)
    index.fill(-1)
    for u, v in np.ndindex(*kernel_size):
        rows, columns = (
            slice(tap * d, tap * d + size * s, s)
            for tap, size, s, d in zip((u, v), y.shape[2:], stride, dilation, strict=True)
        )
        value, place = values[:, :, rows, columns], places[rows, columns]
        wins = (place >= 0) & ((index < 0) | (value > y) | np.isnan(value))
        np.copyto(y, value, where=wins)
        np.copyto(index, place, where=wins)
    np.maximum(index, 0, out=index)
