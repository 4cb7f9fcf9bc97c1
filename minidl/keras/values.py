"""Values as Keras has them: variables that are assigned to, and results whose gradient only a GradientTape takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

import minidl

from .. import nn
from ..errors import ArgumentTypeError, ShapeError, StateError

Array = np.ndarray[Any, Any]


class Result(minidl.Tensor):
    """A tensor that a Keras layer or loss has returned.

    It is an ordinary tensor, but `numpy()` needs no detach(), and backward() is refused: in Keras gradients come from
    a GradientTape or from fit.
    """

    __slots__ = ()

    def numpy(self, *, force: Any = False) -> Array:
        """Return the values."""
        return self.detach().numpy(force=force)

    def backward(self, *_: Any, **__: Any) -> NoReturn:
        """Say how gradients are taken in Keras."""
        raise StateError(
            "backward() is PyTorch's; in Keras write `with tf.GradientTape() as tape:` around the forward pass, then "
            "`gradients = tape.gradient(loss, model.trainable_variables)`"
        )


def as_result(value: Any) -> Any:
    """Return what a layer gave with each fresh tensor as a Result."""
    if type(value) is minidl.Tensor and value.grad_fn is not None:
        value.__class__ = Result  # the same object, so the graph knows it as before
    elif isinstance(value, (list, tuple)):
        return type(value)(as_result(item) for item in value)
    return value


class Variable(nn.Parameter):
    """A tensor that is trained, and that can be assigned to.

    >>> from minidl import tf
    >>> w = tf.Variable([1.0, 2.0])
    >>> w.assign([3.0, 4.0]).numpy()
    array([3., 4.], dtype=float32)
    """

    name = "variable"

    def numpy(self, *, force: Any = False) -> Array:
        """Return a copy of the values."""
        return self.detach().numpy(force=force).copy()

    def assign(self, value: Any) -> Variable:
        """Take other values of the same shape."""
        array = np.asarray(value.detach() if isinstance(value, minidl.Tensor) else value)
        if array.shape != self.shape:
            raise ShapeError(f"assign: the variable {self.name} has shape {self.shape}, got values of {array.shape}")
        with minidl.no_grad():
            self.copy_(minidl.tensor(array).to(self.dtype))
        return self

    def assign_add(self, value: Any) -> Variable:
        """Add to the values."""
        return self.assign(self.detach() + minidl.as_tensor(value))

    def assign_sub(self, value: Any) -> Variable:
        """Subtract from the values."""
        return self.assign(self.detach() - minidl.as_tensor(value))


def as_tensor(value: Any) -> Any:
    """Return an array or numbers as a tensor; float64 becomes the default dtype, as in Keras."""
    if isinstance(value, minidl.Tensor):
        return value
    array = np.asarray(value)
    if array.dtype == object or array.dtype.kind in "USM":
        raise ArgumentTypeError(f"inputs: got {type(value).__name__} of {array.dtype}, expected numbers")
    if array.dtype == np.float64:
        array = array.astype(np.dtype(str(minidl.get_default_dtype()).split(".")[-1]))
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)
    return minidl.as_tensor(array)


def as_tensors(value: Any) -> Any:
    """Return arrays as tensors; a dict or list of arrays stays one, a list of numbers is one array."""
    if isinstance(value, minidl.Tensor) or value is None:
        return value
    if isinstance(value, dict):
        return {name: as_tensors(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)) and value and all(getattr(item, "ndim", 0) > 0 for item in value):
        return [as_tensors(item) for item in value]
    return as_tensor(value)


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a function to every leaf of lists, tuples and dicts."""
    if isinstance(value, dict):
        return {name: mapped(function, item) for name, item in value.items()}
    if isinstance(value, tuple):
        return tuple(mapped(function, item) for item in value)
    if isinstance(value, list):
        return [mapped(function, item) for item in value]
    return function(value)


def leaves(value: Any) -> list[Any]:
    """Return the leaves of lists, tuples and dicts, in order."""
    found: list[Any] = []
    mapped(found.append, value)
    return found
