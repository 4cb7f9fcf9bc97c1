"""nn.utils.rnn: values and gradients against PyTorch's; errors are tested in test_recurrence.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl.nn.utils.rnn import (
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
    rows = [minidl.tensor((10 * row).astype(dtype)) for row in sequences([3, 1, 4, 0], *features)]
    ours = pad_sequence(rows, batch_first, 7, side)
    theirs = torch.nn.utils.rnn.pad_sequence([torch.tensor(row.numpy()) for row in rows], batch_first, 7, side)
    assert ours.dtype == dtype
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    for row, again in zip(
        rows, unpad_sequence(pad_sequence(rows, batch_first), minidl.tensor([3, 1, 4, 0]), batch_first), strict=True
    ):
        np.testing.assert_array_equal(again.numpy(), row.numpy())


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
    rows = [minidl.tensor(row) for row in sequences(lengths, 2)]
    packed = pack_sequence(rows, enforce_sorted=False)
    assert packed.data.shape == (sum(lengths), 2)
    for row, again in zip(rows, unpack_sequence(packed), strict=True):
        np.testing.assert_array_equal(again.numpy(), row.numpy())
    padded, found = pad_packed_sequence(packed)
    np.testing.assert_array_equal(padded.numpy(), pad_sequence(rows).numpy())
    assert found.tolist() == lengths


def test_nan_in_the_padding_is_left_out():
    x = minidl.tensor([[1.0, 2.0], [3.0, float("nan")]], requires_grad=True)
    padded, _ = pad_packed_sequence(pack_padded_sequence(x, [2, 1], batch_first=True), batch_first=True)
    padded.sum().backward()
    assert padded.tolist() == [[1.0, 2.0], [3.0, 0.0]]
    assert x.grad.tolist() == [[1.0, 1.0], [1.0, 0.0]]
