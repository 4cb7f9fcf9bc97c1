"""Recurrent layers."""

from __future__ import annotations

import math
import warnings
from typing import Any

import minidl

from ..errors import ArgumentTypeError, DTypeError, ShapeError
from ..functions import recurrence
from ..tensor import Tensor
from . import init
from .checks import one_of, probability, whole
from .module import Module
from .parameter import Parameter


class RNN(Module):
    """h_t = f(x_t·W_ihᵀ + b_ih + h_{t-1}·W_hhᵀ + b_hh), f tanh or relu: the Elman network.

    In the form h_t = f(W·[h_{t-1}, x_t] + b) of the textbooks, W = [W_hh, W_ih], two blocks stored apart, and
    b = b_ih + b_hh.

    With several layers, each reads the outputs of the one below, in training with `dropout` between them. With
    `bidirectional`, a second network reads each sequence from its end, and the outputs of both stand side by side.

    Shapes, with T steps, N sequences, L layers, D = 2 directions or 1:

    - input (T, N, input_size), or (N, T, input_size) with `batch_first`, or (T, input_size) for one sequence;
    - hx, the states to start from, (L·D, N, hidden_size), or (L·D, hidden_size) for one sequence; None means zeros;
    - output: all h_t of the last layer, (T, N, D·hidden_size), its first two dimensions as in the input;
    - h_n: the last states of every layer and direction, shaped as hx.

    Parameters, for layer k: weight_ih_l{k} (hidden_size, input_size, or D·hidden_size above the first layer),
    weight_hh_l{k} (hidden_size, hidden_size), bias_ih_l{k} and bias_hh_l{k} (hidden_size); `_reverse` is added to the
    names of the second direction. Initial values: all from U(-k, k) with k = 1/√hidden_size.

    >>> import minidl
    >>> rnn = minidl.nn.RNN(28, 64, num_layers=2, batch_first=True)
    >>> output, h_n = rnn(minidl.zeros(16, 10, 28))
    >>> output.shape, h_n.shape
    ((16, 10, 64), (2, 16, 64))
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.input_size = whole("input_size", input_size)
        self.hidden_size = whole("hidden_size", hidden_size)
        self.num_layers = whole("num_layers", num_layers)
        self.nonlinearity = one_of("nonlinearity", nonlinearity, ("tanh", "relu"))
        for name, value in (("bias", bias), ("batch_first", batch_first), ("bidirectional", bidirectional)):
            if not isinstance(value, bool):
                raise ArgumentTypeError(f"{name} must be True or False, got {value!r}")
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = probability("dropout", dropout)
        self.bidirectional = bidirectional
        if dropout > 0 and num_layers == 1:
            warnings.warn("dropout acts between layers, so with num_layers=1 it does nothing", stacklevel=2)
        for layer in range(num_layers):
            inputs = input_size if layer == 0 else hidden_size * self.directions
            shapes: dict[str, tuple[int, ...]] = {
                "weight_ih": (hidden_size, inputs),
                "weight_hh": (hidden_size, hidden_size),
            }
            if bias:
                shapes |= {"bias_ih": (hidden_size,), "bias_hh": (hidden_size,)}
            for suffix in ("", "_reverse")[: self.directions]:
                for name, shape in shapes.items():
                    weight = Parameter(minidl.empty(*shape, dtype=dtype, device=device))
                    self.register_parameter(f"{name}_l{layer}{suffix}", weight)
        self.reset_parameters()

    @property
    def directions(self) -> int:
        """2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        k = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -k, k)

    def flatten_parameters(self) -> None:
        """Do nothing: a GPU wants the weights in one block, a CPU does not."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        weights = list(self.parameters())
        size = 4 if self.bias else 2
        return [weights[k : k + size] for k in range(0, len(weights), size)]

    def forward(self, input: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return (output, h_n)."""
        input = minidl.as_tensor(input)
        x = self.steps_first(input)
        h0 = self.initial_state(x, hx, input.ndim == 3)
        output, h_n = recurrence.rnn(
            x, h0, list(self._parameters.values()), nonlinearity=self.nonlinearity, num_layers=self.num_layers,
            bidirectional=self.bidirectional, dropout=self.dropout, training=self.training,
        )  # fmt: skip
        if input.ndim == 2:
            return output.squeeze(1), h_n.squeeze(1)
        return (output.transpose(0, 1) if self.batch_first else output), h_n

    def steps_first(self, input: Tensor) -> Tensor:
        """Return the input as (T, N, input_size), or raise saying which dimension does not fit."""
        batch = "(N, T, input_size)" if self.batch_first else "(T, N, input_size)"
        if input.ndim not in (2, 3):
            raise ShapeError(f"the input must be {batch}, or (T, input_size) for one sequence, got shape {input.shape}")
        if input.shape[-1] != self.input_size:
            raise ShapeError(
                f"the last dimension of the input must be input_size={self.input_size}, got {input.shape[-1]} "
                f"(shape {input.shape}, expected {batch if input.ndim == 3 else '(T, input_size)'})"
            )
        weight = self.weight_ih_l0
        if input.dtype != weight.dtype:
            raise DTypeError(
                f"the input is {input.dtype} and the weights are {weight.dtype}; convert the input with "
                f".to(minidl.{weight.dtype}) or the model with .to(minidl.{input.dtype})"
            )
        x = input if input.ndim == 3 else input.unsqueeze(1)
        if self.batch_first and input.ndim == 3:
            x = input.transpose(0, 1)
        if x.shape[0] == 0:
            raise ShapeError(f"the input must have at least one time step, got shape {input.shape} ({batch})")
        return x

    def initial_state(self, x: Tensor, hx: Tensor | None, batched: bool) -> Tensor:
        """Return the states to start from as (L·D, N, hidden_size), zeros for None."""
        expected = (self.num_layers * self.directions, x.shape[1], self.hidden_size)
        if hx is None:
            return minidl.zeros(*expected, dtype=x.dtype)
        h0 = minidl.as_tensor(hx)
        h0 = h0 if batched or h0.ndim != 2 else h0.unsqueeze(1)
        if h0.shape != expected or (h0.ndim == hx.ndim) != batched:
            shown = expected if batched else (expected[0], expected[2])
            form = "(num_layers·directions, N, hidden_size)" if batched else "(num_layers·directions, hidden_size)"
            raise ShapeError(f"hx must have the shape {form} = {shown}, got {tuple(hx.shape)}")
        if h0.dtype != x.dtype:
            raise DTypeError(f"hx is {h0.dtype} and the input is {x.dtype}; convert it: hx.to({x.dtype})")
        return h0

    def extra_repr(self) -> str:
        """Return the sizes, and the options that differ from their defaults."""
        shown = f"{self.input_size}, {self.hidden_size}"
        if self.num_layers != 1:
            shown += f", num_layers={self.num_layers}"
        if not self.bias:
            shown += ", bias=False"
        if self.batch_first:
            shown += ", batch_first=True"
        if self.dropout:
            shown += f", dropout={self.dropout}"
        if self.bidirectional:
            shown += ", bidirectional=True"
        return shown
