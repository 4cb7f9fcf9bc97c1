"""Schedules along a cosine."""

from __future__ import annotations

import math
from typing import Any

from ...errors import ArgumentError
from ..optimizer import Optimizer
from .decay import whole_epochs
from .scheduler import LRScheduler, check_numbers, of_groups


class CosineAnnealingLR(LRScheduler):
    """lr = η + (initial lr - η)·(1 + cos(π·epoch/T_max))/2, with η = `eta_min`: down in T_max epochs, then up again.

    Source: Loshchilov & Hutter 2017, eq. 5, without its restarts. From one epoch to the next, lr - η is multiplied by
    (1 + cos(π·epoch/T_max)) / (1 + cos(π·(epoch - 1)/T_max)); so it goes on from a rate that something else changed.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    >>> for epoch in range(6):
    ...     print(round(scheduler.get_last_lr()[0], 4), end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    1.0 0.8536 0.5 0.1464 0.0 0.1464
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        check_numbers(T_max=T_max, eta_min=eta_min)
        if not T_max > 0:
            raise ArgumentError(f"T_max must be a number of epochs above 0, got {T_max!r}")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def height(self, epoch: int) -> float:
        """Return 1 + cos(π·epoch/T_max), from 2 to 0."""
        return 1 + math.cos(math.pi * epoch / self.T_max)

    def get_lr(self) -> list[Any]:
        """Return the rates of this epoch from those of the epoch before."""
        present = of_groups(self.optimizer)
        if self._is_initial:
            return present
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # from the bottom, where the height was 0
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [lr + (base - self.eta_min) * rise for lr, base in zip(present, self.base_lrs, strict=True)]
        ratio = self.height(self.last_epoch) / self.height(self.last_epoch - 1)
        return [self.eta_min + (lr - self.eta_min) * ratio for lr in present]

    def _get_closed_form_lr(self) -> list[Any]:
        """Return the rates of this epoch from the initial ones."""
        return [self.eta_min + (base - self.eta_min) * self.height(self.last_epoch) / 2 for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """lr = η + (initial lr - η)·(1 + cos(π·T_cur/T_i))/2: down to η = `eta_min` in T_i epochs, then again from the top.

    T_cur counts the epochs since the last restart; T_i begins with T_0 and is multiplied by T_mult at each restart.
    `step()` goes on by one epoch, `step(epoch)` to any point of time, as in `step(epoch + batch/batches)`.
    Source: Loshchilov & Hutter 2017 (SGDR), eq. 5.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
    >>> for epoch in range(6):
    ...     print(round(scheduler.get_last_lr()[0], 4), end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    1.0 0.5 1.0 0.8536 0.5 0.1464
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        check_numbers(eta_min=eta_min)
        self.T_0 = self.T_i = whole_epochs("T_0", T_0)
        self.T_mult = whole_epochs("T_mult", T_mult)
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the rates of this point of time."""
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go on to the next epoch, or to a point of time, which may lie within an epoch."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            self.last_epoch += 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            if not epoch >= 0:
                raise ArgumentError(f"epoch must be a number of epochs of 0 or more, got {epoch!r}")
            self.last_epoch = math.floor(epoch)
            self.T_cur, self.T_i = epoch, self.T_0
            if self.T_mult == 1:
                self.T_cur %= self.T_0
            while self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        self.set_lr(self.get_lr())
