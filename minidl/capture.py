"""A view inside: every call of a run with its numbers, and what flowed back through it.

The engine tells an observer about each operation (`called`), each change in place that comes (`changing`) and each step
of a backward (`walked`); modules and optimizers tell it what they do (`inside`, `updating`). `capture` is that
observer. It writes plain records, with copies of all values, and holds on to nothing else of the run: no Tensor, no
node.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import Token
from dataclasses import dataclass, field
from functools import lru_cache
from types import EllipsisType, FrameType
from typing import Any, NamedTuple

import numpy as np

from .autograd import Node, Pick, Variable, enable_grad, grad, observer, wrap
from .errors import ArgumentError, StateError
from .operation import Fused, sum_to

Array = np.ndarray[Any, Any]

PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
LIBRARIES = (PACKAGE, os.path.dirname(np.__file__) + os.sep, contextlib.__file__)  # their lines are not the user's
PROGRAMS = (PACKAGE + "demo.py",)  # and these are, though they stand in the package


class Source(NamedTuple):
    """The user's line that made a call."""

    file: str
    line: int
    text: str


class Origin(NamedTuple):
    """Where an input came from: an output of an earlier call, or a leaf, whose name is known if a module holds it."""

    call: int | None = None
    output: str = ""
    name: str = ""


@dataclass(eq=False, repr=False)
class Call:
    """One operation that ran: what went in, what came out, and after backward what flowed the other way.

    Values are NumPy arrays, copied when the call was made; None and numbers are themselves.
    """

    number: int
    op: Any  # its Primitive or Fused; the class of an optimizer or of a user's autograd.Function
    name: str
    path: str  # of the module that it ran in, "" outside of any
    source: Source
    inputs: dict[str, Any]
    options: dict[str, Any]
    outputs: dict[str, Any]
    origins: dict[str, Origin]  # of the inputs that are Tensors
    sources: dict[str, Origin]  # of the arrays, among inputs and options, that hold what is in a Tensor
    g: dict[str, Array] = field(default_factory=dict)  # dL/d(output), once backward came by
    sent: dict[str, Array] = field(default_factory=dict)  # dL/d(input) by this call, what it sent on

    @property
    def fused(self) -> bool:
        """Has it a formula in other operations that `formula()` opens?"""
        return isinstance(self.op, Fused)

    def formula(self) -> capture:
        """Run the formula of a fused operation on the captured values; return the capture of the calls in it.

        If backward came by, it comes by here too. Raises ArgumentError for what is not fused.

        >>> import minidl
        >>> with minidl.capture() as c:
        ...     y = minidl.nn.functional.linear(minidl.ones(1, 2), minidl.ones(3, 2), minidl.ones(3))
        >>> [call.name for call in c[0].formula()]
        ['permute', 'matmul', 'add', 'identity']
        """
        if not self.fused:
            raise ArgumentError(f"{self.name} has no formula to open: it is not made of other operations")
        inputs = {name: wrap(x) if name in self.origins else x for name, x in self.inputs.items()}
        inner = capture()
        inner._body, inner._stack = self.op.forward.__code__.co_filename, [self.path]
        for name in self.origins:
            inputs[name].needs_grad = name in self.sent
            inner._place(inputs[name], Origin(name=name))
        with enable_grad(), inner:
            result = self.op.forward(*inputs.values(), **self.options)
            outputs = dict(zip(self.op.outputs, result if self.op.several else (result,), strict=True))
            if self.g:
                roots = [outputs[name] for name in self.g]
                grad(roots, [inputs[name] for name in self.sent], list(self.g.values()), allow_unused=True)
        return inner

    def __repr__(self) -> str:
        return f"<call {self.number}: {self.name} {shapes(self.inputs)} -> {shapes(self.outputs)}>"


class Read(NamedTuple):
    """A Tensor's values that left for Python, as by item() or `if`: what Python makes of them is not captured."""

    origin: Origin
    source: Source


@dataclass(eq=False, repr=False)
class Walk:
    """One step of a backward: the cotangents that came to a call, and those that it sent on."""

    call: int | None  # None for a call from before the capture
    op: Any
    name: str
    source: Source
    g: dict[str, Array]
    sent: dict[str, Array]

    def __repr__(self) -> str:
        return f"<backward of {'an earlier' if self.call is None else f'call {self.call}:'} {self.name}>"


