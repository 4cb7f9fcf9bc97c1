"""DataLoader: a data set in batches."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice, repeat
from typing import Any

import minidl

from ..errors import ArgumentError, ArgumentTypeError, StateError
from ..random import Generator, default_generator
from .collate import default_collate, default_convert
from .dataset import IterableDataset
from .reading import EndOfStream, Reader
from .samplers import BatchSampler, RandomSampler, SequentialSampler
from .workers import Workers, check_options

# Arguments that PyTorch has for the processes that read samples.
FOR_PROCESSES = (
    "timeout", "worker_init_fn", "multiprocessing_context", "prefetch_factor", "persistent_workers",
    "pin_memory_device", "in_order",
)  # fmt: skip

MOST_SEEDS = 2**62


class DataLoader:
    """Iterate over a data set in batches; `len(loader)` is the number of batches.

    Args:
        dataset: anything with `dataset[index]` and `len(dataset)`, or an IterableDataset.
        batch_size: samples in a batch. None yields single samples, their arrays as Tensors.
        shuffle: a new random order in each run.
        sampler: an iterable of indices, instead of `shuffle`.
        batch_sampler: an iterable of lists of indices, instead of the four arguments around it.
        num_workers: how many processes read batches ahead; with 0 the calling one does. Order and random numbers
            are the same for any number. The data set travels to them by pickle.
        collate_fn: makes a batch of a list of samples; by default `default_collate`.
        drop_last: leave out a last batch that is shorter than `batch_size`.
        generator: the minidl.Generator that shuffles; by default the global one.
        timeout: seconds to wait for a batch from a worker; 0 waits as long as it lives.
        worker_init_fn: called with the number of each worker when it starts.
        multiprocessing_context: how they start, by default "forkserver" where it exists, else "spawn".
        prefetch_factor: batches that each worker reads ahead, by default 2.
        persistent_workers: keep them from run to run.
        pin_memory, pin_memory_device, in_order: accepted for PyTorch's sake.

    Raises ArgumentError for arguments that contradict each other.

    Unlike PyTorch's, a sample's random numbers are those of its batch, the same for any number of workers.

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
        check_options(num_workers, others)
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
        self.timeout = others.get("timeout", 0)
        self.worker_init_fn = others.get("worker_init_fn")
        self.multiprocessing_context = others.get("multiprocessing_context")
        self.prefetch_factor = others.get("prefetch_factor") or (2 if num_workers else None)
        self.persistent_workers = bool(others.get("persistent_workers"))
        self._workers: Workers | None = None  # kept if persistent
        self.collate_fn = collate_fn
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.generator = generator
        self._position: tuple[list[Any], int] | None = None  # the generators as the run found them, and batches given
        self._resumed: tuple[list[Any], int] | None = None  # the position from which the next run goes on

    def __iter__(self) -> Iterator[Any]:
        resumed, self._resumed = self._resumed, None
        sources = self._sources()
        now = [source.get_state() for source in sources]
        start, passed = (now, 0) if resumed is None else resumed
        if resumed is not None:  # draw again what the interrupted run drew
            set_states(sources, start)
        seed = int(minidl.randint(0, MOST_SEEDS, (), generator=self.generator).item())
        tasks, stream = self._tasks(), self.sampler is None
        if resumed is not None:
            if not stream:
                deque(islice(tasks, passed), maxlen=0)
            set_states(sources, now)
        numbered = enumerate(tasks, 0 if stream else passed)
        batches = ((number + 1, batch) for number, batch in self._batches(numbered, seed) if number >= passed)
        for number, batch in batches:
            self._position = start, number
            yield batch
        self._position = None

    def _batches(self, tasks: Iterator[tuple[int, Any]], seed: int) -> Iterator[tuple[int, Any]]:
        """Yield the batches of numbered tasks with their numbers; each has a stream of random numbers of its own."""
        single = self.batch_sampler is None
        reader = Reader(self.dataset, self.collate_fn, self.batch_size, self.drop_last, single)
        if self.num_workers > 0:
            yield from self._from_workers(reader, tasks, seed)
            return
        with suppress(EndOfStream):
            for number, task in tasks:
                yield number, reader.read(task, seed + number)

    def _from_workers(self, reader: Reader, tasks: Iterator[tuple[int, Any]], seed: int) -> Iterator[tuple[int, Any]]:
        """Yield the same from processes, and end them with the run unless they are persistent."""
        workers = self._workers
        if workers is None:
            workers = Workers(
                reader, self.num_workers, seed, self.worker_init_fn, self.multiprocessing_context, self.timeout
            )
        if self.persistent_workers and self._workers is None:
            self._workers = workers
            weakref.finalize(self, workers.close)
        try:
            yield from workers.batches(tasks, seed, self.prefetch_factor or 1)
        except (Exception, KeyboardInterrupt):
            self._workers = None
            raise
        finally:
            if self._workers is not workers:
                workers.close()

    def _tasks(self) -> Iterator[Any]:
        """Return what to read for each batch: for a stream nothing but the next."""
        if self.sampler is None:
            return repeat(None)
        return iter(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def _sources(self) -> list[Generator]:
        """Return the generators that decide on the order."""
        inner = getattr(self.batch_sampler, "sampler", None)
        found = [getattr(part, "generator", None) for part in (self, self.sampler, self.batch_sampler, inner)]
        return list(dict.fromkeys(generator or default_generator for generator in found))

    def state_dict(self) -> dict[str, Any]:
        """Return where the loader is: how many batches the run has given, and how its order was drawn.

        It is made to be saved beside the model's in the middle of a run, after any batch; a run that has ended, as by
        its last batch and one more question, begins anew. The program's own generator is saved apart, by
        `minidl.get_rng_state()`.

        >>> import minidl
        >>> loader = minidl.data.DataLoader(range(6), batch_size=2, shuffle=True)
        >>> run = iter(loader)
        >>> first, state, rest = next(run), loader.state_dict(), list(run)
        >>> loader.load_state_dict(state)
        >>> [batch.tolist() for batch in loader] == [batch.tolist() for batch in rest]
        True
        """
        start, batches = self._position or ([], 0)
        own = [source.get_state() for source in self._sources() if source is not default_generator]
        return {"batches": batches, "start": start, "generators": own}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Let the next run go on where state_dict() was taken, in the same order, and from then on as that one did.

        Samplers must draw all their random numbers when a run begins, as those of minidl do. Of an IterableDataset the
        batches before are read again.
        """
        own = [source for source in self._sources() if source is not default_generator]
        try:
            batches, start, states = state_dict["batches"], list(state_dict["start"]), list(state_dict["generators"])
        except (KeyError, TypeError):
            raise StateError("load_state_dict: expected what the state_dict() of a DataLoader returns") from None
        if len(states) != len(own) or (batches and len(start) != len(self._sources())):
            raise StateError(
                f"load_state_dict: the state has {len(states)} generators, and this loader and its samplers {len(own)}"
            )
        set_states(own, states)
        self._resumed = self._position = (start, batches) if batches else None

    def __len__(self) -> int:
        if self.sampler is None:
            samples = len(self.dataset)
            if self.batch_size is None:
                return samples
            return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]


def set_states(generators: Sequence[Generator], states: Sequence[Any]) -> None:
    """Put each generator at its place."""
    for generator, state in zip(generators, states, strict=True):
        generator.set_state(state)
