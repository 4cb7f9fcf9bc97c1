"""Losses, called as loss(y_true, y_pred): labels first, and the mean over all samples."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

import minidl

from .. import nn
from ..errors import ArgumentError, ArgumentTypeError, ShapeError, StateError
from .naming import Configured, check_unknown, looked_up, snake
from .values import as_result, as_tensor

F = nn.functional
EPSILON = 1e-7  # probabilities are kept so far from 0 and 1


class KerasWarning(UserWarning):
    """A slip in a program for Keras that changes what is learned.

    >>> from minidl.keras.losses import KerasWarning
    >>> issubclass(KerasWarning, UserWarning)
    True
    """


class Loss(Configured):
    """The base of all losses: `call(y_true, y_pred)` returns a value for each sample, the loss their mean.

    Args:
        reduction: "sum_over_batch_size" (the mean), "sum", or "none" for a value for each sample.
        name: by default the class's name in small letters.

    >>> from minidl import keras
    >>> keras.losses.MeanSquaredError()([[1.0], [2.0]], [[1.0], [4.0]]).numpy()
    array(2., dtype=float32)
    """

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", **options: Any) -> None:
        check_unknown(self, options)
        known = dict.fromkeys(("sum_over_batch_size", "mean", "sum", "none"))
        looked_up(reduction or "none", known, f"{type(self).__name__}: reduction")
        self.name = name or snake(type(self).__name__)
        self.reduction = reduction or "none"

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss."""
        return as_result(self.value(y_true, y_pred, sample_weight))

    def value(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss as an ordinary tensor."""
        y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
        if y_true.requires_grad and not y_pred.requires_grad:
            raise self.exchanged()
        self.check(y_true, y_pred)
        if sample_weight is None and self.reduction in ("sum_over_batch_size", "mean"):
            return self.mean(y_true, y_pred)
        values = self.call(y_true, y_pred)
        if sample_weight is not None:
            weights = as_tensor(sample_weight).to(values.dtype)
            values = values * weights.reshape(*weights.shape, *[1] * (values.ndim - weights.ndim))
        return {"sum": values.sum, "none": lambda: values}.get(self.reduction, values.mean)()

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return a value for each sample."""
        raise NotImplementedError(f"{type(self).__name__} has no call(y_true, y_pred)")

    def mean(self, y_true: Any, y_pred: Any) -> Any:
        """Return the mean over all samples."""
        return self.call(y_true, y_pred).mean()

    def check(self, y_true: Any, y_pred: Any) -> None:
        """Refuse labels that do not fit the outputs."""
        fits = y_true.shape == y_pred.shape
        if not fits and y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1 and y_true.shape == y_pred.shape[:-1]:
            return
        if not fits:
            raise ShapeError(
                f"{self.name}: y_true has shape {tuple(y_true.shape)} and y_pred {tuple(y_pred.shape)}, not the same"
            )

    def exchanged(self) -> ArgumentTypeError:
        """Return what is said when labels and outputs have changed places."""
        return ArgumentTypeError(
            f"{self.name}: y_true is the model's output and y_pred the labels; Keras takes the labels first, unlike "
            f"PyTorch: loss(labels, outputs)"
        )

    def backward(self) -> NoReturn:
        """Say how gradients are taken in Keras."""
        raise StateError("backward() is PyTorch's; in Keras use tape.gradient(loss, model.trainable_variables)")


def like(y_true: Any, y_pred: Any) -> Any:
    """Return the labels in the shape and dtype of the outputs."""
    return y_true.to(y_pred.dtype).reshape(y_pred.shape)


class MeanSquaredError(Loss):
    """Mean of (y - ŷ)².

    >>> from minidl import keras
    >>> keras.losses.MeanSquaredError()([[1.0, 2.0]], [[2.0, 4.0]]).numpy()
    array(2.5, dtype=float32)
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the mean over the last dimension."""
        return minidl.square(y_pred - like(y_true, y_pred)).mean(dim=-1)

    def mean(self, y_true: Any, y_pred: Any) -> Any:
        """Return the mean over all."""
        return F.mse_loss(y_pred, like(y_true, y_pred))


class MeanAbsoluteError(Loss):
    """Mean of |y - ŷ|.

    >>> from minidl import keras
    >>> keras.losses.MeanAbsoluteError()([[1.0, 2.0]], [[2.0, 4.0]]).numpy()
    array(1.5, dtype=float32)
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the mean over the last dimension."""
        return minidl.abs(y_pred - like(y_true, y_pred)).mean(dim=-1)


class Huber(Loss):
    """d²/2 for |d| = |y - ŷ| up to `delta`, beyond it delta·(|d| - delta/2) (Huber 1964).

    >>> from minidl import keras
    >>> keras.losses.Huber()([[0.0, 0.0]], [[1.0, 3.0]]).numpy()
    array(1.5, dtype=float32)
    """

    def __init__(self, delta: float = 1.0, name: str | None = None, **options: Any) -> None:
        super().__init__(name, **options)
        self.delta = delta

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the mean over the last dimension."""
        return F.huber_loss(y_pred, like(y_true, y_pred), reduction="none", delta=self.delta).mean(dim=-1)


class BinaryCrossentropy(Loss):
    """-y ln p - (1 - y) ln(1 - p), for probabilities p or, with `from_logits`, p = σ(output).

    >>> from minidl import keras
    >>> round(float(keras.losses.BinaryCrossentropy()([[1.0]], [[0.5]])), 3)
    0.693
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, name: str | None = None, **options: Any
    ) -> None:
        super().__init__(name, **options)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the mean over the last dimension."""
        y = like(y_true, y_pred)
        if self.label_smoothing:
            y = y * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        if self.from_logits:
            return F.binary_cross_entropy_with_logits(y_pred, y, reduction="none").mean(dim=-1)
        p = minidl.clamp(y_pred, EPSILON, 1 - EPSILON)
        return -(y * minidl.log(p) + (1 - y) * minidl.log(1 - p)).mean(dim=-1)


class Scores(Loss):
    """What the losses over classes have in common: outputs are probabilities or, with `from_logits`, scores."""

    def __init__(self, from_logits: bool = False, name: str | None = None, **options: Any) -> None:
        super().__init__(name, **options)
        self.from_logits = from_logits
        self.looked = 0

    def look(self, y_pred: Any) -> None:
        """Warn, in the first calls, of outputs that are not what `from_logits` says."""
        if self.looked >= 3 or y_pred.numel() == 0:
            return
        self.looked += 1
        p = np.asarray(y_pred.detach().numpy(), np.float64)
        inside = bool((p >= 0).all() and (p <= 1 + 1e-5).all())
        sums = inside and p.shape[-1] > 1 and bool(np.allclose(p.sum(-1), 1, atol=1e-3))
        if self.from_logits and sums and not (p == p[..., :1]).all():
            said = (
                "from_logits=True, but the outputs are probabilities: a softmax is applied twice, and the model learns "
                "slowly; remove the softmax of the last layer, or write from_logits=False"
            )
        elif not self.from_logits and not inside and np.isfinite(p).all():
            said = (
                f"from_logits=False, but the outputs are no probabilities (from {p.min():.3g} to {p.max():.3g}); write "
                "from_logits=True, or give the last layer activation='softmax'"
            )
        else:
            return
        self.looked = 3
        warnings.warn(f"{self.name}: {said}", KerasWarning, stacklevel=5)

    def logarithms(self, y_pred: Any) -> Any:
        """Return ln p."""
        if self.from_logits:
            return F.log_softmax(y_pred, dim=-1)
        return minidl.log(minidl.clamp(y_pred, EPSILON, 1 - EPSILON))


class SparseCategoricalCrossentropy(Scores):
    """-ln p[label], for labels that are the numbers of classes.

    y_true (N,) or (N, 1), integers from 0; y_pred (N, classes), probabilities, or scores with `from_logits=True`. For
    images y_true is (N, H, W) and y_pred (N, H, W, classes).

    >>> from minidl import keras
    >>> round(float(keras.losses.SparseCategoricalCrossentropy(from_logits=True)([1], [[0.0, 0.0]])), 3)
    0.693
    """

    def check(self, y_true: Any, y_pred: Any) -> None:
        """Refuse labels of another kind."""
        if not y_pred.is_floating_point():
            raise self.exchanged()
        if y_true.ndim == y_pred.ndim and y_true.shape[-1] != 1:
            if y_true.shape == y_pred.shape and y_true.requires_grad == y_pred.requires_grad and negative(y_true):
                raise self.exchanged()
            raise ShapeError(
                f"{self.name}: y_true has shape {tuple(y_true.shape)}, one-hot labels; expected numbers of classes, "
                f"{tuple(y_pred.shape[:-1])}: use CategoricalCrossentropy, or y_true.argmax(-1)"
            )
        shape = y_true.shape[:-1] if y_true.ndim == y_pred.ndim else y_true.shape
        if tuple(shape) != tuple(y_pred.shape[:-1]):
            raise ShapeError(
                f"{self.name}: y_true has shape {tuple(y_true.shape)}, expected {tuple(y_pred.shape[:-1])} for y_pred "
                f"{tuple(y_pred.shape)}"
            )
        self.look(y_pred)

    def numbers(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels (M,) and outputs (M, classes)."""
        labels = y_true if y_true.ndim == 1 else y_true.reshape(-1)
        if labels.is_floating_point() and bool((labels != minidl.floor(labels)).any()):
            raise ArgumentTypeError(f"{self.name}: y_true holds fractions, expected the numbers of classes")
        return labels.long(), y_pred.reshape(-1, y_pred.shape[-1]) if y_pred.ndim != 2 else y_pred

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return -ln p of each label."""
        labels, outputs = self.numbers(y_true, y_pred)
        return self.cross_entropy(outputs, labels, "none").reshape(y_pred.shape[:-1])

    def mean(self, y_true: Any, y_pred: Any) -> Any:
        """Return the mean over all labels."""
        labels, outputs = self.numbers(y_true, y_pred)
        return self.cross_entropy(outputs, labels, "mean")

    def cross_entropy(self, outputs: Any, labels: Any, reduction: str) -> Any:
        """Return -ln p[label]."""
        if self.from_logits:
            return F.cross_entropy(outputs, labels, reduction=reduction, ignore_index=-(2**40))
        return F.nll_loss(self.logarithms(outputs), labels, reduction=reduction, ignore_index=-(2**40))


class CategoricalCrossentropy(Scores):
    """-Σ y ln p, for one-hot labels or shares y (N, classes).

    y_pred are probabilities, which are divided by their sum, or scores with `from_logits=True`.

    >>> from minidl import keras
    >>> round(float(keras.losses.CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 3)
    0.693
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, name: str | None = None, **options: Any
    ) -> None:
        super().__init__(from_logits, name, **options)
        self.label_smoothing = label_smoothing

    def check(self, y_true: Any, y_pred: Any) -> None:
        """Refuse labels of another kind."""
        if not y_pred.is_floating_point():
            raise self.exchanged()
        if y_true.shape != y_pred.shape:
            sparse = tuple(y_true.shape) in (tuple(y_pred.shape[:-1]), (*y_pred.shape[:-1], 1))
            hint = ", the numbers of classes: use SparseCategoricalCrossentropy, or keras.utils.to_categorical(y_true)"
            raise ShapeError(
                f"{self.name}: y_true has shape {tuple(y_true.shape)}{hint if sparse else ''}; expected the shape of "
                f"y_pred, {tuple(y_pred.shape)}"
            )
        self.look(y_pred)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return -Σ y ln p of each sample."""
        y = y_true.to(y_pred.dtype)
        if self.label_smoothing:
            y = y * (1 - self.label_smoothing) + self.label_smoothing / y_pred.shape[-1]
        if not self.from_logits:
            y_pred = y_pred / y_pred.sum(dim=-1, keepdim=True)
        return -(y * self.logarithms(y_pred)).sum(dim=-1)


class LossFunction(Loss):
    """A function of one's own, (y_true, y_pred) to values, as a loss."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        super().__init__(getattr(function, "__name__", "loss"))
        self.function = function

    def check(self, y_true: Any, y_pred: Any) -> None:
        """Leave it to the function."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return what the function says."""
        return self.function(y_true, y_pred)


def negative(x: Any) -> bool:
    """Return whether there is a value below 0."""
    return x.numel() > 0 and bool((x < 0).any())


CLASSES: dict[str, type[Loss]] = {
    kind.__name__: kind
    for kind in (MeanSquaredError, MeanAbsoluteError, Huber, BinaryCrossentropy, SparseCategoricalCrossentropy,
                 CategoricalCrossentropy)
}  # fmt: skip
NAMES: dict[str, type[Loss]] = {
    **{snake(name): kind for name, kind in CLASSES.items()}, **CLASSES,
    "mse": MeanSquaredError, "mae": MeanAbsoluteError,
}  # fmt: skip


def get(identifier: Any) -> Loss:
    """Return the loss that a name, a configuration, a function or an object stands for.

    >>> from minidl import keras
    >>> keras.losses.get("mse").name
    'mean_squared_error'
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, str):
        made: Loss = looked_up(identifier, NAMES, "loss")()
        return made
    if isinstance(identifier, dict):
        made = looked_up(identifier["class_name"], CLASSES, "loss").from_config(identifier["config"])
        return made
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if callable(identifier):
        return LossFunction(identifier)
    raise ArgumentError(f"loss: got {type(identifier).__name__} {identifier!r}, expected a name, a loss or a function")
