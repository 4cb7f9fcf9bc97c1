"""Optimizers whose rule is a kernel: one pass over the memory of each parameter, and one call for all of a group."""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl

from ..autograd import tick
from ..tensor import Tensor
from .optimizer import Optimizer

Arrays = list[np.ndarray[Any, Any]]


class OnePass(Optimizer):
    """The frame of SGD, Adam, AdamW, RMSprop and Adagrad, which say what they keep and call their kernel in `step_all`.

    A class derived from one of them may write an `update` of its own, and call theirs in it.
    """

    numbers: tuple[str, ...] | None = ("step",)

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Return the names of the arrays in a parameter's state."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it keeps; write kept(self, group)")

    def step_all(self, w: Arrays, g: Arrays, states: list[dict[str, Any]], group: dict[str, Any]) -> None:
        """Change the arrays w in place by their gradients g; all are row-major."""
        raise NotImplementedError(f"{type(self).__name__} has no rule; write step_all(self, w, g, states, group)")

    def update(self, w: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Do one step on one parameter."""
        self.step_row_major([w], [g], [state], group)

    def update_group(self, params: list[Tensor], group: dict[str, Any]) -> None:
        """Change these parameters of a group, all in one call, unless a derived class wrote a rule for one."""
        if type(self).update is not OnePass.update:
            super().update_group(params, group)
            return
        for param in params:
            param.cell[0] = tick()  # so that a backward that saved the old values knows
        arrays, gradients = [param.array for param in params], [param.grad.array for param in params]
        self.step_row_major(arrays, gradients, [self.state[param] for param in params], group)

    def start(self, name: str, w: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return what an array of the state of a parameter begins as."""
        return np.zeros((), np.float32) if name == "step" else np.zeros(w.shape, w.dtype)

    def prepare(self, w: Arrays, states: list[dict[str, Any]], group: dict[str, Any]) -> None:
        """Begin the states that are not there yet."""
        names = self.kept(group)
        for array, state in zip(w, states, strict=True):
            for name in names:
                if state.get(name) is None:
                    state[name] = minidl.from_numpy(self.start(name, array))

    def step_row_major(self, w: Arrays, g: Arrays, states: list[dict[str, Any]], group: dict[str, Any]) -> None:
        """Do a step on arrays of any layout, with copies of those that are not row-major."""
        self.prepare(w, states, group)
        if False not in [array.flags.c_contiguous for array in (*w, *g)]:
            self.step_all(w, g, states, group)
            return
        rows = [np.asarray(array, order="C") for array in w]
        self.step_all(rows, [np.asarray(array, order="C") for array in g], states, group)
        for array, changed in zip(w, rows, strict=True):
            if changed is not array:
                array[...] = changed


def arrays(states: list[dict[str, Any]], name: str) -> Arrays:
    """Return the arrays of this name."""
    return [state[name].array for state in states]


def count(states: list[dict[str, Any]]) -> list[float]:
    """Add 1 to the number of steps in each state, and return them."""
    numbers = []
    for step in arrays(states, "step"):
        number = step.item() + 1
        step.fill(number)
        numbers.append(number)
    return numbers


def numbers(group: dict[str, Any], *names: str) -> list[float]:
    """Return options as Python numbers, which leave the dtype of an array as it is."""
    return [float(group[name]) for name in names]
