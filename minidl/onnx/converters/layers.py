"""Operations with kernels of their own: products, convolution, pooling, normalisation, attention, recurrence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..constants import lower
from ..graph import Graph
from ..trace import Both, Pair
from . import elementwise, indexing, reducing, shaping
from .shaping import reshaped

OPEN: dict[str, Callable[..., Any]] = {
    **elementwise.TABLE, **reducing.TABLE, **shaping.TABLE, **indexing.TABLE,
}  # fmt: skip


def present(g: Graph, call: Pair, *names: str) -> list[str]:
    """Return inputs that may be None, without those that are, at the end."""
    return [g.input(call, name) for name in names if call.input(name)[0] is not None]


# -- products --------------------------------------------------------------------------------------------------------

ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}


def matmul(g: Graph, call: Pair) -> str:
    """The product of matrices."""
    return str(g.node("MatMul", g.input(call, "a"), g.input(call, "b")))


def linear(g: Graph, call: Pair) -> str:
    """f(x Wᵀ + b)."""
    y = g.node("Gemm", *present(g, call, "x", "w", "b"), transB=1)
    activation = call.fixed("activation")
    return str(y if activation == "identity" else g.node(ACTIVATIONS[activation], y))


def addmm(g: Graph, call: Pair) -> str:
    """x W + b."""
    return str(g.node("Gemm", *present(g, call, "x", "w", "b")))


# -- convolution -----------------------------------------------------------------------------------------------------


def windows_of(call: Pair) -> dict[str, Any]:
    """Return the attributes that say where the windows are."""
    stride, padding, dilation = (call.fixed(name) for name in ("stride", "padding", "dilation"))
    return {"strides": list(stride), "pads": [*padding, *padding], "dilations": list(dilation)}


def conv2d(g: Graph, call: Pair) -> str:
    """Convolution."""
    kernel = [n for n, _ in call.shape("w")[2:]]
    return str(
        g.node("Conv", *present(g, call, "x", "w", "b"), kernel_shape=kernel, group=call.fixed("groups"),
               **windows_of(call))
    )  # fmt: skip


def conv2d_dx(g: Graph, call: Pair) -> str:
    """Transposed convolution; what is left of the size that was asked for is output_padding."""
    where, extra = windows_of(call), []
    kernel = [n for n, _ in call.shape("w")[2:]]
    for k in (0, 1):
        wanted = [
            out - ((n - 1) * where["strides"][k] - 2 * where["pads"][k] + where["dilations"][k] * (kernel[k] - 1) + 1)
            for n, out in zip(call.shape("dy")[2 + k], call.result()[2 + k], strict=True)
        ]
        if wanted[0] != wanted[1]:
            raise call.unsupported("an output size that follows from a size that may change")
        extra.append(wanted[0])
    return str(
        g.node("ConvTranspose", g.input(call, "dy"), g.input(call, "w"), kernel_shape=kernel,
               output_padding=extra if any(extra) else None, group=call.fixed("groups"), **where)
    )  # fmt: skip


# -- pooling ---------------------------------------------------------------------------------------------------------


def max_pool2d(g: Graph, call: Pair) -> tuple[str, ...]:
    """The largest of each window; the last window may reach beyond the padding, which is then wider at the end."""
    planes = call.shape("x")[2:]
    if all(call.option("kernel_size")[k] == tuple(n[k] for n in planes) for k in (0, 1)) and call.result("y")[2:] == [
        (1, 1), (1, 1)
    ] and not g.is_used(call, "index"):  # fmt: skip
        return (str(g.node("GlobalMaxPool", g.input(call, "x"))),)
    kernel, where, ends = call.fixed("kernel_size"), windows_of(call), []
    for k in (0, 1):
        beyond = [
            (size - 1) * where["strides"][k] + where["dilations"][k] * (kernel[k] - 1) + 1 - n - 2 * where["pads"][k]
            for n, size in zip(call.shape("x")[2 + k], call.result("y")[2 + k], strict=True)
        ]
        if max(beyond) > 0 and beyond[0] != beyond[1]:
            raise call.unsupported("ceil_mode with a size that may change; leave it out of dynamic_axes")
        ends.append(where["pads"][k] + max(beyond[0], 0))
    where["pads"] = [*where["pads"][:2], *ends]
    given = {"kernel_shape": list(kernel), **where}
    if not g.is_used(call, "index"):
        return (str(g.node("MaxPool", g.input(call, "x"), **given)),)
    if any(n != m for n, m in planes):
        raise call.unsupported("indices in planes whose size may change; leave it out of dynamic_axes")
    y, index = g.node("MaxPool", g.input(call, "x"), outputs=2, **given)
    plane = g.constant(planes[0][0] * planes[1][0], np.int64)  # ONNX counts through all planes
    return str(y), g.cast(g.node("Mod", index, plane), np.int32)


def avg_pool2d(g: Graph, call: Pair) -> str:
    """The means of windows: one operator where they are alike, else a product from each side."""
    x, shape = g.input(call, "x"), call.shape("x")[2:]
    options = [call.option(name) for name in ("rows", "columns")]
    if all(windows[k] == ((0, n[k], n[k]),) for windows, n in zip(options, shape, strict=True) for k in (0, 1)):
        return str(g.node("GlobalAveragePool", x))
    alike = [regular(windows, n) for windows, n in zip(options, shape, strict=True)]
    if None not in alike and alike[0] and alike[1] and alike[0][4] == alike[1][4]:
        (k1, s1, p1, e1, counted), (k2, s2, p2, e2, _) = alike[0], alike[1]
        return str(
            g.node("AveragePool", x, kernel_shape=[k1, k2], strides=[s1, s2], pads=[p1, p2, e1, e2],
                   count_include_pad=int(counted))
        )  # fmt: skip
    if any(a != b for a, b in shape):
        raise call.unsupported("windows that follow from a size that may change; leave it out of dynamic_axes")
    dtype = call.output()[0].dtype
    rows, columns = (shares(windows[0], n, dtype) for windows, (n, _) in zip(options, shape, strict=True))
    return str(g.node("MatMul", g.node("MatMul", g.constant(rows), x), g.constant(columns.T)))


def shares(windows: Sequence[tuple[int, int, int]], n: int, dtype: Any) -> Any:
    """Return a matrix (windows, n) that has 1 / divisor where a window is."""
    matrix = np.zeros((len(windows), n), dtype)
    for row, (first, end, divisor) in zip(matrix, windows, strict=True):
        row[first:end] = 1 / divisor
    return matrix


def regular(both: Both, sizes: Both) -> tuple[int, int, int, int, bool] | None:
    """Return kernel, stride, padding before and behind, and whether padding counts, of windows at even distances."""
    windows = both[0]
    kernel = max(end - first for first, end, _ in windows)
    padding = kernel - (windows[0][1] - windows[0][0])
    ends = [end for _, end, _ in windows]
    stride = ends[1] - ends[0] if len(ends) > 1 else 1
    counted = all(divisor == kernel for _, _, divisor in windows)
    behind = set()
    for seen, n in zip(both, sizes, strict=True):
        expected = []
        for k in range(len(seen)):
            start = k * stride - padding
            first, end = max(start, 0), min(start + kernel, n)
            expected.append((first, end, kernel if counted else end - first))
        if stride < 1 or tuple(map(tuple, seen)) != tuple(expected):
            return None
        behind.add(max((len(seen) - 1) * stride - padding + kernel - n, 0))
    return (kernel, stride, padding, behind.pop(), counted) if len(behind) == 1 else None


# -- normalisation ---------------------------------------------------------------------------------------------------


def layer_norm(g: Graph, call: Pair) -> str:
    """Deviation from the mean over its spread, along the last dimensions; an operator from opset 17 on."""
    if g.opset < 17:
        return g.opened(call, OPEN)
    shape, dims = call.shape("x"), call.fixed("dims")
    width, dtype = [n for n, _ in shape[-dims:]], call.output()[0].dtype
    scale = g.input(call, "w") if call.input("w")[0] is not None else g.constant(np.ones(width, dtype))
    return str(
        g.node("LayerNormalization", g.input(call, "x"), scale, *present(g, call, "b"), axis=-dims,
               epsilon=float(call.fixed("eps")))
    )  # fmt: skip


def channel_affine(g: Graph, call: Pair) -> str:
    """(x - mean) scale + shift for each channel: batch normalisation, if scale = weight / √(var + ε)."""
    dtype, channels = call.output()[0].dtype, call.shape("x")[1][0]
    ones, zeros = g.constant(np.ones(channels, dtype)), g.constant(np.zeros(channels, dtype))
    mean, shift = (g.input(call, name) if call.input(name)[0] is not None else zeros for name in ("mean", "shift"))
    quotient = g.producer(call, "scale")
    root = g.producer(quotient, "b") if quotient is not None and quotient.name == "div" else None
    total = g.producer(root, "x") if root is not None and root.name == "sqrt" else None
    if quotient is not None and total is not None and total.name == "add" and isinstance(total.input("b")[0], float):
        weight = ones if np.ndim(quotient.input("a")[0]) == 0 else g.input(quotient, "a")
        var, eps = g.input(total, "a"), total.input("b")[0]
    else:
        weight, var, eps = g.input(call, "scale"), ones, 0.0
    return str(g.node("BatchNormalization", g.input(call, "x"), weight, shift, mean, var, epsilon=eps))


def batch_norm(g: Graph, call: Pair) -> tuple[str, ...]:
    """Normalisation by the batch's own statistics: for one sample alone, ONNX has an operator."""
    shape, dtype = call.shape("x"), call.output("y")[0].dtype
    if shape[0] == (1, 1):
        channels = shape[1]
        ones = g.node("Expand", g.constant(1, dtype), g.sizes(call, [channels]))
        zeros = g.node("Expand", g.constant(0, dtype), g.sizes(call, [channels]))
        weight, bias = (
            g.input(call, name) if call.input(name)[0] is not None else default
            for name, default in (("w", ones), ("b", zeros))
        )
        eps = float(call.fixed("eps"))
        return (str(g.node("InstanceNormalization", g.input(call, "x"), weight, bias, epsilon=eps)),)
    axes = [0, *range(2, len(shape))]
    x = g.input(call, "x")
    mean = g.reduce("ReduceMean", x, axes, True)
    deviation = g.node("Sub", x, mean)
    var = g.reduce("ReduceMean", g.node("Mul", deviation, deviation), axes, True)
    y = g.node("Div", deviation, g.node("Sqrt", g.node("Add", var, g.constant(call.fixed("eps"), dtype))))
    column = [-1, *[1] * (len(shape) - 2)]
    for name, operator in (("w", "Mul"), ("b", "Add")):
        if call.input(name)[0] is not None:
            y = g.node(operator, y, g.reshape(g.input(call, name), *column))
    return str(y), g.reshape(mean, -1), g.reshape(var, -1)


