"""DataLoader: a data set in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..errors import ArgumentError, ArgumentTypeError
from .collate import default_collate, default_convert
from .samplers import BatchSampler, RandomSampler, SequentialSampler


class DataLoader:
    """Iterate over a data set in batches; `len(loader)` is the number of batches.

    Args:
        dataset: anything with `dataset[index]` and `len(dataset)`.
        batch_size: samples in a batch. None yields single samples, their arrays as Tensors.
        shuffle: a new random order in each run.
        sampler: an iterable of indices, instead of `shuffle`.
        batch_sampler: an iterable of lists of indices, instead of the four arguments around it.
        num_workers, pin_memory: accepted for PyTorch's sake. Samples are read in the calling process.
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
    ) -> None:
        if not hasattr(dataset, "__getitem__"):
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
        if sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate

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
        if self.batch_sampler is None:
            for index in self.sampler:
                yield self.collate_fn(self.dataset[index])
        else:
            for indices in self.batch_sampler:
                yield self._batch(indices)

    def _batch(self, indices: list[Any]) -> Any:
        """Return the collated batch of these indices, by the fastest way that the data set offers."""
        if self.collate_fn is default_collate and _fetches_batches(self.dataset):
            return self.dataset.fetch_batch(indices)
        if hasattr(self.dataset, "__getitems__"):
            return self.collate_fn(self.dataset.__getitems__(indices))
        return self.collate_fn([self.dataset[index] for index in indices])

    def __len__(self) -> int:
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]


def _fetches_batches(dataset: Any) -> bool:
    """Whether `dataset` has a fetch_batch that goes with its __getitem__.

    A subclass that writes only a new __getitem__, say to turn the images of FashionMNIST, inherits a fetch_batch that
    knows nothing of it and must not be used.
    """
    for cls in type(dataset).__mro__:
        if "fetch_batch" in vars(cls):
            return True
        if "__getitem__" in vars(cls):
            return False
    return False
