"""Metrics that are added up batch by batch: update_state(y_true, y_pred), result(), reset_state()."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minidl

from ..errors import ArgumentError, ShapeError
from . import losses
from .naming import Configured, check_unknown, looked_up, snake
from .values import Array


def array(value: Any) -> Array:
    """Return the values of a tensor, or of numbers."""
    return value.detach().numpy() if isinstance(value, minidl.Tensor) else np.asarray(value)


class Metric(Configured):
    """The base of all metrics: a weighted mean of what `values(y_true, y_pred)` returns for each sample.

    >>> from minidl import keras
    >>> metric = keras.metrics.SparseCategoricalAccuracy()
    >>> metric.update_state([1, 0], [[0.2, 0.8], [0.4, 0.6]])
    >>> metric.result()
    0.5
    """

    def __init__(self, name: str | None = None, **options: Any) -> None:
        check_unknown(self, {key: value for key, value in options.items() if key != "dtype"})
        self.name = name or snake(type(self).__name__)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all samples."""
        self.total, self.count = 0.0, 0.0

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return a value for each sample."""
        raise NotImplementedError(f"{type(self).__name__} has no values(y_true, y_pred)")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch."""
        values = self.values(array(y_true), array(y_pred))
        if sample_weight is None:
            self.total += float(values.sum())
            self.count += values.size
            return
        weights = np.broadcast_to(
            array(sample_weight).reshape(-1, *[1] * (values.ndim - 1)) if values.ndim else sample_weight, values.shape
        )
        self.total += float((values * weights).sum())
        self.count += float(weights.sum())

    def result(self) -> float:
        """Return the figure over all batches so far."""
        return self.total / self.count if self.count else 0.0

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Add a batch and return the figure."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()


class Mean(Metric):
    """The weighted mean of values.

    >>> from minidl import keras
    >>> metric = keras.metrics.Mean()
    >>> metric.update_state([1.0, 3.0])
    >>> metric.result()
    2.0
    """

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Add values."""
        given = np.asarray(array(values), np.float64)
        weights = np.broadcast_to(1.0 if sample_weight is None else array(sample_weight), given.shape)
        self.total += float((given * weights).sum())
        self.count += float(weights.sum())

    def __call__(self, values: Any, sample_weight: Any = None) -> float:  # type: ignore[override]
        """Add values and return the mean."""
        self.update_state(values, sample_weight)
        return self.result()


def flat(y: Array, like: Array) -> Array:
    """Return labels in the shape of the outputs."""
    if y.size != like.size:
        raise ShapeError(f"metrics: y_true has shape {y.shape} and y_pred {like.shape}, expected as many values")
    return y.reshape(like.shape)


def classes(y: Array, y_pred: Array) -> Array:
    """Return the numbers of classes (N,), of labels (N,) or (N, 1)."""
    labels = y.reshape(y.shape[:-1]) if y.ndim == y_pred.ndim and y.shape[-1] == 1 else y
    if labels.shape != y_pred.shape[:-1]:
        raise ShapeError(f"metrics: y_true has shape {y.shape}, expected {y_pred.shape[:-1]} for y_pred {y_pred.shape}")
    return labels


class Accuracy(Metric):
    """The share of predictions that equal the labels.

    >>> from minidl import keras
    >>> keras.metrics.Accuracy()([1, 2, 3], [1, 2, 4]) == 2 / 3
    True
    """

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return where they are equal."""
        return flat(y_true, y_pred) == y_pred


class BinaryAccuracy(Metric):
    """The share of right answers, where an output above `threshold` says 1.

    >>> from minidl import keras
    >>> keras.metrics.BinaryAccuracy()([[1], [0]], [[0.9], [0.8]])
    0.5
    """

    def __init__(self, name: str | None = None, threshold: float = 0.5, **options: Any) -> None:
        super().__init__(name, **options)
        self.threshold = threshold

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return where the answer is right."""
        return (flat(y_true, y_pred) == (y_pred > self.threshold)).mean(axis=-1)


class CategoricalAccuracy(Metric):
    """The share of samples whose greatest output is at the one of the one-hot labels.

    >>> from minidl import keras
    >>> keras.metrics.CategoricalAccuracy()([[0, 1]], [[0.2, 0.8]])
    1.0
    """

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return where the class is right."""
        return flat(y_true, y_pred).argmax(-1) == y_pred.argmax(-1)


class SparseCategoricalAccuracy(Metric):
    """The share of samples whose greatest output is that of the label.

    >>> from minidl import keras
    >>> keras.metrics.SparseCategoricalAccuracy()([1], [[0.2, 0.8]])
    1.0
    """

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return where the class is right."""
        return classes(y_true, y_pred) == y_pred.argmax(-1)


class SparseTopKCategoricalAccuracy(Metric):
    """The share of samples whose label is among the `k` greatest outputs.

    >>> from minidl import keras
    >>> keras.metrics.SparseTopKCategoricalAccuracy(k=2)([2], [[0.1, 0.6, 0.3]])
    1.0
    """

    def __init__(self, k: int = 5, name: str | None = None, **options: Any) -> None:
        super().__init__(name, **options)
        self.k = k

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return where the label is among them."""
        labels = classes(y_true, y_pred).astype(np.int64)
        own = np.take_along_axis(y_pred, labels[..., None], -1)
        return (y_pred > own).sum(-1) < self.k


