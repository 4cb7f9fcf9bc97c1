"""How alike two vectors are, and vectors of length 1."""

from __future__ import annotations

from typing import Any

from .. import ops
from .reductions import norm


def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    """y = x / max(‖x‖_p, ε) along `dim`.

    >>> import minidl
    >>> minidl.nn.functional.normalize(minidl.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    length = norm(input, p, dim, keepdim=True)
    return ops.div(input, ops.where(ops.lt(length, eps), eps, length))


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """y = Σ x1 x2 / (max(‖x1‖, ε) max(‖x2‖, ε)) along `dim`: the cosine of the angle between them.

    >>> import minidl
    >>> minidl.nn.functional.cosine_similarity(minidl.tensor([[3.0, 4.0]]), minidl.tensor([[3.0, 0.0]]))
    tensor([0.6000])
    """
    return ops.sum(ops.mul(normalize(x1, 2.0, dim, eps), normalize(x2, 2.0, dim, eps)), dim=dim)
