"""NAdam."""

from __future__ import annotations

from typing import Any

import numpy as np

from .formula import Formula, blend
from .optimizer import at_least_zero, check_betas


class NAdam(Formula):
    """Adam with Nesterov's momentum: the step looks ahead, by the gradient at hand and the mean that it will have.

    The rule (Dozat 2016), with α = `lr`, (β₁, β₂) = `betas`, ε = `eps`, ψ = `momentum_decay`, t the number of the step:

        μₜ = β₁·(1 - 0.96^(t·ψ)/2)
        m <- β₁·m + (1 - β₁)·g
        v <- β₂·v + (1 - β₂)·g²
        w <- w - α·((1 - μₜ)·g/(1 - μ₁···μₜ) + μₜ₊₁·m/(1 - μ₁···μₜ₊₁)) / (√v̂ + ε),  v̂ = v/(1 - β₂ᵗ)

    `weight_decay` λ first adds λ·w to g, or with `decoupled_weight_decay` takes α·λ·w from w. `maximize` turns the sign
    of g.

    Options: lr 0.002, betas (0.9, 0.999), eps 1e-8, weight_decay 0, momentum_decay 0.004, decoupled_weight_decay False,
    maximize False. Raises ValueError for one that is negative or not finite, and for betas of 1 or more.

    >>> import minidl
    >>> w = minidl.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = minidl.optim.NAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in w.tolist()]
    [0.8944, -1.8944]
    """

    numbers = ("step", "mu_product")

    def __init__(
        self, params: Any, lr: float = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *,
        foreach: bool | None = None, maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        """Raise if an option makes no sense."""
        super().check(group)
        check_betas(group["betas"])
        for name in ("eps", "weight_decay", "momentum_decay"):
            at_least_zero(name, group[name])

    def start(self, w: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Return the arrays that are kept for a parameter."""
        return {"mu_product": np.ones((), np.float32), "exp_avg": np.zeros_like(w), "exp_avg_sq": np.zeros_like(w)}

    def formula(self, w: Any, g: Any, t: float, kept: dict[str, Any], group: dict[str, Any]) -> None:
        """Do the step t on w by its gradient g."""
        m, v, product = kept["exp_avg"], kept["exp_avg_sq"], kept["mu_product"]
        beta1, beta2 = map(float, group["betas"])
        mu, following = (beta1 * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1))
        product *= mu
        blend(m, g, beta1)
        v *= beta2
        v += (1 - beta2) * g * g
        root = np.sqrt(v / (1 - beta2**t)) + group["eps"]
        lr, so_far = float(group["lr"]), product.item()
        w -= lr * (1 - mu) / (1 - so_far) * g / root
        w -= lr * following / (1 - so_far * following) * m / root
