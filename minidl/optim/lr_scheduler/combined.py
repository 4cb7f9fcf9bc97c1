"""Several schedules for one optimizer: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ArgumentError, ArgumentTypeError
from ..optimizer import Optimizer
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler, of_groups, put_lr


class Combined(LRScheduler):
    """What a schedule made of others has: their checks and their states."""

    _schedulers: list[LRScheduler]

    def take(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> None:
        """Keep the schedules, or raise if they can't work together."""
        if not schedulers:
            raise ArgumentError("schedulers is empty, expected at least one")
        for number, scheduler in enumerate(schedulers):
            if not isinstance(scheduler, LRScheduler):
                raise ArgumentTypeError(f"schedulers: entry {number} is a {type(scheduler).__name__}, no schedule")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ArgumentError(f"schedulers: entry {number} is a ReduceLROnPlateau, whose step needs the metrics")
            if scheduler.optimizer is not (optimizer or schedulers[0].optimizer):
                raise ArgumentError(f"schedulers: entry {number} belongs to another optimizer")
        self.optimizer = schedulers[0].optimizer
        self._schedulers = list(schedulers)

    def undo(self) -> None:
        """Undo the first steps that the schedules did when they were made."""
        for scheduler in self._schedulers:
            if isinstance(scheduler, Combined):
                scheduler.undo()
            else:
                scheduler.last_epoch -= 1

    def state_dict(self) -> dict[str, Any]:
        """Return all but the optimizer, with the states of the schedules."""
        return {**super().state_dict(), "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what state_dict() returned."""
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(state)
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_schedulers"})


class SequentialLR(Combined):
    """Schedules one after the other; at each of the epochs `milestones` the next one begins, at its own epoch 0.

    >>> import minidl
    >>> from minidl import optim
    >>> from minidl.optim.lr_scheduler import ConstantLR, ExponentialLR, SequentialLR
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> warm_up, decay = ConstantLR(optimizer, factor=0.1), ExponentialLR(optimizer, gamma=0.5)
    >>> scheduler = SequentialLR(optimizer, [warm_up, decay], milestones=[2])
    >>> for epoch in range(5):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    0.1 0.1 1.0 0.5 0.25
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        self.take(schedulers, optimizer)
        self._milestones = list(milestones)
        if len(self._milestones) != len(schedulers) - 1:
            raise ArgumentError(
                f"milestones: expected {len(schedulers) - 1}, one fewer than schedulers, got {len(self._milestones)}"
            )
        self.last_epoch = last_epoch + 1
        for group in self.optimizer.param_groups:
            put_lr(group, group["initial_lr"])
        self.undo()
        self._schedulers[bisect_right(self._milestones, 0)]._initial_step()
        self._last_lr = of_groups(self.optimizer)

    def step(self) -> None:  # type: ignore[override]
        """Go on to the next epoch, of the schedule whose turn it is."""
        self.last_epoch += 1
        number = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[number]
        if number > 0 and self._milestones[number - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = of_groups(self.optimizer)


class ChainedScheduler(Combined):
    """Several schedules at once: each step is one of every one of them, in their order.

    >>> import minidl
    >>> from minidl import optim
    >>> from minidl.optim.lr_scheduler import ChainedScheduler, ConstantLR, ExponentialLR
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> both = [ConstantLR(optimizer, factor=0.1, total_iters=2), ExponentialLR(optimizer, gamma=0.5)]
    >>> scheduler = ChainedScheduler(both)
    >>> for epoch in range(4):
    ...     print(round(scheduler.get_last_lr()[0], 4), end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    0.1 0.05 0.25 0.125
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.take(schedulers, optimizer)
        self._last_lr = of_groups(self.optimizer)

    def step(self) -> None:  # type: ignore[override]
        """Go on to the next epoch, of all schedules."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = of_groups(self.optimizer)
