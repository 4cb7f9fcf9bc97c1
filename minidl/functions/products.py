"""Products of matrices and vectors."""

from __future__ import annotations

from math import prod
from typing import Any

from .. import ops
from ..errors import ArgumentError, ShapeError
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


def einsum(equation: str, *operands: Any) -> Any:
    """Σ over the letters that the result does not name: "ij,jk->ik" is y[i,k] = Σ_j a[i,j] b[j,k].

    One group of letters for each operand, one letter for each dimension; "..." stands for further ones. Without "->"
    the result names the letters that occur once, in order. Each pair is one product of matrices.

    >>> import minidl
    >>> minidl.einsum("bij,bij->b", minidl.ones(2, 3, 4), minidl.ones(2, 3, 4))
    tensor([12., 12.])
    """
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    terms, result = read_equation(equation, [as_array(x, "operands").shape for x in operands])
    x, names = summed(operands[0], terms[0], set(result).union(*terms[1:]))
    for k, (other, letters) in enumerate(zip(operands[1:], terms[1:], strict=True), start=2):
        later = set(result).union(*terms[k:])
        other, letters = summed(other, letters, later | set(names))
        x, names = contracted(x, names, other, letters, later)
    return ops.permute(x, dims=tuple(names.index(letter) for letter in result))


def read_equation(equation: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result, "..." written out as digits; refuse what does not fit."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ArgumentError(f"einsum: {equation!r} names {len(terms)} operands, got {len(shapes)}")
    sizes: dict[str, int] = {}
    more = ""
    for k, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        rest = len(shape) - len(term.replace("...", ""))
        if rest and ("..." not in term or rest < 0 or rest > 10):
            raise ShapeError(f"einsum: {term!r} in {equation!r} does not fit an operand of shape {shape}")
        digits = "0123456789"[:rest]
        more = max(more, digits, key=len)
        terms[k] = term.replace("...", digits)
        letters = terms[k]
        if len(set(letters)) != len(letters) or not (letters.replace(digits, "", 1) or "a").isalpha():
            raise ArgumentError(f"einsum: {term!r} in {equation!r} must name each dimension by a letter of its own")
        for letter, size in zip(letters, shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise ShapeError(
                    f"einsum: {letter!r} in {equation!r} is {sizes[letter]} in one operand and {size} in another"
                )
    every = "".join(terms)
    once = more + "".join(sorted(letter for letter in set(every) - set(more) if every.count(letter) == 1))
    result = right.replace("...", more) if arrow else once
    if len(set(result)) != len(result) or not set(result) <= set(every):
        raise ArgumentError(f"einsum: the result of {equation!r} must name letters of the operands, each once")
    return terms, result


def summed(x: Any, letters: str, kept: set[str]) -> tuple[Any, str]:
    """Return x summed over the dimensions whose letters nobody else names."""
    dims = tuple(d for d, letter in enumerate(letters) if letter not in kept)
    return (ops.sum(x, dim=dims) if dims else x), "".join(letter for letter in letters if letter in kept)


def contracted(a: Any, of_a: str, b: Any, of_b: str, kept: set[str]) -> tuple[Any, str]:
    """Return Σ a b over the letters in both that are not kept, as one product of matrices, and its letters."""
    stack = [c for c in of_a if c in of_b and c in kept]
    inner = [c for c in of_a if c in of_b and c not in kept]
    rows, columns = [c for c in of_a if c not in of_b], [c for c in of_b if c not in of_a]
    size = dict(zip(of_a, a.shape, strict=True)) | dict(zip(of_b, b.shape, strict=True))

    def arranged(x: Any, names: str, *groups: list[str]) -> Any:
        order = [names.index(c) for group in groups for c in group]
        shape = [prod(size[c] for c in group) for group in groups]
        return ops.reshape(ops.permute(x, dims=tuple(order)), shape=tuple(shape))

    y = ops.matmul(arranged(a, of_a, stack, rows, inner), arranged(b, of_b, stack, inner, columns))
    names = [*stack, *rows, *columns]
    return ops.reshape(y, shape=tuple([size[c] for c in names])), "".join(names)
