"""Operations: a forward on arrays and the rules of its derivative, and what happens when one is called.

An operation is a *Primitive*: a forward and, for each input, a rule that turns the cotangent `g` of the output
(dL/d out) into that of the input; or it is *Fused*: a formula with hand-derived kernels behind it. Calling one with
Tensors computes, and leaves a Node where a gradient is needed (autograd.py).
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from functools import wraps
from operator import itemgetter
from typing import Any, Protocol

import numpy as np
from numpy import ndarray

from . import _kernels as kernels
from . import dtypes
from .autograd import Node, Pick, Variable, check_alias, edge_of, grad, grad_mode, new, observer, tick, wrap
from .errors import DTypeError, GraphError, ShapeError
from .refusals import around, check_inputs, misfit


class Plan:
    """What a call keeps for backward: worked out once an operation and choice of the inputs that need a gradient."""

    def __init__(self, op: Primitive, needs: tuple[bool, ...]) -> None:
        self.needs = needs
        wanted = op.wanted(needs)
        values = (*op.inputs, *op.outputs)
        arrays = [name for name in values if name in wanted]  # these have version cells
        others = sorted(wanted.difference(values, op.cotangents, op.residuals))  # options and shapes
        self.kept = (*arrays, *op.residuals, *others)
        self.pick = picker([values.index(name) for name in arrays])
        self.others = [op.fetch(name) for name in others]
        self.rules = op.bound(needs, (*op.cotangents, *self.kept))
        edges = [name for name, need in zip(op.inputs, needs, strict=False) if need]
        # where a kept value came from: edge k, output ~k, or None for a constant
        self.origins = [
            edges.index(name) if name in edges else ~op.outputs.index(name) if name in op.outputs else None
            for name in self.kept
        ]


def picker(positions: list[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Return a function that picks these positions of a tuple, as a tuple."""
    if not positions:
        return lambda values: ()
    if len(positions) == 1:
        return itemgetter(slice(positions[0], positions[0] + 1))
    return itemgetter(*positions)


def bind(rule: Callable[..., Any], frame: Sequence[str]) -> Callable[[Sequence[Any]], Any]:
    """Return the rule as a function of the frame, the values that it may name; written out for speed."""
    at = [frame.index(name) for name in names_of(rule)]
    if len(at) == 1:
        (i,) = at
        return lambda f: rule(f[i])
    if len(at) == 2:
        i, j = at
        return lambda f: rule(f[i], f[j])
    if len(at) == 3:
        i, j, k = at
        return lambda f: rule(f[i], f[j], f[k])
    return lambda f: rule(*[f[i] for i in at])


def names_of(function: Callable[..., Any]) -> list[str]:
    """Return the names of a function's arguments."""
    return list(inspect.signature(function).parameters)


