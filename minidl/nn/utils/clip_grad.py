"""Gradients kept in bounds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

import minidl

from ...autograd import no_grad
from ...errors import ArgumentError, GraphError
from ...tensor import Tensor


def gradients(parameters: Tensor | Iterable[Tensor]) -> list[Any]:
    """Return the gradients of one or several parameters, without those that have none."""
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [param.grad for param in listed if param.grad is not None]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients in place so that their norm, as of one long vector, is at most max_norm; return the old norm.

    g <- g · min(1, max_norm/(‖g‖ + 10⁻⁶)), against exploding gradients (Pascanu et al. 2013). `norm_type` may be inf.

    >>> import minidl
    >>> w = minidl.zeros(2, requires_grad=True)
    >>> (w * minidl.tensor([3.0, 4.0])).sum().backward()
    >>> minidl.nn.utils.clip_grad_norm_(w, 1.0)
    tensor(5.)
    >>> [round(x, 4) for x in w.grad.tolist()]
    [0.6, 0.8]
    """
    grads = gradients(parameters)
    norms = [np.linalg.norm(g.array.ravel(), norm_type) for g in grads]
    total = np.linalg.norm(norms, norm_type) if norms else 0.0
    if error_if_nonfinite and not math.isfinite(total):
        raise GraphError(f"clip_grad_norm_: the norm of the gradients is {total}, so they can't be scaled by it")
    scale = min(1.0, max_norm / (float(total) + 1e-6))
    with no_grad():
        for g in grads:
            g.mul_(scale)
    return minidl.tensor(total, dtype=grads[0].dtype if grads else None)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Clamp every element of the gradients to [-clip_value, clip_value], in place.

    >>> import minidl
    >>> w = minidl.zeros(2, requires_grad=True)
    >>> (w * minidl.tensor([3.0, 0.5])).sum().backward()
    >>> minidl.nn.utils.clip_grad_value_(w, 1.0)
    >>> w.grad.tolist()
    [1.0, 0.5]
    """
    if not clip_value >= 0:
        raise ArgumentError(f"clip_value must be 0 or more, got {clip_value}")
    with no_grad():
        for g in gradients(parameters):
            g.clamp_(-clip_value, clip_value)
