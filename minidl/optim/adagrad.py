"""Adagrad."""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl

from .. import _kernels as kernels
from .one_pass import OnePass, arrays, count, numbers
from .optimizer import at_least_zero


class Adagrad(OnePass):
    """Each weight has a step of its own, which shrinks with all the gradients it has seen: good for rare features.

    The rule (Duchi, Hazan & Singer 2011, eq. 1 with diagonal matrices), with γ = `lr`, η = `lr_decay`, ε = `eps` and t
    the number of the step:

        s <- s + g²
        w <- w - γ/(1 + (t - 1)·η) · g/(√s + ε)

    s starts at `initial_accumulator_value`. `weight_decay` λ first adds λ·w to g. `maximize` turns the sign of g.

    Options: lr 0.01, lr_decay 0, weight_decay 0, initial_accumulator_value 0, eps 1e-10, maximize False. Raises
    ValueError for one that is negative or not finite.

    >>> import minidl
    >>> w = minidl.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = minidl.optim.Adagrad([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in w.tolist()]               # the first step is lr, whatever the size of the gradient
    [0.9, -1.9]
    """

    def __init__(
        self, params: Any, lr: float = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
        initial_accumulator_value: float = 0, eps: float = 1e-10, *, maximize: bool = False, **others: Any,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults, others)

    def check(self, group: dict[str, Any]) -> None:
        """Raise if an option makes no sense."""
        for name in ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
            at_least_zero(name, group[name])

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters; their sums are part of the state from now on, as in PyTorch."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for param in group["params"]:
            start = np.full(param.array.shape, group["initial_accumulator_value"], param.array.dtype)
            self.state[param] = {"step": minidl.tensor(0.0), "sum": minidl.from_numpy(start)}

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Return the names of the arrays in a parameter's state."""
        return ("step", "sum")

    def step_all(self, w: Any, g: Any, states: Any, group: dict[str, Any]) -> None:
        """Change the arrays w in place by their gradients g."""
        s, t = arrays(states, "sum"), count(states)
        options = numbers(group, "lr", "lr_decay", "eps", "weight_decay")
        kernels.update_adagrad(w, g, s, t, *options, bool(group["maximize"]))
