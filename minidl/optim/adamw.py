"""AdamW."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .adam import Adam


class AdamW(Adam):
    """Adam with weight decay apart from the gradient: w <- w - α·λ·w, then Adam's step without any decay.

    α is `lr`, λ `weight_decay`. In Adam itself λ·w is added to g and so divided by √v̂ with it, which weakens the decay
    of weights with large gradients (Loshchilov & Hutter 2019, algorithm 2).

    Options as Adam's, but weight_decay 0.01.

    >>> import minidl
    >>> w = minidl.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = minidl.optim.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in w.tolist()]
    [0.85, -1.8]
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False, foreach: bool | None = None,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over options and state, also those of an Adam."""
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
