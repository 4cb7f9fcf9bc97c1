"""Convolutional layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import minidl

from ..errors import ArgumentError
from ..tensor import Tensor
from . import functional as F
from . import init
from .checks import one_of, sizes, whole
from .module import Module
from .parameter import Parameter

Sizes = int | tuple[int, ...]


class Conv(Module):
    """What the convolutions have in common: sizes, weights, initial values. A subclass says how many dimensions."""

    dims: int
    padding_modes: tuple[str, ...] = ("zeros", "reflect", "replicate", "circular")
    bias: Parameter | None
    padding: str | tuple[int, ...]

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes, padding: str | Sizes,
        dilation: Sizes, groups: int, bias: bool, padding_mode: str, device: Any, dtype: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        self.groups = whole("groups", groups)
        self.in_channels = whole("in_channels", in_channels)
        self.out_channels = whole("out_channels", out_channels)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ArgumentError(f"{name} must be divisible by groups, got {channels} channels in {groups} groups")
        self.kernel_size = sizes("kernel_size", kernel_size, self.dims)
        self.stride = sizes("stride", stride, self.dims)
        self.dilation = sizes("dilation", dilation, self.dims)
        if isinstance(padding, str):
            self.padding = one_of("padding", padding, ("valid", "same"))
            if padding == "same" and set(self.stride) != {1}:
                raise ArgumentError(f"padding='same' needs stride 1, got {self.stride}; give the padding as a number")
        else:
            self.padding = sizes("padding", padding, self.dims, 0)
        self.padding_mode = one_of("padding_mode", padding_mode, self.padding_modes)
        self.weight = Parameter(minidl.empty(*self.weight_shape(), dtype=dtype, device=device))
        if bias:
            self.bias = Parameter(minidl.empty(self.out_channels, dtype=dtype, device=device))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def weight_shape(self) -> tuple[int, ...]:
        """Return the shape of the weight."""
        return (self.out_channels, self.in_channels // self.groups, *self.kernel_size)

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        k = 1 / math.sqrt(self.weight[0].numel())
        for param in (self.weight, self.bias):
            if param is not None:
                init.uniform_(param, -k, k)

    def padded(self, input: Tensor) -> tuple[Tensor, str | tuple[int, ...]]:
        """Return the input and the padding that is left to do: none where the padding mode is another than zeros."""
        if self.padding_mode == "zeros":
            return input, self.padding
        ends: list[int] = []
        for k in reversed(range(self.dims)):  # F.pad begins with the last dimension
            if isinstance(self.padding, str):
                both = self.dilation[k] * (self.kernel_size[k] - 1) if self.padding == "same" else 0
                ends += [both // 2, both - both // 2]
            else:
                ends += [self.padding[k]] * 2
        return F.pad(input, ends, self.padding_mode), (0,) * self.dims

    def extra_repr(self) -> str:
        """Return the sizes, and the options that differ from their defaults."""
        shown = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * self.dims:
            shown += f", padding={self.padding}"
        if self.dilation != (1,) * self.dims:
            shown += f", dilation={self.dilation}"
        shown += self.output_repr()
        if self.groups != 1:
            shown += f", groups={self.groups}"
        if self.bias is None:
            shown += ", bias=False"
        return shown if self.padding_mode == "zeros" else f"{shown}, padding_mode={self.padding_mode}"

    def output_repr(self) -> str:
        """Return what a transposed convolution has besides."""
        return ""


class Conv1d(Conv):
    """y[n,k,i] = b[k] + Σ_{c,u} x[n,c, i·stride+u·dilation-padding] · w[k,c,u].

    Shapes: x (N, in_channels, L) or (in_channels, L) -> y (N, out_channels, L') with
    L' = ⌊(L + 2·padding - dilation·(kernel_size-1) - 1)/stride⌋ + 1; weight (out_channels, in_channels/groups, k),
    bias (out_channels). Options and initial values as in Conv2d.

    >>> import minidl
    >>> conv = minidl.nn.Conv1d(16, 33, 3, stride=2)
    >>> conv(minidl.zeros(20, 16, 50)).shape
    (20, 33, 24)
    """

    dims = 1

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: str | Sizes = 0,
        dilation: Sizes = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution of the input with the weight, plus the bias."""
        x, padding = self.padded(input)
        return F.conv1d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv2d(Conv):
    """y[n,k,i,j] = b[k] + Σ_{c,u,v} x[n,c, i·stride+u·dilation-padding, j·stride+v·dilation-padding] · w[k,c,u,v].

    This is cross-correlation, as every framework computes it: the kernel is not flipped.

    Shapes: x (N, in_channels, H, W) or (in_channels, H, W) -> y (N, out_channels, H', W') with
    H' = ⌊(H + 2·padding - dilation·(kernel_size-1) - 1)/stride⌋ + 1; weight (out_channels, in_channels/groups, kh, kw),
    bias (out_channels).

    `padding` is a number, a pair, "valid" (none) or "same" (y as large as x; stride 1 only). `groups` splits the
    channels into groups that don't see each other. `padding_mode` is "zeros", "reflect", "replicate" or "circular".

    Initial values: weight and bias from U(-k, k) with k = 1/√(in_channels/groups · kh · kw).

    >>> import minidl
    >>> conv = minidl.nn.Conv2d(1, 6, kernel_size=5, padding=2)
    >>> conv
    Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))
    >>> conv(minidl.zeros(8, 1, 28, 28)).shape
    (8, 6, 28, 28)
    """

    dims = 2

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: str | Sizes = 0,
        dilation: Sizes = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution of the input with the weight, plus the bias."""
        x, padding = self.padded(input)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class ConvTranspose(Conv):
    """What the transposed convolutions have in common: the size of the output."""

    padding: tuple[int, ...]
    padding_modes = ("zeros",)

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes = 0,
        output_padding: Sizes = 0, groups: int = 1, bias: bool = True, dilation: Sizes = 1, padding_mode: str = "zeros",
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        padding = sizes("padding", padding, self.dims, 0)
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )
        self.output_padding = sizes("output_padding", output_padding, self.dims, 0)

    def weight_shape(self) -> tuple[int, ...]:
        """Return the shape of the weight."""
        return (self.in_channels, self.out_channels // self.groups, *self.kernel_size)

    def padding_for(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """Return the output_padding that gives this size, or the layer's own for None."""
        if output_size is None:
            return self.output_padding
        wanted = tuple(output_size)[-self.dims :]
        smallest = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(
                input.shape[-self.dims :], self.stride, self.padding, self.dilation, self.kernel_size, strict=True
            )
        )
        missing = tuple(want - least for want, least in zip(wanted, smallest, strict=True))
        if any(not 0 <= more < s for more, s in zip(missing, self.stride, strict=True)):
            largest = tuple(least + s - 1 for least, s in zip(smallest, self.stride, strict=True))
            raise ArgumentError(f"output_size must be from {smallest} to {largest} for this input, got {wanted}")
        return missing

    def output_repr(self) -> str:
        """Return the output_padding, if there is one."""
        return f", output_padding={self.output_padding}" if any(self.output_padding) else ""


