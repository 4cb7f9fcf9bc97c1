"""DataLoader: a data set in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from ..errors import ArgumentError, ArgumentTypeError
from .collate import collated, default_collate, default_convert, samples
from .dataset import IterableDataset
from .samplers import BatchSampler, RandomSampler, SequentialSampler

# Arguments that PyTorch has for the processes that read samples.
FOR_PROCESSES = (
    "timeout", "worker_init_fn", "multiprocessing_context", "prefetch_factor", "persistent_workers",
    "pin_memory_device", "in_order",
)  # fmt: skip


class DataLoader:
    """Iterate over a data set in batches; `len(loader)` is the number of batches.

    Args:
        dataset: anything with `dataset[index]` and `len(dataset)`, or an IterableDataset.
        batch_size: samples in a batch. None yields single samples, their arrays as Tensors.
        shuffle: a new random order in each run.
        sampler: an iterable of indices, instead of `shuffle`.
        batch_sampler: an iterable of lists of indices, instead of the four arguments around it.
        num_workers, pin_memory, and what else PyTorch has for processes that read: accepted for its sake. Samples are
            read in the calling process.
        collate_fn: makes a batch of a list of samples; by default `default_collate`.
        drop_last: leave out a last batch that is shorter than `batch_size`.
        generator: the minidl.Generator that shuffles; by default the global one.

    Raises ArgumentError for arguments that contradict each other.

    >>> import minidl
    >>> x, y = minidl.arange(10).reshape(5, 2), minidl.tensor([0, 1, 0, 1, 1])
    >>> loader = minidl.data.DataLoader(minidl.data.TensorDataset(x, y), batch_size=2)
    >>> len(loader)
    3
    >>> [labels.tolist() for inputs, labels in loader]
    [[0, 1], [0, 1], [1]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = False,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        *,
        generator: Any = None,
        **others: Any,
    ) -> None:
        for name in others:
            if name not in FOR_PROCESSES:
                raise ArgumentTypeError(f"DataLoader has no argument {name!r}")
        if isinstance(dataset, IterableDataset):
            if shuffle or sampler is not None or batch_sampler is not None:
                raise ArgumentError(
                    "an IterableDataset decides on the order itself: give no shuffle, sampler or batch_sampler"
                )
        elif not hasattr(dataset, "__getitem__"):
            raise ArgumentTypeError(f"DataLoader: the dataset is a {type(dataset).__name__}, without dataset[index]")
        if num_workers < 0:
            raise ArgumentError(f"num_workers is {num_workers}, expected 0 or more")
        if sampler is not None and shuffle:
            raise ArgumentError("give a sampler or shuffle=True, not both: the sampler decides on the order")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ArgumentError(
                    "batch_sampler stands for batch_size, shuffle, sampler, drop_last: give none of them"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ArgumentError("batch_size=None yields single samples, so there is no last batch to drop")
        if sampler is None and not isinstance(dataset, IterableDataset):
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None and sampler is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if batch_size is None and batch_sampler is None else default_collate

        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.generator = generator

    def __iter__(self) -> Iterator[Any]:
        if self.sampler is None:
            yield from self._stream()
        elif self.batch_sampler is None:
            for index in self.sampler:
                yield self.collate_fn(self.dataset[index])
        else:
            for indices in self.batch_sampler:
                yield self._batch(indices)

    def _stream(self) -> Iterator[Any]:
        """Yield what the samples of an IterableDataset become."""
        if self.batch_size is None:
            yield from map(self.collate_fn, self.dataset)
            return
        stream = iter(self.dataset)
        smallest = self.batch_size if self.drop_last else 1
        while len(batch := list(islice(stream, self.batch_size))) >= smallest:
            yield self.collate_fn(batch)

    def _batch(self, indices: list[Any]) -> Any:
        """Return the collated batch of these indices, by the fastest way that the data set offers."""
        if self.collate_fn is default_collate:
            return collated(self.dataset, indices)
        return self.collate_fn(samples(self.dataset, indices))

    def __len__(self) -> int:
        if self.sampler is None:
            samples = len(self.dataset)
            if self.batch_size is None:
                return samples
            return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]
