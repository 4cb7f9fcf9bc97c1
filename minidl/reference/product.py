"""y = a b + bias, with relu where it is wanted: the product of matrices behind every other kernel.

Twin: kernels/product.pyx, where shapes and sources are.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray


def product_forward_formula(
    a: ndarray, b: ndarray, bias: ndarray | None, y: ndarray, relu: bool, accumulate: bool
) -> None:
    """y[n,i,j] = sum_k a[n,i,k] b[n,k,j] + bias[j], or y[n,i,j] += the same; then max(y, 0) if relu is true"""
    for *n, i, j in np.ndindex(y.shape):
        z = sum(a[(*n, i, k)] * b[(*n, k, j)] for k in range(a.shape[-1]))
        if bias is not None:
            z = z + bias[j]
        if accumulate:
            z = z + y[(*n, i, j)]
        y[(*n, i, j)] = 0.0 if relu and z < 0 else z


def product_forward(a: ndarray, b: ndarray, bias: ndarray | None, y: ndarray, relu: bool, accumulate: bool) -> None:
    """y = a b + bias, or y += the same; then max(y, 0) if relu is true"""
    if accumulate:
        y += np.matmul(a, b)
    else:
        np.matmul(a, b, out=y)
    if bias is not None:
        y += bias
    if relu:
        np.maximum(y, 0, out=y)
