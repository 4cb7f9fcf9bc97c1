"""What `fit` costs beside the plain loop that it prints: the chapter's network on the bundled clothes, in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minidl
from minidl import nn, optim
from minidl.data import DataLoader, FashionMNIST, TensorDataset, transforms

from . import measure

EPOCHS = 5


def images() -> TensorDataset:
    """Return the bundled training images as vectors (784), with their labels."""
    steps = [transforms.ToTensor(), transforms.Normalize(FashionMNIST.mean, FashionMNIST.std), transforms.Flatten()]
    source = FashionMNIST(transform=transforms.Compose(steps))
    inputs, labels = zip(*[source[k] for k in range(len(source))], strict=True)
    return TensorDataset(minidl.stack(inputs), minidl.tensor([int(label) for label in labels]))


def training_of(data: TensorDataset, batch: int, kind: str) -> Callable[[], Any]:
    """Return a training of EPOCHS epochs, by the plain loop or by fit, its linter on or off."""
    net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    loader, criterion = DataLoader(data, batch_size=batch, shuffle=True), nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.01)

    def plain() -> None:
        for _ in range(EPOCHS):
            net.train()
            total = 0.0
            for inputs, targets in loader:
                optimizer.zero_grad()
                loss = criterion(net(inputs), targets)
                loss.backward()
                optimizer.step()
                total += loss.item() * len(targets)

    def fitted() -> None:
        minidl.fit(net, loader, criterion, optimizer, epochs=EPOCHS, linter=kind == "linter", verbose=False)

    return plain if kind == "plain" else fitted


def run(rounds: int) -> None:
    """Print what a training takes by the plain loop, by fit, and by fit with its linter."""
    data, lines = images(), []
    for batch in (16, 64):
        programs = [training_of(data, batch, kind) for kind in ("plain", "fit", "linter")]
        plain, *others = measure.in_turn(programs, rounds)
        cells = [measure.spread(measure.ratios(times.cpu, plain.cpu), "{:.3f}") for times in others]
        lines.append([f"batch {batch}, {len(data)} images", measure.microseconds(plain.cpu), *cells])
    print(f"\nfit and the plain loop, {EPOCHS} epochs of the chapter's network\n")
    print(measure.table(["CPU time", "plain loop µs", "fit / plain", "fit with its linter / plain"], lines))