def opened(g: Graph, call: Pair) -> str:
    """An operation by its formula."""
    return g.opened(call, OPEN)


# -- attention -------------------------------------------------------------------------------------------------------


def attention(g: Graph, call: Pair) -> str:
    """softmax(q kᵀ · scale + mask) v; a query that sees no key gets zeros."""
    q, k, v = (g.input(call, name) for name in "qkv")
    dtype = call.output()[0].dtype
    scaled = g.node("Mul", q, g.constant(call.fixed("scale"), dtype))
    scores = g.node("MatMul", scaled, g.node("Transpose", k, perm=[0, 1, 3, 2]))
    nothing, hidden = g.constant(0, dtype), g.constant(-np.inf, dtype)
    if call.input("mask")[0] is not None:
        scores = g.node("Add", scores, g.input(call, "mask"))
    if call.fixed("causal"):
        seen = lower(g, call, [call.shape("q")[2], call.shape("k")[2]], 0)
        scores = g.node("Where", seen, scores, hidden)
    if call.input("mask")[0] is None:
        return str(g.node("MatMul", g.node("Softmax", scores, axis=3), v))
    blind = g.node("Equal", g.reduce("ReduceMax", scores, [3], True), hidden)
    weights = g.node("Softmax", g.node("Where", blind, nothing, scores), axis=3)
    return str(g.node("MatMul", g.node("Where", blind, nothing, weights), v))


