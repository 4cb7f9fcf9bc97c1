"""Ranking, regression, masks and text: the figures of scikit-learn and sacrebleu, also where nothing can be divided."""

from __future__ import annotations

import gzip
import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import metrics
from minidl.errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError

RNG = np.random.default_rng(11)


def equal(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)


def binary_inputs():
    for samples in (2, 3, 10, 300):
        true = RNG.integers(0, 2, samples)
        true[:2] = 0, 1
        yield true, RNG.normal(size=samples)
        yield true, RNG.integers(0, 3, samples) / 2  # many equal scores
    yield np.array([0, 1, 1]), np.full(3, 0.5)
    yield np.array([0, 1]), np.array([1.0, 0.0])
    yield np.array([True, False, True]), np.array([0.9, 0.1, 0.8], np.float32)


def one_class():
    yield np.zeros(4, int), RNG.normal(size=4)
    yield np.ones(4, int), RNG.normal(size=4)
    yield np.array([1]), np.array([0.3])


@pytest.mark.filterwarnings("ignore")
def test_curves_equal_scikit_learn():
    theirs = pytest.importorskip("sklearn.metrics")
    for true, score in (*binary_inputs(), *one_class()):
        for ours, expected in zip(metrics.roc_curve(true, score), theirs.roc_curve(true, score), strict=True):
            equal(ours, expected)
        for drop in (True, False):
            equal(metrics.roc_curve(true, score, drop_intermediate=drop)[1],
                  theirs.roc_curve(true, score, drop_intermediate=drop)[1])  # fmt: skip
        expected = theirs.precision_recall_curve(true, score)
        for ours, figures in zip(metrics.precision_recall_curve(true, score), expected, strict=True):
            equal(ours, figures)
        equal(metrics.roc_auc(true, score), theirs.roc_auc_score(true, score))
        equal(metrics.average_precision(true, score), theirs.average_precision_score(true, score))


@pytest.mark.parametrize("average", ["macro", "weighted", None])
def test_areas_of_several_classes_equal_scikit_learn(average):
    theirs = pytest.importorskip("sklearn.metrics")
    for classes, samples in ((3, 30), (5, 200)):
        true = np.concatenate([np.arange(classes), RNG.integers(0, classes, samples)])
        scores = RNG.dirichlet(np.ones(classes), len(true))
        equal(metrics.roc_auc(true, scores, average=average),
              theirs.roc_auc_score(true, scores, multi_class="ovr", average=average))  # fmt: skip
        equal(metrics.average_precision(true, scores, average=average),
              theirs.average_precision_score(np.eye(classes)[true], scores, average=average))  # fmt: skip


def test_top_k_equals_scikit_learn():
    theirs = pytest.importorskip("sklearn.metrics")
    for classes in (3, 10):
        true = RNG.integers(0, classes, 50)
        for scores in (RNG.normal(size=(50, classes)), RNG.integers(0, 3, (50, classes)).astype(float)):
            for k in range(1, classes):
                equal(metrics.top_k_accuracy(true, scores, k=k),
                      theirs.top_k_accuracy_score(true, scores, k=k, labels=range(classes)))  # fmt: skip
    assert metrics.top_k_accuracy([0, 1], np.zeros((2, 3)), k=7) == 1


REGRESSION = {
    "mean_squared_error": "mean_squared_error",
    "root_mean_squared_error": "root_mean_squared_error",
    "mean_absolute_error": "mean_absolute_error",
    "median_absolute_error": "median_absolute_error",
    "mean_absolute_percentage_error": "mean_absolute_percentage_error",
    "r2": "r2_score",
    "explained_variance": "explained_variance_score",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REGRESSION)
