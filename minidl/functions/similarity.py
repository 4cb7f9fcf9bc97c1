"""How alike two vectors are, and vectors of length 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentError, DTypeError, ShapeError
from ._arguments import array_in, axis, constant, flag, number
from .joining import alike
from .shaping import expand
from .vector_norm import norm


def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    """y = x / max(‖x‖_p, ε) along `dim`.

    >>> import minidl
    >>> minidl.nn.functional.normalize(minidl.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    array_in(input)
    length = norm(input, number(p, "p"), dim, keepdim=True)
    return ops.div(input, ops.where(ops.lt(length, eps), eps, length))


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """y = Σ x1 x2 / (max(‖x1‖, ε) max(‖x2‖, ε)) along `dim`: the cosine of the angle between them; they broadcast.

    Unlike PyTorch's, the second derivative at vectors of zeros is finite.

    >>> import minidl
    >>> minidl.nn.functional.cosine_similarity(minidl.tensor([[3.0, 4.0]]), minidl.tensor([[3.0, 0.0]]))
    tensor([0.6000])
    """
    shapes, eps = (array_in(x1, "x1").shape, array_in(x2, "x2").shape), number(eps, "eps")
    if eps < 0:
        raise ArgumentError(f"eps: got {eps}, expected at least 0")
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(f"cosine_similarity: shapes {shapes[0]} and {shapes[1]} do not broadcast") from None
    a, b = (of_length_one(expand(x, shape), dim, eps) for x in alike([x1, x2]))
    return ops.sum(ops.mul(a, b), dim=axis(dim, len(shape)))


def of_length_one(x: Any, dim: int, eps: float) -> Any:
    """Return x / max(‖x‖, ε); as PyTorch has it, the slope is that of x / ‖x‖ where ε is larger too."""
    length = norm(x, 2.0, dim, keepdim=True)
    return ops.div(x, ops.add(length, ops.maximum(ops.sub(eps, constant(length)), 0.0)))


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """y = ‖x1 - x2 + ε‖_p along the last dimension; they broadcast.

    >>> import minidl
    >>> minidl.nn.functional.pairwise_distance(minidl.tensor([[3.0, 4.0]]), minidl.tensor([[0.0, 0.0]]))
    tensor([5.0000])
    """
    if array_in(x1, "x1").dtype == array_in(x2, "x2").dtype == np.bool_:
        raise DTypeError("pairwise_distance: x1 and x2 are bool, expected numbers")
    return norm(ops.add(ops.sub(x1, x2), number(eps, "eps")), number(p, "p"), -1, flag(keepdim, "keepdim"))
