"""Padded and packed sequences: values and gradients against PyTorch's, errors."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from minidl.nn.utils.rnn import (
    PackedSequence,
    invert_permutation,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
    unpad_sequence,
)


def sequences(lengths, *features, dtype=np.float64):
    rng = np.random.default_rng(0)
    return [rng.standard_normal((length, *features)).astype(dtype) for length in lengths]


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("features", [(), (2,), (2, 3), (0,)])
def test_pad_sequence_is_torchs(features, dtype, batch_first, side):
    torch = pytest.importorskip("torch")
    rows = [(10 * row).astype(dtype) for row in sequences([3, 1, 4, 0], *features)]
    ours = pad_sequence(rows, batch_first, 7, side)
    theirs = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first, 7, side)
    assert ours.dtype == dtype
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    for row, again in zip(
        rows, unpad_sequence(pad_sequence(rows, batch_first), [3, 1, 4, 0], batch_first), strict=True
    ):
        np.testing.assert_array_equal(again.numpy(), row)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize(
    ("lengths", "sorted_"),
    [([4, 3, 3, 1], True), ([2, 4, 1, 4], False), ([5, 5], True), ([1], True), ([1, 2, 3], False), ([3, 1], False)],
)
@pytest.mark.parametrize("features", [(), (2,), (2, 3)])
def test_packing_is_torchs_with_gradients(features, lengths, sorted_, batch_first):
    torch = pytest.importorskip("torch")
    shape = (len(lengths), 5) if batch_first else (5, len(lengths))
    x = np.random.default_rng(1).standard_normal((*shape, *features))

    def run(library):
        rnn = library.nn.utils.rnn
        given = library.tensor(x, requires_grad=True)
        packed = rnn.pack_padded_sequence(given, library.tensor(lengths), batch_first, sorted_)
        padded, again = rnn.pad_packed_sequence(packed, batch_first, padding_value=0.5, total_length=6)
        (padded * padded * 0.5).sum().backward()
        fields = [None if field is None else field.detach().numpy() for field in packed]
        return [*fields, padded.detach().numpy(), again.numpy(), given.grad.numpy()]

    for ours, theirs in zip(run(minidl), run(torch), strict=True):
        if theirs is None:
            assert ours is None
        else:
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_packing_and_back(lengths):
    rows = sequences(lengths, 2)
    packed = pack_sequence(rows, enforce_sorted=False)
    assert packed.data.shape == (sum(lengths), 2)
    for row, again in zip(rows, unpack_sequence(packed), strict=True):
        np.testing.assert_array_equal(again.numpy(), row)
    padded, found = pad_packed_sequence(packed)
    np.testing.assert_array_equal(padded.numpy(), pad_sequence(rows).numpy())
    assert found.tolist() == lengths


def test_a_packed_sequence_is_a_tuple_with_conversions():
    packed = pack_sequence([minidl.ones(2, 3), minidl.ones(1, 3)])
    data, sizes, order, back = packed
    assert data is packed.data
    assert sizes.tolist() == [2, 1]
    assert order is None
    assert back is None
    double = packed.double()
    assert isinstance(double, PackedSequence)
    assert double.data.dtype == minidl.float64
    assert double.float().data.dtype == minidl.float32
    assert packed.cpu() is packed
    again = pickle.loads(pickle.dumps(packed))
    assert isinstance(again, PackedSequence)
    assert again.data.tolist() == data.tolist()
    by_hand = PackedSequence(minidl.zeros(3), minidl.tensor([3]), minidl.tensor([2, 0, 1]))
    assert by_hand.unsorted_indices.tolist() == [1, 2, 0]
    assert invert_permutation(None) is None


def test_nan_in_the_padding_is_left_out():
    x = minidl.tensor([[1.0, 2.0], [3.0, float("nan")]], requires_grad=True)
    padded, _ = pad_packed_sequence(pack_padded_sequence(x, [2, 1], batch_first=True), batch_first=True)
    padded.sum().backward()
    assert padded.tolist() == [[1.0, 2.0], [3.0, 0.0]]
    assert x.grad.tolist() == [[1.0, 1.0], [1.0, 0.0]]


X = minidl.zeros(4, 2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: pack_padded_sequence(X, [3]),
            ShapeError,
            r"expected 2 lengths, one for each sequence, got shape \(1,\)",
        ),
        (lambda: pack_padded_sequence(X, [5, 2]), ShapeError, "the length of sequence 0 is 5, expected 1 to 4"),
        (lambda: pack_padded_sequence(X, [3, 0]), ShapeError, "the length of sequence 1 is 0, expected 1 to 4"),
        (
            lambda: pack_padded_sequence(X, [2, 3]),
            ShapeError,
            r"lengths must go down, got \[2, 3\]; .*enforce_sorted=False",
        ),
        (lambda: pack_padded_sequence(X, [2.0, 1.0]), DTypeError, "lengths must be whole numbers, got float"),
        (lambda: pack_padded_sequence(minidl.zeros(3), [1]), ShapeError, r"got shape \(3,\)"),
        (lambda: pad_packed_sequence(X), ArgumentTypeError, "expected a PackedSequence, got Tensor"),
        (
            lambda: pad_packed_sequence(pack_padded_sequence(X, [4, 1]), total_length=3),
            ArgumentError,
            "total_length is 3, less than the longest sequence, of 4 steps",
        ),
        (lambda: pad_sequence([]), ArgumentError, "sequences is empty"),
        (lambda: pad_sequence([X], padding_side="both"), ArgumentError, "one of 'right', 'left', got 'both'"),
        (lambda: pad_sequence([X, X[0]]), ShapeError, r"number 0 has shape \(4, 2, 3\) and number 1 \(2, 3\)"),
        (lambda: pad_sequence([minidl.tensor(1.0)]), ShapeError, r"number 0 \(\)"),
        (lambda: pack_sequence([X[:2], X]), ShapeError, "lengths must go down"),
    ],
)
def test_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=message):
        call()
    assert issubclass(ShapeError, RuntimeError)
