"""Parameter: a Tensor that a module trains; Buffer: one that belongs to it and is not trained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import minidl

from ..tensor import Tensor


class Parameter(Tensor):
    """A Tensor that, assigned to an attribute of a Module, becomes one of its parameters.

    `data` is a Tensor or an array, whose memory is shared, or numbers; the parameter is a leaf whatever `data` was
    computed from. Integers need `requires_grad=False`.

    >>> import minidl
    >>> w = minidl.nn.Parameter(minidl.zeros(2))
    >>> w
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        """Make a parameter around the values of `data`."""
        source = minidl.as_tensor([] if data is None else data)
        param = cls.holding(source.array)
        param.cell = source.cell  # a change in place through one is seen through the other
        return param.requires_grad_(requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Copy the values and not the gradient."""
        if id(self) not in memo:
            memo[id(self)] = type(self).holding(self.array.copy(), self.requires_grad)
        return memo[id(self)]

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


def clear_gradients(parameters: Iterable[Tensor], set_to_none: bool) -> None:
    """Forget gradients, or fill them with zeros in place."""
    for param in parameters:
        if set_to_none:
            param.grad = None
        elif param.grad is not None:
            if param.grad.requires_grad:  # after a backward with create_graph
                param.grad = param.grad.detach()
            param.grad.zero_()


class Buffer(Tensor):
    """A Tensor that, assigned to an attribute of a Module, becomes one of its buffers, in the state_dict if persistent.

    `data` is a Tensor or an array, whose memory is shared, or numbers.

    >>> import minidl
    >>> module = minidl.nn.Module()
    >>> module.mean = minidl.nn.Buffer(minidl.zeros(2))
    >>> list(module.state_dict())
    ['mean']
    """

    persistent = True

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        """Make a buffer around the values of `data`."""
        source = minidl.as_tensor([] if data is None else data)
        buffer = cls.holding(source.array)
        buffer.cell = source.cell
        buffer.persistent = persistent
        return buffer.requires_grad_(source.requires_grad)
