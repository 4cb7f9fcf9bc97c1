"""Activations in which every number would pass through memory many times, were they composed."""

from __future__ import annotations

from typing import Any

from .. import _kernels as kernels
from ..operation import fused
from ._door import computed, sloped
from .elementwise import erf, sigmoid, tanh


@fused(elementwise=True, floating=True)
def silu(x: Any) -> Any:
    """y = x / (1 + e^-x)."""
    return x * sigmoid(x)


@fused(elementwise=True, floating=True)
def gelu(x: Any, *, approximate: str = "none") -> Any:
    """y = x Φ(x), Φ the normal distribution's; "tanh": x/2 (1 + tanh(√(2/π)(x + 0.044715 x³)))."""
    if approximate == "tanh":
        return 0.5 * x * (1.0 + tanh(0.7978845608028654 * (x + 0.044715 * (x * x * x))))
    return x * (0.5 * (1.0 + erf(x * 0.7071067811865476)))


GELU = {"none": "gelu", "tanh": "gelu_tanh"}


def silu_vjp(g: Any, x: Any) -> Any:
    """Let the kernel compute the gradient."""
    return (sloped(kernels.elementwise_backward, g, x, "silu"),)


def gelu_vjp(g: Any, x: Any, approximate: str) -> Any:
    """Let the kernel compute the gradient."""
    return (sloped(kernels.elementwise_backward, g, x, GELU[approximate]),)


silu.kernels(forward=lambda x: computed(kernels.elementwise_forward, x, "silu"), vjp=silu_vjp)
gelu.kernels(
    forward=lambda x, *, approximate: computed(kernels.elementwise_forward, x, GELU[approximate]), vjp=gelu_vjp
)
