"""Layers that put values around a sequence or an image."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError
from ..tensor import Tensor
from . import functional as F
from .checks import whole
from .module import Module


class Pad(Module):
    """What the padding layers have in common: how many values stand at each end. A subclass says what they are."""

    dims: int
    mode = "constant"
    value = 0.0

    def __init__(self, padding: Any) -> None:
        super().__init__()
        ends = 2 * self.dims
        self.padding = tuple(padding) if isinstance(padding, (tuple, list)) else (whole("padding", padding, 0),) * ends
        if len(self.padding) != ends:
            raise ArgumentError(f"padding must be one number or {ends}, one for each end, got {padding!r}")

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with values around it."""
        return F.pad(input, self.padding, self.mode, self.value if self.mode == "constant" else None)

    def extra_repr(self) -> str:
        """Return the numbers of values at the ends."""
        return f"{self.padding}"


class ConstantPad(Pad):
    """What the layers that pad with a number of the user's have in common."""

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        """Return the numbers of values at the ends, and the value."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(ConstantPad):
    """`value` before and after a sequence: x (N, C, L) -> y (N, C, left + L + right), `padding` a pair or an int.

    >>> import minidl
    >>> minidl.nn.ConstantPad1d((1, 2), 9.0)(minidl.tensor([[1.0]])).tolist()
    [[9.0, 1.0, 9.0, 9.0]]
    """

    dims = 1


class ConstantPad2d(ConstantPad):
    """`value` around an image: x (N, C, H, W), `padding` (left, right, top, bottom) or one int for all four.

    >>> import minidl
    >>> minidl.nn.ConstantPad2d((1, 0, 0, 1), 9.0)(minidl.tensor([[[1.0]]])).tolist()
    [[[9.0, 1.0], [9.0, 9.0]]]
    """

    dims = 2


class ZeroPad1d(Pad):
    """Zeros before and after a sequence; `padding` as in ConstantPad1d.

    >>> import minidl
    >>> minidl.nn.ZeroPad1d(1)(minidl.ones(1, 1)).tolist()
    [[0.0, 1.0, 0.0]]
    """

    dims = 1


class ZeroPad2d(Pad):
    """Zeros around an image; `padding` as in ConstantPad2d.

    >>> import minidl
    >>> minidl.nn.ZeroPad2d(1)(minidl.ones(1, 1, 1)).tolist()
    [[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]
    """

    dims = 2


class ReflectionPad1d(Pad):
    """The sequence mirrored at its ends, which stand once; `padding` as in ConstantPad1d.

    >>> import minidl
    >>> minidl.nn.ReflectionPad1d(2)(minidl.tensor([[1.0, 2.0, 3.0]])).tolist()
    [[3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]]
    """

    dims = 1
    mode = "reflect"


class ReflectionPad2d(Pad):
    """The image mirrored at its edges, which stand once; `padding` as in ConstantPad2d.

    >>> import minidl
    >>> minidl.nn.ReflectionPad2d((1, 0, 1, 0))(minidl.tensor([[[1.0, 2.0], [3.0, 4.0]]])).tolist()
    [[[4.0, 3.0, 4.0], [2.0, 1.0, 2.0], [4.0, 3.0, 4.0]]]
    """

    dims = 2
    mode = "reflect"


class ReplicationPad1d(Pad):
    """The first and the last value of a sequence repeated; `padding` as in ConstantPad1d.

    >>> import minidl
    >>> minidl.nn.ReplicationPad1d(1)(minidl.tensor([[1.0, 2.0]])).tolist()
    [[1.0, 1.0, 2.0, 2.0]]
    """

    dims = 1
    mode = "replicate"


class ReplicationPad2d(Pad):
    """The edges of an image repeated; `padding` as in ConstantPad2d.

    >>> import minidl
    >>> minidl.nn.ReplicationPad2d((1, 0, 0, 0))(minidl.tensor([[[1.0, 2.0]]])).tolist()
    [[[1.0, 1.0, 2.0]]]
    """

    dims = 2
    mode = "replicate"


class CircularPad1d(Pad):
    """The sequence going on at its other end; `padding` as in ConstantPad1d.

    >>> import minidl
    >>> minidl.nn.CircularPad1d(1)(minidl.tensor([[1.0, 2.0, 3.0]])).tolist()
    [[3.0, 1.0, 2.0, 3.0, 1.0]]
    """

    dims = 1
    mode = "circular"


class CircularPad2d(Pad):
    """The image going on at its other side; `padding` as in ConstantPad2d.

    >>> import minidl
    >>> minidl.nn.CircularPad2d((1, 0, 0, 0))(minidl.tensor([[[1.0, 2.0]]])).tolist()
    [[[2.0, 1.0, 2.0]]]
    """

    dims = 2
    mode = "circular"
