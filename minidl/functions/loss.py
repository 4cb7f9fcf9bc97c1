"""Losses of numbers and distributions, each its formula. `reduction` is "mean" (default), "sum" or "none"."""

from __future__ import annotations

import math
import warnings
from typing import Any

from .. import dtypes, ops
from ..autograd import Variable, grad_mode
from ..errors import ArgumentError, ArgumentTypeError, DTypeError, GraphError, ShapeError
from ..operation import cast_to
from ._arguments import array_in, as_array, flag, like, number
from .activation import floating, no_booleans
from .comparison import clamp
from .reductions import floats

REDUCTIONS = ("mean", "sum", "none")


def chosen(
    reduction: Any, size_average: bool | None = None, reduce: bool | None = None, allowed: tuple[str, ...] = REDUCTIONS
) -> str:
    """Return the reduction, also one asked for by PyTorch's two older arguments; refuse what is none."""
    if size_average is not None or reduce is not None:
        mean, any_at_all = size_average is not False, reduce is not False
        reduction = ("mean" if mean else "sum") if any_at_all else "none"
        warnings.warn(f'size_average and reduce are deprecated; use reduction="{reduction}"', UserWarning, stacklevel=3)
    if not isinstance(reduction, str):
        raise ArgumentTypeError(f'reduction: got {reduction!r}, expected "mean", "sum" or "none"')
    if reduction not in allowed:
        raise ArgumentError(f"reduction: got {reduction!r}, expected one of {', '.join(map(repr, allowed))}")
    return reduction


def real(value: Any, name: str) -> float:
    """Return an option that is a number as a float."""
    return float(number(value, name))


def reduced(losses: Any, reduction: str) -> Any:
    """Return the mean or sum of the losses, or the losses."""
    if reduction == "mean":
        floats(losses, "reduction: a mean")
        return ops.mean(losses)
    return ops.sum(losses) if reduction == "sum" else losses


def weighed(losses: Any, weight: Any, input: Any, reduction: str) -> Any:
    """Return the reduced losses, each times its weight; the mean is Σ weight loss / Σ weight."""
    if weight is None:
        return reduced(losses, reduction)
    if array_in(weight, "weight").shape != array_in(input).shape:
        raise ShapeError(f"weight: got shape {array_in(weight).shape}, expected the input's {array_in(input).shape}")
    losses = ops.mul(losses, weight)
    return ops.div(ops.sum(losses), ops.sum(weight)) if reduction == "mean" else reduced(losses, reduction)


def some_floats(name: str, *inputs: Any) -> None:
    """Refuse inputs of which none is floating."""
    if all(array_in(x).dtype.kind != "f" for x in inputs):
        kinds = " and ".join(str(array_in(x).dtype) for x in inputs)
        raise DTypeError(f"{name}: got {kinds}, expected a floating dtype; call .float() first")


def constant(name: str, **arguments: Any) -> None:
    """Refuse arguments that would need a gradient which the function does not give."""
    for argument, value in arguments.items():
        if isinstance(value, Variable) and value.needs_grad and grad_mode.get():
            raise GraphError(f"{name} has no derivative with respect to {argument}; detach() it")


def fitting(name: str, input: Any, **others: Any) -> None:
    """Refuse what does not broadcast to the input's shape, or would make it larger."""
    shape = array_in(input).shape
    for argument, other in others.items():
        got = () if other is None else array_in(other, argument).shape
        if len(got) > len(shape) or any(n not in (1, m) for n, m in zip(got[::-1], shape[::-1], strict=False)):
            raise ShapeError(f"{name}: {argument} has shape {got}, which does not broadcast to the input's {shape}")


def warn_of_broadcast(name: str, input: Any, target: Any) -> None:
    """Warn, as PyTorch does, where (n, 1) against (n) would make n² differences."""
    a, b = array_in(input).shape, array_in(target, "target").shape
    if a != b:
        warnings.warn(
            f"{name}: the target's shape {b} differs from the input's {a}; they are broadcast against each other, "
            "which is rarely meant: make them equal, with .squeeze(-1) or .unsqueeze(-1) for instance",
            UserWarning,
            stacklevel=3,
        )


