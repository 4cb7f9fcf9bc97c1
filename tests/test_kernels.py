"""Every kernel at its three levels, each tested against the next: formula in plain loops, NumPy reference, compiled.

A kernel has a row in ROWS: the shapes of its arguments as a function of a few sizes, and what it writes. From that
follow the comparison of the levels on fixed and on drawn sizes, missing outputs, NaN and infinity. What is a gradient
is then checked by finite differences: DERIVATIVES says of what.
"""

from __future__ import annotations

import inspect
import itertools
import math
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import minidl.reference
from minidl import _kernels as kernels

TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}
ACTIVATIONS = ["identity", "relu", "tanh", "sigmoid"]
OPTIONS = {
    "activation", "nonlinearity", "kernel_size", "stride", "padding", "dilation", "groups", "batch_sizes", "reverse",
    "relu", "accumulate", "eps", "rows", "columns", "t", "lr", "momentum", "dampening", "weight_decay", "nesterov",
    "maximize", "beta1", "beta2", "alpha", "decoupled", "lr_decay", "function", "causal", "scale",
    "logarithm",
}  # fmt: skip
INDICES = {"index": ("y", 1), "target": ("x", 1), "row": ("y", 0)}  # the argument, and dimension, they point into

needs_compiled = pytest.mark.skipif(not kernels.compiled, reason="the kernels are not compiled here")


def modules(package: str) -> list[Any]:
    """Return the modules minidl.reference.x, or their compiled twins."""
    names = [file.name for file in pkgutil.iter_modules(minidl.reference.__path__) if not file.name.startswith("_")]
    return [import_module(f"{package}.{name}") for name in names]


def functions(package: str) -> dict[str, Callable[..., None]]:
    """Return the functions of these modules whose names begin with the name of their file."""
    return {
        name: function
        for module in modules(package)
        for name, function in vars(module).items()
        if name.startswith(module.__name__.rpartition(".")[2] + "_")
    }


REFERENCE = functions("minidl.reference")
COMPILED = functions("minidl._kernels") if kernels.compiled else {}


# -- the table -------------------------------------------------------------------------------------------------------


@dataclass
class Row:
    """A kernel: its arguments from a few sizes, which of them it writes, which may be None, and the sizes to try.

    `arguments` gives a shape for an array, or None, and the value of an option. `changes` are those of its outputs that
    it reads first; as a list of one array it takes `listed`. The `small` sizes are run at all three levels,
    the `large` ones by the reference and the compiled kernel; `draw` gives random ones.
    """

    arguments: Callable[..., dict[str, Any]]
    writes: tuple[str, ...]
    small: list[dict[str, Any]]
    large: list[dict[str, Any]]
    draw: st.SearchStrategy[dict[str, Any]]
    optional_inputs: tuple[str, ...] = ()
    optional_outputs: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()


def linear(N: int, I: int, O: int, activation: str) -> dict[str, Any]:  # noqa: E741
    return {
        "x": (N, I), "w": (O, I), "b": (O,), "y": (N, O), "g": (N, O),
        "dx": (N, I), "dw": (O, I), "db": (O,), "activation": activation,
    }  # fmt: skip


def rnn(sizes: Any, N: int, I: int, H: int, reverse: bool, nonlinearity: str) -> dict[str, Any]:  # noqa: E741
    """Step t has sizes[t] rows, of the first of N sequences."""
    return {**recurrence(sizes, N, I, H, 1, reverse), "db": (H,), "nonlinearity": nonlinearity}


def lstm(sizes: Any, N: int, I: int, H: int, reverse: bool) -> dict[str, Any]:  # noqa: E741
    names = ("c0", "c_n", "g_c_n", "dc0")
    residuals = {"gates": (sum(sizes), 4 * H), "cells": (sum(sizes), H)}
    return {**recurrence(sizes, N, I, H, 4, reverse), **dict.fromkeys(names, (N, H)), **residuals, "db": (4 * H,)}


def gru(sizes: Any, N: int, I: int, H: int, reverse: bool) -> dict[str, Any]:  # noqa: E741
    residuals = {"gates": (sum(sizes), 3 * H), "recurrent": (sum(sizes), H)}
    return {**recurrence(sizes, N, I, H, 3, reverse), **residuals, "db_ih": (3 * H,), "db_hh": (3 * H,)}


def recurrence(sizes: Any, N: int, I: int, H: int, gates: int, reverse: bool) -> dict[str, Any]:  # noqa: E741
    w_ih, w_hh, b = (gates * H, I), (gates * H, H), (gates * H,)
    return {
        "x": (sum(sizes), I), "h0": (N, H), "w_ih": w_ih, "w_hh": w_hh, "b_ih": b, "b_hh": b,
        "y": (sum(sizes), H), "h_n": (N, H), "g_y": (sum(sizes), H), "g_h_n": (N, H),
        "dx": (sum(sizes), I), "dh0": (N, H), "dw_ih": w_ih, "dw_hh": w_hh,
        "batch_sizes": sizes, "reverse": reverse,
    }  # fmt: skip


