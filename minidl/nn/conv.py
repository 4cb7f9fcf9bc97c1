"""Convolutional layers."""

from __future__ import annotations

import math
from typing import Any

import minidl

from ..errors import ArgumentError
from ..tensor import Tensor
from . import functional as F
from . import init
from .checks import one_of, pair, whole
from .module import Module
from .parameter import Parameter

Pair = int | tuple[int, int]


class Conv2d(Module):
    """y[n,k,i,j] = b[k] + Σ_{c,u,v} x[n,c, i·stride+u·dilation-padding, j·stride+v·dilation-padding] · w[k,c,u,v].

    This is cross-correlation, as every framework computes it: the kernel is not flipped.

    Shapes: x (N, in_channels, H, W) or (in_channels, H, W) -> y (N, out_channels, H', W') with
    H' = ⌊(H + 2·padding - dilation·(kernel_size-1) - 1)/stride⌋ + 1; weight (out_channels, in_channels/groups, kh, kw),
    bias (out_channels).

    `padding` is a number, a pair, "valid" (none) or "same" (y as large as x; stride 1 only). `groups` splits the
    channels into groups that don't see each other. `padding_mode` is "zeros", the only one.

    Initial values: weight and bias from U(-k, k) with k = 1/√(in_channels/groups · kh · kw).

    >>> import minidl
    >>> conv = minidl.nn.Conv2d(1, 6, kernel_size=5, padding=2)
    >>> conv
    Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))
    >>> conv(minidl.zeros(8, 1, 28, 28)).shape
    (8, 6, 28, 28)
    """

    bias: Parameter | None
    padding: str | tuple[int, int]

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Pair, stride: Pair = 1, padding: str | Pair = 0,
        dilation: Pair = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.groups = whole("groups", groups)
        self.in_channels = whole("in_channels", in_channels)
        self.out_channels = whole("out_channels", out_channels)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ArgumentError(f"{name} must be divisible by groups, got {channels} channels in {groups} groups")
        self.kernel_size = pair("kernel_size", kernel_size)
        self.stride = pair("stride", stride)
        self.dilation = pair("dilation", dilation)
        if isinstance(padding, str):
            self.padding = one_of("padding", padding, ("valid", "same"))
            if padding == "same" and self.stride != (1, 1):
                raise ArgumentError(f"padding='same' needs stride 1, got {self.stride}; give the padding as a number")
        else:
            self.padding = pair("padding", padding, 0)
        self.padding_mode = one_of("padding_mode", padding_mode, ("zeros",))
        shape = (self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        self.weight = Parameter(minidl.empty(*shape, dtype=dtype, device=device))
        if bias:
            self.bias = Parameter(minidl.empty(self.out_channels, dtype=dtype, device=device))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        k = 1 / math.sqrt(self.weight[0].numel())
        for param in (self.weight, self.bias):
            if param is not None:
                init.uniform_(param, -k, k)

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution of the input with the weight, plus the bias."""
        return F.conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """Return the sizes, and the options that differ from their defaults."""
        shown = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0, 0):
            shown += f", padding={self.padding}"
        if self.dilation != (1, 1):
            shown += f", dilation={self.dilation}"
        if self.groups != 1:
            shown += f", groups={self.groups}"
        return shown if self.bias is not None else f"{shown}, bias=False"
