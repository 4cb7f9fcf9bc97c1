"""Recurrent cells: one step of the recurrent layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import minidl

from ..errors import DTypeError, ShapeError
from ..functions import recurrence
from ..tensor import Tensor
from . import init
from .checks import one_of, whole
from .module import Module
from .parameter import Parameter
from .rnn import pair_of_states


class Cell(Module):
    """What the cells have in common: weights, shapes, states. A subclass says how many blocks its weights have."""

    blocks = 1
    state_names: tuple[str, ...] = ("hx",)

    def __init__(self, input_size: int, hidden_size: int, bias: bool, device: Any, dtype: Any) -> None:
        super().__init__()
        self.input_size = whole("input_size", input_size)
        self.hidden_size = whole("hidden_size", hidden_size)
        self.bias = bool(bias)
        rows = self.blocks * hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, input_size), "weight_hh": (rows, hidden_size), "bias_ih": (rows,), "bias_hh": (rows,),
        }  # fmt: skip
        for name, shape in shapes.items():
            there = bias or name.startswith("weight")
            weight = Parameter(minidl.empty(*shape, dtype=dtype, device=device)) if there else None
            self.register_parameter(name, weight)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        k = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -k, k)

    def recur(self, x: Tensor, states: Sequence[Tensor], weights: list[Any]) -> tuple[Tensor, ...]:
        """Return the output and the new states, of one step in one layer."""
        raise NotImplementedError

    def run(self, input: Any, states: Sequence[Any]) -> list[Tensor]:
        """Return the new states for one sample or a batch, from these states or None."""
        x = minidl.as_tensor(input)
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise ShapeError(
                f"the input must be (N, input_size) or (input_size) with input_size={self.input_size}, got {x.shape}"
            )
        checked = []
        for name, state in zip(self.state_names, states, strict=True):
            expected = (*x.shape[:-1], self.hidden_size)
            given = minidl.zeros(*expected, dtype=x.dtype) if state is None else minidl.as_tensor(state)
            if given.shape != expected:
                raise ShapeError(f"{name} must have the shape {expected}, as the input {x.shape}, got {given.shape}")
            checked.append(given)
        for name, value in zip(("the input", *self.state_names), (x, *checked), strict=True):
            if value.dtype != self.weight_ih.dtype:
                raise DTypeError(f"{name} is {value.dtype} and the weights are {self.weight_ih.dtype}; convert one")
        dims = (0,) if x.ndim == 2 else (0, 0)  # one step, and of one sample a batch
        for _ in dims:
            x, checked = x.unsqueeze(0), [state.unsqueeze(0) for state in checked]
        weights = [weight for weight in self._parameters.values() if weight is not None]
        _, *new = self.recur(x, checked, weights)
        for _ in dims:
            new = [state.squeeze(0) for state in new]
        return new

    def extra_repr(self) -> str:
        """Return the sizes, and the options that differ from their defaults."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(Cell):
    """h' = f(x·W_ihᵀ + b_ih + h·W_hhᵀ + b_hh), f tanh or relu: one step of an RNN.

    Shapes: input (N, input_size) or (input_size); hx, None for zeros, and the answer (N, hidden_size) or (hidden_size);
    weight_ih (hidden_size, input_size), weight_hh (hidden_size, hidden_size), bias_ih, bias_hh (hidden_size).

    Initial values: all from U(-k, k) with k = 1/√hidden_size.

    >>> import minidl
    >>> cell, h = minidl.nn.RNNCell(28, 64), None
    >>> for x in minidl.zeros(10, 16, 28):
    ...     h = cell(x, h)
    >>> h.shape
    (16, 64)
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = one_of("nonlinearity", nonlinearity, ("tanh", "relu"))

    def recur(self, x: Tensor, states: Sequence[Tensor], weights: list[Any]) -> tuple[Tensor, ...]:
        """Return the output and the new state, of one step in one layer."""
        return recurrence.rnn(x, states[0], weights, nonlinearity=self.nonlinearity)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the new state."""
        (h,) = self.run(input, (hx,))
        return h

    def extra_repr(self) -> str:
        """Return the sizes, and the options that differ from their defaults."""
        shown = super().extra_repr()
        return shown if self.nonlinearity == "tanh" else f"{shown}, nonlinearity={self.nonlinearity}"


class LSTMCell(Cell):
    """c' = σ(f)·c + σ(i)·tanh(g), h' = σ(o)·tanh(c'): one step of an LSTM, which see for the gates.

    Shapes as in RNNCell; hx and the answer are pairs (h, c), and the weights and biases have 4·hidden_size rows.

    >>> import minidl
    >>> cell = minidl.nn.LSTMCell(28, 64)
    >>> h, c = cell(minidl.zeros(16, 28))
    >>> h.shape, c.shape
    ((16, 64), (16, 64))
    """

    blocks = 4
    state_names = ("h_0", "c_0")

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def recur(self, x: Tensor, states: Sequence[Tensor], weights: list[Any]) -> tuple[Tensor, ...]:
        """Return the output and the new states, of one step in one layer."""
        return recurrence.lstm(x, states[0], states[1], weights)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Return (the new h, the new c)."""
        h, c = self.run(input, (None, None) if hx is None else pair_of_states(hx))
        return h, c


class GRUCell(Cell):
    """h' = (1 - z)·n + z·h: one step of a GRU, which see for r, z and n.

    Shapes as in RNNCell; the weights and biases have 3·hidden_size rows.

    >>> import minidl
    >>> minidl.nn.GRUCell(28, 64)(minidl.zeros(16, 28)).shape
    (16, 64)
    """

    blocks = 3

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def recur(self, x: Tensor, states: Sequence[Tensor], weights: list[Any]) -> tuple[Tensor, ...]:
        """Return the output and the new state, of one step in one layer."""
        return recurrence.gru(x, states[0], weights)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the new state."""
        (h,) = self.run(input, (hx,))
        return h
