"""What `fit` costs beside the plain loop, in minidl's form and in Keras's: the chapter's network on real images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minidl
import minidl.tf as tf
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


def keras_training(data: TensorDataset, batch: int, kind: str) -> Callable[[], Any]:
    """Return the same training on the Keras face, by fit or by a loop with a tape."""
    keras = tf.keras
    relu, scores = keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10)
    model = keras.Sequential([keras.Input((784,)), relu, scores])
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(learning_rate=0.01)
    model.compile(optimizer, loss_fn)
    loader = DataLoader(data, batch_size=batch, shuffle=True)
    images, labels = data.tensors

    def taped() -> None:
        for _ in range(EPOCHS):
            total = 0.0
            for inputs, targets in loader:
                with tf.GradientTape() as tape:
                    loss = loss_fn(targets, model(inputs, training=True))
                gradients = tape.gradient(loss, model.trainable_variables)
                optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
                total += float(loss) * len(targets)

    def fitted() -> None:
        model.fit(images, labels, batch_size=batch, epochs=EPOCHS, verbose=0)

    return taped if kind == "tape" else fitted


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

    lines = []
    for batch in (16, 64):
        programs = [keras_training(data, batch, kind) for kind in ("tape", "fit")] + [training_of(data, batch, "plain")]
        taped, fitted, plain = measure.in_turn(programs, rounds)
        cells = [measure.spread(measure.ratios(fitted.cpu, times.cpu), "{:.3f}") for times in (taped, plain)]
        lines.append([f"batch {batch}, {len(data)} images", measure.microseconds(taped.cpu), *cells])
    print(f"\nThe Keras face: fit, a loop with a GradientTape, and minidl's plain loop, {EPOCHS} epochs\n")
    print(measure.table(["CPU time", "loop with a tape µs", "fit / loop with a tape", "fit / plain loop"], lines))
