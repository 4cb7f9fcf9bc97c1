"""Hooks: functions that a module calls around its forward and backward."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ArgumentTypeError, GraphError
from ..function import Function
from ..tensor import HookHandle, Tensor

if TYPE_CHECKING:
    from .module import Module


class Hook(NamedTuple):
    """A function and when to call it: forward_pre, forward, backward_pre or backward."""

    when: str
    function: Callable[..., Any]
    with_kwargs: bool


def register(
    module: Module, when: str, function: Callable[..., Any], prepend: bool, with_kwargs: bool = False
) -> HookHandle:
    """Add a hook to a module."""
    if not callable(function):
        raise ArgumentTypeError(f"a {when} hook must be a function, got {type(function).__name__}")
    hook: Any = Hook(when, function, with_kwargs)
    handle = HookHandle(module._hooks, hook)
    if prepend:
        module._hooks.move_to_end(handle.id, last=False)
    return handle


def call(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a module's forward with its hooks around it."""
    hooks = list(module._hooks.values())
    for hook in hooks:
        if hook.when == "forward_pre":
            args, kwargs = replaced_arguments(hook, module, args, kwargs)
    backward = Backward(module, hooks) if any(hook.when.startswith("backward") for hook in hooks) else None
    if backward:
        args = backward.gate_inputs(args)
    output = module.forward(*args, **kwargs)
    for hook in hooks:
        if hook.when == "forward":
            given = (args, kwargs, output) if hook.with_kwargs else (args, output)
            answer = hook.function(module, *given)
            output = output if answer is None else answer
    return backward.gate_outputs(output) if backward else output


def replaced_arguments(hook: Hook, module: Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Return a call's arguments after a forward pre-hook."""
    answer = hook.function(module, args, kwargs) if hook.with_kwargs else hook.function(module, args)
    if answer is None:
        return args, kwargs
    if not hook.with_kwargs:
        return answer if isinstance(answer, tuple) else (answer,), kwargs
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise ArgumentTypeError(
            f"a forward pre-hook with_kwargs must return None or (args, kwargs), got {type(answer).__name__}"
        )
    return answer


class Gate(Function):
    """y = x for several Tensors at once; on the way back `seen` is shown their gradients and may replace them."""

    @staticmethod
    def forward(ctx: Any, seen: Callable[[Any], Any], *tensors: Tensor) -> Any:
        """Pass the tensors on."""
        ctx.seen = seen
        return tuple(tensor.view_as(tensor) for tensor in tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        """Pass on what `seen` makes of the gradients."""
        return None, *ctx.seen(gradients)


def gated(values: Any, seen: Callable[[Any], Any]) -> Any:
    """Return a tuple whose Tensors that need a gradient have gone through one Gate; `seen` gets an entry per value."""
    at = [k for k, value in enumerate(values) if isinstance(value, Tensor) and value.requires_grad]
    if not at:
        return values

    def spread(gradients: Any) -> Any:
        entries = [None] * len(values)
        for k, gradient in zip(at, gradients, strict=True):
            entries[k] = gradient
        entries = seen(tuple(entries))
        return [entries[k] for k in at]

    passed = list(values)
    for k, tensor in zip(at, Gate.apply(spread, *[values[k] for k in at]), strict=True):
        passed[k] = tensor
    return tuple(passed) if type(values) is tuple else type(values)(*passed)


class Backward:
    """The backward hooks of one call, between a gate at its inputs and one at its outputs.

    The outputs' gate is reached first and keeps their gradients; at the inputs' gate all contributions have been
    summed, and the hooks see both.
    """

    def __init__(self, module: Module, hooks: Iterable[Hook]) -> None:
        self.module = module
        self.before = [hook.function for hook in hooks if hook.when == "backward_pre"]
        self.after = [hook.function for hook in hooks if hook.when == "backward"]
        self.grad_output: Any = None

    def gate_inputs(self, args: tuple[Any, ...]) -> Any:
        """Return the arguments behind their gate."""
        self.n_inputs = len(args)
        passed = gated(args, self.inputs_reached)
        self.no_gate = passed is args
        return passed

    def gate_outputs(self, output: Any) -> Any:
        """Return the output, a Tensor or a tuple with some, behind its gate."""
        if isinstance(output, Tensor):
            return gated((output,), self.outputs_reached)[0]
        if isinstance(output, tuple):
            return gated(output, self.outputs_reached)
        warnings.warn(
            f"the backward hooks of {type(self.module).__name__} will not run: they need an output that is a Tensor or "
            f"a tuple of Tensors, got {type(output).__name__}",
            stacklevel=4,
        )
        return output

    def outputs_reached(self, grad_output: Any) -> Any:
        """Run the pre-hooks; without a gate at the inputs, this is also the moment for the others."""
        for function in self.before:
            grad_output = replaced(function(self.module, grad_output), grad_output, "grad_output")
        self.grad_output = grad_output
        if self.no_gate:
            self.inputs_reached((None,) * self.n_inputs)
        return grad_output

    def inputs_reached(self, grad_input: Any) -> Any:
        """Run the hooks, unless the gradient came here round the outputs."""
        if self.grad_output is not None:
            for function in self.after:
                grad_input = replaced(function(self.module, grad_input, self.grad_output), grad_input, "grad_input")
            self.grad_output = None
        return grad_input


def replaced(answer: Any, gradients: Any, name: str) -> Any:
    """Return the gradients that a backward hook answered, or the old ones if it answered None."""
    if answer is None:
        return gradients
    answer = answer if isinstance(answer, tuple) else (answer,)
    if len(answer) != len(gradients):
        raise GraphError(
            f"a backward hook must return None or a new {name}: expected {len(gradients)} entries, got {len(answer)}"
        )
    return answer
