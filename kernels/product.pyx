"""y = a b + bias, with relu where it is wanted: the product of matrices behind every other kernel.

Twin: minidl/reference/product.py. C sources: kernels/core/product.c chooses the form, kernels/core/product_unit.h
computes; kernels/README.md explains both. Other kernels call `multiply` or `product` of minidl/_kernels/core.pxd.
"""

from minidl._kernels.core cimport multiply


def product_forward(a, b, bias, y, relu, accumulate):
    """y[n,i,j] = sum_k a[n,i,k] b[n,k,j] + bias[j], or y[n,i,j] += the same; then max(y, 0) if relu is true

    a     IN   (N, I, K); without n: (I, K)
    b     IN   (N, K, J) or (K, J)
    bias  IN   (J,) or None
    y     OUT  (N, I, J) or (I, J), its rows contiguous; where accumulate is true, read first
    The rows of a and of b are contiguous, or their columns: a transposed view needs no copy.

    Source: Goto & van de Geijn, Anatomy of high-performance matrix multiplication (2008): panels in the cache.
    Twin: minidl/reference/product.py
    """
    multiply(a, b, bias, y, relu, accumulate)
