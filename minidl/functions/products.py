"""Products of matrices and vectors."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..errors import ShapeError
from ._arguments import as_array
from .layers import same_floats


def matmul(input: Any, other: Any) -> Any:
    """y = input @ other: vectors, matrices, or stacks of matrices whose leading dimensions broadcast.

    >>> import minidl
    >>> minidl.matmul(minidl.tensor([[1.0, 2.0]]), minidl.tensor([3.0, 4.0]))
    tensor([11.])
    """
    a, b = as_array(input), as_array(other, "other")
    if a.dtype != b.dtype:
        same_floats("matmul", input=a, other=b)
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError(
            f"matmul: got shapes {a.shape} and {b.shape}, both need at least one dimension; use * for numbers"
        )
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        raise ShapeError(
            f"matmul: shapes {a.shape} and {b.shape} do not fit: {a.shape[-1]} columns against "
            f"{b.shape[-2 if b.ndim > 1 else 0]} rows; is a transpose missing?"
        )
    if a.ndim == 1:
        y = matmul(ops.reshape(input, shape=(1, a.shape[0])), other)
        return ops.reshape(y, shape=(*y.shape[:-2], y.shape[-1]) if b.ndim > 1 else ())
    if b.ndim == 1:
        y = ops.matmul(input, ops.reshape(other, shape=(b.shape[0], 1)))
        return ops.reshape(y, shape=y.shape[:-1])
    return ops.matmul(input, other)


def sized(name: str, input: Any, other: Any, dims: tuple[int, int]) -> None:
    """Refuse operands of other dimensions than the function's."""
    shapes = as_array(input).shape, as_array(other, "other").shape
    if tuple(map(len, shapes)) != dims:
        raise ShapeError(f"{name}: got shapes {shapes[0]} and {shapes[1]}, expected {dims[0]}-d and {dims[1]}-d")


def mm(input: Any, mat2: Any) -> Any:
    """y = input @ mat2 for two matrices.

    >>> import minidl
    >>> minidl.mm(minidl.eye(2), minidl.ones(2, 1))
    tensor([[1.],
            [1.]])
    """
    sized("mm", input, mat2, (2, 2))
    return matmul(input, mat2)


def bmm(input: Any, mat2: Any) -> Any:
    """y[b] = input[b] @ mat2[b] for two stacks of matrices.

    >>> import minidl
    >>> minidl.bmm(minidl.ones(2, 1, 3), minidl.ones(2, 3, 1)).flatten()
    tensor([3., 3.])
    """
    sized("bmm", input, mat2, (3, 3))
    if as_array(input).shape[0] != as_array(mat2).shape[0]:
        raise ShapeError(
            f"bmm: batches of {as_array(input).shape[0]} and {as_array(mat2).shape[0]} matrices, expected as many"
        )
    return matmul(input, mat2)


def mv(input: Any, vec: Any) -> Any:
    """y = input @ vec for a matrix and a vector.

    >>> import minidl
    >>> minidl.mv(minidl.eye(2), minidl.ones(2))
    tensor([1., 1.])
    """
    sized("mv", input, vec, (2, 1))
    return matmul(input, vec)


def dot(input: Any, tensor: Any) -> Any:
    """y = Σ_i input_i tensor_i for two vectors.

    >>> import minidl
    >>> minidl.dot(minidl.tensor([1.0, 2.0]), minidl.tensor([3.0, 4.0]))
    tensor(11.)
    """
    sized("dot", input, tensor, (1, 1))
    return matmul(input, tensor)


def outer(input: Any, vec2: Any) -> Any:
    """y[i, j] = input_i vec2_j for two vectors.

    >>> import minidl
    >>> minidl.outer(minidl.tensor([1.0, 2.0]), minidl.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    sized("outer", input, vec2, (1, 1))
    return ops.mul(ops.reshape(input, shape=(-1, 1)), vec2)


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """y = β input + α mat1 @ mat2.

    >>> import minidl
    >>> minidl.addmm(minidl.ones(1), minidl.eye(2), minidl.eye(2))
    tensor([[2., 1.],
            [1., 2.]])
    """
    product = mm(mat1, mat2)
    product = product if alpha == 1 else ops.mul(product, alpha)
    return ops.add(input if beta == 1 else ops.mul(input, beta), product)
