"""Dense layers, embeddings, activations, and layers without weights."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

import minidl

from ... import nn
from ...errors import ArgumentError, ArgumentTypeError, ShapeError
from .. import activations, initializers
from ..naming import looked_up
from .base import Layer, ManyKinds

F = nn.functional


def positive(layer: str, name: str, value: Any) -> int:
    """Return a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(f"{layer}: {name} is {value!r}, expected a whole number of at least 1")
    return int(value)


class Dense(Layer):
    """y = f(x·W + b): a layer of `units` neurons on the last dimension.

    Weights: kernel W (in, units), bias b (units).

    >>> from minidl import keras
    >>> layer = keras.layers.Dense(10, activation="relu")
    >>> layer([[1.0, 2.0, 3.0]]).shape
    (1, 10)
    >>> layer.count_params()
    40
    """

    least_rank = 2

    def __init__(
        self, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        self.units = positive("Dense", "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias = None

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        self.features = input_shape[-1]
        self.kernel = self.add_weight((self.features, self.units), self.kernel_initializer, name="kernel")
        if self.use_bias:
            self.bias = self.add_weight((self.units,), self.bias_initializer, name="bias")

    def call(self, inputs: Any) -> Any:
        """Return f(x·W + b)."""
        if inputs.ndim == 2 and self.use_bias:
            return self.activation(minidl.addmm(self.bias, inputs, self.kernel))
        y = inputs @ self.kernel
        return self.activation(y + self.bias if self.use_bias else y)


class Embedding(Layer):
    """A vector of `output_dim` numbers for each of `input_dim` tokens, looked up by its number.

    Weights: embeddings (input_dim, output_dim). Unlike Keras's it makes no mask: `mask_zero` is refused.

    >>> from minidl import keras
    >>> keras.layers.Embedding(100, 8)([[1, 2, 3]]).shape
    (1, 3, 8)
    """

    takes_integers = True

    def __init__(
        self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform", mask_zero: bool = False,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        if mask_zero:
            raise ArgumentError("Embedding: mask_zero=True is not supported; multiply what is read by (x != 0)")
        self.input_dim = positive("Embedding", "input_dim", input_dim)
        self.output_dim = positive("Embedding", "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)

    def build(self, input_shape: Any) -> None:
        """Make the table of vectors."""
        shape = (self.input_dim, self.output_dim)
        self.embeddings = self.add_weight(shape, self.embeddings_initializer, name="embeddings")

    def call(self, inputs: Any) -> Any:
        """Return the vectors of the tokens."""
        return F.embedding(inputs.long(), self.embeddings)


class Activation(Layer):
    """f(x), for a function or its name.

    >>> from minidl import keras
    >>> keras.layers.Activation("relu")([[-1.0, 2.0]]).numpy()
    array([[0., 2.]], dtype=float32)
    """

    def __init__(self, activation: Any, **options: Any) -> None:
        super().__init__(**options)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        """Return f(x)."""
        return self.activation(inputs)


class ReLU(Layer):
    """max(x, 0), at most `max_value`, with `negative_slope` below the `threshold`.

    >>> from minidl import keras
    >>> keras.layers.ReLU(max_value=6)([[-1.0, 9.0]]).numpy()
    array([[0., 6.]], dtype=float32)
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **options: Any
    ) -> None:
        super().__init__(**options)
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def call(self, inputs: Any) -> Any:
        """Return the activation."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class Softmax(Layer):
    """exp(x) / Σ exp(x) along an axis.

    >>> from minidl import keras
    >>> keras.layers.Softmax()([[0.0, 0.0]]).numpy()
    array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, axis: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        """Return the probabilities."""
        return F.softmax(inputs, dim=self.axis)


class Dropout(Layer):
    """In training, zeros with probability `rate`, and the rest divided by 1 - rate (Srivastava et al. 2014).

    >>> from minidl import keras
    >>> keras.layers.Dropout(0.5)([[1.0, 2.0]]).numpy()  # in use, nothing changes
    array([[1., 2.]], dtype=float32)
    """

    def __init__(self, rate: float, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        if not 0 <= rate <= 1:
            raise ArgumentError(f"Dropout: rate is {rate!r}, expected a share between 0 and 1")
        self.rate = rate
        self.generator = None if seed is None else minidl.Generator().manual_seed(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the inputs, some of them zero in training."""
        if not training or self.rate == 0:
            return inputs
        if self.generator is None:
            return F.dropout(inputs, self.rate, True)
        kept = minidl.rand(*inputs.shape, generator=self.generator) >= self.rate
        return inputs * kept.to(inputs.dtype) / (1 - self.rate)


class Flatten(Layer):
    """All dimensions but the batch in one, the channels last.

    >>> from minidl import keras
    >>> keras.layers.Flatten()(keras.Input((28, 28))).shape
    (None, 784)
    """

    def call(self, inputs: Any) -> Any:
        """Return (batch, all)."""
        return inputs.reshape(inputs.shape[0], -1) if inputs.numel() else inputs.flatten(1)


class Reshape(Layer):
    """Another shape of each sample; one size may be -1.

    >>> from minidl import keras
    >>> keras.layers.Reshape((28, 28, 1))(keras.Input((784,))).shape
    (None, 28, 28, 1)
    """

    def __init__(self, target_shape: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        self.target_shape = tuple(target_shape)

    def call(self, inputs: Any) -> Any:
        """Return (batch, *target_shape)."""
        return inputs.reshape(inputs.shape[0], *self.target_shape)


class InputLayer(ManyKinds, Layer):
    """The shape of the inputs, as the first layer of a Sequential.

    >>> from minidl import keras
    >>> keras.layers.InputLayer(shape=(784,)).symbol.shape
    (None, 784)
    """

    def __init__(
        self, shape: Sequence[int | None] | None = None, batch_size: int | None = None, dtype: Any = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        from ..graph import Input

        self.symbol = Input(shape, batch_size, dtype, self.name)

    def call(self, inputs: Any) -> Any:
        """Return the inputs."""
        return inputs


class Add(Layer):
    """The sum of several inputs of one shape.

    >>> from minidl import keras
    >>> keras.layers.Add()([keras.Input((3,)), keras.Input((3,))]).shape
    (None, 3)
    """

    def call(self, inputs: Any) -> Any:
        """Return the sum."""
        total = several(self, inputs)[0]
        for other in inputs[1:]:
            total = total + other
        return total


class Concatenate(Layer):
    """Several inputs side by side along an axis.

    >>> from minidl import keras
    >>> keras.layers.Concatenate()([keras.Input((3,)), keras.Input((4,))]).shape
    (None, 7)
    """

    def __init__(self, axis: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        """Return all inputs in one."""
        return minidl.cat(list(several(self, inputs)), dim=self.axis)


def several(layer: Layer, inputs: Any) -> Any:
    """Return the inputs of a layer that merges them."""
    if not isinstance(inputs, (list, tuple)) or len(inputs) < 2:
        raise ArgumentTypeError(f"layer {layer.name!r}: expected a list of at least two inputs")
    shapes = [tuple(x.shape) for x in inputs]
    if len({len(shape) for shape in shapes}) > 1:
        raise ShapeError(f"layer {layer.name!r}: the inputs have shapes {shapes}, expected one number of dimensions")
    return inputs


class Operation(ManyKinds, Layer):
    """An operator between symbols, as in x + y.

    >>> from minidl import keras
    >>> (keras.Input((3,)) + 1).shape
    (None, 3)
    """

    takes_integers = True

    def __init__(self, operator_name: str, **options: Any) -> None:
        super().__init__(**options)
        self.operator_name = operator_name
        looked_up(operator_name, {name: name for name in ("add", "sub", "mul", "truediv", "getitem")}, "operator")

    def call(self, inputs: Any, other: Any) -> Any:  # type: ignore[override]
        """Return what the operator makes of both."""
        return getattr(operator, self.operator_name)(inputs, other)

    def _taken(self, value: Any) -> Any:
        return value
