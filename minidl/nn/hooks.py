"""Hooks: functions that a module calls around its forward and backward."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from minidl import autograd
from minidl.errors import ArgumentTypeError, GraphError
from minidl.tensor import Tensor

if TYPE_CHECKING:
    from minidl.nn.module import Module

numbers = itertools.count()


class Hook(NamedTuple):
    """A function and when to call it: forward_pre, forward, backward_pre or backward."""

    when: str
    function: Callable[..., Any]
    with_kwargs: bool


class RemovableHandle:
    """What registering a hook answers; `remove()`, or leaving a `with` block, takes the hook away.

    >>> import minidl
    >>> layer = minidl.nn.ReLU()
    >>> with layer.register_forward_hook(lambda module, args, output: output + 1):
    ...     layer(minidl.zeros(2)).tolist()
    [1.0, 1.0]
    >>> layer(minidl.zeros(2)).tolist()
    [0.0, 0.0]
    """

    def __init__(self, hooks: OrderedDict[int, Hook], number: int) -> None:
        self.hooks, self.number = hooks, number

    def remove(self) -> None:
        """Take the hook away; doing so twice is harmless."""
        self.hooks.pop(self.number, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def register(
    module: Module, when: str, function: Callable[..., Any], prepend: bool, with_kwargs: bool = False
) -> RemovableHandle:
    """Add a hook to a module."""
    if not callable(function):
        raise ArgumentTypeError(f"a {when} hook must be a function, got {type(function).__name__}")
    number = next(numbers)
    module._hooks[number] = Hook(when, function, with_kwargs)
    if prepend:
        module._hooks.move_to_end(number, last=False)
    return RemovableHandle(module._hooks, number)


def call(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a module's forward with its hooks around it."""
    hooks = list(module._hooks.values())
    for hook in hooks:
        if hook.when == "forward_pre":
            args, kwargs = before(hook, module, args, kwargs)
    gates = Gates(module, hooks, len(args)) if any(hook.when.startswith("backward") for hook in hooks) else None
    if gates:
        args = gates.around(args, gates.inputs_done)
        gates.at_inputs = any(isinstance(x, Tensor) and x.requires_grad for x in args)
    output = module.forward(*args, **kwargs)
    for hook in hooks:
        if hook.when == "forward":
            given = (args, kwargs, output) if hook.with_kwargs else (args, output)
            changed = hook.function(module, *given)
            output = output if changed is None else changed
    if gates:
        several = isinstance(output, tuple)
        outputs = gates.around(output if several else (output,), gates.outputs_reached)
        output = outputs if several else outputs[0]
    return output
