"""Linear algebra, by the names of PyTorch's torch.linalg."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from .. import ops
from ..autograd import Variable
from ..errors import ArgumentError, DTypeError, LinAlgError, ShapeError
from . import products
from ._arguments import array_in, as_array, axis, flag, integers, like, numpy_names
from .layers import same_floats
from .products import matmul
from .shaping import transpose
from .vector_norm import matrix_norm, vector_norm

__all__ = [
    "LinAlgError",
    "cholesky",
    "cross",
    "det",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "multi_dot",
    "norm",
    "solve",
    "vecdot",
    "vector_norm",
]


def square(name: str, A: Any) -> None:
    """Refuse all but (stacks of) square matrices of floats."""
    x = array_in(A, "A")
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{name}: got shape {x.shape}, expected (..., n, n)")
    if x.dtype.char not in "fd":
        raise DTypeError(f"{name}: got {x.dtype}, expected float32 or float64")


@numpy_names
def norm(input: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """Return the norm of vectors along one `dim` or of matrices along two; without `ord` the length, √Σ x².

    With an `ord` alone, of a vector or a matrix.

    >>> import minidl
    >>> minidl.linalg.norm(minidl.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor(5.)
    """
    ndim = array_in(input).ndim
    if dim is None:
        if ord is None:
            return vector_norm(input, 2, None, keepdim, dtype=dtype)
        if ndim not in (1, 2):
            raise ShapeError(f"norm: got shape {array_in(input).shape}, expected a vector or a matrix, or give dim")
        dim = tuple(range(ndim))
    dims = tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)
    if len(dims) not in (1, 2):
        raise ArgumentError(f"dim: got {dim!r}, expected one dimension or two")
    if isinstance(ord, str) or (len(dims) == 2 and ord is not None):
        return matrix_norm(input, ord, dims, keepdim, dtype=dtype)
    return vector_norm(input, 2 if ord is None else ord, dims, keepdim, dtype=dtype)


def det(A: Any) -> Any:
    """y = the determinant of each square matrix.

    Unlike PyTorch's, the gradient at an exactly singular matrix is the cofactor, not 0.

    >>> import minidl
    >>> minidl.linalg.det(minidl.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)
    """
    square("det", A)
    return ops.det(A)


def inv(A: Any) -> Any:
    """y = A⁻¹, with A y = 1; a singular matrix raises LinAlgError.

    >>> import minidl
    >>> minidl.linalg.inv(minidl.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    square("inv", A)
    return ops.solve(A, identity_like(A))


def identity_like(A: Any) -> Any:
    """Return 1, the matrix, in the size and dtype of A's."""
    x = as_array(A)
    return like(np.eye(x.shape[-1], dtype=x.dtype), A)


def solve(A: Any, B: Any, *, left: bool = True) -> Any:
    """y with A y = B, or y A = B if not `left`; B is a matrix or a vector, or a stack; a singular A raises LinAlgError.

    >>> import minidl
    >>> minidl.linalg.solve(minidl.tensor([[2.0, 0.0], [0.0, 4.0]]), minidl.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    if not isinstance(B, (Variable, np.ndarray)):
        raise DTypeError(f"B: got {type(B).__name__}, expected a Tensor")
    square("solve", A)
    same_floats("solve", A=A, B=B)
    a, b = as_array(A).shape, as_array(B).shape
    if len(b) == 1 or (len(b) == len(a) - 1 and b == a[:-1]):  # vectors: matrices of one column
        y = solve(A, ops.reshape(B, shape=(*b, 1)), left=left)
        return ops.reshape(y, shape=y.shape[:-1])
    if len(b) < 2 or b[-2 if flag(left, "left") else -1] != a[-1]:
        raise ShapeError(f"solve: A has shape {a} and B {b}, expected as many {'rows' if left else 'columns'}")
    if left:
        return ops.solve(A, B)
    return transpose(ops.solve(transpose(A, -2, -1), transpose(B, -2, -1)), -2, -1)


def cholesky(input: Any, *, upper: bool = False) -> Any:
    """y = L, lower triangular, with L Lᵀ = x (or Lᵀ if `upper`); an x that is not positive definite raises LinAlgError.

    >>> import minidl
    >>> minidl.linalg.cholesky(minidl.tensor([[4.0, 2.0], [2.0, 2.0]]))
    tensor([[2., 0.],
            [1., 1.]])
    """
    square("cholesky", input)
    return transpose(ops.cholesky(input), -2, -1) if flag(upper, "upper") else ops.cholesky(input)


def matrix_power(input: Any, n: int) -> Any:
    """y = x @ ... @ x, n times; by the inverse for n < 0.

    >>> import minidl
    >>> minidl.linalg.matrix_power(minidl.tensor([[1, 1], [0, 1]]), 3)
    tensor([[1, 3],
            [0, 1]])
    """
    shape, (times,) = array_in(input).shape, integers((n,), "n")
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"matrix_power: got shape {shape}, expected (..., n, n)")
    if times < 0:
        return matrix_power(inv(input), -times)
    if times == 0:
        return ops.add(ops.zeros_like(input), identity_like(input))
    half = matrix_power(input, times // 2) if times > 1 else None
    y = ops.copy(input) if half is None else matmul(half, half)
    return matmul(y, input) if times > 1 and times % 2 else y


def multi_dot(tensors: Any) -> Any:
    """y = A @ B @ ... of two or more matrices, the first and the last of which may be vectors.

    >>> import minidl
    >>> minidl.linalg.multi_dot([minidl.ones(2), minidl.eye(2), minidl.ones(2)])
    tensor(2.)
    """
    if not isinstance(tensors, (tuple, list)):
        raise DTypeError(f"tensors: got {type(tensors).__name__}, expected a list or tuple of Tensors")
    dims = [as_array(x, "tensors").ndim for x in tensors]
    if len(dims) < 2 or set(dims[1:-1]) - {2} or not {dims[0], dims[-1]} <= {1, 2}:
        raise ShapeError(f"multi_dot: got tensors of {dims} dimensions, expected two or more matrices")
    return reduce(matmul, tensors)


def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """Σ x y along `dim`, of tensors that broadcast.

    >>> import minidl
    >>> minidl.linalg.vecdot(minidl.eye(2), minidl.tensor([3.0, 4.0]))
    tensor([3., 4.])
    """
    same_floats("vecdot", x=x, y=y)
    return ops.sum(ops.mul(x, y), dim=axis(dim, max(as_array(x).ndim, array_in(y, "y").ndim)))


def cross(input: Any, other: Any, *, dim: int = -1) -> Any:
    """y = x × z along a `dim` of three: (x₁z₂ - x₂z₁, x₂z₀ - x₀z₂, x₀z₁ - x₁z₀).

    >>> import minidl
    >>> minidl.linalg.cross(minidl.tensor([1.0, 0.0, 0.0]), minidl.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    return products.cross(input, other, dim)
