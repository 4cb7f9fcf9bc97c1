"""Worker processes that read batches ahead of the program that trains.

The loader hands tasks to the workers in turn and takes their batches in the same order, so that it is the order of a
loader without workers. Each worker has a pipe of its own: the loader notices at once when a worker dies, and a worker
ends when the loader's end of the pipe is closed, by whatever cause. What is random in a batch comes from a stream whose
seed belongs to the batch and not to the worker.

Processes start by "forkserver" where it exists, else by "spawn": a plain fork would copy locks that the threads of the
kernels and of BLAS may hold. So the data set travels by pickle.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import random
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.reduction import ForkingPickler
from typing import Any, NoReturn

import numpy as np

import minidl

from ..errors import ArgumentError, ArgumentTypeError, StateError
from .reading import EndOfStream, Reader

SECONDS_TO_END = 1.0  # what a worker gets to finish its batch when nobody wants it any more
INIT_SEEDS = 2**62  # beyond the seeds of all batches


@dataclass(frozen=True)
class WorkerInfo:
    """Who and what a worker process is; `dataset` is its own copy."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Return who this worker process is, or None in the main process. A stream takes its share of the samples by it.

    >>> import minidl
    >>> print(minidl.data.get_worker_info())
    None
    """
    return _info


class Workers:
    """The processes of one loader. `batches` runs through tasks; `close` ends all processes."""

    def __init__(
        self, reader: Reader, count: int, seed: int, init: Callable[[int], Any] | None, context: Any, timeout: float
    ) -> None:
        method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        if context is None or isinstance(context, str):
            context = multiprocessing.get_context(context or method)
        load: Any = reader, init
        if context.get_start_method() != "fork":
            load = pickled(load)
        self.timeout = timeout
        self.run = 0
        self.processes: list[Any] = []
        self.pipes: list[Any] = []
        try:
            for number in range(count):
                ours, theirs = context.Pipe()
                arguments = (theirs, number, count, seed, load)
                process = context.Process(target=work, args=arguments, daemon=True, name=f"DataLoader worker {number}")
                self.pipes.append(ours)
                process.start()
                theirs.close()
                self.processes.append(process)
        except (EOFError, OSError, RuntimeError) as error:
            self.close()
            raise StateError(f"the DataLoader can't start a worker process ({error}); {GUARD}") from error

    def batches(self, tasks: Iterator[tuple[int, Any]], seed: int, ahead: int) -> Iterator[tuple[int, Any]]:
        """Yield the numbered tasks' batches in their order; each worker has up to `ahead` tasks to do."""
        self.run += 1  # so that answers to a run that was broken off are told from those to this one
        turns: deque[tuple[int, int]] = deque()

        def hand_out(worker: int) -> None:
            for number, task in tasks:
                turns.append((worker, number))
                self.send(worker, (self.run, task, seed + number))
                return

        for _ in range(ahead):
            for worker in range(len(self.processes)):
                hand_out(worker)
        ended: set[int] = set()
        while turns:
            worker, number = turns.popleft()
            kind, value = self.answer(worker)
            if kind == "end":
                ended.add(worker)
                continue
            if worker not in ended:
                hand_out(worker)
            yield number, value

    def send(self, worker: int, message: Any) -> None:
        """Send a task to a worker."""
        try:
            self.pipes[worker].send(message)
        except OSError:
            self.raise_dead(worker)

    def answer(self, worker: int) -> tuple[str, Any]:
        """Return the next answer of a worker in this run, or raise what went wrong there."""
        pipe, process = self.pipes[worker], self.processes[worker]
        while True:
            if not wait([pipe, process.sentinel], self.timeout or None):
                raise StateError(f"DataLoader worker {worker} gave no batch within timeout={self.timeout} seconds")
            if not pipe.poll():
                self.raise_dead(worker)
            try:
                run, kind, value = pipe.recv()
            except (EOFError, OSError):
                self.raise_dead(worker)
            if kind == "error" and run in (0, self.run):
                error, text = value
                raise error from StateError(f"in DataLoader worker {worker}:\n{text}")
            if run == self.run:
                return kind, value

    def raise_dead(self, worker: int) -> NoReturn:
        """Raise an error that says how a worker ended."""
        process = self.processes[worker]
        process.join(SECONDS_TO_END)
        code = process.exitcode
        how = f"was killed by {signal.Signals(-code).name}" if code and code < 0 else f"ended with the exit code {code}"
        raise StateError(f"DataLoader worker {worker} (pid {process.pid}) {how}; {GUARD}")

    def close(self) -> None:
        """End all processes: at once those that wait, the others after a moment."""
        for pipe in self.pipes:
            pipe.close()
        end = time.monotonic() + SECONDS_TO_END
        for process in self.processes:
            process.join(max(0.0, end - time.monotonic()))
        for stop in ("terminate", "kill"):
            for process in self.processes:
                if process.is_alive():
                    getattr(process, stop)()
                    process.join(SECONDS_TO_END)
        self.processes, self.pipes = [], []