class Primitive:
    """An operation: a forward on arrays and, for each input, a rule for its gradient, found by the input's name.

    Arrays are the positional arguments of `forward`, options its keyword-only ones. A rule names what it wants: `g` (or
    `g_<output>` for each of several outputs), any input, `<input>_shape`, `out` (or an output's name), any option.
    """

    residuals: tuple[str, ...] = ()
    told = False  # is the forward told which inputs need a gradient?

    def __init__(
        self, forward: Callable[..., Any], *, outputs: Sequence[str] = (), elementwise: bool = False,
        floating: bool = False, masks: Sequence[str] = (), view: bool = False,
        refuses: Callable[[set[str]], bool] | None = None,
    ) -> None:  # fmt: skip
        self.forward = forward
        self.run = forward  # what computes on arrays
        self.name = forward.__name__
        parameters = inspect.signature(forward).parameters.values()
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.inputs = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
        self.options = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        self.defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty}
        self.several = bool(outputs)
        self.outputs = tuple(outputs) or ("out",)
        self.cotangents = tuple(f"g_{name}" for name in outputs) or ("g",)
        self.elementwise = elementwise  # broadcasts; a cotangent is summed back to the shape of its input
        self.floating = floating  # integers become the default floating dtype first
        self.masks = frozenset(masks)  # elementwise inputs that take no part in promotion
        self.view = view  # the output may share the memory of the first input
        self.refuses = refuses  # which kinds of numbers, not all floating, an elementwise operation does not take
        self.rules: dict[str, Callable[..., Any]] = {}
        self.plans: dict[tuple[bool, ...], Plan] = {}

    def defvjp(self, **rules: Callable[..., Any]) -> None:
        """Enter rules in the table of derivatives; a name that the operation does not have fails here, at import."""
        known = {*self.cotangents, *self.options, *(f"{x}_shape" for x in self.inputs)}
        if not self.variadic:
            known.update(self.inputs, self.outputs)
        for name, rule in rules.items():
            unknown = set(names_of(rule)) - known if name in self.inputs else {name}
            if unknown:
                raise TypeError(f"the rule of {self.name} for {name} names {sorted(unknown)}; known: {sorted(known)}")
            self.rules[name] = rule

    def ruled(self, needs: tuple[bool, ...]) -> list[Callable[..., Any]]:
        """Return the rules of the inputs that need a gradient."""
        names = [name for name, need in zip(self.inputs, needs, strict=False) if need or self.variadic]
        for name in names:
            if name not in self.rules:
                raise GraphError(f"{self.name} has no derivative with respect to {name}; detach() it if none is meant")
        return [self.rules[name] for name in names]

    def wanted(self, needs: tuple[bool, ...]) -> set[str]:
        """Return the names that those rules ask for."""
        return {name for rule in self.ruled(needs) for name in names_of(rule)}

    def bound(self, needs: tuple[bool, ...], frame: Sequence[str]) -> list[Callable[..., Any]]:
        """Return those rules as functions of the frame."""
        return [bind(rule, frame) for rule in self.ruled(needs)]

    def fetch(self, name: str) -> Callable[[Sequence[Any], dict[str, Any]], Any]:
        """Return how to get an option, or an input's shape, from a call."""
        if name in self.options:
            return lambda arrays, options: options[name]
        if self.variadic:
            return lambda arrays, options: tuple([x.shape for x in arrays])
        position = self.inputs.index(name.removesuffix("_shape"))
        return lambda arrays, options: np.shape(arrays[position])

    def vjp(self, node: Node, cotangents: Sequence[Any], create_graph: bool) -> Iterable[Any]:
        """Return the cotangents of the inputs that need one: run their rules on what the node saved."""
        if self.several:
            cotangents = filled(cotangents, node.shape, create_graph)
        frame = (*cotangents, *(revive(node) if create_graph else node.saved))
        if self.variadic:
            return [dx for dx, need in zip(node.plan.rules[0](frame), node.plan.needs, strict=True) if need]
        return [rule(frame) for rule in node.plan.rules]

    def fitted(self, dx: Any, shape: tuple[int, ...]) -> Any:
        """Return a cotangent in the shape of its input: the one place where broadcasting is undone.

        Only elementwise operations broadcast; from any other a wrong shape means a wrong rule, which must not hide.
        """
        if not self.elementwise:
            raise ShapeError(f"{self.name}: its rule sent a cotangent of shape {dx.shape} to an input of shape {shape}")
        return sum_to(dx, shape=shape)

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()} {self.name}({', '.join(self.inputs)})>"


