"""Losses with a margin: what is right must win by it; and those of several labels at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from ..operation import cast_to
from ._arguments import array_in, flag, number
from .activation import floating, logsigmoid, no_booleans
from .comparison import clamp
from .cross_entropy import check_labels, classes_of
from .loss import chosen, constant, fitting, real, reduced
from .vector_norm import norm


def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Any:  # fmt: skip
    """L = max(0, -t (x1 - x2) + margin): t = 1 where x1 should be the larger, -1 where x2 should.

    >>> import minidl
    >>> x1, x2, t = minidl.tensor([1.0, 3.0]), minidl.tensor([2.0, 2.0]), minidl.tensor([1.0, 1.0])
    >>> minidl.nn.functional.margin_ranking_loss(x1, x2, t, reduction="none")
    tensor([1., 0.])
    """
    reduction = chosen(reduction, size_average, reduce)
    same_ndim("margin_ranking_loss", input1=input1, input2=input2, target=target)
    for x in (input1, input2, target):
        no_booleans(x, "margin_ranking_loss")
    losses = ops.add(ops.mul(ops.neg(target), ops.sub(input1, input2)), real(margin, "margin"))
    return reduced(clamp(losses, min=0), reduction)


def same_ndim(name: str, **inputs: Any) -> None:
    """Refuse inputs that differ in their number of dimensions."""
    shapes = {argument: array_in(x, argument).shape for argument, x in inputs.items()}
    if len({len(shape) for shape in shapes.values()}) > 1:
        told = ", ".join(f"{argument} {shape}" for argument, shape in shapes.items())
        raise ShapeError(f"{name}: expected inputs with the same number of dimensions, got {told}")


def hinge_embedding_loss(
    input: Any, target: Any, margin: float = 1.0, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    """L = x where t = 1, max(0, margin - x) where t = -1, for a distance x.

    >>> import minidl
    >>> x, t = minidl.tensor([0.5, 0.25]), minidl.tensor([1.0, -1.0])
    >>> minidl.nn.functional.hinge_embedding_loss(x, t, reduction="none")
    tensor([0.5000, 0.7500])
    """
    reduction = chosen(reduction, size_average, reduce)
    array_in(target, "target")
    no_booleans(input, "hinge_embedding_loss")
    apart = ops.where(ops.ne(target, 1), clamp(ops.sub(real(margin, "margin"), input), min=0), 0)
    losses = ops.add(apart, ops.where(ops.ne(target, -1), input, 0))
    return reduced(cast_to(losses, array_in(input).dtype), reduction)


def soft_margin_loss(
    input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Any:
    """L = ln(1 + e^(-t x)) for scores x and t = 1 or -1.

    >>> import minidl
    >>> minidl.nn.functional.soft_margin_loss(minidl.tensor([0.0]), minidl.tensor([1.0]))
    tensor(0.6931)
    """
    reduction = chosen(reduction, size_average, reduce)
    floating(input, "soft_margin_loss")
    fitting("soft_margin_loss", input, target=target)
    losses = ops.neg(logsigmoid(ops.mul(input, target)))
    return reduced(cast_to(losses, array_in(input).dtype), reduction)


def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Any:  # fmt: skip
    """L = Σ_{c ≠ t} weight[t] max(0, margin - x[t] + x[c])^p / C for scores x (N, C) or (C) and class indices t.

    >>> import minidl
    >>> minidl.nn.functional.multi_margin_loss(minidl.tensor([[0.5, 0.0]]), minidl.tensor([0]))
    tensor(0.2500)
    """
    reduction = chosen(reduction, size_average, reduce)
    if number(p, "p") not in (1, 2):
        raise ArgumentError(f"p: got {p}, expected 1 or 2")
    margin = real(margin, "margin")
    constant("multi_margin_loss", weight=weight)
    x, t = array_in(input), array_in(target, "target")
    if x.ndim > 2 or 0 in x.shape[-1:]:
        raise ShapeError(f"multi_margin_loss: the input has shape {x.shape}, expected scores (N, C) or (C), not none")
    input, shape = rows_of(input), t.shape
    rows = array_in(input)
    classes = classes_of("multi_margin_loss", rows, weight)
    t = t.reshape(-1)
    if len(shape) > 1:
        raise ShapeError(f"multi_margin_loss: target has shape {shape}, expected ({len(rows)},)")
    check_labels("multi_margin_loss", t, rows, classes, -1)
    if (t < 0).any():
        raise IndexOutOfRange(f"multi_margin_loss: target {int(t.min())} is out of range for {classes} classes")
    right = ops.getitem(input, index=(np.arange(len(rows)), t.astype(np.int64)))
    lead = ops.sub(input, ops.reshape(right, shape=(len(rows), 1)))
    short = ops.relu(ops.where(np.arange(classes) == t[:, None], 0.0, ops.add(lead, margin)))
    losses = short if p == 1 else ops.mul(short, short)
    if weight is not None:
        losses = ops.mul(losses, ops.reshape(ops.getitem(weight, index=(t,)), shape=(len(rows), 1)))
    losses = ops.div(ops.sum(losses, dim=1), float(classes))
    return reduced(ops.reshape(losses, shape=shape) if x.ndim < 2 else losses, reduction)


def rows_of(input: Any) -> Any:
    """Return scores (C) as (1, C), and (N, C) as they are."""
    x = array_in(input)
    return input if x.ndim == 2 else ops.reshape(input, shape=(1, x.size))


def multilabel_margin_loss(
    input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Any:
    """L = Σ_{t, c} max(0, 1 - x[t] + x[c]) / C over the true classes t and all others c.

    input (N, C) or (C) and target of the same shape: a row of class indices, those in front of its first -1 count.

    >>> import minidl
    >>> x, t = minidl.tensor([[0.5, 0.0, 1.0]]), minidl.tensor([[0, -1, 2]])
    >>> minidl.nn.functional.multilabel_margin_loss(x, t)
    tensor(0.6667)
    """
    reduction = chosen(reduction, size_average, reduce)
    x, t = array_in(input), array_in(target, "target")
    floating(input, "multilabel_margin_loss")
    if t.dtype != np.int64:
        raise DTypeError(f"multilabel_margin_loss: target is {t.dtype}, expected int64; call .long()")
    if x.ndim > 2 or x.shape != t.shape or 0 in x.shape[-1:]:
        raise ShapeError(f"multilabel_margin_loss: target has shape {t.shape} and the input {x.shape}, expected (N, C)")
    input = rows_of(input)
    rows = array_in(input)
    labels = t.reshape(rows.shape)
    if ((labels < -1) | (labels >= rows.shape[1])).any():
        raise IndexOutOfRange(f"multilabel_margin_loss: target must hold -1 to {rows.shape[1] - 1}")
    counts = np.logical_and.accumulate(labels >= 0, axis=1)  # those in front of the first -1
    labels = np.where(counts, labels, 0)
    true = ((labels[:, :, None] == np.arange(rows.shape[1])) & counts[:, :, None]).any(1)
    right = ops.getitem(input, index=(np.arange(len(rows))[:, None], labels))
    lead = ops.sub(ops.reshape(input, shape=(len(rows), 1, rows.shape[1])), ops.reshape(right, shape=(*rows.shape, 1)))
    short = ops.relu(ops.where(counts[:, :, None] & ~true[:, None, :], ops.add(lead, 1.0), 0.0))
    losses = ops.div(ops.sum(short, dim=(1, 2)), float(rows.shape[1]))
    return reduced(losses if x.ndim == 2 else ops.reshape(losses, shape=()), reduction)


def multilabel_soft_margin_loss(
    input: Any, target: Any, weight: Any = None, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    """L = -1/C Σ_c weight_c (t_c ln σ(x_c) + (1 - t_c) ln σ(-x_c)) over the last dimension, for targets t from 0 to 1.

    >>> import minidl
    >>> minidl.nn.functional.multilabel_soft_margin_loss(minidl.zeros(1, 3), minidl.tensor([[1.0, 0.0, 1.0]]))
    tensor(0.6931)
    """
    reduction = chosen(reduction, size_average, reduce)
    no_booleans(target, "multilabel_soft_margin_loss: target")
    true = ops.mul(target, logsigmoid(input))
    losses = ops.neg(ops.add(true, ops.mul(ops.sub(1, target), logsigmoid(ops.neg(input)))))
    if weight is not None:
        losses = ops.mul(losses, weight)
    shape = array_in(input).shape
    if not shape:
        raise ShapeError("multilabel_soft_margin_loss: the input is 0-d, expected (..., C)")
    return reduced(ops.div(ops.sum(losses, dim=len(shape) - 1), float(shape[-1])), reduction)


def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Any:  # fmt: skip
    """L = 1 - cos(x1, x2) where t = 1, max(0, cos(x1, x2) - margin) where t = -1.

    input1 and input2 (N, D) and target (N), or (D) and ().

    >>> import minidl
    >>> x1, x2 = minidl.tensor([[1.0, 0.0]]), minidl.tensor([[1.0, 1.0]])
    >>> minidl.nn.functional.cosine_embedding_loss(x1, x2, minidl.tensor([1.0]))
    tensor(0.2929)
    """
    reduction = chosen(reduction, size_average, reduce)
    a, b, t = array_in(input1, "input1"), array_in(input2, "input2"), array_in(target, "target")
    if t.ndim > 1 or a.ndim != t.ndim + 1 or b.ndim != t.ndim + 1:
        raise ShapeError(
            f"cosine_embedding_loss: got input1 {a.shape}, input2 {b.shape} and target {t.shape}, "
            "expected (N, D), (N, D) and (N,), or (D,), (D,) and ()"
        )
    margin = real(margin, "margin")
    product = ops.sum(ops.mul(input1, input2), dim=t.ndim)
    squares = [ops.add(ops.sum(ops.mul(x, x), dim=t.ndim), 1e-12) for x in (input1, input2)]
    cosine = ops.div(product, ops.sqrt(ops.mul(*squares)))
    alike = ops.where(ops.eq(target, 1), ops.sub(1.0, cosine), 0.0)
    apart = ops.where(ops.eq(target, -1), clamp(ops.sub(cosine, margin), min=0), 0.0)
    return reduced(ops.add(alike, apart), reduction)


def triplet_margin_loss(
    anchor: Any, positive: Any, negative: Any, margin: float = 1.0, p: float = 2, eps: float = 1e-6, swap: bool = False,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Any:  # fmt: skip
    """L = max(0, d(a, p) - d(a, n) + margin), d(x, y) = ‖x - y + ε‖_p over the last dimension.

    `swap` takes d(p, n) where it is less than d(a, n). Source: Balntas et al. 2016.

    >>> import minidl
    >>> a, b, c = minidl.zeros(1, 2), minidl.tensor([[3.0, 4.0]]), minidl.tensor([[0.0, 4.0]])
    >>> minidl.nn.functional.triplet_margin_loss(a, b, c)
    tensor(2.0000)
    """
    reduction = chosen(reduction, size_average, reduce)
    p, eps = real(p, "p"), real(eps, "eps")

    def distance(x: Any, y: Any) -> Any:
        return norm(ops.add(ops.sub(x, y), eps), p, -1)

    return of_triplets("triplet_margin_loss", anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Any, positive: Any, negative: Any, *, distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0, swap: bool = False, reduction: str = "mean",
) -> Any:  # fmt: skip
    """L = max(0, d(a, p) - d(a, n) + margin) with a distance of one's own, by default that of triplet_margin_loss.

    >>> import minidl
    >>> a, b, c = minidl.zeros(1, 2), minidl.tensor([[3.0, 4.0]]), minidl.tensor([[0.0, 4.0]])
    >>> d = lambda x, y: (x - y).abs().sum(1)
    >>> minidl.nn.functional.triplet_margin_with_distance_loss(a, b, c, distance_function=d)
    tensor(4.)
    """
    reduction, name = chosen(reduction), "triplet_margin_with_distance_loss"
    if distance_function is None:
        return triplet_margin_loss(anchor, positive, negative, margin, swap=swap, reduction=reduction)
    return of_triplets(name, anchor, positive, negative, distance_function, margin, swap, reduction)


def of_triplets(
    name: str, anchor: Any, positive: Any, negative: Any, distance: Callable[[Any, Any], Any], margin: float,
    swap: bool, reduction: str,
) -> Any:  # fmt: skip
    """The triplet loss with any distance."""
    if not real(margin, "margin") > 0:
        raise ArgumentError(f"margin: got {margin}, expected a positive number")
    same_ndim(name, anchor=anchor, positive=positive, negative=negative)
    near, far = distance(anchor, positive), distance(anchor, negative)
    if flag(swap, "swap"):
        far = ops.minimum(far, distance(positive, negative))
    return reduced(clamp(ops.sub(ops.add(near, margin), far), min=0.0), reduction)
