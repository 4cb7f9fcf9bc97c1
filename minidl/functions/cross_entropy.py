"""Cross entropies: how surprised scores, or probabilities, are by the true classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import wrap
from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from ..operation import cast_to
from ._arguments import array_in, one_int
from .activation import floating, logsigmoid
from .layers import same_floats
from .loss import chosen, constant, fitting, real, reduced


def cross_entropy(
    input: Any, target: Any, weight: Any = None, size_average: bool | None = None, ignore_index: int = -100,
    reduce: bool | None = None, reduction: str = "mean", label_smoothing: float = 0.0,
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
    reduction = chosen(reduction, size_average, reduce)
    x, t = array_in(input), array_in(target, "target")
    classes, ignore_index = classes_of("cross_entropy", x, weight), one_int(ignore_index, "ignore_index")
    if not 0 <= real(label_smoothing, "label_smoothing") <= 1:
        raise ArgumentError(f"label_smoothing: got {label_smoothing}, expected 0 to 1")
    if t.shape == x.shape and t.dtype.kind == "f":
        if ignore_index >= 0:
            raise ArgumentError(f"ignore_index: got {ignore_index}, but the target holds probabilities, not indices")
        return of_probabilities(input, target, weight, reduction, label_smoothing)
    ignored = check_labels("cross_entropy", t, x, classes, ignore_index)
    if x.ndim == 2 and weight is None and label_smoothing == 0 and not ignored:
        return reduced(ops.cross_entropy(input, t.astype(np.int64, copy=False)), reduction)
    logp = ops.log_softmax(input, dim=0 if x.ndim == 1 else 1)
    loss = of_labels("cross_entropy", logp, t, weight, ignore_index, reduction)
    if label_smoothing == 0:
        return loss
    kept = t != ignore_index
    weights = np.ones(classes, x.dtype) if weight is None else array_in(weight)
    along = weights.reshape((-1,) + (1,) * (x.ndim - 2) if x.ndim > 1 else (-1,))
    smooth = ops.where(kept, ops.neg(ops.sum(ops.mul(logp, wrap(along)), dim=0 if x.ndim == 1 else 1)), 0.0)
    if reduction == "mean":
        smooth = weighted_mean(smooth, (kept * weights[np.where(kept, t, 0)]).sum())
    elif reduction == "sum":
        smooth = ops.sum(smooth)
    return ops.add(ops.mul(loss, 1 - label_smoothing), ops.mul(smooth, label_smoothing / classes))


def classes_of(name: str, x: np.ndarray[Any, Any], weight: Any) -> int:
    """Return the number of classes of scores; refuse scores or weights of another type or shape."""
    same_floats(name, input=x, weight=weight)
    if x.ndim == 0:
        raise ShapeError(f"{name}: the input is 0-d, expected (N, C) or (C)")
    classes = x.shape[0 if x.ndim == 1 else 1]
    if weight is not None and array_in(weight, "weight").shape != (classes,):
        raise ShapeError(f"weight: got shape {array_in(weight).shape}, expected ({classes},), one for each class")
    return classes


def of_probabilities(input: Any, target: Any, weight: Any, reduction: str, smoothing: float) -> Any:
    """The cross entropy against class probabilities."""
    dim = 0 if array_in(input).ndim == 1 else 1
    classes = array_in(input).shape[dim]
    if smoothing:
        target = ops.add(ops.mul(target, 1 - smoothing), smoothing / classes)
    logp = ops.log_softmax(input, dim=dim)
    if weight is not None:
        logp = ops.mul(logp, ops.reshape(weight, shape=(-1,) + (1,) * (array_in(input).ndim - 1 - dim)))
    losses = ops.neg(ops.sum(ops.mul(logp, target), dim=dim))
    if reduction != "mean":
        return reduced(losses, reduction)
    return ops.div(ops.sum(losses), float(array_in(losses).size))


def check_labels(name: str, t: np.ndarray[Any, Any], x: np.ndarray[Any, Any], classes: int, ignore_index: int) -> bool:
    """Refuse labels of the wrong type, shape or range, in the user's words; return whether some may be ignored."""
    if t.dtype not in (np.int64, np.uint8):
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


def nll_loss(
    input: Any, target: Any, weight: Any = None, size_average: bool | None = None, ignore_index: int = -100,
    reduce: bool | None = None, reduction: str = "mean",
) -> Any:  # fmt: skip
    """L = -weight[target] · input[target], for log-probabilities; the mean is weighted.

    Shapes as in cross_entropy, target: class indices.

    >>> import minidl
    >>> minidl.nn.functional.nll_loss(minidl.tensor([[-0.1, -2.0]]), minidl.tensor([0]))
    tensor(0.1000)
    """
    reduction = chosen(reduction, size_average, reduce)
    x, t = array_in(input), array_in(target, "target")
    ignore_index = one_int(ignore_index, "ignore_index")
    check_labels("nll_loss", t, x, classes_of("nll_loss", x, weight), ignore_index)
    return of_labels("nll_loss", input, t, weight, ignore_index, reduction)


