"""Adamax."""

from __future__ import annotations

from typing import Any

import numpy as np

from .formula import Formula, blend
from .optimizer import at_least_zero, check_betas


class Adamax(Formula):
    """Adam with the largest gradient so far, forgotten slowly, in the place of the root mean square.

    The rule (Kingma & Ba 2015, algorithm 2), with α = `lr`, (β₁, β₂) = `betas`, ε = `eps`, t the number of the step, m
    and u from 0:

        m <- β₁·m + (1 - β₁)·g
        u <- max(β₂·u, |g| + ε)
        w <- w - α/(1 - β₁ᵗ) · m/u

    `weight_decay` λ first adds λ·w to g. `maximize` turns the sign of g.

    Options: lr 0.002, betas (0.9, 0.999), eps 1e-8, weight_decay 0, maximize False. Raises ValueError for one that is
    negative or not finite, and for betas of 1 or more.

    >>> import minidl
    >>> w = minidl.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = minidl.optim.Adamax([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in w.tolist()]               # the first step is lr, whatever the size of the gradient
    [0.9, -1.9]
    """

    def __init__(
        self, params: Any, lr: float = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False,
        capturable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        """Raise if an option makes no sense."""
        super().check(group)
        check_betas(group["betas"])
        for name in ("eps", "weight_decay"):
            at_least_zero(name, group[name])

    def start(self, w: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Return the arrays that are kept for a parameter."""
        return {"exp_avg": np.zeros_like(w), "exp_inf": np.zeros_like(w)}

    def formula(self, w: Any, g: Any, t: float, kept: dict[str, Any], group: dict[str, Any]) -> None:
        """Do the step t on w by its gradient g."""
        m, u = kept["exp_avg"], kept["exp_inf"]
        beta1, beta2 = map(float, group["betas"])
        blend(m, g, beta1)
        u *= beta2
        np.maximum(u, np.abs(g) + group["eps"], out=u)
        w -= float(group["lr"]) / (1 - beta1**t) * m / u
