"""Losses, each its formula. `reduction` is "mean" (default), "sum" or "none"."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .. import ops
from ..autograd import Variable, grad_mode, wrap
from ..errors import ArgumentError, DTypeError, GraphError, IndexOutOfRange, ShapeError
from ._arguments import as_array
from .activation import logsigmoid
from .layers import same_floats


def reduced(losses: Any, reduction: str) -> Any:
    """Return the mean or sum of the losses, or the losses."""
    if reduction == "mean":
        return ops.mean(losses)
    if reduction == "sum":
        return ops.sum(losses)
    if reduction == "none":
        return losses
    raise ArgumentError(f'reduction: got {reduction!r}, expected "mean", "sum" or "none"')


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """L = mean (input - target)².

    >>> import minidl
    >>> minidl.nn.functional.mse_loss(minidl.tensor([1.0, 2.0]), minidl.tensor([0.0, 0.0]))
    tensor(2.5000)
    """
    warn_of_broadcast("mse_loss", input, target)
    difference = ops.sub(input, target)
    return reduced(ops.mul(difference, difference), reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """L = mean |input - target|.

    >>> import minidl
    >>> minidl.nn.functional.l1_loss(minidl.tensor([1.0, -2.0]), minidl.tensor([0.0, 0.0]))
    tensor(1.5000)
    """
    warn_of_broadcast("l1_loss", input, target)
    return reduced(ops.abs(ops.sub(input, target)), reduction)


def warn_of_broadcast(name: str, input: Any, target: Any) -> None:
    """Warn, as PyTorch does, where (n, 1) against (n) would make n² differences."""
    a, b = as_array(input).shape, as_array(target, "target").shape
    if a != b:
        warnings.warn(
            f"{name}: the target's shape {b} differs from the input's {a}; they are broadcast against each other, "
            "which is rarely meant: make them equal, with .squeeze(-1) or .unsqueeze(-1) for instance",
            UserWarning,
            stacklevel=3,
        )


def cross_entropy(
    input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    """L = -ln softmax(input)[target], for scores before any softmax.

    input (N, C), (C) or (N, C, d1, ...). target: class indices (N), (), (N, d1, ...), or class probabilities in the
    input's shape: then L = -Σ_c target_c ln softmax(input)_c. `weight` (C) weighs the classes, and the mean is then the
    weighted one. Rows whose target is ignore_index count for nothing. label_smoothing ε mixes the target with the
    uniform distribution: (1 - ε) target + ε / C.

    >>> import minidl
    >>> minidl.nn.functional.cross_entropy(minidl.tensor([[2.0, 0.0]]), minidl.tensor([0]))
    tensor(0.1269)
    """
    x, t = as_array(input), as_array(target, "target")
    same_floats("cross_entropy", input=x, weight=weight)
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(f"label_smoothing: got {label_smoothing}, expected 0 to 1")
    if x.ndim == 0:
        raise ShapeError("cross_entropy: the input is 0-d, expected scores (N, C) or (C)")
    classes = x.shape[0 if x.ndim == 1 else 1]
    if weight is not None and as_array(weight, "weight").shape != (classes,):
        raise ShapeError(f"weight: got shape {as_array(weight).shape}, expected ({classes},), one for each class")
    if t.shape == x.shape and t.dtype.kind == "f":
        return of_probabilities(input, target, weight, reduction, label_smoothing)
    ignored = check_labels("cross_entropy", t, x, classes, ignore_index)
    if x.ndim == 2 and weight is None and label_smoothing == 0 and not ignored:
        return reduced(ops.cross_entropy(input, t.astype(np.int64, copy=False)), reduction)
    logp = ops.log_softmax(input, dim=0 if x.ndim == 1 else 1)
    loss = nll_loss(logp, target, weight, ignore_index=ignore_index, reduction=reduction)
    if label_smoothing == 0:
        return loss
    kept = t != ignore_index
    weights = np.ones(classes, x.dtype) if weight is None else as_array(weight)
    along = weights.reshape((-1,) + (1,) * (x.ndim - 2) if x.ndim > 1 else (-1,))
    smooth = ops.where(kept, ops.neg(ops.sum(ops.mul(logp, wrap(along)), dim=0 if x.ndim == 1 else 1)), 0.0)
    if reduction == "mean":
        smooth = weighted_mean(smooth, (kept * weights[np.where(kept, t, 0)]).sum())
    elif reduction == "sum":
        smooth = ops.sum(smooth)
    return ops.add(ops.mul(loss, 1 - label_smoothing), ops.mul(smooth, label_smoothing / classes))


def of_probabilities(input: Any, target: Any, weight: Any, reduction: str, smoothing: float) -> Any:
    """The cross entropy against class probabilities."""
    dim = 0 if as_array(input).ndim == 1 else 1
    classes = as_array(input).shape[dim]
    if smoothing:
        target = ops.add(ops.mul(target, 1 - smoothing), smoothing / classes)
    logp = ops.log_softmax(input, dim=dim)
    if weight is not None:
        logp = ops.mul(logp, ops.reshape(weight, shape=(-1,) + (1,) * (as_array(input).ndim - 1 - dim)))
    losses = ops.neg(ops.sum(ops.mul(logp, target), dim=dim))
    if reduction != "mean":
        return reduced(losses, reduction)
    return ops.div(ops.sum(losses), float(as_array(losses).size))


def check_labels(name: str, t: np.ndarray[Any, Any], x: np.ndarray[Any, Any], classes: int, ignore_index: int) -> bool:
    """Refuse labels of the wrong type, shape or range, in the user's words; return whether some may be ignored."""
    if t.dtype.kind not in "iu":
        raise DTypeError(
            f"{name}: target is {t.dtype} of shape {t.shape}, expected class indices as int64 (call .long()), or class "
            f"probabilities in the input's shape {x.shape}"
        )
    expected = () if x.ndim == 1 else (x.shape[0], *x.shape[2:])
    if t.shape != expected:
        hint = "; .squeeze(1) drops the last 1" if t.shape == (*expected, 1) else ""
        if t.shape == x.shape:
            hint = "; one-hot labels become class indices by .argmax(1), and class probabilities are floats: .float()"
        raise ShapeError(
            f"{name}: target has shape {t.shape}, expected {expected} for an input of shape {x.shape}{hint}"
        )
    unsigned = t.astype(np.int64, copy=False).view(np.uint64)  # in which negative numbers are the largest
    highest = np.maximum.reduce(unsigned, None) if t.size else 0
    if highest < classes and not 0 <= ignore_index < classes:
        return False
    bad = (t != ignore_index) & ((t < 0) | (t >= classes))
    if bad.any():
        first = tuple(int(k) for k in np.argwhere(bad)[0])
        where = f" at index {first[0] if len(first) == 1 else first}" if first else ""
        hint = "; do the labels start at 1?" if classes in t[bad] and t.min() >= 1 else ""
        raise IndexOutOfRange(
            f"{name}: target {int(t[bad][0])}{where} is out of range for {classes} classes, "
            f"expected 0 to {classes - 1}{hint}"
        )
    return True


