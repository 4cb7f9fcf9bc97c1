"""Parameter: a Tensor that a module trains."""

from __future__ import annotations

from ..tensor import Tensor


class Parameter(Tensor):
    """A Tensor that, assigned to an attribute of a Module, becomes one of its parameters.

    `data` is a Tensor, an array or nested lists; the parameter shares its memory and is a leaf of its own. An integer
    one needs `requires_grad=False`.

    >>> import minidl
    >>> w = minidl.nn.Parameter(minidl.zeros(2))
    >>> w
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    >>> w.is_leaf
    True
    """