class Fused(Primitive):
    """An operation with a formula and hand-derived kernels.

    The body is the formula, in differentiable operations. The kernels compute the same value and its first derivative;
    a higher derivative differentiates the formula. The forward kernel returns the outputs, then the named residuals;
    the vjp kernel names what it wants as a rule does (and `needs`), and returns a gradient or None for each input.
    A forward kernel may have `needs` as an option too, to leave residuals only where they will be used.
    """

    kernel_vjp: Callable[..., Any]

    def kernels(self, *, forward: Callable[..., Any], vjp: Callable[..., Any], residuals: Sequence[str] = ()) -> None:
        """Set the kernels behind the formula."""
        self.run, self.kernel_vjp, self.residuals = forward, vjp, tuple(residuals)
        self.told = "needs" in names_of(forward)

    def wanted(self, needs: tuple[bool, ...]) -> set[str]:
        """Return what the kernel asks for and all inputs and options: a second derivative runs the formula again."""
        return {*names_of(self.kernel_vjp), *self.inputs, *self.options} - {"needs"}

    def bound(self, needs: tuple[bool, ...], frame: Sequence[str]) -> list[Callable[..., Any]]:
        """Return the vjp kernel as a function of the frame, with `needs` behind it."""
        return [bind(self.kernel_vjp, (*frame, "needs"))]

    def vjp(self, node: Node, cotangents: Sequence[Any], create_graph: bool) -> Iterable[Any]:
        """Return the gradients by the kernel, or under create_graph by differentiating the formula."""
        if self.several:
            cotangents = filled(cotangents, node.shape, create_graph)
        plan = node.plan
        if not create_graph:
            gradients = plan.rules[0]((*cotangents, *node.saved, plan.needs))
            return [dx for dx, need in zip(gradients, plan.needs, strict=True) if need]
        values = dict(zip(plan.kept, revive(node), strict=True))
        # through identity, so that the walk below stops at this call's inputs, whatever they were computed from
        inputs = [identity(values[x]) if need else values[x] for x, need in zip(self.inputs, plan.needs, strict=True)]
        outputs = self.forward(*inputs, **{name: values[name] for name in self.options})
        wanted = [x for x, need in zip(inputs, plan.needs, strict=True) if need]
        return grad(outputs, wanted, cotangents, create_graph=True, allow_unused=True)


def revive(node: Node) -> list[Any]:
    """Return what a node saved as Tensors in their places in the graph, for a backward that is itself recorded."""
    values = []
    for k, (value, origin) in enumerate(zip(node.saved, node.plan.origins, strict=True)):
        if not isinstance(value, (ndarray, np.generic)):
            values.append(value)
        elif origin is None or value.dtype.kind != "f":
            values.append(wrap(value))
        elif origin < 0:
            values.append(wrap(value, pick(node, ~origin) if node.op.several else node, True))
        else:
            edge = node.edges[origin]
            if isinstance(edge, Variable) and edge.array is not value:
                raise GraphError(
                    f"{node.op.name} saved a leaf for its gradient whose .data was replaced since, so its derivative "
                    "can't be recorded; assign .data after the last backward of the graph"
                )
            values.append(edge if isinstance(edge, Variable) else wrap(value, edge, True))
        if k < len(node.cells) and isinstance(values[-1], Variable):
            values[-1].cell = node.cells[k]
    return values


def filled(cotangents: Sequence[Any], outputs: Any, create_graph: bool) -> list[Any]:
    """Return the cotangents of all outputs, zeros for those that nothing used."""
    zeros = [np.zeros(shape, dtype) if g is None else g for g, (shape, dtype) in zip(cotangents, outputs, strict=True)]
    return [wrap(g) if create_graph and not isinstance(g, Variable) else g for g in zeros]


def pick(call: Node, index: int) -> Pick:
    """Return a node for output `index` of a call that has several."""
    node = new(Pick)
    node.op, node.plan, node.order, node.index = call.op, call.plan, tick(), index
    node.edges, node.saved, node.cells, node.hooks, node.shape = (call,), (), (), None, call.shape[index][0]
    return node


class Quiet(threading.local):
    """Per thread, a context in which NumPy does not warn: an overflow gives inf without a word, as in PyTorch."""

    def __init__(self) -> None:
        context = Context()  # an empty one: a copy would keep the values of the caller's variables alive
        context.run(np.seterr, all="ignore")
        self.run = context.run


quiet = Quiet()


# -- the door: what happens at each call -----------------------------------------------------------------------------

CONSTANT = [0, 0]  # the version cell of what is no Tensor


