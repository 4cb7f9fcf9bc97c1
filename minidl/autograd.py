"""The engine: how operations are recorded in a graph and how gradients flow back through it. One sitting.

A Tensor that a recorded operation computed has a *Node*: which operation it was, where the gradients of its inputs go
(`edges`), and exactly the values that the rules of its derivative name (`saved`). `backward` walks the nodes from the
newest to the oldest; creation order is a topological order, so one heap is all it needs. The operation, its rules and
what happens at a call stand in operation.py.

Rules run on plain arrays in an ordinary backward, on Tensors under `create_graph=True`: then the operators in them are
recorded like any others, which gives derivatives of any order.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from functools import wraps
from importlib import import_module
from inspect import isgeneratorfunction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from .errors import ArgumentError, DTypeError, GraphError, ShapeError

if TYPE_CHECKING:
    from .operation import Plan, Primitive

grad_mode: ContextVar[bool] = ContextVar("grad_mode", default=True)  # is the graph being recorded?
observer: ContextVar[Any] = ContextVar("observer", default=None)  # who watches calls and the walk; see capture.py
tick = itertools.count(1).__next__  # the clock: orders nodes and in-place changes
new = object.__new__


class Variable:
    """An array and its place in the graph: the part of a Tensor that the engine sees."""

    # array       the values, always an ndarray
    # node        what produced it, None for a leaf
    # needs_grad  does a gradient flow to it?
    # grad        a leaf's gradient, a Tensor
    # cell        [time of the last change, time of the last recorded change], shared by all aliases of the memory
    # base        the Tensor of which this is a view, or None
    # hooks       a leaf's gradient hooks, or None
    __slots__ = ("__weakref__", "array", "base", "cell", "grad", "hooks", "needs_grad", "node")
    array: ndarray
    node: Node | None
    needs_grad: bool
    grad: Any
    cell: list[int]
    base: Any
    hooks: Any


class Node:
    """One recorded call: its operation, the values its rules named, and edges to the producers of its inputs."""

    # edges   for each input that needs a gradient: its Node, or the leaf itself
    # saved   the values the plan kept; None once freed
    # cells   the version cells of the saved arrays
    # shape   of the output (None for a call with several: they are Picks)
    __slots__ = ("__weakref__", "cells", "edges", "hooks", "op", "order", "plan", "saved", "shape")
    op: Primitive
    plan: Plan
    order: int
    edges: Sequence[Any]
    saved: Any
    cells: Any
    shape: Any
    hooks: Any

    def name(self) -> str:
        """Return the name of the operation that made it."""
        return self.op.name

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The producers of the inputs that need a gradient, as PyTorch shows them."""
        return tuple((edge, 0) for edge in self.edges)

    def __repr__(self) -> str:
        return f"<{self.op.name} backward>"


class Pick(Node):
    """One output of a call that has several; it hands its cotangent to the call, its only edge."""

    __slots__ = ("index",)
    index: int


tensor_type: type = Variable  # what operations answer with; tensor.py puts Tensor here


def wrap(array: Any, node: Node | None = None, needs_grad: bool = False) -> Any:
    """Make a Tensor of an array."""
    t: Any = new(tensor_type)
    t.array = array if type(array) is ndarray else np.asarray(array)
    t.node = node
    t.needs_grad = needs_grad
    t.grad = t.hooks = t.base = None
    t.cell = [0, 0]
    return t


def edge_of(x: Any) -> Any:
    """Return where the gradient of `x` goes: its producer, or itself for a leaf."""
    node = x.node
    if node is None:
        return x
    if x.cell[1] > node.order:
        raise GraphError(
            f"this Tensor ({node.op.name}, shape {x.array.shape}) shares memory with one that a recorded in-place "
            "operation has changed since, so its history no longer gives its values; clone() it before the change, and "
            "write y[i] = y[i] + v for y[i] += v"
        )
    return node


def check_alias(x: Any) -> None:
    """Refuse a view of a constant into which a recorded change was written: it would count as a constant still."""
    if x.cell[1] and not x.needs_grad:
        raise GraphError(
            f"this Tensor (shape {x.array.shape}) is a view of one that a recorded in-place operation has changed "
            "since, and does not know of that history; take the view again, or clone() it before the change"
        )


