"""The network on the whole of Fashion-MNIST, and PyTorch beside it from the same weights on the same batches.

Prints both learning curves, how far the losses of single steps lie apart, and both accuracies on the test images. In
float64 the losses agree to fifteen digits. In float32 they agree to six at first; then some sum that is rounded another
way puts a neuron on the other side of relu's corner, and the paths part, as those of PyTorch do from one another when a
weight is changed in its last bit.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

import minidl
from minidl.data import FashionMNIST

from .measure import table, torch
from .networks import mlp

Array = np.ndarray[Any, Any]


def run(folder: Path, epochs: int, batch: int, double: bool) -> None:
    """Train and print the table, a line an epoch; with `double` in float64."""
    dtype = np.float64 if double else np.float32
    (images, labels), (test_images, test_labels) = (
        loaded(FashionMNIST(folder, train=part), dtype) for part in (True, False)
    )
    first = {name: value.astype(dtype) for name, value in weights(np.random.default_rng(0)).items()}
    libraries = [minidl] if torch is None else [minidl, torch]
    curves = [train(lib, first, images, labels, test_images, test_labels, epochs, batch) for lib in libraries]

    header, lines = ["epoch"], [[str(epoch + 1)] for epoch in range(epochs)]
    for lib, (losses, accuracies, seconds) in zip(libraries, curves, strict=True):
        header += [f"{lib.__name__}: loss", "test accuracy", "seconds"]
        for epoch, line in enumerate(lines):
            line += [f"{losses[epoch].mean():.4f}", f"{accuracies[epoch]:.2%}", f"{seconds[epoch]:.1f}"]
    print(f"\n784-128-10 on {len(labels)} images of {folder}, batches of {batch}, SGD, learning rate 0.01, "
          f"{np.dtype(dtype)}\n")  # fmt: skip
    print(table(header, lines))
    if torch is not None:
        ours, theirs = curves[0][0], curves[1][0]
        apart = np.abs(ours - theirs) / theirs
        print(f"\nThe losses of a step lie at most {apart.max():.2e} of one another apart, in the median "
              f"{np.median(apart):.1e}.")  # fmt: skip


def loaded(data_set: FashionMNIST, dtype: type) -> tuple[Array, Array]:
    """Return normalised images (N, 784) and their labels."""
    pixels = data_set.data.array.reshape(len(data_set), -1).astype(dtype)
    return (pixels / 255 - dtype(data_set.mean)) / dtype(data_set.std), data_set.targets.array


def weights(random: np.random.Generator) -> dict[str, Array]:
    """Return first weights as both libraries draw them: uniform in ±1/√inputs."""
    drawn = {}
    for name, inputs, outputs in (("fc1", 784, 128), ("fc2", 128, 10)):
        for part, shape in (("weight", (outputs, inputs)), ("bias", (outputs,))):
            drawn[f"{name}.{part}"] = random.uniform(-1, 1, shape) / inputs**0.5
    return drawn


def train(
    lib: Any, first: dict[str, Array], images: Array, labels: Array, test_images: Array, test_labels: Array,
    epochs: int, batch: int,
) -> tuple[Array, list[float], list[float]]:  # fmt: skip
    """Return the loss of each step (epochs, steps), and for each epoch the test accuracy and the seconds taken."""
    net = mlp(lib)
    if images.dtype == np.float64:
        net.double()
    net.load_state_dict({name: lib.tensor(value) for name, value in first.items()})
    criterion = lib.nn.CrossEntropyLoss()
    optimizer = lib.optim.SGD(net.parameters(), lr=0.01)
    order = np.random.default_rng(1)
    losses, accuracies, seconds = [], [], []
    for _ in range(epochs):
        start = time.perf_counter()
        shuffled = order.permutation(len(labels))
        for k in range(0, len(labels), batch):
            chosen = shuffled[k : k + batch]
            optimizer.zero_grad()
            loss = criterion(net(lib.tensor(images[chosen])), lib.tensor(labels[chosen]))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
        with lib.no_grad():
            predicted = net(lib.tensor(test_images)).numpy().argmax(axis=1)
        accuracies.append(float(np.mean(predicted == test_labels)))
    return np.array(losses).reshape(epochs, -1), accuracies, seconds
