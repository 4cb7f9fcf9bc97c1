"""Adagrad."""

from __future__ import annotations

from typing import Any

import numpy as np

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
        initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *,
        maximize: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:  # the sums are part of the state from the beginning
            self.prepare([param.array for param in group["params"]], [self.state[p] for p in group["params"]], group)

    def check(self, group: dict[str, Any]) -> None:
        """Raise if an option makes no sense."""
        super().check(group)
        for name in ("lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
            at_least_zero(name, group[name])

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Return the names of the arrays in a parameter's state."""
        return ("step", "sum")

    def start(self, name: str, w: Any) -> Any:
        """Return what an array of the state begins as; the sum's value is one for all groups, as in PyTorch."""
        if name == "sum":
            return np.full(w.shape, self.defaults["initial_accumulator_value"], w.dtype)
        return super().start(name, w)

    def step_all(self, w: Any, g: Any, states: Any, group: dict[str, Any]) -> None:
        """Change the arrays w in place by their gradients g."""
        s, t = arrays(states, "sum"), count(states)
        options = numbers(group, "lr", "lr_decay", "eps", "weight_decay")
        kernels.update_adagrad(w, g, s, t, *options, bool(group["maximize"]))
