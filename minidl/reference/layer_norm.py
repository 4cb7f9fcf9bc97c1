"""y = (x - mean) / sqrt(var + eps) w + b, mean and var of each row: layer normalisation.

Twin: kernels/layer_norm.pyx, where shapes and sources are.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray


def layer_norm_forward_formula(
    x: ndarray, w: ndarray, b: ndarray, y: ndarray, mean: ndarray, rstd: ndarray, eps: float
) -> None:
    """y[n,d] = (x[n,d] - mean[n]) rstd[n] w[d] + b[d],  rstd[n] = 1 / sqrt(mean_d (x[n,d] - mean[n])^2 + eps)"""
    width = x.shape[1]
    for n in range(x.shape[0]):
        mean[n] = sum(x[n]) / width
        rstd[n] = 1 / np.sqrt(sum((x[n, d] - mean[n]) ** 2 for d in range(width)) / width + eps)
        for d in range(width):
            y[n, d] = (x[n, d] - mean[n]) * rstd[n] * w[d] + b[d]


def layer_norm_backward_formula(
    g: ndarray, x: ndarray, w: ndarray, mean: ndarray, rstd: ndarray, dx: ndarray, dw: ndarray, db: ndarray
) -> None:
    """dx = rstd (g w - mean_d(g w) - normal mean_d(g w normal)),  dw = sum_n g normal,  db = sum_n g"""
    width = x.shape[1]
    dw.fill(0)
    db.fill(0)
    for n in range(x.shape[0]):
        normal = [(x[n, d] - mean[n]) * rstd[n] for d in range(width)]
        along_one = sum(g[n, d] * w[d] for d in range(width))
        along_normal = sum(g[n, d] * w[d] * normal[d] for d in range(width))
        for d in range(width):
            dx[n, d] = rstd[n] * (g[n, d] * w[d] - along_one / width - normal[d] * (along_normal / width))
            dw[d] += g[n, d] * normal[d]
            db[d] += g[n, d]


def layer_norm_forward(
    x: ndarray, w: ndarray | None, b: ndarray | None, y: ndarray, mean: ndarray | None, rstd: ndarray, eps: float
) -> None:
    """Two passes over each row: the mean, then the mean of the squared deviations."""
    width = x.shape[1]  # may be 0: then the means are NaN, without the warning that NumPy's mean has
    if mean is None:
        y[...] = x
    else:
        np.divide(x.sum(axis=1), width, out=mean)
        np.subtract(x, mean[:, None], out=y)
    rstd[...] = 1 / np.sqrt((y * y).sum(axis=1) / width + y.dtype.type(eps))
    y *= rstd[:, None]
    if w is not None:
        y *= w
    if b is not None:
        y += b


def layer_norm_backward(
    g: ndarray, x: ndarray, w: ndarray | None, mean: ndarray | None, rstd: ndarray,
    dx: ndarray | None, dw: ndarray | None, db: ndarray | None,
) -> None:  # fmt: skip
    """dx = rstd (g w - mean_d(g w) - normal mean_d(g w normal)),  dw = sum_n g normal,  db = sum_n g"""
    width = x.shape[1]
    normal = (x if mean is None else x - mean[:, None]) * rstd[:, None]
    if dx is not None:
        g_normal = g if w is None else g * w
        along_one = 0 if mean is None else g_normal.sum(axis=1, keepdims=True) / width
        along_normal = (g_normal * normal).sum(axis=1, keepdims=True) / width
        np.multiply(rstd[:, None], g_normal - along_one - normal * along_normal, out=dx)
    if dw is not None:
        (g * normal).sum(axis=0, out=dw)
    if db is not None:
        g.sum(axis=0, out=db)
