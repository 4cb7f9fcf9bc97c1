"""y = (x - mean) / sqrt(var + eps) w + b, mean and var of each channel over all images and places: batch normalisation.

Twin: kernels/batch_norm.pyx, where shapes and sources are.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray


def batch_norm_forward_formula(
    x: ndarray, w: ndarray, b: ndarray, y: ndarray, mean: ndarray, var: ndarray, eps: float
) -> None:
    """y[n,c,s] = (x[n,c,s] - mean[c]) / sqrt(var[c] + eps) w[c] + b[c],  var[c] = mean_{n,s} (x[n,c,s] - mean[c])^2"""
    for c in range(x.shape[1]):
        values = x[:, c].ravel()
        mean[c] = sum(values) / len(values)
        var[c] = sum((value - mean[c]) ** 2 for value in values) / len(values)
        for n, s in np.ndindex(x.shape[0], x.shape[2]):
            y[n, c, s] = (x[n, c, s] - mean[c]) / np.sqrt(var[c] + eps) * w[c] + b[c]


def batch_norm_backward_formula(
    g_y: ndarray, g_mean: ndarray, g_var: ndarray, x: ndarray, w: ndarray, mean: ndarray, var: ndarray,
    dx: ndarray, dw: ndarray, db: ndarray, eps: float,
) -> None:  # fmt: skip
    """dx = w rstd (g_y - mean(g_y) - normal mean(g_y normal)) + (g_mean + 2 g_var (x - mean)) / count"""
    for c in range(x.shape[1]):
        places = [(n, c, s) for n, s in np.ndindex(x.shape[0], x.shape[2])]
        rstd = 1 / np.sqrt(var[c] + eps)
        db[c] = sum(g_y[at] for at in places)
        dw[c] = sum(g_y[at] * ((x[at] - mean[c]) * rstd) for at in places)
        slope = (2 * g_var[c] - w[c] * rstd * rstd * dw[c]) / len(places)
        constant = (g_mean[c] - w[c] * rstd * db[c]) / len(places)
        for at in places:
            dx[at] = w[c] * rstd * g_y[at] + slope * (x[at] - mean[c]) + constant


def batch_norm_apply_formula(x: ndarray, mean: ndarray, w: ndarray, b: ndarray, y: ndarray) -> None:
    """y[n,c,s] = (x[n,c,s] - mean[c]) w[c] + b[c]"""
    for n, c, s in np.ndindex(x.shape):
        y[n, c, s] = (x[n, c, s] - mean[c]) * w[c] + b[c]


def batch_norm_apply_backward_formula(
    g: ndarray, x: ndarray, mean: ndarray, w: ndarray, dx: ndarray, dw: ndarray, db: ndarray
) -> None:
    """dx = g w,  dw = sum g (x - mean),  db = sum g"""
    dw.fill(0)
    db.fill(0)
    for n, c, s in np.ndindex(x.shape):
        dx[n, c, s] = g[n, c, s] * w[c]
        dw[c] += g[n, c, s] * (x[n, c, s] - mean[c])
        db[c] += g[n, c, s]


def batch_norm_forward(
    x: ndarray, w: ndarray | None, b: ndarray | None, y: ndarray, mean: ndarray, var: ndarray, eps: float
) -> None:
    """Two passes over each channel: the mean, then the mean of the squared deviations."""
    x.mean(axis=(0, 2), out=mean)
    np.subtract(x, mean[:, None], out=y)
    (y * y).mean(axis=(0, 2), out=var)
    rstd = 1 / np.sqrt(var + var.dtype.type(eps))
    y *= (rstd if w is None else rstd * w)[:, None]
    if b is not None:
        y += b[:, None]


def batch_norm_backward(
    g_y: ndarray, g_mean: ndarray, g_var: ndarray, x: ndarray, w: ndarray | None, mean: ndarray, var: ndarray,
    dx: ndarray | None, dw: ndarray | None, db: ndarray | None, eps: float,
) -> None:  # fmt: skip
    """dx = w rstd (g_y - mean(g_y) - normal mean(g_y normal)) + (g_mean + 2 g_var (x - mean)) / count"""
    rstd = 1 / np.sqrt(var + var.dtype.type(eps))
    deviation = x - mean[:, None]
    along_one, along_normal = g_y.sum(axis=(0, 2)), (g_y * (deviation * rstd[:, None])).sum(axis=(0, 2))
    if dw is not None:
        dw[...] = along_normal
    if db is not None:
        db[...] = along_one
    if dx is not None:
        count = x.shape[0] * x.shape[2]
        scale = rstd if w is None else rstd * w
        slope = (2 * g_var - scale * rstd * along_normal) / count
        constant = (g_mean - scale * along_one) / count
        dx[...] = scale[:, None] * g_y + slope[:, None] * deviation + constant[:, None]


def batch_norm_apply(x: ndarray, mean: ndarray | None, w: ndarray, b: ndarray | None, y: ndarray) -> None:
    """y = (x - mean) w + b"""
    np.multiply(x if mean is None else x - mean[:, None], w[:, None], out=y)
    if b is not None:
        y += b[:, None]


def batch_norm_apply_backward(
    g: ndarray, x: ndarray, mean: ndarray | None, w: ndarray,
    dx: ndarray | None, dw: ndarray | None, db: ndarray | None,
) -> None:  # fmt: skip
    """dx = g w,  dw = Σ g (x - mean),  db = Σ g"""
    if dx is not None:
        np.multiply(g, w[:, None], out=dx)
    if dw is not None:
        (g * (x if mean is None else x - mean[:, None])).sum(axis=(0, 2), out=dw)
    if db is not None:
        g.sum(axis=(0, 2), out=db)
