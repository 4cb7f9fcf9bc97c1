"""The functional form: layers called on symbols, which record what is computed of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import minidl

from ..errors import ArgumentError, ArgumentTypeError, ShapeError
from .naming import unique
from .values import leaves, mapped

PROBES = (32, 33)  # sizes tried in the place of an unknown one: what differs in the result is unknown too


class KerasTensor:
    """A symbol for a tensor that is not there yet: its shape, with None for what is not known, and its origin."""

    def __init__(self, shape: Sequence[int | None], dtype: Any = None, name: str | None = None) -> None:
        self.shape = tuple(shape)
        self.dtype = dtype or minidl.get_default_dtype()
        self.name = name or unique("keras_tensor")
        self.node: Node | None = None  # where it comes from; None for an input

    @property
    def ndim(self) -> int:
        """The number of dimensions, the batch included."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __bool__(self) -> bool:
        raise ArgumentTypeError("a KerasTensor has no values to decide on; write a Layer whose call decides")

    def __add__(self, other: Any) -> Any:
        return operation("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return operation("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return operation("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return operation("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return operation("mul", self, other)

    def __rmul__(self, other: Any) -> Any:
        return operation("mul", other, self)

    def __truediv__(self, other: Any) -> Any:
        return operation("truediv", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return operation("truediv", other, self)

    def __neg__(self) -> Any:
        return operation("mul", self, -1)

    def __getitem__(self, key: Any) -> Any:
        return operation("getitem", self, key)


class Node:
    """One call of a layer: its arguments, with symbols in them, and the symbols of its results."""

    def __init__(self, layer: Any, args: Any, kwargs: Any, outputs: Any) -> None:
        self.layer, self.args, self.kwargs, self.outputs = layer, args, kwargs, outputs


def Input(
    shape: Sequence[int | None] | None = None, batch_size: int | None = None, dtype: Any = None, name: str | None = None
) -> KerasTensor:
    """Return the symbol of an input; `shape` is that of one sample.

    >>> from minidl import keras
    >>> keras.Input(shape=(784,)).shape
    (None, 784)
    """
    if shape is None or isinstance(shape, (int, str)):
        raise ArgumentTypeError(f"Input: shape is {shape!r}, expected the shape of one sample, such as (784,)")
    kind = getattr(minidl, str(dtype).split(".")[-1], None) if dtype is not None else None
    if dtype is not None and kind is None:
        raise ArgumentError(f"Input: dtype is {dtype!r}, expected such as 'float32' or 'int64'")
    return KerasTensor((batch_size, *shape), kind, name or unique("input_layer"))


def is_symbolic(value: Any) -> bool:
    """Return whether there is a symbol among the leaves."""
    if isinstance(value, (list, tuple)):
        return any(is_symbolic(item) for item in value)
    if isinstance(value, dict):
        return any(is_symbolic(item) for item in value.values())
    return isinstance(value, KerasTensor)


def operation(name: str, *args: Any) -> Any:
    """Record an operator between symbols and numbers."""
    from .layers.core import Operation

    return Operation(name)(*args)


def record(layer: Any, args: Any, kwargs: Any) -> Any:
    """Return the symbols of what a layer makes of symbols. It runs on zeros, which builds it and shows the shapes."""
    symbols = [leaf for leaf in leaves((args, kwargs)) if isinstance(leaf, KerasTensor)]
    unknown = any(size is None for symbol in symbols for size in symbol.shape[1:])

    def run(size: int) -> Any:
        def zeros(leaf: Any) -> Any:
            if not isinstance(leaf, KerasTensor):
                return leaf
            return minidl.zeros(1, *[size if n is None else n for n in leaf.shape[1:]], dtype=leaf.dtype)

        with minidl.no_grad():
            return layer(*mapped(zeros, args), **mapped(zeros, kwargs))

    results = [run(size) for size in PROBES[: 1 + unknown]]
    others = iter(leaves(results[-1]))

    def symbol(tensor: Any) -> KerasTensor:
        other = next(others)
        sizes = [a if a == b else None for a, b in zip(tensor.shape[1:], other.shape[1:], strict=True)]
        return KerasTensor((None, *sizes), tensor.dtype)

    outputs = mapped(symbol, results[0])
    node = Node(layer, args, kwargs, outputs)
    for leaf in leaves(outputs):
        leaf.node = node
    layer.note_node(node)
    return outputs


class Graph:
    """The calls that lead from input symbols to output symbols, in an order in which they can be computed."""

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.nodes: list[Node] = []
        known = {id(leaf) for leaf in leaves(inputs)}
        waiting = [(leaf, False) for leaf in reversed(leaves(outputs))]
        while waiting:
            leaf, done = waiting.pop()
            if not isinstance(leaf, KerasTensor):
                raise ArgumentTypeError(
                    f"Model: outputs hold {type(leaf).__name__}, expected what layers made of Input"
                )
            if id(leaf) in known:
                continue
            if leaf.node is None:
                raise ArgumentError(f"Model: the outputs depend on {leaf.name}, which is not among the inputs")
            if done:
                self.nodes.append(leaf.node)
                known |= {id(made) for made in leaves(leaf.node.outputs)}
            else:
                waiting.append((leaf, True))
                needed = leaves((leaf.node.args, leaf.node.kwargs))
                waiting += [(item, False) for item in reversed(needed) if isinstance(item, KerasTensor)]

    @property
    def layers(self) -> list[Any]:
        """The layers, each once, in order."""
        return list({id(node.layer): node.layer for node in self.nodes}.values())

    def __call__(self, inputs: Any) -> Any:
        """Compute the outputs."""
        if isinstance(inputs, dict) and isinstance(self.inputs, dict):
            inputs = [inputs[name] for name in self.inputs]
        elif isinstance(inputs, dict):
            inputs = [inputs[symbol.name] for symbol in leaves(self.inputs)]
        given, wanted = leaves(inputs), leaves(self.inputs)
        if len(given) != len(wanted):
            raise ShapeError(f"the model has {len(wanted)} inputs, got {len(given)}")
        for tensor, symbol in zip(given, wanted, strict=True):
            fits = len(tensor.shape) == symbol.ndim and all(
                size in (None, got) for size, got in zip(symbol.shape[1:], tensor.shape[1:], strict=True)
            )
            if not fits:
                raise ShapeError(f"input {symbol.name}: expected shape {symbol.shape}, got {tuple(tensor.shape)}")
        values = {id(symbol): value for symbol, value in zip(wanted, given, strict=True)}

        def filled(leaf: Any) -> Any:
            return values[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

        for node in self.nodes:
            made = node.layer(*mapped(filled, node.args), **mapped(filled, node.kwargs))
            values.update(zip(map(id, leaves(node.outputs)), leaves(made), strict=True))
        return mapped(filled, self.outputs)
