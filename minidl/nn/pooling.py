"""Pooling layers: the maximum or the mean of windows that slide over a sequence or an image."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import functional as F
from .checks import sizes
from .module import Module

Sizes = int | tuple[int, ...]


class MaxPool(Module):
    """What the maxima over windows have in common: the options. A subclass says over how many dimensions."""

    dims: int

    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
        return_indices: bool = False, ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        sizes("kernel_size", kernel_size, self.dims)
        sizes("padding", padding, self.dims, 0)
        sizes("dilation", dilation, self.dims)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        sizes("stride", self.stride, self.dims)
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        """Return the options."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(MaxPool):
    """y[n,c,i] = max_u x[n,c, i·stride+u·dilation-padding].

    Shapes: x (N, C, L) or (C, L) -> y (N, C, L') with L' as H' in MaxPool2d, whose options it has.

    >>> import minidl
    >>> minidl.nn.MaxPool1d(2)(minidl.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
    [[3.0, 2.0]]
    """

    dims = 1

    def forward(self, input: Any) -> Any:
        """Return the maxima."""
        return F.max_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxPool2d(MaxPool):
    """y[n,c,i,j] = max_{u,v} x[n,c, i·stride+u·dilation-padding, j·stride+v·dilation-padding].

    Shapes: x (N, C, H, W) or (C, H, W) -> y (N, C, H', W') with
    H' = ⌊(H + 2·padding - dilation·(kernel_size-1) - 1)/stride⌋ + 1, rounded up with `ceil_mode`.

    `stride` defaults to `kernel_size`; padding counts as -∞. With `return_indices` the answer is (y, where each maximum
    was, as an index into the flattened H·W image).

    >>> import minidl
    >>> x = minidl.arange(16.0).reshape(1, 4, 4)
    >>> minidl.nn.MaxPool2d(2)(x).tolist()
    [[[5.0, 7.0], [13.0, 15.0]]]
    """

    dims = 2

    def forward(self, input: Any) -> Any:
        """Return the maxima."""
        return F.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class AvgPool1d(Module):
    """y[n,c,i] = Σ_u x[n,c, i·stride+u-padding] / kernel_size.

    Shapes: x (N, C, L) or (C, L) -> y (N, C, L') with L' = ⌊(L + 2·padding - kernel_size)/stride⌋ + 1. Options as in
    AvgPool2d.

    >>> import minidl
    >>> minidl.nn.AvgPool1d(2)(minidl.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
    [[2.0, 1.0]]
    """

    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.kernel_size = sizes("kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else sizes("stride", stride, 1)
        self.padding = sizes("padding", padding, 1, 0)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """y[n,c,i,j] = Σ_{u,v} x[n,c, i·stride+u-padding, j·stride+v-padding] / (kh·kw).

    Shapes: x (N, C, H, W) or (C, H, W) -> y (N, C, H', W') with H' = ⌊(H + 2·padding - kernel_size)/stride⌋ + 1,
    rounded up with `ceil_mode`.

    `stride` defaults to `kernel_size`; padding counts as 0. `count_include_pad=False` divides by the number of places
    inside the image, `divisor_override` by a number of its own.

    >>> import minidl
    >>> minidl.nn.AvgPool2d(2)(minidl.arange(16.0).reshape(1, 4, 4)).tolist()
    [[[2.5, 4.5], [10.5, 12.5]]]
    """

    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        sizes("kernel_size", kernel_size, 2)
        sizes("padding", padding, 2, 0)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        sizes("stride", self.stride, 2)
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.avg_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """Return the options."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptivePool(Module):
    """What the pooling layers that are given the size of their output have in common."""

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """Return the output size."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(AdaptivePool):
    """The mean of `output_size` windows that together cover the length: x (N, C, L) or (C, L) -> y (N, C, output_size).

    Window i reaches from ⌊i·L/L'⌋ to ⌈(i+1)·L/L'⌉, L' the output_size.

    >>> import minidl
    >>> minidl.nn.AdaptiveAvgPool1d(2)(minidl.tensor([[1.0, 2.0, 3.0]])).tolist()
    [[1.5, 2.5]]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(AdaptivePool):
    """The mean of `output_size` windows that together cover the image, whatever its size.

    `output_size` is (H', W'), or one number for both; None keeps the input's. Window i reaches from row ⌊i·H/H'⌋ to
    ⌈(i+1)·H/H'⌉, and so for the columns; with 1 it is the mean of the whole image.

    Shapes: x (N, C, H, W) or (C, H, W) -> y (N, C, H', W').

    >>> import minidl
    >>> minidl.nn.AdaptiveAvgPool2d(1)(minidl.arange(16.0).reshape(1, 4, 4)).tolist()
    [[[7.5]]]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the means."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveMaxPool(AdaptivePool):
    """What the adaptive maxima have in common: they may also say where each maximum was."""

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(AdaptiveMaxPool):
    """The maximum of the windows of AdaptiveAvgPool1d; with `return_indices` also the place of each.

    >>> import minidl
    >>> minidl.nn.AdaptiveMaxPool1d(2)(minidl.tensor([[1.0, 2.0, 3.0]])).tolist()
    [[2.0, 3.0]]
    """

    def forward(self, input: Tensor) -> Any:
        """Return the maxima."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(AdaptiveMaxPool):
    """The maximum of the windows of AdaptiveAvgPool2d; with `return_indices` also the place of each.

    >>> import minidl
    >>> minidl.nn.AdaptiveMaxPool2d(2)(minidl.arange(16.0).reshape(1, 4, 4)).tolist()
    [[[5.0, 7.0], [13.0, 15.0]]]
    """

    def forward(self, input: Tensor) -> Any:
        """Return the maxima."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class MaxUnpool(Module):
    """What the inverses of the maxima over windows have in common: the options. A subclass says how many dimensions."""

    dims: int

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        super().__init__()
        self.kernel_size = sizes("kernel_size", kernel_size, self.dims)
        self.stride = self.kernel_size if stride is None else sizes("stride", stride, self.dims)
        self.padding = sizes("padding", padding, self.dims, 0)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(MaxUnpool):
    """The maxima of a MaxPool1d put back to where they were, zeros elsewhere.

    Shapes: x and indices (N, C, L) or (C, L) -> y (N, C, L') with L' = (L - 1)·stride - 2·padding + kernel_size, or the
    output_size given in the call.

    >>> import minidl
    >>> y, places = minidl.nn.MaxPool1d(2, return_indices=True)(minidl.tensor([[1.0, 3.0, 2.0, 0.0]]))
    >>> minidl.nn.MaxUnpool1d(2)(y, places).tolist()
    [[0.0, 3.0, 2.0, 0.0]]
    """

    dims = 1

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """Return the input's values at the places of the indices."""
        return F.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(MaxUnpool):
    """The maxima of a MaxPool2d put back to where they were, zeros elsewhere; shapes as in MaxUnpool1d.

    >>> import minidl
    >>> y, places = minidl.nn.MaxPool2d(2, return_indices=True)(minidl.arange(4.0).reshape(1, 2, 2))
    >>> minidl.nn.MaxUnpool2d(2)(y, places).tolist()
    [[[0.0, 0.0], [0.0, 3.0]]]
    """

    dims = 2

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """Return the input's values at the places of the indices."""
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class LPPool(Module):
    """What the power means over windows have in common: the options."""

    def __init__(
        self, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        """Return the options."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(LPPool):
    """y = (Σ x^p)^(1/p) over each window, p = norm_type: the sum for 1, near the maximum for large p.

    >>> import minidl
    >>> minidl.nn.LPPool1d(2, 2)(minidl.tensor([[3.0, 4.0]])).tolist()
    [[5.0]]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the power means times the windows' sizes."""
        return F.lp_pool1d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(LPPool):
    """y = (Σ x^p)^(1/p) over each window of an image, p = norm_type.

    >>> import minidl
    >>> minidl.nn.LPPool2d(2, (1, 2))(minidl.tensor([[[3.0, 4.0]]])).tolist()
    [[[5.0]]]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the power means times the windows' sizes."""
        return F.lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)