def door(op: Primitive) -> Callable[..., Any]:
    """Return the function that users call: it computes, and records where a gradient is needed."""

    is_fused = isinstance(op, Fused)

    def call(*inputs: Any, **options: Any) -> Any:
        for x in inputs:
            if isinstance(x, Variable):
                break
        else:
            return plain(op, inputs, options)
        if op.elementwise:
            inputs = promote(op, inputs)
        if op.defaults:
            options = {**op.defaults, **options}
        if is_fused and kernels.mode == "formula":
            return op.forward(*inputs, **options)
        arrays = [x.array if isinstance(x, Variable) else x for x in inputs]
        needs: tuple[bool, ...] = ()
        recording = grad_mode.get()
        if recording:
            needs = tuple([isinstance(x, Variable) and x.needs_grad for x in inputs])
        try:
            if op.told:
                result = quiet.run(op.run, *arrays, **options, needs=needs)
            else:
                result = quiet.run(op.run, *arrays, **options)
        except (ValueError, TypeError, OverflowError) as error:
            raise misfit(op, arrays, error) from None
        if recording:
            for x in inputs:
                if isinstance(x, Variable) and x.base is not None:
                    check_alias(x)
        if op.several or op.residuals:
            outputs = [wrap(array) for array in result[: len(op.outputs)]]
            residuals = result[len(op.outputs) :]
        else:
            outputs, residuals = [wrap(result)], ()
        if op.view:
            share(outputs[0], inputs[0])
        if True in needs and any(out.array.dtype.kind == "f" for out in outputs):
            plan = op.plans.get(needs)
            if plan is None:
                plan = op.plans[needs] = Plan(op, needs)
            saved = (*plan.pick((*arrays, *[out.array for out in outputs])), *residuals)
            if plan.others:
                saved = (*saved, *[fetch(arrays, options) for fetch in plan.others])
            cells = plan.pick([x.cell if isinstance(x, Variable) else CONSTANT for x in (*inputs, *outputs)])
            edges = [edge_of(x) for x, need in zip(inputs, needs, strict=True) if need]
            record(op, plan, edges, saved, cells, outputs)
        watching = observer.get()
        if watching is not None:
            watching.called(op, inputs, outputs, options)
        return tuple(outputs) if op.several else outputs[0]

    return call


def binary_door(op: Primitive) -> Callable[..., Any]:
    """Return the door of an operation on two inputs without options: the same, its loops written out.

    1.5 µs become 1.0 without a gradient, 2.3 become 1.7 with one, and a scalar expression is nothing but these.
    """
    forward, plans, elastic = op.forward, op.plans, not (op.floating or op.refuses)

    def call(input: Any, other: Any) -> Any:
        x = input.array if isinstance(input, Variable) else input
        y = other.array if isinstance(other, Variable) else other
        if x is input and y is other:
            return plain(op, (input, other), {})
        if type(y) is float or type(y) is int:
            fits = x.dtype.kind == "f" or (elastic and type(y) is int and x.dtype.kind == "i")
        elif type(x) is float or type(x) is int:
            fits = y.dtype.kind == "f" or (elastic and type(x) is int and y.dtype.kind == "i")
        else:
            fits = type(x) is type(y) and x.dtype is y.dtype and (elastic or x.dtype.kind == "f")
        if not fits and op.elementwise:
            input, other = promote(op, (input, other))
            x = input.array if isinstance(input, Variable) else input
            y = other.array if isinstance(other, Variable) else other
        try:
            array = quiet.run(forward, x, y)
        except OverflowError:
            array = quiet.run(forward, *around(op, x, y))
        except (ValueError, TypeError) as error:
            raise misfit(op, (x, y), error) from None
        out = wrap(array)
        if grad_mode.get():
            if x is not input and input.base is not None:
                check_alias(input)
            if y is not other and other.base is not None:
                check_alias(other)
            needs = (x is not input and input.needs_grad, y is not other and other.needs_grad)
            if needs != (False, False) and out.array.dtype.kind == "f":
                plan = plans.get(needs)
                if plan is None:
                    plan = plans[needs] = Plan(op, needs)
                cell_x = input.cell if x is not input else CONSTANT
                cell_y = other.cell if y is not other else CONSTANT
                cells = plan.pick((cell_x, cell_y, out.cell))
                if needs == (True, True):
                    edges: Any = (edge_of(input), edge_of(other))
                else:
                    edges = (edge_of(input if needs[0] else other),)
                saved = plan.pick((x, y, out.array))
                if plan.others:
                    saved = (*saved, *[fetch((x, y), {}) for fetch in plan.others])
                record(op, plan, edges, saved, cells, (out,))
        watching = observer.get()
        if watching is not None:
            watching.called(op, (input, other), (out,), {})
        return out

    return call


def unary_door(op: Primitive) -> Callable[..., Any]:
    """Return the door of an operation with one input and one output: the same, its loops written out."""
    forward, plans, defaults, needs = op.forward, op.plans, op.defaults, (True,)
    promotes = op.floating or op.refuses

    def call(input: Any, **options: Any) -> Any:
        if not isinstance(input, Variable):
            return plain(op, (input,), options)
        if promotes and input.array.dtype.kind != "f":
            (input,) = promote(op, (input,))
        if defaults:
            options = {**defaults, **options}
        array = input.array
        try:
            out = wrap(quiet.run(forward, array, **options))
        except (ValueError, TypeError) as error:
            raise misfit(op, (array,), error) from None
        if input.base is not None and grad_mode.get():
            check_alias(input)
        if op.view:
            share(out, input)
        if input.needs_grad and grad_mode.get() and out.array.dtype.kind == "f":
            plan = plans.get(needs)
            if plan is None:
                plan = plans[needs] = Plan(op, needs)
            saved = plan.pick((array, out.array))
            if plan.others:
                saved = (*saved, *[fetch((array,), options) for fetch in plan.others])
            record(op, plan, (edge_of(input),), saved, plan.pick((input.cell, out.cell)), (out,))
        watching = observer.get()
        if watching is not None:
            watching.called(op, (input,), (out,), options)
        return out

    return call


def record(op: Primitive, plan: Plan, edges: Any, saved: Any, cells: Any, outputs: Sequence[Any]) -> None:
    """Leave a node for a call and give its outputs their places in the graph."""
    node = new(Node)
    node.op, node.plan, node.order, node.edges = op, plan, tick(), edges
    node.saved, node.cells, node.hooks = saved, cells, None
    if not op.several:
        (out,) = outputs
        node.shape = out.array.shape
        out.node, out.needs_grad = node, True
        return
    node.shape = [(out.array.shape, out.array.dtype) for out in outputs]
    for index, out in enumerate(outputs):
        if out.array.dtype.kind == "f":
            out.node, out.needs_grad = pick(node, index), True


def share(view: Any, base: Any) -> None:
    """Note that `view` may be an alias of `base`: then both see each other's in-place changes."""
    if not isinstance(base, Variable):
        return
    memory = view.array.base
    if view.array is base.array or (memory is not None and (memory is base.array or memory is base.array.base)):
        view.cell = base.cell
        if not base.cell[1] or (base.needs_grad and grad_mode.get()):
            view.base = base if base.base is None else base.base


