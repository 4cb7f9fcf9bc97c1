"""RAdam."""

from __future__ import annotations

from typing import Any

import numpy as np

from .formula import Formula, blend
from .optimizer import at_least_zero, check_betas


class RAdam(Formula):
    """Adam that warms itself up: its steps are small until the mean of squares rests on enough of them.

    The rule (Liu et al. 2020, algorithm 2), with α = `lr`, (β₁, β₂) = `betas`, ε = `eps`, t the number of the step:

        m <- β₁·m + (1 - β₁)·g
        v <- β₂·v + (1 - β₂)·g²
        ρ = 2/(1 - β₂) - 1,  ρₜ = ρ - 2·t·β₂ᵗ/(1 - β₂ᵗ)
        w <- w - α·m̂·r·√(1 - β₂ᵗ)/(√v + ε) if ρₜ > 5, else w - α·m̂,  m̂ = m/(1 - β₁ᵗ)
        r = √((ρₜ - 4)·(ρₜ - 2)·ρ / ((ρ - 4)·(ρ - 2)·ρₜ))

    `weight_decay` λ first adds λ·w to g, or with `decoupled_weight_decay` takes α·λ·w from w. `maximize` turns the sign
    of g.

    Options: lr 0.001, betas (0.9, 0.999), eps 1e-8, weight_decay 0, decoupled_weight_decay False, maximize False.
    Raises ValueError for one that is negative or not finite, and for betas of 1 or more.

    >>> import minidl
    >>> w = minidl.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = minidl.optim.RAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in w.tolist()]               # at first it is gradient descent with momentum
    [0.8, -1.6]
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, decoupled_weight_decay: bool = False, *, foreach: bool | None = None,
        maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
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
        return {"exp_avg": np.zeros_like(w), "exp_avg_sq": np.zeros_like(w)}

    def formula(self, w: Any, g: Any, t: float, kept: dict[str, Any], group: dict[str, Any]) -> None:
        """Do the step t on w by its gradient g."""
        m, v = kept["exp_avg"], kept["exp_avg_sq"]
        beta1, beta2 = map(float, group["betas"])
        blend(m, g, beta1)
        v *= beta2
        v += (1 - beta2) * g * g
        correction = 1 - beta2**t
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / correction
        step = float(group["lr"]) * (m / (1 - beta1**t))
        if length > 5:
            r = ((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) ** 0.5
            step = step * (correction**0.5 / (np.sqrt(v) + group["eps"])) * r
        w -= step
