"""What operators share: attributes, and values as arrays where no gradient flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import minidl

Array = np.ndarray[Any, Any]
Operator = Callable[..., Any]


class Attributes:
    """The attributes of a node by name, and the version of ONNX's operators that it is written in."""

    def __init__(self, given: Mapping[str, Any], version: int, outputs: int = 1) -> None:
        self.given, self.version, self.outputs = given, version, outputs

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute."""
        return self.given.get(name, default)


def array(x: Any) -> Array:
    """Return the values of a Tensor."""
    return np.asarray(x.detach())


def tensor(values: Any) -> Any:
    """Return an array as a Tensor that shares its memory."""
    return minidl.from_numpy(np.asarray(values))


def numbers(x: Any) -> list[Any]:
    """Return the numbers in a Tensor, such as a shape or axes."""
    values: list[Any] = array(x).reshape(-1).tolist()
    return values


def axes_of(attributes: Attributes, given: Any, since: int) -> list[int] | None:
    """Return axes, which are an attribute before a version and an input since; None where there are none."""
    if attributes.version < since:
        axes = attributes.get("axes")
        return None if axes is None else list(axes)
    return None if given is None else numbers(given)


def is_float(x: Any) -> bool:
    """Return whether gradients can flow through it."""
    return array(x).dtype.kind == "f"
