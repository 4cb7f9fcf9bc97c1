"""Compute metrics.json.gz: what scikit-learn and sacrebleu say of random and degenerate inputs.

Run `python tests/golden/make_metrics.py` with both installed. The inputs are in the file beside the answers.
"""

from __future__ import annotations

import gzip
import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).parent / "metrics.json.gz"


def plain(value: Any) -> Any:
    """Return an answer as JSON."""
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return np.asarray(value, np.float64).tolist()


def rows() -> list[dict[str, Any]]:
    """Return a row for each call: the metric, its arguments, its options and the answer."""
    import sacrebleu
    import sklearn.metrics as theirs

    rng = np.random.default_rng(5)
    found: list[dict[str, Any]] = []

    def add(name: str, arguments: list[Any], options: dict[str, Any], answer: Any) -> None:
        inputs = [np.asarray(each).tolist() if isinstance(each, np.ndarray) else each for each in arguments]
        found.append({"name": name, "arguments": inputs, "options": options, "answer": plain(answer)})

    labels = [rng.integers(0, classes, (2, n)) for classes, n in ((2, 20), (4, 50), (3, 2), (2, 1))]
    labels += [np.array([[0, 0, 0], [1, 1, 1]]), np.array([[2, 2, 2], [2, 2, 2]]), np.array([[0, 2], [2, 0]])]
    averaged = {"precision": theirs.precision_score, "recall": theirs.recall_score, "f1": theirs.f1_score}
    masks = {"iou": theirs.jaccard_score, "dice": theirs.f1_score}
    for true, said in labels:
        count = 1 + int(max(true.max(), said.max()))
        everything = list(range(count))
        add("accuracy", [true, said], {}, theirs.accuracy_score(true, said))
        add("confusion_matrix", [true, said], {}, theirs.confusion_matrix(true, said, labels=everything))
        for average in ("macro", "micro", "weighted", None):
            for divided in (0, 1):
                options = {"average": average, "zero_division": divided}
                which = {"labels": everything} if average is None else {}
                for name, function in averaged.items():
                    add(name, [true, said], options, function(true, said, **options, **which))
                for name, function in masks.items():
                    add(name, [true, said], {**options, "num_classes": count}, function(true, said, **options, **which))
    binary = [(np.array([0, 1, *rng.integers(0, 2, n)]), rng.integers(0, 9, n + 2) / 8) for n in (0, 3, 40)]
    for true, score in [*binary, (np.array([0, 1, 1]), np.full(3, 0.5))]:
        for name in ("roc_curve", "precision_recall_curve"):
            curve = getattr(theirs, name)(true, score)
            add(name, [true, score], {}, tuple(np.where(np.isinf(x), 1e300, x) for x in curve))
        add("roc_auc", [true, score], {}, theirs.roc_auc_score(true, score))
        add("average_precision", [true, score], {}, theirs.average_precision_score(true, score))
    true = np.array([0, 1, 2, 3, *rng.integers(0, 4, 30)])
    scores = rng.dirichlet(np.ones(4), len(true))
    for k in (1, 2, 3):
        add("top_k_accuracy", [true, scores], {"k": k}, theirs.top_k_accuracy_score(true, scores, k=k, labels=range(4)))
    for average in ("macro", "weighted"):
        add("roc_auc", [true, scores], {"average": average},
            theirs.roc_auc_score(true, scores, multi_class="ovr", average=average))  # fmt: skip
    figures = [(rng.normal(size=n), rng.normal(size=n)) for n in (2, 3, 30)]
    figures += [(np.full(4, 2.5), np.full(4, 2.5)), (np.full(4, 2.5), np.arange(4.0)), (np.zeros(3), np.zeros(3))]
    regression = {name: f"{name}_score" if name in ("r2", "explained_variance") else name for name in (
        "mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "median_absolute_error", "max_error",
        "mean_absolute_percentage_error", "r2", "explained_variance")}  # fmt: skip
    for first, second in figures:
        for name, function in regression.items():
            add(name, [first, second], {}, getattr(theirs, function)(first, second))
    add("auc", [[0.0, 0.5, 1.0], [0.0, 0.9, 1.0]], {}, theirs.auc([0.0, 0.5, 1.0], [0.0, 0.9, 1.0]))
    scores = rng.normal(size=(6, 4))
    chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    tokens = np.array([0, 1, 2, 3, 3, 0])
    add("perplexity", [tokens, scores], {}, math.exp(theirs.log_loss(tokens, chances, labels=range(4))))
    words = "the a cat dog sat on under mat , . 3.5".split()
    corpora = [["", "not empty"], ["short", "a much longer reference"], ["深度学习 很 有趣", "深度学习 非常 有趣"]]
    corpora += [[" ".join(rng.choice(words, n)) for n in pair] for pair in ((9, 9), (12, 8), (5, 11))]
    for tokenize in ("13a", "char", "none"):
        for said, wanted in corpora:
            score = sacrebleu.corpus_bleu([said], [[wanted]], tokenize=tokenize).score
            add("bleu", [[wanted], [said]], {"tokenize": tokenize}, score)
    return found


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = json.dumps(rows(), ensure_ascii=False)
    PAGE.write_bytes(gzip.compress(text.encode(), mtime=0))
