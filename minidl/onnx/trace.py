"""What a model computes, as minidl's observer sees it in two runs.

A capture holds the sizes of one run as numbers: which of them are the batch's, and which are always the same? A second
run with other sizes and other values tells: a number that is the same in both is a constant, one that differs follows
from the sizes that may change. Where the two runs do not make the same calls, or where values went into Python, the
model can't be written as a graph, and the line is named.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

import minidl

from .. import nn
from ..errors import ArgumentError, ArgumentTypeError, NotSupported

Array = np.ndarray[Any, Any]
Both = tuple[Any, Any]  # what something is in the first run and in the second

MOST_TRIES = 30  # of sizes for the second run
INPUT = "input {}"  # with a space, so that no parameter has this name


class Symbol(NamedTuple):
    """A size that may change: its name, where it is seen, and what it is in the two runs."""

    name: str
    places: list[tuple[int, int]]  # (input, axis)
    sizes: Both


@dataclass
class Pair:
    """The same call in both runs."""

    first: Any
    second: Any
    modules: Mapping[str, str]

    @property
    def name(self) -> str:
        """The operation's name."""
        return str(self.first.name)

    @property
    def number(self) -> int:
        """The call's number."""
        return int(self.first.number)

    def where(self) -> str:
        """Return the layer and the line, for an error."""
        path, source = self.first.path, self.first.source
        layer = f"layer {path} ({self.modules[path]}), " if path in self.modules else ""
        return f"{layer}{line_of(source)}"

    def input(self, name: str) -> Both:
        """Return an input's values."""
        return self.first.inputs[name], self.second.inputs[name]

    def output(self, name: str = "") -> Both:
        """Return an output's values; by default the first one's."""
        name = name or next(iter(self.first.outputs))
        return self.first.outputs[name], self.second.outputs[name]

    def option(self, name: str) -> Both:
        """Return an option."""
        return self.first.options[name], self.second.options[name]

    def fixed(self, name: str) -> Any:
        """Return an option that must not follow from sizes that may change."""
        first, second = self.option(name)
        if first != second:
            raise self.unsupported(f"its {name} follows from a size that may change ({first} and then {second})")
        return first

    def shape(self, name: str) -> list[Both]:
        """Return the sizes of an input."""
        return sizes_of(self.input(name))

    def result(self, name: str = "") -> list[Both]:
        """Return the sizes of an output."""
        return sizes_of(self.output(name))

    def unsupported(self, reason: str) -> NotSupported:
        """Return the error for what ONNX can't say."""
        return NotSupported(f"export: {self.name} ({self.where()}): {reason}")


@dataclass
class Trace:
    """A model seen in two runs."""

    inputs: list[Both]
    outputs: list[tuple[Any, Both]]  # each with its origin
    pairs: list[Pair]
    symbols: list[Symbol]


class Run(NamedTuple):
    """A model seen in one run."""

    capture: Any
    outputs: list[tuple[Any, Array]]


def trace(
    model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], arrays: list[Array],
    axes: list[dict[int, str]], named: Callable[[int], str],
) -> Trace:  # fmt: skip
    """Run a model twice. `axes` holds the names of the sizes that may change, for each input; `named` their names."""
    places: dict[str, list[tuple[int, int]]] = {}
    for k, of_input in enumerate(axes):
        for axis, name in of_input.items():
            places.setdefault(name, []).append((k, axis))
    sizes = {}
    for name, where in places.items():
        found = {arrays[k].shape[axis]: named(k) for k, axis in where}
        if len(found) > 1:
            seen = " and ".join(f"{size} in {of}" for size, of in found.items())
            raise ArgumentError(f"dynamic_axes: {name!r} is {seen}, expected one size for one name")
        (sizes[name],) = found
        if sizes[name] < 1:
            raise ArgumentError(f"args: {named(where[0][0])} has a size of 0 for {name!r}, expected an example")
    first = run(model, args, kwargs, arrays)
    check_reads(first)
    if 1 in sizes.values():  # what broadcasts says little
        more = {name: max(size, 2) for name, size in sizes.items()}
        wider = [varied(x, {axis: more[name] for axis, name in axes[k].items()}, False) for k, x in enumerate(arrays)]
        with suppress(Exception):
            first, arrays, sizes = run(model, args, kwargs, wider), wider, more
    failure: Exception | None = None
    for boldly, others in itertools.product((True, False), second_sizes(list(sizes.values()))):
        changed = dict(zip(sizes, others, strict=True))
        resized = [
            varied(x, {axis: changed[name] for axis, name in axes[k].items()}, boldly) for k, x in enumerate(arrays)
        ]
        try:
            second = run(model, args, kwargs, resized)
        except Exception as error:
            failure = failure or error
            continue
        check_reads(second)
        symbols = [Symbol(name, where, (sizes[name], changed[name])) for name, where in places.items()]
        inputs = list(zip(arrays, resized, strict=True))
        return Trace(inputs, outputs_of(first, second), list(pairs_of(first.capture, second.capture)), symbols)
    raise NotSupported(
        f"export: the model does not run with other sizes of {', '.join(sizes)}: {failure}; give dynamic_axes with the "
        "sizes that may change alone, {} for none"
    ) from failure


