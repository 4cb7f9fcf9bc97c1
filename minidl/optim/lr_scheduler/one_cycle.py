"""The one-cycle policy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...errors import ArgumentError
from ..optimizer import Optimizer, check_number
from .scheduler import LRScheduler, check_momentum, check_numbers, number_for_each_group, put_momentum


class Phase(NamedTuple):
    """The last step of a phase, and which options of a group its rate and momentum go from and to."""

    end_step: float
    start_lr: str
    end_lr: str
    start_momentum: str
    end_momentum: str


def cosine(start: float, end: float, part: float) -> float:
    """Return the value between start and end that half a cosine has at this part of the way."""
    return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)


def line(start: float, end: float, part: float) -> float:
    """Return the value between start and end that a line has at this part of the way."""
    return (end - start) * part + start


class OneCycleLR(LRScheduler):
    """Up from max_lr/div_factor to `max_lr`, then down to max_lr/(div_factor·final_div_factor); a step for each batch.

    The way up takes `pct_start` of the steps; with `three_phase` the way down to the first rate takes as long, and the
    rest goes on down from there. Each phase goes along half a cosine (`anneal_strategy` "cos") or a line ("linear").
    With `cycle_momentum`, the momentum (of Adam, β₁) goes the other way, from max_momentum to base_momentum and back.

    The number of steps is `total_steps`, or epochs · steps_per_epoch; one more step than that is an error. Source:
    Smith & Topin 2018, Super-convergence.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    >>> scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=6, pct_start=0.5)
    >>> for batch in range(6):
    ...     print(round(scheduler.get_last_lr()[0], 4), end=" ")
    ...     optimizer.step()
    ...     if batch < 5:
    ...         scheduler.step()
    0.04 0.52 1.0 0.75 0.25 0.0
    """

    def __init__(
        self, optimizer: Optimizer, max_lr: Any, total_steps: int | None = None, epochs: int | None = None,
        steps_per_epoch: int | None = None, pct_start: float = 0.3, anneal_strategy: str = "cos",
        cycle_momentum: bool = True, base_momentum: Any = 0.85, max_momentum: Any = 0.95, div_factor: float = 25.0,
        final_div_factor: float = 1e4, three_phase: bool = False, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        options: dict[str, list[float]] = {"max_lr": number_for_each_group("max_lr", max_lr, optimizer)}
        self.total_steps = number_of_steps(total_steps, epochs, steps_per_epoch)
        check_numbers(pct_start=pct_start, div_factor=div_factor, final_div_factor=final_div_factor)
        if div_factor == 0 or final_div_factor == 0:
            raise ArgumentError(f"div_factor and final_div_factor must not be 0, got {div_factor}, {final_div_factor}")
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ArgumentError(f"pct_start must be the part of the steps up, a float from 0 to 1, got {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"anneal_strategy must be one of 'cos', 'linear', got {anneal_strategy!r}")
        self.anneal_strategy = anneal_strategy
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            check_momentum(optimizer)
            options["max_momentum"] = number_for_each_group("max_momentum", max_momentum, optimizer)
            options["base_momentum"] = number_for_each_group("base_momentum", base_momentum, optimizer)
        options["initial_lr"] = [lr / div_factor for lr in options["max_lr"]]
        options["min_lr"] = [lr / final_div_factor for lr in options["initial_lr"]]
        if last_epoch == -1:
            for name, values in options.items():
                for group, value in zip(optimizer.param_groups, values, strict=True):
                    group[name] = value
        top = pct_start * self.total_steps - 1
        self.phases = [Phase(top, "initial_lr", "max_lr", "max_momentum", "base_momentum")]
        if three_phase:
            self.phases.append(Phase(2 * top, "max_lr", "initial_lr", "base_momentum", "max_momentum"))
            self.phases.append(Phase(self.total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"))
        else:
            self.phases.append(Phase(self.total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"))
        super().__init__(optimizer, last_epoch)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what state_dict() returned, also from a file, where phases are plain tuples."""
        super().load_state_dict({**state_dict, "phases": [Phase(*phase) for phase in state_dict["phases"]]})

    def get_lr(self) -> list[float]:
        """Return the rates of this step, and set the momenta."""
        if self.last_epoch > self.total_steps:
            raise ArgumentError(
                f"step {self.last_epoch} is beyond the {self.total_steps} steps of this schedule; call step() once a "
                "batch, or give it more total_steps"
            )
        start, phase = 0.0, self.phases[0]
        for following in self.phases[1:]:
            if self.last_epoch > phase.end_step:
                start, phase = phase.end_step, following
        if phase.end_step == start:
            raise ArgumentError(f"a phase has no length: pct_start is too near 0 or 1 for {self.total_steps} steps")
        part = (self.last_epoch - start) / (phase.end_step - start)
        between = cosine if self.anneal_strategy == "cos" else line
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                put_momentum(group, between(group[phase.start_momentum], group[phase.end_momentum], part))
        return [between(group[phase.start_lr], group[phase.end_lr], part) for group in self.optimizer.param_groups]


def number_of_steps(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    """Return total_steps, or epochs · steps_per_epoch, or raise."""
    if total_steps is not None:
        given = {"total_steps": total_steps}
    elif epochs is not None and steps_per_epoch is not None:
        given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    else:
        raise ArgumentError("give total_steps, or both epochs and steps_per_epoch")
    for name, value in given.items():
        check_number(name, value)
        if not isinstance(value, int) or value < 1:
            raise ArgumentError(f"{name} must be a whole number from 1 up, got {value!r}")
    return math.prod(given.values())
