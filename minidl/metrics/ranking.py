"""How good are scores, whatever the threshold? Top-k accuracy, ROC and precision-recall curves and their areas.

Names, argument order and values are scikit-learn's. With two classes y_score has the shape (N,): the higher, the more
likely is class 1. With C classes it has the shape (N, C), and each class is measured against all others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .inputs import Array, as_reals, labels_and_scores


def top_k_accuracy(y_true: Any, y_score: Any, *, k: int = 2) -> float:
    """Return the share of samples whose true class is among the k highest of their scores (N, C).

    Of equal scores the later class counts as the higher one, as in scikit-learn.

    >>> from minidl import metrics
    >>> metrics.top_k_accuracy([0, 1, 2], [[0.5, 0.2, 0.3], [0.3, 0.2, 0.5], [0.2, 0.4, 0.3]], k=2)
    0.6666666666666666
    """
    true, scores = labels_and_scores(y_true, y_score, (2,))
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ArgumentError(f"k is {k!r}, expected a positive int")
    highest = np.argsort(scores, axis=1, kind="stable")[:, ::-1][:, :k]
    return float(np.mean((highest == true[:, None]).any(axis=1)))


def roc_curve(y_true: Any, y_score: Any, *, drop_intermediate: bool = True) -> tuple[Array, Array, Array]:
    """Return fpr, tpr and thresholds: fp / (fp + tn) and tp / (tp + fn) when scores from a threshold up are class 1.

    The curve starts at (0, 0), with the threshold inf. `drop_intermediate` leaves out points on straight lines. A rate
    with nothing to divide by is NaN.

    >>> from minidl import metrics
    >>> fpr, tpr, thresholds = metrics.roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> fpr.tolist(), tpr.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    false, true, thresholds = _counts_by_threshold(*labels_and_scores(y_true, y_score, (1,)))
    if drop_intermediate and len(false) > 2:
        bends = np.diff(false, 2).astype(bool) | np.diff(true, 2).astype(bool)
        keep = np.concatenate([[True], bends, [True]])
        false, true, thresholds = false[keep], true[keep], thresholds[keep]
    return _rates(false), _rates(true), np.concatenate([[np.inf], thresholds])


def precision_recall_curve(y_true: Any, y_score: Any) -> tuple[Array, Array, Array]:
    """Return precision, recall and thresholds when scores from a threshold up are class 1; recall falls to 0.

    The last point, precision 1 and recall 0, has no threshold. Without any sample of class 1 recall counts as 1.

    >>> from minidl import metrics
    >>> precision, recall, thresholds = metrics.precision_recall_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> recall.tolist(), precision.tolist()[-3:]
    ([1.0, 1.0, 0.5, 0.5, 0.0], [0.5, 1.0, 1.0])
    """
    false, true, thresholds = _counts_by_threshold(*labels_and_scores(y_true, y_score, (1,)))
    precision = true / (true + false)
    recall = true / true[-1] if true[-1] > 0 else np.ones(len(true))
    return np.append(precision[::-1], 1.0), np.append(recall[::-1], 0.0), thresholds[::-1]


def auc(x: Any, y: Any) -> float:
    """Return the area under a curve by the trapezoidal rule; x rises, or falls, without a turn.

    >>> from minidl import metrics
    >>> metrics.auc([0, 0.5, 1], [0, 1, 1])
    0.75
    """
    xs, ys = as_reals("x", x), as_reals("y", y)
    if xs.ndim != 1 or xs.shape != ys.shape or len(xs) < 2:
        raise ShapeError(f"x has the shape {xs.shape} and y {ys.shape}, expected two vectors of at least 2 numbers")
    steps = np.diff(xs)
    if (steps < 0).any() and (steps > 0).any():
        raise ArgumentError("x must rise or fall without a turn")
    area = float(np.sum(steps * (ys[1:] + ys[:-1])) / 2)
    return -area if (steps < 0).any() else area


def roc_auc(y_true: Any, y_score: Any, *, average: str | None = "macro") -> Any:
    """Return the area under the ROC curve: how often a sample of class 1 scores higher than one of class 0.

    With C classes, the mean over the classes ("macro"), the mean weighted by how often each is true ("weighted"), or an
    array of all (None). NaN if only one class is there.

    >>> from minidl import metrics
    >>> metrics.roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return _by_class(_binary_roc_auc, y_true, y_score, average)


def average_precision(y_true: Any, y_score: Any, *, average: str | None = "macro") -> Any:
    """Return sum_n (R_n - R_(n-1)) P_n over the points of the precision-recall curve. `average` as for `roc_auc`.

    >>> from minidl import metrics
    >>> round(metrics.average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    return _by_class(_binary_average_precision, y_true, y_score, average)


def _binary_roc_auc(true: Array, scores: Array) -> float:
    fpr, tpr, _ = roc_curve(true, scores)
    return float("nan") if np.isnan([fpr, tpr]).any() else auc(fpr, tpr)


def _binary_average_precision(true: Array, scores: Array) -> float:
    precision, recall, _ = precision_recall_curve(true, scores)
    return max(0.0, float(-np.sum(np.diff(recall) * precision[:-1])))


def _by_class(measure: Callable[[Array, Array], float], y_true: Any, y_score: Any, average: str | None) -> Any:
    """Return a measure of two classes, or of each of C classes against the others, averaged."""
    if average not in ("macro", "weighted", None):
        raise ArgumentError(f'average is {average!r}, expected "macro", "weighted" or None')
    true, scores = labels_and_scores(y_true, y_score, (1, 2))
    if scores.ndim == 1:
        return measure(true, scores)
    figures = np.array([measure(true == c, scores[:, c]) for c in range(scores.shape[1])])
    if average is None:
        return figures
    counts = np.bincount(true, minlength=len(figures))
    return float(np.average(figures, weights=counts) if average == "weighted" else np.mean(figures))


def _counts_by_threshold(true: Array, scores: Array) -> tuple[Array, Array, Array]:
    """Return false and true positives when class 1 is predicted from each distinct score up, and these scores."""
    order = np.argsort(-scores, kind="stable")
    true, scores = true[order], scores[order]
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)  # the last of each group of equal scores
    hits = np.cumsum(true)[last]
    return 1 + last - hits, hits, scores[last]


def _rates(counts: Array) -> Array:
    """Return counts, with a 0 before them, as shares of the last."""
    counts = np.append(0, counts)
    return counts / counts[-1] if counts[-1] > 0 else np.full(len(counts), np.nan)
