"""Gradients kept in bounds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import minidl

from ...autograd import no_grad
from ...errors import ArgumentError, GraphError
from ...tensor import Tensor


def gradients(parameters: Tensor | Iterable[Tensor]) -> list[Any]:
    """Return the gradients of one or several parameters, without those that have none."""
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [param.grad for param in listed if param.grad is not None]


def get_total_norm(
    tensors: Tensor | Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:  # fmt: skip
    """Return the norm of all tensors as of one long vector.

    `foreach` asks PyTorch for one of its two ways to compute it and changes nothing here.

    >>> import minidl
    >>> minidl.nn.utils.get_total_norm([minidl.tensor([3.0]), minidl.tensor([[4.0]])])
    tensor(5.)
    """
    listed = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    order = float(norm_type)
    with no_grad():
        norms = [minidl.norm(t.detach(), order) for t in listed]
        total = minidl.norm(minidl.stack(norms), order) if norms else minidl.tensor(0.0)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise GraphError(f"error_if_nonfinite: the norm of the gradients is {total.item()}, no scale brings it down")
    return total


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients in place, g <- g · min(1, max_norm/(total_norm + 10⁻⁶)).

    >>> import minidl
    >>> w = minidl.zeros(1, requires_grad=True)
    >>> (w * 4.0).sum().backward()
    >>> minidl.nn.utils.clip_grads_with_norm_(w, 2.0, minidl.tensor(4.0))
    >>> round(w.grad.item(), 4)
    2.0
    """
    scale = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    with no_grad():
        for g in gradients(parameters):
            g.mul_(scale)


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:  # fmt: skip
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
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    total = get_total_norm(gradients(listed), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(listed, max_norm, total)
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Clamp every element of the gradients to [-clip_value, clip_value], in place.

    Unlike PyTorch, a negative clip_value is refused.

    >>> import minidl
    >>> w = minidl.zeros(2, requires_grad=True)
    >>> (w * minidl.tensor([3.0, 0.5])).sum().backward()
    >>> minidl.nn.utils.clip_grad_value_(w, 1.0)
    >>> w.grad.tolist()
    [1.0, 0.5]
    """
    bound = float(clip_value)
    if not bound >= 0:
        raise ArgumentError(f"clip_value must be 0 or more, got {clip_value}")
    with no_grad():
        for g in gradients(parameters):
            g.clamp_(-bound, bound)
