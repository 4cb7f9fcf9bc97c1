"""Recurrent layers: RNN, LSTM, GRU."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import minidl

from ..errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from ..functions import recurrence
from ..tensor import Tensor
from . import init
from .checks import one_of, probability, whole
from .module import Module
from .parameter import Parameter
from .utils.rnn import PackedSequence


class Recurrent(Module):
    """What the recurrent layers have in common: weights, shapes, states, packed sequences.

    A subclass says how many blocks of hidden_size rows its weights have (`blocks`), the names of its states, and calls
    its recurrence in `recur`.
    """

    blocks = 1
    state_names: tuple[str, ...] = ("hx",)

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int, bias: bool, batch_first: bool, dropout: float,
        bidirectional: bool, device: Any, dtype: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        self.input_size = whole("input_size", input_size)
        self.hidden_size = whole("hidden_size", hidden_size)
        self.num_layers = whole("num_layers", num_layers)
        for name, value in (("bias", bias), ("batch_first", batch_first), ("bidirectional", bidirectional)):
            if not isinstance(value, bool):
                raise ArgumentTypeError(f"{name} must be True or False, got {value!r}")
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = probability("dropout", dropout)
        self.bidirectional = bidirectional
        if dropout > 0 and num_layers == 1:
            warnings.warn("dropout acts between layers, so with num_layers=1 it does nothing", stacklevel=3)
        rows = self.blocks * hidden_size
        for layer in range(num_layers):
            inputs = input_size if layer == 0 else hidden_size * self.directions
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, inputs), "weight_hh": (rows, hidden_size)}
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
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

    def recur(self, x: Tensor, states: Sequence[Tensor], weights: list[Any], **options: Any) -> tuple[Tensor, ...]:
        """Return the outputs and the last states of all layers and directions."""
        raise NotImplementedError

    def run(self, input: Any, states: Sequence[Any]) -> tuple[Any, list[Tensor]]:
        """Return the output and the last states for padded or packed input, from these states or None."""
        options = {
            "num_layers": self.num_layers, "bidirectional": self.bidirectional, "dropout": self.dropout,
            "training": self.training,
        }  # fmt: skip
        weights = list(self._parameters.values())
        if isinstance(input, PackedSequence):
            x, batch_sizes = self.checked_features(input.data), input.batch_sizes.tolist()
            first = self.initial_states(x, batch_sizes[0], states, batched=True)
            if input.sorted_indices is not None:
                first = [state[:, input.sorted_indices] for state in first]
            y, *last = self.recur(x, first, weights, batch_sizes=batch_sizes, **options)
            if input.unsorted_indices is not None:
                last = [state[:, input.unsorted_indices] for state in last]
            return PackedSequence(y, input.batch_sizes, input.sorted_indices, input.unsorted_indices), last
        input = minidl.as_tensor(input)
        x = self.steps_first(input)
        first = self.initial_states(x, x.shape[1], states, batched=input.ndim == 3)
        y, *last = self.recur(x, first, weights, **options)
        if input.ndim == 2:
            return y.squeeze(1), [state.squeeze(1) for state in last]
        return (y.transpose(0, 1) if self.batch_first else y), last

    def steps_first(self, input: Tensor) -> Tensor:
        """Return padded input as (T, N, input_size), or raise saying which dimension does not fit."""
        batch = "(N, T, input_size)" if self.batch_first else "(T, N, input_size)"
        if input.ndim not in (2, 3):
            raise ShapeError(f"the input must be {batch}, or (T, input_size) for one sequence, got shape {input.shape}")
        self.checked_features(input, batch if input.ndim == 3 else "(T, input_size)")
        x = input if input.ndim == 3 else input.unsqueeze(1)
        if self.batch_first and input.ndim == 3:
            x = input.transpose(0, 1)
        if x.shape[0] == 0:
            raise ShapeError(f"the input must have at least one time step, got shape {input.shape} ({batch})")
        return x

    def checked_features(self, x: Tensor, expected: str = "(Σ lengths, input_size)") -> Tensor:
        """Return the input, or raise if its features or their dtype are not the weights'."""
        if x.shape[-1] != self.input_size:
            raise ShapeError(
                f"the last dimension of the input must be input_size={self.input_size}, got {x.shape[-1]} "
                f"(shape {x.shape}, expected {expected})"
            )
        weight = self.weight_ih_l0
        if x.dtype != weight.dtype:
            raise DTypeError(
                f"the input is {x.dtype} and the weights are {weight.dtype}; convert the input with "
                f".to(minidl.{weight.dtype}) or the model with .to(minidl.{x.dtype})"
            )
        return x

    def initial_states(self, x: Tensor, batch: int, states: Sequence[Any], batched: bool) -> list[Tensor]:
        """Return the states to start from, each (L·D, N, hidden_size), zeros for None."""
        expected = (self.num_layers * self.directions, batch, self.hidden_size)
        checked = []
        for name, state in zip(self.state_names, states, strict=True):
            if state is None:
                checked.append(minidl.zeros(*expected, dtype=x.dtype))
                continue
            given = minidl.as_tensor(state)
            whole_batch = given if batched or given.ndim != 2 else given.unsqueeze(1)
            if whole_batch.shape != expected or (given.ndim == 3) != batched:
                shown = expected if batched else (expected[0], expected[2])
                form = "(num_layers·directions, N, hidden_size)" if batched else "(num_layers·directions, hidden_size)"
                raise ShapeError(f"{name} must have the shape {form} = {shown}, got {given.shape}")
            if given.dtype != x.dtype:
                raise DTypeError(f"{name} is {given.dtype} and the input is {x.dtype}; convert it: .to({x.dtype})")
            checked.append(whole_batch)
        return checked

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