# -- recurrence ------------------------------------------------------------------------------------------------------


def recurrent(operator: str, blocks: Sequence[int], states: Sequence[str]) -> Callable[[Graph, Pair], tuple[str, ...]]:
    """Return what writes a layer of a recurrent network in one direction; `blocks` are ours in ONNX's order."""

    def write(g: Graph, call: Pair) -> tuple[str, ...]:
        if call.first.options.get("batch_sizes") is not None:
            raise call.unsupported("packed sequences of different lengths; give padded ones and a mask")
        hidden = call.shape("h0")[1][0]
        order = np.concatenate([np.arange(k * hidden, (k + 1) * hidden) for k in blocks])

        def ordered(name: str) -> str:
            x = g.input(call, name)
            return x if len(blocks) == 1 else str(g.node("Gather", x, g.constant(order, np.int64), axis=0))

        def front(x: str) -> str:
            return str(g.node("Unsqueeze", x, g.ints(0)))

        weights = [front(ordered("w_ih")), front(ordered("w_hh"))]
        bias = ""
        if call.input("b_ih")[0] is not None:
            bias = front(str(g.node("Concat", ordered("b_ih"), ordered("b_hh"), axis=0)))
        first = ["" if from_zero(g, call, name) else front(g.input(call, name)) for name in states]
        given = [g.input(call, "x"), *weights, bias, "", *first]
        while not given[-1]:
            given.pop()
        options: dict[str, Any] = {"hidden_size": hidden, "direction": "reverse" if call.fixed("reverse") else None}
        if operator == "GRU":
            options["linear_before_reset"] = 1
        if operator == "RNN":
            options["activations"] = ["Relu" if call.fixed("nonlinearity") == "relu" else "Tanh"]
        y, *last = g.node(operator, *given, outputs=1 + len(states), **options)
        return (g.node("Squeeze", y, g.ints(1)), *[g.node("Squeeze", each, g.ints(0)) for each in last])

    return write


