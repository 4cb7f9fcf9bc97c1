"""autograd.Function: an operation whose forward and derivative the user writes."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import autograd
from .autograd import Node, Variable, edge_of, grad_mode, no_grad, wrap
from .errors import DTypeError, GraphError
from .operation import CONSTANT, Primitive, cast_to, filled, record, revive


class Context:
    """What forward leaves for backward: `ctx` in both. Attributes of any name may be set on it."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.to_save: tuple[Any, ...] = ()
        self.nondifferentiable: tuple[Any, ...] = ()
        self.materialize = True
        self.node: Any = None  # a weak reference: the node holds the context

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep inputs and outputs for backward; they are watched for in-place changes."""
        self.to_save = tensors

    def mark_non_differentiable(self, *outputs: Any) -> None:
        """Name outputs that have no gradient."""
        self.nondifferentiable = outputs

    def set_materialize_grads(self, value: bool) -> None:
        """Choose whether backward gets zeros (the default) or None for an output that nothing used."""
        self.materialize = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What save_for_backward kept."""
        if self.node is None:
            return self.to_save
        node = self.node()
        if node.saved is None:
            raise GraphError("saved_tensors: freed by an earlier backward; pass retain_graph=True to it")
        return tuple(revive(node))


class Kept(NamedTuple):
    """What a call kept for backward, as a Plan says it of a primitive's."""

    needs: tuple[bool, ...]
    kept: list[str]
    origins: list[int | None]


class Custom(Primitive):
    """The Primitive behind one call of a Function: its rule is the user's backward."""

    def __init__(
        self, function: type[Function], context: Context, inputs: Sequence[Any], outputs: int, several: bool
    ) -> None:
        self.function, self.context, self.name = function, context, function.__name__
        self.forward = function.forward
        self.inputs = tuple(f"x{k}" for k in range(len(inputs)))
        # for each input the dtype of its gradient, None where it needs none
        needs = context.needs_input_grad
        self.dtypes = [x.array.dtype if need else None for x, need in zip(inputs, needs, strict=True)]
        self.outputs = tuple(f"y{k}" for k in range(outputs))
        self.options, self.several, self.elementwise, self.view = (), several, False, False

    def vjp(self, node: Node, cotangents: Sequence[Any], create_graph: bool) -> list[Any]:
        """Call the user's backward with Tensors; return its answers for the inputs that need a gradient."""
        ctx = self.context
        if self.several and ctx.materialize:
            cotangents = filled(cotangents, node.shape, create_graph)
        answers = self.function.backward(
            ctx, *[wrap(g) if isinstance(g, np.ndarray | np.generic) else g for g in cotangents]
        )
        answers = answers if isinstance(answers, tuple) else (answers,)
        needs = ctx.needs_input_grad
        if len(answers) < len(needs) or any(answer is not None for answer in answers[len(needs) :]):
            raise GraphError(
                f"{self.name}.backward returned {len(answers)} gradients for the {len(needs)} inputs of forward; "
                "return one for each, None where there is none"
            )
        wanted = []
        for answer, dtype in zip(answers, self.dtypes, strict=False):
            if answer is not None and not isinstance(answer, Variable):
                raise DTypeError(f"{self.name}.backward returned {type(answer).__name__}, expected Tensors or None")
            if dtype is not None:
                answer = answer if answer is None else cast_to(answer, dtype)
                wanted.append(answer if answer is None or create_graph else answer.array)
        return wanted


class Function:
    """A user's own operation: static methods forward(ctx, *inputs) and backward(ctx, *gradients), called by apply().

    backward returns a gradient, or None, for each input of forward. It is itself recorded under create_graph=True, so
    written with differentiable operations it gives higher derivatives. setup_context(ctx, inputs, output) may be split
    off, and forward then takes no ctx.

    >>> import minidl
    >>> class Cube(minidl.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return 3 * g * x**2
    >>> x = minidl.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs from the inputs; nothing in here is recorded."""
        raise NotImplementedError("a Function needs a static method forward(ctx, *inputs)")

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Return the gradients of the inputs from those of the outputs."""
        raise NotImplementedError("a Function needs a static method backward(ctx, *gradients) to be differentiated")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Save what backward needs, where forward takes no ctx."""

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Run forward on the inputs, and record it if one of them needs a gradient."""
        recording = grad_mode.get()
        needs = tuple(recording and isinstance(x, Variable) and x.needs_grad for x in inputs)
        ctx = Context(needs)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                result = cls.forward(ctx, *inputs)
            else:
                result = cls.forward(*inputs)
                cls.setup_context(ctx, inputs, result)
        several = isinstance(result, tuple)
        given = result if several else (result,)
        for out in given:
            if not isinstance(out, Variable):
                raise DTypeError(f"{cls.__name__}.forward returned {type(out).__name__}, expected Tensors")
        outputs = [alias(out) if position(out, inputs) is not None else out for out in given]
        op = Custom(cls, ctx, inputs, len(outputs), several)
        if any(needs):
            remember(ctx, op, inputs, given, outputs)
        watching = autograd.observer.get()
        if watching is not None:
            watching.called(op, inputs, outputs, {})
        return tuple(outputs) if several else outputs[0]


def position(value: Any, values: Sequence[Any]) -> int | None:
    """Return where an object stands in a sequence."""
    return next((k for k, other in enumerate(values) if other is value), None)


def alias(tensor: Any) -> Any:
    """Return another Tensor around the same memory: an input that forward returned is an output of its own."""
    twin = wrap(tensor.array)
    twin.cell, twin.base = tensor.cell, tensor
    return twin


def remember(ctx: Context, op: Custom, inputs: Sequence[Any], given: Sequence[Any], outputs: Sequence[Any]) -> None:
    """Leave a node for the call. It holds arrays, not its own outputs, so that no cycle arises."""
    needing = [x for x, need in zip(inputs, ctx.needs_input_grad, strict=True) if need]
    origins: list[int | None] = []
    for value in ctx.to_save:
        edge, output = position(value, needing), position(value, given)
        origins.append(edge if edge is not None else None if output is None else ~output)
    plan: Any = Kept(ctx.needs_input_grad, [f"saved tensor {k}" for k in range(len(origins))], origins)
    saved = tuple(value.array if isinstance(value, Variable) else value for value in ctx.to_save)
    cells = tuple(value.cell if isinstance(value, Variable) else CONSTANT for value in ctx.to_save)
    record(op, plan, [edge_of(x) for x in needing], saved, cells, outputs)
    places = [out.node for out in outputs if out.node is not None]
    for original, out in zip(given, outputs, strict=True):
        if position(original, ctx.nondifferentiable) is not None or out.array.dtype.kind != "f":
            out.node, out.needs_grad = None, False
    if places:
        ctx.node, ctx.to_save = weakref.ref(places[0].edges[0] if op.several else places[0]), ()
