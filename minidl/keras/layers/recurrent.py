"""Recurrent layers over sequences (batch, time, features), and one that reads them from both ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minidl

from ... import nn
from ...errors import ArgumentError, ArgumentTypeError
from ...functions import recurrence
from .. import activations, initializers
from ..naming import Configured, looked_up
from .base import Layer
from .core import positive

F = nn.functional


class Recurrent(Layer):
    """What the recurrent layers have in common.

    A subclass says how many blocks of `units` columns its weights have and how many states it has, computes a `step`,
    and, where a kernel knows the activations, all steps at once in `whole`.
    """

    rank = 3
    blocks = 1
    states = 1

    def __init__(
        self, units: int, activation: Any = "tanh", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", dropout: float = 0.0,
        recurrent_dropout: float = 0.0, return_sequences: bool = False, return_state: bool = False,
        go_backwards: bool = False, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        self.units = positive(type(self).__name__, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout
        self.return_sequences, self.return_state, self.go_backwards = return_sequences, return_state, go_backwards
        self.bias = None

    def bias_shape(self) -> tuple[int, ...]:
        """Return the shape of the bias."""
        return (self.blocks * self.units,)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.features = input_shape[-1]
        columns = self.blocks * self.units
        self.kernel = self.add_weight((self.features, columns), self.kernel_initializer, name="kernel")
        self.recurrent_kernel = self.add_weight(
            (self.units, columns), self.recurrent_initializer, name="recurrent_kernel"
        )
        if self.use_bias:
            self.bias = self.add_weight(self.bias_shape(), self.bias_initializer, name="bias")

    def call(self, sequences: Any, initial_state: Any = None, training: bool = False) -> Any:
        """Return the last outputs (batch, units), or those of all steps; with `return_state` the last states too."""
        x = sequences.flip(1) if self.go_backwards else sequences
        if training and self.dropout:  # the same inputs are zero at every step
            x = x * F.dropout(minidl.ones(x.shape[0], 1, x.shape[2], dtype=x.dtype), self.dropout, True)
        if initial_state is None:
            states = [minidl.zeros(x.shape[0], self.units, dtype=x.dtype) for _ in range(self.states)]
        else:
            states = list(initial_state) if isinstance(initial_state, (list, tuple)) else [initial_state]
        if len(states) != self.states:
            raise ArgumentError(f"layer {self.name!r}: expected {self.states} initial states, got {len(states)}")
        kept = self.recurrent_dropout if training else 0.0
        answer = None if kept or x.shape[1] == 0 else self.whole(x.permute(1, 0, 2), states)
        outputs, states = answer or self.loop(x, states, kept)
        result = outputs if self.return_sequences else outputs[:, -1] if x.shape[1] else states[0]
        return (result, *states) if self.return_state else result

    def loop(self, x: Any, states: list[Any], dropped: float) -> tuple[Any, list[Any]]:
        """Return the outputs of all steps (batch, time, units) and the last states, step by step."""
        mask = F.dropout(minidl.ones(x.shape[0], self.units, dtype=x.dtype), dropped, True) if dropped else None
        outputs = []
        for t in range(x.shape[1]):
            states = self.step(x[:, t], states, mask)
            outputs.append(states[0])
        empty = minidl.zeros(x.shape[0], 0, self.units, dtype=x.dtype)
        return minidl.stack(outputs, dim=1) if outputs else empty, states

    def step(self, x: Any, states: list[Any], mask: Any) -> list[Any]:
        """Return the states after one step; a mask is multiplied into the state that is read."""
        raise NotImplementedError

    def whole(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]] | None:
        """Return outputs and states of all steps, x (time, batch, features), or None where only `step` can."""
        return None


class SimpleRNN(Recurrent):
    """h_t = f(x_t·W + h_{t-1}·U + b): the recurrence of the textbooks, with W and U stored apart.

    Weights: kernel W (in, units), recurrent_kernel U (units, units), bias b (units).

    >>> from minidl import keras
    >>> keras.layers.SimpleRNN(8)(keras.Input((10, 4))).shape
    (None, 8)
    """

    def step(self, x: Any, states: list[Any], mask: Any) -> list[Any]:
        """Return the next state."""
        h = states[0] if mask is None else states[0] * mask
        return [self.activation(F.linear(x, self.kernel.T, self.bias) + h @ self.recurrent_kernel)]

    def whole(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]] | None:
        """Return outputs and states by the kernel, for tanh and relu."""
        kind = {activations.tanh: "tanh", activations.relu: "relu"}.get(self.activation)
        if kind is None:
            return None
        weights = [self.kernel.T, self.recurrent_kernel.T]
        if self.bias is not None:
            weights += [self.bias, minidl.zeros(self.units, dtype=x.dtype)]
        outputs, h = recurrence.rnn(x, states[0].unsqueeze(0), weights, nonlinearity=kind)
        return outputs.permute(1, 0, 2), [h[0]]


class LSTM(Recurrent):
    """c_t = σ(f)·c_{t-1} + σ(i)·tanh(g), h_t = σ(o)·tanh(c_t), with [i, f, g, o] = x_t·W + h_{t-1}·U + b.

    Weights: kernel W (in, 4·units), recurrent_kernel U (units, 4·units), bias b (4·units), whose part for f begins at
    1 (`unit_forget_bias`, Jozefowicz et al. 2015). `return_state` gives h and c.

    >>> from minidl import keras
    >>> keras.layers.LSTM(8, return_sequences=True)(keras.Input((10, 4))).shape
    (None, 10, 8)
    """

    blocks = 4
    states = 2

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid",
        unit_forget_bias: bool = True, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(units, activation, **options)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        super().build(input_shape)
        if self.bias is not None and self.unit_forget_bias:
            with minidl.no_grad():
                self.bias[self.units : 2 * self.units].fill_(1.0)

    def step(self, x: Any, states: list[Any], mask: Any) -> list[Any]:
        """Return the next h and c."""
        h, c = states
        h = h if mask is None else h * mask
        i, f, g, o = (F.linear(x, self.kernel.T, self.bias) + h @ self.recurrent_kernel).chunk(4, dim=1)
        c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(g)
        return [self.recurrent_activation(o) * self.activation(c), c]

    def whole(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]] | None:
        """Return outputs and states by the kernel, for tanh and sigmoid."""
        if (self.activation, self.recurrent_activation) != (activations.tanh, activations.sigmoid):
            return None
        weights = [self.kernel.T, self.recurrent_kernel.T]
        if self.bias is not None:
            weights += [self.bias, minidl.zeros(4 * self.units, dtype=x.dtype)]
        outputs, h, c = recurrence.lstm(x, states[0].unsqueeze(0), states[1].unsqueeze(0), weights)
        return outputs.permute(1, 0, 2), [h[0], c[0]]


class GRU(Recurrent):
    """h_t = z·h_{t-1} + (1 - z)·tanh(x_t·W_h + b_h + r·(h_{t-1}·U_h + b'_h)), z and r from σ(x_t·W + h_{t-1}·U + b).

    Weights: kernel (in, 3·units) and recurrent_kernel (units, 3·units), the blocks in the order z, r, h; bias
    (2, 3·units) for inputs and states. With `reset_after=False` r is multiplied into h_{t-1} before U_h, and the bias
    is (3·units) (Cho et al. 2014).

    >>> from minidl import keras
    >>> keras.layers.GRU(8)(keras.Input((10, 4))).shape
    (None, 8)
    """

    blocks = 3

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", reset_after: bool = True,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(units, activation, **options)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def bias_shape(self) -> tuple[int, ...]:
        """Return the shape of the bias."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def biases(self) -> tuple[Any, Any]:
        """Return the biases of inputs and states."""
        if self.bias is None:
            return None, None
        return (self.bias[0], self.bias[1]) if self.reset_after else (self.bias, None)

    def step(self, x: Any, states: list[Any], mask: Any) -> list[Any]:
        """Return the next state."""
        h = states[0]
        read = h if mask is None else h * mask
        of_inputs, of_states = self.biases()
        u = self.units
        xz, xr, xh = F.linear(x, self.kernel.T, of_inputs).chunk(3, dim=1)
        if self.reset_after:
            hz, hr, hh = F.linear(read, self.recurrent_kernel.T, of_states).chunk(3, dim=1)
            z, r = self.recurrent_activation(xz + hz), self.recurrent_activation(xr + hr)
            new = self.activation(xh + r * hh)
        else:
            hz, hr = (read @ self.recurrent_kernel[:, : 2 * u]).chunk(2, dim=1)
            z, r = self.recurrent_activation(xz + hz), self.recurrent_activation(xr + hr)
            new = self.activation(xh + (r * read) @ self.recurrent_kernel[:, 2 * u :])
        return [z * h + (1 - z) * new]

    def whole(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]] | None:
        """Return outputs and states by the kernel, whose blocks stand in the order r, z, h."""
        usual = (self.activation, self.recurrent_activation) == (activations.tanh, activations.sigmoid)
        if not usual or not self.reset_after:
            return None

        def turned(w: Any) -> Any:
            z, r, h = w.chunk(3, dim=-1)
            return minidl.cat([r, z, h], dim=-1)

        weights = [turned(self.kernel).T, turned(self.recurrent_kernel).T]
        if self.bias is not None:
            weights += [turned(self.bias[0]), turned(self.bias[1])]
        outputs, h = recurrence.gru(x, states[0].unsqueeze(0), weights)
        return outputs.permute(1, 0, 2), [h[0]]


# what becomes of the outputs of both directions
MERGES: dict[str | None, Callable[[Any, Any], Any]] = {
    "concat": lambda ahead, back: minidl.cat([ahead, back], dim=-1),
    "sum": lambda ahead, back: ahead + back,
    "mul": lambda ahead, back: ahead * back,
    "ave": lambda ahead, back: (ahead + back) / 2,
    None: lambda ahead, back: [ahead, back],
}


class Bidirectional(Layer):
    """A recurrent layer and a second one that reads from the end; the outputs are merged.

    `merge_mode` is "concat", "sum", "mul", "ave", or None for a list of both.

    >>> from minidl import keras
    >>> keras.layers.Bidirectional(keras.layers.GRU(8))(keras.Input((10, 4))).shape
    (None, 16)
    """

    rank = 3

    def __init__(
        self, layer: Any, merge_mode: str | None = "concat", backward_layer: Any = None, **options: Any
    ) -> None:
        super().__init__(**options)
        layer, backward_layer = made(layer), None if backward_layer is None else made(backward_layer)
        if not isinstance(layer, Recurrent):
            raise ArgumentTypeError(f"Bidirectional: got {type(layer).__name__}, expected a recurrent layer")
        if merge_mode is not None:
            looked_up(merge_mode, {name: name for name in MERGES if name}, "Bidirectional: merge_mode")
        self.merge_mode = merge_mode
        config = {name: value for name, value in layer.get_config().items() if name != "name"}
        self.forward_layer = type(layer)(**{**config, "name": f"forward_{layer.name}"})
        turned = {**config, "go_backwards": not layer.go_backwards, "name": f"backward_{layer.name}"}
        self.backward_layer = backward_layer or type(layer)(**turned)

    def call(self, sequences: Any, initial_state: Any = None) -> Any:
        """Return what both layers read."""
        states: list[Any] = [None, None]
        if initial_state is not None:
            half = len(initial_state) // 2
            states = [initial_state[:half], initial_state[half:]]
        ahead = self.forward_layer(sequences, initial_state=states[0])
        back = self.backward_layer(sequences, initial_state=states[1])
        last: list[Any] = []
        if self.forward_layer.return_state:
            (ahead, *first), (back, *second) = ahead, back
            last = [*first, *second]
        if self.forward_layer.return_sequences:
            back = back.flip(1)
        merged = MERGES[self.merge_mode](ahead, back)
        return (merged, *last) if last else merged


def made(layer: Any) -> Any:
    """Return a layer, or make it of its configuration."""
    if isinstance(layer, dict):
        kinds: dict[str, type[Configured]] = {"SimpleRNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}
        return looked_up(layer["class_name"], kinds, "layer").from_config(layer["config"])
    return layer
