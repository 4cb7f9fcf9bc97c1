"""fit: the training loop, with what stands around it in practice. The plain loop is short; `fit.show_loop()` prints it.

    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()

Around that: epochs, validation, metrics, schedules, accumulation and clipping of gradients, early stopping, a history,
and a linter that names the mistakes that people make.
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sized
from contextlib import nullcontext
from typing import Any

import numpy as np

import minidl

from . import nn, optim
from .errors import ArgumentError, ArgumentTypeError
from .linter import Linter
from .progress import progress

Metric = Callable[[Any, Any], float]


class History:
    """What `fit` measured: a row of figures for each epoch, printed as a table.

    `history["loss"]` is the list of one figure over the epochs, `history.rows` the list of all rows.

    >>> from minidl.training import History
    >>> history = History()
    >>> history.add(epoch=1, loss=0.5)
    >>> history.add(epoch=2, loss=0.25)
    >>> history["loss"]
    [0.5, 0.25]
    >>> print(history)
    epoch      loss
        1    0.5000
        2    0.2500
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.program = ""  # the plain loop that stands for the run
        self.stopped = ""  # why it ended before the last epoch

    def add(self, **figures: float) -> None:
        """Add a row."""
        self.rows.append(figures)

    @property
    def columns(self) -> list[str]:
        """The names of the figures, in order."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.columns:
            raise ArgumentError(f"history has no figure {name!r}, expected one of {', '.join(self.columns)}")
        return [row.get(name, math.nan) for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        columns = self.columns
        lines = ["".join(f"{name:>{width(name)}}" for name in columns)]
        for row in self.rows:
            lines.append("".join(text(row.get(name, math.nan), width(name)) for name in columns))
        return "\n".join(lines)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the figures over the epochs into a PNG file: the losses above, the others below.

        Needs matplotlib: pip install "minidl[plot]".
        """
        try:
            from .plots import save_curves
        except ImportError as error:
            raise ArgumentError('plot: matplotlib is not installed; pip install "minidl[plot]" brings it') from error
        shown = [name for name in self.columns if name not in ("epoch", "seconds", "lr")]
        losses = {name: self[name] for name in shown if name.endswith("loss")}
        save_curves(path, {"loss": losses, "metrics": {name: self[name] for name in shown if name not in losses}})

    def show_loop(self) -> None:
        """Print the plain loop that stands for this run."""
        print(self.program)


def width(name: str) -> int:
    """Return how wide the column of a figure is."""
    return 5 if name == "epoch" else max(10, len(name) + 2)


def text(figure: float, room: int) -> str:
    """Return a figure as a cell of the table."""
    if isinstance(figure, int):
        return f"{figure:>{room}}"
    return f"{figure:>{room}.4f}" if figure == 0 or 1e-3 <= abs(figure) < 1e5 else f"{figure:>{room}.2e}"


class Training:
    """What a callback sees after each epoch: all parts of the run. `training.stop = "why"` ends it."""

    def __init__(self, model: nn.Module, optimizer: optim.Optimizer, history: History) -> None:
        self.model, self.optimizer, self.history = model, optimizer, history
        self.epoch = 0
        self.stop = ""


