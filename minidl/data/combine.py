"""Data sets made of others: parts of one, several as one."""

from __future__ import annotations

import math
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Any

import minidl

from ..errors import ArgumentError, ArgumentTypeError, IndexOutOfRange, ShapeError
from .collate import collated
from .dataset import Dataset, IterableDataset


class Subset(Dataset[Any]):
    """The samples of `dataset` at these indices, in this order: sample i is dataset[indices[i]].

    >>> import minidl
    >>> subset = minidl.data.Subset("abcde", [4, 0])
    >>> len(subset), subset[0], subset[1]
    (2, 'e', 'a')
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def fetch_batch(self, indices: Sequence[int]) -> Any:
        """Return the batch of these samples, by the fastest way that the data set offers."""
        return collated(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[Any]):
    """Several data sets one after the other, as one; `a + b` makes it of two.

    >>> import minidl
    >>> both = minidl.data.ConcatDataset(["abc", "de"])
    >>> len(both), both[3], both[-5]
    (5, 'd', 'a')
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ArgumentError("ConcatDataset: datasets is empty, expected at least one")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise ArgumentTypeError("ConcatDataset: an IterableDataset has no dataset[index]; use ChainDataset")

    @property
    def cumulative_sizes(self) -> list[int]:
        """The numbers of samples up to the end of each data set."""
        return list(accumulate(map(len, self.datasets)))

    def __getitem__(self, index: int) -> Any:
        ends = self.cumulative_sizes
        if not -ends[-1] <= index < ends[-1]:
            raise IndexOutOfRange(f"index {index} is out of range for a ConcatDataset of {ends[-1]} samples")
        index %= ends[-1]
        number = bisect_right(ends, index)
        return self.datasets[number][index - (ends[number - 1] if number else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset[Any]):
    """Several IterableDatasets one after the other; `a + b` makes it of two.

    >>> from minidl.data import ChainDataset, IterableDataset
    >>> class Letters(IterableDataset):
    ...     def __init__(self, word):
    ...         self.word = word
    ...     def __iter__(self):
    ...         return iter(self.word)
    >>> list(ChainDataset([Letters("ab"), Letters("c")]))
    ['a', 'b', 'c']
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        for number, dataset in enumerate(self.datasets):
            if not isinstance(dataset, IterableDataset):
                raise ArgumentTypeError(
                    f"ChainDataset takes IterableDatasets, but number {number} is a {type(dataset).__name__}; "
                    "use ConcatDataset"
                )

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)


def random_split(dataset: Any, lengths: Sequence[float], generator: Any = None) -> list[Subset]:
    """Return parts of a data set, drawn at random and without overlap, as for training and validation.

    `lengths` are the numbers of samples, which sum to len(dataset), or fractions, which sum to 1: each is rounded down,
    and the samples left over go to the first parts, one each.

    >>> import minidl
    >>> train, valid = minidl.data.random_split(range(10), [0.8, 0.2], minidl.Generator().manual_seed(0))
    >>> len(train), len(valid), sorted([*train, *valid])
    (8, 2, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    size, total = len(dataset), sum(lengths)
    if math.isclose(total, 1) and total <= 1:
        if not all(0 <= part <= 1 for part in lengths):
            raise ArgumentError(f"random_split: fractions must be from 0 to 1, got {lengths}")
        sizes = [math.floor(size * part) for part in lengths]
        for k in range(size - sum(sizes)):
            sizes[k % len(sizes)] += 1
        for k, length in enumerate(sizes):
            if length == 0:
                warnings.warn(f"random_split: part {k} is empty", stacklevel=2)
    else:
        sizes = [int(length) for length in lengths]
        if sizes != list(lengths) or min(sizes, default=0) < 0 or sum(sizes) != size:
            raise ArgumentError(
                f"random_split: lengths must be numbers of samples that sum to the {size} of the data set, or "
                f"fractions that sum to 1; got {lengths}, which sum to {total}"
            )
    order = minidl.randperm(size, generator=generator).tolist()
    return [Subset(dataset, order[end - length : end]) for length, end in zip(sizes, accumulate(sizes), strict=True)]


def stratified_split(dataset: Any, labels: Any, lengths: Sequence[float], generator: Any = None) -> list[Subset]:
    """Return parts of a data set as random_split does, with each class in every part in its proportion.

    Args:
        labels: the class of each sample, N integers.
        lengths: the fractions of the parts, which sum to 1. Rounding is settled class by class, so a part has its share
            of each class to within one sample.

    >>> import minidl
    >>> labels = [0] * 6 + [1] * 3
    >>> train, test = minidl.data.stratified_split(range(9), labels, [2 / 3, 1 / 3], minidl.Generator().manual_seed(0))
    >>> sorted(labels[k] for k in train), sorted(labels[k] for k in test)
    ([0, 0, 0, 0, 1, 1], [0, 0, 1])
    """
    classes = minidl.as_tensor(labels).numpy()
    if classes.shape != (len(dataset),):
        raise ShapeError(f"stratified_split: labels has the shape {classes.shape}, expected ({len(dataset)},)")
    if not math.isclose(sum(lengths), 1) or not all(0 <= part <= 1 for part in lengths):
        raise ArgumentError(f"stratified_split: lengths must be fractions that sum to 1, got {lengths}")
    ends = [round(end, 9) for end in accumulate(lengths)]
    parts: list[list[int]] = [[] for _ in lengths]
    for label in sorted(set(classes.tolist())):
        members = [k for k, value in enumerate(classes.tolist()) if value == label]
        order = minidl.randperm(len(members), generator=generator).tolist()
        start = 0
        for part, end in zip(parts, ends, strict=True):
            stop = round(end * len(members))
            part += [members[k] for k in order[start:stop]]
            start = stop
    return [Subset(dataset, [part[k] for k in minidl.randperm(len(part), generator=generator).tolist()])
            for part in parts]  # fmt: skip
