"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from .. import _kernels as kernels
from ..errors import ArgumentError
from .one_pass import OnePass, arrays, numbers
from .optimizer import at_least_zero, check_number


class SGD(OnePass):
    """w <- w - α·∇J(w): gradient descent, with α = `lr`.

    J is the loss that backward ran on. Of one sample or a few it makes the descent stochastic (Robbins & Monro 1951);
    of the whole training set it is full-batch gradient descent, by the same rule.

    With `momentum` μ the step follows a running sum of gradients (Polyak 1964; Sutskever et al. 2013, eq. 1-2):

        v <- μ·v + (1 - dampening)·g, from v = g in the first step
        w <- w - α·v, or with `nesterov` w - α·(g + μ·v)

    `weight_decay` λ first adds λ·w to g, the gradient of λ/2·‖w‖². `maximize` turns the sign of g.

    Options: lr 0.001, momentum 0, dampening 0, weight_decay 0, nesterov False, maximize False. Raises ValueError for
    one that is negative or not finite, and for nesterov without momentum or with dampening.

    >>> import minidl
    >>> w = minidl.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = minidl.optim.SGD([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.tolist()
    [0.5, 1.0]
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, momentum: float = 0, dampening: float = 0, weight_decay: float = 0,
        nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None, differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
            "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        """Raise if an option makes no sense."""
        super().check(group)
        for name in ("momentum", "weight_decay"):
            at_least_zero(name, group[name])
        check_number("dampening", group["dampening"])
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ArgumentError("nesterov needs a momentum above 0 and no dampening")

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Return the names of the arrays in a parameter's state."""
        return ("momentum_buffer",) if group["momentum"] else ()

    def step_all(self, w: Any, g: Any, states: Any, group: dict[str, Any]) -> None:
        """Change the arrays w in place by their gradients g."""
        v = arrays(states, "momentum_buffer") if group["momentum"] else None
        options = numbers(group, "lr", "momentum", "dampening", "weight_decay")
        kernels.update_sgd(w, g, v, *options, bool(group["nesterov"]), bool(group["maximize"]))

    def step_row_major(self, w: Any, g: Any, states: Any, group: dict[str, Any]) -> None:
        """Do a step; with dampening one by one, because the first gradient counts in full."""
        if not (group["momentum"] and group["dampening"]):
            super().step_row_major(w, g, states, group)
            return
        for array, gradient, state in zip(w, g, states, strict=True):
            first = state.get("momentum_buffer") is None
            super().step_row_major([array], [gradient], [state], {**group, "dampening": 0} if first else group)
