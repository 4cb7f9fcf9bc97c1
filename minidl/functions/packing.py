"""Sequences of different lengths: padded to one length, or packed without padding, as recurrent layers take them.

Packed, the sequences a1 a2 a3 and b1 b2 stand as data = a1 b1 a2 b2 a3 with batch_sizes = 2 2 1: step after step, the
longest sequence first, so that every step is one block of rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import ops
from ..autograd import Variable, wrap
from ..errors import ArgumentError, DTypeError, ShapeError
from ._arguments import as_array
from .joining import sequence, stack, unbind


class PackedSequence(NamedTuple):
    """Sequences of different lengths without padding; made by pack_padded_sequence and pack_sequence.

    data           the rows of all steps, (Σ lengths, ...)
    batch_sizes    int64, how many sequences each step has
    sorted_indices    int64, which sequence comes first, second, ...; None where they came sorted
    unsorted_indices  int64, the place of each sequence among the sorted ones; None where they came sorted
    """

    data: Any
    batch_sizes: Any
    sorted_indices: Any = None
    unsorted_indices: Any = None

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Return the sequences with their rows in another dtype; the arguments are those of Tensor.to."""
        return self._replace(data=self.data.to(*args, **kwargs))

    def float(self) -> PackedSequence:
        """Return the sequences with their rows in float32."""
        return self._replace(data=self.data.float())

    def double(self) -> PackedSequence:
        """Return the sequences with their rows in float64."""
        return self._replace(data=self.data.double())

    def long(self) -> PackedSequence:
        """Return the sequences with their rows in int64."""
        return self._replace(data=self.data.long())

    def cpu(self) -> PackedSequence:
        """Return these sequences: they are on the CPU already."""
        return self

    @property
    def sizes(self) -> tuple[int, ...]:
        """batch_sizes as ints."""
        return tuple(as_array(self.batch_sizes).tolist())


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Return padded sequences (T, N, ...), with `batch_first` (N, T, ...), packed.

    `lengths` are N ints from 1 to T. With enforce_sorted they must fall; without, the sequences are sorted here.

    >>> import minidl
    >>> x = minidl.tensor([[1, 2, 3], [4, 5, 0]])
    >>> minidl.functions.packing.pack_padded_sequence(x, [3, 2], batch_first=True).data
    tensor([1, 4, 2, 5, 3])
    """
    x = as_array(input)
    counts = np.array(lengths) if isinstance(lengths, (list, tuple)) else as_array(lengths, "lengths")
    if x.ndim < 2:
        raise ShapeError(f"input: got shape {x.shape}, expected {'(N, T, ...)' if batch_first else '(T, N, ...)'}")
    n, t = x.shape[:2] if batch_first else x.shape[1::-1]
    if counts.dtype.kind not in "iu":
        raise DTypeError(f"lengths: got {counts.dtype}, expected ints")
    if counts.shape != (n,):
        raise ShapeError(f"lengths: got shape {counts.shape}, expected ({n},), one for each sequence of {x.shape}")
    if n == 0 or counts.min() < 1 or counts.max() > t:
        bad = next((k for k, count in enumerate(counts.tolist()) if not 1 <= count <= t), None)
        what = "no sequences" if bad is None else f"{counts[bad]} for sequence {bad}"
        raise ArgumentError(f"lengths: got {what}, expected 1 to {t}, the steps of the input {x.shape}")
    order = None if enforce_sorted else np.argsort(-counts, kind="stable")
    if order is None and (counts[1:] > counts[:-1]).any():
        raise ArgumentError(f"lengths: {counts.tolist()} do not fall; sort the sequences or pass enforce_sorted=False")
    step, place, sizes = places(counts if order is None else counts[order])
    who = place if order is None else order[place]
    data = ops.getitem(input, index=(who, step) if batch_first else (step, who))
    return PackedSequence(data, wrap(sizes), *(() if order is None else (wrap(order), wrap(np.argsort(order)))))


def places(lengths: Any) -> tuple[Any, Any, Any]:
    """Return, for falling lengths, the step and the sequence of every packed row, and the batch sizes."""
    alive = np.arange(lengths.max())[:, None] < lengths
    return *np.nonzero(alive), alive.sum(1)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Any, Any]:
    """Return packed sequences padded, (T, N, ...) or with `batch_first` (N, T, ...), and their lengths.

    They come in the order that they had before they were packed. T is the longest length, or total_length.

    >>> import minidl
    >>> packed = minidl.functions.packing.pack_padded_sequence(minidl.ones(3, 2), [3, 1])
    >>> minidl.functions.packing.pad_packed_sequence(packed, batch_first=True)
    (tensor([[1., 1., 1.],
            [1., 0., 0.]]), tensor([3, 1]))
    """
    if not isinstance(sequence, PackedSequence):
        raise DTypeError(f"sequence: got {type(sequence).__name__}, expected a PackedSequence")
    sizes = as_array(sequence.batch_sizes)
    steps = len(sizes) if total_length is None else total_length
    if steps < len(sizes):
        raise ArgumentError(f"total_length: got {total_length}, expected at least {len(sizes)}, the longest sequence")
    lengths = (np.arange(sizes[0]) < sizes[:, None]).sum(0)
    step, place, _ = places(lengths)
    if sequence.sorted_indices is not None:
        lengths = lengths[as_array(sequence.unsorted_indices)]
        place = as_array(sequence.sorted_indices)[place]
    index, shape = ((place, step), (len(lengths), steps)) if batch_first else ((step, place), (steps, len(lengths)))
    padded = ops.place(sequence.data, index=index, shape=(*shape, *as_array(sequence.data).shape[1:]))
    if padding_value != 0:
        empty = np.ones(shape + (1,) * (padded.ndim - 2), bool)
        empty[index] = False
        padded = ops.where(empty, padding_value, padded)
    return padded, wrap(lengths)


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Any:
    """Return sequences (T_k, ...) padded to the longest: (T, N, ...), or with `batch_first` (N, T, ...).

    >>> import minidl
    >>> minidl.functions.packing.pad_sequence([minidl.ones(2), minidl.ones(1)], batch_first=True)
    tensor([[1., 1.],
            [1., 0.]])
    """
    if padding_side not in ("right", "left"):
        raise ArgumentError(f'padding_side: got {padding_side!r}, expected "right" or "left"')
    tensors = sequence(unbind(sequences) if isinstance(sequences, Variable) else sequences, "pad_sequence")
    shapes = [as_array(x, "sequences").shape for x in tensors]
    if any(len(shape) < 1 or shape[1:] != shapes[0][1:] for shape in shapes):
        raise ShapeError(f"pad_sequence: the sequences have shapes {shapes}; all sizes but the first must be equal")
    longest = max(shape[0] for shape in shapes)
    rows = []
    for x, shape in zip(tensors, shapes, strict=True):
        fill = np.full((longest - shape[0], *shape[1:]), padding_value, as_array(x).dtype)
        rows.append(ops.cat(*((x, fill) if padding_side == "right" else (fill, x)), dim=0))
    return stack(rows, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """Return padded sequences as a list of sequences of their own lengths.

    >>> import minidl
    >>> minidl.functions.packing.unpad_sequence(minidl.ones(2, 2), minidl.tensor([2, 1]))
    [tensor([1., 1.]), tensor([1.])]
    """
    counts = as_array(lengths, "lengths").tolist()
    return [
        ops.getitem(padded_sequences, index=(k, slice(0, n), ...) if batch_first else (slice(0, n), k, ...))
        for k, n in enumerate(counts)
    ]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Return sequences (T_k, ...) packed.

    >>> import minidl
    >>> minidl.functions.packing.pack_sequence([minidl.tensor([1, 2]), minidl.tensor([3])]).data
    tensor([1, 3, 2])
    """
    lengths = [as_array(x, "sequences").shape[0] for x in sequence(sequences, "pack_sequence")]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """Return packed sequences as a list.

    >>> import minidl
    >>> packed = minidl.functions.packing.pack_sequence([minidl.ones(2), minidl.ones(1)])
    >>> minidl.functions.packing.unpack_sequence(packed)
    [tensor([1., 1.]), tensor([1.])]
    """
    return unpad_sequence(*pad_packed_sequence(packed_sequences))
