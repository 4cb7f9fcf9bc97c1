"""Samplers: in which order, and in which groups, the samples of a data set are taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import chain, islice
from typing import Any, Generic, TypeVar

import numpy as np

import minidl

from ..errors import ArgumentError

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """The base of samplers: an iterable of indices that can be run through again and again."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__(), which yields indices")


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ..., len(data_source) - 1.

    >>> from minidl.data import SequentialSampler
    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Random indices into `data_source`: a new permutation each time, or draws with replacement.

    Args:
        replacement: draw each index from all of them, so that some come twice and some never.
        num_samples: how many indices; by default len(data_source). Without replacement, more of them are made of
            several permutations.
        generator: a minidl.Generator, by default the global one.

    Raises ArgumentError for a data source without samples or num_samples that is not a positive int.

    >>> from minidl.data import RandomSampler
    >>> sorted(RandomSampler("abcde"))
    [0, 1, 2, 3, 4]
    """

    def __init__(
        self, data_source: Sized, replacement: bool = False, num_samples: int | None = None, generator: Any = None
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self.generator = generator
        self._num_samples = num_samples
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            where = "the data set, which is empty" if num_samples is None else "num_samples"
            raise ArgumentError(f"RandomSampler: got {self.num_samples!r} samples from {where}, expected at least 1")
        if len(data_source) == 0:
            raise ArgumentError("RandomSampler: the data set is empty, so there is nothing to draw from")

    @property
    def num_samples(self) -> int:
        """How many indices one run yields; it follows a data set that changes its length."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        length, wanted = len(self.data_source), self.num_samples
        if self.replacement:
            yield from minidl.randint(0, length, (wanted,), generator=self.generator).tolist()
            return
        rounds = [minidl.randperm(length, generator=self.generator).tolist() for _ in range(-(-wanted // length))]
        yield from islice(chain.from_iterable(rounds), wanted)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in a new random order each time.

    >>> from minidl.data import SubsetRandomSampler
    >>> sorted(SubsetRandomSampler([3, 5, 9]))
    [3, 5, 9]
    """

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for place in minidl.randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[place]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` random indices, index i with a probability in proportion to weights[i].

    Weights of 1/(size of the sample's class) make rare classes come as often as the others. They need not sum to 1.
    Without replacement no index comes twice, so that there must be num_samples weights above 0.

    Raises ArgumentError for weights that are no vector of finite numbers of 0 or more, one of them above 0, and for
    num_samples that is not a positive int or too large.

    >>> from minidl.data import WeightedRandomSampler
    >>> list(WeightedRandomSampler([0.0, 1.0, 0.0], num_samples=3))
    [1, 1, 1]
    >>> sorted(WeightedRandomSampler([0.5, 0.2, 0.0], num_samples=2, replacement=False))
    [0, 1]
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True, generator: Any = None) -> None:
        self.weights = minidl.as_tensor(weights, dtype=minidl.float64)
        w = self.weights.numpy()
        if w.ndim != 1 or not (np.isfinite(w) & (w >= 0)).all() or not w.any():
            raise ArgumentError(
                "weights must be a vector of finite numbers of 0 or more, one of them above 0, got "
                f"{'shape ' + str(w.shape) if w.ndim != 1 else w.tolist()}"
            )
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ArgumentError(f"num_samples is {num_samples!r}, expected a positive int")
        if not isinstance(replacement, bool):
            raise ArgumentError(f"replacement is {replacement!r}, expected True or False")
        if not replacement and num_samples > np.count_nonzero(w):
            raise ArgumentError(
                f"num_samples is {num_samples} without replacement, but only {np.count_nonzero(w)} weights are above 0"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = minidl.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of `batch_size` indices of another sampler; a shorter last one is kept unless `drop_last`.

    >>> from minidl.data import BatchSampler
    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ArgumentError(f"batch_size is {batch_size!r}, expected a positive int")
        if not isinstance(drop_last, bool):
            raise ArgumentError(f"drop_last is {drop_last!r}, expected True or False")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        smallest = self.batch_size if self.drop_last else 1
        while len(batch := list(islice(indices, self.batch_size))) >= smallest:
            yield batch

    def __len__(self) -> int:
        length = len(self.sampler)  # type: ignore[arg-type]
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)