GUARD = (
    'if it is a script that starts workers, everything but definitions must stand under `if __name__ == "__main__":`, '
    "and what is defined in an interactive session can't be read by a worker; num_workers=0 always works"
)


def pickled(load: Any) -> bytes:
    """Return what the workers need as bytes, or say what to do if it does not pickle."""
    try:
        return bytes(ForkingPickler.dumps(load))
    except Exception as error:
        raise ArgumentTypeError(
            "the data set, collate_fn or worker_init_fn can't be sent to worker processes, because it does not pickle "
            f"({type(error).__name__}: {error}). Define classes and functions at the top of a module, not as lambdas "
            'or inside others, or use num_workers=0 or multiprocessing_context="fork"'
        ) from error


def work(pipe: Any, number: int, count: int, seed: int, load: Any) -> None:
    """Read batches for the loader until it closes its end of the pipe: what a worker process runs."""
    global _info
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the loader's affair, which then ends its workers
    minidl.set_num_threads(1)
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=send_all, args=(pipe, answers), daemon=True).start()
    try:
        reader, init = ForkingPickler.loads(load) if isinstance(load, bytes) else load
        _info = WorkerInfo(number, count, seed + INIT_SEEDS + number, reader.dataset)
        seed_all(_info.seed)
        if init is not None:
            init(number)
    except Exception as error:
        answers.put((0, "error", described(error)))
        wait_for_end(pipe, parent)
        return
    run, ended = 0, False
    while (task := next_task(pipe, parent)) is not None:
        if task[0] != run:
            run, ended = task[0], False
            reader.stream = None
        if ended:
            answers.put((run, "end", None))
            continue
        try:
            seed_all(task[2])
            answers.put((run, "batch", reader.read(task[1], task[2])))
        except EndOfStream:
            ended = True
            answers.put((run, "end", None))
        except Exception as error:
            answers.put((run, "error", described(error)))


def send_all(pipe: Any, answers: queue.SimpleQueue[Any]) -> None:
    """Send the answers as fast as the loader takes them, while the next batch is read."""
    with suppress(OSError):
        while True:
            answer = answers.get()
            try:
                data = ForkingPickler.dumps(answer)
            except Exception as error:
                data = ForkingPickler.dumps((answer[0], "error", described(error)))
            pipe.send_bytes(data)


def next_task(pipe: Any, parent: int) -> Any:
    """Return the next task, or None when the loader is gone."""
    try:
        while not pipe.poll(1.0):
            if os.getppid() != parent:  # a forked worker may hold copies of the others' pipes, which then stay open
                return None
        return pipe.recv()
    except (EOFError, OSError):
        return None


def wait_for_end(pipe: Any, parent: int) -> None:
    """Stay until the loader has read the last answer and closes its end."""
    while next_task(pipe, parent) is not None:
        pass


def seed_all(seed: int) -> None:
    """Begin the streams of minidl, Python and NumPy that belong to this seed."""
    minidl.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  what data sets draw from


def described(error: Exception) -> tuple[Exception, str]:
    """Return an error with the text of its traceback; one that does not pickle becomes a plain one."""
    text = traceback.format_exc()
    try:
        ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:
        return StateError(f"{type(error).__name__}: {error}"), text
    error.__traceback__ = None
    return error, text


def check_options(num_workers: int, options: dict[str, Any]) -> None:
    """Raise for options of worker processes that make no sense."""
    if options.get("timeout", 0) < 0:
        raise ArgumentError(f"timeout is {options['timeout']}, expected 0 (none) or more seconds")
    if num_workers == 0:
        for name in ("prefetch_factor", "multiprocessing_context", "persistent_workers", "timeout"):
            if options.get(name):
                raise ArgumentError(f"{name} is for worker processes: give num_workers, or leave it out")
    factor = options.get("prefetch_factor")
    if factor is not None and (not isinstance(factor, int) or factor < 1):
        raise ArgumentError(f"prefetch_factor is {factor!r}, expected a positive int")
    context = options.get("multiprocessing_context")
    if isinstance(context, str) and context not in multiprocessing.get_all_start_methods():
        known = ", ".join(multiprocessing.get_all_start_methods())
        raise ArgumentError(f"multiprocessing_context is {context!r}, expected one of {known}")