def test_regression_equals_scikit_learn(name):
    theirs = getattr(pytest.importorskip("sklearn.metrics"), REGRESSION[name])
    pairs = [(RNG.normal(size=shape), RNG.normal(size=shape)) for shape in ((1,), (2,), (50,), (20, 3), (5, 1))]
    constant = np.full(6, 2.5)
    pairs += [(constant, constant), (constant, constant + 1), (np.zeros(3), np.zeros(3)), (np.zeros(3), np.ones(3))]
    pairs += [(np.arange(4), np.arange(4)), (np.stack([constant, np.arange(6)], 1), RNG.normal(size=(6, 2)))]
    for true, predicted in pairs:
        for multioutput in ("uniform_average", "raw_values"):
            ours = getattr(metrics, name)(true, predicted, multioutput=multioutput)
            equal(ours, theirs(true, predicted, multioutput=multioutput))
        if true.ndim == 1:
            sklearn = pytest.importorskip("sklearn.metrics")
            equal(metrics.max_error(true, predicted), sklearn.max_error(true, predicted))


@pytest.mark.parametrize("average", ["macro", "micro", "weighted", None])
@pytest.mark.parametrize("zero_division", [0, 1])
def test_masks_equal_scikit_learn(average, zero_division):
    sklearn = pytest.importorskip("sklearn.metrics")
    for classes, shape in ((2, (4, 5)), (3, (2, 6, 6)), (5, (3,)), (2, (1, 1))):
        true, predicted = RNG.integers(0, classes, (2, *shape))
        options = {"average": average, "zero_division": zero_division}
        labels = {"labels": range(classes)} if average is None else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            jaccard = sklearn.jaccard_score(true.ravel(), predicted.ravel(), **options, **labels)
            f1 = sklearn.f1_score(true.ravel(), predicted.ravel(), **options, **labels)
        equal(metrics.iou(true, predicted, num_classes=classes, **options), jaccard)
        equal(metrics.dice(true, predicted, num_classes=classes, **options), f1)


SENTENCES = [
    ("The cat sat on the mat.", ["The cat is on the mat.", "There is a cat on the mat."]),
    (
        'It costs 3,000.50 dollars - or "less" &amp; more!',
        ["It costs 3,000.50 dollars, or less & more.", "It costs 3."],
    ),
    ("well-known in 1990-95", ["well-known in 1990-95", "known"]),
    ("", ["not empty", "x"]),
    ("short", ["a much longer reference than the other", "a"]),
    ("深度学习 很 有趣", ["深度学习 非常 有趣", "学习 很 有趣"]),
]


@pytest.mark.parametrize("tokenize", ["13a", "char", "none"])
def test_bleu_equals_sacrebleu(tokenize):
    sacrebleu = pytest.importorskip("sacrebleu")
    words = "the a cat dog sat ran on under mat house , . 3.5".split()
    corpora = [SENTENCES, *([pair] for pair in SENTENCES)]
    for _ in range(30):
        lengths = RNG.integers(1, 12, (RNG.integers(1, 6), 3))
        texts = [[" ".join(RNG.choice(words, length)) for length in row] for row in lengths]
        corpora.append([(hypothesis, references) for hypothesis, *references in texts])
    for corpus in corpora:
        hypotheses, references = [h for h, _ in corpus], [r for _, r in corpus]
        streams = [list(stream) for stream in zip(*references, strict=True)]
        theirs = sacrebleu.corpus_bleu(hypotheses, streams, tokenize=tokenize).score
        assert metrics.bleu(references, hypotheses, tokenize=tokenize) == pytest.approx(theirs, abs=1e-9), corpus
        first = sacrebleu.corpus_bleu(hypotheses, [[r[0] for r in references]], tokenize=tokenize).score
        assert metrics.bleu([r[0] for r in references], hypotheses, tokenize=tokenize) == pytest.approx(first, abs=1e-9)


def test_bleu_of_tokens():
    hypothesis, reference = "the cat sat on a mat".split(), "the cat sat on the mat".split()
    expected = metrics.bleu([" ".join(reference)], [" ".join(hypothesis)])
    assert expected == pytest.approx(53.7284965911771)  # sacrebleu 2.6
    assert metrics.bleu([reference], [hypothesis]) == metrics.bleu([[reference, ["x"]]], [hypothesis]) == expected
    assert metrics.bleu([[1, 2, 3, 4]], [[1, 2, 3, 4]]) == 100


