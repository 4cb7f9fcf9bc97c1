"""Products: matmul, and the chapter's forward formula y = f(xW + b) with the product, the bias and f in one kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..operation import fused, identity, primitive, sum_to
from ._door import contiguous
from .elementwise import relu, sigmoid, tanh
from .shape import permute

activations = {"identity": identity, "relu": relu, "tanh": tanh, "sigmoid": sigmoid}


@primitive
def matmul(a: Any, b: Any) -> Any:
    """y[..., i, j] = Σ_k a[..., i, k] b[..., k, j]; leading dimensions broadcast."""
    return np.matmul(a, b)


def swapped(x: Any) -> Any:
    """Return x with its last two dimensions exchanged."""
    return permute(x, dims=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


matmul.defvjp(
    a=lambda g, b, a_shape: sum_to(matmul(g, swapped(b)), shape=a_shape),
    b=lambda g, a, b_shape: sum_to(matmul(swapped(a), g), shape=b_shape),
)


@fused
def linear(x: Any, w: Any, b: Any, *, activation: str = "identity") -> Any:
    """y = f(x Wᵀ + b) for x (N, in), w (out, in), b (out) or None; f identity, relu, tanh or sigmoid.

    The chapter's y = f(xW + b), with W stored (out, in) as PyTorch stores it.
    """
    z = matmul(x, permute(w, dims=(1, 0)))
    return activations[activation](z if b is None else z + b)


def linear_forward(x: Any, w: Any, b: Any, *, activation: str) -> Any:
    """Allocate y and let the kernel fill it."""
    y = np.empty((x.shape[0], w.shape[0]), x.dtype)
    kernels.linear_forward(*contiguous(x, w, b), y, activation)
    return y


def linear_vjp(g: Any, x: Any, w: Any, out: Any, needs: tuple[bool, ...], activation: str) -> Any:
    """Allocate the gradients that are needed and let the kernel fill them."""
    dx = np.empty(x.shape, x.dtype) if needs[0] else None
    dw = np.empty(w.shape, w.dtype) if needs[1] else None
    db = np.empty(w.shape[0], w.dtype) if needs[2] else None
    kernels.linear_backward(*contiguous(g, x, w), out, dx, dw, db, activation)
    return dx, dw, db


linear.kernels(forward=linear_forward, vjp=linear_vjp)
