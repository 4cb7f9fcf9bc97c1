"""The graph that is written: nodes, weights, and sizes that follow from those that may change."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from .constants import pattern, same
from .trace import INPUT, Array, Both, Pair, Symbol, sizes_of

SMALL = 64  # constants of so many elements at most are written once, however often they are used


class Graph:
    """A graph in the making. A value in it is known by its name."""

    def __init__(self, opset: int, inputs: Sequence[str], weights: Mapping[str, Array], symbols: Sequence[Symbol]):
        self.opset = opset
        self.inputs, self.weights, self.symbols = list(inputs), weights, symbols
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self.taken = {*inputs, *weights}
        self.values: dict[tuple[int, str], str] = {}  # of outputs of calls
        self.folded: dict[tuple[int, str], Both] = {}  # outputs of calls that are constants
        self.leaves: dict[str, str] = {INPUT.format(k): name for k, name in enumerate(inputs)}
        self.depends: dict[int, bool] = {}  # does a call follow from an input or a weight?
        self.pairs: dict[int, Pair] = {}
        self.used: set[tuple[int | None, str]] = set()  # outputs of calls from which something follows
        self.known: dict[Any, str] = {}  # constants and sizes that are written already
        self.path = ""

    # -- writing -----------------------------------------------------------------------------------------------------

    def node(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; return the name of its output, or a tuple of several."""
        base = f"{self.path}/{operator}".lstrip("/")
        name = self.free(base)
        names = [name if k == 0 else self.free(f"{base}_output_{k}") for k in range(outputs)]
        given = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=name, **given))
        return names[0] if outputs == 1 else tuple(names)

    def free(self, base: str) -> str:
        """Return a name that nothing else has."""
        name = next(n for k in itertools.count() if (n := f"{base}_{k}" if k else base) not in self.taken)
        self.taken.add(name)
        return name

    def constant(self, value: Any, dtype: Any = None) -> str:
        """Return a constant."""
        array = np.asarray(value, dtype)
        key = (array.dtype.str, array.shape, array.tobytes()) if array.size <= SMALL else None
        if key is None or key not in self.known:
            name = self.free("constant")
            self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
            if key is None:
                return name
            self.known[key] = name
        return self.known[key]

    def ints(self, *values: int) -> str:
        """Return whole numbers, as operators take axes and sizes."""
        return self.constant(values, np.int64)

    def weight(self, name: str) -> str:
        """Return a parameter or buffer, by its name in the state_dict."""
        name = next(first for first, value in self.weights.items() if value is self.weights[name])  # of a shared one
        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(self.weights[name]), name)
            self.initializers[name].dims[:] = self.weights[name].shape
        return name

    def cast(self, x: str, dtype: Any) -> str:
        """Return x in another element type."""
        return str(self.node("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype))))

    def reduce(self, operator: str, x: str, axes: Sequence[int], keepdims: bool) -> str:
        """Return x reduced along axes, which are an input or an attribute, by the version."""
        keep = int(keepdims)
        if not axes:
            return x
        if self.opset >= (13 if operator == "ReduceSum" else 18):
            return str(self.node(operator, x, self.ints(*axes), keepdims=keep))
        return str(self.node(operator, x, axes=list(axes), keepdims=keep))

    def reshape(self, x: str, *shape: int) -> str:
        """Return x in another shape, 0 for a size that stays and -1 for one that follows."""
        return str(self.node("Reshape", x, self.ints(*shape)))

    # -- reading a call ----------------------------------------------------------------------------------------------

    def input(self, pair: Pair, name: str) -> str:
        """Return what a call was given."""
        return self.value(pair, name, pair.input(name))

    def value(self, pair: Pair, name: str, both: Both) -> str:
        """Return an input of a call, or an array in its options, by its name there."""
        origin = self.origin(pair, name)
        if origin is None:
            return self.told(pair, both)
        found = self.of(origin, both)
        if found is not None:
            return found
        if origin.call is not None:
            both = self.folded.get((origin.call, origin.output), both)
        return self.told(pair, both)

    def origin(self, pair: Pair, name: str) -> Any:
        """Return where an input, or an array in the options, comes from; None if that is not known."""
        return pair.first.origins.get(name) or pair.first.sources.get(name)

    def producer(self, pair: Pair, name: str) -> Pair | None:
        """Return the call that computed an input."""
        origin = self.origin(pair, name)
        return None if origin is None or origin.call is None else self.pairs.get(origin.call)

    def of(self, origin: Any, both: Both) -> str | None:
        """Return a value by its origin, or None for a constant."""
        if origin.call is not None:
            key = origin.call, origin.output
            if key in self.values:
                maker = self.pairs[origin.call]
                if sizes_of(maker.output(origin.output)) != sizes_of(both):
                    raise maker.unsupported("it changes a view in place; write base[index] = value, or y = f(view)")
                return self.values[key]
            return None
        if origin.name in self.leaves:
            return self.leaves[origin.name]
        return self.weight(origin.name) if origin.name in self.weights else None

    def is_constant(self, pair: Pair, name: str) -> bool:
        """Return whether an input follows neither from an input of the model nor from a weight."""
        origin = self.origin(pair, name)
        return origin is None or not self.follows(origin)

    def follows(self, origin: Any) -> bool:
        """Return whether values follow from an input of the model or from a weight."""
        if origin.call is not None:
            return self.depends[origin.call]
        return origin.name in self.leaves or origin.name in self.weights

    def told(self, pair: Pair, both: Both) -> str:
        """Return values of a constant; numbers are of the type that the call's arrays have."""
        first, second = both
        if isinstance(first, bool | int | float):
            dtype = number_dtype(pair)
            if first == second or first != first:
                return self.constant(first, dtype)
            if float(first).is_integer() and float(second).is_integer():
                return self.cast(self.node("Squeeze", self.size(pair, (int(first), int(second)))), dtype)
            raise pair.unsupported(f"a number in it follows from sizes or values ({first}, and then {second})")
        if same(first, second):
            return self.constant(first)
        found = pattern(self, pair, both) if first.ndim == second.ndim and first.dtype == second.dtype else None
        if found is None:
            raise pair.unsupported(
                "an array in it follows from sizes or values in a way that the graph does not show; compute it from "
                "the inputs by minidl's functions, or fix the size by leaving it out of dynamic_axes"
            )
        return found

    # -- sizes -------------------------------------------------------------------------------------------------------

    def sizes(self, pair: Pair, shape: Sequence[Both]) -> str:
        """Return sizes as a vector."""
        if all(a == b for a, b in shape):
            return self.ints(*[a for a, _ in shape])
        return str(self.node("Concat", *[self.size(pair, both) for both in shape], axis=0))

    def size(self, pair: Pair, both: Both) -> str:
        """Return a size as a vector of one: a number, or what follows from the sizes of tensors that are there."""
        a, b = both
        if a == b:
            return self.ints(a)
        dims = self.dims(pair)
        for count in (1, 2, 3):
            for chosen in itertools.combinations_with_replacement(dims, count):
                n, m = math.prod(x for x, _ in chosen), math.prod(y for _, y in chosen)
                if a % n == 0 and b % m == 0 and a // n == b // m:
                    factors = [self.dim(*dims[each]) for each in chosen] + ([self.ints(a // n)] if a != n else [])
                    return self.folded_over("Mul", factors)
        for (n, m), place in dims.items():
            slope, rest = divmod(b - a, m - n)
            if rest == 0:
                scaled = [self.dim(*place)] + ([self.ints(slope)] if slope != 1 else [])
                return str(self.node("Add", self.folded_over("Mul", scaled), self.ints(a - slope * n)))
        for (n, m), place in dims.items():
            if a and n % a == 0 and m == n // a * b:
                return str(self.node("Div", self.dim(*place), self.ints(n // a)))
        raise pair.unsupported(f"a size in it ({a}, and then {b}) follows from none of the sizes that may change")

    def folded_over(self, operator: str, values: list[str]) -> str:
        """Return several values made one, two by two."""
        result = values[0]
        for value in values[1:]:
            result = self.node(operator, result, value)
        return result

    def dims(self, pair: Pair) -> dict[Both, tuple[str, int]]:
        """Return where sizes that change are seen: in the inputs of a call and in those of the model."""
        found: dict[Both, tuple[str, int]] = {}
        for name, value in pair.first.inputs.items():
            origin = pair.first.origins.get(name)
            if isinstance(value, np.ndarray) and origin is not None:
                tensor = self.of(origin, pair.input(name))
                for axis, (n, m) in enumerate(pair.shape(name) if tensor else ()):
                    if n != m and n and m and tensor:
                        found.setdefault((n, m), (tensor, axis))
        for symbol in self.symbols:
            k, axis = symbol.places[0]
            found.setdefault(symbol.sizes, (self.inputs[k], axis))
        return found

    def dim(self, tensor: str, axis: int) -> str:
        """Return the size of a tensor along an axis, as a vector of one."""
        key = ("size", tensor, axis)
        if key not in self.known:
            self.known[key] = self.node("Gather", self.node("Shape", tensor), self.ints(axis), axis=0)
        return self.known[key]

    # -- calls -------------------------------------------------------------------------------------------------------

    def write(self, pairs: Sequence[Pair], outputs: Sequence[Any], table: Mapping[str, Callable[..., Any]]) -> None:
        """Write all calls that the outputs follow from; those that follow from constants alone are constants."""
        self.pairs.update({pair.number: pair for pair in pairs})
        self.used = {(origin.call, origin.output) for origin in outputs}
        needed = {origin.call for origin in outputs}
        for pair in reversed(pairs):
            if pair.number in needed:
                origins = (*pair.first.origins.values(), *pair.first.sources.values())
                needed.update(origin.call for origin in origins)
                self.used.update((origin.call, origin.output) for origin in origins)
        for pair in pairs:
            origins = (*pair.first.origins.values(), *pair.first.sources.values())
            self.depends[pair.number] = any(self.follows(origin) for origin in origins)
            if pair.number not in needed:
                continue
            if not self.depends[pair.number]:
                self.folded.update({(pair.number, name): pair.output(name) for name in pair.first.outputs})
                continue
            if pair.name not in table:
                raise pair.unsupported("ONNX has no operator for it")
            if pair.first.path:
                self.path = pair.first.path.replace(".", "/")
            results = table[pair.name](self, pair)
            names = (results,) if isinstance(results, str) else results
            self.values.update({(pair.number, name): value for name, value in zip(pair.first.outputs, names,
                                                                                  strict=False)})  # fmt: skip

    def is_used(self, pair: Pair, output: str) -> bool:
        """Return whether anything follows from an output of a call."""
        return (pair.number, output) in self.used

    def opened(self, pair: Pair, table: Mapping[str, Callable[..., Any]]) -> str:
        """Return the output of a fused operation, its formula written call by call."""
        inputs = {name: self.input(pair, name) for name in pair.first.origins}
        inner = [Pair(a, b, pair.modules) for a, b in zip(pair.first.formula(), pair.second.formula(), strict=True)]
        for each in inner:
            each.first.source = pair.first.source
        with self.scope(inputs):
            last = inner[-1].first
            origin = type(next(iter(pair.first.origins.values())))(last.number, next(iter(last.outputs)), "")
            self.write(inner, [origin], table)
            return self.values[origin.call, origin.output]

    @contextmanager
    def scope(self, leaves: Mapping[str, str]) -> Any:
        """Let calls have numbers, and leaves names, of their own."""
        kept = self.values, self.folded, self.leaves, self.depends, self.pairs, self.weights, self.used
        self.values, self.folded, self.leaves, self.depends, self.pairs = {}, {}, dict(leaves), {}, {}
        self.weights = {}
        try:
            yield
        finally:
            self.values, self.folded, self.leaves, self.depends, self.pairs, self.weights, self.used = kept

    def prune(self, outputs: Sequence[str]) -> None:
        """Drop what no output follows from."""
        needed, kept = set(outputs), []
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        self.nodes = kept[::-1]
        self.initializers = {name: value for name, value in self.initializers.items() if name in needed}


def number_dtype(pair: Pair) -> Any:
    """Return the element type that numbers among a call's inputs take: that of its arrays."""
    arrays = [x for name, x in pair.first.inputs.items() if isinstance(x, np.ndarray) and name != "condition"]
    return arrays[0].dtype if arrays else pair.output()[0].dtype