# -- the walk --------------------------------------------------------------------------------------------------------


def walk(roots: Sequence[tuple[Any, Any]], create_graph: bool, retain: bool, wanted: Any = ()) -> dict[Any, Any]:
    """Send cotangents from the roots back through the graph, newest node first; return those of leaves and `wanted`.

    The smallest case that needs the order: y = a * a; z = y + exp(y). Both of y's consumers must have added to its
    cotangent before y hands it on.
    """
    heap: list[tuple[int, Node]] = []
    cotangents: dict[Any, Any] = {}
    ours: set[Any] = set()  # whose sum the engine made itself, and may add to in place
    found: dict[Any, Any] = {}
    onward = leading_to(wanted, roots) if wanted else None
    watching = observer.get()

    def send(edge: Any, g: Any, op: Primitive | None) -> None:
        shape = edge.array.shape if isinstance(edge, Variable) else edge.shape
        if op is not None and g.shape != shape:
            g = op.fitted(g, shape)
        if edge not in cotangents:
            cotangents[edge] = g
            if isinstance(edge, Node):
                heapq.heappush(heap, (-edge.order, edge))
        elif edge in ours:
            cotangents[edge] += g
        else:
            total = cotangents[edge] = cotangents[edge] + g  # out of place: another branch may hold the same array
            if type(total) is ndarray:
                ours.add(edge)

    mode = grad_mode.set(create_graph)
    try:
        with np.errstate(all="ignore"):
            for edge, g in roots:
                send(edge, g, None)
            while heap:
                node = heapq.heappop(heap)[1]
                g = cotangents.pop(node)
                ours.discard(node)
                if node.hooks:
                    g = hooked(node.hooks, g)
                if node in wanted:
                    found[node] = g
                if onward is not None and node not in onward:
                    continue
                if type(node) is Pick:
                    (call,) = node.edges
                    if call not in cotangents:
                        cotangents[call] = [None] * len(call.shape)
                        heapq.heappush(heap, (-call.order, call))
                    seen = cotangents[call][node.index]
                    cotangents[call][node.index] = g if seen is None else seen + g
                    continue
                if node.saved is None:
                    raise GraphError(
                        f"backward reached {node.op.name} a second time, but what it saved is freed after the first; "
                        "pass retain_graph=True to the first backward"
                    )
                for cell in node.cells:
                    if cell[0] > node.order:
                        raise changed(node)
                results = node.op.vjp(node, g if node.op.several else (g,), create_graph)
                if watching is not None:
                    watching.walked(node, g, results)
                for edge, dx in zip(node.edges, results, strict=True):
                    if dx is not None and (onward is None or edge in onward or edge in wanted):
                        send(edge, dx, node.op)
                if node.cells and not retain:
                    node.saved = None
                del g, dx, results  # or they would live through the next rule
    finally:
        grad_mode.reset(mode)
    for leaf, g in cotangents.items():
        found[leaf] = hooked(leaf.hooks, g) if leaf.hooks else g
    return found


def leading_to(wanted: Any, roots: Sequence[tuple[Any, Any]]) -> set[Any]:
    """Return the nodes from which one of `wanted` is reached, so that a walk visits no others."""
    nodes: set[Any] = set()
    stack = [edge for edge, _ in roots]
    while stack:
        node = stack.pop()
        if isinstance(node, Node) and node not in nodes:
            nodes.add(node)
            stack.extend(node.edges)
    onward: set[Any] = set()
    for node in sorted(nodes, key=lambda node: node.order):
        if any(edge in onward or edge in wanted for edge in node.edges):
            onward.add(node)
    return onward


def hooked(hooks: dict[int, Callable[[Any], Any]], g: Any) -> Any:
    """Show a cotangent to its hooks; what a hook returns takes its place."""
    tensor = g if isinstance(g, Variable) else wrap(g)
    for hook in list(hooks.values()):
        answer = hook(tensor)
        tensor = tensor if answer is None else answer
    return tensor if isinstance(g, Variable) else tensor.array