def run(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], arrays: Sequence[Array]) -> Run:
    """Run a model on arrays in the places of the Tensors among its arguments."""
    tensors = [minidl.tensor(x) for x in arrays]
    left = iter(tensors)
    args, kwargs = replaced((args, dict(kwargs)), lambda x: next(left))
    with minidl.no_grad(), minidl.capture() as capture:
        for k, tensor in enumerate(tensors):
            capture.name(tensor, INPUT.format(k))
        results = tensors_in(model(*args, **kwargs))
        outputs = [(capture.origin(x), np.array(x.numpy())) for x in results]
    del capture.reads[len(capture.reads) - len(results) :]  # what was read just now
    if not outputs:
        raise ArgumentTypeError("export: the model returns no Tensor")
    return Run(capture, outputs)


def tensors_in(value: Any) -> list[Any]:
    """Return the Tensors and arrays in a value, in tuples, lists and dicts too."""
    found: list[Any] = []
    replaced(value, found.append)
    return found


def replaced(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a value with something else in the place of each Tensor or array."""
    if isinstance(value, minidl.Tensor | np.ndarray):
        return change(value)
    if isinstance(value, Mapping):
        return {key: replaced(x, change) for key, x in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[replaced(x, change) for x in value])
    if isinstance(value, tuple | list):
        return type(value)([replaced(x, change) for x in value])
    return value


def second_sizes(sizes: list[int]) -> Iterator[tuple[int, ...]]:
    """Yield sizes for the second run, the likely ones first: multiples, a little more, a part."""
    choices = [[n * (k + 2), n + k + 1, n // (k + 2)] for k, n in enumerate(sizes)]
    for others in itertools.islice(itertools.product(*choices), MOST_TRIES):
        pairs = list(zip(sizes, others, strict=True))
        if all(new > 1 and new != old for old, new in pairs) and len(set(pairs)) == len(pairs):
            yield others


def varied(x: Array, sizes: Mapping[int, int], boldly: bool) -> Array:
    """Return an example of other sizes with other values of the same kind: those of x in another order, or near them.

    Boldly, whole numbers that are all the same become others too, which may not be what the model takes.
    """
    for axis, size in sizes.items():
        x = np.take(x, np.arange(size) % x.shape[axis], axis)
    x = np.ascontiguousarray(np.flip(x)) if x.ndim else x
    if x.dtype.kind == "f":
        return x * x.dtype.type(0.875) + np.linspace(0, 0.125, x.size).reshape(x.shape).astype(x.dtype)
    if boldly and x.size and (x == x.flat[0]).all():
        return x ^ (np.arange(x.size) % 2 == 0).reshape(x.shape).astype(x.dtype)
    return x


def check_reads(seen: Run) -> None:
    """Refuse a run in which Python saw values that follow from the inputs."""
    depends: list[bool] = []
    for call in seen.capture:
        origins = (*call.origins.values(), *call.sources.values())
        depends.append(any(from_inputs(origin, depends) for origin in origins))
    for read in seen.capture.reads:
        if from_inputs(read.origin, depends):
            raise NotSupported(
                f"export: {line_of(read.source)}: Python decides by values that follow from the inputs, which a graph "
                "can't say; write it with minidl.where, or with sizes"
            )


def from_inputs(origin: Any, depends: Sequence[bool]) -> bool:
    """Return whether values follow from the inputs, if `depends` says of which calls it is true."""
    return depends[origin.call] if origin.call is not None else origin.name.startswith(INPUT.format(""))


def pairs_of(first: Any, second: Any) -> Iterator[Pair]:
    """Yield the calls of two captures side by side; refuse two that differ."""
    for a, b in itertools.zip_longest(first, second):
        if a is None or b is None or (a.name, a.source, list(a.inputs)) != (b.name, b.source, list(b.inputs)):
            raise NotSupported(
                f"export: {line_of((a or b).source)}: the model computes something else when sizes or values change; a "
                "graph is always the same: write it without a Python branch or loop over them, or fix the size by "
                "leaving it out of dynamic_axes"
            )
        yield Pair(a, b, first.modules)


def returned(name: str) -> Pair:
    """Return what stands for a call where an output of the model is written that no call has computed."""
    source = SimpleNamespace(file="")
    nothing = SimpleNamespace(name=f"output {name!r}", path="", source=source, inputs={}, origins={}, sources={})
    return Pair(nothing, nothing, {})


def outputs_of(first: Run, second: Run) -> list[tuple[Any, Both]]:
    """Return the outputs of two runs side by side."""
    if len(first.outputs) != len(second.outputs):
        raise NotSupported(f"export: the model returns {len(first.outputs)} Tensors, and then {len(second.outputs)}")
    both = zip(first.outputs, second.outputs, strict=True)
    return [(origin, (a, b)) for (origin, a), (_, b) in both]


def sizes_of(both: Sequence[Any]) -> list[Both]:
    """Return the sizes of an array in the two runs, axis by axis."""
    shapes = [np.shape(x) for x in both]
    if len(shapes[0]) != len(shapes[1]):
        raise NotSupported(f"export: a shape is {shapes[0]}, and with other sizes {shapes[1]}")
    return list(zip(*shapes, strict=True))


def line_of(source: Any) -> str:
    """Return a line of the user's program, for an error."""
    if not source.file:
        return "what the model returns"
    return f"{os.path.basename(source.file)}:{source.line}: {source.text}"
