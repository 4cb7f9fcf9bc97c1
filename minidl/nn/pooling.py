"""Pooling layers."""

from __future__ import annotations

from typing import Any

from . import functional as F
from .checks import pair
from .module import Module

Pair = int | tuple[int, int]


class MaxPool2d(Module):
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

    def __init__(
        self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0, dilation: Pair = 1,
        return_indices: bool = False, ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        pair("kernel_size", kernel_size)
        pair("padding", padding, 0)
        pair("dilation", dilation)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        pair("stride", self.stride)
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Any) -> Any:
        """Return the maxima."""
        return F.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        """Return the options."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )
