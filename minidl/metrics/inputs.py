"""What the metrics take: Tensors, arrays and lists, checked before anything is computed."""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl

from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError

Array = np.ndarray[Any, Any]


def as_array(values: Any) -> Array:
    """Return the array of a Tensor, an array or a list."""
    return values.array if isinstance(values, minidl.Tensor) else np.asarray(values)


def as_reals(name: str, values: Any) -> Array:
    """Return finite real numbers as float64, or raise."""
    array = as_array(values)
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"{name} has dtype {array.dtype}, expected real numbers")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        place = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise ArgumentError(f"{name} holds {array[place]} at {place}, expected finite numbers")
    return array


def labels_and_scores(y_true: Any, y_score: Any, dims: tuple[int, ...]) -> tuple[Array, Array]:
    """Return labels (N,) and as many scores, (N,) or (N, C) as `dims` allow, after all checks."""
    true, scores = as_array(y_true), as_reals("y_score", y_score)
    if true.ndim != 1 or scores.ndim not in dims or len(scores) != len(true):
        raise ShapeError(
            f"y_true has the shape {true.shape} and y_score {scores.shape}, expected (N,) and "
            + " or ".join("(N,)" if ndim == 1 else "(N, C)" for ndim in dims)
        )
    if len(true) == 0:
        raise ArgumentError("y_true and y_score are empty: no sample, so nothing to measure")
    if true.dtype.kind not in "biu":
        raise DTypeError(f"y_true has dtype {true.dtype}, expected labels, which are integers")
    classes = scores.shape[1] if scores.ndim == 2 else 2
    if true.min() < 0 or true.max() >= classes:
        wrong = true.min() if true.min() < 0 else true.max()
        raise IndexOutOfRange(f"y_true holds the label {wrong}, expected 0 to {classes - 1} for {classes} classes")
    return true.astype(np.int64), scores
