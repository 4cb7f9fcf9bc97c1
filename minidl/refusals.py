"""What an operation refuses, in the user's words: inputs that are no numbers, shapes and types that do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from .autograd import Variable
from .errors import ArgumentError, DTypeError, MinidlError, ShapeError

if TYPE_CHECKING:
    from .operation import Primitive


def check_inputs(op: Primitive, inputs: Sequence[Any]) -> None:
    """Refuse what an elementwise operation can't compute with, by the name of the argument."""
    if op.elementwise:
        for k, x in enumerate(inputs):
            if type(x) is not ndarray and not isinstance(x, (Variable, float, int, np.generic, ndarray)):
                name = op.inputs[k] if len(op.inputs) > 2 else ("input", "other")[k]
                got = type(x).__name__
                raise DTypeError(f"{op.name}: {name}: got {got}, expected a Tensor, an array or a number")


def around(op: Primitive, x: Any, y: Any) -> list[Any]:
    """Return both inputs with a Python int in the type of the other, which is too small for it: modulo its size."""
    dtype = x.dtype if isinstance(x, ndarray) else y.dtype
    numbers = [value for value in (x, y) if type(value) is int]
    if dtype.kind == "f" or not all(-(2**63) <= value < 2**63 for value in numbers):
        raise ArgumentError(f"{op.name}: got {numbers[0]}, which is too large for {dtype}")
    return [np.asarray(value, np.int64).astype(dtype) if type(value) is int else value for value in (x, y)]


def misfit(op: Primitive, arrays: Sequence[Any], error: Exception) -> Exception:
    """Return the error for shapes or types that NumPy refused, in the user's words; other errors stay as they are."""
    shapes = [np.shape(x) for x in arrays if x is not None]
    told = " and ".join(str(shape) for shape in shapes)
    if isinstance(error, MinidlError):
        return error
    if isinstance(error, OverflowError):
        return ArgumentError(f"{op.name}: {error}")
    if isinstance(error, TypeError):
        kinds = " and ".join(str(np.asarray(x).dtype) for x in arrays)
        return DTypeError(f"{op.name} does not work on {kinds}: {error}") if op.elementwise else error
    if op.elementwise:
        try:
            np.broadcast_shapes(*shapes)
        except ValueError:
            return ShapeError(
                f"{op.name}: shapes {told} do not broadcast; from the right, sizes must be equal or one of them 1"
            )
        return ArgumentError(f"{op.name}: {error}")
    return ShapeError(f"{op.name}: shapes {told} do not fit: {error}")
