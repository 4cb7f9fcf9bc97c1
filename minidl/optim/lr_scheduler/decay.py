"""Schedules that multiply the learning rate by a factor.

Each is written as the factor from one epoch to the next, not as a function of the epoch: so several of them can work
on one optimizer, and a rate that was changed by hand stays changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ...errors import ArgumentError, ArgumentTypeError
from ..optimizer import Optimizer, check_number
from .scheduler import LRScheduler, check_numbers


class FactorLR(LRScheduler):
    """lr <- lr · get_factor(): what the schedules of this file have in common."""

    def get_factor(self) -> float:
        """Return by what the rates are multiplied in the epoch `last_epoch`."""
        raise NotImplementedError(f"{type(self).__name__} has no rule; write get_factor(self)")

    def whole_factor(self) -> float:
        """Return by what the initial rates are multiplied in the epoch `last_epoch`."""
        raise NotImplementedError(f"{type(self).__name__} has no closed form; write whole_factor(self)")

    def get_lr(self) -> list[Any]:
        """Return the present rates times the factor."""
        factor = self.get_factor()
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> list[Any]:
        """Return the initial rates times the factor of all epochs."""
        factor = self.whole_factor()
        return [lr * factor for lr in self.base_lrs]


def whole_epochs(name: str, value: int) -> int:
    """Return a number of epochs, or raise if it is not a whole one from 1 up."""
    check_number(name, value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ArgumentError(f"{name} must be a whole number of epochs from 1 up, got {value!r}")
    return value


class StepLR(FactorLR):
    """lr <- lr·gamma every `step_size` epochs.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for epoch in range(5):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    1.0 1.0 0.5 0.5 0.25
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        check_numbers(step_size=step_size, gamma=gamma)
        if step_size == 0:
            raise ArgumentError("step_size must be a number of epochs above 0, got 0")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_factor(self) -> float:
        """Return gamma if a period is over."""
        over = self.last_epoch != 0 and self.last_epoch % self.step_size == 0
        return self.gamma if over else 1.0

    def whole_factor(self) -> float:
        """Return gamma to the number of periods."""
        return self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(FactorLR):
    """lr <- lr·gamma at each of the epochs `milestones`; one that stands twice counts twice.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> for epoch in range(5):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    1.0 0.5 0.5 0.25 0.25
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        check_numbers(gamma=gamma)
        if not isinstance(milestones, Iterable):
            raise ArgumentTypeError(f"milestones must be a list of epochs, got {milestones!r}")
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_factor(self) -> float:
        """Return gamma at a milestone."""
        return self.gamma ** self.milestones.get(self.last_epoch, 0)

    def whole_factor(self) -> float:
        """Return gamma to the number of milestones passed."""
        return self.gamma ** sum(count for epoch, count in self.milestones.items() if epoch <= self.last_epoch)


class ExponentialLR(FactorLR):
    """lr = initial lr · gamma^epoch.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> for epoch in range(4):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    1.0 0.5 0.25 0.125
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        check_numbers(gamma=gamma)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_factor(self) -> float:
        """Return gamma."""
        return 1.0 if self._is_initial else self.gamma

    def whole_factor(self) -> float:
        """Return gamma to the number of epochs."""
        return self.gamma**self.last_epoch


class ConstantLR(FactorLR):
    """lr = initial lr · factor before the epoch `total_iters`, the initial lr from there on.

    Raises ValueError for a factor that is not from 0 to 1.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> for epoch in range(4):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    0.5 0.5 1.0 1.0
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        check_numbers(factor=factor, total_iters=total_iters)
        if not 0 <= factor <= 1:
            raise ArgumentError(f"factor must be from 0 to 1, got {factor!r}")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_factor(self) -> float:
        """Return the factor at the start and its inverse at the end."""
        if self.last_epoch == 0:
            return self.factor
        if self.last_epoch != self.total_iters:
            return 1.0
        if self.factor == 0:
            raise ArgumentError("factor is 0, so the rates can't be divided by it now that total_iters is reached")
        return 1 / self.factor

    def whole_factor(self) -> float:
        """Return the factor, or 1 at the end."""
        return 1.0 if self.last_epoch >= self.total_iters else self.factor


class LinearLR(FactorLR):
    """lr = initial lr · f, with f on a line from start_factor at epoch 0 to end_factor at `total_iters`, then constant.

    A warm-up if start_factor is the smaller one. Raises ValueError unless 0 < start_factor <= 1 and
    0 <= end_factor <= 1.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> for epoch in range(5):
    ...     print(round(scheduler.get_last_lr()[0], 4), end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    0.25 0.5 0.75 1.0 1.0
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        check_numbers(start_factor=start_factor, end_factor=end_factor, total_iters=total_iters)
        if not 0 < start_factor <= 1:
            raise ArgumentError(f"start_factor must be above 0 and at most 1, got {start_factor!r}")
        if not 0 <= end_factor <= 1:
            raise ArgumentError(f"end_factor must be from 0 to 1, got {end_factor!r}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def line(self, epoch: int) -> float:
        """Return total_iters times the factor of an epoch on the line."""
        return self.total_iters * self.start_factor + epoch * (self.end_factor - self.start_factor)

    def get_factor(self) -> float:
        """Return the line's value now over that before."""
        if self.last_epoch == 0:
            return self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return 1.0
        return self.line(self.last_epoch) / self.line(self.last_epoch - 1)

    def whole_factor(self) -> float:
        """Return the line's value."""
        return self.line(min(self.last_epoch, self.total_iters)) / self.total_iters


class PolynomialLR(FactorLR):
    """lr = initial lr · (1 - epoch/total_iters)^power, down to 0 at the epoch `total_iters`.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=2.0)
    >>> for epoch in range(5):
    ...     print(round(scheduler.get_last_lr()[0], 4), end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    1.0 0.5625 0.25 0.0625 0.0
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        check_numbers(total_iters=total_iters, power=power)
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_factor(self) -> float:
        """Return the polynomial's value now over that before."""
        if self._is_initial or self.last_epoch > self.total_iters:
            return 1.0
        left = self.total_iters - self.last_epoch
        if left == 0 and self.power < 0:
            raise ArgumentError(f"power is {self.power}, and total_iters is reached: 0 has no negative power")
        return float((left / (left + 1)) ** self.power)

    def whole_factor(self) -> float:
        """Return the polynomial's value."""
        return float((1 - min(self.last_epoch, self.total_iters) / self.total_iters) ** self.power)