def plain(op: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    """Compute on plain arrays and numbers, with a plain answer; numbers alone give a Python number."""
    if kernels.mode == "formula" and isinstance(op, Fused):
        return op.forward(*inputs, **options)
    check_inputs(op, inputs)
    result = op.run(*inputs, **({**op.defaults, **options} if op.defaults else options))
    if op.residuals:
        result = result[: len(op.outputs)] if op.several else result[0]
    if isinstance(result, np.generic) and not any(isinstance(x, (ndarray, np.generic)) for x in inputs):
        return result.item()
    return result


def promote(op: Primitive, inputs: Sequence[Any]) -> tuple[Any, ...]:
    """Bring the inputs of an elementwise operation to their common dtype, as PyTorch does."""
    check_inputs(op, inputs)
    names = op.inputs if len(inputs) == len(op.inputs) else inputs
    mixed = [x for x, name in zip(inputs, names, strict=True) if name not in op.masks]
    arrays = [x.array if isinstance(x, Variable) else x for x in mixed]
    try:
        dtype = dtypes.of_values(arrays)
    except DTypeError as error:
        raise DTypeError(f"{op.name}: {error}") from None
    if op.refuses and op.refuses({np.asarray(x).dtype.kind for x in arrays}):
        kinds = " and ".join(str(np.asarray(x).dtype) for x in arrays)
        raise DTypeError(f"{op.name} does not work on {kinds}; convert first, as in x.float()")
    if op.floating and dtype.kind != "f":
        dtype = dtypes.get_default_dtype()
    return tuple([x if name in op.masks else cast_to(x, dtype) for x, name in zip(inputs, names, strict=True)])


def cast_to(x: Any, dtype: np.dtype[Any]) -> Any:
    """Return a Tensor or an array in this dtype; a Python number adapts by itself."""
    if isinstance(x, Variable):
        return x if x.array.dtype == dtype else cast(x, dtype=dtype, source=x.array.dtype)
    return np.asarray(x, dtype) if isinstance(x, (ndarray, np.generic)) else x


class Operation(Protocol):
    """What `primitive` and `fused` make: a function, with its record and its line in the table of derivatives."""

    __name__: str
    op: Any
    defvjp: Callable[..., None]
    kernels: Callable[..., None]

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Compute, and record where a gradient is needed."""


def primitive(forward: Callable[..., Any] | None = None, **declared: Any) -> Operation:
    """Make a primitive operation of a forward on arrays.

    The result is a plain function, so it binds as a method as any function does; its Primitive is at `.op`.

    >>> import minidl
    >>> @minidl.operation.primitive
    ... def cube(x):
    ...     return x**3
    >>> cube.defvjp(x=lambda g, x: 3.0 * g * x**2)
    >>> x = minidl.tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    tensor(12.)
    """
    return made(Primitive, forward, declared)


def elementwise(forward: Callable[..., Any] | None = None, **declared: Any) -> Operation:
    """Make a primitive that works element by element: it broadcasts and promotes its inputs."""
    return made(Primitive, forward, {"elementwise": True, **declared})


def fused(forward: Callable[..., Any] | None = None, **declared: Any) -> Operation:
    """Make a fused operation: the body is the formula; `.kernels(...)` sets what computes it fast."""
    return made(Fused, forward, declared)


def made(kind: type[Primitive], forward: Callable[..., Any] | None, declared: dict[str, Any]) -> Any:
    """Return the door of a new operation, with what one may ask of it."""
    if forward is None:
        return lambda forward: made(kind, forward, declared)
    op = kind(forward, **declared)
    opener = door
    if kind is Primitive and not op.several and not op.variadic:
        if len(op.inputs) == 1:
            opener = unary_door
        elif len(op.inputs) == 2 and not op.options:
            opener = binary_door
    call: Any = wraps(forward)(opener(op))
    call.op = op
    call.defvjp = op.defvjp
    if isinstance(op, Fused):
        call.kernels = op.kernels
    return call


# -- the four operations that the engine itself needs ----------------------------------------------------------------


@primitive(view=True)
def identity(x: Any) -> Any:
    """y = x."""
    return x


@primitive
def cast(x: Any, *, dtype: Any, source: Any) -> Any:
    """y = x in another element type; `source` is the type of x."""
    return x.astype(dtype)


@primitive
def sum_to(x: Any, *, shape: tuple[int, ...]) -> Any:
    """y = x summed down to `shape`: the adjoint of broadcasting to x's shape."""
    if not shape:
        return x.sum()
    lead = x.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(lead + k for k, n in enumerate(shape) if n == 1 and x.shape[lead + k] != 1)
    return x.sum(axis=axes, keepdims=True).reshape(shape)


@primitive(view=True)
def broadcast_to(x: Any, *, shape: tuple[int, ...]) -> Any:
    """y = x repeated along new dimensions and those of size 1, without a copy."""
    if x.shape == ():  # ten times faster than NumPy's general way
        return (
            ndarray(shape, x.dtype, np.asarray(x), 0, (0,) * len(shape)) if 0 not in shape else np.empty(shape, x.dtype)
        )
    return np.broadcast_to(x, shape)


identity.defvjp(x=lambda g: g)
cast.defvjp(x=lambda g, dtype, source: cast(g, dtype=source, source=dtype))
sum_to.defvjp(x=lambda g, x_shape: broadcast_to(g, shape=x_shape))
broadcast_to.defvjp(x=lambda g, x_shape: sum_to(g, shape=x_shape))
