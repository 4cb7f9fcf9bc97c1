"""Products of matrices and vectors."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .. import dtypes, ops
from ..autograd import Variable
from ..errors import DTypeError, ShapeError
from ..operation import cast_to
from ._arguments import array_in, as_array, axis, number
from .shaping import expand


def matmul(input: Any, other: Any) -> Any:
    """y = input @ other: vectors, matrices, or stacks of matrices whose leading dimensions broadcast.

    >>> import minidl
    >>> minidl.matmul(minidl.tensor([[1.0, 2.0]]), minidl.tensor([3.0, 4.0]))
    tensor([11.])
    """
    a, b = as_array(input), as_array(other, "other")
    if a.dtype != b.dtype or a.dtype.kind == "b":
        same_numbers("matmul", input=input, other=other)
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


def same_numbers(name: str, **arrays: Any) -> None:
    """Refuse booleans, inputs of different element types, and what is no tensor."""
    for argument, value in arrays.items():
        if not isinstance(value, (Variable, np.ndarray)):
            raise DTypeError(f"{name}: {argument} is {type(value).__name__}, expected a Tensor or an array")
        if as_array(value).dtype == dtypes.bool_:
            raise DTypeError(f"{name}: {argument} is bool, expected numbers")
    if len({as_array(value).dtype for value in arrays.values()}) > 1:
        told = " and ".join(f"{argument} {as_array(value).dtype}" for argument, value in arrays.items())
        raise DTypeError(f"{name}: {told}: make the types equal with .to(dtype)")


def sized(name: str, dims: tuple[int, ...], **arrays: Any) -> None:
    """Refuse operands of other dimensions than the function's, or of different types."""
    same_numbers(name, **arrays)
    shapes = [as_array(x).shape for x in arrays.values()]
    if tuple(map(len, shapes)) != dims:
        told, expected = " and ".join(map(str, shapes)), " and ".join(f"{d}-d" for d in dims)
        raise ShapeError(f"{name}: got shapes {told}, expected {expected}")


def mm(input: Any, mat2: Any) -> Any:
    """y = input @ mat2 for two matrices.

    >>> import minidl
    >>> minidl.mm(minidl.eye(2), minidl.ones(2, 1))
    tensor([[1.],
            [1.]])
    """
    sized("mm", (2, 2), input=input, mat2=mat2)
    return matmul(input, mat2)


def bmm(input: Any, mat2: Any) -> Any:
    """y[b] = input[b] @ mat2[b] for two stacks of matrices.

    >>> import minidl
    >>> minidl.bmm(minidl.ones(2, 1, 3), minidl.ones(2, 3, 1)).flatten()
    tensor([3., 3.])
    """
    sized("bmm", (3, 3), input=input, mat2=mat2)
    if array_in(input).shape[0] != as_array(mat2).shape[0]:
        raise ShapeError(
            f"bmm: batches of {array_in(input).shape[0]} and {as_array(mat2).shape[0]} matrices, expected as many"
        )
    return matmul(input, mat2)


def mv(input: Any, vec: Any) -> Any:
    """y = input @ vec for a matrix and a vector.

    >>> import minidl
    >>> minidl.mv(minidl.eye(2), minidl.ones(2))
    tensor([1., 1.])
    """
    sized("mv", (2, 1), input=input, vec=vec)
    return matmul(input, vec)


def dot(input: Any, tensor: Any) -> Any:
    """y = Σ_i input_i tensor_i for two vectors.

    >>> import minidl
    >>> minidl.dot(minidl.tensor([1.0, 2.0]), minidl.tensor([3.0, 4.0]))
    tensor(11.)
    """
    sized("dot", (1, 1), input=input, tensor=tensor)
    return matmul(input, tensor)


