"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from .formula import Formula
from .optimizer import at_least_zero, check_number


class ASGD(Formula):
    """Gradient descent with shrinking steps that also keeps the mean of the weights, which varies less than they do.

    The rule (Polyak & Juditsky 1992), with γ = `lr`, λ = `lambd`, α = `alpha` and t the number of the step:

        w <- (1 - λ·η)·w - η·g,  η = γ/(1 + λ·γ·(t - 1))^α
        a <- a + (w - a)·μ,  μ = 1/max(1, t - 1 - `t0`)

    The mean a is `optimizer.state[w]["ax"]`; until the step t0 it is w itself. `weight_decay` times w is first added
    to g. `maximize` turns the sign of g.

    Options: lr 0.01, lambd 1e-4, alpha 0.75, t0 1e6, weight_decay 0, maximize False. Raises ValueError for an lr or
    weight_decay that is negative or not finite.

    >>> import minidl
    >>> w = minidl.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = minidl.optim.ASGD([w], lr=0.1, t0=0)
    >>> for step in range(3):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    >>> [round(x, 3) for x in w.tolist()], [round(x, 3) for x in optimizer.state[w]["ax"].tolist()]
    ([0.512, -1.024], [0.576, -1.152])
    """

    numbers = ("step", "eta", "mu")

    def __init__(
        self, params: Any, lr: float = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
        weight_decay: float = 0, foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
        capturable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        """Raise if an option makes no sense."""
        super().check(group)
        at_least_zero("weight_decay", group["weight_decay"])
        for name in ("lambd", "alpha", "t0"):
            check_number(name, group[name])

    def start(self, w: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Return the arrays that are kept for a parameter."""
        eta = np.array(float(group["lr"]), np.float32)
        return {"eta": eta, "mu": np.ones((), np.float32), "ax": np.zeros_like(w)}

    def formula(self, w: Any, g: Any, t: float, kept: dict[str, Any], group: dict[str, Any]) -> None:
        """Do the step t on w by its gradient g."""
        a, eta, mu = kept["ax"], kept["eta"], kept["mu"]
        lr, lambd = float(group["lr"]), group["lambd"]
        w *= 1 - lambd * eta.item()
        w -= eta.item() * g
        a[...] = w if mu == 1 else a + (w - a) * mu.item()
        eta[...] = lr / (1 + lambd * lr * t) ** group["alpha"]
        mu[...] = 1 / max(1, t - group["t0"])
