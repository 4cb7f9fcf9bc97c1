"""Layers that compare vectors."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .module import Module


class CosineSimilarity(Module):
    """y = x1·x2/(max(‖x1‖, eps)·max(‖x2‖, eps)) along dimension `dim`: the cosine of the angle between two vectors.

    >>> import minidl
    >>> minidl.nn.CosineSimilarity()(minidl.tensor([[3.0, 4.0]]), minidl.tensor([[2.0, 0.0]])).tolist()
    [0.6000000238418579]
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return the cosines."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """y = ‖x1 - x2 + eps‖_p along the last dimension.

    >>> import minidl
    >>> minidl.nn.PairwiseDistance(p=1, eps=0)(minidl.tensor([[3.0, 4.0]]), minidl.tensor([[0.0, 0.0]])).tolist()
    [7.0]
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return the distances."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
