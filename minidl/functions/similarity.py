"""How alike two vectors are, and vectors of length 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..errors import ShapeError
from ._arguments import as_array, axis
from .norms import norm
from .shaping import expand


def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    """y = x / max(‖x‖_p, ε) along `dim`.

    >>> import minidl
    >>> minidl.nn.functional.normalize(minidl.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    length = norm(input, p, dim, keepdim=True)
    return ops.div(input, ops.where(ops.lt(length, eps), eps, length))


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """y = Σ x1 x2 / (max(‖x1‖, ε) max(‖x2‖, ε)) along `dim`: the cosine of the angle between them; they broadcast.

    >>> import minidl
    >>> minidl.nn.functional.cosine_similarity(minidl.tensor([[3.0, 4.0]]), minidl.tensor([[3.0, 0.0]]))
    tensor([0.6000])
    """
    shapes = as_array(x1, "x1").shape, as_array(x2, "x2").shape
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(f"cosine_similarity: shapes {shapes[0]} and {shapes[1]} do not broadcast") from None
    a, b = (normalize(expand(x, shape), 2.0, dim, eps) for x in (x1, x2))
    return ops.sum(ops.mul(a, b), dim=axis(dim, len(shape)))


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """y = ‖x1 - x2 + ε‖_p along the last dimension; they broadcast.

    >>> import minidl
    >>> minidl.nn.functional.pairwise_distance(minidl.tensor([[3.0, 4.0]]), minidl.tensor([[0.0, 0.0]]))
    tensor([5.0000])
    """
    return norm(ops.add(ops.sub(x1, x2), eps), p, -1, keepdim)
