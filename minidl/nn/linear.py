"""Linear layers: y = x·Wᵀ + b, and the layer that does nothing."""

from __future__ import annotations

import math
from typing import Any

import minidl

from ..tensor import Tensor
from . import functional as F
from . import init
from .checks import whole
from .module import Module
from .parameter import Parameter


class Linear(Module):
    """y = x·Wᵀ + b, on the last dimension: a fully connected layer.

    In the form y = f(xW + b) of the textbooks, W is `weight.T`; f is a layer of its own, such as ReLU.

    Shapes: x (*, in_features) -> y (*, out_features); weight (out_features, in_features), bias (out_features).

    Initial values: weight and bias from U(-k, k) with k = 1/√in_features. `bias=False` leaves b out.

    >>> import minidl
    >>> layer = minidl.nn.Linear(784, 128)
    >>> layer(minidl.zeros(64, 784)).shape
    (64, 128)
    >>> layer.weight.shape, layer.bias.shape
    ((128, 784), (128,))
    """

    bias: Parameter | None

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = whole("in_features", in_features, 0)
        self.out_features = whole("out_features", out_features, 0)
        self.weight = Parameter(minidl.empty(self.out_features, self.in_features, dtype=dtype, device=device))
        if bias:
            self.bias = Parameter(minidl.empty(self.out_features, dtype=dtype, device=device))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        k = 1 / math.sqrt(max(self.in_features, 1))
        for param in (self.weight, self.bias):
            if param is not None:
                init.uniform_(param, -k, k)

    def forward(self, input: Tensor) -> Tensor:
        """Return input·weightᵀ + bias."""
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """y_k = x1ᵀ·W_k·x2 + b_k: a number for each pair of features of two inputs.

    Shapes: x1 (*, in1_features), x2 (*, in2_features) -> y (*, out_features); weight
    (out_features, in1_features, in2_features), bias (out_features).

    Initial values: weight and bias from U(-k, k) with k = 1/√in1_features. `bias=False` leaves b out.

    >>> import minidl
    >>> minidl.nn.Bilinear(20, 30, 40)(minidl.zeros(128, 20), minidl.zeros(128, 30)).shape
    (128, 40)
    """

    bias: Parameter | None

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.in1_features = whole("in1_features", in1_features)
        self.in2_features = whole("in2_features", in2_features, 0)
        self.out_features = whole("out_features", out_features, 0)
        shape = (self.out_features, self.in1_features, self.in2_features)
        self.weight = Parameter(minidl.empty(*shape, dtype=dtype, device=device))
        if bias:
            self.bias = Parameter(minidl.empty(self.out_features, dtype=dtype, device=device))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        k = 1 / math.sqrt(self.in1_features)
        for param in (self.weight, self.bias):
            if param is not None:
                init.uniform_(param, -k, k)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """Return the products of both inputs with the weight, plus the bias."""
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Identity(Module):
    """y = x. It takes any arguments and ignores them, so that it can stand in for another layer.

    >>> import minidl
    >>> minidl.nn.Identity(54, unused=True)(minidl.ones(2)).tolist()
    [1.0, 1.0]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """Return the input."""
        return input