def mse_loss(
    input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
    weight: Any = None,
) -> Any:  # fmt: skip
    """L = mean (input - target)²; with weights of the input's shape the mean is Σ weight L / Σ weight.

    >>> import minidl
    >>> minidl.nn.functional.mse_loss(minidl.tensor([1.0, 2.0]), minidl.tensor([0.0, 0.0]))
    tensor(2.5000)
    """
    reduction = chosen(reduction, size_average, reduce)
    warn_of_broadcast("mse_loss", input, target)
    some_floats("mse_loss", input, target)
    difference = apart(input, target)
    return weighed(ops.mul(difference, difference), weight, input, reduction)


def apart(input: Any, target: Any) -> Any:
    """Return input - target, also where one is boolean."""
    common = dtypes.of_values([array_in(input), array_in(target, "target")])
    return ops.sub(cast_to(input, common), cast_to(target, common))


def l1_loss(
    input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
    weight: Any = None,
) -> Any:  # fmt: skip
    """L = mean |input - target|; with weights of the input's shape the mean is Σ weight L / Σ weight.

    >>> import minidl
    >>> minidl.nn.functional.l1_loss(minidl.tensor([1.0, -2.0]), minidl.tensor([0.0, 0.0]))
    tensor(1.5000)
    """
    reduction = chosen(reduction, size_average, reduce)
    warn_of_broadcast("l1_loss", input, target)
    no_booleans(input, "l1_loss")
    no_booleans(target, "l1_loss: target")
    return weighed(ops.abs(ops.sub(input, target)), weight, input, reduction)


