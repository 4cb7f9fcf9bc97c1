"""Callbacks: what `fit` calls at the start and end of trainings, epochs and batches."""

from __future__ import annotations

import inspect
import math
import os
import warnings
from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError, ArgumentTypeError
from .naming import looked_up

Logs = dict[str, float]


class Callback:
    """The base of all callbacks; `self.model` is the model, and `self.model.stop_training = True` ends the training.

    >>> from minidl import keras
    >>> class Say(keras.callbacks.Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print("epoch", epoch)
    >>> Say().on_epoch_end(3)
    epoch 3
    """

    model: Any = None

    def set_model(self, model: Any) -> None:
        """Take the model."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take what is known of the training: epochs, steps, verbose."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the training."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the training."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch; the first is 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch, with its figures."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a step."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a step, with the figures so far."""


class History(Callback):
    """The figures of all epochs: `history` is a list for each name, `epoch` the numbers of the epochs.

    >>> from minidl import keras
    >>> history = keras.callbacks.History()
    >>> history.on_epoch_end(0, {"loss": 0.5})
    >>> history.history
    {'loss': [0.5]}
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin with no epochs."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add the figures."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class Monitor(Callback):
    """What watches one figure and knows when it has become better."""

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        looked_up(mode, dict.fromkeys(("auto", "min", "max")), f"{type(self).__name__}: mode")
        name = monitor.removeprefix("val_")
        highest = any(word in name for word in ("acc", "auc", "precision", "recall", "f1"))
        self.monitor = monitor
        self.sign = -1.0 if mode == "max" or (mode == "auto" and highest) else 1.0
        self.min_delta = abs(min_delta)

    def figure(self, logs: Logs | None) -> float | None:
        """Return the figure of an epoch, lower is better; None, with a warning, where it is not there."""
        if logs is None or self.monitor not in logs:
            known = ", ".join(logs or {})
            hint = "; give fit validation_data" if self.monitor.startswith("val_") else ""
            warnings.warn(
                f"{type(self).__name__}: there is no figure {self.monitor!r}, only {known}{hint}", stacklevel=4
            )
            return None
        return self.sign * logs[self.monitor]


class EarlyStopping(Monitor):
    """Ends the training when a figure has not become better for `patience` epochs.

    Args:
        monitor, mode: the figure, and whether "min" or "max" is better; "auto" goes by its name.
        min_delta: by how much it must become better.
        patience: epochs without a better figure.
        baseline: what must be reached at all.
        restore_best_weights: give the model the weights of the best epoch.
        start_from_epoch: epochs at the start that do not count.

    >>> from minidl import keras
    >>> keras.callbacks.EarlyStopping(monitor="val_accuracy", patience=3).patience
    3
    """

    def __init__(
        self, monitor: str = "val_loss", min_delta: float = 0, patience: int = 0, verbose: int = 0, mode: str = "auto",
        baseline: float | None = None, restore_best_weights: bool = False, start_from_epoch: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self.stopped_epoch = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin to wait."""
        self.wait, self.stopped_epoch, self.best_epoch = 0, 0, 0
        self.best, self.best_weights = math.inf, None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at the figure."""
        figure = self.figure(logs)
        if figure is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if figure < self.best - self.min_delta:
            self.best, self.best_epoch = figure, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or figure < self.sign * self.baseline - self.min_delta:
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Give the best weights back."""
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


class ModelCheckpoint(Monitor):
    """Saves the model, or its weights, after each epoch, or after those that are the best so far.

    `filepath` may hold {epoch} and figures, as in "model-{epoch:02d}-{val_loss:.2f}.safetensors".

    >>> from minidl import keras
    >>> keras.callbacks.ModelCheckpoint("best.safetensors", save_best_only=True).monitor
    'val_loss'
    """

    def __init__(
        self, filepath: str | os.PathLike[str], monitor: str = "val_loss", verbose: int = 0,
        save_best_only: bool = False, save_weights_only: bool = False, mode: str = "auto",
        save_freq: str = "epoch", initial_value_threshold: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(monitor, mode, 0)
        looked_up(save_freq, {"epoch": 0}, "ModelCheckpoint: save_freq")
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.best = math.inf if initial_value_threshold is None else self.sign * initial_value_threshold

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save."""
        if self.save_best_only:
            figure = self.figure(logs)
            if figure is None or figure >= self.best:
                return
            self.best = figure
        try:
            path = self.filepath.format(epoch=epoch + 1, **(logs or {}))
        except KeyError as error:
            raise ArgumentError(f"filepath: there is no figure {error}; there are {', '.join(logs or {})}") from error
        (self.model.save_weights if self.save_weights_only else self.model.save)(path)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: saving model to {path}")


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by `factor` when a figure has not become better for `patience` epochs.

    >>> from minidl import keras
    >>> keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=2).factor
    0.5
    """

    def __init__(
        self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10, verbose: int = 0, mode: str = "auto",
        min_delta: float = 1e-4, cooldown: int = 0, min_lr: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(monitor, mode, min_delta)
        if factor >= 1:
            raise ArgumentError(f"ReduceLROnPlateau: factor is {factor!r}, expected a number below 1")
        self.factor, self.patience, self.verbose, self.cooldown, self.min_lr = (
            factor,
            patience,
            verbose,
            cooldown,
            min_lr,
        )

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin to wait."""
        self.best, self.wait, self.resting = math.inf, 0, 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at the figure."""
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate
        figure = self.figure(logs)
        if figure is None:
            return
        if self.resting:
            self.resting -= 1
            self.wait = 0
        if figure < self.best - self.min_delta:
            self.best, self.wait = figure, 0
        elif not self.resting:
            self.wait += 1
            rate = self.model.optimizer.learning_rate
            if self.wait >= self.patience and rate > self.min_lr:
                self.model.optimizer.learning_rate = max(rate * self.factor, self.min_lr)
                self.resting, self.wait = self.cooldown, 0
                if self.verbose:
                    rate = self.model.optimizer.learning_rate
                    print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {rate}.")


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch to schedule(epoch, learning_rate), or schedule(epoch).

    >>> from minidl import keras
    >>> scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.9)
    >>> scheduler.schedule(0, 0.1).__round__(3)
    0.09
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise ArgumentTypeError(f"schedule: got {schedule!r}, expected a function (epoch, learning_rate)")
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the learning rate."""
        wanted = inspect.signature(self.schedule).parameters
        given = (epoch, self.model.optimizer.learning_rate)[: 1 if len(wanted) == 1 else 2]
        self.model.optimizer.learning_rate = self.schedule(*given)
        if self.verbose:
            rate = self.model.optimizer.learning_rate
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the learning rate among the figures."""
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate


class TerminateOnNaN(Callback):
    """Ends the training when the loss is not finite.

    >>> from minidl import keras
    >>> keras.callbacks.TerminateOnNaN().model is None
    True
    """

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the loss."""
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


class LambdaCallback(Callback):
    """Functions in the place of methods, by their names.

    >>> from minidl import keras
    >>> callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch))
    >>> callback.on_epoch_end(2, {})
    2
    """

    def __init__(self, **functions: Callable[..., Any]) -> None:
        events = {name: name for name in dir(Callback) if name.startswith("on_")}
        for name, function in functions.items():
            looked_up(name, events, "LambdaCallback")
            if function is not None:
                setattr(self, name, function)
