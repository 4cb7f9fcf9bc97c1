"""Recurrent networks: layers and directions around the one recurrence."""

from __future__ import annotations

from typing import Any

from .. import ops
from .layers import dropout as drop


def rnn(
    x: Any, h0: Any, weights: list[Any], *, nonlinearity: str, num_layers: int, bidirectional: bool, dropout: float,
    training: bool,
) -> tuple[Any, Any]:  # fmt: skip
    """h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh) in each layer and direction; a layer's output feeds the next.

    x (T, N, in), h0 (layers · directions, N, hidden), weights in PyTorch's order: for each layer and direction w_ih,
    w_hh and, if there are biases, b_ih, b_hh. Returns all outputs (T, N, directions · hidden) and the last states
    (layers · directions, N, hidden).

    >>> import minidl
    >>> w = [minidl.ones(1, 1), minidl.ones(1, 1)]
    >>> y, h = minidl.functions.recurrence.rnn(
    ...     minidl.ones(2, 1, 1), minidl.zeros(1, 1, 1), w, nonlinearity="relu", num_layers=1, bidirectional=False,
    ...     dropout=0.0, training=False)
    >>> y.flatten()
    tensor([1., 2.])
    """
    directions = 2 if bidirectional else 1
    each = len(weights) // (num_layers * directions)
    last_states = []
    for layer in range(num_layers):
        if layer and dropout:
            x = drop(x, dropout, training)
        outputs = []
        for direction in range(directions):
            k = layer * directions + direction
            w = weights[k * each : (k + 1) * each]
            biases = w[2:] if each == 4 else (None, None)
            forward = backwards(x) if direction else x
            y = ops.rnn(forward, h0[k], *w[:2], *biases, nonlinearity=nonlinearity)
            last_states.append(y[-1])
            outputs.append(backwards(y) if direction else y)
        x = outputs[0] if directions == 1 else ops.cat(*outputs, dim=2)
    return x, ops.stack(*last_states, dim=0)


def backwards(x: Any) -> Any:
    """Return a sequence with its time steps in reverse order."""
    return ops.getitem(x, index=slice(None, None, -1))
