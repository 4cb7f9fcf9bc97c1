"""Normalisation over a batch, over features, over groups of channels."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .. import ops
from ..autograd import no_grad
from ..errors import ArgumentError, ShapeError
from ..operation import cast_to
from ._arguments import array_in, as_array, flag, ints, number, one_int
from .layers import same_floats
from .padding import surrounded
from .pooling import avg_pool2d


def batch_norm(
    input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    """y = (x - mean) / √(var + ε) · weight + bias, mean and var of each channel: dimension 1 of x (N, C, ...).

    In training they are those of the batch (var the biased one), and the running ones, if given, move towards them in
    place: running = (1 - momentum) running + momentum new, with the unbiased var. Else they are the running ones.
    Source: Ioffe and Szegedy 2015.

    >>> import minidl
    >>> x = minidl.tensor([[1.0], [3.0]])
    >>> minidl.nn.functional.batch_norm(x, None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    x = as_array(input)
    same_floats("batch_norm", input=x, weight=weight, bias=bias)
    if x.ndim < 2:
        raise ShapeError(f"batch_norm: the input has shape {x.shape}, expected (N, channels, ...)")
    channels = x.shape[1]
    check_channels("batch_norm", channels, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var)
    if (running_mean is None) != (running_var is None):
        raise ArgumentError("batch_norm: give both running_mean and running_var, or neither")
    momentum, eps = number(momentum, "momentum"), number(eps, "eps")
    if eps < 0 or (eps == 0 and training):
        raise ArgumentError(f"eps: got {eps}, expected a positive number{'' if training else ', or 0'}")
    if not flag(training, "training"):
        if running_mean is None:
            raise ArgumentError("batch_norm: running_mean and running_var are needed when not training")
        same_floats("batch_norm", input=x, running_mean=running_mean, running_var=running_var)
        scale = ops.div(1.0 if weight is None else weight, ops.sqrt(ops.add(running_var, eps)))
        return ops.channel_affine(input, running_mean, scale, bias)
    count = x.shape[0] * prod(x.shape[2:])
    if count == 1:
        raise ArgumentError(
            f"batch_norm: expected more than 1 value per channel when training, got input size {x.shape}"
        )
    if not x.size:
        return affine(input, weight, bias)
    y, mean, var = by_statistics(input, weight, bias, eps)
    with no_grad():
        move_towards(running_mean, mean, momentum)
        move_towards(running_var, ops.mul(var, count / (count - 1)), momentum)
    return y


def by_statistics(input: Any, weight: Any, bias: Any, eps: float) -> Any:
    """Return batch_norm's y, mean and var; by way of float64 where the squares of float32 numbers are too large."""
    y, mean, var = ops.batch_norm(input, weight, bias, eps=eps)
    x = as_array(input)
    if x.dtype == np.float64 or not np.isinf(as_array(var)).any():
        return y, mean, var
    wide = [None if part is None else cast_to(part, np.dtype(np.float64)) for part in (input, weight, bias)]
    return [cast_to(part, x.dtype) for part in ops.batch_norm(*wide, eps=eps)]


def move_towards(running: Any, new: Any, momentum: float) -> None:
    """running = (1 - momentum) running + momentum new, in place."""
    if running is not None:
        running *= 1 - momentum
        running += momentum * new


def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """y = (x - mean) / √(var + ε) · weight + bias, mean and (biased) var over the last dimensions, `normalized_shape`.

    weight and bias have that shape. Source: Ba, Kiros and Hinton 2016.

    >>> import minidl
    >>> minidl.nn.functional.layer_norm(minidl.tensor([[1.0, 3.0]]), (2,), eps=0.0)
    tensor([[-1.,  1.]])
    """
    shape = normalised_shape("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    return ops.layer_norm(input, weight, bias, eps=number(eps, "eps"), dims=len(shape))


def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """y = x / √(mean x² + ε) · weight, the mean over the last dimensions; ε is that of the dtype by default.

    Source: Zhang and Sennrich 2019.

    >>> import minidl
    >>> minidl.nn.functional.rms_norm(minidl.tensor([[3.0, -3.0]]), (2,))
    tensor([[ 1., -1.]])
    """
    x, shape = as_array(input), normalised_shape("rms_norm", input, normalized_shape, weight=weight)
    eps = float(np.finfo(x.dtype).eps) if eps is None else number(eps, "eps")
    return ops.rms_norm(input, weight, eps=eps, dims=len(shape))


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """y = (x - mean) / √(var + ε) · weight + bias, mean and var over groups of each sample's channels; x (N, C, ...).

    Source: Wu and He 2018.

    >>> import minidl
    >>> minidl.nn.functional.group_norm(minidl.tensor([[1.0, 3.0, 5.0, 5.0]]), 2, eps=1e-5)
    tensor([[-1.0000,  1.0000,  0.0000,  0.0000]])
    """
    x = as_array(input)
    same_floats("group_norm", input=x, weight=weight, bias=bias)
    if x.ndim < 2:
        raise ShapeError(f"group_norm: the input has shape {x.shape}, expected (N, channels, ...)")
    num_groups, eps = one_int(num_groups, "num_groups"), number(eps, "eps")
    if num_groups < 1 or x.shape[1] % num_groups:
        raise ArgumentError(f"num_groups: got {num_groups}, expected a positive divisor of the {x.shape[1]} channels")
    check_channels("group_norm", x.shape[1], weight=weight, bias=bias)
    if x.size == num_groups and x.shape[0] == 1:
        raise ArgumentError(f"group_norm: expected more than 1 value per group, got input size {x.shape}")
    rows = ops.reshape(input, shape=(x.shape[0] * num_groups, prod(x.shape[1:]) // num_groups))
    return affine(ops.reshape(ops.layer_norm(rows, None, None, eps=eps), shape=x.shape), weight, bias)


def instance_norm(
    input: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    """y = (x - mean) / √(var + ε) · weight + bias, mean and var of each sample's each channel, for x (N, C, ...).

    The running ones, if given, move towards the samples' average as in batch_norm. Source: Ulyanov et al. 2016.

    >>> import minidl
    >>> minidl.nn.functional.instance_norm(minidl.tensor([[[1.0, 3.0], [5.0, 9.0]]]), eps=0.0)
    tensor([[[-1.,  1.],
             [-1.,  1.]]])
    """
    x = as_array(input)
    if not flag(use_input_stats, "use_input_stats"):
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    same_floats("instance_norm", input=x, weight=weight, bias=bias)
    if x.ndim < 3:
        raise ShapeError(f"instance_norm: the input has shape {x.shape}, expected (N, channels, ...)")
    n, channels = x.shape[:2]
    space = prod(x.shape[2:])
    vectors = {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var}
    check_channels("instance_norm", channels, **vectors)
    if (running_mean is None) != (running_var is None):
        raise ArgumentError("instance_norm: give both running_mean and running_var, or neither")
    momentum, eps = number(momentum, "momentum"), number(eps, "eps")
    if space == 1:
        raise ArgumentError(f"instance_norm: expected more than 1 place per channel, got input size {x.shape}")
    if not x.size:
        return affine(input, weight, bias)
    y, mean, var = by_statistics(ops.reshape(input, shape=(1, n * channels, space)), None, None, eps)
    with no_grad():
        mean, var = (ops.mean(ops.reshape(part, shape=(n, channels)), dim=0) for part in (mean, var))
        move_towards(running_mean, mean, momentum)
        move_towards(running_var, ops.mul(var, space / (space - 1)), momentum)
    return affine(ops.reshape(y, shape=x.shape), weight, bias)


def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """y[n,c] = x[n,c] / (k + α/size · Σ x[n,c']²)^β, over the `size` channels c' around c, zeros beyond the ends.

    Source: Krizhevsky et al. 2012.

    >>> import minidl
    >>> minidl.nn.functional.local_response_norm(minidl.ones(1, 2, 1), 2, alpha=2.0, beta=1.0).flatten()
    tensor([0.5000, 0.3333])
    """
    x = as_array(input)
    if x.ndim < 3:
        raise ShapeError(f"local_response_norm: the input has shape {x.shape}, expected (N, channels, ...)")
    size, (alpha, beta, k) = one_int(size, "size"), (number(x, "alpha, beta, k") for x in (alpha, beta, k))
    if size < 1:
        raise ArgumentError(f"size: got {size}, expected a positive int")
    if not x.size:
        return input
    squares = ops.reshape(ops.mul(input, input), shape=(x.shape[0], 1, x.shape[1], prod(x.shape[2:])))
    around = surrounded(squares, [(0, 0), (0, 0), (size // 2, (size - 1) // 2), (0, 0)], 0)
    means = avg_pool2d(around, (size, 1), stride=1)
    scale = ops.pow(ops.add(ops.mul(means, alpha), k), beta)
    return ops.div(input, ops.reshape(scale, shape=x.shape))


def affine(y: Any, weight: Any, bias: Any) -> Any:
    """Return y · weight + bias, channel by channel; either may be None."""
    if weight is not None:
        return ops.channel_affine(y, None, weight, bias)
    return y if bias is None else ops.add(y, ops.reshape(bias, shape=(-1,) + (1,) * (as_array(y).ndim - 2)))


def check_channels(name: str, channels: int, **vectors: Any) -> None:
    """Refuse vectors of another length than one number for each channel."""
    for argument, vector in vectors.items():
        if vector is not None and array_in(vector, argument).shape != (channels,):
            shape = as_array(vector).shape
            raise ShapeError(f"{name}: {argument} has shape {shape}, expected ({channels},), one for each channel")


def normalised_shape(name: str, input: Any, normalized_shape: Any, **parameters: Any) -> tuple[int, ...]:
    """Return normalized_shape as a tuple; refuse an input or parameters that it does not fit."""
    x = as_array(input)
    same_floats(name, input=x, **parameters)
    shape = ints(normalized_shape, "normalized_shape")
    if not shape or x.shape[-len(shape) :] != shape:
        raise ShapeError(f"{name}: normalized_shape is {shape}, the input {x.shape} must end with these sizes")
    for argument, parameter in parameters.items():
        if parameter is not None and as_array(parameter).shape != shape:
            got = as_array(parameter).shape
            raise ShapeError(f"{name}: {argument} has shape {got}, expected normalized_shape {shape}")
    return shape
