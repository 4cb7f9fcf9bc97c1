"""The Transformer (Vaswani et al. 2017, Attention is all you need): its layers, its encoder and decoder, the whole."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import minidl

from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor
from . import functional as F
from . import init
from .attention import MultiheadAttention
from .checks import whole
from .container import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .norm import LayerNorm

Activation = str | Callable[[Any], Any]


def activation_named(activation: Activation) -> Callable[[Any], Any]:
    """Return the function of a name, or the function or module that was given."""
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise ArgumentError(f"activation must be 'relu', 'gelu' or a function, got {activation!r}")
    return F.relu if activation == "relu" else F.gelu


class TransformerEncoderLayer(Module):
    """x <- norm1(x + attention(x)), then x <- norm2(x + linear2(f(linear1(x)))), each addend with dropout.

    With `norm_first` the norms stand before the attention and linear1 instead: x <- x + attention(norm1(x)), and so on,
    which trains more evenly (Xiong et al. 2020). f is `activation`: "relu", "gelu" or a function.

    Shapes: src (L, N, d_model), with `batch_first` (N, L, d_model), or (L, d_model) for one sequence -> the same. Masks
    as in MultiheadAttention, with `nhead` heads. linear1 goes from d_model to dim_feedforward, linear2 back.

    Initial values: as in MultiheadAttention, Linear and LayerNorm.

    >>> import minidl
    >>> layer = minidl.nn.TransformerEncoderLayer(d_model=16, nhead=4, dim_feedforward=32, batch_first=True)
    >>> layer(minidl.randn(2, 5, 16)).shape
    (2, 5, 16)
    """

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: Activation = F.relu, layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **where)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **where)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **where)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **where)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **where)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = activation_named(activation)

    def forward(
        self, src: Tensor, src_mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        """Return the sequence after attention and the two linear layers."""

        def attention(x: Tensor) -> Tensor:
            y, _ = self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)
            return self.dropout1(y)

        def feedforward(x: Tensor) -> Tensor:
            return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))

        x = src
        if self.norm_first:
            x = x + attention(self.norm1(x))
            return x + feedforward(self.norm2(x))
        x = self.norm1(x + attention(x))
        return self.norm2(x + feedforward(x))


class TransformerDecoderLayer(Module):
    """As the encoder's layer, with a second attention, in which the sequence looks at `memory`, the encoder's output.

    x <- norm1(x + attention(x)), x <- norm2(x + attention(x, memory)), x <- norm3(x + linear2(f(linear1(x)))), each
    addend with dropout; with `norm_first` the norms stand before instead.

    Shapes: tgt (T, N, d_model), memory (L, N, d_model) -> (T, N, d_model), with `batch_first` N first. Options and
    initial values as in TransformerEncoderLayer.

    >>> import minidl
    >>> layer = minidl.nn.TransformerDecoderLayer(d_model=16, nhead=4, dim_feedforward=32, batch_first=True)
    >>> layer(minidl.randn(2, 3, 16), memory=minidl.randn(2, 5, 16)).shape
    (2, 3, 16)
    """

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: Activation = F.relu, layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **where)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **where)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **where)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **where)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **where)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **where)
        self.norm3 = LayerNorm(d_model, layer_norm_eps, bias=bias, **where)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = activation_named(activation)

    def forward(
        self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None, memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False, memory_is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        """Return the sequence after both attentions and the two linear layers."""

        def attention(x: Tensor) -> Tensor:
            y, _ = self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)
            return self.dropout1(y)

        def attention_to_memory(x: Tensor) -> Tensor:
            y, _ = self.multihead_attn(
                x, memory, memory, memory_key_padding_mask, False, memory_mask, is_causal=memory_is_causal
            )
            return self.dropout2(y)

        def feedforward(x: Tensor) -> Tensor:
            return self.dropout3(self.linear2(self.dropout(self.activation(self.linear1(x)))))

        x = tgt
        if self.norm_first:
            x = x + attention(self.norm1(x))
            x = x + attention_to_memory(self.norm2(x))
            return x + feedforward(self.norm3(x))
        x = self.norm1(x + attention(x))
        x = self.norm2(x + attention_to_memory(x))
        return self.norm3(x + feedforward(x))


class Stack(Module):
    """Copies of one layer, and after them a norm, if there is one."""

    def __init__(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        super().__init__()
        self.layers = ModuleList(copy.deepcopy(layer) for _ in range(whole("num_layers", num_layers, 0)))
        self.num_layers = num_layers
        self.norm = norm


class TransformerEncoder(Stack):
    """`num_layers` copies of an encoder layer, one after the other, then `norm`, if there is one.

    All copies begin with the layer's values. Shapes and masks as in TransformerEncoderLayer.

    >>> import minidl
    >>> from minidl import nn
    >>> encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32), num_layers=2)
    >>> encoder(minidl.randn(5, 2, 16)).shape
    (5, 2, 16)
    """

    def __init__(
        self, encoder_layer: Module, num_layers: int, norm: Module | None = None, enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(encoder_layer, num_layers, norm)

    def forward(
        self, src: Tensor, mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:  # fmt: skip
        """Return the sequence after all layers."""
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=bool(is_causal))
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(Stack):
    """`num_layers` copies of a decoder layer, one after the other, then `norm`, if there is one.

    All copies begin with the layer's values. Shapes and masks as in TransformerDecoderLayer.

    >>> import minidl
    >>> from minidl import nn
    >>> decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(16, 4, 32), num_layers=2)
    >>> decoder(minidl.randn(3, 2, 16), memory=minidl.randn(5, 2, 16)).shape
    (3, 2, 16)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(decoder_layer, num_layers, norm)

    def forward(
        self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None, memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None, memory_is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        """Return the sequence after all layers."""
        x = tgt
        for layer in self.layers:
            x = layer(
                x, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=bool(tgt_is_causal),
                memory_is_causal=memory_is_causal,
            )  # fmt: skip
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """An encoder that reads src, and a decoder that reads tgt and looks at what the encoder made of src.

    Encoder and decoder have a LayerNorm at their end. `custom_encoder` and `custom_decoder` stand in their place. It
    has no embedding and no positions; they are the model's. Options as in the layers.

    Shapes: src (S, N, d_model), tgt (T, N, d_model) -> (T, N, d_model), with `batch_first` N first, or without N.
    Initial values: all weights from U(-a, a), a = √(6/(rows + columns)); the others as in the layers.

    >>> import minidl
    >>> model = minidl.nn.Transformer(16, 4, 1, 1, dim_feedforward=32, batch_first=True)
    >>> mask = model.generate_square_subsequent_mask(3)
    >>> model(minidl.randn(2, 5, 16), minidl.randn(2, 3, 16), tgt_mask=mask).shape
    (2, 3, 16)
    """

    def __init__(
        self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6, num_decoder_layers: int = 6,
        dim_feedforward: int = 2048, dropout: float = 0.1, activation: Activation = F.relu,
        custom_encoder: Any = None, custom_decoder: Any = None, layer_norm_eps: float = 1e-5,
        batch_first: bool = False, norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        options: dict[str, Any] = {
            "dim_feedforward": dim_feedforward, "dropout": dropout, "activation": activation,
            "layer_norm_eps": layer_norm_eps, "batch_first": batch_first, "norm_first": norm_first, "bias": bias,
        }  # fmt: skip
        if custom_encoder is None:
            layer: Module = TransformerEncoderLayer(d_model, nhead, **options, **where)
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, **where)
            custom_encoder = TransformerEncoder(layer, num_encoder_layers, norm)
        self.encoder = custom_encoder
        if custom_decoder is None:
            layer = TransformerDecoderLayer(d_model, nhead, **options, **where)
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, **where)
            custom_decoder = TransformerDecoder(layer, num_decoder_layers, norm)
        self.decoder = custom_decoder
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for param in self.parameters():
            if param.ndim > 1:
                init.xavier_uniform_(param)

    def forward(
        self, src: Tensor, tgt: Tensor, src_mask: Tensor | None = None, tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None, tgt_is_causal: bool | None = None, memory_is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        """Return what the decoder makes of tgt and of what the encoder makes of src."""
        for name, x in (("src", src), ("tgt", tgt)):
            if x.shape[-1] != self.d_model:
                raise ShapeError(f"the last dimension of {name} must be d_model={self.d_model}, got shape {x.shape}")
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise ShapeError(f"src and tgt must have the same batch, got shapes {src.shape} and {tgt.shape}")
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, tgt_is_causal,
            memory_is_causal,
        )  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """Return the mask (sz, sz) that hides later places: -∞ above the diagonal, 0 elsewhere.

        >>> import minidl
        >>> minidl.nn.Transformer.generate_square_subsequent_mask(2).tolist()
        [[0.0, -inf], [0.0, 0.0]]
        """
        place = minidl.arange(sz)
        later = place.unsqueeze(0) > place.unsqueeze(1)
        return minidl.zeros(sz, sz, device=device, dtype=dtype).masked_fill(later, -math.inf)
