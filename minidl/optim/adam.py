"""Adam."""

from __future__ import annotations

from typing import Any

from .. import _kernels as kernels
from ..errors import ArgumentError
from .one_pass import OnePass, arrays, count, numbers
from .optimizer import at_least_zero, below_one


class Adam(OnePass):
    """Each weight has a step of its own, by the running mean of its gradients over that of their squares.

    The rule (Kingma & Ba 2015, algorithm 1), with α = `lr`, (β₁, β₂) = `betas`, ε = `eps` and t the number of the step:

        m <- β₁·m + (1 - β₁)·g
        v <- β₂·v + (1 - β₂)·g²
        w <- w - α·m̂/(√v̂ + ε),  m̂ = m/(1 - β₁ᵗ),  v̂ = v/(1 - β₂ᵗ)

    m and v start at 0; the divisions by 1 - βᵗ make up for that. `weight_decay` λ first adds λ·w to g. `amsgrad` takes
    the largest v so far instead of v (Reddi et al. 2018). `maximize` turns the sign of g.

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

    decoupled = False  # is the weight decay apart from the gradient?

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False, *, maximize: bool = False, **others: Any,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults, others)

    def check(self, group: dict[str, Any]) -> None:
        """Raise if an option makes no sense."""
        for name in ("lr", "eps", "weight_decay"):
            at_least_zero(name, group[name])
        betas = group["betas"]
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ArgumentError(f"betas must be a pair of numbers, got {betas!r}")
        for number, beta in enumerate(betas):
            below_one(f"betas[{number}]", beta)

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
            w, g, m, v, largest, t, lr, beta1, beta2, eps, weight_decay, self.decoupled, bool(group["maximize"])
        )