class capture:
    """Keep every call that is made in a `with` block, with its values, and every step of a backward.

    It is a sequence of calls; `steps` has calls and steps of backward in the order in which they happened, `modules`
    the class of each module by its path, `reads` the places where values left for Python. `print(c)` shows a table,
    `c.save("step.html")` writes a page on which to step through the run. What is computed is the same to the last bit
    as without it.

    Blocks may be nested: each one sees what happens in it. They are context-local, as no_grad is: what other threads
    do is not captured. Calls on plain arrays, without a Tensor, are not either.

    >>> import minidl
    >>> w = minidl.tensor([2.0, 3.0], requires_grad=True)
    >>> with minidl.capture() as c:
    ...     (w * w).sum().backward()
    >>> c[0].name, c[0].inputs["a"], c[0].outputs["out"]
    ('mul', array([2., 3.], dtype=float32), array([4., 9.], dtype=float32))
    >>> c[0].g["out"], c[0].sent["a"]
    (array([1., 1.], dtype=float32), array([2., 3.], dtype=float32))
    >>> c[1].origins["x"].call, c[1].source.text
    (0, '(w * w).sum().backward()')
    >>> c.steps
    [<call 0: mul (2,) (2,) -> (2,)>, <call 1: sum (2,) -> ()>, <backward of call 1: sum>, <backward of call 0: mul>]
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.steps: list[Call | Walk] = []
        self.modules: dict[str, str] = {}
        self.reads: list[Read] = []
        self._token: Token[Any] | None = None
        self._outer: capture | None = None
        self._body = ""  # the file of a formula that is run: its lines count as the user's
        self._stack: list[str] = []  # paths of the modules that are running
        self._forget()

    def _forget(self) -> None:
        """Let go of everything that is not a record."""
        self._paths: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()  # of modules
        self._nodes: weakref.WeakKeyDictionary[Node, Call] = weakref.WeakKeyDictionary()
        self._places: dict[int, tuple[Any, Origin]] = {}  # by id of a Tensor or its array, with a weak reference to it
        self._changes: dict[int, tuple[Any, Origin]] = {}  # by id of a version cell, with the cell: its last change
        self._before: tuple[Any, Any] | None = None  # a Tensor that is about to change, and its values

    def __enter__(self) -> capture:
        if self._token is not None:
            raise StateError("this capture is running already; nest another one: `with minidl.capture() as inner:`")
        self._outer = None if self._body else observer.get()
        self._token = observer.set(self)
        return self

    def __exit__(self, *error: object) -> None:
        token, self._token, self._outer = self._token, None, None
        self._forget()
        if token is not None:
            observer.reset(token)

    # -- what the observer is told -----------------------------------------------------------------------------------

    def called(self, op: Any, inputs: Sequence[Any], outputs: Sequence[Any], options: dict[str, Any]) -> None:
        """Record a call."""
        if self._outer is not None:
            self._outer.called(op, inputs, outputs, options)
        given = dict(zip(input_names(op, len(inputs)), inputs, strict=False))
        changed, self._before = self._before, None
        values = {name: copied(x) for name, x in given.items()}
        in_place = op.name == "setitem" and changed is not None and changed[0] is inputs[0]
        if in_place and changed is not None:
            values["x"] = changed[1]
        call = self._add(op, values, options, outputs=dict(zip(op.outputs, outputs, strict=True)), given=given)
        if in_place:
            self._changed(inputs[0], Origin(call.number, "out", call.origins["x"].name))
        for out in outputs:
            node = out.node.edges[0] if type(out.node) is Pick else out.node
            if node is not None:
                self._nodes.setdefault(node, call)

    def walked(self, node: Node, cotangent: Any, results: Iterable[Any]) -> None:
        """Record a step of a backward."""
        if self._outer is not None:
            self._outer.walked(node, cotangent, results)
        op, needs = node.op, node.plan.needs
        cotangents = cotangent if op.several else (cotangent,)
        g = {name: copied(x) for name, x in zip(op.outputs, cotangents, strict=True) if x is not None}
        names = [name for name, need in zip(input_names(op, len(needs)), needs, strict=False) if need]
        sent = {
            name: arriving(dx, edge)
            for name, dx, edge in zip(names, results, node.edges, strict=True)
            if dx is not None
        }
        call = self._nodes.get(node)
        number = None
        if call is not None:
            number, call.g, call.sent = call.number, g, sent
        self.steps.append(Walk(number, definition(op), op.name, self._source(), g, sent))

    @contextmanager
    def inside(self, module: Any) -> Iterator[None]:
        """Note that a module runs, for the block."""
        with nullcontext() if self._outer is None else self._outer.inside(module):
            if module not in self._paths:
                self._register(module)
            self._stack.append(self._paths[module])
            try:
                yield
            finally:
                self._stack.pop()

    def changing(self, tensor: Any) -> None:
        """Keep the values of a Tensor that the next call changes in place."""
        if self._outer is not None:
            self._outer.changing(tensor)
        self._before = tensor, copied(tensor)

    def reading(self, tensor: Any) -> None:
        """Note that the values of a Tensor leave for Python."""
        if self._outer is not None:
            self._outer.reading(tensor)
        self.reads.append(Read(self._origin(tensor), self._source()))

    def holds(self, array: Array, values: Any) -> None:
        """Note that an array has a copy of the values of a Tensor, or of an array that has them."""
        if self._outer is not None:
            self._outer.holds(array, values)
        origin = self._origin(values) if isinstance(values, Variable) else self._known(values)
        if origin is not None:
            self._places[id(array)] = weakref.ref(array), origin

    @contextmanager
    def updating(self, optimizer: Any, param: Any, group: dict[str, Any]) -> Iterator[None]:
        """Record an optimizer's change of a parameter, and of its state, by the block."""
        with nullcontext() if self._outer is None else self._outer.updating(optimizer, param, group):
            state = optimizer.state[param]
            given = {"w": param, "g": param.grad, **state}
            values = {name: copied(x) for name, x in given.items()}
            name = self._origin(param).name
            if self._known(param.grad) is None:
                self._place(param.grad, Origin(name=f"{name}.grad" if name else ""))
            origins = {name: self._origin(x) for name, x in given.items() if isinstance(x, Variable)}
            yield
            options = {key: value for key, value in group.items() if key not in optimizer.beside_the_rule}
            call = self._add(type(optimizer), values, options, outputs={"w": param, **state}, origins=origins)
            self._changed(param, Origin(call.number, "w", name))

    # -- what one may ask while it runs ------------------------------------------------------------------------------

    def name(self, tensor: Any, name: str) -> None:
        """Give a Tensor that no module holds a name, by which its origin is told."""
        self._place(tensor, Origin(name=name))

    def origin(self, tensor: Any) -> Origin:
        """Return where a Tensor's present values come from."""
        return self._origin(tensor)

    # -- keeping track -----------------------------------------------------------------------------------------------

    def _add(
        self, op: Any, values: dict[str, Any], options: dict[str, Any], outputs: dict[str, Any],
        given: dict[str, Any] | None = None, origins: dict[str, Origin] | None = None,
    ) -> Call:  # fmt: skip
        """Record a call and where its outputs come from."""
        if origins is None:
            origins = {name: self._origin(x) for name, x in (given or {}).items() if isinstance(x, Variable)}
        arrays = arrays_in({**(given or {}), **options}).items()
        sources = {key: origin for key, x in arrays if (origin := self._known(x)) is not None}
        path = self._stack[-1] if self._stack else ""
        results = {name: copied(out) for name, out in outputs.items()}
        name = op.__name__ if isinstance(op, type) else op.name
        call = Call(
            len(self.calls), definition(op), name, path, self._source(), values, copied(options), results, origins,
            sources,
        )  # fmt: skip
        self.calls.append(call)
        self.steps.append(call)
        for name, out in outputs.items():
            if isinstance(out, Variable):
                self._place(out, Origin(call.number, name))
        return call

    def _source(self) -> Source:
        """Return the innermost line that is not the library's."""
        frame: FrameType = sys._getframe(1)
        while (file := frame.f_code.co_filename) != self._body and of_library(file) and frame.f_back is not None:
            frame = frame.f_back
        line = frame.f_lineno
        return Source(file, line, linecache.getline(file, line, frame.f_globals).strip())

    def _known(self, thing: Any) -> Origin | None:
        entry = self._places.get(id(thing))
        return entry[1] if entry is not None and entry[0]() is thing else None

    def _place(self, tensor: Any, origin: Origin) -> None:
        for thing in (tensor, tensor.array):  # by its array, what detach() gives is found too
            self._places[id(thing)] = weakref.ref(thing), origin

    def _changed(self, tensor: Any, origin: Origin) -> None:
        self._place(tensor, origin)
        self._changes[id(tensor.cell)] = tensor.cell, origin

    def _origin(self, tensor: Any) -> Origin:
        """Return where a Tensor's present values come from."""
        known = self._known(tensor) or self._known(tensor.array)
        if known is None:
            known = Origin()
            self._place(tensor, known)
        _, change = self._changes.get(id(tensor.cell), (None, known))
        return max(known, change, key=lambda origin: -1 if origin.call is None else origin.call)  # the later one

    def _register(self, module: Any) -> None:
        """Give a module that runs for the first time its path; if it is a root, those below it and their parameters."""
        kind = type(module).__name__
        if self._stack:
            self._name(module, self._free(f"{self._stack[-1]}.{kind}"))
            return
        root = self._free(kind)
        for path, part in module.named_modules():
            full = root if not path else path if path not in self.modules else f"{root}.{path}"
            prefix = "" if full == kind else f"{full}."
            self._name(part, full)
            for name, tensor in (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)):
                self._place(tensor, (self._known(tensor) or Origin())._replace(name=prefix + name))

    def _name(self, module: Any, path: str) -> None:
        self._paths[module] = path
        self.modules[path] = type(module).__name__

    def _free(self, path: str) -> str:
        """Return a path that no other module has: itself, or with a number behind it."""
        names: Iterator[str] = (path if k == 1 else f"{path}-{k}" for k in range(1, len(self.modules) + 2))
        return next(name for name in names if name not in self.modules)

    # -- reading it --------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self.calls)

    def __getitem__(self, index: Any) -> Any:
        return self.calls[index]

    def __repr__(self) -> str:
        walks = len(self.steps) - len(self.calls)
        return f"<capture: {len(self.calls)} calls, {walks} steps of backward>"

    def __str__(self) -> str:
        """Return a table, a row for each call; `∂` marks those that backward came by."""
        rows = [("", "call", "", "module", "shapes", "line")]
        for call in self.calls:
            flow = f"{shapes(call.inputs)} -> {shapes(call.outputs)}"
            line = f"{os.path.basename(call.source.file)}:{call.source.line}  {call.source.text}"
            rows.append((str(call.number), call.name, "∂" if call.g else "", call.path, flow, line))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        pads: list[Callable[..., str]] = [str.rjust, *[str.ljust] * 5]
        lines = ["  ".join(pad(cell, n) for pad, cell, n in zip(pads, row, widths, strict=True)) for row in rows]
        return "\n".join(line.rstrip() for line in lines)

    def save(self, path: str | os.PathLike[str], title: str = "") -> None:
        """Write one HTML file, without anything from outside it, on which a reader steps through the run.

        Arrow keys step; a fused operation opens into its formula. The numbers on the page are the captured ones, of
        large arrays the first and last rows and columns. The file is written whole or not at all.

        >>> import minidl, pathlib, tempfile
        >>> with minidl.capture() as c:
        ...     y = minidl.ones(2, 2).exp()
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "step.html"
        >>> c.save(path)
        >>> path.read_text()[:15]
        '<!doctype html>'
        """
        from .files import atomic_file
        from .page import html

        text = html(self, title)
        with atomic_file(path) as file:
            file.write(text.encode())


