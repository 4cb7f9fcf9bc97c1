"""Recurrent networks: layers and directions around one recurrence.

x is (T, N, in), or rows packed step after step, (rows, in), with `batch_sizes` saying how many each step has (see
packing.py). Initial and last states are (layers · directions, N, hidden). `weights` stand in PyTorch's order: for each
layer and direction w_ih, w_hh and, if there are biases, b_ih, b_hh. A layer's output, both directions side by side, is
the next layer's input, with dropout between them in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import ops
from .layers import dropout as drop


def rnn(
    x: Any, h0: Any, weights: Sequence[Any], *, nonlinearity: str = "tanh", num_layers: int = 1,
    bidirectional: bool = False, dropout: float = 0.0, training: bool = False, batch_sizes: Sequence[int] | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh); returns all outputs and the last states.

    >>> import minidl
    >>> w = [minidl.ones(1, 1), minidl.ones(1, 1)]
    >>> y, h = minidl.functions.recurrence.rnn(minidl.ones(2, 1, 1), minidl.zeros(1, 1, 1), w, nonlinearity="relu")
    >>> y.flatten()
    tensor([1., 2.])
    """
    return over_layers(
        ops.rnn, x, (h0,), weights, num_layers, bidirectional, dropout, training, batch_sizes, nonlinearity=nonlinearity
    )


def lstm(
    x: Any, h0: Any, c0: Any, weights: Sequence[Any], *, num_layers: int = 1, bidirectional: bool = False,
    dropout: float = 0.0, training: bool = False, batch_sizes: Sequence[int] | None = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """c_t = σ(f) c_{t-1} + σ(i) tanh(g), h_t = σ(o) tanh(c_t); returns all outputs and the last h and c.

    i, f, g, o are the four blocks of W_ih x_t + b_ih + W_hh h_{t-1} + b_hh.

    >>> import minidl
    >>> w = [minidl.ones(4, 1), minidl.ones(4, 1)]
    >>> zero = minidl.zeros(1, 1, 1)
    >>> y, h, c = minidl.functions.recurrence.lstm(minidl.ones(2, 1, 1), zero, zero, w)
    >>> y.flatten()
    tensor([0.3696, 0.6505])
    """
    return over_layers(ops.lstm, x, (h0, c0), weights, num_layers, bidirectional, dropout, training, batch_sizes)


def gru(
    x: Any, h0: Any, weights: Sequence[Any], *, num_layers: int = 1, bidirectional: bool = False,
    dropout: float = 0.0, training: bool = False, batch_sizes: Sequence[int] | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """h_t = (1 - z) n + z h_{t-1}, n = tanh(a_n + r b_n), r = σ(a_r + b_r), z = σ(a_z + b_z); all outputs, last states.

    a_r, a_z, a_n are the three blocks of W_ih x_t + b_ih, and b_r, b_z, b_n those of W_hh h_{t-1} + b_hh.

    >>> import minidl
    >>> w = [minidl.ones(3, 1), minidl.ones(3, 1)]
    >>> y, h = minidl.functions.recurrence.gru(minidl.ones(2, 1, 1), minidl.zeros(1, 1, 1), w)
    >>> y.flatten()
    tensor([0.2048, 0.3468])
    """
    return over_layers(ops.gru, x, (h0,), weights, num_layers, bidirectional, dropout, training, batch_sizes)


def over_layers(
    op: Any, x: Any, states: tuple[Any, ...], weights: Sequence[Any], num_layers: int, bidirectional: bool,
    dropout: float, training: bool, batch_sizes: Sequence[int] | None, **options: Any,
) -> Any:  # fmt: skip
    """Run the recurrence `op` in each layer and direction; return the last layer's outputs and all last states."""
    directions = 2 if bidirectional else 1
    each = len(weights) // (num_layers * directions)
    last_states = []
    for layer in range(num_layers):
        if layer and dropout:
            x = drop(x, dropout, training)
        outputs = []
        for direction in range(directions):
            k = layer * directions + direction
            w_ih, w_hh, *biases = weights[k * each : (k + 1) * each]
            y, *last = op(
                x, *[state[k] for state in states], w_ih, w_hh, *(biases or (None, None)), batch_sizes=batch_sizes,
                reverse=direction == 1, **options,
            )  # fmt: skip
            outputs.append(y)
            last_states.append(last)
        x = outputs[0] if directions == 1 else ops.cat(*outputs, dim=x.ndim - 1)
    return (x, *[ops.stack(*state, dim=0) for state in zip(*last_states, strict=True)])