def vdot(input: Any, other: Any) -> Any:
    """y = Σ_i input_i other_i for two vectors; of real numbers it is dot.

    >>> import minidl
    >>> minidl.vdot(minidl.tensor([1.0, 2.0]), minidl.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return dot(input, other)


def inner(input: Any, other: Any) -> Any:
    """y[..i.., ..j..] = Σ_k input[..i.., k] other[..j.., k]; with a 0-d tensor, their product.

    >>> import minidl
    >>> minidl.inner(minidl.eye(2), minidl.tensor([3.0, 4.0]))
    tensor([3., 4.])
    """
    a, b = array_in(input), array_in(other, "other")
    if a.ndim == 0 or b.ndim == 0:
        return ops.mul(input, other)
    same_numbers("inner", input=input, other=other)
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(f"inner: shapes {a.shape} and {b.shape}: the last dimensions must be equal")
    rows, columns = (
        ops.reshape(x, shape=(prod(shape[:-1]), shape[-1])) for x, shape in ((input, a.shape), (other, b.shape))
    )
    return ops.reshape(ops.matmul(rows, ops.permute(columns, dims=(1, 0))), shape=a.shape[:-1] + b.shape[:-1])


def outer(input: Any, vec2: Any) -> Any:
    """y[i, j] = input_i vec2_j for two vectors.

    >>> import minidl
    >>> minidl.outer(minidl.tensor([1.0, 2.0]), minidl.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    shapes = [array_in(x, name).shape for x, name in ((input, "input"), (vec2, "vec2"))]
    if [len(shape) for shape in shapes] != [1, 1]:
        raise ShapeError(f"outer: got shapes {shapes[0]} and {shapes[1]}, expected 1-d and 1-d")
    return ops.mul(ops.reshape(input, shape=(*shapes[0], 1)), vec2)


def kron(input: Any, other: Any) -> Any:
    """y = each element of `input` times all of `other`, a block in its place: y[i p + k, j q + l] = x[i, j] z[k, l].

    >>> import minidl
    >>> minidl.kron(minidl.eye(2), minidl.tensor([[1.0, 2.0]]))
    tensor([[1., 2., 0., 0.],
            [0., 0., 1., 2.]])
    """
    a, b = array_in(input).shape, array_in(other, "other").shape
    a, b = (1,) * (len(b) - len(a)) + a, (1,) * (len(a) - len(b)) + b
    apart = ops.reshape(input, shape=tuple(size for n in a for size in (n, 1)))
    blocks = ops.reshape(other, shape=tuple(size for n in b for size in (1, n)))
    return ops.reshape(ops.mul(apart, blocks), shape=tuple(m * n for m, n in zip(a, b, strict=True)))


def cross(input: Any, other: Any, dim: int | None = None) -> Any:
    """y = x × z along a `dim` of three, None: the first such: (x₁z₂ - x₂z₁, x₂z₀ - x₀z₂, x₀z₁ - x₁z₀).

    >>> import minidl
    >>> minidl.cross(minidl.tensor([1.0, 0.0, 0.0]), minidl.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    x, z = array_in(input).shape, array_in(other, "other").shape
    if len(x) != len(z):
        raise ShapeError(f"cross: got shapes {x} and {z}, expected as many dimensions")
    d = next((k for k, n in enumerate(x) if n == 3), -1) if dim is None else axis(dim, len(x))
    if not x or x[d] != 3 or z[d] != 3:
        raise ShapeError(f"cross: got shapes {x} and {z}, expected size 3 in {'one' if dim is None else dim}")

    def turned(v: Any, *order: int) -> Any:
        return ops.getitem(v, index=(*(slice(None),) * (d % len(x)), np.array(order)))

    there, back = (1, 2, 0), (2, 0, 1)
    return ops.sub(
        ops.mul(turned(input, *there), turned(other, *back)), ops.mul(turned(input, *back), turned(other, *there))
    )


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """y = β input + α mat1 @ mat2; without the input, NaN and all, where β is 0.

    >>> import minidl
    >>> minidl.addmm(minidl.ones(1), minidl.eye(2), minidl.eye(2))
    tensor([[2., 1.],
            [1., 2.]])
    """
    b, x, w = as_array(input), as_array(mat1, "mat1"), as_array(mat2, "mat2")
    fits = x.ndim == w.ndim == 2 and b.shape == w.shape[1:] and x.shape[1] == w.shape[0]
    plain = type(alpha) is type(beta) is int and alpha == beta == 1
    if fits and plain and b.dtype == x.dtype == w.dtype and w.dtype.char in "fd":
        return ops.addmm(input, mat1, mat2)
    same_numbers("addmm", input=input, mat1=mat1, mat2=mat2)
    return mixed(input, mm(mat1, mat2), beta, alpha)


def addmv(input: Any, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """y = β input + α mat @ vec.

    >>> import minidl
    >>> minidl.addmv(minidl.ones(2), minidl.eye(2), minidl.tensor([3.0, 4.0]))
    tensor([4., 5.])
    """
    same_numbers("addmv", input=input, mat=mat, vec=vec)
    return mixed(input, mv(mat, vec), beta, alpha)


def addr(input: Any, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """y = β input + α vec1 vec2ᵀ, the product of a column and a row.

    >>> import minidl
    >>> minidl.addr(minidl.zeros(1), minidl.tensor([1.0, 2.0]), minidl.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    return mixed(input, outer(vec1, vec2), beta, alpha)


def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """y[b] = β input[b] + α batch1[b] @ batch2[b].

    >>> import minidl
    >>> minidl.baddbmm(minidl.ones(1), minidl.ones(2, 1, 3), minidl.ones(2, 3, 1)).flatten()
    tensor([4., 4.])
    """
    same_numbers("baddbmm", input=input, batch1=batch1, batch2=batch2)
    return mixed(input, bmm(batch1, batch2), beta, alpha)


def addbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """y = β input + α Σ_b batch1[b] @ batch2[b].

    >>> import minidl
    >>> minidl.addbmm(minidl.ones(1), minidl.ones(2, 1, 3), minidl.ones(2, 3, 1))
    tensor([[7.]])
    """
    same_numbers("addbmm", input=input, batch1=batch1, batch2=batch2)
    total = cast_to(ops.sum(bmm(batch1, batch2), dim=0), as_array(batch1).dtype)
    return mixed(input, total, beta, alpha)


def mixed(input: Any, product: Any, beta: Any, alpha: Any) -> Any:
    """Return β input + α product, the input expanded to the product's shape."""
    beta, alpha = (factor(x, product, name) for x, name in ((beta, "beta"), (alpha, "alpha")))
    wide = expand(input, as_array(product).shape)
    product = product if alpha == 1 else ops.mul(product, alpha)
    wide = ops.zeros_like(wide) if not beta else wide if beta == 1 else ops.mul(wide, beta)
    return ops.add(product, wide)


def factor(value: Any, product: Any, name: str) -> Any:
    """Return β or α as a number of the product's kind."""
    value, kind = number(value, name), as_array(product).dtype.kind
    return value if kind == "f" else bool(value) if kind == "b" else int(value)