def changed(node: Node) -> GraphError:
    """Return the error for a saved value that was changed in place: which operation, which of its values."""
    names = [name for name, cell in zip(node.plan.kept, node.cells, strict=False) if cell[0] > node.order]
    return GraphError(
        f"{node.op.name} saved {' and '.join(names)} for its gradient, and an in-place operation changed it since; "
        "write y = f(x) instead of f_(x) or x += ..., or clone() before the change"
    )


# -- asking for gradients --------------------------------------------------------------------------------------------


def listed(value: Any) -> list[Any]:
    """Return one Tensor, or several, as a list."""
    return [value] if isinstance(value, Variable) or value is None else list(value)


def seeds(tensors: Sequence[Any], gradients: Any, create_graph: bool) -> list[tuple[Any, Any]]:
    """Return where a walk starts: (node or leaf, cotangent), ones for scalars without a given gradient."""
    gradients = [None] * len(tensors) if gradients is None else listed(gradients)
    if len(gradients) != len(tensors):
        raise ArgumentError(f"got {len(tensors)} tensors and {len(gradients)} gradients for them; give one for each")
    roots = []
    for tensor, gradient in zip(tensors, gradients, strict=True):
        if not isinstance(tensor, Variable):
            raise DTypeError(f"backward starts at a Tensor, got {type(tensor).__name__}")
        array = tensor.array
        if not tensor.needs_grad:
            raise GraphError(
                "this Tensor does not require grad and has no history: was it computed under no_grad(), from detached "
                "values, or is requires_grad=True missing on what it was computed from?"
            )
        if gradient is None:
            if array.size != 1:
                raise GraphError(
                    f"grad can be created by itself only for a scalar output, this one has shape {array.shape}; reduce "
                    "it with .sum() or .mean(), or give backward(gradient=...)"
                )
            gradient = array.dtype.type(1) if array.ndim == 0 else np.ones(array.shape, array.dtype)
        else:
            given = gradient.array if isinstance(gradient, Variable) else np.asarray(gradient)
            if given.shape != array.shape:
                raise ShapeError(f"gradient: got shape {given.shape} for a Tensor of shape {array.shape}")
            if not create_graph or not isinstance(gradient, Variable):
                gradient = given.astype(array.dtype, copy=False)
        if create_graph and not isinstance(gradient, Variable):
            gradient = wrap(gradient)
        roots.append((edge_of(tensor), gradient))
    return roots


def backward(
    tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    inputs: Any = None,
) -> None:  # fmt: skip
    """Add dL/d(leaf) to `.grad` of every leaf that requires it, or of `inputs` alone; L = Σ tensors · grad_tensors.

    `retain_graph` defaults to `create_graph`; without it, saved values are freed as the walk passes.

    >>> import minidl
    >>> x = minidl.tensor([1.0, 2.0], requires_grad=True)
    >>> minidl.autograd.backward((x * x).sum())
    >>> x.grad
    tensor([2., 4.])
    """
    roots = seeds(listed(tensors), grad_tensors, create_graph)
    wanted = {} if inputs is None else {edge_of(x): x for x in listed(inputs)}
    found = walk(roots, create_graph, create_graph if retain_graph is None else retain_graph, wanted)
    held = {id(g) for _, g in roots}
    for place, g in found.items():
        leaf = wanted.get(place, place)
        if isinstance(g, Variable):
            leaf.grad = g if leaf.grad is None else leaf.grad + g
        elif leaf.grad is not None:
            leaf.grad.array += g
            leaf.grad.cell[0] = tick()
        else:
            if type(g) is not ndarray or g.base is not None or not g.flags.writeable or id(g) in held or leaf.hooks:
                g = np.array(g)  # .grad owns its memory
            held.add(id(g))
            leaf.grad = wrap(g)