def copied(value: Any) -> Any:
    """Return a value that later changes can't reach: arrays copied, foreign objects by the name of their class."""
    if isinstance(value, Variable):
        return np.array(value.array)
    if isinstance(value, np.ndarray | np.generic):
        return np.array(value)
    if isinstance(value, tuple | list):
        return type(value)([copied(x) for x in value]) if type(value) in (tuple, list) else tuple(map(copied, value))
    if isinstance(value, dict):
        return {key: copied(x) for key, x in value.items()}
    if value is None or isinstance(value, bool | int | float | complex | str | slice | EllipsisType | np.dtype | type):
        return value
    return f"<{type(value).__name__}>"


def arrays_in(values: dict[str, Any]) -> dict[str, Array]:
    """Return the plain arrays among values and in tuples of them, by name: index[0], index[1] for a tuple."""
    found = {}
    for name, value in values.items():
        parts = {f"{name}[{k}]": x for k, x in enumerate(value)} if isinstance(value, tuple) else {name: value}
        found.update({key: x for key, x in parts.items() if isinstance(x, np.ndarray)})
    return found


def arriving(dx: Any, edge: Any) -> Array:
    """Return a cotangent as it arrives at the end of its edge: what broadcasting repeated is summed up."""
    array = copied(dx)
    shape = edge.array.shape if isinstance(edge, Variable) else edge.shape
    return array if array.shape == shape else np.asarray(sum_to(array, shape=shape))


def definition(op: Any) -> Any:
    """Return where an operation is defined: itself, or the class of a user's autograd.Function."""
    return getattr(op, "function", op)


def input_names(op: Any, count: int) -> list[str]:
    """Return the names of an operation's inputs: xs[0], xs[1] for `*xs`."""
    return [f"{op.inputs[0]}[{k}]" for k in range(count)] if getattr(op, "variadic", False) else list(op.inputs)


def shapes(values: dict[str, Any]) -> str:
    """Return the shapes of values: the numbers themselves where they are plain."""
    return " ".join(str(x.shape) if isinstance(x, np.ndarray) else str(x) for x in values.values())


@lru_cache
def of_library(file: str) -> bool:
    """Is it one of the files that a call passes through on its way from the user's line?"""
    return file.startswith(LIBRARIES) and file not in PROGRAMS
