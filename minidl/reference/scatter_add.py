"""y[index[i]] += x[i]: values added to the places they are sent to, the adjoint of gathering from them.

Twin: kernels/scatter_add.pyx, where shapes are.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray


def scatter_add_planes_formula(x: ndarray, index: ndarray, y: ndarray) -> None:
    """y[p, index[p,i]] += x[p,i], from zero"""
    y.fill(0)
    for p, i in np.ndindex(x.shape):
        y[p, index[p, i]] += x[p, i]


def scatter_add_planes(x: ndarray, index: ndarray, y: ndarray) -> None:
    """Add at (p, index[p,i]); `np.add.at` adds as often as a place is named, where `y[...] += x` adds once."""
    y.fill(0)
    np.add.at(y, (np.arange(len(x))[:, None], index), x)


def scatter_add_rows_formula(x: ndarray, row: ndarray, y: ndarray) -> None:
    """y[row[i], k] += x[i, k], from zero"""
    y.fill(0)
    for i, k in np.ndindex(x.shape):
        y[row[i], k] += x[i, k]


def scatter_add_rows(x: ndarray, row: ndarray, y: ndarray) -> None:
    """Add row by row; `np.add.at` adds as often as a row is named, where `y[row] += x` adds once."""
    y.fill(0)
    np.add.at(y, row, x)
