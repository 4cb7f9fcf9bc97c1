"""Layers that normalise: to mean 0 and variance 1, then y = x̂·weight + bias.

They differ in what the mean and variance are taken over: a channel of the whole batch (BatchNorm), a channel of one
sample (InstanceNorm), a group of channels of one sample (GroupNorm), the last dimensions (LayerNorm, RMSNorm).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import minidl

from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor
from . import functional as F
from . import init
from .checks import whole
from .module import Module
from .parameter import Parameter


class Norm(Module):
    """What the normalising layers have in common: weight and bias, each of which may be left out."""

    weight: Parameter | None
    bias: Parameter | None

    def add_parameters(self, shape: tuple[int, ...], weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        """Make the parameters; those that are not wanted are None."""
        for name, there in (("weight", weight), ("bias", bias)):
            param = Parameter(minidl.empty(*shape, dtype=dtype, device=device)) if there else None
            self.register_parameter(name, param)

    def reset_parameters(self) -> None:
        """Set the weight to ones and the bias to zeros."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class StatisticsNorm(Norm):
    """A normalising layer that may keep a running mean and variance for evaluation."""

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    inputs: ClassVar[dict[int, str]]  # the forms of input that it takes, by their number of dimensions

    def __init__(
        self, num_features: int, eps: float, momentum: float | None, affine: bool, track_running_stats: bool,
        device: Any, dtype: Any, bias: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_features = whole("num_features", num_features, 0)
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.add_parameters((num_features,), affine, affine and bias, device, dtype)
        kept = track_running_stats
        self.register_buffer("running_mean", minidl.zeros(num_features, dtype=dtype) if kept else None)
        self.register_buffer("running_var", minidl.ones(num_features, dtype=dtype) if kept else None)
        self.register_buffer("num_batches_tracked", minidl.tensor(0) if kept else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Set the running mean to 0, the running variance to 1 and the count to 0."""
        for name, value in (("running_mean", 0), ("running_var", 1), ("num_batches_tracked", 0)):
            buffer = getattr(self, name)
            if buffer is not None:
                init.constant_(buffer, value)

    def reset_parameters(self) -> None:
        """Set the weight to ones, the bias to zeros, and begin the running statistics anew."""
        self.reset_running_stats()
        super().reset_parameters()

    def check_input(self, input: Tensor) -> None:
        """Raise if the input's dimensions don't fit."""
        if input.ndim not in self.inputs:
            forms = " or ".join(self.inputs.values())
            raise ShapeError(f"the input must be {forms}, got shape {input.shape}")
        channels = input.shape[0 if self.inputs[input.ndim].startswith("(C") else 1]
        if channels != self.num_features and (self.affine or self.track_running_stats):
            raise ShapeError(f"the input has {channels} channels (shape {input.shape}), expected {self.num_features}")

    def extra_repr(self) -> str:
        """Return the options."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm(StatisticsNorm):
    """What BatchNorm1d and BatchNorm2d have in common: everything but the shapes they take."""

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, normalised over the batch in training, by the running statistics in evaluation."""
        self.check_input(input)
        part = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            with minidl.no_grad():
                self.num_batches_tracked.add_(1)
            if self.momentum is None:
                part = 1 / self.num_batches_tracked.item()
        of_the_batch = self.training or self.running_mean is None
        return F.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, of_the_batch, part, self.eps
        )


class BatchNorm1d(BatchNorm):
    """y = (x - mean)/√(var + eps)·weight + bias, mean and var of each channel over the batch (and the length).

    Options, statistics and initial values as in BatchNorm2d. Shapes: x and y (N, C) or (N, C, L), C = num_features.

    >>> import minidl
    >>> y = minidl.nn.BatchNorm1d(2)(minidl.tensor([[1.0, 5.0], [3.0, 5.0]]))
    >>> [[round(v, 3) for v in row] for row in y.tolist()]
    [[-1.0, 0.0], [1.0, 0.0]]
    """

    inputs: ClassVar = {2: "(N, C)", 3: "(N, C, L)"}


class BatchNorm2d(BatchNorm):
    """y = (x - mean)/√(var + eps)·weight + bias, mean and var of each channel over the batch, height and width.

    In training they are the batch's own, var with the divisor n, and go into running values,
    running <- (1 - momentum)·running + momentum·batch, there with the variance's divisor n - 1. In evaluation the
    running values stand in their place. `momentum=None` makes them the plain mean of all batches so far. With
    `track_running_stats=False` there are none, and the batch's own are always used. `affine=False` leaves out weight
    and bias, `bias=False` the bias (Ioffe & Szegedy 2015).

    Shapes: x and y (N, C, H, W), C = num_features; weight, bias, running_mean, running_var (C); num_batches_tracked ().
    Initial values: weight and running_var 1, the others 0.

    Raises ShapeError for other shapes, and in training for one value a channel, which has no variance.

    >>> import minidl
    >>> norm = minidl.nn.BatchNorm2d(3)
    >>> y = norm(minidl.randn(8, 3, 5, 5) * 4 + 2)
    >>> abs(y.mean().item()) < 1e-5, norm.num_batches_tracked.item()
    (True, 1)
    """

    inputs: ClassVar = {4: "(N, C, H, W)"}


class InstanceNorm(StatisticsNorm):
    """What InstanceNorm1d and InstanceNorm2d have in common: everything but the shapes they take."""

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False,
        track_running_stats: bool = False, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, each sample's channel normalised by itself, or by the running statistics in evaluation."""
        self.check_input(input)
        batch = input if input.ndim == max(self.inputs) else input.unsqueeze(0)
        own = self.training or not self.track_running_stats
        y = F.instance_norm(
            batch, self.running_mean, self.running_var, self.weight, self.bias, own, self.momentum or 0.0, self.eps
        )
        return y if batch is input else y.squeeze(0)


class InstanceNorm1d(InstanceNorm):
    """y = (x - mean)/√(var + eps), mean and var of each channel of each sample over the length.

    Shapes: x and y (N, C, L) or (C, L), C = num_features. Options as in InstanceNorm2d.

    >>> import minidl
    >>> y = minidl.nn.InstanceNorm1d(1)(minidl.tensor([[[1.0, 3.0]]]))
    >>> [round(v, 3) for v in y.flatten().tolist()]
    [-1.0, 1.0]
    """

    inputs: ClassVar = {2: "(C, L)", 3: "(N, C, L)"}


class InstanceNorm2d(InstanceNorm):
    """y = (x - mean)/√(var + eps), mean and var of each channel of each sample over height and width.

    With `affine`, times weight plus bias, (C) each. With `track_running_stats` evaluation takes running values, as in
    BatchNorm2d (Ulyanov, Vedaldi & Lempitsky 2016). Shapes: x and y (N, C, H, W) or (C, H, W), C = num_features.

    >>> import minidl
    >>> y = minidl.nn.InstanceNorm2d(1)(minidl.arange(4.0).reshape(1, 1, 2, 2))
    >>> [round(v, 3) for v in y.flatten().tolist()]
    [-1.342, -0.447, 0.447, 1.342]
    """

    inputs: ClassVar = {3: "(C, H, W)", 4: "(N, C, H, W)"}


class GroupNorm(Norm):
    """y = (x - mean)/√(var + eps)·weight + bias, mean and var of each group of channels of each sample.

    num_channels is divided into num_groups of consecutive channels (Wu & He 2018). Shapes: x and y (N, C, *), C =
    num_channels; weight, bias (C), left out with `affine=False`. Initial values: weight 1, bias 0.

    >>> import minidl
    >>> y = minidl.nn.GroupNorm(1, 2)(minidl.tensor([[1.0, 3.0]]))
    >>> [round(v, 3) for v in y.flatten().tolist()]
    [-1.0, 1.0]
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, device: Any = None,
        dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_groups = whole("num_groups", num_groups)
        self.num_channels = whole("num_channels", num_channels)
        if num_channels % num_groups:
            raise ArgumentError(
                f"num_channels must be divisible by num_groups, got {num_channels} in {num_groups} groups"
            )
        self.eps = eps
        self.affine = affine
        self.add_parameters((num_channels,), affine, affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, each group normalised."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the options."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


def shape_of(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    """Return the shape of the last dimensions, of which there may be one."""
    given = [normalized_shape] if isinstance(normalized_shape, int) else list(normalized_shape)
    return tuple(whole("normalized_shape", size) for size in given)


class LayerNorm(Norm):
    """y = (x - mean)/√(var + eps)·weight + bias, mean and var over the last dimensions, one sample at a time.

    Shapes: x and y (*, *normalized_shape); weight, bias normalized_shape. `elementwise_affine=False` leaves out both,
    `bias=False` the bias (Ba, Kiros & Hinton 2016). Initial values: weight 1, bias 0.

    >>> import minidl
    >>> y = minidl.nn.LayerNorm(2)(minidl.tensor([[1.0, 3.0], [10.0, 30.0]]))
    >>> [[round(v, 3) for v in row] for row in y.tolist()]
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float = 1e-5, elementwise_affine: bool = True,
        bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape = shape_of(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.add_parameters(self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, normalised over its last dimensions."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the options."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Norm):
    """y = x/√(mean(x²) + eps)·weight, the mean over the last dimensions: LayerNorm without the mean and the bias.

    `eps` None stands for the dtype's machine epsilon. Shapes: x and y (*, *normalized_shape); weight normalized_shape,
    left out with `elementwise_affine=False` (Zhang & Sennrich 2019). Initial values: weight 1.

    >>> import minidl
    >>> [round(v, 3) for v in minidl.nn.RMSNorm(2)(minidl.tensor([3.0, 4.0])).tolist()]
    [0.849, 1.131]
    """

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float | None = None, elementwise_affine: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape = shape_of(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.add_parameters(self.normalized_shape, elementwise_affine, False, device, dtype)
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        """Return the input, divided by its root mean square over the last dimensions."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class LocalResponseNorm(Module):
    """y = x/(k + alpha/size·Σ x²)^beta, the sum over the `size` channels around each: x and y (N, C, *).

    Source: Krizhevsky et al. 2012 (AlexNet).

    >>> import minidl
    >>> minidl.nn.LocalResponseNorm(2)(minidl.ones(1, 3, 4)).shape
    (1, 3, 4)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, each channel divided by a power of its neighbours' squares."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
