"""RNN, LSTM and GRU, step by step or by minidl's kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl

from ... import nn
from ...errors import NotSupported
from ...functions import recurrence
from .values import Attributes, Operator, array, tensor

F = nn.functional


def activation(name: str, alpha: float | None, beta: float | None) -> Any:
    """Return the function that an activation's name stands for."""
    functions: dict[str, Any] = {
        "tanh": minidl.tanh, "sigmoid": minidl.sigmoid, "relu": minidl.relu, "softsign": F.softsign,
        "softplus": F.softplus, "elu": lambda x: F.elu(x, 1.0 if alpha is None else alpha),
        "leakyrelu": lambda x: F.leaky_relu(x, 0.01 if alpha is None else alpha),
        "affine": lambda x: (1.0 if alpha is None else alpha) * x + (beta or 0.0),
        "hardsigmoid": lambda x: minidl.clamp(
            (0.2 if alpha is None else alpha) * x + (0.5 if beta is None else beta), 0, 1
        ),
    }  # fmt: skip
    if name.lower() not in functions:
        raise NotSupported(f"the activation {name} is not supported, expected one of {', '.join(functions)}")
    return functions[name.lower()]


def step_rnn(a: Any, h: Any, c: Any, r: Any, rb: Any, p: Any, f: Any, attributes: Attributes) -> Any:
    """h = f(x W + b + h R + r)."""
    return f[0](a + F.linear(h, r, rb)), c


def step_lstm(a: Any, h: Any, c: Any, r: Any, rb: Any, p: Any, f: Any, attributes: Attributes) -> Any:
    """The gates i, o, f and the new cell c; peepholes let the gates see the cell."""
    i, o, g, n = minidl.chunk(a + F.linear(h, r, rb), 4, dim=1)
    pi, po, pf = minidl.chunk(p, 3, dim=0) if p is not None else (None, None, None)
    i = f[0](i if pi is None else i + pi * c)
    g = f[0](g if pf is None else g + pf * c)
    c = g * c + i * f[1](n)
    o = f[0](o if po is None else o + po * c)
    return o * f[2](c), c


def step_gru(a: Any, h: Any, c: Any, r: Any, rb: Any, p: Any, f: Any, attributes: Attributes) -> Any:
    """The gates z and r, and the new value; linear_before_reset says where r acts."""
    size = h.shape[1]
    az, ar, an = minidl.chunk(a, 3, dim=1)
    bz, br, bn = (None, None, None) if rb is None else minidl.chunk(rb, 3, dim=0)
    z = f[0](az + F.linear(h, r[:size], bz))
    reset = f[0](ar + F.linear(h, r[size : 2 * size], br))
    if attributes.get("linear_before_reset", 0):
        n = f[1](an + reset * F.linear(h, r[2 * size :], bn))
    else:
        n = f[1](an + F.linear(reset * h, r[2 * size :], bn))
    return (1 - z) * n + z * h, c


KINDS: dict[str, tuple[Any, list[str]]] = {
    "RNN": (step_rnn, ["Tanh"]), "LSTM": (step_lstm, ["Sigmoid", "Tanh", "Tanh"]),
    "GRU": (step_gru, ["Sigmoid", "Tanh"]),
}  # fmt: skip


