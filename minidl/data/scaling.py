"""Scalers: columns of numbers brought to one scale. They are modules, so their figures are saved with the model.

A scaler is fitted once, on the training data alone: the test data stand for data that nobody has seen yet.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl

from .. import nn
from ..errors import ArgumentError, ShapeError, StateError


class Scaler(nn.Module):
    """The base of the scalers: y = (x - shift) / scale for each of the `features` columns."""

    shift: minidl.Tensor
    scale: minidl.Tensor
    fitted: minidl.Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features
        self.register_buffer("shift", minidl.zeros(features))
        self.register_buffer("scale", minidl.ones(features))
        self.register_buffer("fitted", minidl.tensor(False))

    def figures(self, x: np.ndarray[Any, Any]) -> tuple[Any, Any]:
        """Return shift and scale for training data (N, features)."""
        raise NotImplementedError(f"{type(self).__name__} has no figures(x)")

    def fit(self, x: Any) -> Any:
        """Take the figures of training data (N, features); return the scaler."""
        x = np.asarray(minidl.as_tensor(x).numpy(), dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.features or len(x) == 0:
            raise ShapeError(f"{type(self).__name__}: the data has the shape {x.shape}, expected (N, {self.features})")
        if not np.isfinite(x).all():
            raise ArgumentError(f"{type(self).__name__}: the data holds NaN or inf; clean it first, as by fill_missing")
        shift, scale = self.figures(x)
        for name, value in (("shift", shift), ("scale", np.where(scale == 0, 1.0, scale))):
            setattr(self, name, minidl.tensor(value.astype(np.float32)))
        self.fitted = minidl.tensor(True)
        return self

    def forward(self, x: Any) -> minidl.Tensor:
        """Return the scaled data."""
        self._check()
        return (minidl.as_tensor(x) - self.shift) / self.scale

    def inverse(self, y: Any) -> minidl.Tensor:
        """Return scaled data in its old scale."""
        self._check()
        return minidl.as_tensor(y) * self.scale + self.shift

    def _check(self) -> None:
        if not self.fitted.item():
            raise StateError(f"{type(self).__name__}: call fit(training data) first, or load a state_dict")


class StandardScaler(Scaler):
    """y = (x - mean) / standard deviation: each column around 0 with a spread of 1; a constant column becomes 0.

    >>> import minidl
    >>> from minidl import nn
    >>> x = minidl.tensor([[1.0, 10.0], [3.0, 30.0]])
    >>> scaler = minidl.data.StandardScaler(2).fit(x)
    >>> scaler(x).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    >>> model = nn.Sequential(scaler, nn.Linear(2, 1))  # whoever loads this model has the figures too
    >>> list(model.state_dict())[:3]
    ['0.shift', '0.scale', '0.fitted']
    """

    def figures(self, x: np.ndarray[Any, Any]) -> tuple[Any, Any]:
        """Return mean and standard deviation."""
        return x.mean(axis=0), x.std(axis=0)


class MinMaxScaler(Scaler):
    """y = (x - min) / (max - min): each column from 0 to 1; a constant column becomes 0.

    >>> import minidl
    >>> minidl.data.MinMaxScaler(1).fit([[1.0], [5.0]])([[2.0]]).item()
    0.25
    """

    def figures(self, x: np.ndarray[Any, Any]) -> tuple[Any, Any]:
        """Return minimum and range."""
        return x.min(axis=0), np.ptp(x, axis=0)
