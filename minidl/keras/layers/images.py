"""Convolution and pooling of images (batch, height, width, channels)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import minidl

from ... import nn
from ...errors import ArgumentError
from .. import activations, initializers
from ..naming import looked_up
from .base import Layer
from .core import positive

F = nn.functional
Pair = int | Sequence[int]


def pair(layer: str, name: str, value: Any) -> tuple[int, int]:
    """Return (height, width)."""
    values = [value, value] if not isinstance(value, (list, tuple)) else list(value)
    if len(values) != 2:
        raise ArgumentError(f"{layer}: {name} is {value!r}, expected a number or two")
    return positive(layer, name, values[0]), positive(layer, name, values[1])


def checked(layer: str, padding: Any, data_format: Any) -> str:
    """Return "valid" or "same"; the channels must be last."""
    if data_format not in (None, "channels_last"):
        raise ArgumentError(f'{layer}: data_format is {data_format!r}, expected "channels_last"; permute the images')
    kind = str(padding).lower()
    return str(looked_up(kind, {"valid": "valid", "same": "same"}, f"{layer}: padding"))


def same(x: Any, window: tuple[int, int], strides: tuple[int, int], dilation: tuple[int, int], value: float) -> Any:
    """Return images (N, C, H, W) with an edge such that ⌈size / stride⌉ windows fit; an odd one is right and below."""
    edges: list[int] = []
    for size, k, s, d in zip(x.shape[2:], window, strides, dilation, strict=True):
        total = max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
        edges = [total // 2, total - total // 2, *edges]  # F.pad begins with the last dimension
    return F.pad(x, edges, value=value) if any(edges) else x


def first(x: Any) -> Any:
    """Return (N, H, W, C) with the channels first, (N, C, H, W)."""
    return x.permute(0, 3, 1, 2)


def last(x: Any) -> Any:
    """Return (N, C, H, W) with the channels last, (N, H, W, C)."""
    return x.permute(0, 2, 3, 1)


class Conv2D(Layer):
    """y[i, j, o] = f(b[o] + Σ x[i·s + u·d, j·s + v·d, c] W[u, v, c, o]) over u, v, c: the convolution of the field.

    Weights: kernel (height, width, in / groups, filters), bias (filters). `padding` is "valid" or "same".

    >>> from minidl import keras
    >>> keras.layers.Conv2D(8, 3, padding="same", activation="relu")(keras.Input((28, 28, 1))).shape
    (None, 28, 28, 8)
    """

    rank = 4

    def __init__(
        self, filters: int, kernel_size: Pair, strides: Pair = (1, 1), padding: str = "valid",
        data_format: str | None = None, dilation_rate: Pair = (1, 1), groups: int = 1, activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        self.filters = positive("Conv2D", "filters", filters)
        self.kernel_size = pair("Conv2D", "kernel_size", kernel_size)
        self.strides = pair("Conv2D", "strides", strides)
        self.dilation_rate = pair("Conv2D", "dilation_rate", dilation_rate)
        self.padding = checked("Conv2D", padding, data_format)
        self.groups = positive("Conv2D", "groups", groups)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias = None

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        self.features = input_shape[-1]
        if self.features % self.groups or self.filters % self.groups:
            raise ArgumentError(
                f"layer {self.name!r}: {self.features} channels and {self.filters} filters do not divide into "
                f"groups={self.groups}"
            )
        shape = (*self.kernel_size, self.features // self.groups, self.filters)
        self.kernel = self.add_weight(shape, self.kernel_initializer, name="kernel")
        if self.use_bias:
            self.bias = self.add_weight((self.filters,), self.bias_initializer, name="bias")

    def call(self, inputs: Any) -> Any:
        """Return the activation of the convolution."""
        x = first(inputs)
        if self.padding == "same":
            x = same(x, self.kernel_size, self.strides, self.dilation_rate, 0.0)
        w = self.kernel.permute(3, 2, 0, 1)
        y = F.conv2d(x, w, self.bias, self.strides, 0, self.dilation_rate, self.groups)
        return self.activation(last(y))


class Pooling2D(Layer):
    """What both poolings have in common: windows of `pool_size`, `strides` apart (by default side by side)."""

    rank = 4

    def __init__(
        self, pool_size: Pair = (2, 2), strides: Pair | None = None, padding: str = "valid",
        data_format: str | None = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        kind = type(self).__name__
        self.pool_size = pair(kind, "pool_size", pool_size)
        self.strides = self.pool_size if strides is None else pair(kind, "strides", strides)
        self.padding = checked(kind, padding, data_format)


class MaxPooling2D(Pooling2D):
    """The greatest value of each window.

    >>> from minidl import keras
    >>> keras.layers.MaxPooling2D()(keras.Input((28, 28, 8))).shape
    (None, 14, 14, 8)
    """

    def call(self, inputs: Any) -> Any:
        """Return the maxima."""
        x = first(inputs)
        if self.padding == "same":
            x = same(x, self.pool_size, self.strides, (1, 1), -float("inf"))
        return last(F.max_pool2d(x, self.pool_size, self.strides))


class AveragePooling2D(Pooling2D):
    """The mean of each window; with padding "same", of what is in the image.

    >>> from minidl import keras
    >>> keras.layers.AveragePooling2D()(keras.Input((28, 28, 8))).shape
    (None, 14, 14, 8)
    """

    def call(self, inputs: Any) -> Any:
        """Return the means."""
        x = first(inputs)
        if self.padding == "valid":
            return last(F.avg_pool2d(x, self.pool_size, self.strides))

        def pooled(image: Any) -> Any:
            return F.avg_pool2d(same(image, self.pool_size, self.strides, (1, 1), 0.0), self.pool_size, self.strides)

        inside = pooled(minidl.ones(1, 1, *x.shape[2:], dtype=x.dtype))  # which share of a window is in the image
        return last(pooled(x) / inside)


class GlobalAveragePooling2D(Layer):
    """The mean over height and width of each channel.

    >>> from minidl import keras
    >>> keras.layers.GlobalAveragePooling2D()(keras.Input((7, 7, 64))).shape
    (None, 64)
    """

    rank = 4

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **options: Any) -> None:
        super().__init__(**options)
        checked("GlobalAveragePooling2D", "valid", data_format)
        self.keepdims = keepdims

    def call(self, inputs: Any) -> Any:
        """Return the means (batch, channels)."""
        return inputs.mean(dim=(1, 2), keepdim=self.keepdims)
