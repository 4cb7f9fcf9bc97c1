"""y = softmax(q kᵀ scale + mask) v: attention, and its gradients.

Twin: kernels/attention.pyx, where shapes and sources are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy import ndarray


def attention_forward_formula(
    q: ndarray, k: ndarray, v: ndarray, mask: ndarray | None, y: ndarray, causal: bool, scale: float
) -> None:
    """y[n,h,i] = sum_j w[i,j] v[n,h,j], w[i,j] = e^z[i,j] / sum_j e^z[i,j], z = scale q . k + mask"""
    for n, h, i in np.ndindex(q.shape[:3]):
        weights = weights_of_query(q[n, h, i], k[n, h], None if mask is None else mask[n, h, i], causal, scale, i)
        for c in range(v.shape[3]):
            y[n, h, i, c] = sum(w * v[n, h, j, c] for j, w in enumerate(weights))


def attention_backward_formula(
    g: ndarray, q: ndarray, k: ndarray, v: ndarray, mask: ndarray | None,
    dq: ndarray, dk: ndarray, dv: ndarray, causal: bool, scale: float,
) -> None:  # fmt: skip
    """dw = g . v, dz = w (dw - sum_j w dw) scale;  dq += dz k[j], dk += dz q[i], dv += w g[i]"""
    for gradient in (dq, dk, dv):
        gradient.fill(0)
    for n, h, i in np.ndindex(q.shape[:3]):
        weights = weights_of_query(q[n, h, i], k[n, h], None if mask is None else mask[n, h, i], causal, scale, i)
        dw = [sum(g[n, h, i, c] * v[n, h, j, c] for c in range(v.shape[3])) for j in range(len(weights))]
        mean = sum(w * d for w, d in zip(weights, dw, strict=True))
        for j, w in enumerate(weights):
            dz = w * (dw[j] - mean) * scale
            dq[n, h, i] += dz * k[n, h, j]
            dk[n, h, j] += dz * q[n, h, i]
            dv[n, h, j] += w * g[n, h, i]


def weights_of_query(q: ndarray, k: ndarray, mask: ndarray | None, causal: bool, scale: float, i: int) -> list[float]:
    """Return the weights of the keys that query i sees; zeros if every score is -inf."""
    scores = []
    for j in range(min(i + 1, len(k)) if causal else len(k)):
        z = scale * sum(q[e] * k[j, e] for e in range(len(q)))
        scores.append(z if mask is None else z + mask[j])
    largest = np.max([*scores, -math.inf])
    if largest == -math.inf:
        return [0.0 for _ in scores]
    powers = [np.exp(z - largest) for z in scores]
    return [e / sum(powers) for e in powers]


def attention_forward(
    q: ndarray, k: ndarray, v: ndarray, mask: ndarray | None, y: ndarray, causal: bool, scale: float
) -> None:
    """y = softmax(q kᵀ scale + mask) v"""
    np.matmul(weights(q, k, mask, causal, scale), v, out=y)


def attention_backward(
    g: ndarray, q: ndarray, k: ndarray, v: ndarray, mask: ndarray | None,
    dq: ndarray, dk: ndarray, dv: ndarray, causal: bool, scale: float,
) -> None:  # fmt: skip
    """dw = g vᵀ, dz = w (dw - sum w dw) scale;  dq = dz k, dk = dzᵀ q, dv = wᵀ g"""
    w, dw = weights(q, k, mask, causal, scale), np.matmul(g, v.swapaxes(-1, -2))
    dz = w * (dw - np.sum(w * dw, axis=-1, keepdims=True)) * q.dtype.type(scale)
    np.matmul(dz, k, out=dq)
    np.matmul(dz.swapaxes(-1, -2), q, out=dk)
    np.matmul(w.swapaxes(-1, -2), g, out=dv)


def weights(q: ndarray, k: ndarray, mask: ndarray | None, causal: bool, scale: float) -> ndarray:
    """Return softmax(q kᵀ scale + mask), zeros for a query that sees no key."""
    z = np.matmul(q, k.swapaxes(-1, -2)) * q.dtype.type(scale)
    if mask is not None:
        z = z + mask
    if causal:
        z = np.where(np.tri(*z.shape[-2:]) == 1, z, z.dtype.type(-np.inf))
    largest = np.max(z, axis=-1, keepdims=True, initial=-np.inf)
    blind = largest == -np.inf
    e = np.exp(z - np.where(blind, z.dtype.type(0), largest))
    return e / np.where(blind, z.dtype.type(1), np.sum(e, axis=-1, keepdims=True))