def smooth_l1_loss(
    input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
    beta: float = 1.0,
) -> Any:  # fmt: skip
    """L = d² / 2β where |d| < β, else |d| - β/2, for d = input - target. Source: Girshick 2015, Fast R-CNN.

    >>> import minidl
    >>> minidl.nn.functional.smooth_l1_loss(minidl.tensor([0.5, 3.0]), minidl.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    reduction = chosen(reduction, size_average, reduce)
    beta = real(beta, "beta")
    if beta < 0:
        raise ArgumentError(f"beta: got {beta}, expected at least 0")
    warn_of_broadcast("smooth_l1_loss", input, target)
    some_floats("smooth_l1_loss", input, target)
    difference = apart(input, target)
    size = ops.abs(difference)
    if beta == 0:
        return reduced(size, reduction)
    small = ops.lt(size, beta)
    near = ops.where(small, difference, 0.0)
    far = ops.sub(size, 0.5 * beta)
    return reduced(ops.where(small, ops.div(ops.mul(ops.mul(near, near), 0.5), beta), far), reduction)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """L = d² / 2 where |d| < δ, else δ (|d| - δ/2), for d = input - target; a weight of the input's shape multiplies L.

    Source: Huber 1964.

    >>> import minidl
    >>> minidl.nn.functional.huber_loss(minidl.tensor([0.5, 3.0]), minidl.zeros(2), reduction="none", delta=2.0)
    tensor([0.1250, 4.0000])
    """
    reduction = chosen(reduction)
    delta = real(delta, "delta")
    if not delta > 0:
        raise ArgumentError(f"delta: got {delta}, expected a positive number")
    warn_of_broadcast("huber_loss", input, target)
    floating(input, "huber_loss")
    if weight is not None and array_in(weight, "weight").shape != array_in(input).shape:
        raise ShapeError(f"weight: got shape {array_in(weight).shape}, expected the input's {array_in(input).shape}")
    difference = apart(input, target)
    size = ops.abs(difference)
    small = ops.lt(size, delta)
    near = ops.where(small, difference, 0.0)
    far = ops.mul(ops.sub(size, 0.5 * delta), delta)
    losses = cast_to(ops.where(small, ops.mul(ops.mul(near, near), 0.5), far), array_in(input).dtype)
    return reduced(losses if weight is None else ops.mul(losses, weight), reduction)


def kl_div(
    input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
    log_target: bool = False,
) -> Any:  # fmt: skip
    """L = t (ln t - x) for log-probabilities x and probabilities t, or e^t (t - x) with log_target.

    "mean" divides by the number of elements; "batchmean", by that of rows, is the divergence of Kullback and Leibler.

    >>> import minidl
    >>> x, t = minidl.tensor([[-1.0, -2.0]]), minidl.tensor([[1.0, 0.0]])
    >>> minidl.nn.functional.kl_div(x, t, reduction="batchmean")
    tensor(1.)
    """
    reduction = chosen(reduction, size_average, reduce, (*REDUCTIONS, "batchmean"))
    x = array_in(input)
    floating(input, "kl_div")
    floating(target, "kl_div: target")
    if flag(log_target, "log_target"):
        losses = ops.mul(ops.exp(target), ops.sub(target, input))
    else:
        nothing = ops.eq(target, 0.0)  # t ln t tends to 0 with t
        log_t = ops.log(ops.where(nothing, 1.0, target))
        losses = ops.sub(ops.mul(target, log_t), ops.mul(target, input))
    if reduction == "batchmean":
        return ops.div(ops.sum(losses), float(x.shape[0] if x.ndim else 1))
    return reduced(losses, reduction)


def poisson_nll_loss(
    input: Any, target: Any, log_input: bool = True, full: bool = False, size_average: bool | None = None,
    eps: float = 1e-8, reduce: bool | None = None, reduction: str = "mean",
) -> Any:  # fmt: skip
    """L = e^x - t x for the logarithm x of a Poisson distribution's mean, or x - t ln(x + ε) for x the mean itself.

    `full` adds Stirling's approximation of ln t!, t ln t - t + ln(2πt) / 2, where t > 1.

    >>> import minidl
    >>> minidl.nn.functional.poisson_nll_loss(minidl.tensor([0.0]), minidl.tensor([3.0]))
    tensor(1.)
    """
    reduction, eps = chosen(reduction, size_average, reduce), real(eps, "eps")
    if array_in(input).dtype.kind == "b":
        no_booleans(target, "poisson_nll_loss: target")
    if flag(log_input, "log_input"):
        losses = ops.sub(ops.exp(input), ops.mul(target, input))
    else:
        losses = ops.sub(input, ops.mul(target, ops.log(ops.add(input, eps))))
    if flag(full, "full"):
        no_booleans(target, "poisson_nll_loss: target")
        many = ops.gt(target, 1)
        t = ops.where(many, target, 1)
        stirling = ops.add(ops.sub(ops.mul(t, ops.log(t)), t), ops.mul(ops.log(ops.mul(t, 2 * math.pi)), 0.5))
        losses = ops.add(losses, ops.where(many, stirling, 0.0))
    return reduced(losses, reduction)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """L = (ln v + (x - t)² / v) / 2 for the mean x and variance v of a normal distribution; v is at least ε.

    var has the input's shape, or 1 in the place of one of its sizes, or lacks the last, or is a number. The gradient
    passes the lower bound of v as if there were none. `full` adds ln(2π) / 2. Source: Nix and Weigend 1994.

    >>> import minidl
    >>> minidl.nn.functional.gaussian_nll_loss(minidl.zeros(2), minidl.ones(2), minidl.ones(2))
    tensor(0.5000)
    """
    x, v = array_in(input), as_array(var, "var")
    reduction = chosen(reduction)
    floating(input, "gaussian_nll_loss")
    no_booleans(target, "gaussian_nll_loss: target")
    if not isinstance(var, float):
        floating(var, "gaussian_nll_loss: var")
    if (v < 0).any():
        raise ArgumentError("var: got a negative entry, expected variances")
    if isinstance(var, float):
        var = ops.add(ops.zeros_like(input), var)
    elif v.shape == x.shape[:-1] and v.shape != x.shape:
        var = ops.reshape(var, shape=(*v.shape, 1))
    elif v.shape != x.shape and (v.ndim != x.ndim or differing(v.shape, x.shape) != [1]):
        raise ShapeError(f"var: got shape {v.shape}, expected the input's {x.shape}, or 1 in one of its places")
    v = array_in(var)
    bounded = array_in(clamp(v, min=real(eps, "eps")))
    var = ops.add(var, like(bounded - v, var))
    difference = ops.sub(input, target)
    losses = ops.mul(ops.add(ops.log(var), ops.div(ops.mul(difference, difference), var)), 0.5)
    return reduced(ops.add(losses, 0.5 * math.log(2 * math.pi)) if flag(full, "full") else losses, reduction)


def differing(shape: tuple[int, ...], other: tuple[int, ...]) -> list[int]:
    """Return the sizes of a shape that are not those of another of the same length."""
    return [m for m, n in zip(shape, other, strict=True) if m != n]
