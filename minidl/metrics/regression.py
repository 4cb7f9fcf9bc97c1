"""How far off are predicted numbers? Errors and explained variance.

Names and values are scikit-learn's. y_true and y_pred have one shape, (N,) or (N, outputs). With several outputs,
`multioutput` is "uniform_average", the mean of their figures, or "raw_values", an array of all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .inputs import Array, as_reals


def mean_squared_error(y_true: Any, y_pred: Any, *, multioutput: str = "uniform_average") -> Any:
    """Return 1/N sum (t - y)².

    >>> from minidl import metrics
    >>> metrics.mean_squared_error([3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0])
    0.375
    """
    true, predicted = _pairs(y_true, y_pred)
    return _over_outputs(((true - predicted) ** 2).mean(axis=0), multioutput)


def root_mean_squared_error(y_true: Any, y_pred: Any, *, multioutput: str = "uniform_average") -> Any:
    """Return the square root of the mean squared error of each output.

    >>> from minidl import metrics
    >>> metrics.root_mean_squared_error([0.0, 0.0], [2.0, -2.0])
    2.0
    """
    return _over_outputs(np.sqrt(mean_squared_error(y_true, y_pred, multioutput="raw_values")), multioutput)


def mean_absolute_error(y_true: Any, y_pred: Any, *, multioutput: str = "uniform_average") -> Any:
    """Return 1/N sum |t - y|.

    >>> from minidl import metrics
    >>> metrics.mean_absolute_error([3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0])
    0.5
    """
    true, predicted = _pairs(y_true, y_pred)
    return _over_outputs(np.abs(true - predicted).mean(axis=0), multioutput)


def median_absolute_error(y_true: Any, y_pred: Any, *, multioutput: str = "uniform_average") -> Any:
    """Return the median of |t - y|, which a few large errors do not change.

    >>> from minidl import metrics
    >>> metrics.median_absolute_error([1.0, 2.0, 3.0], [1.5, 2.0, 90.0])
    0.5
    """
    true, predicted = _pairs(y_true, y_pred)
    return _over_outputs(np.median(np.abs(true - predicted), axis=0), multioutput)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any, *, multioutput: str = "uniform_average") -> Any:
    """Return 1/N sum |t - y| / |t|, as a share and not in percent; a t of 0 counts as the smallest step of float64.

    >>> from minidl import metrics
    >>> metrics.mean_absolute_percentage_error([1.0, 10.0], [2.0, 10.0])
    0.5
    """
    true, predicted = _pairs(y_true, y_pred)
    shares = np.abs(true - predicted) / np.maximum(np.abs(true), np.finfo(np.float64).eps)
    return _over_outputs(shares.mean(axis=0), multioutput)


def max_error(y_true: Any, y_pred: Any) -> float:
    """Return the largest |t - y|.

    >>> from minidl import metrics
    >>> metrics.max_error([1.0, 2.0], [1.5, 5.0])
    3.0
    """
    true, predicted = _pairs(y_true, y_pred)
    return float(np.abs(true - predicted).max())


def r2(y_true: Any, y_pred: Any, *, multioutput: str = "uniform_average") -> Any:
    """Return R² = 1 - sum (t - y)² / sum (t - mean t)²: 1 is perfect, 0 is no better than the mean.

    Where all t are equal, 1 for a perfect prediction and else 0. NaN for a single sample.

    >>> from minidl import metrics
    >>> round(metrics.r2([3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]), 4)
    0.9486
    """
    true, predicted = _pairs(y_true, y_pred)
    if len(true) < 2:
        return float("nan")
    return _over_outputs(
        _explained(((true - predicted) ** 2).sum(axis=0), ((true - true.mean(axis=0)) ** 2).sum(axis=0)), multioutput
    )


def explained_variance(y_true: Any, y_pred: Any, *, multioutput: str = "uniform_average") -> Any:
    """Return 1 - var(t - y) / var(t): R² that forgives a constant error.

    >>> from minidl import metrics
    >>> metrics.explained_variance([1.0, 2.0, 3.0], [11.0, 12.0, 13.0])
    1.0
    """
    true, predicted = _pairs(y_true, y_pred)
    return _over_outputs(_explained((true - predicted).var(axis=0), true.var(axis=0)), multioutput)


def _explained(left: Array, whole: Array) -> Array:
    """Return 1 - left / whole; where the whole is 0, 1 if nothing is left and else 0."""
    figures = np.where(left == 0, 1.0, 0.0)
    return 1 - np.divide(left, whole, out=1 - figures, where=whole != 0)


def _pairs(y_true: Any, y_pred: Any) -> tuple[Array, Array]:
    """Return both as float64 of shape (N, outputs), after all checks."""
    true, predicted = as_reals("y_true", y_true), as_reals("y_pred", y_pred)
    if true.shape != predicted.shape or true.ndim not in (1, 2):
        raise ShapeError(
            f"y_true has the shape {true.shape} and y_pred {predicted.shape}, expected one shape, (N,) or (N, outputs)"
        )
    if true.size == 0:
        raise ArgumentError("y_true and y_pred are empty: no sample, so nothing to measure")
    return true.reshape(len(true), -1), predicted.reshape(len(true), -1)


def _over_outputs(figures: Array, multioutput: str) -> Any:
    if multioutput == "raw_values":
        return figures
    if multioutput == "uniform_average":
        return float(figures.mean())
    raise ArgumentError(f'multioutput is {multioutput!r}, expected "uniform_average" or "raw_values"')
