"""Sums of products whose dimensions have names, and tensordot, which is one of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np

from .. import dtypes, ops
from ..autograd import Variable
from ..errors import ArgumentError, DTypeError, ShapeError
from ..operation import cast_to
from ._arguments import as_array, axis, integers
from .products import same_numbers


def einsum(equation: Any, *operands: Any) -> Any:
    """Σ over the letters that the result does not name: "ij,jk->ik" is y[i,k] = Σ_j a[i,j] b[j,k].

    One group of letters for each operand, one letter for each dimension; "..." stands for further ones, a letter named
    twice in a group for the diagonal. Without "->" the result names "..." and the letters that occur once, in order.
    Or operands and lists of ints by turns: einsum(a, [0, 1], b, [1, 2], [0, 2]). Each pair is one product of matrices.

    >>> import minidl
    >>> minidl.einsum("bij,bij->b", minidl.ones(2, 3, 4), minidl.ones(2, 3, 4))
    tensor([12., 12.])
    >>> minidl.einsum("ii->i", minidl.eye(2))
    tensor([1., 1.])
    """
    if not isinstance(equation, str):
        equation, operands = written((equation, *operands))
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    for k, x in enumerate(operands):
        if not isinstance(x, (Variable, np.ndarray)):
            raise DTypeError(f"operands: number {k} is {type(x).__name__}, expected a Tensor or an array")
    terms, result = read_equation(equation, [as_array(x).shape for x in operands])
    unique = [diagonals(x, letters) for x, letters in zip(operands, terms, strict=True)]
    x, names = summed(*unique[0], set(result).union(*terms[1:]))
    for k, (other, letters) in enumerate(unique[1:], start=2):
        later = set(result).union(*terms[k:])
        other, letters = summed(other, letters, later | set(names))
        x, names = contracted(x, names, other, letters, later)
    return ops.permute(x, dims=tuple(names.index(letter) for letter in result))


def written(arguments: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """Return the equation and the operands of einsum(a, [0, 1], b, [1, 2], [0, 2])."""

    def letters(numbers: Any) -> str:
        if not isinstance(numbers, (list, tuple)):
            raise DTypeError(f"einsum: got {numbers!r}, expected a list of ints that name the dimensions")
        named = []
        for number in numbers:
            k = 0 if number is ... else integers((number,), "einsum")[0]
            if not 0 <= k < 52:
                raise ArgumentError(f"einsum: dimension {k} in {numbers}, expected 0 to 51")
            named.append("..." if number is ... else (ascii_uppercase + ascii_lowercase)[k])
        return "".join(named)

    if len(arguments) < 2:
        raise ArgumentError("einsum: expected an equation and operands, or operands and lists of ints by turns")
    terms = ",".join(letters(numbers) for numbers in arguments[1::2])
    return terms + ("->" + letters(arguments[-1]) if len(arguments) % 2 else ""), tuple(arguments[:-1:2])


def read_equation(equation: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result, "..." written out as digits; refuse what does not fit."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ArgumentError(f"einsum: {equation!r} names {len(terms)} operands, got {len(shapes)}")
    for term in (*terms, right):
        if not set(term.replace("...", "", 1)) <= set(ascii_letters):
            raise ArgumentError(f"einsum: {term!r} in {equation!r}: expected letters, and ... once at most")
    sizes: dict[str, int] = {}
    rest = [len(shape) - len(term.replace("...", "")) for term, shape in zip(terms, shapes, strict=True)]
    more = "".join(map(chr, range(0x100, 0x100 + max([0, *rest]))))  # names for what ... stands for, from the right
    for k, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        if rest[k] < 0 or (rest[k] and "..." not in term):
            raise ShapeError(f"einsum: {term!r} in {equation!r} does not fit an operand of shape {shape}")
        terms[k] = term.replace("...", more[len(more) - rest[k] :])
        for letter, size in zip(terms[k], shape, strict=True):
            known = sizes.setdefault(letter, size)
            if size != known and (1 not in (size, known) or terms[k].count(letter) > 1):
                raise ShapeError(f"einsum: {letter!r} in {equation!r} is {known} in one place and {size} in another")
            sizes[letter] = known if size == 1 else size
    every = "".join(terms)
    once = more + "".join(sorted(letter for letter in set(every) - set(more) if every.count(letter) == 1))
    result = right.replace("...", more) if arrow else once
    if len(set(result)) != len(result) or not set(result) <= set(every):
        raise ArgumentError(f"einsum: the result of {equation!r} must name letters of the operands, each once")
    return terms, result


def diagonals(x: Any, letters: str) -> tuple[Any, str]:
    """Return x with the dimensions that share a letter made one, their diagonal."""
    for letter in dict.fromkeys(letters):
        places = [d for d, other in enumerate(letters) if other == letter]
        if len(places) > 1:
            others = [d for d in range(len(letters)) if d not in places]
            x = ops.permute(x, dims=(*places, *others))
            x = ops.getitem(x, index=(np.arange(x.shape[0]),) * len(places))
            letters = letter + "".join(letters[d] for d in others)
    return x, letters


def summed(x: Any, letters: str, kept: set[str]) -> tuple[Any, str]:
    """Return x summed over the dimensions whose letters nobody else names."""
    dims = tuple(d for d, letter in enumerate(letters) if letter not in kept)
    return (ops.sum(x, dim=dims) if dims else x), "".join(letter for letter in letters if letter in kept)


def contracted(a: Any, of_a: str, b: Any, of_b: str, kept: set[str]) -> tuple[Any, str]:
    """Return Σ a b over the letters in both that are not kept, as one product of matrices, and its letters.

    A dimension of size 1 stands for as many as the other operand has.
    """
    size_a, size_b = dict(zip(of_a, a.shape, strict=True)), dict(zip(of_b, b.shape, strict=True))
    for letter in set(of_a) & set(of_b):
        if size_a[letter] != size_b[letter]:  # one of them is 1: summed, or left to the other
            a, of_a = without(a, of_a, letter) if size_a[letter] == 1 else (a, of_a)
            b, of_b = without(b, of_b, letter) if size_b[letter] == 1 else (b, of_b)
    a, of_a = summed(a, of_a, kept | set(of_b))
    b, of_b = summed(b, of_b, kept | set(of_a))
    stack = [c for c in of_a if c in of_b and c in kept]
    inner = [c for c in of_a if c in of_b and c not in kept]
    rows, columns = [c for c in of_a if c not in of_b], [c for c in of_b if c not in of_a]
    size = size_b | dict(zip(of_b, b.shape, strict=True)) | dict(zip(of_a, a.shape, strict=True))

    def arranged(x: Any, names: str, *groups: list[str]) -> Any:
        order = [names.index(c) for group in groups for c in group]
        shape = [prod(size[c] for c in group) for group in groups]
        return ops.reshape(ops.permute(x, dims=tuple(order)), shape=tuple(shape))

    left, right = arranged(a, of_a, stack, rows, inner), arranged(b, of_b, stack, inner, columns)
    if inner:
        same_numbers("einsum", left=left, right=right)
        y = ops.matmul(left, right)
    else:
        y = ops.mul(left, right)
    names = [*stack, *rows, *columns]
    return ops.reshape(y, shape=tuple([size[c] for c in names])), "".join(names)


def without(x: Any, letters: str, letter: str) -> tuple[Any, str]:
    """Return x without a dimension of size 1."""
    d = letters.index(letter)
    return ops.reshape(x, shape=x.shape[:d] + x.shape[d + 1 :]), letters[:d] + letters[d + 1 :]


def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """Σ over the last `dims` dimensions of a and the first of b; or over two lists of them, in pairs.

    >>> import minidl
    >>> minidl.tensordot(minidl.ones(2, 3), minidl.ones(3, 2), dims=1)
    tensor([[3., 3.],
            [3., 3.]])
    """
    same_numbers("tensordot", a=a, b=b)
    n, m = as_array(a).ndim, as_array(b).ndim
    if hasattr(dims, "tolist"):
        dims = dims.tolist()
    if isinstance(dims, (list, tuple)):
        if len(dims) != 2 or not all(isinstance(part, (list, tuple)) for part in dims):
            raise DTypeError(f"dims: got {dims!r}, expected an int or two lists of ints")
        first, second = ([axis(d, ndim, "dims") for d in part] for part, ndim in zip(dims, (n, m), strict=True))
    else:
        (count,) = integers((dims,), "dims")
        if not 0 <= count <= min(n, m):
            raise ArgumentError(f"dims: got {count}, expected 0 to {min(n, m)}")
        first, second = list(range(n - count, n)), list(range(count))
    if len(first) != len(second):
        raise ArgumentError(f"dims: got {dims!r}, expected as many dimensions of a as of b")
    if len(set(first)) != len(first) or len(set(second)) != len(second):
        raise ArgumentError(f"dims: got {dims!r}, which names a dimension twice")
    if n + m - len(first) > len(ascii_letters):
        raise ShapeError(f"tensordot: {n} and {m} dimensions are too many")
    of_a, of_b = ascii_letters[:n], list(ascii_letters[n : n + m])
    for d, e in zip(first, second, strict=True):
        of_b[e] = of_a[d]
    kept = [c for c in (*of_a, *of_b) if (c in of_a) != (c in of_b)]
    dtype = as_array(a).dtype
    if dtype.kind != "f":  # sums of integers are int64
        a, b = cast_to(a, dtypes.int64), cast_to(b, dtypes.int64)
    return cast_to(einsum(f"{of_a},{''.join(of_b)}->{''.join(kept)}", a, b), dtype)