def test_perplexity_is_the_exponential_of_cross_entropy():
    scores = minidl.randn(4, 6, 9)
    tokens = minidl.randint(0, 9, (4, 6))
    expected = math.exp(minidl.nn.functional.cross_entropy(scores.reshape(-1, 9), tokens.reshape(-1)).item())
    assert metrics.perplexity(tokens, scores) == pytest.approx(expected, rel=1e-5)
    tokens[0] = -100
    expected = math.exp(minidl.nn.functional.cross_entropy(scores[1:].reshape(-1, 9), tokens[1:].reshape(-1)).item())
    assert metrics.perplexity(tokens, scores) == pytest.approx(expected, rel=1e-5)
    assert metrics.perplexity([0], [[1e4, -1e4]]) == 1 and metrics.perplexity([1], [[1e4, -1e4]]) == math.inf


def test_golden_figures():
    """Computed with scikit-learn 1.9 and sacrebleu 2.6 by golden/make_metrics.py, of random and degenerate inputs."""
    rows = json.loads(gzip.decompress((Path(__file__).parent / "golden" / "metrics.json.gz").read_bytes()))
    for row in rows:
        arguments = row["arguments"] if row["name"] == "bleu" else [np.array(each) for each in row["arguments"]]
        ours = getattr(metrics, row["name"])(*arguments, **row["options"])
        several = isinstance(ours, tuple)
        pairs = zip(ours, row["answer"], strict=True) if several else [(ours, row["answer"])]
        for found, expected in pairs:
            found = np.asarray(found, np.float64)
            np.testing.assert_allclose(np.where(np.isinf(found), 1e300, found), expected, rtol=1e-9, atol=1e-12,
                                       err_msg=str(row))  # fmt: skip
    without_figure = {"classification_report"}
    assert {row["name"] for row in rows} == set(metrics.__all__) - without_figure


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: metrics.roc_auc([], []), ArgumentError, "empty"),
        (lambda: metrics.roc_auc([0, 1], [0.1]), ShapeError, r"y_true has the shape \(2,\) and y_score \(1,\)"),
        (lambda: metrics.roc_auc([0, 2], [0.1, 0.2]), IndexOutOfRange, "label 2, expected 0 to 1"),
        (lambda: metrics.roc_auc([0.0, 1.0], [0.1, 0.2]), DTypeError, "y_true has dtype float64"),
        (lambda: metrics.roc_auc([0, 1], ["a", "b"]), DTypeError, "y_score has dtype"),
        (lambda: metrics.roc_curve([0, 1], [0.1, np.nan]), ArgumentError, r"y_score holds nan at \(1,\)"),
        (lambda: metrics.roc_auc([0, 1], [0.1, 0.2], average="micro"), ArgumentError, "average is 'micro'"),
        (lambda: metrics.auc([0, 2, 1], [0, 1, 1]), ArgumentError, "without a turn"),
        (lambda: metrics.auc([0], [1]), ShapeError, "at least 2"),
        (lambda: metrics.top_k_accuracy([0], [[0.1, 0.2]], k=0), ArgumentError, "k is 0"),
        (lambda: metrics.top_k_accuracy([0], [0.1]), ShapeError, r"\(N, C\)"),
        (lambda: metrics.r2([1.0], [1.0, 2.0]), ShapeError, "expected one shape"),
        (lambda: metrics.r2([], []), ArgumentError, "empty"),
        (lambda: metrics.max_error([np.inf], [1.0]), ArgumentError, "y_true holds inf"),
        (lambda: metrics.mean_squared_error([1], [1], multioutput="sum"), ArgumentError, "multioutput is 'sum'"),
        (lambda: metrics.iou([[0]], [0]), ShapeError, "expected one shape"),
        (lambda: metrics.bleu(["a"], []), ShapeError, "of one length"),
        (lambda: metrics.bleu([], []), ArgumentError, "empty"),
        (lambda: metrics.bleu(["a"], ["a"], tokenize="zh"), ArgumentError, "tokenize is 'zh'"),
        (lambda: metrics.bleu([[]], ["a"]), ArgumentError, "no reference"),
        (lambda: metrics.perplexity([0, 1], [[0.1, 0.2]]), ShapeError, r"\(\.\.\., C\)"),
        (lambda: metrics.perplexity([5], [[0.1, 0.2]]), IndexOutOfRange, "label 5"),
        (lambda: metrics.perplexity([-100], [[0.1, 0.2]]), ArgumentError, "empty"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
