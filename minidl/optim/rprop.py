"""Resilient backpropagation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError
from .formula import Formula
from .optimizer import check_pair


class Rprop(Formula):
    """Only the sign of a gradient counts: each weight's step grows while it stays, and shrinks when it turns.

    The rule (Riedmiller & Braun 1993), with (η⁻, η⁺) = `etas` and the step s from `lr`, kept within `step_sizes`; p is
    the gradient of the step before, at first 0:

        s <- s·η⁺ where g·p > 0,  s <- s·η⁻ and g <- 0 where g·p < 0
        w <- w - s·sign(g)

    `maximize` turns the sign of g. It needs the gradient of the whole training set: of one batch, the sign says little.

    Options: lr 0.01, etas (0.5, 1.2), step_sizes (1e-6, 50), maximize False. Raises ValueError for an lr that is
    negative or not finite and unless 0 < η⁻ < 1 < η⁺.

    >>> import minidl
    >>> w = minidl.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = minidl.optim.Rprop([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in w.tolist()]
    [0.9, -1.9]
    """

    def __init__(
        self, params: Any, lr: float = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50), *, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        """Raise if an option makes no sense."""
        super().check(group)
        for name in ("etas", "step_sizes"):
            check_pair(name, group[name])
        if not 0 < group["etas"][0] < 1 < group["etas"][1]:
            raise ArgumentError(f"etas must be a number between 0 and 1 and one above 1, got {group['etas']!r}")

    def start(self, w: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Return the arrays that are kept for a parameter."""
        return {"prev": np.zeros_like(w), "step_size": np.full_like(w, float(group["lr"]))}

    def formula(self, w: Any, g: Any, t: float, kept: dict[str, Any], group: dict[str, Any]) -> None:
        """Do the step t on w by its gradient g."""
        before, size = kept["prev"], kept["step_size"]
        smaller, larger = group["etas"]
        turned, stayed = g * before < 0, g * before > 0
        size[turned] *= smaller
        size[stayed] *= larger
        np.clip(size, *group["step_sizes"], out=size)
        g = np.where(turned, 0, g)
        w[g > 0] -= size[g > 0]
        w[g < 0] += size[g < 0]
        before[...] = g
