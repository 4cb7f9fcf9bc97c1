"""A training step of the network 784-128-10: zero_grad, forward, cross entropy, backward, SGD."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np


def network(lib: Any) -> Any:
    """Return the network, written once for minidl and for PyTorch."""
    nn, F = lib.nn, lib.nn.functional

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(784, 128)
            self.fc2 = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            x = F.relu(self.fc1(x))
            return self.fc2(x)

    return Net()


def step(lib: Any, batch: int) -> Callable[[], None]:
    """Return one training step on a batch of noise."""
    random = np.random.default_rng(0)
    images = lib.tensor(random.standard_normal((batch, 784), dtype=np.float32))
    labels = lib.tensor(random.integers(0, 10, batch))
    net = network(lib)
    criterion = lib.nn.CrossEntropyLoss()
    optimizer = lib.optim.SGD(net.parameters(), lr=0.01)

    def program() -> None:
        optimizer.zero_grad()
        loss = criterion(net(images), labels)
        loss.backward()
        optimizer.step()

    return program


ROWS = {f"network 784-128-10, batch {batch}": partial(step, batch=batch) for batch in (1, 64, 512)}
