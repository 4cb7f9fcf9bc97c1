"""Attention: softmax(q kᵀ · scale + mask) v, whose kernel never stores the weights of all queries and keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..operation import fused
from .elementwise import where
from .linear import matmul, swapped
from .reduce import amax
from .softmax import softmax


@fused
def attention(q: Any, k: Any, v: Any, mask: Any, *, scale: float, causal: bool) -> Any:
    """y = softmax(q kᵀ · scale + mask) v for q (N, H, L, E), k (N, H, S, E), v (N, H, S, V), mask (N, H, L, S) or None.

    causal lets query i see the keys 0 .. i. A query that sees no key gets zeros. The mask gets no gradient.
    """
    z = matmul(q * scale, swapped(k))
    if mask is not None:
        z = z + mask
    if causal:
        z = where(np.tri(*z.shape[-2:]) == 1, z, -np.inf)
    if 0 in z.shape:
        return matmul(z, v)
    blind = amax(z, dim=3, keepdim=True) == -np.inf
    return matmul(where(blind, 0.0, softmax(where(blind, 0.0, z), dim=3)), v)


def attention_forward(q: Any, k: Any, v: Any, mask: Any, *, scale: float, causal: bool) -> Any:
    """Allocate y, in memory in the order of q, and let the kernel fill it."""
    q, k, v, mask = (adjacent(x) for x in (q, k, v, mask))
    y = np.empty_like(q, shape=(*q.shape[:3], v.shape[3]), order="K")
    kernels.attention_forward(q, k, v, mask, y, causal, scale)
    return y


def attention_vjp(
    g: Any, q: Any, k: Any, v: Any, mask: Any, needs: tuple[bool, ...], scale: float, causal: bool
) -> Any:
    """Allocate the gradients and let the kernel fill them."""
    g, q, k, v, mask = (adjacent(x) for x in (g, q, k, v, mask))
    dq, dk, dv = (np.empty_like(x, order="K") for x in (q, k, v))
    kernels.attention_backward(g, q, k, v, mask, dq, dk, dv, causal, scale)
    return [dx if need else None for dx, need in zip((dq, dk, dv, None), needs, strict=True)]


def adjacent(x: Any) -> Any:
    """Return an array whose last dimension is contiguous: a copy only where it is not; None stays None."""
    if x is None or x.strides[3] == x.itemsize or x.shape[3] == 1:
        return x
    return np.ascontiguousarray(x)


attention.kernels(forward=attention_forward, vjp=attention_vjp)
