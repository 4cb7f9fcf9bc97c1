"""First values of weights, under Keras's names; fans count the inputs and outputs of one neuron."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import minidl

from .. import nn
from ..errors import ArgumentTypeError
from .naming import Configured, looked_up

Shape = Sequence[int]


def fans(shape: Shape) -> tuple[int, int]:
    """Return how many inputs and outputs a neuron has; a kernel is (height, width, in, out), a matrix (in, out)."""
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


class Initializer(Configured):
    """The base of all initializers: called with a shape and a dtype, it returns the first values."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """Return a tensor of this shape."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__(shape, dtype)")


class Zeros(Initializer):
    """All 0."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """Return a tensor of this shape."""
        return minidl.zeros(*shape, dtype=dtype)


class Ones(Initializer):
    """All 1."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """Return a tensor of this shape."""
        return minidl.ones(*shape, dtype=dtype)


class Constant(Initializer):
    """All the same value."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """Return a tensor of this shape."""
        return minidl.full(tuple(shape), float(self.value), dtype=dtype)


class RandomUniform(Initializer):
    """U(minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """Return a tensor of this shape."""
        drawn = minidl.rand(*shape, dtype=dtype, generator=generator(self.seed))
        return drawn * (self.maxval - self.minval) + self.minval


class RandomNormal(Initializer):
    """N(mean, stddev²)."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """Return a tensor of this shape."""
        return minidl.randn(*shape, dtype=dtype, generator=generator(self.seed)) * self.stddev + self.mean


class TruncatedNormal(RandomNormal):
    """N(mean, stddev²), drawn again where it is more than two standard deviations away."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """Return a tensor of this shape."""
        reach = 2 * self.stddev
        return nn.init.trunc_normal_(
            minidl.empty(*shape, dtype=dtype), self.mean, self.stddev, self.mean - reach, self.mean + reach,
            generator=generator(self.seed),
        )  # fmt: skip


class VarianceScaling(Initializer):
    """Variance scale / fan, so that sums over the inputs keep their size (Glorot & Bengio 2010; He et al. 2015).

    `mode` is "fan_in", "fan_out" or "fan_avg", `distribution` "truncated_normal", "untruncated_normal" or "uniform".
    """

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: int | None = None
    ) -> None:
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """Return a tensor of this shape."""
        ins, outs = fans(shape)
        fan = looked_up(self.mode, {"fan_in": ins, "fan_out": outs, "fan_avg": (ins + outs) / 2}, "mode")
        deviation = math.sqrt(self.scale / max(1.0, fan))
        reach = math.sqrt(3) * deviation  # U(-reach, reach) has this deviation
        kinds: dict[str, Initializer] = {
            "truncated_normal": TruncatedNormal(0.0, deviation / 0.87962566103423978, self.seed),  # of what is left
            "untruncated_normal": RandomNormal(0.0, deviation, self.seed),
            "uniform": RandomUniform(-reach, reach, self.seed),
        }
        return looked_up(self.distribution, kinds, "distribution")(shape, dtype)


def scaling(name: str, scale: float, mode: str, distribution: str) -> type[VarianceScaling]:
    """Return a class of VarianceScaling with these figures."""

    def __init__(self: Any, seed: int | None = None) -> None:
        VarianceScaling.__init__(self, scale, mode, distribution, seed)

    doc = f"Variance {scale:g} / {mode}, {distribution.replace('_', ' ')}."
    return type(name, (VarianceScaling,), {"__init__": __init__, "__doc__": doc, "__module__": __name__})


GlorotUniform = scaling("GlorotUniform", 1.0, "fan_avg", "uniform")
GlorotNormal = scaling("GlorotNormal", 1.0, "fan_avg", "truncated_normal")
HeUniform = scaling("HeUniform", 2.0, "fan_in", "uniform")
HeNormal = scaling("HeNormal", 2.0, "fan_in", "truncated_normal")
LecunUniform = scaling("LecunUniform", 1.0, "fan_in", "uniform")
LecunNormal = scaling("LecunNormal", 1.0, "fan_in", "truncated_normal")


class Orthogonal(Initializer):
    """Rows or columns that are orthogonal, times `gain` (Saxe et al. 2014)."""

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        self.gain, self.seed = gain, seed

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """Return a tensor of this shape."""
        matrix = minidl.empty(math.prod(shape[:-1]), shape[-1], dtype=dtype)
        return nn.init.orthogonal_(matrix, self.gain, generator=generator(self.seed)).reshape(*shape)


class Identity(Initializer):
    """The unit matrix times `gain`."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Shape, dtype: Any = None) -> Any:
        """Return a matrix of this shape."""
        return minidl.eye(*shape, dtype=dtype) * self.gain


def generator(seed: int | None) -> Any:
    """Return a stream of random numbers of its own for a seed, else the common one."""
    return None if seed is None else minidl.Generator().manual_seed(seed)


CLASSES: dict[str, type[Initializer]] = {
    kind.__name__: kind
    for kind in (Zeros, Ones, Constant, RandomUniform, RandomNormal, TruncatedNormal, VarianceScaling, GlorotUniform,
                 GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal, Orthogonal, Identity)
}  # fmt: skip
NAMES: dict[str, type[Initializer]] = {
    "zeros": Zeros, "ones": Ones, "constant": Constant, "random_uniform": RandomUniform, "uniform": RandomUniform,
    "random_normal": RandomNormal, "normal": RandomNormal, "truncated_normal": TruncatedNormal,
    "glorot_uniform": GlorotUniform, "glorot_normal": GlorotNormal, "he_uniform": HeUniform, "he_normal": HeNormal,
    "lecun_uniform": LecunUniform, "lecun_normal": LecunNormal, "orthogonal": Orthogonal, "identity": Identity,
    **CLASSES,
}  # fmt: skip


def get(identifier: Any) -> Callable[..., Any]:
    """Return the initializer that a name, a configuration or an object stands for.

    >>> from minidl.keras import initializers
    >>> initializers.get("zeros")((2, 2)).shape
    (2, 2)
    """
    if isinstance(identifier, str):
        return looked_up(identifier, NAMES, "initializer")()
    if isinstance(identifier, dict):
        return looked_up(identifier["class_name"], CLASSES, "initializer").from_config(identifier["config"])
    if callable(identifier):
        return identifier() if isinstance(identifier, type) else identifier
    raise ArgumentTypeError(
        f"initializer: got {type(identifier).__name__} {identifier!r}, expected a name or a function"
    )
