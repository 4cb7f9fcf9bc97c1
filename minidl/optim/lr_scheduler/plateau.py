"""The schedule that looks at the results."""

from __future__ import annotations

import math
from typing import Any

from ...errors import ArgumentError
from ..optimizer import Optimizer
from .scheduler import (
    LRScheduler,
    check_numbers,
    for_each_group,
    number_for_each_group,
    of_groups,
    put_lr,
    warn_of_epoch,
)


class ReduceLROnPlateau(LRScheduler):
    """lr <- lr·factor when a measure, such as the validation loss, has not improved for more than `patience` epochs.

    `step(metrics)` gets the measure after each epoch. With `mode` "min" smaller is better, with "max" larger. It must
    be better than the best so far by `threshold`: as a part of it (`threshold_mode` "rel") or as a difference ("abs").
    After a change, `cooldown` epochs are not counted. `min_lr`, one number or one a group, is the lowest rate; a change
    smaller than `eps` is left out.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0, 1.0):
    ...     optimizer.step()
    ...     scheduler.step(loss)
    ...     print(scheduler.get_last_lr()[0], end=" ")
    1.0 1.0 1.0 0.5 0.5
    """

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10, threshold: float = 1e-4,
        threshold_mode: str = "rel", cooldown: int = 0, min_lr: Any = 0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        check_numbers(factor=factor, patience=patience, threshold=threshold, cooldown=cooldown, eps=eps)
        if not factor < 1:
            raise ArgumentError(f"factor must be below 1, to make the rate smaller, got {factor!r}")
        if mode not in ("min", "max"):
            raise ArgumentError(f"mode must be one of 'min', 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ArgumentError(f"threshold_mode must be one of 'rel', 'abs', got {threshold_mode!r}")
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = number_for_each_group("min_lr", min_lr, optimizer)
        self.eps = eps
        self.last_epoch = 0
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self._last_lr = of_groups(optimizer)

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Take the measure of an epoch, a number or a Tensor with one, and change the rates if it is time.

        The epoch's number, by default one more than the last, changes nothing else; giving it warns.
        """
        measure = float(metrics)
        if epoch is not None:
            warn_of_epoch()
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self.num_bad_epochs += 1
        if self.is_better(measure):
            self.best = measure
            self.num_bad_epochs = 0
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = of_groups(self.optimizer)

    @property
    def in_cooldown(self) -> bool:
        """Whether the epochs after a change are not counted yet."""
        return self.cooldown_counter > 0

    def is_better(self, measure: float) -> bool:
        """Return whether a measure is better than the best so far by the threshold."""
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            wanted = self.best * (1 + sign * self.threshold)
        else:
            wanted = self.best + sign * self.threshold
        return measure > wanted if self.mode == "max" else measure < wanted

    def reduce_lr(self) -> None:
        """Multiply the rates by the factor."""
        if self.default_min_lr is not None:  # groups may have been added
            self.min_lrs = for_each_group("min_lr", self.default_min_lr, self.optimizer)
        for group, least in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
            before = float(group["lr"])
            lr = max(before * self.factor, least)
            if before - lr > self.eps:
                put_lr(group, lr)
