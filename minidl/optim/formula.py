"""Optimizers whose rule is a formula in NumPy, one parameter at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl

from .optimizer import Optimizer


class Formula(Optimizer):
    """The frame of Adadelta, Adamax, NAdam, RAdam, Rprop and ASGD, which say what they keep and write their formula.

    It counts the steps, turns the sign of the gradient for `maximize`, and decays the weights.
    """

    numbers: tuple[str, ...] | None = ("step",)

    def start(self, w: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Return the arrays that are kept for a parameter, by name, as they begin."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it keeps; write start(self, w, group)")

    def formula(self, w: Any, g: Any, t: float, kept: dict[str, Any], group: dict[str, Any]) -> None:
        """Change the array w and those kept in place by the gradient g; t is the number of the step, from 1."""
        raise NotImplementedError(f"{type(self).__name__} has no rule; write formula(self, w, g, t, kept, group)")

    def update(self, w: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Do one step on one parameter."""
        if not state:
            start = {"step": np.zeros((), np.float32), **self.start(w, group)}
            state.update({name: minidl.from_numpy(array) for name, array in start.items()})
        kept = {name: value.array for name, value in state.items()}
        kept["step"] += 1
        if group["maximize"]:
            g = -g
        decay = float(group.get("weight_decay", 0))
        if group.get("decoupled_weight_decay"):
            w *= 1 - float(group["lr"]) * decay
        elif decay:
            g = g + decay * w
        self.formula(w, g, kept["step"].item(), kept, group)


def blend(mean: Any, g: Any, beta: float) -> None:
    """Do mean <- beta·mean + (1 - beta)·g in place, as a step from the end that is nearer."""
    mean[...] = mean + (1 - beta) * (g - mean) if beta > 0.5 else g - beta * (g - mean)
