"""Dynamic batching: requests that wait at the same time are computed in one call.

One thread computes, for a network on all cores is faster with one large batch than with several small ones beside each
other. While it computes, requests queue up; then those of equal shapes are joined along the first dimension, at most
`max_batch` samples. A request that comes alone waits `max_delay` seconds for others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import MinidlError
from .models import Model
from .protocol import Refused

Array = np.ndarray[Any, Any]


@dataclass
class Waiting:
    """A request in the queue."""

    inputs: list[Array]
    rows: int
    answer: asyncio.Future[list[Array]]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of one sample; requests with the same can be joined."""
        return [array.shape[1:] for array in self.inputs]


class Batcher:
    """The queue of one model."""

    def __init__(self, model: Model, executor: Executor, max_batch: int, max_delay: float, max_queue: int) -> None:
        self.model = model
        self.executor = executor
        self.max_batch = max_batch if model.batched else 1
        self.max_delay = max_delay
        self.max_queue = max_queue
        self.queue: deque[Waiting] = deque()
        self.arrived = asyncio.Event()

    async def submit(self, inputs: list[Array], rows: int) -> list[Array]:
        """Return the outputs for these inputs; raise Refused if too many wait already."""
        if len(self.queue) >= self.max_queue:
            raise Refused(503, f"{self.max_queue} requests wait already; try again later", {"Retry-After": "1"})
        waiting = Waiting(inputs, rows, asyncio.get_running_loop().create_future())
        self.queue.append(waiting)
        self.arrived.set()
        return await waiting.answer

    async def work(self) -> None:
        """Answer requests, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            batch = await self.next_batch()
            try:
                results = await loop.run_in_executor(self.executor, self.compute, batch)
            except MemoryError:
                results = [Refused(503, "there is no memory for this now; try again later") for _ in batch]
            for waiting, result in zip(batch, results, strict=True):
                if waiting.answer.done():
                    continue  # its client went away
                if isinstance(result, Exception):
                    waiting.answer.set_exception(result)
                else:
                    waiting.answer.set_result(result)

    async def next_batch(self) -> list[Waiting]:
        """Wait for a request, then for what comes shortly after it; return those that go together."""
        while not self.queue:
            self.arrived.clear()
            await self.arrived.wait()
        end = asyncio.get_running_loop().time() + self.max_delay
        while sum(waiting.rows for waiting in self.queue) < self.max_batch:
            self.arrived.clear()
            try:
                async with asyncio.timeout_at(end):
                    await self.arrived.wait()
            except TimeoutError:
                break
        batch = [self.queue.popleft()]
        rows = batch[0].rows
        while self.queue and rows + self.queue[0].rows <= self.max_batch and self.queue[0].shapes == batch[0].shapes:
            batch.append(self.queue.popleft())
            rows += batch[-1].rows
        return batch

    def compute(self, batch: list[Waiting]) -> list[list[Array] | Exception]:
        """Return the outputs of each request, or why there are none; an error in a batch is that of one request."""
        if len(batch) == 1:
            return [self.attempt(batch[0].inputs)]
        joined = self.attempt([np.concatenate(arrays) for arrays in zip(*(w.inputs for w in batch), strict=True)])
        rows = sum(waiting.rows for waiting in batch)
        if isinstance(joined, Exception) or any(len(output) != rows for output in joined):
            return [self.attempt(waiting.inputs) for waiting in batch]
        ends = np.cumsum([waiting.rows for waiting in batch])[:-1]
        return [list(outputs) for outputs in zip(*(np.split(output, ends) for output in joined), strict=True)]

    def attempt(self, inputs: list[Array]) -> list[Array] | Exception:
        """Return the model's outputs, or the error for the client."""
        try:
            return self.model.run(inputs)
        except MinidlError as error:
            return Refused(400, f"inputs: the model can't compute with these: {error.message}")
        except MemoryError:
            return Refused(413, "inputs: the model needs more memory for these than there is; send fewer at once")
        except Exception as error:  # of the model, whatever it is made of: the worker goes on
            return error