def image_size(out: int, kernel: int, stride: int, padding: int, dilation: int, rest: int) -> int:
    """Return the height that gives `out` rows and leaves `rest` (less than the stride) unread; at least 1."""
    return max((out - 1) * stride + (kernel - 1) * dilation + 1 - 2 * padding + rest % stride, 1)


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    return max((size + 2 * padding - (kernel - 1) * dilation - 1) // stride + 1, 0)


def conv2d(
    N: int, C: int, K: int, out: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int, rest: int
) -> dict[str, Any]:
    """C and K count the channels of one group."""
    each = list(zip(kernel, stride, padding, dilation, strict=True))
    image = [image_size(o, *k, rest) for o, k in zip(out, each, strict=True)]
    out = [output_size(i, *k) for i, k in zip(image, each, strict=True)]
    x, w, y = (N, C * groups, *image), (K * groups, C, *kernel), (N, K * groups, *out)
    return {
        "x": x, "w": w, "b": (K * groups,), "y": y, "g": y, "dx": x, "dw": w,
        "stride": stride, "padding": padding, "dilation": dilation, "groups": groups,
    }  # fmt: skip


def max_pool2d(
    N: int, C: int, image: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: int
) -> dict[str, Any]:
    """With ceil = 1 the output has a row and a column more, whose windows hang over the edge."""
    each = zip(image, kernel, stride, padding, dilation, strict=True)
    y = (N, C, *(output_size(*size) + ceil for size in each))
    return {
        "x": (N, C, *image), "y": y, "index": y,
        "kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation,
    }  # fmt: skip


def avg_pool2d(N: int, C: int, rows: Any, columns: Any, image: Any) -> dict[str, Any]:
    """rows and columns list the windows: (first, end, divisor)."""
    x, y = (N, C, *image), (N, C, len(rows), len(columns))
    bounds = [np.array(windows, np.int64).reshape(-1, 3) for windows in (rows, columns)]
    return {"x": x, "y": y, "g": y, "dx": x, "rows": bounds[0], "columns": bounds[1]}


def layer_norm(N: int, D: int) -> dict[str, Any]:
    parts = {"w": (D,), "b": (D,), "mean": (N,), "rstd": (N,), "dw": (D,), "db": (D,), "eps": 1e-5}
    return {"x": (N, D), "y": (N, D), "g": (N, D), "dx": (N, D), **parts}


def batch_norm(N: int, C: int, S: int) -> dict[str, Any]:
    parts = dict.fromkeys(("w", "b", "mean", "var", "g_mean", "g_var", "dw", "db"), (C,))
    return {**dict.fromkeys(("x", "y", "g", "g_y", "dx"), (N, C, S)), **parts, "eps": 1e-3}


def scatter_add_rows(n: int, K: int, m: int) -> dict[str, Any]:
    return {"x": (n, K), "row": (n,), "y": (m, K)}


def scatter_add(P: int, n: int, m: int) -> dict[str, Any]:
    return {"x": (P, n), "index": (P, n), "y": (P, m)}


def cross_entropy(N: int, C: int) -> dict[str, Any]:
    return {"x": (N, C), "target": (N,), "loss": (N,), "g": (N,), "dx": (N, C)}


def softmax(shape: tuple[int, int, int], logarithm: bool) -> dict[str, Any]:
    return {**dict.fromkeys(("x", "y", "g", "dx"), shape), "logarithm": logarithm}


def update(size: int, options: dict[str, Any], **kept: bool) -> dict[str, Any]:
    """What is not kept is None."""
    shapes = {name: (size, 1, 1) if there else None for name, there in kept.items()}
    return {"w": (size, 1, 1), "g": (size, 1, 1), **shapes, "t": [3.0], "lr": 0.1, "eps": 1e-3, **options}


def update_row(*kept: str, options: list[dict[str, Any]], optional: tuple[str, ...] = ()) -> Row:
    """A row for the rule of an optimizer: what it keeps, some of it optional; sizes on both sides of every vector."""
    choices: dict[str, Any] = {"options": options, **{name: [True] for name in kept}}
    choices |= {name: [True, False] for name in optional}
    writes = ("w", *kept)
    return Row(
        arguments=update,
        writes=writes,
        changes=writes,
        listed=(*writes, "g"),
        small=every(size=[0, 1, 5], **choices),
        large=every(size=[2, 3, 4, 7, 8, 9, 15, 16, 17, 33, 65537, 262145], **choices),
        draw=drawn(size=(0, 40), **choices),
    )


def elementwise(shape: tuple[int, ...], function: str) -> dict[str, Any]:
    return {**dict.fromkeys(("x", "y", "g", "dx"), shape), "function": function}


def product(batch: tuple[int, ...], I: int, K: int, J: int, relu: bool) -> dict[str, Any]:  # noqa: E741
    """Sums into y are in tests/test_product.py: here y is full of NaN."""
    return {
        "a": (*batch, I, K), "b": (*batch, K, J), "bias": (J,), "y": (*batch, I, J), "relu": relu, "accumulate": False,
    }  # fmt: skip


def attention(N: int, H: int, L: int, S: int, E: int, V: int, causal: bool) -> dict[str, Any]:
    q, k, v, y = (N, H, L, E), (N, H, S, E), (N, H, S, V), (N, H, L, V)
    return {
        "q": q, "k": k, "v": v, "mask": (N, H, L, S), "y": y, "g": y,
        "dq": q, "dk": k, "dv": v, "causal": causal, "scale": 0.5,
    }  # fmt: skip


def with_optional_outputs(*writes: str, **more: Any) -> Row:
    """A row for a backward kernel: each of its gradients may be None."""
    return Row(writes=writes, optional_outputs=writes, **more)


def every(**choices: Any) -> list[dict[str, Any]]:
    """Return every combination of the choices."""
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


def drawn(**choices: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Draw one of each; a pair of numbers is a range."""
    return st.fixed_dictionaries(
        {name: st.integers(*c) if isinstance(c, tuple) else st.sampled_from(c) for name, c in choices.items()}
    )


def pairs(*numbers: int) -> list[tuple[int, int]]:
    return list(itertools.product(numbers, repeat=2))


LINEAR: dict[str, Any] = {
    "arguments": linear,
    "small": [
        *every(N=[3], I=[4], O=[5], activation=ACTIVATIONS),
        *every(N=[0, 1, 2], I=[0, 1, 3], O=[0, 1, 2], activation=["identity", "relu"]),
    ],
    "large": every(N=[1, 17], I=[53], O=[29], activation=ACTIVATIONS),
    "draw": drawn(N=(0, 6), I=(0, 6), O=(0, 6), activation=ACTIVATIONS),
}
STEPS: dict[str, Any] = {
    "small": [
        *every(sizes=[(), (2,), (2, 2), (2,) * 5], N=[2], I=[3], H=[4], reverse=[False]),
        *every(sizes=[(2, 2), (3, 2, 1)], N=[3], I=[2], H=[3], reverse=[True]),
        *every(sizes=[(3, 2, 2, 1), (2, 1)], N=[3], I=[2], H=[2], reverse=[False]),
        *every(sizes=[(0, 0), (1, 1)], N=[1], I=[0, 1], H=[0, 1], reverse=[False]),
    ],
    "large": [
        *every(sizes=[(7,) * 9, (6, 5, 2)], N=[7], I=[23], H=[31], reverse=[False, True]),
        # around the vectors and panels of every instruction set, for few rows and for more
        *every(sizes=[(9, 9, 8, 5, 1)], N=[10], I=[5], H=[2, 4, 8, 9, 16, 17, 33, 65], reverse=[True]),
        *every(sizes=[(2,) * 5, (1,) * 3], N=[2], I=[65], H=[7, 63, 64, 66], reverse=[False]),
        # more rows than one group of steps has on the way back
        *every(sizes=[(90,) * 4 + (30,) * 5], N=[97], I=[3], H=[5], reverse=[False, True]),
    ],
}
DRAWN_STEPS = {
    "sizes": [(), (1,), (2, 2), (3, 1), (4, 3, 3, 1), (0, 0), (2, 0)], "N": [4, 5], "I": (0, 4), "H": (0, 4),
    "reverse": [False, True],
}  # fmt: skip
RNN: dict[str, Any] = {
    "arguments": rnn,
    **{key: [{**row, "nonlinearity": f} for row in rows for f in ("tanh", "relu")] for key, rows in STEPS.items()},
    "draw": drawn(**DRAWN_STEPS, nonlinearity=["tanh", "relu"]),
}
LSTM: dict[str, Any] = {"arguments": lstm, **STEPS, "draw": drawn(**DRAWN_STEPS)}
GRU: dict[str, Any] = {"arguments": gru, **STEPS, "draw": drawn(**DRAWN_STEPS)}
CROSS_ENTROPY: dict[str, Any] = {
    "arguments": cross_entropy,
    "small": every(N=[0, 1, 3], C=[1, 2, 5]),
    "large": every(N=[1, 37], C=[2, 7, 8, 15, 16, 17, 33, 64, 101, 2051]) + every(N=[300], C=[500]),
    "draw": drawn(N=(0, 4), C=(1, 40)),
}
SOFTMAX: dict[str, Any] = {
    "arguments": softmax,
    "small": every(shape=[(0, 2, 1), (2, 0, 1), (3, 2, 0), (1, 1, 1), (2, 5, 1), (2, 3, 4)], logarithm=[False, True]),
    "large": every(
        shape=[
            *((3, n, 1) for n in (2, 4, 7, 8, 15, 16, 17, 33, 64, 101, 2051)),
            (300, 500, 1),
            *((2, 5, k) for k in (2, 7, 16, 17, 33, 64, 65, 131)),
            (3, 70, 700),
        ],
        logarithm=[False, True],
    ),
    "draw": drawn(shape=[(2, 3, 1), (1, 21, 1), (2, 2, 19)], logarithm=[False, True]),
}
# strided, overlapping with what is cut off at the edges divided by the whole window, adaptive, one, none
WINDOWS = [((0, 2, 2), (2, 4, 2)), ((0, 2, 3), (1, 4, 3), (3, 5, 3)), ((0, 3, 3), (2, 5, 3)), ((0, 5, 5),), ()]
# more than a vector: side by side, overlapping and cut at the edges, adaptive, the whole row
LONG = [
    [(2 * j, 2 * j + 2, 2) for j in range(20)],
    [(max(2 * j - 1, 0), min(2 * j + 2, 41), 3) for j in range(21)],
    [(j, j + 4, 4) for j in range(38)],
    [(41 * j // 18, -(-41 * (j + 1) // 18), 3) for j in range(18)],
    [(0, 41, 41)],
]
AVG_POOL2D: dict[str, Any] = {
    "arguments": avg_pool2d,
    "small": [
        *every(N=[2], C=[2], rows=WINDOWS[:3], columns=WINDOWS, image=[(5, 6)]),
        *every(N=[0, 1], C=[0, 1], rows=WINDOWS[:1], columns=WINDOWS[:1], image=[(4, 4)]),
    ],
    "large": every(
        N=[3], C=[4], rows=[[(3 * i, 3 * i + 3, 3) for i in range(9)]], columns=[*WINDOWS[:2], *LONG], image=[(27, 41)]
    ),
    "draw": drawn(N=(0, 2), C=(0, 2), rows=WINDOWS, columns=WINDOWS, image=[(5, 5), (6, 7)]),
}
SLOPED = ["relu", "tanh", "sigmoid", "silu", "gelu", "gelu_tanh"]
EDGES: list[tuple[int, ...]] = [(2,), (4,), (7,), (8,), (15,), (16,), (17,), (3, 11)]  # a vector has 2 to 16 numbers
LAYER_NORM: dict[str, Any] = {
    "arguments": layer_norm,
    "small": every(N=[0, 1, 3], D=[1, 2, 5]),
    "large": every(N=[1, 17], D=[2, 4, 7, 8, 15, 16, 17, 33, 101, 2051]) + every(N=[300], D=[1000]),
    "draw": drawn(N=(0, 4), D=(1, 6)),
}
BATCH_NORM: dict[str, Any] = {
    "arguments": batch_norm,
    "small": every(N=[1, 3], C=[0, 1, 2], S=[1, 4]),
    "large": every(N=[7, 150], C=[5], S=[1, 2, 7, 8, 15, 16, 17, 37])
    + every(N=[7], C=[2, 8, 16, 17, 35], S=[1])
    + every(N=[3], C=[20], S=[2500]),
    "draw": drawn(N=(1, 4), C=(0, 3), S=(1, 5)),
}
PLAIN = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
CONV2D: dict[str, Any] = {
    "arguments": conv2d,
    "small": [
        {"N": 2, "C": 2, "K": 3, "out": (3, 2), "kernel": (2, 3), "groups": 1, "rest": 0, **PLAIN, **options}
        for options in (
            {},
            {"stride": (2, 1), "rest": 1},
            {"stride": (1, 3), "rest": 2},
            {"padding": (1, 2)},
            {"dilation": (3, 1)},
            {"dilation": (1, 2)},
            {"groups": 3},
            {"stride": (2, 3), "padding": (2, 1), "dilation": (2, 2), "groups": 2, "rest": 1},
            {"kernel": (1, 1), "out": (1, 1)},
            {"N": 1, "C": 1, "K": 1},
            {"N": 0},
            {"C": 0},
            {"K": 0},
        )
    ],
    "large": [
        {"N": 3, "C": 5, "K": 4, "out": (11, 37), "kernel": (3, 5), "groups": 1, "rest": 0, **PLAIN},
        {"N": 2, "C": 3, "K": 2, "out": (9, 19), "kernel": (3, 3), "groups": 2, "rest": 1,
         "stride": (2, 2), "padding": (1, 1), "dilation": (1, 2)},
        # more output channels than two vectors, fewer than half of one, and more pixels than one pass of dw
        {"N": 3, "C": 2, "K": 37, "out": (5, 7), "kernel": (3, 3), "groups": 1, "rest": 0, **PLAIN, "padding": (1, 1)},
        {"N": 2, "C": 1, "K": 7, "out": (3, 18), "kernel": (5, 5), "groups": 2, "rest": 0, **PLAIN, "padding": (2, 2)},
        {"N": 9, "C": 2, "K": 8, "out": (31, 32), "kernel": (1, 3), "groups": 1, "rest": 0, **PLAIN},
        {"N": 2, "C": 5, "K": 19, "out": (47, 53), "kernel": (1, 3), "groups": 1, "rest": 0, **PLAIN},
        # depthwise: rows longer than a vector and shorter, two output channels for each input channel, other kernels
        {"N": 2, "C": 1, "K": 1, "out": (7, 37), "kernel": (3, 3), "groups": 5, "rest": 0, **PLAIN, "padding": (1, 1)},
        {"N": 2, "C": 1, "K": 2, "out": (6, 19), "kernel": (3, 3), "groups": 3, "rest": 1, **PLAIN, "stride": (2, 2),
         "padding": (1, 1)},
        {"N": 3, "C": 1, "K": 2, "out": (5, 6), "kernel": (4, 5), "groups": 3, "rest": 2, "stride": (2, 3),
         "padding": (4, 9), "dilation": (1, 2)},
        # lanes of channels: a block and a half, pixels that no tile divides, in both directions
        {"N": 2, "C": 40, "K": 41, "out": (4, 18), "kernel": (3, 3), "groups": 1, "rest": 0, **PLAIN,
         "padding": (1, 1)},
        {"N": 2, "C": 18, "K": 36, "out": (5, 19), "kernel": (3, 3), "groups": 2, "rest": 0, **PLAIN,
         "stride": (2, 2), "padding": (1, 1)},
        # lanes of pixels: rows shorter than a vector, phases of columns, some without a tap, and too much padding
        {"N": 2, "C": 2, "K": 2, "out": (9, 3), "kernel": (2, 2), "groups": 1, "rest": 0, **PLAIN},
        {"N": 2, "C": 3, "K": 7, "out": (5, 37), "kernel": (7, 7), "groups": 1, "rest": 1, **PLAIN,
         "stride": (2, 2), "padding": (3, 3)},
        {"N": 1, "C": 3, "K": 5, "out": (4, 35), "kernel": (4, 3), "groups": 1, "rest": 3, **PLAIN, "stride": (3, 5)},
        {"N": 1, "C": 2, "K": 3, "out": (6, 21), "kernel": (2, 3), "groups": 1, "rest": 0, **PLAIN, "padding": (4, 5)},
        # an image of several strips; many weights
        {"N": 1, "C": 4, "K": 3, "out": (120, 150), "kernel": (3, 3), "groups": 1, "rest": 0, **PLAIN,
         "padding": (1, 1)},
        {"N": 3, "C": 520, "K": 64, "out": (3, 4), "kernel": (3, 3), "groups": 1, "rest": 0, **PLAIN,
         "padding": (1, 1)},
        # 1 x 1
        {"N": 3, "C": 37, "K": 21, "out": (7, 9), "kernel": (1, 1), "groups": 1, "rest": 0, **PLAIN},
        {"N": 2, "C": 9, "K": 70, "out": (5, 17), "kernel": (1, 1), "groups": 1, "rest": 1, **PLAIN, "stride": (2, 3)},
    ],
    "draw": drawn(
        N=(0, 2), C=(0, 2), K=(0, 2), out=pairs(1, 2, 3), kernel=pairs(1, 2, 3), stride=pairs(1, 2, 3),
        padding=pairs(0, 1, 2), dilation=pairs(1, 2), groups=(1, 2), rest=(0, 2),
    ),
}  # fmt: skip

ATTENTION: dict[str, Any] = {
    "arguments": attention,
    "small": [
        *every(N=[1], H=[2], L=[1, 3], S=[1, 4], E=[2], V=[3], causal=[False, True]),
        *every(N=[0, 1], H=[1], L=[0, 2], S=[0, 2], E=[0, 1], V=[0, 1], causal=[True]),
    ],
    "large": every(N=[2], H=[3], L=[1, 33, 71], S=[15, 64, 83], E=[17], V=[23], causal=[False, True]),
    "draw": drawn(N=(0, 2), H=(0, 2), L=(0, 4), S=(0, 4), E=(0, 3), V=(0, 3), causal=[False, True]),
    "optional_inputs": ("mask",),
}

ROWS: dict[str, Row] = {
    "elementwise_forward": Row(
        arguments=elementwise,
        writes=("y",),
        small=every(shape=[(0,), (1,), (2, 3)], function=["exp", "log", "erf", *SLOPED]),
        large=every(shape=[*EDGES, (300_007,)], function=["exp", "log", "erf", *SLOPED]),
        draw=drawn(shape=[(0, 2), *EDGES], function=["exp", "log", "erf", *SLOPED]),
    ),
    "elementwise_backward": Row(
        arguments=elementwise,
        writes=("dx",),
        small=every(shape=[(0,), (1,), (2, 3)], function=SLOPED),
        large=every(shape=[*EDGES, (300_007,)], function=SLOPED),
        draw=drawn(shape=[(0, 2), *EDGES], function=SLOPED),
    ),
    "attention_forward": Row(writes=("y",), **ATTENTION),
    "attention_backward": Row(writes=("dq", "dk", "dv"), **ATTENTION),
    "linear_forward": Row(writes=("y",), optional_inputs=("b",), **LINEAR),
    "linear_backward": with_optional_outputs("dx", "dw", "db", **LINEAR),
    "conv2d_forward": Row(writes=("y",), optional_inputs=("b",), **CONV2D),
    "conv2d_dx": Row(writes=("dx",), **CONV2D),
    "conv2d_dw": Row(writes=("dw",), **CONV2D),
    "rnn_forward": Row(writes=("y", "h_n"), optional_inputs=("b_ih", "b_hh"), **RNN),
    "rnn_backward": with_optional_outputs("dx", "dh0", "dw_ih", "dw_hh", "db", **RNN),
    "lstm_forward": Row(writes=("y", "h_n", "c_n", "gates", "cells"), optional_inputs=("b_ih", "b_hh"), **LSTM),
    "lstm_backward": with_optional_outputs("dx", "dh0", "dc0", "dw_ih", "dw_hh", "db", **LSTM),
    "gru_forward": Row(writes=("y", "h_n", "gates", "recurrent"), optional_inputs=("b_ih", "b_hh"), **GRU),
    "gru_backward": with_optional_outputs("dx", "dh0", "dw_ih", "dw_hh", "db_ih", "db_hh", **GRU),
    "product_forward": Row(
        arguments=product,
        writes=("y",),
        optional_inputs=("bias",),
        small=every(batch=[(), (2,)], I=[0, 1, 3], K=[0, 1, 4], J=[0, 1, 5], relu=[False, True]),
        large=every(batch=[(), (3,)], I=[1, 23, 71], K=[67], J=[41], relu=[False, True]),
        draw=drawn(batch=[(), (0,), (3,)], I=(0, 5), K=(0, 5), J=(0, 5), relu=[False, True]),
    ),
    "max_pool2d_forward": Row(
        arguments=max_pool2d,
        writes=("y", "index"),
        small=[
            {"N": 2, "C": 3, "image": (5, 6), "kernel": (2, 3), "ceil": 0, **PLAIN, **options}
            for options in (
                {},
                {"stride": (2, 3)},
                {"padding": (1, 1)},
                {"dilation": (2, 2)},
                {"stride": (2, 2), "padding": (1, 1), "ceil": 1},
                {"kernel": (1, 1)},
                {"image": (1, 1), "kernel": (1, 1)},
                {"image": (1, 2), "kernel": (1, 2), "padding": (0, 1), "dilation": (1, 3)},
                {"N": 0},
                {"C": 0},
            )
        ],
        large=[
            {"N": 3, "C": 4, "image": (27, 31), "kernel": (3, 3), "ceil": 1, **PLAIN, "stride": (2, 2)},
            {"N": 2, "C": 3, "image": (7, 75), "kernel": (2, 2), "ceil": 0, **PLAIN, "stride": (2, 2)},
            {"N": 2, "C": 2, "image": (6, 41), "kernel": (2, 5), "ceil": 0, **PLAIN, "padding": (1, 2)},
            {"N": 1, "C": 2, "image": (9, 64), "kernel": (3, 2), "ceil": 1, "stride": (2, 3), "padding": (1, 1),
             "dilation": (2, 3)},
        ],
        draw=drawn(
            N=(0, 2), C=(0, 2), image=pairs(1, 4, 5), kernel=pairs(1, 2, 3), stride=pairs(1, 2, 3),
            padding=pairs(0, 1), dilation=pairs(1, 2), ceil=(0, 1),
        ),
    ),
    "avg_pool2d_forward": Row(writes=("y",), **AVG_POOL2D),
    "avg_pool2d_dx": Row(writes=("dx",), **AVG_POOL2D),
    "layer_norm_forward": Row(writes=("y", "mean", "rstd"), optional_inputs=("b",), **LAYER_NORM),
    "layer_norm_backward": with_optional_outputs("dx", "dw", "db", **LAYER_NORM),
    "batch_norm_forward": Row(writes=("y", "mean", "var"), optional_inputs=("b",), **BATCH_NORM),
    "batch_norm_backward": with_optional_outputs("dx", "dw", "db", **BATCH_NORM),
    "batch_norm_apply": Row(writes=("y",), optional_inputs=("mean", "b"), **BATCH_NORM),
    "batch_norm_apply_backward": Row(
        writes=("dx", "dw", "db"), optional_inputs=("mean",), optional_outputs=("dx", "dw", "db"), **BATCH_NORM
    ),
    "cross_entropy_forward": Row(writes=("loss",), **CROSS_ENTROPY),
    "cross_entropy_backward": Row(writes=("loss", "dx"), **CROSS_ENTROPY),
    "softmax_forward": Row(writes=("y",), **SOFTMAX),
    "softmax_backward": Row(writes=("dx",), **SOFTMAX),
    "update_sgd": update_row(
        "v",
        optional=("v",),
        options=[
            {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.0, "nesterov": False, "maximize": True},
            {"momentum": 0.8, "dampening": 0.0, "weight_decay": 0.1, "nesterov": True, "maximize": False},
        ],
    ),
    "update_adam": update_row(
        "m", "v", "largest",
        optional=("largest",),
        options=[
            {"beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0, "decoupled": False, "maximize": True},
            {"beta1": 0.9, "beta2": 0.99, "weight_decay": 0.1, "decoupled": False, "maximize": False},
            {"beta1": 0.0, "beta2": 0.5, "weight_decay": 0.1, "decoupled": True, "maximize": False},
        ],
    ),
    "update_rmsprop": update_row(
        "v", "mean", "b",
        optional=("mean", "b"),
        options=[
            {"alpha": 0.9, "weight_decay": 0.0, "momentum": 0.5, "maximize": True},
            {"alpha": 0.7, "weight_decay": 0.1, "momentum": 0.9, "maximize": False},
        ],
    ),
    "update_adagrad": update_row(
        "s",
        options=[
            {"lr_decay": 0.1, "weight_decay": 0.0, "maximize": True},
            {"lr_decay": 0.0, "weight_decay": 0.1, "maximize": False},
        ],
    ),
    "scatter_add_rows": Row(
        arguments=scatter_add_rows,
        writes=("y",),
        small=every(n=[0, 1, 7], K=[0, 1, 3], m=[1, 4]),
        large=every(n=[300], K=[17], m=[23]),
        draw=drawn(n=(0, 9), K=(0, 4), m=(1, 5)),
    ),
    "scatter_add_planes": Row(
        arguments=scatter_add,
        writes=("y",),
        small=every(P=[0, 1, 3], n=[0, 1, 7], m=[1, 4]),
        large=every(P=[5], n=[300], m=[17]),
        draw=drawn(P=(0, 4), n=(0, 9), m=(1, 5)),
    ),
}  # fmt: skip


# -- running a kernel of the table -----------------------------------------------------------------------------------


def arguments(name: str, sizes: dict[str, Any], dtype: Any, seed: int = 0) -> dict[str, Any]:
    """Return a kernel's arguments: seeded read-only inputs, outputs full of NaN, options."""
    row, generator = ROWS[name], np.random.default_rng(seed)
    shapes = row.arguments(**sizes)
    values = {parameter: shapes[parameter] for parameter in inspect.signature(REFERENCE[name]).parameters}
    for parameter, shape in values.items():
        if parameter in OPTIONS or shape is None:
            continue
        if parameter in row.changes:
            # some are means of squares, which the square of a mean, also among them, can't exceed
            values[parameter] = generator.uniform(0.4, 0.55, shape).astype(dtype)
            continue
        if parameter in row.writes:
            values[parameter] = np.full(shape, -7, np.int32) if parameter in INDICES else np.full(shape, np.nan, dtype)
            continue
        if parameter in INDICES:
            argument, dimension = INDICES[parameter]
            values[parameter] = generator.integers(0, shapes[argument][dimension], shape)
            if parameter == "index":
                values[parameter] = values[parameter].astype(np.int32)
        else:
            # Weights are scaled as a layer's: a recurrence with larger ones is chaotic and amplifies rounding.
            scale = max(math.prod(shape[1:]), 1) ** -0.5 if parameter.startswith("w") else 1
            values[parameter] = (scale * generator.standard_normal(shape)).astype(dtype)
        values[parameter].flags.writeable = False
    return values


def run(function: Callable[..., None], name: str, values: dict[str, Any]) -> dict[str, Any]:
    """Call a kernel on these arguments with fresh outputs; see that inputs stay; return the outputs."""
    values = {
        key: value.copy() if key in ROWS[name].writes and value is not None else value for key, value in values.items()
    }
    before = {key: value.copy() for key, value in values.items() if isinstance(value, np.ndarray)}
    with np.errstate(all="ignore"):
        listed = ROWS[name].listed
        assert function(*[[x] if key in listed and x is not None else x for key, x in values.items()]) is None
    for key, value in before.items():
        if key not in ROWS[name].writes:
            np.testing.assert_array_equal(values[key], value, err_msg=f"{name} changed its input {key}")
    return {key: values[key] for key in ROWS[name].writes if values[key] is not None}


def assert_close(actual: dict[str, Any], expected: dict[str, Any], dtype: Any) -> None:
    assert actual.keys() == expected.keys()
    for key in expected:
        assert actual[key].dtype == expected[key].dtype
        scale = np.max(np.abs(expected[key]), initial=1, where=np.isfinite(expected[key]))
        np.testing.assert_allclose(
            actual[key], expected[key], rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale, err_msg=key
        )


def label(sizes: Any) -> str:
    return " ".join(f"{key}={value}" for key, value in sizes.items()).replace(", ", ",")


def sized(which: str) -> pytest.MarkDecorator:
    """Run a test once for every kernel and each of its small or large sizes."""
    cases = [
        pytest.param(name, sizes, id=f"{name} {label(sizes)}")
        for name, row in ROWS.items()
        for sizes in getattr(row, which)
    ]
    return pytest.mark.parametrize(("name", "sizes"), cases)


# -- the levels ------------------------------------------------------------------------------------------------------


def test_every_kernel_has_a_row_a_formula_and_a_twin() -> None:
    assert {name for name in REFERENCE if not name.endswith("_formula")} == set(ROWS)
    assert {name for name in REFERENCE if name.endswith("_formula")} == {f"{name}_formula" for name in ROWS}
    if kernels.compiled:
        assert set(COMPILED) == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_the_levels_have_one_signature(name: str) -> None:
    expected = [*inspect.signature(REFERENCE[name]).parameters]
    assert [*inspect.signature(REFERENCE[f"{name}_formula"]).parameters] == expected
    if kernels.compiled:
        assert [*inspect.signature(COMPILED[name]).parameters] == expected


@needs_compiled
@pytest.mark.parametrize("name", ROWS)
def test_docstring_names_formula_outputs_and_twin(name: str) -> None:
    text = COMPILED[name].__doc__ or ""
    assert "=" in text.splitlines()[0]
    assert all(f"{output} " in text or f"{output}," in text for output in ROWS[name].writes)
    assert " OUT " in text
    assert f"Twin: minidl/reference/{REFERENCE[name].__module__.rpartition('.')[2]}.py" in text


@sized("small")
def test_reference_follows_the_formula(name: str, sizes: dict[str, Any]) -> None:
    values = arguments(name, sizes, np.float64)
    expected = run(REFERENCE[f"{name}_formula"], name, values)
    assert_close(run(REFERENCE[name], name, values), expected, np.float64)


@needs_compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@sized("small")
def test_compiled_follows_the_reference(name: str, sizes: dict[str, Any], dtype: Any) -> None:
    values = arguments(name, sizes, dtype)
    assert_close(run(COMPILED[name], name, values), run(REFERENCE[name], name, values), dtype)


@needs_compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@sized("large")
def test_compiled_follows_the_reference_at_odd_sizes(name: str, sizes: dict[str, Any], dtype: Any) -> None:
    values = arguments(name, sizes, dtype)
    assert_close(run(COMPILED[name], name, values), run(REFERENCE[name], name, values), dtype)


@pytest.mark.parametrize("name", ROWS)
def test_levels_agree_on_drawn_sizes(name: str) -> None:
    @settings(max_examples=25, deadline=None, derandomize=True, database=None)
    @given(sizes=ROWS[name].draw, seed=st.integers(0, 99))
    def check(sizes: dict[str, Any], seed: int) -> None:
        values = arguments(name, sizes, np.float64, seed)
        expected = run(REFERENCE[name], name, values)
        assert_close(run(REFERENCE[f"{name}_formula"], name, values), expected, np.float64)
        if kernels.compiled:
            assert_close(run(COMPILED[name], name, values), expected, np.float64)

    check()


@sized("small")
def test_float32_reference_follows_float64(name: str, sizes: dict[str, Any]) -> None:
    single = arguments(name, sizes, np.float32)
    double = {
        key: value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype == np.float32 else value
        for key, value in single.items()
    }
    actual, expected = run(REFERENCE[name], name, single), run(REFERENCE[name], name, double)
    for key in expected:
        np.testing.assert_allclose(actual[key], expected[key], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("level", ["reference", pytest.param("compiled", marks=needs_compiled)])
@sized("large")
def test_what_is_none_is_left_out(name: str, sizes: dict[str, Any], level: str) -> None:
    function, row = (REFERENCE if level == "reference" else COMPILED)[name], ROWS[name]
    values = arguments(name, sizes, np.float64)
    whole = run(function, name, values)
    for missing in row.optional_outputs:
        others = {key: whole[key] for key in whole if key != missing}
        assert_close(run(function, name, {**values, missing: None}), others, np.float64)
    for missing in row.optional_inputs:
        zero = run(function, name, {**values, missing: np.zeros_like(values[missing])})
        assert_close(run(function, name, {**values, missing: None}), zero, np.float64)
    if row.optional_outputs:
        assert run(function, name, values | dict.fromkeys(row.optional_outputs)) == {}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@sized("small")
def test_nan_and_infinity_pass_alike(name: str, sizes: dict[str, Any], dtype: Any, bad: float) -> None:
    values = arguments(name, sizes, dtype)
    for key, value in values.items():
        if not isinstance(value, np.ndarray) or key in ROWS[name].writes or value.dtype.kind != "f" or value.size == 0:
            continue
        spoilt = value.copy()
        spoilt.flat[value.size // 2] = bad
        expected = run(REFERENCE[f"{name}_formula"], name, {**values, key: spoilt})
        functions = [REFERENCE[name], COMPILED[name]] if kernels.compiled else [REFERENCE[name]]
        for function in functions:
            actual = run(function, name, {**values, key: spoilt})
            if values.get("causal"):  # 0 times what is hidden: its NaN may show
                actual = {key: np.where(np.isnan(y), expected[key], y) for key, y in actual.items()}
            assert_close(actual, expected, dtype)


# -- gradients -------------------------------------------------------------------------------------------------------

# Each backward kernel: the kernel that it differentiates, and of which input each output is the gradient.
OF_WEIGHTS: dict[str, tuple[str, ...]] = {"dx": ("x",), "dw_ih": ("w_ih",), "dw_hh": ("w_hh",)}
DERIVATIVES: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "attention_backward": ("attention_forward", {"dq": ("q",), "dk": ("k",), "dv": ("v",)}),
    "cross_entropy_backward": ("cross_entropy_forward", {"dx": ("x",)}),
    "softmax_backward": ("softmax_forward", {"dx": ("x",)}),
    "avg_pool2d_dx": ("avg_pool2d_forward", {"dx": ("x",)}),
    "layer_norm_backward": ("layer_norm_forward", {"dx": ("x",), "dw": ("w",), "db": ("b",)}),
    "batch_norm_apply_backward": ("batch_norm_apply", {"dx": ("x",), "dw": ("w",), "db": ("b",)}),
    "batch_norm_backward": ("batch_norm_forward", {"dx": ("x",), "dw": ("w",), "db": ("b",)}),
    "linear_backward": ("linear_forward", {"dx": ("x",), "dw": ("w",), "db": ("b",)}),
    "conv2d_dx": ("conv2d_forward", {"dx": ("x",)}),
    "conv2d_dw": ("conv2d_forward", {"dw": ("w",)}),
    "rnn_backward": ("rnn_forward", {**OF_WEIGHTS, "dh0": ("h0",), "db": ("b_ih", "b_hh")}),
    "lstm_backward": ("lstm_forward", {**OF_WEIGHTS, "dh0": ("h0",), "dc0": ("c0",), "db": ("b_ih", "b_hh")}),
    "gru_backward": ("gru_forward", {**OF_WEIGHTS, "dh0": ("h0",), "db_ih": ("b_ih",), "db_hh": ("b_hh",)}),
}


def numeric_gradient(f: Callable[[Any], Any], x: Any, step: float = 1e-6) -> Any:
    """Return the central differences (f(x + step) - f(x - step)) / (2 step), element by element."""
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += step
        down[place] -= step
        gradient[place] = (f(up) - f(down)) / (2 * step)
    return gradient


@pytest.mark.parametrize("level", ["reference", pytest.param("compiled", marks=needs_compiled)])
@pytest.mark.parametrize(
    ("name", "sizes"),
    [pytest.param(name, sizes, id=f"{name} {label(sizes)}") for name in DERIVATIVES for sizes in ROWS[name].small],
)
def test_gradient_by_finite_differences(name: str, sizes: dict[str, Any], level: str) -> None:
    functions = REFERENCE if level == "reference" else COMPILED
    forward, of = DERIVATIVES[name]
    values = arguments(forward, sizes, np.float64)
    outputs = run(functions[forward], forward, values)
    backward = {**arguments(name, sizes, np.float64), **values, **outputs}
    backward = {key: backward[key] for key in inspect.signature(REFERENCE[name]).parameters}
    # g_y is the cotangent of the output y, a lone g that of the first output
    names = {key: key.removeprefix("g_") for key in backward if key.startswith("g_")} or {"g": ROWS[forward].writes[0]}
    cotangents = {name: backward[key] for key, name in names.items()}

    def weighed(x: str, value: Any) -> Any:
        """Return Σ g y over all outputs, for another value of the input x."""
        y = run(functions[forward], forward, {**values, x: value})
        return sum(np.sum(g * y[key]) for key, g in cotangents.items())

    gradients = run(functions[name], name, backward)
    for output, inputs in of.items():
        for x in inputs:
            numeric = numeric_gradient(partial(weighed, x), values[x])
            np.testing.assert_allclose(gradients[output], numeric, rtol=1e-6, atol=1e-7, err_msg=f"{output} of {x}")


@pytest.mark.parametrize("level", ["reference", pytest.param("compiled", marks=needs_compiled)])
def test_max_pooling_and_scattering_are_adjoint(level: str) -> None:
    functions = REFERENCE if level == "reference" else COMPILED
    generator = np.random.default_rng(3)
    x = generator.permutation(2 * 3 * 5 * 6).reshape(2, 3, 5, 6).astype(np.float64)
    y, index = np.empty((2, 3, 3, 4)), np.empty((2, 3, 3, 4), np.int32)
    options = ((3, 2), (2, 2), (1, 1), (1, 1))
    g, dx = generator.standard_normal((6, 12)), np.empty((6, 30))

    def pooled(x: Any) -> Any:
        functions["max_pool2d_forward"](x, y, index, *options)
        return np.sum(g * y.reshape(6, 12))

    pooled(x)
    np.testing.assert_array_equal(np.take_along_axis(x.reshape(6, 30), index.reshape(6, 12), 1), y.reshape(6, 12))
    functions["scatter_add_planes"](g, index.reshape(6, 12), dx)
    np.testing.assert_allclose(dx.reshape(x.shape), numeric_gradient(pooled, x), rtol=1e-6, atol=1e-7)


# -- values with a name ----------------------------------------------------------------------------------------------

LEVELS = [
    pytest.param("_formula", id="formula"),
    pytest.param("", id="reference"),
    pytest.param("compiled", id="compiled", marks=needs_compiled),
]


def at(level: str, name: str) -> Callable[..., None]:
    return COMPILED[name] if level == "compiled" else REFERENCE[name + level]


@pytest.mark.parametrize("level", LEVELS)
def test_linear_by_hand(level: str) -> None:
    x, w, b, y = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [-5.0, 1.0]]), np.array([10.0, 1.0]), np.empty((1, 2))
    at(level, "linear_forward")(x, w, b, y, "relu")
    np.testing.assert_array_equal(y, [[21.0, 0.0]])  # 1·3 + 2·4 + 10 and relu(1·-5 + 2·1 + 1)


@pytest.mark.parametrize("level", LEVELS)
def test_convolution_does_not_flip_its_kernel(level: str) -> None:
    x, w, y = np.arange(4.0).reshape(1, 1, 1, 4), np.array([[[[1.0, 10.0]]]]), np.empty((1, 1, 1, 3))
    at(level, "conv2d_forward")(x, w, np.zeros(1), y, (1, 1), (0, 0), (1, 1), 1)
    np.testing.assert_array_equal(y.ravel(), [10.0, 21.0, 32.0])  # x[j] + 10 x[j + 1]


@pytest.mark.parametrize("level", LEVELS)
def test_max_pooling_ties_and_nan_as_in_pytorch(level: str) -> None:
    x = np.array([[1, 3, 3, 3], [1, np.nan, 2, 3], [np.nan, 1, np.nan, 2], [-np.inf] * 4]).reshape(4, 1, 1, 4)
    y, index = np.empty((4, 1, 1, 1)), np.empty((4, 1, 1, 1), np.int32)
    at(level, "max_pool2d_forward")(x, y, index, (1, 4), (1, 1), (0, 0), (1, 1))
    np.testing.assert_array_equal(y.ravel(), [3, np.nan, np.nan, -np.inf])
    np.testing.assert_array_equal(index.ravel(), [1, 1, 2, 0])


@pytest.mark.parametrize("level", ["", pytest.param("compiled", marks=needs_compiled)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_and_tanh_do_not_overflow(level: str, dtype: Any) -> None:
    z = np.array([[-1e4, -50, -1, -0.0, 0, 1, 50, 1e4]], dtype)
    exact = {
        "sigmoid": [1 / (1 + math.exp(-v)) if v > -700 else 0 for v in z[0].tolist()],
        "tanh": [math.tanh(v) for v in z[0].tolist()],
    }
    for activation, expected in exact.items():
        y = np.empty((1, 8), dtype)
        with np.errstate(over="raise", invalid="raise"):
            at(level, "linear_forward")(z, np.eye(8, dtype=dtype), None, y, activation)
        np.testing.assert_allclose(y[0], expected, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", ["linear_forward", "linear_backward", "rnn_forward", "rnn_backward"])
def test_unknown_activation_is_named(level: str, name: str) -> None:
    values = arguments(name, ROWS[name].large[0], np.float64)
    option = "activation" if "activation" in values else "nonlinearity"
    with pytest.raises(ValueError, match="'swish' is none of 'identity', 'relu'"):
        at(level, name)(*{**values, option: "swish"}.values())


@pytest.mark.parametrize("level", ["", pytest.param("compiled", marks=needs_compiled)])
@pytest.mark.parametrize("target", [3, 10**12])
def test_a_target_outside_the_classes_raises(level: str, target: int) -> None:
    values = arguments("cross_entropy_forward", {"N": 2, "C": 3}, np.float64)
    with pytest.raises(IndexError):
        at(level, "cross_entropy_forward")(*{**values, "target": np.array([0, target])}.values())
