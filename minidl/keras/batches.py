"""Batches: of arrays, of a DataLoader, or of anything that yields (inputs, labels)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import Any

import numpy as np

import minidl

from ..errors import ArgumentError, ArgumentTypeError, ShapeError
from .values import as_tensors, leaves, mapped

Batch = tuple[Any, Any, Any]  # inputs, labels, weights of the samples


class Batches:
    """Yields (inputs, labels, weights) in each epoch anew; `len` is None where it is not known."""

    def __init__(
        self, x: Any, y: Any = None, sample_weight: Any = None, batch_size: int | None = None, shuffle: bool = False,
        steps: int | None = None,
    ) -> None:  # fmt: skip
        self.steps = steps
        self.loader: Iterable[Any] | None = None
        self.running: Iterator[Any] | None = None
        if isinstance(x, (np.ndarray, minidl.Tensor, list, tuple, dict)):
            given = as_tensors(x), as_tensors(y), as_tensors(sample_weight)
            self.samples = check_lengths(*given)
            self.arrays = [mapped(lambda t: None if t is None else t.detach().numpy(), value) for value in given]
            self.batch_size = 32 if batch_size is None else batch_size
            if isinstance(self.batch_size, bool) or not isinstance(self.batch_size, int) or self.batch_size < 1:
                raise ArgumentError(f"batch_size: got {batch_size!r}, expected a whole number of at least 1")
            self.shuffle = shuffle
            if self.samples == 0:
                raise ArgumentError("x: there are no samples")
            return
        if not isinstance(x, Iterable):
            raise ArgumentTypeError(
                f"x: got {type(x).__name__}, expected arrays, or what yields batches (inputs, labels)"
            )
        if y is not None:
            raise ArgumentError("y: x yields the labels itself, so y must be left out")
        self.loader = x
        self.endless = iter(x) is x  # a generator goes on from epoch to epoch

    @property
    def length(self) -> int | None:
        """How many batches an epoch has."""
        if self.steps is not None:
            return self.steps
        if self.loader is None:
            return -(-self.samples // self.batch_size)
        return len(self.loader) if isinstance(self.loader, Sized) else None

    def __iter__(self) -> Iterator[Batch]:
        batches = self.of_arrays() if self.loader is None else self.of_loader()
        if self.steps is None:
            yield from batches
            return
        for _, batch in zip(range(self.steps), batches, strict=False):
            yield batch

    def of_arrays(self) -> Iterator[Batch]:
        """Yield slices of the arrays, in a new order if they are shuffled."""
        order = minidl.randperm(self.samples).numpy() if self.shuffle else None
        for start in range(0, self.samples, self.batch_size):
            part = slice(start, start + self.batch_size)
            yield rows(self.arrays, part if order is None else order[part])

    def of_loader(self) -> Iterator[Batch]:
        """Yield what the loader yields."""
        assert self.loader is not None
        if self.running is None or not self.endless:
            self.running = iter(self.loader)
        for batch in self.running:
            yield parts_of(batch)


def rows(arrays: list[Any], chosen: Any) -> Batch:
    """Return these rows of inputs, labels and weights."""
    x, y, weights = (mapped(lambda a: None if a is None else minidl.from_numpy(a[chosen]), value) for value in arrays)
    return x, y, weights


def parts_of(batch: Any) -> Batch:
    """Return inputs, labels and weights of a batch."""
    if isinstance(batch, (list, tuple)) and 1 <= len(batch) <= 3:
        x, y, weights = [*batch, None, None][:3]
    else:
        x, y, weights = batch, None, None
    return as_tensors(x), as_tensors(y), as_tensors(weights)


def check_lengths(x: Any, y: Any, weights: Any) -> int:
    """Return how many samples there are, the same in all arrays."""
    lengths = []
    for name, value in (("x", x), ("y", y), ("sample_weight", weights)):
        for array in leaves(value):
            if array is None:
                continue
            if array.ndim == 0:
                raise ShapeError(f"{name}: got a single number, expected a sample for each row")
            lengths.append((name, len(array)))
    if len({length for _, length in lengths}) > 1:
        shown = ", ".join(f"{name} has {length} samples" for name, length in lengths)
        raise ShapeError(f"arrays of different length: {shown}")
    return lengths[0][1]


def split(x: Any, y: Any, weights: Any, share: float) -> tuple[Any, Any]:
    """Return the first part of the arrays for training and the last `share` for validation."""
    if not 0 < share < 1:
        raise ArgumentError(f"validation_split: got {share!r}, expected a share between 0 and 1")
    x, y, weights = as_tensors(x), as_tensors(y), as_tensors(weights)
    count = check_lengths(x, y, weights)
    at = int(count * (1 - share))
    if at in (0, count):
        raise ArgumentError(f"validation_split: {share} of {count} samples leaves nothing on one side")

    def part(which: slice) -> tuple[Any, Any, Any]:
        return tuple(None if v is None else mapped(lambda a: a[which], v) for v in (x, y, weights))  # type: ignore[return-value]

    return part(slice(0, at)), part(slice(at, None))
