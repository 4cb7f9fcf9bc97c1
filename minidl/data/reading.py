"""How a batch comes out of a data set; the loader reads so itself, and so do its worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from ..random import seeded
from .collate import collated, default_collate, samples
from .dataset import IterableDataset


class EndOfStream(Exception):
    """An IterableDataset has no more samples."""


class Reader:
    """Reads the batches that tasks ask for: a list of indices, one index, or for a stream just the next batch."""

    def __init__(
        self, dataset: Any, collate_fn: Callable[[Any], Any], batch_size: int | None, drop_last: bool, single: bool
    ) -> None:
        self.dataset = dataset
        self.collate_fn = collate_fn
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.single = single
        self.stream: Iterator[Any] | None = None

    def read(self, task: Any, seed: int) -> Any:
        """Return the batch of a task; what is random in it comes from the stream of `seed`, not from the program's."""
        with seeded(seed):
            if isinstance(self.dataset, IterableDataset):
                return self._next()
            if self.single:
                return self.collate_fn(self.dataset[task])
            if self.collate_fn is default_collate:
                return collated(self.dataset, task)  # by the fastest way that the data set offers
            return self.collate_fn(samples(self.dataset, task))

    def _next(self) -> Any:
        if self.stream is None:
            self.stream = iter(self.dataset)
        batch = list(islice(self.stream, self.batch_size or 1))
        if len(batch) < (self.batch_size if self.batch_size and self.drop_last else 1):
            raise EndOfStream
        return self.collate_fn(batch[0] if self.batch_size is None else batch)
