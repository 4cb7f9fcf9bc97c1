"""Products: matmul, and the chapter's forward formula y = f(xW + b) with the product, the bias and f in one kernel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _kernels as kernels
from ..operation import fused, identity, primitive, sum_to
from ._door import contiguous
from .elementwise import relu, sigmoid, tanh
from .shape import permute, reshape

activations = {"identity": identity, "relu": relu, "tanh": tanh, "sigmoid": sigmoid}


@primitive
def matmul(a: Any, b: Any) -> Any:
    """y[..., i, j] = Σ_k a[..., i, k] b[..., k, j]; leading dimensions broadcast."""
    if a.dtype != b.dtype or a.dtype.char not in "fd" or a.ndim < 2 or b.ndim < 2:
        return np.matmul(a, b)
    if a.ndim == b.ndim == 2:
        return product(a, b)
    if b.ndim == 2:  # one product with all rows of a
        return product(a.reshape(math.prod(a.shape[:-1]), a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[1])
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    y = product(stacked(a, lead), stacked(b, lead))
    return y.reshape(*lead, *y.shape[-2:])


def product(a: Any, b: Any) -> Any:
    """Return the product of two matrices, or of two stacks of as many."""
    y = np.empty((*a.shape[:-1], b.shape[-1]), a.dtype)
    try:
        kernels.product_forward(a, b, None, y, False, False)
    except ValueError:  # neither the rows nor the columns of one are contiguous
        kernels.product_forward(*contiguous(a, b), None, y, False, False)
    return y


def stacked(x: Any, lead: tuple[int, ...]) -> Any:
    """Return matrices as one stack (n, i, j), where their leading dimensions broadcast to `lead`."""
    return np.broadcast_to(x, (*lead, *x.shape[-2:])).reshape(math.prod(lead), *x.shape[-2:])


def swapped(x: Any) -> Any:
    """Return x with its last two dimensions exchanged."""
    return permute(x, dims=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def matmul_db(g: Any, a: Any, b_shape: Any) -> Any:
    """aᵀ g; where b is one matrix for all of a, one product of all rows."""
    if len(b_shape) == 2 and a.ndim > 2:
        rows = math.prod(a.shape[:-1])
        a, g = reshape(a, shape=(rows, a.shape[-1])), reshape(g, shape=(rows, g.shape[-1]))
    return sum_to(matmul(swapped(a), g), shape=b_shape)


matmul.defvjp(a=lambda g, b, a_shape: sum_to(matmul(g, swapped(b)), shape=a_shape), b=matmul_db)


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
    try:
        kernels.linear_forward(x, w, b, y, activation)
    except ValueError:  # neither the rows nor the columns of one are contiguous
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


@fused
def addmm(b: Any, x: Any, w: Any) -> Any:
    """y = x W + b for x (N, in), W (in, out), b (out): the chapter's formula with W stored as it is printed."""
    return matmul(x, w) + b


def addmm_forward(b: Any, x: Any, w: Any) -> Any:
    """Let linear's kernel read W by its columns."""
    return linear_forward(x, w.T, b, activation="identity")


def addmm_vjp(g: Any, x: Any, w: Any, needs: tuple[bool, ...]) -> Any:
    """db = Σ_n g, dx = g Wᵀ, dW = xᵀ g."""
    db = g.sum(axis=0) if needs[0] else None
    return db, product(g, w.T) if needs[1] else None, product(x.T, g) if needs[2] else None


addmm.kernels(forward=addmm_forward, vjp=addmm_vjp)
