"""The schedules' frame, and those whose rule is a function of the user's."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import ArgumentError, ArgumentTypeError
from ..optimizer import Optimizer


class LRScheduler:
    """The base of all schedules: `step()`, once an epoch and after the optimizer's, sets each group's lr to `get_lr()`.

    `last_epoch` counts the steps from 0; another value than -1 to start from goes on with a loaded optimizer, whose
    groups then have their `initial_lr`. A subclass writes `get_lr`, which returns an lr for each group.

    >>> import minidl
    >>> from minidl import optim
    >>> class Halving(optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr * 0.5**self.last_epoch for lr in self.base_lrs]
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = Halving(optimizer)
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise ArgumentError(
                    f"last_epoch={last_epoch} goes on with a schedule, but group {number} of the optimizer has no "
                    "'initial_lr'; load the optimizer's state first, or leave last_epoch out to start anew"
                )
        self.optimizer = optimizer
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        optimizer.stepped = False
        self.start()

    def start(self) -> None:
        """Do the first step, which the optimizer has not come before."""
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def restart(self) -> None:
        """Begin anew at epoch 0 with the initial rates."""
        self.last_epoch = -1
        self.set_lr(self.base_lrs)
        self.start()

    def get_lr(self) -> list[float]:
        """Return the learning rate of each group for the epoch `last_epoch`."""
        raise NotImplementedError(f"{type(self).__name__} has no rule; write get_lr(self)")

    def set_lr(self, rates: Sequence[float]) -> None:
        """Give each group its learning rate."""
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = lr
        self._last_lr = list(rates)

    def get_last_lr(self) -> list[float]:
        """Return the learning rate of each group that the last step set."""
        return self._last_lr

    def step(self) -> None:
        """Go on to the next epoch."""
        if self._step_count == 1 and not self.optimizer.stepped and type(self.optimizer).step is Optimizer.step:
            warnings.warn(
                "scheduler.step() came before optimizer.step(), so the first learning rate is never used; call "
                "optimizer.step() first",
                stacklevel=2,
            )
        self._step_count += 1
        self.last_epoch += 1
        self.set_lr(self.get_lr())

    def state_dict(self) -> dict[str, Any]:
        """Return all but the optimizer, to go on later from the same point."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what state_dict() returned."""
        vars(self).update(state_dict)


def check_optimizer(optimizer: Any) -> None:
    """Raise unless it is an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise ArgumentTypeError(f"optimizer must be a minidl.optim.Optimizer, got {type(optimizer).__name__}")


def for_each_group(name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """Return a list with one value for each group, from one for all of them or a list of as many."""
    check_optimizer(optimizer)
    groups = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * groups
    if len(values) != groups:
        raise ArgumentError(f"{name}: expected {groups} values, one for each group, got {len(values)}")
    return values


class LambdaLR(LRScheduler):
    """lr = initial lr · lr_lambda(epoch), with one function for all groups or a list with one for each.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.lr_lambdas = for_each_group("lr_lambda", lr_lambda, optimizer)
        for function in self.lr_lambdas:
            if not callable(function):
                raise ArgumentTypeError(f"lr_lambda must be a function of the epoch, got {function!r}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the initial rates times the functions' values."""
        return [lr * function(self.last_epoch) for lr, function in zip(self.base_lrs, self.lr_lambdas, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return all but the optimizer and the functions; of a callable object, its attributes."""
        saved = [None if isinstance(f, types.FunctionType) else dict(vars(f)) for f in self.lr_lambdas]
        return {**super().state_dict(), "lr_lambdas": saved}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what state_dict() returned."""
        for function, saved in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if saved is not None:
                vars(function).update(saved)
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "lr_lambdas"})


class MultiplicativeLR(LambdaLR):
    """lr <- lr · lr_lambda(epoch) from epoch 1 on, with one function for all groups or a list with one for each.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.5)
    >>> for epoch in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    def get_lr(self) -> list[float]:
        """Return the present rates times the functions' values."""
        present = [group["lr"] for group in self.optimizer.param_groups]
        if self._is_initial:
            return present
        return [lr * function(self.last_epoch) for lr, function in zip(present, self.lr_lambdas, strict=True)]

    def restart(self) -> None:
        """Begin anew at epoch 0, from the present rates."""
        self.last_epoch = 0
        self.set_lr(self.get_lr())
