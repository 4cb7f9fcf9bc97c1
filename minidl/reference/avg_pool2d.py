"""y[n,c,i,j] = sum_{h in rows i, v in columns j} x[n,c,h,v] / (divisor i divisor j): the mean of each window.

Twin: kernels/avg_pool2d.pyx, where shapes and sources are.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray


def avg_pool2d_forward_formula(x: ndarray, rows: ndarray, columns: ndarray, y: ndarray) -> None:
    """y[n,c,i,j] = sum of x[n,c, rows[i,0]:rows[i,1], columns[j,0]:columns[j,1]] / (rows[i,2] columns[j,2])"""
    for n, c, i, j in np.ndindex(y.shape):
        total = 0.0
        for h in range(rows[i, 0], rows[i, 1]):
            for v in range(columns[j, 0], columns[j, 1]):
                total += x[n, c, h, v]
        y[n, c, i, j] = total / (rows[i, 2] * columns[j, 2])


def avg_pool2d_dx_formula(g: ndarray, rows: ndarray, columns: ndarray, dx: ndarray) -> None:
    """dx[n,c,h,v] += g[n,c,i,j] / (rows[i,2] columns[j,2]) at every (h, v) of the window (i, j)"""
    dx.fill(0)
    for n, c, i, j in np.ndindex(g.shape):
        for h in range(rows[i, 0], rows[i, 1]):
            for v in range(columns[j, 0], columns[j, 1]):
                dx[n, c, h, v] += g[n, c, i, j] / (rows[i, 2] * columns[j, 2])


def avg_pool2d_forward(x: ndarray, rows: ndarray, columns: ndarray, y: ndarray) -> None:
    """First the rows of each window are added, then their columns: OH + OW sums instead of OH · OW."""
    added = np.empty((*x.shape[:2], len(rows), x.shape[3]), x.dtype)
    for i, (first, end, _) in enumerate(rows):
        x[:, :, first:end].sum(axis=2, out=added[:, :, i])
    for j, (first, end, _) in enumerate(columns):
        added[..., first:end].sum(axis=3, out=y[..., j])
    y /= rows[:, None, 2] * columns[:, 2]


def avg_pool2d_dx(g: ndarray, rows: ndarray, columns: ndarray, dx: ndarray) -> None:
    """Each share goes to the columns of its window, then to its rows."""
    shares = g / (rows[:, None, 2] * columns[:, 2]).astype(g.dtype)
    spread = np.zeros((*g.shape[:3], dx.shape[3]), g.dtype)
    for j, (first, end, _) in enumerate(columns):
        spread[..., first:end] += shares[..., j, None]
    dx.fill(0)
    for i, (first, end, _) in enumerate(rows):
        dx[:, :, first:end] += spread[:, :, i, None]
