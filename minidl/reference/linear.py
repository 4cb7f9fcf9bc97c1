"""y = f(x Wᵀ + b): a layer of neurons, with f the identity, relu, tanh or sigmoid.

Twin: kernels/linear.pyx, where shapes and sources are.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from ._activation import activate, f_formula, through_activation, through_formula


def linear_forward_formula(x: ndarray, w: ndarray, b: ndarray, y: ndarray, activation: str) -> None:
    """y[n,o] = f(sum_i x[n,i] w[o,i] + b[o])"""
    for n, o in np.ndindex(y.shape):
        y[n, o] = f_formula(sum(x[n, i] * w[o, i] for i in range(x.shape[1])) + b[o], activation)


def linear_backward_formula(
    g: ndarray, x: ndarray, w: ndarray, y: ndarray, dx: ndarray, dw: ndarray, db: ndarray, activation: str
) -> None:
    """dz = g f'(z);  dx = dz w,  dw[o,i] = sum_n dz[n,o] x[n,i],  db[o] = sum_n dz[n,o]"""
    for gradient in (dx, dw, db):
        gradient.fill(0)
    for n, o in np.ndindex(y.shape):
        dz = through_formula(g[n, o], y[n, o], activation)
        db[o] += dz
        for i in range(x.shape[1]):
            dx[n, i] += dz * w[o, i]
            dw[o, i] += dz * x[n, i]


def linear_forward(x: ndarray, w: ndarray, b: ndarray | None, y: ndarray, activation: str) -> None:
    """y = f(x Wᵀ + b)"""
    np.dot(x, w.T, out=y)
    if b is not None:
        y += b
    activate(y, activation)


def linear_backward(
    g: ndarray,
    x: ndarray,
    w: ndarray,
    y: ndarray,
    dx: ndarray | None,
    dw: ndarray | None,
    db: ndarray | None,
    activation: str,
) -> None:
    """dz = g f'(z);  dx = dz w,  dw = dzᵀ x,  db = sum_n dz[n]"""
    dz = through_activation(g, y, activation)
    if dx is not None:
        np.dot(dz, w, out=dx)
    if dw is not None:
        np.dot(dz.T, x, out=dw)
    if db is not None:
        dz.sum(axis=0, out=db)