def nll_loss(input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> Any:
    """L = -weight[target] · input[target], for log-probabilities; the mean is weighted.

    Shapes as in cross_entropy, target: class indices.

    >>> import minidl
    >>> minidl.nn.functional.nll_loss(minidl.tensor([[-0.1, -2.0]]), minidl.tensor([0]))
    tensor(0.1000)
    """
    x, t = as_array(input), as_array(target, "target")
    same_floats("nll_loss", input=x, weight=weight)
    if x.ndim == 0:
        raise ShapeError("nll_loss: the input is 0-d, expected log-probabilities (N, C) or (C)")
    classes = x.shape[0 if x.ndim == 1 else 1]
    check_labels("nll_loss", t, x, classes, ignore_index)
    kept = t != ignore_index
    labels = np.where(kept, t, 0)
    if isinstance(weight, Variable) and weight.needs_grad and grad_mode.get():
        raise GraphError("nll_loss has no derivative with respect to weight; detach() it")
    weights = np.ones(classes, x.dtype) if weight is None else as_array(weight, "weight")
    weights = np.where(kept, weights[labels] if classes else 0, 0).astype(x.dtype)
    places = np.indices(t.shape, sparse=True)
    index = (labels,) if x.ndim == 1 else (places[0], labels, *places[1:])
    losses = ops.where(kept, ops.neg(ops.mul(ops.getitem(input, index=index), wrap(weights))), 0.0)
    return weighted_mean(losses, weights.sum()) if reduction == "mean" else reduced(losses, reduction)


def weighted_mean(losses: Any, total: Any) -> Any:
    """Return Σ losses / total; NaN where no row counts."""
    return ops.div(ops.sum(losses), float(total))


def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """L = d² / 2β where |d| < β, else |d| - β/2, for d = input - target. Source: Girshick 2015, Fast R-CNN.

    >>> import minidl
    >>> minidl.nn.functional.smooth_l1_loss(minidl.tensor([0.5, 3.0]), minidl.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    if beta < 0:
        raise ArgumentError(f"beta: got {beta}, expected at least 0")
    if beta == 0:
        return l1_loss(input, target, reduction)
    return ops.div(huber_loss(input, target, reduction, beta), beta)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """L = d² / 2 where |d| < δ, else δ (|d| - δ/2), for d = input - target. Source: Huber 1964.

    >>> import minidl
    >>> minidl.nn.functional.huber_loss(minidl.tensor([0.5, 3.0]), minidl.zeros(2), reduction="none", delta=2.0)
    tensor([0.1250, 4.0000])
    """
    if delta <= 0:
        raise ArgumentError(f"delta: got {delta}, expected a positive number")
    warn_of_broadcast("huber_loss", input, target)
    difference = ops.sub(input, target)
    size = ops.abs(difference)
    small = ops.lt(size, delta)
    near = ops.where(small, difference, 0.0)
    far = ops.mul(ops.sub(size, 0.5 * delta), delta)
    return reduced(ops.where(small, ops.mul(ops.mul(near, near), 0.5), far), reduction)


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """L = -weight (t ln p + (1 - t) ln(1 - p)) for probabilities p and targets t; each ln is at least -100.

    For scores before a sigmoid, binary_cross_entropy_with_logits is exact where this one is cut off.

    >>> import minidl
    >>> p, t = minidl.tensor([0.5, 1.0]), minidl.tensor([1.0, 0.0])
    >>> minidl.nn.functional.binary_cross_entropy(p, t, reduction="none")
    tensor([  0.6931, 100.0000])
    """
    p = equal_shapes("binary_cross_entropy", input, target, weight)
    if not np.all((p >= 0) & (p <= 1) | np.isnan(p)):
        raise ArgumentError("binary_cross_entropy: the input must be probabilities from 0 to 1; apply a sigmoid first")
    losses = ops.neg(
        ops.add(ops.mul(target, floored_log(input)), ops.mul(ops.sub(1.0, target), floored_log(ops.sub(1.0, input))))
    )
    return reduced(losses if weight is None else ops.mul(losses, weight), reduction)


def floored_log(p: Any) -> Any:
    """Return max(ln p, -100)."""
    least = 3.7e-44 if as_array(p).dtype == np.float64 else 0.0  # e^-100 is less than any float32 but 0
    low = ops.le(p, least)
    return ops.where(low, -100.0, ops.log(ops.where(low, 1.0, p)))


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """L = -weight (pos_weight t ln σ(x) + (1 - t) ln(1 - σ(x))) for scores x, exact for any x: ln σ is one function.

    >>> import minidl
    >>> x = minidl.tensor([0.0, 90.0])
    >>> minidl.nn.functional.binary_cross_entropy_with_logits(x, minidl.zeros(2), reduction="none")
    tensor([ 0.6931, 90.0000])
    """
    equal_shapes("binary_cross_entropy_with_logits", input, target, weight)
    surprise = ops.neg(logsigmoid(input))
    if pos_weight is not None:
        surprise = ops.mul(ops.add(ops.mul(ops.sub(pos_weight, 1.0), target), 1.0), surprise)
    losses = ops.add(ops.mul(ops.sub(1.0, target), input), surprise)
    return reduced(losses if weight is None else ops.mul(losses, weight), reduction)


def equal_shapes(name: str, input: Any, target: Any, weight: Any) -> np.ndarray[Any, Any]:
    """Return the input's array; refuse integers, and a target of another shape."""
    x, t = as_array(input), as_array(target, "target")
    same_floats(name, input=x, weight=weight)
    if x.shape != t.shape:
        raise ShapeError(f"{name}: target has shape {t.shape}, expected the input's {x.shape}")
    return x


def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """L = t (ln t - x) for log-probabilities x and probabilities t, or e^t (t - x) with log_target.

    "mean" divides by the number of elements; "batchmean", by that of rows, is the divergence of Kullback and Leibler.

    >>> import minidl
    >>> x, t = minidl.tensor([[-1.0, -2.0]]), minidl.tensor([[1.0, 0.0]])
    >>> minidl.nn.functional.kl_div(x, t, reduction="batchmean")
    tensor(1.)
    """
    x = as_array(input)
    same_floats("kl_div", input=x, target=target)
    if log_target:
        losses = ops.mul(ops.exp(target), ops.sub(target, input))
    else:
        nothing = ops.le(target, 0.0)  # t ln t tends to 0 with t
        log_t = ops.log(ops.where(nothing, 1.0, target))
        losses = ops.mul(target, ops.sub(log_t, input))
    if reduction == "batchmean":
        return ops.div(ops.sum(losses), float(x.shape[0] if x.ndim else 1))
    return reduced(losses, reduction)