class TopKCategoricalAccuracy(SparseTopKCategoricalAccuracy):
    """The share of samples whose one-hot label is among the `k` greatest outputs.

    >>> from minidl import keras
    >>> keras.metrics.TopKCategoricalAccuracy(k=2)([[0, 0, 1]], [[0.1, 0.6, 0.3]])
    1.0
    """

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return where the label is among them."""
        return super().values(flat(y_true, y_pred).argmax(-1), y_pred)


class OfLoss(Metric):
    """The mean of a loss, as a metric."""

    def __init__(self, loss: losses.Loss, name: str | None = None) -> None:
        super().__init__(name or loss.name)
        self.loss = loss

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of each sample."""
        with minidl.no_grad():
            true, predicted = minidl.as_tensor(y_true), minidl.as_tensor(y_pred)
            self.loss.check(true, predicted)
            return array(self.loss.call(true, predicted))


class MeanSquaredError(OfLoss):
    """Mean of (y - ŷ)².

    >>> from minidl import keras
    >>> keras.metrics.MeanSquaredError()([[1.0]], [[3.0]])
    4.0
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(losses.MeanSquaredError(), name)


class MeanAbsoluteError(OfLoss):
    """Mean of |y - ŷ|.

    >>> from minidl import keras
    >>> keras.metrics.MeanAbsoluteError()([[1.0]], [[3.0]])
    2.0
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(losses.MeanAbsoluteError(), name)


class RootMeanSquaredError(MeanSquaredError):
    """√ of the mean of (y - ŷ)².

    >>> from minidl import keras
    >>> keras.metrics.RootMeanSquaredError()([[1.0]], [[3.0]])
    2.0
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name or "root_mean_squared_error")

    def result(self) -> float:
        """Return the root."""
        return float(np.sqrt(super().result()))


class Precision(Metric):
    """Of those said to be 1, the share that are: TP / (TP + FP).

    >>> from minidl import keras
    >>> keras.metrics.Precision()([1, 0, 1], [0.9, 0.8, 0.2])
    0.5
    """

    def __init__(self, thresholds: float = 0.5, name: str | None = None, **options: Any) -> None:
        super().__init__(name, **options)
        self.thresholds = thresholds

    def of(self, true: Array, said: Array) -> Array:
        """Return which samples count."""
        return said

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch."""
        predicted = array(y_pred)
        true, said = flat(array(y_true), predicted).astype(bool), predicted > self.thresholds
        weights = np.ones(said.shape) if sample_weight is None else np.broadcast_to(array(sample_weight), said.shape)
        self.total += float((weights * (true & said)).sum())
        self.count += float((weights * self.of(true, said)).sum())


class Recall(Precision):
    """Of those that are 1, the share that is said to be: TP / (TP + FN).

    >>> from minidl import keras
    >>> keras.metrics.Recall()([1, 0, 1], [0.9, 0.8, 0.2])
    0.5
    """

    def of(self, true: Array, said: Array) -> Array:
        """Return which samples count."""
        return true


CLASSES: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (Mean, Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy,
                 TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy, MeanSquaredError, MeanAbsoluteError,
                 RootMeanSquaredError, Precision, Recall)
}  # fmt: skip
NAMES: dict[str, type[Any]] = {
    **{snake(name): kind for name, kind in CLASSES.items() if name not in ("Mean", "Accuracy")}, **CLASSES,
    "mse": MeanSquaredError, "mae": MeanAbsoluteError, "rmse": RootMeanSquaredError,
}  # fmt: skip


class OfFunction(Metric):
    """The mean of a function of one's own, (y_true, y_pred) to values."""

    def __init__(self, function: Callable[[Any, Any], Any], name: str | None = None) -> None:
        super().__init__(name or getattr(function, "__name__", "metric"))
        self.function = function

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return what the function says."""
        return array(self.function(minidl.as_tensor(y_true), minidl.as_tensor(y_pred)))


def accuracy_for(y_true: Any, y_pred: Any, name: str = "accuracy") -> Metric:
    """Return the accuracy that fits labels and outputs, as "accuracy" stands for it."""
    one_hot = y_true.ndim == y_pred.ndim and y_true.shape[-1] == y_pred.shape[-1]
    if y_pred.shape[-1] == 1:
        return BinaryAccuracy(name)
    return CategoricalAccuracy(name) if one_hot else SparseCategoricalAccuracy(name)


def get(identifier: Any) -> Metric:
    """Return the metric that a name, a function or an object stands for.

    >>> from minidl import keras
    >>> keras.metrics.get("mae").name
    'mae'
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str):
        if identifier in losses.NAMES and identifier not in NAMES:
            return OfLoss(losses.get(identifier), identifier)
        table = {**dict.fromkeys(("accuracy", "acc")), **NAMES, **losses.NAMES}
        made: Metric = looked_up(identifier, table, "metric")(name=identifier)
        return made
    if isinstance(identifier, dict):
        made = looked_up(identifier["class_name"], CLASSES, "metric").from_config(identifier["config"])
        return made
    if isinstance(identifier, losses.Loss):
        return OfLoss(identifier)
    if callable(identifier):
        return OfFunction(identifier)
    raise ArgumentError(
        f"metrics: got {type(identifier).__name__} {identifier!r}, expected names, metrics or functions"
    )