class ConvTranspose1d(ConvTranspose):
    """y[n,k, i·stride+u·dilation-padding] += Σ_c x[n,c,i] · w[c,k,u], plus b[k]: the adjoint of Conv1d, which enlarges.

    Shapes: x (N, in_channels, L) or (in_channels, L) -> y (N, out_channels, L') with
    L' = (L-1)·stride - 2·padding + dilation·(kernel_size-1) + output_padding + 1; weight
    (in_channels, out_channels/groups, k), bias (out_channels). Options and initial values as in ConvTranspose2d.

    >>> import minidl
    >>> minidl.nn.ConvTranspose1d(16, 8, 4, stride=2, padding=1)(minidl.zeros(20, 16, 50)).shape
    (20, 8, 100)
    """

    dims = 1

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Return the transposed convolution of the input with the weight, plus the bias."""
        output_padding = self.padding_for(input, output_size)
        return F.conv_transpose1d(
            input, self.weight, self.bias, self.stride, self.padding, output_padding, self.groups, self.dilation
        )


class ConvTranspose2d(ConvTranspose):
    """The adjoint of Conv2d, which enlarges; also called deconvolution.

    y[n,k, i·stride+u·dilation-padding, j·stride+v·dilation-padding] += Σ_c x[n,c,i,j] · w[c,k,u,v], plus b[k].

    Shapes: x (N, in_channels, H, W) or (in_channels, H, W) -> y (N, out_channels, H', W') with
    H' = (H-1)·stride - 2·padding + dilation·(kernel_size-1) + output_padding + 1; weight
    (in_channels, out_channels/groups, kh, kw), bias (out_channels).

    A Conv2d with a stride maps several sizes to one; `output_padding` adds rows and columns at the end to choose which
    of them comes back, as does `output_size` in the call.

    Initial values: weight and bias from U(-k, k) with k = 1/√(out_channels/groups · kh · kw).

    >>> import minidl
    >>> up = minidl.nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1)
    >>> up(minidl.zeros(1, 16, 14, 14)).shape, up(minidl.zeros(1, 16, 14, 14), output_size=(28, 28)).shape
    ((1, 8, 27, 27), (1, 8, 28, 28))
    """

    dims = 2

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Return the transposed convolution of the input with the weight, plus the bias."""
        output_padding = self.padding_for(input, output_size)
        return F.conv_transpose2d(
            input, self.weight, self.bias, self.stride, self.padding, output_padding, self.groups, self.dilation
        )
