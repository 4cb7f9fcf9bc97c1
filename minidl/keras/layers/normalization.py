"""Layers that bring numbers to mean 0 and deviation 1: by batch, by sample, or by the training data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import minidl

from ... import nn
from ...errors import ArgumentError, StateError
from .. import initializers
from ..values import as_tensor
from .base import Layer

F = nn.functional


class BatchNormalization(Layer):
    """y = γ (x - μ) / √(σ² + ε) + β, with μ and σ² of the batch in training, their moving means in use.

    Moving means follow m ← momentum · m + (1 - momentum) · batch (Ioffe & Szegedy 2015). Weights: gamma, beta,
    moving_mean, moving_variance, one for each channel. A frozen layer (trainable = False) is always in use.

    >>> from minidl import keras
    >>> layer = keras.layers.BatchNormalization()
    >>> layer([[1.0], [3.0]], training=True).numpy().round(2)
    array([[-1.],
           [ 1.]], dtype=float32)
    >>> layer.moving_mean.numpy().round(2)
    array([0.02], dtype=float32)
    """

    least_rank = 2

    def __init__(
        self, axis: int = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        self.axis, self.momentum, self.epsilon = axis, momentum, epsilon
        self.center, self.scale = center, scale
        given = gamma_initializer, beta_initializer, moving_mean_initializer, moving_variance_initializer
        self.initializers = tuple(initializers.get(initializer) for initializer in given)
        self.gamma = self.beta = None

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        shape = (input_shape[self.axis],)
        if self.axis in (-1, len(input_shape) - 1):
            self.features = shape[0]
        gamma, beta, mean, variance = self.initializers
        if self.scale:
            self.gamma = self.add_weight(shape, gamma, name="gamma")
        if self.center:
            self.beta = self.add_weight(shape, beta, name="beta")
        self.moving_mean = self.add_weight(shape, mean, trainable=False, name="moving_mean")
        self.moving_variance = self.add_weight(shape, variance, trainable=False, name="moving_variance")

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the normalised inputs."""
        x = inputs.movedim(self.axis, 1)
        if not (training and self.trainable):
            y = F.batch_norm(x, self.moving_mean, self.moving_variance, self.gamma, self.beta, False, 0.0, self.epsilon)
            return y.movedim(1, self.axis)
        with minidl.no_grad():
            others = [k for k in range(x.ndim) if k != 1]
            for moving, batch in ((self.moving_mean, x.mean(dim=others)),
                                  (self.moving_variance, x.var(dim=others, correction=0))):  # fmt: skip
                moving.copy_(self.momentum * moving + (1 - self.momentum) * batch)
        y = F.batch_norm(x, None, None, self.gamma, self.beta, True, 0.0, self.epsilon)
        return y.movedim(1, self.axis)


class LayerNormalization(Layer):
    """y = γ (x - μ) / √(σ² + ε) + β, with μ and σ² of each sample along the last axes (Ba et al. 2016).

    >>> from minidl import keras
    >>> keras.layers.LayerNormalization()([[1.0, 3.0]]).numpy().round(2)
    array([[-1.,  1.]], dtype=float32)
    """

    least_rank = 2

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        self.axis, self.epsilon, self.center, self.scale = axis, epsilon, center, scale
        self.initializers = initializers.get(gamma_initializer), initializers.get(beta_initializer)
        self.gamma = self.beta = None

    def build(self, input_shape: Any) -> None:
        """Make gamma and beta."""
        ndim = len(input_shape)
        axes = sorted(k % ndim for k in ([self.axis] if isinstance(self.axis, int) else self.axis))
        if axes != list(range(ndim - len(axes), ndim)) or axes[0] == 0:
            raise ArgumentError(f"layer {self.name!r}: axis is {self.axis!r}, expected the last one or the last ones")
        self.features = input_shape[-1]
        self.normalized_shape = tuple(input_shape[k] for k in axes)
        if self.scale:
            self.gamma = self.add_weight(self.normalized_shape, self.initializers[0], name="gamma")
        if self.center:
            self.beta = self.add_weight(self.normalized_shape, self.initializers[1], name="beta")

    def call(self, inputs: Any) -> Any:
        """Return the normalised inputs."""
        return F.layer_norm(inputs, self.normalized_shape, self.gamma, self.beta, self.epsilon)


class Normalization(Layer):
    """y = (x - mean) / √variance, with figures given, or learned of the training data by `adapt(data)`.

    Weights: mean, variance and count; none is trained.

    >>> from minidl import keras
    >>> layer = keras.layers.Normalization()
    >>> layer.adapt([[0.0], [2.0]])
    >>> layer([[3.0]]).numpy()
    array([[2.]], dtype=float32)
    """

    least_rank = 1

    def __init__(
        self, axis: int | None = -1, mean: Any = None, variance: Any = None, invert: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)
        if (mean is None) != (variance is None):
            raise ArgumentError("Normalization: expected both mean and variance, or neither")
        if axis not in (-1, None):
            raise ArgumentError(f"Normalization: axis is {axis!r}, expected -1 or None")
        self.axis, self.invert = axis, invert
        self.given = None if mean is None else (mean, variance)
        self.adapted = mean is not None

    def build(self, input_shape: Any) -> None:
        """Make the figures."""
        shape = () if self.axis is None else (input_shape[-1],)
        if self.axis is not None:
            self.features = input_shape[-1]
        mean, variance = self.given or (0.0, 1.0)
        self.mean = nn.Buffer(minidl.tensor(np.broadcast_to(mean, shape).copy()).to(self.dtype))
        self.variance = nn.Buffer(minidl.tensor(np.broadcast_to(variance, shape).copy()).to(self.dtype))
        self.count = nn.Buffer(minidl.tensor(0))

    def adapt(self, data: Any) -> None:
        """Learn mean and variance of the training data, one for each column (of all, for axis=None)."""
        x = as_tensor(data).to(self.dtype)
        if x.ndim == 1:
            x = x.unsqueeze(1)
        if not self.built:
            self.build((None, *x.shape[1:]))
            self.built = True
        axes = list(range(x.ndim if self.axis is None else x.ndim - 1))
        with minidl.no_grad():
            values = x.double()
            self.mean.copy_(values.mean(dim=axes).to(self.dtype))
            self.variance.copy_(values.var(dim=axes, correction=0).to(self.dtype))
            self.count.fill_(x.numel() // max(1, self.mean.numel()))
        self.adapted = True

    def call(self, inputs: Any) -> Any:
        """Return the normalised inputs."""
        if not self.adapted and int(self.count) == 0:
            raise StateError(f"layer {self.name!r} has not seen data; call adapt(training_data) first")
        deviation = minidl.clamp(minidl.sqrt(self.variance), min=1e-7)
        return self.mean + inputs * deviation if self.invert else (inputs - self.mean) / deviation