def from_zero(g: Graph, call: Pair, name: str) -> bool:
    """Return whether a state starts at zero, as ONNX has it by default."""
    return g.is_constant(call, name) and not any(np.any(x) for x in call.input(name))


def gather_planes(g: Graph, call: Pair) -> str:
    """What lies at places of each plane."""
    shape = call.shape("x")
    flat = [*shape[:2], (shape[2][0] * shape[3][0], shape[2][1] * shape[3][1])]
    result = call.result()
    plane = [*result[:2], (result[2][0] * result[3][0], result[2][1] * result[3][1])]
    x = reshaped(g, call, g.input(call, "x"), shape, flat)
    index = reshaped(g, call, g.input(call, "index"), call.shape("index"), plane)
    return reshaped(g, call, str(g.node("GatherElements", x, g.cast(index, np.int64), axis=2)), plane, result)


TABLE: dict[str, Callable[[Graph, Pair], Any]] = {
    "matmul": matmul, "linear": linear, "addmm": addmm, "conv2d": conv2d, "conv2d_dx": conv2d_dx,
    "max_pool2d": max_pool2d, "avg_pool2d": avg_pool2d, "layer_norm": layer_norm, "rms_norm": opened,
    "channel_affine": channel_affine, "batch_norm": batch_norm, "attention": attention, "gather_planes": gather_planes,
    "rnn": recurrent("RNN", [0], ["h0"]), "lstm": recurrent("LSTM", [0, 3, 1, 2], ["h0", "c0"]),
    "gru": recurrent("GRU", [1, 0, 2], ["h0"]),
}  # fmt: skip
