"""Sequences of different lengths in one Tensor: filled up with padding, or packed without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import minidl

from ...errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from ...tensor import Tensor


class Packed(NamedTuple):
    """The fields of a PackedSequence."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(Packed):
    """Sequences of different lengths without padding: all first steps, then all second steps, and so on.

    Fields: `data` (Σ lengths, *), the steps, in each of them the longest sequence first; `batch_sizes` (T), how many
    sequences have a step t; `sorted_indices` (N), the sequences' numbers from the longest on, and `unsorted_indices`,
    the way back, both None if the sequences came sorted. The recurrent layers take it as their input.

    It is made by `pack_padded_sequence` or `pack_sequence`, not by hand.

    >>> import minidl
    >>> from minidl.nn.utils.rnn import pack_sequence
    >>> packed = pack_sequence([minidl.tensor([1, 2, 3]), minidl.tensor([4])])
    >>> packed.data.tolist(), packed.batch_sizes.tolist()
    ([1, 4, 2, 3], [2, 1, 1])
    """

    __slots__ = ()

    def __new__(
        cls, data: Tensor, batch_sizes: Tensor, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> PackedSequence:
        """Make one of its fields; unsorted_indices follow from sorted_indices."""
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Return the same sequences with their data converted as `Tensor.to` does."""
        return self._replace(data=self.data.to(*args, **kwargs))

    def double(self) -> PackedSequence:
        """Return the same sequences in float64."""
        return self.to(minidl.float64)

    def float(self) -> PackedSequence:
        """Return the same sequences in float32."""
        return self.to(minidl.float32)

    def cpu(self) -> PackedSequence:
        """Return this: it is on the CPU already."""
        return self


def invert_permutation(permutation: Any) -> Any:
    """Return the permutation that undoes this one; None of None.

    >>> import minidl
    >>> minidl.nn.utils.rnn.invert_permutation(minidl.tensor([2, 0, 1])).tolist()
    [1, 2, 0]
    """
    return None if permutation is None else minidl.from_numpy(np.argsort(permutation.numpy()))


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Return padded sequences (T, N, *), or (N, T, *) with `batch_first`, without their padding.

    `lengths` (N) are whole numbers from 1 to T. With `enforce_sorted` the longest sequence must come first, as ONNX
    needs it; without, they are sorted here, and `pad_packed_sequence` brings them back into their order.

    Raises ShapeError for lengths that don't fit.

    >>> import minidl
    >>> from minidl.nn.utils.rnn import pack_padded_sequence
    >>> padded = minidl.tensor([[1, 0, 0], [2, 3, 4]])
    >>> packed = pack_padded_sequence(padded, [1, 3], batch_first=True, enforce_sorted=False)
    >>> packed.data.tolist(), packed.batch_sizes.tolist(), packed.sorted_indices.tolist()
    ([2, 1, 3, 4], [2, 1, 1], [1, 0])
    """
    x = minidl.as_tensor(input)
    if x.ndim < 2:
        raise ShapeError(f"pack_padded_sequence: expected (T, N, *) or (N, T, *), got shape {x.shape}")
    x = x.transpose(0, 1) if batch_first else x
    steps, batch = x.shape[:2]
    sizes = checked_lengths("pack_padded_sequence", lengths, steps, batch)
    order = None
    if not enforce_sorted:
        order = np.argsort(-sizes, kind="stable")
        sizes = sizes[order]
        x = x[:, order]
    elif (sizes[1:] > sizes[:-1]).any():
        raise ShapeError(
            f"pack_padded_sequence: lengths must go down, got {sizes.tolist()}; sort the sequences, or pass "
            "enforce_sorted=False"
        )
    there = np.arange(sizes.max(initial=0))[:, None] < sizes
    return PackedSequence(
        x[np.nonzero(there)],
        minidl.from_numpy(there.sum(1)),
        None if order is None else minidl.from_numpy(order),
    )


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return (the sequences filled up with `padding_value`, their lengths), in the order they had before packing.

    Shapes: (T, N, *) and (N), or (N, T, *) with `batch_first`; T is the longest length, or `total_length`.

    >>> import minidl
    >>> from minidl.nn.utils.rnn import pack_sequence, pad_packed_sequence
    >>> packed = pack_sequence([minidl.tensor([1, 2, 3]), minidl.tensor([4])])
    >>> padded, lengths = pad_packed_sequence(packed, batch_first=True, padding_value=9)
    >>> padded.tolist(), lengths.tolist()
    ([[1, 2, 3], [4, 9, 9]], [3, 1])
    """
    if not isinstance(sequence, PackedSequence):
        raise ArgumentTypeError(f"pad_packed_sequence: expected a PackedSequence, got {type(sequence).__name__}")
    batch_sizes = sequence.batch_sizes.numpy()
    steps = len(batch_sizes)
    if total_length is not None and total_length < steps:
        raise ArgumentError(f"total_length is {total_length}, less than the longest sequence, of {steps} steps")
    there = np.arange(batch_sizes.max(initial=0)) < batch_sizes[:, None]
    if total_length is not None:
        there = np.pad(there, ((0, total_length - steps), (0, 0)))
    place = np.where(there, np.cumsum(there).reshape(there.shape) - 1, 0)  # of each step in data, row by row
    if sequence.unsorted_indices is not None:
        there, place = there[:, sequence.unsorted_indices.numpy()], place[:, sequence.unsorted_indices.numpy()]
    missing = minidl.from_numpy(~there.reshape(*there.shape, *[1] * (sequence.data.ndim - 1)))
    padding = minidl.full((), padding_value, dtype=sequence.data.dtype)
    padded = sequence.data[place].masked_fill(missing, padding)
    return (padded.transpose(0, 1) if batch_first else padded), minidl.from_numpy(there.sum(0))


def pad_sequence(
    sequences: Sequence[Any], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Return sequences (L_i, *) of different lengths as one Tensor (T, N, *), or (N, T, *) with `batch_first`.

    T is the longest length; the shorter ones are filled up with `padding_value`, behind or, with `padding_side` "left",
    in front.

    >>> import minidl
    >>> minidl.nn.utils.rnn.pad_sequence([minidl.tensor([1, 2, 3]), minidl.tensor([4])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 0, 0]])
    """
    if padding_side not in ("right", "left"):
        raise ArgumentError(f"padding_side must be one of 'right', 'left', got {padding_side!r}")
    rows = [minidl.as_tensor(sequence) for sequence in sequences]
    if not rows:
        raise ArgumentError("pad_sequence: sequences is empty, expected at least one")
    first = rows[0]
    for number, row in enumerate(rows):
        if row.ndim == 0 or row.shape[1:] != first.shape[1:]:
            raise ShapeError(
                f"pad_sequence: sequences may differ in their first dimension alone, but number 0 has shape "
                f"{first.shape} and number {number} {row.shape}"
            )
    longest = max(len(row) for row in rows)
    filled = []
    for row in rows:
        padding = minidl.full((longest - len(row), *first.shape[1:]), padding_value, dtype=first.dtype)
        filled.append(minidl.cat([row, padding] if padding_side == "right" else [padding, row]))
    return minidl.stack(filled, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """Return the list of sequences without their padding: the inverse of `pad_sequence`.

    >>> import minidl
    >>> padded = minidl.tensor([[1, 2, 3], [4, 0, 0]])
    >>> [row.tolist() for row in minidl.nn.utils.rnn.unpad_sequence(padded, [3, 1], batch_first=True)]
    [[1, 2, 3], [4]]
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:length] for row, length in zip(rows, np.asarray(lengths).tolist(), strict=True)]


def pack_sequence(sequences: Sequence[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Return sequences (L_i, *) packed, without padding; see `pack_padded_sequence`.

    >>> import minidl
    >>> from minidl.nn.utils.rnn import pack_sequence, unpack_sequence
    >>> packed = pack_sequence([minidl.tensor([4]), minidl.tensor([1, 2])], enforce_sorted=False)
    >>> [row.tolist() for row in unpack_sequence(packed)]
    [[4], [1, 2]]
    """
    lengths = [len(sequence) for sequence in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Return the list of sequences that were packed."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


def checked_lengths(name: str, lengths: Any, steps: int, batch: int) -> Any:
    """Return lengths as an int64 array, or raise if they don't fit the input."""
    sizes = np.asarray(minidl.as_tensor(lengths).numpy())
    if sizes.dtype.kind not in "iu":
        raise DTypeError(f"{name}: lengths must be whole numbers, got {sizes.dtype}")
    if sizes.shape != (batch,):
        raise ShapeError(
            f"{name}: expected {batch} lengths, one for each sequence, got shape {sizes.shape}; is batch_first right?"
        )
    for number, size in enumerate(sizes.tolist()):
        if not 1 <= size <= steps:
            raise ShapeError(
                f"{name}: the length of sequence {number} is {size}, expected 1 to {steps}, the time steps"
            )
    return sizes.astype(np.int64)