class EarlyStopping:
    """A callback that ends the training when a figure has not become better for `patience` epochs.

    Args:
        patience: how many epochs without a better figure are borne.
        monitor: the figure, a column of the history; by default "val_loss", or "loss" without validation.
        mode: "min" if lower is better, "max" if higher is.
        min_delta: by how much it must become better.
        restore_best: give the model the weights of the best epoch at the end.

    >>> from minidl.training import EarlyStopping
    >>> EarlyStopping(patience=3, monitor="val_accuracy", mode="max").patience
    3
    """

    def __init__(
        self, patience: int = 5, *, monitor: str | None = None, mode: str = "min", min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:  # fmt: skip
        if mode not in ("min", "max"):
            raise ArgumentError(f'mode: got {mode!r}, expected "min" or "max"')
        if patience < 1:
            raise ArgumentError(f"patience: got {patience}, expected at least 1 epoch")
        self.patience, self.monitor, self.mode = patience, monitor, mode
        self.min_delta, self.restore_best = min_delta, restore_best
        self.best, self.waited = math.inf, 0
        self.weights: Any = None

    def __call__(self, training: Training) -> None:
        """Look at the last epoch."""
        monitor = self.monitor or ("val_loss" if "val_loss" in training.history.columns else "loss")
        figure = training.history[monitor][-1] * (1 if self.mode == "min" else -1)
        if figure < self.best - self.min_delta:
            self.best, self.waited = figure, 0
            if self.restore_best:
                self.weights = copy.deepcopy(training.model.state_dict())
            return
        self.waited += 1
        if self.waited >= self.patience:
            training.stop = f"{monitor} has not become better for {self.patience} epochs"
            if self.weights is not None:
                training.model.load_state_dict(self.weights)


def fit(
    model: nn.Module, train: Iterable[Any], criterion: Callable[[Any, Any], Any], optimizer: optim.Optimizer, *,
    epochs: int = 1, validation: Iterable[Any] | None = None, metrics: Mapping[str, Metric] | None = None,
    scheduler: Any = None, schedule: str = "epoch", accumulate: int = 1, clip_norm: float | None = None,
    callbacks: Iterable[Callable[[Training], None]] = (), linter: bool = True, ignore: Iterable[str] = (),
    verbose: bool = True, history: History | None = None,
) -> History:  # fmt: skip
    """Train a model: for every batch w ← w - α ∇J(w), epoch after epoch; return the history.

    Args:
        model: called with the inputs of a batch.
        train: a DataLoader, or anything that yields batches (inputs, targets) anew in each epoch; with several inputs,
            (input, ..., targets).
        criterion: loss = criterion(model(inputs), targets), a mean over the batch.
        optimizer: over the model's parameters.
        epochs: how often to go through `train`.
        validation: batches to measure on after each epoch, in eval mode and without gradients.
        metrics: names and functions metric(targets, outputs), such as {"accuracy": minidl.metrics.accuracy}; measured
            on `validation`.
        scheduler: its step() follows each epoch, or each optimizer step for `schedule="step"`. ReduceLROnPlateau gets
            the validation loss (without validation the training loss).
        accumulate: batches whose gradients are averaged before a step.
        clip_norm: the greatest norm of all gradients together; longer ones are scaled down to it.
        callbacks: functions called with the Training after each epoch, such as EarlyStopping.
        linter, ignore: mistakes are named by LinterWarning, unless `linter` is False or the id is in `ignore`.
        verbose: print a line for each epoch, and show a bar on a terminal.
        history: of an earlier call, to go on after its last epoch up to `epochs`.

    Raises ArgumentError or ArgumentTypeError for arguments that make no sense, and for a loader without batches.

    >>> import minidl
    >>> from minidl import nn, optim
    >>> from minidl.data import DataLoader, TensorDataset
    >>> _ = minidl.manual_seed(0)
    >>> x = minidl.randn(64, 2)
    >>> loader = DataLoader(TensorDataset(x, x @ minidl.tensor([[1.0], [2.0]])), batch_size=8, shuffle=True)
    >>> net = nn.Linear(2, 1)
    >>> history = minidl.fit(net, loader, nn.MSELoss(), optim.SGD(net.parameters(), lr=0.1), epochs=20, verbose=False)
    >>> history["loss"][-1] < 1e-4
    True
    """
    check(model, optimizer, epochs, accumulate, schedule)
    measured = dict(metrics or {})
    history = History() if history is None else history
    history.program = loop(epochs, validation is not None, measured, scheduler, schedule, accumulate, clip_norm)
    training = Training(model, optimizer, history)
    callbacks = list(callbacks)
    watch = Linter(model, optimizer, ignore=ignore) if linter else None
    with watch or nullcontext():
        watched = criterion if watch is None else watch.watch(criterion)
        for epoch in range(len(history) + 1, epochs + 1):
            start = time.perf_counter()
            training.epoch = epoch
            model.train()
            batches: Any = progress(train, f"epoch {epoch}") if verbose and isinstance(train, Sized) else train
            batches = batches if watch is None else watch.batches(batches)
            step_scheduler = scheduler if schedule == "step" else None
            loss = train_epoch(model, batches, watched, optimizer, accumulate, clip_norm, step_scheduler)
            figures = {"loss": loss}
            if watch is not None:
                watch.epoch_end()
            if validation is not None:
                answer = evaluate(model, validation, criterion, measured)
                figures.update({f"val_{name}": x for name, x in answer.items()})
            figures["lr"] = float(optimizer.param_groups[0]["lr"])
            history.add(epoch=epoch, **figures, seconds=time.perf_counter() - start)
            if scheduler is not None and schedule == "epoch":
                plateau = isinstance(scheduler, optim.lr_scheduler.ReduceLROnPlateau)
                scheduler.step(*[figures.get("val_loss", loss)] if plateau else [])
            if verbose:
                shown = [f"{name} {text(x, 0)}" for name, x in figures.items()]
                print(f"epoch {epoch:3d}   {'   '.join(shown)}", flush=True)
            for callback in callbacks:
                callback(training)
            if training.stop:
                history.stopped = training.stop
                break
    return history


def check(model: Any, optimizer: Any, epochs: int, accumulate: int, schedule: str) -> None:
    """Refuse arguments that make no sense."""
    if not isinstance(model, nn.Module):
        raise ArgumentTypeError(f"model: got {type(model).__name__}, expected an nn.Module")
    if not isinstance(optimizer, optim.Optimizer):
        raise ArgumentTypeError(f"optimizer: got {type(optimizer).__name__}, expected an optimizer of minidl.optim")
    for name, number in (("epochs", epochs), ("accumulate", accumulate)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ArgumentError(f"{name}: got {number!r}, expected an int of at least 1")
    if schedule not in ("epoch", "step"):
        raise ArgumentError(f'schedule: got {schedule!r}, expected "epoch" or "step"')


def train_epoch(
    model: nn.Module, batches: Iterable[Any], criterion: Callable[[Any, Any], Any], optimizer: optim.Optimizer,
    accumulate: int = 1, clip_norm: float | None = None, scheduler: Any = None,
) -> float:  # fmt: skip
    """Go through the batches once and take a step for each (or for every `accumulate`); return the mean loss."""
    total, samples, waiting = 0.0, 0, 0
    optimizer.zero_grad()

    def step() -> None:
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        if scheduler is not None:
            scheduler.step()

    for batch in batches:
        *inputs, targets = batch
        loss = criterion(model(*inputs), targets)
        (loss if accumulate == 1 else loss / accumulate).backward()
        waiting += 1
        if waiting == accumulate:
            step()
            waiting = 0
        count = len(targets)
        total += loss.item() * count
        samples += count
    if samples == 0:
        raise ArgumentError("train: no batch came; is the data set empty, or smaller than a batch with drop_last=True?")
    if waiting:
        step()
    return total / samples


def evaluate(
    model: nn.Module, batches: Iterable[Any], criterion: Callable[[Any, Any], Any],
    metrics: Mapping[str, Metric] | None = None,
) -> dict[str, float]:  # fmt: skip
    """Return the mean loss and the metrics over all batches, in eval mode and without gradients.

    >>> import minidl
    >>> from minidl.training import evaluate
    >>> net, x = minidl.nn.Identity(), minidl.tensor([[2.0, 1.0], [0.0, 3.0]])
    >>> batches = [(x, minidl.tensor([0, 1]))]
    >>> figures = evaluate(net, batches, minidl.nn.CrossEntropyLoss(), {"accuracy": minidl.metrics.accuracy})
    >>> figures["accuracy"], round(figures["loss"], 3)
    (1.0, 0.181)
    """
    was_training, total, samples = model.training, 0.0, 0
    answers: list[Any] = []
    model.eval()
    try:
        with minidl.no_grad():
            for batch in batches:
                *inputs, targets = batch
                outputs = model(*inputs)
                total += criterion(outputs, targets).item() * len(targets)
                samples += len(targets)
                if metrics:
                    answers.append((np.asarray(targets), np.asarray(outputs)))
    finally:
        model.train(was_training)
    if samples == 0:
        raise ArgumentError("validation: no batch came; is the data set empty?")
    figures = {"loss": total / samples}
    if metrics:
        targets, outputs = (np.concatenate(parts) for parts in zip(*answers, strict=True))
        figures.update({name: float(metric(targets, outputs)) for name, metric in metrics.items()})
    return figures


# -- the plain loop --------------------------------------------------------------------------------------------------


def loop(
    epochs: int = 1, validation: bool = False, metrics: Iterable[str] = (), scheduler: Any = None,
    schedule: str = "epoch", accumulate: int = 1, clip_norm: float | None = None,
) -> str:  # fmt: skip
    """Return the plain loop for these options of fit, a program over model, train, criterion, optimizer, ..."""
    step = ["optimizer.step()", "optimizer.zero_grad()"]
    if clip_norm is not None:
        step.insert(0, f"minidl.nn.utils.clip_grad_norm_(model.parameters(), {clip_norm})")
    if scheduler is not None and schedule == "step":
        step.append("scheduler.step()")
    lines = [f"for epoch in range({epochs}):", "    model.train()", "    optimizer.zero_grad()"]
    if accumulate == 1:
        lines += ["    for *inputs, targets in train:"]
        body = ["loss = criterion(model(*inputs), targets)", "loss.backward()", *step]
    else:
        lines += ["    for number, (*inputs, targets) in enumerate(train, 1):"]
        body = ["loss = criterion(model(*inputs), targets)", f"(loss / {accumulate}).backward()"]
        body += [f"if number % {accumulate} == 0 or number == len(train):", *[f"    {line}" for line in step]]
    lines += [f"        {line}" for line in body]
    plateau = isinstance(scheduler, optim.lr_scheduler.ReduceLROnPlateau)
    if validation:
        lines += ["    model.eval()", "    with minidl.no_grad():"]
        lines += ["        answers = [(targets, model(*inputs)) for *inputs, targets in validation]"]
        lines += ["        targets, outputs = (minidl.cat(parts) for parts in zip(*answers))"]
        lines += ["        val_loss = criterion(outputs, targets).item()"]
        lines += [f"        print({name!r}, metrics[{name!r}](targets, outputs))" for name in metrics]
    if scheduler is not None and schedule == "epoch":
        figure = ("val_loss" if validation else "loss.item()") if plateau else ""
        lines += [f"    scheduler.step({figure})"]
    return "\n".join(lines)


def show_loop(**options: Any) -> None:
    """Print the plain loop that `fit` stands for; the options are fit's.

    >>> import minidl
    >>> minidl.fit.show_loop(epochs=3)
    for epoch in range(3):
        model.train()
        optimizer.zero_grad()
        for *inputs, targets in train:
            loss = criterion(model(*inputs), targets)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    """
    print(loop(**options))


fit.show_loop = show_loop  # type: ignore[attr-defined]
