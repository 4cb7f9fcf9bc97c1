"""Adadelta."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError
from .formula import Formula
from .optimizer import at_least_zero


class Adadelta(Formula):
    """Each weight has a step of its own, in the unit of the weight: the root of its past steps over that of gradients.

    The rule (Zeiler 2012, algorithm 1), with γ = `lr`, ρ = `rho`, ε = `eps`, v and u from 0:

        v <- ρ·v + (1 - ρ)·g²
        d = √(u + ε)/√(v + ε) · g
        u <- ρ·u + (1 - ρ)·d²
        w <- w - γ·d

    `weight_decay` λ first adds λ·w to g. `maximize` turns the sign of g.

    Options: lr 1, rho 0.9, eps 1e-6, weight_decay 0, maximize False. Raises ValueError for one that is negative or not
    finite, and for a rho above 1.

    >>> import minidl
    >>> w = minidl.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = minidl.optim.Adadelta([w], eps=0.01)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in w.tolist()]
    [0.6877, -1.6848]
    """

    def __init__(
        self, params: Any, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
        foreach: bool | None = None, *, capturable: bool = False, maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        """Raise if an option makes no sense."""
        super().check(group)
        for name in ("rho", "eps", "weight_decay"):
            at_least_zero(name, group[name])
        if group["rho"] > 1:
            raise ArgumentError(f"rho must be from 0 to 1, got {group['rho']!r}")

    def start(self, w: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Return the arrays that are kept for a parameter."""
        return {"square_avg": np.zeros_like(w), "acc_delta": np.zeros_like(w)}

    def formula(self, w: Any, g: Any, t: float, kept: dict[str, Any], group: dict[str, Any]) -> None:
        """Do the step t on w by its gradient g."""
        v, u = kept["square_avg"], kept["acc_delta"]
        rho, eps = group["rho"], group["eps"]
        v *= rho
        v += (1 - rho) * g * g
        d = np.sqrt(u + eps) / np.sqrt(v + eps) * g
        u *= rho
        u += (1 - rho) * d * d
        w -= float(group["lr"]) * d
