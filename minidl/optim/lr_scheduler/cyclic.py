"""Learning rates that go up and down again and again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ...errors import ArgumentError, ArgumentTypeError
from ..optimizer import Optimizer
from .scheduler import (
    LRScheduler,
    attributes,
    check_momentum,
    check_numbers,
    number_for_each_group,
    put_lr,
    put_momentum,
)


class CyclicLR(LRScheduler):
    """From base_lr in `step_size_up` steps up a line to max_lr and in `step_size_down` down again; a step a batch.

    The height of a peak above base_lr is multiplied by a factor: 1 with `mode` "triangular", 1/2 after each cycle with
    "triangular2", gamma after each step with "exp_range"; or by what `scale_fn` returns for the number of the cycle
    from 1, or with `scale_mode` "iterations" for that of the step from 0. With `cycle_momentum`, the momentum (of Adam,
    β₁) goes the other way, from max_momentum to base_momentum and back. Source: Smith 2017, Cyclical learning rates.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], momentum=0.9)
    >>> scheduler = optim.lr_scheduler.CyclicLR(optimizer, base_lr=0.0, max_lr=1.0, step_size_up=2, mode="triangular2")
    >>> for batch in range(8):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    0.0 0.5 1.0 0.5 0.0 0.25 0.5 0.25
    """

    def __init__(
        self, optimizer: Optimizer, base_lr: Any, max_lr: Any, step_size_up: int = 2000,
        step_size_down: int | None = None, mode: str = "triangular", gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None, scale_mode: str = "cycle", cycle_momentum: bool = True,
        base_momentum: Any = 0.8, max_momentum: Any = 0.9, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        base_lrs = number_for_each_group("base_lr", base_lr, optimizer)
        self.max_lrs = number_for_each_group("max_lr", max_lr, optimizer)
        down = step_size_up if step_size_down is None else step_size_down
        check_numbers(step_size_up=step_size_up, step_size_down=down, gamma=gamma)
        if not step_size_up > 0 or not down >= 0:
            raise ArgumentError(f"step_size_up must be above 0, step_size_down not below, got {step_size_up}, {down}")
        if scale_fn is None and mode not in ("triangular", "triangular2", "exp_range"):
            raise ArgumentError(f"mode must be one of 'triangular', 'triangular2', 'exp_range', got {mode!r}")
        if scale_fn is not None and not callable(scale_fn):
            raise ArgumentTypeError(f"scale_fn must be a function, got {scale_fn!r}")
        self.total_size = float(step_size_up + down)
        self.step_ratio = step_size_up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            check_momentum(optimizer)
            self.base_momentums = number_for_each_group("base_momentum", base_momentum, optimizer)
            self.max_momentums = number_for_each_group("max_momentum", max_momentum, optimizer)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                put_lr(group, lr)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale(self, cycle: int) -> float:
        """Return the factor of a peak's height, in a cycle from 1."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.mode == "triangular":
            return 1.0
        return 0.5 ** (cycle - 1) if self.mode == "triangular2" else self.gamma**self.last_epoch

    def get_lr(self) -> list[Any]:
        """Return the rates of this step, and set the momenta."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height *= self.scale(cycle)
        if self.cycle_momentum:
            momenta = zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True)
            for group, least, most in momenta:
                put_momentum(group, most - (most - least) * height)
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return all but the optimizer and the function; of a callable object, its attributes."""
        function = self._scale_fn_custom
        return {**super().state_dict(), "_scale_fn_custom": None if function is None else attributes(function)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what state_dict() returned."""
        saved = {**state_dict}
        function = saved.pop("_scale_fn_custom")
        if function is not None:
            vars(self._scale_fn_custom).update(function)
        super().load_state_dict(saved)
