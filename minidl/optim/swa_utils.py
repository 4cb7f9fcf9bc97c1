"""Averages of a model's weights over its training, which generalise better than the last ones.

Either the plain mean of the weights at the ends of the last epochs (stochastic weight averaging, SWA, Izmailov et al.
2018), or an exponential moving average (EMA) over all steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import minidl

from .. import nn
from ..errors import ArgumentError
from ..tensor import Tensor
from .lr_scheduler.scheduler import LRScheduler, number_for_each_group
from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Any], Tensor]


def get_swa_avg_fn() -> Average:
    """Return the rule of the plain mean: a + (w - a)/(n + 1), with a the mean of n weights so far and w the next.

    >>> import minidl
    >>> mean = minidl.optim.swa_utils.get_swa_avg_fn()
    >>> mean(minidl.tensor(1.0), minidl.tensor(4.0), 2).item()
    2.0
    """
    return lambda average, weight, n: average + (weight - average) / (n + 1)


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """Return the rule of the moving average: decay·a + (1 - decay)·w.

    >>> import minidl
    >>> mean = minidl.optim.swa_utils.get_ema_avg_fn(0.75)
    >>> mean(minidl.tensor(1.0), minidl.tensor(5.0), 2).item()
    2.0
    """
    if not 0 <= decay <= 1:
        raise ArgumentError(f"decay must be from 0 to 1, got {decay!r}")
    return lambda average, weight, n: decay * average + (1 - decay) * weight


def of_all(rule: Average) -> Callable[[Iterable[Tensor], Iterable[Tensor], Any], None]:
    """Return a rule for lists of weights, whose averages it changes in place."""

    def update(averages: Iterable[Tensor], weights: Iterable[Tensor], n: Any) -> None:
        with minidl.no_grad():
            for average, weight in zip(averages, weights, strict=True):
                average.copy_(rule(average, weight, n))

    return update


def get_swa_multi_avg_fn() -> Callable[[Iterable[Tensor], Iterable[Tensor], Any], None]:
    """Return the rule of the plain mean for lists of weights, which it changes in place.

    >>> import minidl
    >>> average = minidl.tensor([1.0])
    >>> minidl.optim.swa_utils.get_swa_multi_avg_fn()([average], [minidl.tensor([4.0])], 2)
    >>> average.item()
    2.0
    """
    return of_all(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Iterable[Tensor], Iterable[Tensor], Any], None]:
    """Return the rule of the moving average for lists of weights, which it changes in place.

    >>> import minidl
    >>> average = minidl.tensor([1.0])
    >>> minidl.optim.swa_utils.get_ema_multi_avg_fn(0.75)([average], [minidl.tensor([5.0])], 2)
    >>> average.item()
    2.0
    """
    return of_all(get_ema_avg_fn(decay))


class AveragedModel(nn.Module):
    """A copy of a model whose weights are averages: `update_parameters(model)` takes its weights of this moment in.

    The average is the plain mean, or what `avg_fn(average, weight, number_so_far)` returns, or `multi_avg_fn`, which
    gets lists of them, changes in place. Buffers are the model's last, or with `use_buffers` averaged as well; after
    the training, `update_bn` computes the statistics of batch norms anew. `n_averaged` counts.

    >>> import minidl
    >>> from minidl.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
    >>> model = minidl.nn.Linear(1, 1, bias=False)
    >>> ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.75))
    >>> for weight in (1.0, 5.0):
    ...     _ = minidl.nn.init.constant_(model.weight, weight)
    ...     ema.update_parameters(model)
    >>> ema(minidl.ones(1, 1)).item()
    2.0
    """

    n_averaged: Tensor

    def __init__(
        self, model: nn.Module, device: Any = None, avg_fn: Average | None = None, multi_avg_fn: Any = None,
        use_buffers: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ArgumentError("give avg_fn or multi_avg_fn, not both")
        self.module = deepcopy(model).to(device=device)
        self.register_buffer("n_averaged", minidl.tensor(0, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the model with the averaged weights does."""
        return self.module(*args, **kwargs)

    @minidl.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take the weights of the model into the average."""
        averages, weights = ([param.detach() for param in m.parameters()] for m in (self.module, model))
        ours, theirs = list(self.module.buffers()), list(model.buffers())
        if self.use_buffers:
            averages, weights, ours, theirs = averages + ours, weights + theirs, [], []
        if self.n_averaged == 0:
            of_all(lambda average, weight, n: weight)(averages, weights, 0)
        else:
            rule = self.multi_avg_fn or of_all(self.avg_fn or get_swa_avg_fn())
            rule(averages, weights, self.n_averaged)
        of_all(lambda average, weight, n: weight)(ours, theirs, 0)
        self.n_averaged += 1


@minidl.no_grad()
def update_bn(loader: Iterable[Any], model: nn.Module, device: Any = None) -> None:
    """Compute the running statistics of a model's batch norms anew, as the means over all batches of a loader.

    A batch is the model's input, or a list or tuple that begins with it.

    >>> import minidl
    >>> model = minidl.nn.BatchNorm1d(1)
    >>> minidl.optim.swa_utils.update_bn([minidl.tensor([[1.0], [3.0]]), minidl.tensor([[5.0], [7.0]])], model)
    >>> model.running_mean.item()
    4.0
    """
    momenta = {m: m.momentum for m in model.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for norm in momenta:
        norm.reset_running_stats()
        norm.momentum = None
    for batch in loader:
        input = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(input if device is None else input.to(device))
    for norm, momentum in momenta.items():
        norm.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """The rates go to `swa_lr`, one number or one a group, in anneal_epochs epochs, and stay there.

    On the way they follow half a cosine (`anneal_strategy` "cos") or a line ("linear").

    >>> import minidl
    >>> optimizer = minidl.optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = minidl.optim.swa_utils.SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> for epoch in range(4):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    1.0 0.75 0.5 0.5
    """

    def __init__(
        self, optimizer: Optimizer, swa_lr: Any, anneal_epochs: int = 10, anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        rates = number_for_each_group("swa_lr", swa_lr, optimizer)
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"anneal_strategy must be one of 'cos', 'linear', got {anneal_strategy!r}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ArgumentError(f"anneal_epochs must be a whole number of 0 or more, got {anneal_epochs!r}")
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        self.anneal_epochs = anneal_epochs
        self._anneal_strategy = anneal_strategy
        super().__init__(optimizer, last_epoch)

    def part(self, step: int) -> float:
        """Return how far the rates have come after a step, from 0 to 1."""
        way = max(0, min(1, step / max(1, self.anneal_epochs)))
        return way if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * way)) / 2

    def get_lr(self) -> list[Any]:
        """Return the rates of this step, from those that the present ones began with."""
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self.part(step - 1), self.part(step)
        rates = []
        for group in self.optimizer.param_groups:
            last = group["swa_lr"]
            first = last if before == 1 else (group["lr"] - before * last) / (1 - before)
            rates.append(last * now + first * (1 - now))
        return rates
