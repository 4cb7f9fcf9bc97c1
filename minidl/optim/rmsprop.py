"""RMSprop."""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl

from .optimizer import Optimizer, at_least_zero


class RMSprop(Optimizer):
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
        momentum: float = 0, centered: bool = False, *, maximize: bool = False, **others: Any,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults, others)

    def check(self, group: dict[str, Any]) -> None:
        """Raise if an option makes no sense."""
        for name in ("lr", "alpha", "eps", "weight_decay", "momentum"):
            at_least_zero(name, group[name])

    def update(self, w: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Do one step on one parameter."""
        alpha, momentum = float(group["alpha"]), float(group["momentum"])
        if not state:
            state["step"] = minidl.tensor(0.0)
            names = ("square_avg",) + ("momentum_buffer",) * (momentum > 0) + ("grad_avg",) * group["centered"]
            for name in names:
                state[name] = minidl.from_numpy(np.zeros_like(w))
        t, v = state["step"].array, state["square_avg"].array
        t += 1
        if group["maximize"]:
            g = -g
        if group["weight_decay"]:
            g = g + float(group["weight_decay"]) * w
        v *= alpha
        v += (1 - alpha) * g * g
        if group["centered"]:
            mean = state["grad_avg"].array
            mean += (1 - alpha) * (g - mean)
            v = v - mean * mean
        step = g / (np.sqrt(v) + float(group["eps"]))
        if momentum > 0:
            b = state["momentum_buffer"].array
            b *= momentum
            b += step
            step = b
        w -= float(group["lr"]) * step
