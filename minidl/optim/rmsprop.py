"""RMSprop."""

from __future__ import annotations

from typing import Any

from .. import _kernels as kernels
from .one_pass import OnePass, arrays, count, numbers
from .optimizer import at_least_zero


class RMSprop(OnePass):
    """Each weight has a step of its own: the gradient over the root of the running mean of its squares.

    The rule (Tieleman & Hinton 2012, lecture 6e; `centered`: Graves 2013, eq. 38-41), with γ = `lr`, α = `alpha`,
    ε = `eps`, all running values from 0:

        v <- α·v + (1 - α)·g²
        w <- w - γ·g/(√v + ε)

    `centered` takes the variance, v - ḡ² with ḡ <- α·ḡ + (1 - α)·g, in the place of v. With `momentum` μ the step is
    γ·b with b <- μ·b + g/(√v + ε). `weight_decay` λ first adds λ·w to g. `maximize` turns the sign of g.

    Options: lr 0.01, alpha 0.99, eps 1e-8, weight_decay 0, momentum 0, centered False, maximize False. Raises
    ValueError for one that is negative or not finite.

    >>> import minidl
    >>> w = minidl.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = minidl.optim.RMSprop([w], lr=0.01)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in w.tolist()]               # the first step is lr/√(1 - alpha)
    [0.9, -1.9]
    """

    def __init__(
        self, params: Any, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
        momentum: float = 0, centered: bool = False, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        """Raise if an option makes no sense."""
        super().check(group)
        for name in ("alpha", "eps", "weight_decay", "momentum"):
            at_least_zero(name, group[name])

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Return the names of the arrays in a parameter's state."""
        names = ("momentum_buffer",) * (group["momentum"] > 0) + ("grad_avg",) * bool(group["centered"])
        return ("step", "square_avg", *names)

    def step_all(self, w: Any, g: Any, states: Any, group: dict[str, Any]) -> None:
        """Change the arrays w in place by their gradients g."""
        count(states)
        v = arrays(states, "square_avg")
        mean = arrays(states, "grad_avg") if group["centered"] else None
        b = arrays(states, "momentum_buffer") if group["momentum"] > 0 else None
        options = numbers(group, "lr", "alpha", "eps", "weight_decay", "momentum")
        kernels.update_rmsprop(w, g, v, mean, b, *options, bool(group["maximize"]))