def grad(
    outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    allow_unused: bool | None = None, materialize_grads: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """Return dL/d(input) for each of `inputs`, for L = Σ outputs · grad_outputs; `.grad` stays as it is.

    An input that L does not depend on raises, unless `allow_unused` (then None) or `materialize_grads` (then zeros).

    >>> import minidl
    >>> x = minidl.tensor(3.0, requires_grad=True)
    >>> (dx,) = minidl.autograd.grad(x**3, x, create_graph=True)
    >>> dx
    tensor(27., grad_fn=<mul backward>)
    >>> minidl.autograd.grad(dx, x)
    (tensor(18.),)
    """
    inputs = listed(inputs)
    for x in inputs:
        if not x.needs_grad:
            raise GraphError("grad: one of the inputs does not require grad; set requires_grad=True on it first")
    roots = seeds(listed(outputs), grad_outputs, create_graph)
    places = [edge_of(x) for x in inputs]
    found = walk(roots, create_graph, create_graph if retain_graph is None else retain_graph, set(places))
    gradients = []
    for x, place in zip(inputs, places, strict=True):
        g = found.get(place)
        if g is None and materialize_grads:
            g = np.zeros_like(x.array)
        if g is None and not allow_unused:
            raise GraphError(
                "grad: an input was not used to compute the outputs; pass allow_unused=True to get None for it"
            )
        gradients.append(g if g is None or isinstance(g, Variable) else wrap(np.array(g)))
    return tuple(gradients)


# -- modes -----------------------------------------------------------------------------------------------------------


class Mode:
    """A grad mode for a `with` block or a decorated function, restored at its end whatever happens; per thread."""

    recording: bool

    def __new__(cls, mode: Any = True) -> Any:
        """Make a mode, or of a function (`@no_grad` without brackets) that function as it runs in it."""
        return cls()(mode) if callable(mode) else super().__new__(cls)

    def __init__(self) -> None:
        self.before: list[bool] = []

    def __enter__(self) -> None:
        self.before.append(grad_mode.get())
        grad_mode.set(self.recording)

    def __exit__(self, *error: object) -> None:
        grad_mode.set(self.before.pop())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it runs in this mode; a generator is in it while it runs, not while it waits."""
        if isgeneratorfunction(function):

            @wraps(function)
            def steps(*args: Any, **kwargs: Any) -> Any:
                advance = Mode.__call__(self, function(*args, **kwargs).__next__)
                with suppress(StopIteration):
                    while True:
                        yield advance()

            return steps

        @wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            before = grad_mode.get()
            grad_mode.set(self.recording)
            try:
                return function(*args, **kwargs)
            finally:
                grad_mode.set(before)

        return inside


class no_grad(Mode):
    """Record nothing: results do not require grad.

    >>> import minidl
    >>> x = minidl.ones(2, requires_grad=True)
    >>> with minidl.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    recording = False


class enable_grad(Mode):
    """Record again, inside no_grad.

    >>> import minidl
    >>> x = minidl.ones(2, requires_grad=True)
    >>> with minidl.no_grad(), minidl.enable_grad():
    ...     (x * 2).requires_grad
    True
    """

    recording = True


class inference_mode(Mode):
    """As no_grad; `inference_mode(False)` leaves recording on.

    >>> import minidl
    >>> with minidl.inference_mode():
    ...     minidl.is_grad_enabled()
    False
    """

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.recording = not mode


class set_grad_enabled(Mode):
    """Turn recording on or off, from this line on or for a `with` block.

    >>> import minidl
    >>> with minidl.set_grad_enabled(False):
    ...     minidl.is_grad_enabled()
    False
    """

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.recording = mode
        self.before.append(grad_mode.get())
        grad_mode.set(mode)

    def __enter__(self) -> None:
        if not self.before:
            self.before.append(grad_mode.get())
        grad_mode.set(self.recording)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it runs in this mode; outside it nothing changes."""
        grad_mode.set(self.before.pop())
        return super().__call__(function)


def is_grad_enabled() -> bool:
    """Return whether operations are being recorded.

    >>> import minidl
    >>> minidl.is_grad_enabled()
    True
    """
    return grad_mode.get()


def __getattr__(name: str) -> Any:
    """Load what stands outside the engine when it is first asked for: PyTorch has these names here."""
    for module, names in (("function", ("Function",)), ("testing", ("gradcheck", "gradgradcheck"))):
        if name in names:
            return getattr(import_module(f".{module}", __package__), name)
    raise AttributeError(f"module 'minidl.autograd' has no attribute {name!r}")
