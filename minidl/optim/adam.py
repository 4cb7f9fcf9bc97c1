"""Adam."""

from __future__ import annotations

from typing import Any

from .. import _kernels as kernels
from ..errors import ArgumentError
from ..tensor import Tensor
from .one_pass import OnePass, arrays, count, numbers
from .optimizer import at_least_zero, check_betas


class Adam(OnePass):
    """Each weight has a step of its own, by the running mean of its gradients over that of their squares.

    The rule (Kingma & Ba 2015, algorithm 1), with α = `lr`, (β₁, β₂) = `betas`, ε = `eps` and t the number of the step:

        m <- β₁·m + (1 - β₁)·g
        v <- β₂·v + (1 - β₂)·g²
        w <- w - α·m̂/(√v̂ + ε),  m̂ = m/(1 - β₁ᵗ),  v̂ = v/(1 - β₂ᵗ)

    m and v start at 0; the divisions by 1 - βᵗ make up for that. `weight_decay` λ first adds λ·w to g, or with
    `decoupled_weight_decay` takes α·λ·w from w (see AdamW). `amsgrad` takes the largest v so far instead of v (Reddi et
    al. 2018). `maximize` turns the sign of g.

    Options: lr 0.001, betas (0.9, 0.999), eps 1e-8, weight_decay 0, amsgrad False, maximize False. Raises ValueError
    for one that is negative or not finite, and for betas of 1 or more.

    >>> import minidl
    >>> w = minidl.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = minidl.optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in w.tolist()]               # the first step is lr, whatever the size of the gradient
    [0.9, -1.9]
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None, maximize: bool = False,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:  # fmt: skip
        check_betas(betas)
        if not any(all(isinstance(beta, kind) for beta in betas) for kind in (float, Tensor)):
            raise ArgumentError(f"betas must be two floats or two Tensors, got {betas!r}")
        if foreach and not capturable and (isinstance(lr, Tensor) or isinstance(betas[0], Tensor)):
            raise ArgumentError("foreach=True takes lr and betas as numbers, got a Tensor; leave foreach out")
        defaults = {
            "lr": lr, "betas": (float(betas[0]), float(betas[1])), "eps": eps, "weight_decay": weight_decay,
            "amsgrad": amsgrad, "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "differentiable": differentiable, "fused": fused, "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        """Raise if an option makes no sense."""
        super().check(group)
        for name in ("eps", "weight_decay"):
            at_least_zero(name, group[name])
        check_betas(group["betas"])

    def kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Return the names of the arrays in a parameter's state."""
        return ("step", "exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if group["amsgrad"] else ()))

    def step_all(self, w: Any, g: Any, states: Any, group: dict[str, Any]) -> None:
        """Change the arrays w in place by their gradients g."""
        t, m, v = count(states), arrays(states, "exp_avg"), arrays(states, "exp_avg_sq")
        largest = arrays(states, "max_exp_avg_sq") if group["amsgrad"] else None
        lr, eps, weight_decay = numbers(group, "lr", "eps", "weight_decay")
        beta1, beta2 = map(float, group["betas"])
        kernels.update_adam(
            w, g, m, v, largest, t, lr, beta1, beta2, eps, weight_decay, bool(group["decoupled_weight_decay"]),
            bool(group["maximize"]),
        )  # fmt: skip
