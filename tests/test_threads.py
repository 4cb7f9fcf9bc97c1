"""Threads and asyncio tasks: each has its own grad mode, and none disturbs another's numbers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import nn


def in_threads(*tasks: Callable[[], Any]) -> list[Any]:
    """Run the tasks at once, each in a thread of its own; return their results, or raise what one of them raised."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.result() for future in [pool.submit(task) for task in tasks]]


def train(seed: int, steps: int = 25) -> list[Any]:
    """Train a small network of every kind of layer; return its losses and weights."""
    g = minidl.Generator().manual_seed(seed)
    x = minidl.rand(8, 1, 6, 6, generator=g)
    y = minidl.randint(0, 3, (8,), generator=g)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 6), nn.Tanh())
    head = nn.Linear(6, 3)
    parameters = [*model.parameters(), *head.parameters()]
    with minidl.no_grad():
        for p in parameters:
            p.copy_(minidl.randn(p.shape, generator=g) * 0.3)
    optimizer = minidl.optim.SGD(parameters, lr=0.1, momentum=0.9)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(head(model(x)), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return [np.array(losses), *[p.detach().numpy() for p in parameters]]


def test_two_threads_train_at_once_as_one_after_the_other() -> None:
    apart = [train(seed) for seed in range(4)]
    together = in_threads(*[lambda seed=seed: train(seed) for seed in range(4)])
    for one, other in zip(apart, together, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_mode_of_one_thread_is_not_that_of_another() -> None:
    inside, checked = threading.Event(), threading.Event()

    def without_grad() -> bool:
        with minidl.no_grad():
            inside.set()
            assert checked.wait(10)
            return minidl.is_grad_enabled()

    def with_grad() -> tuple[bool, bool]:
        assert inside.wait(10)
        x = minidl.ones(2, requires_grad=True)
        answer = minidl.is_grad_enabled(), (x * 2).requires_grad
        checked.set()
        return answer

    assert in_threads(without_grad, with_grad) == [False, (True, True)]


def test_a_new_thread_starts_with_recording_on() -> None:
    """As in PyTorch."""
    seen: list[bool] = []
    with minidl.no_grad():
        thread = threading.Thread(target=lambda: seen.append(minidl.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_one_decorated_function_in_many_threads() -> None:
    barrier = threading.Barrier(4)

    @minidl.no_grad()
    def inside() -> bool:
        barrier.wait(10)
        return minidl.is_grad_enabled()

    def task(mode: bool) -> tuple[bool, bool]:
        with minidl.set_grad_enabled(mode):
            return inside(), minidl.is_grad_enabled()

    answers = in_threads(*[lambda mode=mode: task(mode) for mode in (True, False, True, False)])
    assert answers == [(False, True), (False, False), (False, True), (False, False)]


def test_backward_in_another_thread() -> None:
    x = minidl.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    in_threads(y.backward)
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_shared_model_in_many_threads() -> None:
    """Inference on one model from several threads, and gradients asked for with autograd.grad."""
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    x = minidl.rand(16, 4)
    expected = [g.numpy() for g in minidl.autograd.grad(model(x).sum(), list(model.parameters()))]

    def gradients() -> list[Any]:
        return [g.numpy() for _ in range(20) for g in minidl.autograd.grad(model(x).sum(), list(model.parameters()))]

    for answer in in_threads(*[gradients] * 4):
        for k, g in enumerate(answer):
            np.testing.assert_array_equal(g, expected[k % 4])


def test_asyncio_tasks_have_modes_of_their_own() -> None:
    async def task(mode: bool, seen: list[bool]) -> None:
        with minidl.set_grad_enabled(mode):
            for _ in range(5):
                await asyncio.sleep(0)
                seen.append(minidl.is_grad_enabled() == mode)
        await asyncio.sleep(0)
        seen.append(minidl.is_grad_enabled())

    async def main() -> list[bool]:
        seen: list[bool] = []
        await asyncio.gather(*[task(mode, seen) for mode in (True, False, True, False)])
        return seen

    assert asyncio.run(main()) == [True] * 24


def test_asyncio_tasks_record_graphs_of_their_own() -> None:
    async def task(k: int) -> float:
        x = y = minidl.tensor(float(k), requires_grad=True)
        for _ in range(10):
            y = y * 1.5
            await asyncio.sleep(0)
        with minidl.no_grad():
            await asyncio.sleep(0)
            assert not (x * 2).requires_grad
        y.backward()
        return x.grad.item()

    async def main() -> list[float]:
        return await asyncio.gather(*[task(k) for k in range(5)])

    assert asyncio.run(main()) == [pytest.approx(1.5**10)] * 5


def test_a_mode_is_restored_when_a_task_is_cancelled() -> None:
    async def forever() -> None:
        with minidl.no_grad():
            await asyncio.sleep(100)

    async def main() -> bool:
        task = asyncio.create_task(forever())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return minidl.is_grad_enabled()

    assert asyncio.run(main())


def test_numpy_does_not_warn_in_a_thread() -> None:
    def overflow() -> float:
        x = minidl.tensor([1e38], requires_grad=True)
        y = (x * 1e38).sum()
        y.backward()
        return y.item()

    assert in_threads(overflow, overflow) == [float("inf")] * 2
