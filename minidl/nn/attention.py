"""Multi-head attention."""

from __future__ import annotations

from typing import Any

import minidl

from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor
from . import functional as F
from . import init
from .checks import probability, whole
from .linear import Linear
from .module import Module
from .parameter import Parameter


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear layer under the name that PyTorch gives the one in its MultiheadAttention."""


class MultiheadAttention(Module):
    """y = [head_1, ..., head_h]·W_oᵀ + b_o, head_i = softmax(q_i·k_iᵀ/√d + mask)·v_i.

    q, k, v are query, key and value times their weights plus their biases, each cut into `num_heads` parts of width
    d = embed_dim/num_heads (Vaswani et al. 2017, section 3.2).

    Shapes, with N sequences, L queries, S keys, E = embed_dim: query (L, N, E), key (S, N, kdim), value (S, N, vdim),
    or with `batch_first` N first, or without N for one sequence -> the output, shaped as the query, and the weights of
    the keys, (N, L, S), the mean of the heads; with `average_attn_weights=False` (N, heads, L, S); with
    `need_weights=False` None.

    `attn_mask` (L, S) or (N·heads, L, S): True where a query must not look at a key, or numbers that are added to the
    scores. `key_padding_mask` (N, S): the same for keys that are padding. `is_causal` says that the attn_mask is the
    one that hides later keys. `dropout` acts on the weights, in training.

    Parameters: in_proj_weight (3E, E), the weights of q, k, v one below the other; with kdim or vdim apart,
    q_proj_weight (E, E), k_proj_weight (E, kdim), v_proj_weight (E, vdim); in_proj_bias (3E); out_proj.weight (E, E),
    out_proj.bias (E). `add_bias_kv` adds one more key and value, bias_k and bias_v (1, 1, E), `add_zero_attn` one of
    zeros. Initial values: the weights of q, k, v from U(-a, a), a = √(6/(rows + columns)); out_proj.weight from
    U(-1/√E, 1/√E); bias_k and bias_v from N(0, 1/E); the other biases 0.

    Raises ValueError for heads that don't divide the width and for shapes that don't fit.

    >>> import minidl
    >>> attention = minidl.nn.MultiheadAttention(16, num_heads=4, batch_first=True)
    >>> x = minidl.randn(2, 5, 16)
    >>> y, weights = attention(x, x, x)
    >>> y.shape, weights.shape
    ((2, 5, 16), (2, 5, 5))
    """

    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, add_bias_kv: bool = False,
        add_zero_attn: bool = False, kdim: int | None = None, vdim: int | None = None, batch_first: bool = False,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.embed_dim = whole("embed_dim", embed_dim)
        self.num_heads = whole("num_heads", num_heads)
        if embed_dim % num_heads:
            raise ArgumentError(f"embed_dim must be divisible by num_heads, got {embed_dim} for {num_heads} heads")
        self.head_dim = embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else whole("kdim", kdim)
        self.vdim = embed_dim if vdim is None else whole("vdim", vdim)
        self.dropout = probability("dropout", dropout)
        self.batch_first = batch_first
        self.add_zero_attn = add_zero_attn
        self.together = self.kdim == self.vdim == embed_dim
        shapes = {
            "in_proj_weight": (3 * embed_dim, embed_dim) if self.together else None,
            "q_proj_weight": None if self.together else (embed_dim, embed_dim),
            "k_proj_weight": None if self.together else (embed_dim, self.kdim),
            "v_proj_weight": None if self.together else (embed_dim, self.vdim),
            "in_proj_bias": (3 * embed_dim,) if bias else None,
            "bias_k": (1, 1, embed_dim) if add_bias_kv else None,
            "bias_v": (1, 1, embed_dim) if add_bias_kv else None,
        }
        for name, shape in shapes.items():
            empty = None if shape is None else Parameter(minidl.empty(*shape, dtype=dtype, device=device))
            self.register_parameter(name, empty)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        for param in self._parameters.values():
            if param is not None and param.ndim == 2:
                init.xavier_uniform_(param)
        for more in (self.bias_k, self.bias_v):
            if more is not None:
                init.xavier_normal_(more)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None,
        need_weights: bool = True, attn_mask: Tensor | None = None, average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        """Return (output, weights of the keys or None)."""
        for name, x, width in (("query", query, self.embed_dim), ("key", key, self.kdim), ("value", value, self.vdim)):
            if x.ndim not in (2, 3) or x.ndim != query.ndim or x.shape[-1] != width:
                form = f"(N, length, {width})" if self.batch_first else f"(length, N, {width})"
                raise ShapeError(
                    f"{name} must be {form}, or (length, {width}) where all are one sequence, got shape {x.shape}"
                )
        turned = self.batch_first and query.ndim == 3
        if turned:
            query, key, value = query.transpose(0, 1), key.transpose(0, 1), value.transpose(0, 1)
        output, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k,
            self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias, self.training,
            key_padding_mask, need_weights, attn_mask, not self.together, self.q_proj_weight, self.k_proj_weight,
            self.v_proj_weight, average_attn_weights=average_attn_weights, is_causal=is_causal,
        )  # fmt: skip
        return (output.transpose(0, 1) if turned else output), weights