def of_labels(name: str, logp: Any, t: np.ndarray[Any, Any], weight: Any, ignore_index: int, reduction: str) -> Any:
    """The negative log-likelihood of class indices."""
    constant(name, weight=weight)
    x = array_in(logp)
    classes = x.shape[0 if x.ndim == 1 else 1]
    kept = t != ignore_index
    labels = np.where(kept, t, 0).astype(np.int64)
    weights = np.ones(classes, x.dtype) if weight is None else array_in(weight)
    weights = np.where(kept, weights[labels] if classes else 0, 0).astype(x.dtype)
    places = np.indices(t.shape, sparse=True)
    index = (labels,) if x.ndim == 1 else (places[0], labels, *places[1:])
    losses = ops.where(kept, ops.neg(ops.mul(ops.getitem(logp, index=index), wrap(weights))), 0.0)
    return weighted_mean(losses, weights.sum()) if reduction == "mean" else reduced(losses, reduction)


def weighted_mean(losses: Any, total: Any) -> Any:
    """Return Σ losses / total; NaN where no row counts."""
    return ops.div(ops.sum(losses), float(total))


def binary_cross_entropy(
    input: Any, target: Any, weight: Any = None, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    """L = -weight (t ln p + (1 - t) ln(1 - p)) for probabilities p and targets t; each ln is at least -100.

    For scores before a sigmoid, binary_cross_entropy_with_logits is exact where this one is cut off.

    >>> import minidl
    >>> p, t = minidl.tensor([0.5, 1.0]), minidl.tensor([1.0, 0.0])
    >>> minidl.nn.functional.binary_cross_entropy(p, t, reduction="none")
    tensor([  0.6931, 100.0000])
    """
    reduction = chosen(reduction, size_average, reduce)
    same_shape("binary_cross_entropy", input, target)
    same_floats("binary_cross_entropy", input=input, target=target)
    weight = weight_like("binary_cross_entropy", input, target, weight)
    for argument, x in (("input", array_in(input)), ("target", array_in(target))):
        if not np.all((x >= 0) & (x <= 1)):
            hint = "; apply a sigmoid first" if argument == "input" else ""
            raise ArgumentError(f"binary_cross_entropy: {argument} must be probabilities from 0 to 1{hint}")
    losses = ops.binary_cross_entropy(input, target)
    return reduced(losses if weight is None else ops.mul(losses, weight), reduction)


def same_shape(name: str, input: Any, target: Any) -> None:
    """Refuse a target of another shape than the input's."""
    x, t = array_in(input), array_in(target, "target")
    if x.shape != t.shape:
        raise ShapeError(f"{name}: target has shape {t.shape}, expected the input's {x.shape}")


def weight_like(name: str, input: Any, target: Any, weight: Any) -> Any:
    """Return the weight, if there is one, in the type of the target; it broadcasts to the input's shape."""
    if weight is None:
        return None
    constant(name, weight=weight)
    fitting(name, input, weight=weight)
    return cast_to(weight, array_in(target).dtype)


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", pos_weight: Any = None,
) -> Any:  # fmt: skip
    """L = -weight (pos_weight t ln σ(x) + (1 - t) ln(1 - σ(x))) for scores x, exact for any x: ln σ is one function.

    Unlike PyTorch's, the loss keeps its digits where it is nearly 0.

    >>> import minidl
    >>> x = minidl.tensor([0.0, 90.0])
    >>> minidl.nn.functional.binary_cross_entropy_with_logits(x, minidl.zeros(2), reduction="none")
    tensor([ 0.6931, 90.0000])
    """
    name = "binary_cross_entropy_with_logits"
    reduction = chosen(reduction, size_average, reduce)
    floating(input, name)
    floating(target, f"{name}: target")
    same_shape(name, input, target)
    fitting(name, input, pos_weight=pos_weight)
    weight = weight_like(name, input, target, weight)
    true = logsigmoid(input) if pos_weight is None else ops.mul(logsigmoid(input), pos_weight)
    false = logsigmoid(ops.neg(input))  # ln(1 - σ(x))
    surprise = ops.neg(ops.add(ops.mul(target, true), ops.mul(ops.sub(1.0, target), false)))
    losses = cast_to(surprise, array_in(target).dtype)
    return reduced(losses if weight is None else ops.mul(losses, weight), reduction)