class RNN(Recurrent):
    """h_t = f(x_t·W_ihᵀ + b_ih + h_{t-1}·W_hhᵀ + b_hh), f tanh or relu: the Elman network.

    In the form h_t = f(W·[h_{t-1}, x_t] + b) of the textbooks, W = [W_hh, W_ih], two blocks stored apart, and
    b = b_ih + b_hh.

    With several layers, each reads the outputs of the one below, in training with `dropout` between them. With
    `bidirectional`, a second network reads each sequence from its end, and the outputs of both stand side by side.

    Shapes, with T steps, N sequences, L layers, D = 2 directions or 1:

    - input (T, N, input_size), or (N, T, input_size) with `batch_first`, or (T, input_size) for one sequence, or a
      PackedSequence of sequences of different lengths, made by nn.utils.rnn.pack_padded_sequence;
    - hx, the states to start from, (L·D, N, hidden_size), or (L·D, hidden_size) for one sequence; None means zeros;
    - output: all h_t of the last layer, (T, N, D·hidden_size), its first two dimensions as in the input, or packed;
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
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype
        )  # fmt: skip
        self.nonlinearity = one_of("nonlinearity", nonlinearity, ("tanh", "relu"))

    def recur(self, x: Tensor, states: Sequence[Tensor], weights: list[Any], **options: Any) -> tuple[Tensor, ...]:
        """Return the outputs and the last states of all layers and directions."""
        return recurrence.rnn(x, states[0], weights, nonlinearity=self.nonlinearity, **options)

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """Return (output, h_n)."""
        output, (h_n,) = self.run(input, (hx,))
        return output, h_n


class LSTM(Recurrent):
    """c_t = σ(f)·c_{t-1} + σ(i)·tanh(g), h_t = σ(o)·tanh(c_t): the long short-term memory.

    i, f, g, o, the input, forget, cell and output gates, are the four blocks of
    x_t·W_ihᵀ + b_ih + h_{t-1}·W_hhᵀ + b_hh (Hochreiter & Schmidhuber 1997; Gers et al. 2000 for the forget gate).

    Options, shapes and names as in RNN, with two differences: hx and the last states are pairs (h, c), each
    (L·D, N, hidden_size), and the weights and biases have 4·hidden_size rows, the gates in the order i, f, g, o.
    `proj_size` other than 0 is not supported.

    Initial values: all from U(-k, k) with k = 1/√hidden_size.

    Unlike PyTorch's, it has no proj_size: an nn.Linear behind it does the same.

    >>> import minidl
    >>> lstm = minidl.nn.LSTM(28, 64, batch_first=True)
    >>> output, (h_n, c_n) = lstm(minidl.zeros(16, 10, 28))
    >>> output.shape, h_n.shape, c_n.shape
    ((16, 10, 64), (1, 16, 64), (1, 16, 64))
    """

    blocks = 4
    state_names = ("h_0", "c_0")

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        if proj_size != 0:
            raise ArgumentError(f"proj_size={proj_size} is not supported, only 0; put an nn.Linear after the LSTM")
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype
        )  # fmt: skip

    def recur(self, x: Tensor, states: Sequence[Tensor], weights: list[Any], **options: Any) -> tuple[Tensor, ...]:
        """Return the outputs and the last states of all layers and directions."""
        return recurrence.lstm(x, states[0], states[1], weights, **options)

    def forward(self, input: Any, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Any, tuple[Tensor, Tensor]]:
        """Return (output, (h_n, c_n))."""
        output, (h_n, c_n) = self.run(input, (None, None) if hx is None else pair_of_states(hx))
        return output, (h_n, c_n)


class GRU(Recurrent):
    """h_t = (1 - z)·n + z·h_{t-1}, with r = σ(a_r + b_r), z = σ(a_z + b_z), n = tanh(a_n + r·b_n): the gated unit.

    a and b are x_t·W_ihᵀ + b_ih and h_{t-1}·W_hhᵀ + b_hh, each in three blocks: for the reset gate r, the update gate z
    and the new value n (Cho et al. 2014, with b_n inside the reset gate's reach).

    Options, shapes and names as in RNN; the weights and biases have 3·hidden_size rows, in the order r, z, n.

    Initial values: all from U(-k, k) with k = 1/√hidden_size.

    >>> import minidl
    >>> gru = minidl.nn.GRU(28, 64, bidirectional=True)
    >>> output, h_n = gru(minidl.zeros(10, 16, 28))
    >>> output.shape, h_n.shape
    ((10, 16, 128), (2, 16, 64))
    """

    blocks = 3

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype
        )  # fmt: skip

    def recur(self, x: Tensor, states: Sequence[Tensor], weights: list[Any], **options: Any) -> tuple[Tensor, ...]:
        """Return the outputs and the last states of all layers and directions."""
        return recurrence.gru(x, states[0], weights, **options)

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """Return (output, h_n)."""
        output, (h_n,) = self.run(input, (hx,))
        return output, h_n


def pair_of_states(hx: Any) -> tuple[Any, Any]:
    """Return (h, c), or raise for anything else."""
    if not isinstance(hx, (tuple, list)) or len(hx) != 2:
        got = f"{len(hx)} values" if isinstance(hx, (tuple, list)) else type(hx).__name__
        raise ArgumentTypeError(f"hx must be a pair (h_0, c_0), got {got}")
    return hx[0], hx[1]
