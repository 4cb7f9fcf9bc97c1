"""Metrics: worked examples, scikit-learn's values where it is installed, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minidl
from minidl import metrics
from minidl.errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError

TRUE = np.array([0, 1, 2, 2, 1, 0, 3, 3, 3, 1])
PREDICTED = np.array([0, 2, 2, 1, 1, 0, 3, 0, 3, 1])
SCORES = ("precision", "recall", "f1")


def by_loops(true, predicted, classes):
    """Precision, recall and F1 of each class, from the definitions of tp, fp and fn."""
    rows = []
    for c in range(classes):
        tp = sum(t == c and p == c for t, p in zip(true, predicted, strict=True))
        fp = sum(t != c and p == c for t, p in zip(true, predicted, strict=True))
        fn = sum(t == c and p != c for t, p in zip(true, predicted, strict=True))
        precision = tp / (tp + fp) if tp + fp else 0.0
        recall = tp / (tp + fn) if tp + fn else 0.0
        harmonic = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        rows.append((precision, recall, harmonic))
    return np.array(rows).T


# --- values ---------------------------------------------------------------------------------------------------------


def test_worked_example():
    assert metrics.accuracy(TRUE, PREDICTED) == 0.7
    np.testing.assert_allclose(metrics.precision(TRUE, PREDICTED, average=None), [2 / 3, 2 / 3, 1 / 2, 1])
    np.testing.assert_allclose(metrics.recall(TRUE, PREDICTED, average=None), [1, 2 / 3, 1 / 2, 2 / 3])
    np.testing.assert_allclose(metrics.f1(TRUE, PREDICTED, average=None), [0.8, 2 / 3, 1 / 2, 0.8])
    np.testing.assert_allclose(metrics.f1(TRUE, PREDICTED, average="macro"), (0.8 + 2 / 3 + 0.5 + 0.8) / 4)
    np.testing.assert_allclose(
        metrics.f1(TRUE, PREDICTED, average="weighted"), (2 * 0.8 + 3 * 2 / 3 + 2 * 0.5 + 3 * 0.8) / 10
    )
    np.testing.assert_array_equal(
        metrics.confusion_matrix(TRUE, PREDICTED), [[2, 0, 0, 0], [0, 2, 1, 0], [0, 1, 1, 0], [1, 0, 0, 2]]
    )


@given(
    hnp.arrays(np.int64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(0, 5)),
)
def test_per_class_figures_are_their_definitions(pairs):
    true, predicted = pairs.T
    expected = by_loops(true.tolist(), predicted.tolist(), 6)
    for name, figures in zip(SCORES, expected, strict=True):
        function = getattr(metrics, name)
        np.testing.assert_allclose(function(true, predicted, average=None, num_classes=6), figures, atol=1e-15)
        np.testing.assert_allclose(function(true, predicted, average="micro"), metrics.accuracy(true, predicted))
        occurs = np.union1d(true, predicted)
        np.testing.assert_allclose(function(true, predicted, average="macro"), figures[occurs].mean(), atol=1e-15)
    np.testing.assert_allclose(metrics.recall(true, predicted, average="weighted"), metrics.accuracy(true, predicted))


@given(hnp.arrays(np.int64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(0, 5)))
def test_confusion_matrix_counts_every_pair(pairs):
    matrix = metrics.confusion_matrix(*pairs.T, num_classes=7)
    expected = np.zeros((7, 7), dtype=int)
    for true, predicted in pairs:
        expected[true, predicted] += 1
    np.testing.assert_array_equal(matrix, expected)


def test_macro_leaves_out_classes_that_do_not_occur_and_does_not_depend_on_num_classes():
    for name in SCORES:
        function = getattr(metrics, name)
        assert function([0, 2], [0, 2]) == function([0, 2], [0, 2], num_classes=50) == 1.0
        np.testing.assert_array_equal(function([0, 2], [0, 2], average=None, num_classes=4), [1, 0, 1, 0])
        np.testing.assert_array_equal(
            function([0, 2], [0, 2], average=None, num_classes=4, zero_division=1), [1, 1, 1, 1]
        )


def test_a_class_never_predicted_has_precision_zero_division():
    assert metrics.precision([0, 1], [0, 0], average=None).tolist() == [0.5, 0.0]
    assert metrics.precision([0, 1], [0, 0], average=None, zero_division=1).tolist() == [0.5, 1.0]
    assert metrics.recall([0, 0], [0, 1], average=None, zero_division=1).tolist() == [0.5, 1.0]


# --- inputs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_are_argmaxed_and_the_first_of_equal_ones_wins(dtype):
    scores = np.array([[0.1, 0.9, 0.0], [0.5, 0.5, 0.5], [-1, -3, -2], [0, -np.inf, np.inf]], dtype=dtype)
    labels = [1, 0, 0, 2]
    assert metrics.accuracy(labels, scores) == 1.0
    assert metrics.accuracy(labels, np.asfortranarray(scores)) == 1.0
    assert metrics.accuracy(labels, np.repeat(scores, 2, axis=0)[::2]) == 1.0
    assert metrics.confusion_matrix([1, 0, 0, 0], scores[:, :3]).shape == (3, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.uint64, bool])
def test_labels_of_any_integer_type_and_layout(dtype):
    true, predicted = np.array([0, 1, 1, 0]).astype(dtype), np.array([0, 1, 0, 0]).astype(dtype)
    assert metrics.accuracy(true, predicted) == 0.75
    doubled = np.repeat(true, 2)
    assert metrics.accuracy(doubled[::2], predicted) == 0.75
    assert metrics.f1(true.tolist(), predicted.tolist()) == metrics.f1(true, predicted)
    assert metrics.confusion_matrix(true, predicted).tolist() == [[2, 0], [1, 1]]


def test_tensors_are_taken_and_plain_numbers_given():
    logits = minidl.tensor([[2.0, 1.0], [0.0, 1.0]], requires_grad=True)
    labels = minidl.tensor([0, 0])
    assert metrics.accuracy(labels, logits) == 0.5
    assert type(metrics.accuracy(labels, logits)) is float
    assert type(metrics.f1(labels, logits)) is float
    assert type(metrics.f1(labels, logits, average=None)) is np.ndarray
    assert type(metrics.confusion_matrix(labels, logits)) is np.ndarray


def test_one_sample_one_class():
    assert metrics.accuracy([0], [0]) == 1.0
    assert metrics.confusion_matrix([0], [0]).tolist() == [[1]]
    assert metrics.f1([0], [0]) == 1.0


EVERY = [metrics.accuracy, metrics.precision, metrics.recall, metrics.f1, metrics.confusion_matrix,
         metrics.classification_report]  # fmt: skip


@pytest.mark.parametrize("function", EVERY)
@pytest.mark.parametrize(
    ("true", "predicted", "error", "words"),
    [
        ([], [], ArgumentError, "empty"),
        (np.zeros(0, int), np.zeros((0, 3)), ArgumentError, "empty"),
        ([0, 1], [0], ShapeError, r"y_pred has the shape \(1,\), expected \(2,\) or \(2, C\)"),
        ([[0], [1]], [0, 1], ShapeError, r"y_true has the shape \(2, 1\)"),
        (0, 0, ShapeError, "y_true has the shape"),
        ([0, 1], 1, ShapeError, "y_pred has the shape"),
        ([0, 1], np.zeros((2, 3, 4)), ShapeError, "y_pred has the shape"),
        ([0, 1], [[0.2], [0.7]], ShapeError, r"y_pred\[:, 0\] > 0.5"),
        ([0.0, 1.0], [0, 1], DTypeError, "y_true has dtype float64"),
        ([0, 1], [0.2, 0.7], DTypeError, "y_pred has dtype float64"),
        (["a", "b"], [0, 1], DTypeError, "y_true has dtype"),
        ([0, 1], [["a", "b"], ["c", "d"]], DTypeError, "y_pred has dtype"),
        ([0, -1], [0, 1], IndexOutOfRange, "y_true holds the label -1"),
        ([0, 1], [0, -7], IndexOutOfRange, "y_pred holds the label -7"),
        ([0, 3], [[0.1, 0.2, 0.3]] * 2, IndexOutOfRange, "y_true holds the label 3, expected 0 to 2"),
        ([0, 1], [[0.1, 0.2], [np.nan, 0.3]], ArgumentError, "NaN among the scores of sample 1"),
    ],
)
def test_bad_input_is_named(function, true, predicted, error, words):
    with pytest.raises(error, match=words):
        function(true, predicted)


def test_bad_options_are_named():
    with pytest.raises(ArgumentError, match="average is 'binary'"):
        metrics.f1([0, 1], [0, 1], average="binary")
    with pytest.raises(ArgumentError, match="zero_division is 0.5"):
        metrics.f1([0, 1], [0, 1], zero_division=0.5)
    with pytest.raises(ArgumentError, match="zero_division is nan"):
        metrics.precision([0, 1], [0, 1], zero_division=float("nan"))
    with pytest.raises(IndexOutOfRange, match="expected 0 to 1 for 2 classes"):
        metrics.confusion_matrix([0, 2], [0, 1], num_classes=2)
    with pytest.raises(ShapeError, match="scores of 2 classes, but there should be 3"):
        metrics.confusion_matrix([0, 1], np.eye(2), num_classes=3)
    with pytest.raises(IndexOutOfRange, match="label 2, expected 0 to 1"):
        metrics.classification_report([0, 2], [0, 1], class_names=["a", "b"])


# --- the report -----------------------------------------------------------------------------------------------------


def test_report_shows_the_figures_of_the_functions():
    names = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"]
    report = metrics.classification_report(TRUE, PREDICTED, class_names=names)
    rows = [line.rsplit(maxsplit=4) for line in report.splitlines() if line]
    assert rows[0] == ["precision", "recall", "f1", "support"]
    table = {row[0].strip(): row[1:] for row in rows[1:]}
    assert list(table) == [*names, "accuracy", "macro", "weighted"]
    per_class = [getattr(metrics, name)(TRUE, PREDICTED, average=None, num_classes=5) for name in SCORES]
    for c, name in enumerate(names):
        assert table[name] == [f"{figures[c]:.4f}" for figures in per_class] + [str((c == TRUE).sum())]
    for average in ("macro", "weighted"):
        expected = [f"{getattr(metrics, name)(TRUE, PREDICTED, average=average):.4f}" for name in SCORES]
        assert table[average] == [*expected, "10"]
    assert report.splitlines()[-3].split() == ["accuracy", "0.7000", "10"]


def test_report_columns_line_up_for_any_number_of_digits():
    for digits in (1, 2, 4, 6):
        lines = metrics.classification_report(TRUE, PREDICTED, digits=digits).splitlines()
        assert len({len(line) for line in lines if line}) == 1
        for column in ("precision", "recall", "f1"):
            end = lines[0].index(column) + len(column)
            assert lines[1][end - 1].isdigit() and lines[1][end] == " "


# --- scikit-learn -----------------------------------------------------------------------------------------------------


def sklearn_inputs():
    rng = np.random.default_rng(20)
    for classes, samples in ((2, 50), (3, 200), (10, 500), (10, 5), (40, 20)):
        true = rng.integers(0, classes, samples)
        yield true, np.where(rng.random(samples) < 0.6, true, rng.integers(0, classes, samples)), classes
    yield np.array([0, 0, 4]), np.array([4, 4, 0]), 5  # nothing right, empty classes between
    yield np.array([1, 1, 1]), np.array([1, 1, 1]), 3  # one class only
    yield np.array([0, 1, 2]), np.array([2, 2, 2]), 3  # one class predicted


@pytest.mark.parametrize("zero_division", [0, 1])
def test_equals_scikit_learn(zero_division):
    sklearn = pytest.importorskip("sklearn.metrics")
    theirs = {"precision": sklearn.precision_score, "recall": sklearn.recall_score, "f1": sklearn.f1_score}
    for true, predicted, classes in sklearn_inputs():
        assert metrics.accuracy(true, predicted) == pytest.approx(sklearn.accuracy_score(true, predicted), abs=1e-15)
        np.testing.assert_array_equal(
            metrics.confusion_matrix(true, predicted, num_classes=classes),
            sklearn.confusion_matrix(true, predicted, labels=range(classes)),
        )
        for name, reference in theirs.items():
            ours = getattr(metrics, name)
            for average in ("micro", "macro", "weighted"):
                expected = reference(true, predicted, average=average, zero_division=zero_division)
                found = ours(true, predicted, average=average, zero_division=zero_division)
                assert found == pytest.approx(expected, abs=1e-15), (name, average)
            np.testing.assert_allclose(
                ours(true, predicted, average=None, num_classes=classes, zero_division=zero_division),
                reference(true, predicted, average=None, labels=range(classes), zero_division=zero_division),
                atol=1e-15,
            )
