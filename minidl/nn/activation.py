"""Activations: the f in y = f(xW + b). They work element by element, except for the softmaxes."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import functional as F
from .checks import one_of
from .module import Module


class ReLU(Module):
    """y = max(x, 0).

    `inplace` overwrites x, if nothing else needs its values.

    >>> import minidl
    >>> minidl.nn.ReLU()(minidl.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return max(input, 0)."""
        return F.relu(input, inplace=self.inplace)

    def extra_repr(self) -> str:
        """Return `inplace` where it is set."""
        return "inplace=True" if self.inplace else ""


class Tanh(Module):
    """y = tanh(x), from -1 to 1.

    >>> import minidl
    >>> minidl.nn.Tanh()(minidl.zeros(2)).tolist()
    [0.0, 0.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return tanh(input)."""
        return F.tanh(input)


class Sigmoid(Module):
    """y = 1/(1 + exp(-x)), from 0 to 1.

    >>> import minidl
    >>> minidl.nn.Sigmoid()(minidl.zeros(2)).tolist()
    [0.5, 0.5]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return 1/(1 + exp(-input))."""
        return F.sigmoid(input)


class GELU(Module):
    """y = x·Φ(x), with Φ the distribution function of the standard normal (Hendrycks & Gimpel 2016, eq. 1).

    `approximate="tanh"` takes y = x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))).

    >>> import minidl
    >>> minidl.nn.GELU()(minidl.zeros(2)).tolist()
    [0.0, 0.0]
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = one_of("approximate", approximate, ("none", "tanh"))

    def forward(self, input: Tensor) -> Tensor:
        """Return input·Φ(input)."""
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        """Return the approximation."""
        return f"approximate={self.approximate!r}"


class Softmax(Module):
    """y_i = exp(x_i) / Σ_j exp(x_j) along `dim`: positive numbers that sum to 1.

    >>> import minidl
    >>> minidl.nn.Softmax(dim=1)(minidl.zeros(1, 4)).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """

    def __init__(self, dim: Any = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the softmax of the input along dim."""
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """y_i = x_i - log Σ_j exp(x_j) along `dim`: the logarithm of the softmax, computed without overflow.

    >>> import minidl
    >>> minidl.nn.LogSoftmax(dim=1)(minidl.tensor([[0.0, 1000.0]])).tolist()
    [[-1000.0, 0.0]]
    """

    def __init__(self, dim: Any = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the logarithm of the softmax of the input along dim."""
        return F.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"
