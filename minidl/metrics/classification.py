"""How good are predicted classes? Accuracy, precision, recall, F1, overlap of masks, confusion matrix and a report.

Names, argument order and values are scikit-learn's: what is true comes first. Every function takes

    y_true   labels 0 .. C-1, shape (N,)
    y_pred   labels, shape (N,), or scores of the C classes, shape (N, C): the class with the highest score is
             predicted, the first of them if several share it

as Tensors, arrays or lists, and answers with Python floats and NumPy arrays. For a class c,

    tp_c  is predicted and true,    fp_c  is predicted but not true,    fn_c  is true but not predicted.

Raises ShapeError, DTypeError (labels that are not integers), IndexOutOfRange (labels outside 0 .. C-1) and
ArgumentError (no samples, scores that are NaN, an unknown option).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from .inputs import Array, as_array


def accuracy(y_true: Any, y_pred: Any) -> float:
    """Return the share of right predictions, 1/N sum_n [y_pred_n = y_true_n].

    >>> from minidl import metrics
    >>> metrics.accuracy([0, 1, 2, 2], [0, 1, 1, 2])
    0.75
    """
    true, predicted, _ = _labels(y_true, y_pred, None)
    return float(np.mean(true == predicted))


def precision(
    y_true: Any, y_pred: Any, *, average: str | None = "macro", num_classes: int | None = None, zero_division: float = 0
) -> Any:
    """Return tp / (tp + fp): how much of what is called c is c.

    Args:
        average: how C figures become one. "macro" is their mean over the classes that occur in y_true or y_pred,
            "weighted" their mean weighted by how often each class is true, "micro" puts the sums over the classes
            into the formula (here that gives the accuracy). None returns an array with a figure for each class.
        num_classes: C; by default the number of columns of the scores, or the highest label plus one.
        zero_division: the value of 0/0, such as the precision of a class that is never predicted: 0 or 1.

    >>> from minidl import metrics
    >>> metrics.precision([0, 1, 2, 2], [0, 1, 1, 2], average=None)
    array([1. , 0.5, 1. ])
    >>> round(metrics.precision([0, 1, 2, 2], [0, 1, 1, 2]), 4)
    0.8333
    """
    counts = _counts(y_true, y_pred, num_classes)
    return _averaged(counts.right, counts.predicted, counts, average, zero_division)


def recall(
    y_true: Any, y_pred: Any, *, average: str | None = "macro", num_classes: int | None = None, zero_division: float = 0
) -> Any:
    """Return tp / (tp + fn): how much of what is c is called c. Arguments as for `precision`.

    >>> from minidl import metrics
    >>> metrics.recall([0, 1, 2, 2], [0, 1, 1, 2], average=None)
    array([1. , 1. , 0.5])
    """
    counts = _counts(y_true, y_pred, num_classes)
    return _averaged(counts.right, counts.true, counts, average, zero_division)


def f1(
    y_true: Any, y_pred: Any, *, average: str | None = "macro", num_classes: int | None = None, zero_division: float = 0
) -> Any:
    """Return 2 tp / (2 tp + fp + fn), the harmonic mean of precision and recall. Arguments as for `precision`.

    >>> from minidl import metrics
    >>> metrics.f1([0, 1, 2, 2], [0, 1, 1, 2], average=None).round(4)
    array([1.    , 0.6667, 0.6667])
    """
    counts = _counts(y_true, y_pred, num_classes)
    return _averaged(2 * counts.right, counts.predicted + counts.true, counts, average, zero_division)


def iou(
    y_true: Any, y_pred: Any, *, average: str | None = "macro", num_classes: int | None = None, zero_division: float = 0
) -> Any:
    """Return tp / (tp + fp + fn), intersection over union (Jaccard), of masks or label images of one shape.

    Other arguments as for `precision`; a figure for each class with average=None.

    >>> from minidl import metrics
    >>> metrics.iou([[0, 1], [1, 1]], [[0, 0], [1, 1]], average=None).round(4)
    array([0.5   , 0.6667])
    """
    counts = _counts(*_flat(y_true, y_pred), num_classes)
    return _averaged(counts.right, counts.predicted + counts.true - counts.right, counts, average, zero_division)


def dice(
    y_true: Any, y_pred: Any, *, average: str | None = "macro", num_classes: int | None = None, zero_division: float = 0
) -> Any:
    """Return 2 tp / (2 tp + fp + fn) of masks or label images of one shape: F1, element by element. See `iou`.

    >>> from minidl import metrics
    >>> metrics.dice([[0, 1], [1, 1]], [[0, 0], [1, 1]], average=None).round(4)
    array([0.6667, 0.8   ])
    """
    counts = _counts(*_flat(y_true, y_pred), num_classes)
    return _averaged(2 * counts.right, counts.predicted + counts.true, counts, average, zero_division)


def confusion_matrix(y_true: Any, y_pred: Any, *, num_classes: int | None = None) -> Array:
    """Return M of shape (C, C), where M[i, j] is how often class i was predicted as class j.

    So a row is what is true, a column what is predicted, and the diagonal what is right. `num_classes` is as for
    `precision`.

    >>> from minidl import metrics
    >>> metrics.confusion_matrix([0, 1, 2, 2], [0, 1, 1, 2])
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 1, 1]])
    """
    true, predicted, classes = _labels(y_true, y_pred, num_classes)
    return np.bincount(true * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def classification_report(
    y_true: Any, y_pred: Any, *, class_names: Sequence[str] | None = None, digits: int = 4, zero_division: float = 0
) -> str:
    """Return a table to print: precision, recall, F1 and number of samples of each class, then their averages.

    `class_names` are the C names of the classes, by default their numbers.

    >>> from minidl import metrics
    >>> print(metrics.classification_report([0, 1, 2, 2], [0, 1, 1, 2], class_names=["cat", "dog", "owl"], digits=2))
              precision   recall       f1  support
         cat       1.00     1.00     1.00        1
         dog       0.50     1.00     0.67        1
         owl       1.00     0.50     0.67        2
    <BLANKLINE>
    accuracy                         0.75        4
       macro       0.83     0.83     0.78        4
    weighted       0.88     0.75     0.75        4
    """
    counts = _counts(y_true, y_pred, None if class_names is None else len(class_names))
    ratios = (
        (counts.right, counts.predicted),
        (counts.right, counts.true),
        (2 * counts.right, counts.predicted + counts.true),
    )
    names = [str(c) for c in range(len(counts.true))] if class_names is None else list(class_names)
    total = int(counts.true.sum())
    width = max(len(name) for name in (*names, "accuracy", "weighted"))

    def figures(average: str | None) -> list[Any]:
        return [_averaged(top, bottom, counts, average, zero_division) for top, bottom in ratios]

    def line(name: str, cells: Sequence[str], support: int) -> str:
        return f"{name:>{width}} {cells[0]:>{digits + 8}}{cells[1]:>{digits + 7}}{cells[2]:>{digits + 7}} {support:>8}"

    def number(figure: float) -> str:
        return f"{figure:.{digits}f}"

    header = f"{'':>{width}} {'precision':>{digits + 8}}{'recall':>{digits + 7}}{'f1':>{digits + 7}} {'support':>8}"
    per_class = zip(names, zip(*figures(None), strict=True), counts.true, strict=True)
    return "\n".join(
        [header]
        + [line(name, [number(figure) for figure in row], support) for name, row, support in per_class]
        + ["", line("accuracy", ["", "", number(counts.right.sum() / total)], total)]
        + [line(average, [number(f) for f in figures(average)], total) for average in ("macro", "weighted")]
    )


class _Counts(NamedTuple):
    """How often each class is right (tp), predicted (tp + fp) and true (tp + fn); arrays of shape (C,)."""

    right: Array
    predicted: Array
    true: Array


def _counts(y_true: Any, y_pred: Any, num_classes: int | None) -> _Counts:
    true, predicted, classes = _labels(y_true, y_pred, num_classes)
    right = true[true == predicted]
    return _Counts(*(np.bincount(labels, minlength=classes) for labels in (right, predicted, true)))


def _flat(y_true: Any, y_pred: Any) -> tuple[Array, Array]:
    """Return label images of one shape as vectors."""
    true, predicted = as_array(y_true), as_array(y_pred)
    if true.shape != predicted.shape:
        raise ShapeError(f"y_true has the shape {true.shape} and y_pred {predicted.shape}, expected one shape")
    return true.reshape(-1), predicted.reshape(-1)


def _averaged(
    numerator: Array, denominator: Array, counts: _Counts, average: str | None, zero_division: float
) -> float | Array:
    """Return numerator / denominator, class by class or averaged."""
    if zero_division not in (0, 1):
        raise ArgumentError(f"zero_division is {zero_division!r}, expected 0 or 1")
    if average == "micro":
        numerator, denominator = numerator.sum(keepdims=True), denominator.sum(keepdims=True)
    figures = np.full(len(numerator), float(zero_division))
    np.divide(numerator, denominator, out=figures, where=denominator > 0)
    if average is None:
        return figures
    if average == "micro":
        return float(figures[0])
    if average == "macro":
        return float(np.average(figures[counts.predicted + counts.true > 0]))
    if average == "weighted":
        return float(np.average(figures, weights=counts.true))
    raise ArgumentError(f'average is {average!r}, expected "micro", "macro", "weighted" or None')


def _labels(y_true: Any, y_pred: Any, num_classes: int | None) -> tuple[Array, Array, int]:
    """Return true labels, predicted labels (both int64 of shape (N,)) and the number of classes, after all checks."""
    true, predicted = as_array(y_true), as_array(y_pred)
    if true.ndim != 1:
        raise ShapeError(f"y_true has the shape {true.shape}, expected (N,): one label a sample")
    if predicted.ndim not in (1, 2) or len(predicted) != len(true):
        raise ShapeError(
            f"y_pred has the shape {predicted.shape}, expected ({len(true)},) or ({len(true)}, C) "
            f"beside the {len(true)} labels of y_true"
        )
    if len(true) == 0:
        raise ArgumentError("y_true and y_pred are empty: no sample, so nothing to measure")
    if predicted.ndim == 2:
        num_classes = _checked_scores(predicted, num_classes)
        predicted = predicted.argmax(axis=1)
    for name, labels in (("y_true", true), ("y_pred", predicted)):
        if labels.dtype.kind not in "biu":
            raise DTypeError(f"{name} has dtype {labels.dtype}, expected labels, which are integers")
    highest = int(max(true.max(), predicted.max()))
    classes = highest + 1 if num_classes is None else num_classes
    for name, labels in (("y_true", true), ("y_pred", predicted)):
        if labels.min() < 0 or labels.max() >= classes:
            wrong = labels.min() if labels.min() < 0 else labels.max()
            raise IndexOutOfRange(f"{name} holds the label {wrong}, expected 0 to {classes - 1} for {classes} classes")
    return true.astype(np.int64), predicted.astype(np.int64), classes


def _checked_scores(scores: Array, num_classes: int | None) -> int:
    """Return the number of classes that the scores are for."""
    classes = scores.shape[1]
    if classes < 2:
        raise ShapeError(
            f"y_pred has the shape {scores.shape}, and scores need a column for each of two or more classes; "
            "for a single output pass labels, such as (y_pred[:, 0] > 0.5)"
        )
    if num_classes not in (None, classes):
        raise ShapeError(f"y_pred has scores of {classes} classes, but there should be {num_classes}")
    if scores.dtype.kind not in "biuf":
        raise DTypeError(f"y_pred has dtype {scores.dtype}, expected scores, which are real numbers")
    if scores.dtype.kind == "f" and np.isnan(scores).any():
        row = int(np.flatnonzero(np.isnan(scores).any(axis=1))[0])
        raise ArgumentError(f"y_pred has a NaN among the scores of sample {row}, so no class is the highest")
    return classes
