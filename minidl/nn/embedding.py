"""Embedding: a vector for each word."""

from __future__ import annotations

from typing import Any, Self

import minidl

from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor
from . import functional as F
from . import init
from .checks import whole
from .module import Module
from .parameter import Parameter


class Embedding(Module):
    """y = weight[x]: a table that gives each number from 0 to num_embeddings - 1, such as a word's, a vector.

    Shapes: x of whole numbers (*) -> y (*, embedding_dim); weight (num_embeddings, embedding_dim).

    The row `padding_idx` gets no gradient; it starts as zeros. With `max_norm`, rows that are looked up and whose
    `norm_type`-norm is larger are first scaled down to it, in the weight itself. `scale_grad_by_freq` divides a row's
    gradient by how often it is looked up. `sparse` is not supported.

    Initial values: weight from N(0, 1). Raises IndexError for a number beyond the table.

    >>> import minidl
    >>> words = minidl.nn.Embedding(1000, 64, padding_idx=0)
    >>> y = words(minidl.tensor([[3, 14, 0], [15, 0, 0]]))
    >>> y.shape, y[1, 2].abs().sum().item()
    ((2, 3, 64), 0.0)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False, _weight: Tensor | None = None,
        _freeze: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if sparse:
            raise ArgumentError("sparse=True is not supported")
        self.num_embeddings = whole("num_embeddings", num_embeddings)
        self.embedding_dim = whole("embedding_dim", embedding_dim)
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ArgumentError(
                    f"padding_idx must be a row of the table, {-num_embeddings} to {num_embeddings - 1}, "
                    f"got {padding_idx}"
                )
            padding_idx %= num_embeddings
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        if _weight is None:
            _weight = minidl.empty(num_embeddings, embedding_dim, dtype=dtype, device=device)
            self.weight = Parameter(_weight, requires_grad=not _freeze)
            self.reset_parameters()
        else:
            if _weight.shape != (num_embeddings, embedding_dim):
                raise ShapeError(f"the weight must be {(num_embeddings, embedding_dim)}, got {_weight.shape}")
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
    ) -> Self:  # fmt: skip
        """Return an Embedding around a table (num_embeddings, embedding_dim), by default not to be trained.

        >>> import minidl
        >>> words = minidl.nn.Embedding.from_pretrained(minidl.tensor([[1.0, 2.0], [3.0, 4.0]]))
        >>> words(minidl.tensor([1])).tolist()
        [[3.0, 4.0]]
        """
        if embeddings.ndim != 2:
            raise ShapeError(f"embeddings must be (num_embeddings, embedding_dim), got shape {embeddings.shape}")
        rows, columns = embeddings.shape
        return cls(
            rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight=embeddings,
            _freeze=freeze,
        )  # fmt: skip

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with minidl.no_grad():
                self.weight[self.padding_idx] = 0.0

    def forward(self, input: Tensor) -> Tensor:
        """Return the rows of the table."""
        return F.embedding(input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq)

    def extra_repr(self) -> str:
        """Return the sizes, and the options that differ from their defaults."""
        shown = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            shown += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            shown += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            shown += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq:
            shown += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        return shown