def recurrent(kind: str) -> Operator:
    """Return the operator: x (T, N, in), w (directions, gates · hidden, in), r, b, lengths, states, peepholes."""
    step, usual = KINDS[kind]

    def operator(
        attributes: Attributes, x: Any, w: Any, r: Any, b: Any = None, lengths: Any = None, h0: Any = None,
        c0: Any = None, p: Any = None,
    ) -> Any:  # fmt: skip
        size, layout = r.shape[2], attributes.get("layout", 0)
        if layout:
            x = x.permute(1, 0, 2)
            h0, c0 = (None if s is None else s.permute(1, 0, 2) for s in (h0, c0))
        directions, t, n = w.shape[0], x.shape[0], x.shape[1]
        zero = minidl.zeros(directions, n, size, dtype=x.dtype)
        h0, c0 = zero if h0 is None else h0, zero if c0 is None else c0
        names = attributes.get("activations") or usual * directions
        alphas, betas = list(attributes.get("activation_alpha") or []), list(attributes.get("activation_beta") or [])
        alphas, betas = (v + [None] * (len(names) - len(v)) for v in (alphas, betas))
        functions = [activation(*each) for each in zip(names, alphas, betas, strict=True)]
        if lengths is not None and (array(lengths) == t).all():
            lengths = None
        plain = names == usual * directions and p is None and lengths is None and attributes.get("clip") is None
        plain = plain and (kind != "GRU" or bool(attributes.get("linear_before_reset", 0)))
        outputs, hs, cs = [], [], []
        for d in range(directions):
            turned = d == 1 or attributes.get("direction", "forward") == "reverse"
            wb, rb = (None, None) if b is None else minidl.chunk(b[d], 2, dim=0)
            own = (w[d], r[d], wb, rb)
            if plain:
                y, h, c = by_kernel(kind, x.flip(0) if turned else x, own, h0[d : d + 1], c0[d : d + 1])
            else:
                f = functions[d * len(usual) : (d + 1) * len(usual)]
                source = backwards(x, lengths) if turned else x
                y, h, c = loop(step, source, own, h0[d], c0[d], None if p is None else p[d], f, lengths, attributes)
            outputs.append((backwards(y, lengths) if lengths is not None else y.flip(0)) if turned else y)
            hs.append(h)
            cs.append(c)
        y, h, c = minidl.stack(outputs, dim=1), minidl.stack(hs), minidl.stack(cs)
        if layout:
            y, h, c = y.permute(2, 0, 1, 3), h.permute(1, 0, 2), c.permute(1, 0, 2)
        return (y, h, c)[: max(attributes.outputs, 1)] if kind == "LSTM" else (y, h)[: max(attributes.outputs, 1)]

    return operator


def by_kernel(kind: str, x: Any, own: Any, h0: Any, c0: Any) -> Any:
    """Return outputs and last states, the blocks brought into PyTorch's order."""
    order = {"RNN": [0], "LSTM": [0, 2, 3, 1], "GRU": [1, 0, 2]}[kind]  # from i, o, f, c and z, r, h

    def arranged(v: Any) -> Any:
        if v is None or kind == "RNN":
            return v
        parts = minidl.chunk(v, len(order), dim=0)
        return minidl.cat([parts[k] for k in order], dim=0)

    weights = [arranged(v) for v in own if v is not None]
    if kind == "LSTM":
        y, h, c = recurrence.lstm(x, h0, c0, weights)
        return y, h[0], c[0]
    y, h = (recurrence.rnn if kind == "RNN" else recurrence.gru)(x, h0, weights)
    return y, h[0], c0[0]


def loop(step: Any, x: Any, own: Any, h: Any, c: Any, p: Any, f: Any, lengths: Any, attributes: Attributes) -> Any:
    """Return outputs and last states, step by step; past its length a sequence keeps its state and gives 0."""
    w, r, wb, rb = own
    limit, outputs = attributes.get("clip"), []
    if limit is not None:
        f = [lambda v, g=g: g(minidl.clamp(v, -limit, limit)) for g in f]
    for t in range(x.shape[0]):
        new, cell = step(F.linear(x[t], w, wb), h, c, r, rb, p, f, attributes)
        if lengths is not None:
            inside = tensor((array(lengths) > t)[:, None])
            outputs.append(minidl.where(inside, new, minidl.zeros_like(new)))
            new, cell = minidl.where(inside, new, h), minidl.where(inside, cell, c)
        else:
            outputs.append(new)
        h, c = new, cell
    y = minidl.stack(outputs) if outputs else minidl.zeros(0, *h.shape, dtype=h.dtype)
    return y, h, c


def backwards(x: Any, lengths: Any) -> Any:
    """Return sequences (T, N, ...) turned round, each within its own length."""
    if lengths is None:
        return x.flip(0)
    t, own = np.arange(x.shape[0])[:, None], array(lengths)[None].astype(np.int64)
    places = np.where(t < own, own - 1 - t, t)
    return x[tensor(places), tensor(np.broadcast_to(np.arange(x.shape[1]), places.shape).copy())]


OPERATORS: dict[str, Operator] = {kind: recurrent(kind) for kind in KINDS}
