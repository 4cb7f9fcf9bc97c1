"""Do the networks learn? Tasks whose answers are known, each made of drawn examples, so that none is seen twice.

count  a two-layer LSTM reads bits and says at each step how many ones there were
copy   a two-layer LSTM reads symbols, waits, and then says them in their order
sort   a small Transformer reads digits and says them from the smallest to the largest
cnn    a small CNN learns images of clothes, Fashion-MNIST

`run` does them at their full size; the tests do them smaller.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import minidl
from minidl import nn, optim
from minidl.data import DataLoader, FashionMNIST, transforms

Array = np.ndarray[Any, Any]
Batch = tuple[Any, Any]


class Tagger(nn.Module):
    """A recurrent network that says something at each step: (N, T) numbers -> (N, answers, T) scores."""

    def __init__(self, symbols: int, answers: int, hidden: int, layers: int = 2) -> None:
        super().__init__()
        self.symbols = symbols
        self.lstm = nn.LSTM(symbols, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, answers)

    def forward(self, x: Any) -> Any:
        states, _ = self.lstm(nn.functional.one_hot(x, self.symbols).float())
        return self.head(states).transpose(1, 2)


class Sorter(nn.Module):
    """A Transformer's encoder over digits with their places: (N, T) digits -> (N, digits, T) scores."""

    def __init__(self, length: int, digits: int = 10, width: int = 32, heads: int = 4, layers: int = 2) -> None:
        super().__init__()
        self.digit = nn.Embedding(digits, width)
        self.place = nn.Embedding(length, width)
        layer = nn.TransformerEncoderLayer(width, heads, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width))
        self.head = nn.Linear(width, digits)

    def forward(self, x: Any) -> Any:
        places = minidl.arange(x.shape[1])
        return self.head(self.encoder(self.digit(x) + self.place(places))).transpose(1, 2)


def cnn(size: int, channels: int = 16) -> Any:
    """Return a network of two convolutions for images (N, 1, size, size) of ten classes."""
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(channels, 2 * channels, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(2 * channels * (size // 4) ** 2, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def counting(random: np.random.Generator, length: int, batch: int) -> Batch:
    """Return bits, and how many ones there were up to each."""
    bits = random.integers(0, 2, (batch, length))
    return minidl.tensor(bits), minidl.tensor(bits.cumsum(1))


def copying(random: np.random.Generator, length: int, batch: int, symbols: int = 8) -> Batch:
    """Return symbols followed by as many signs to speak, and the symbols at those signs; no answer (-100) before."""
    said = random.integers(0, symbols, (batch, length))
    signs = np.full((batch, length), symbols)
    silence = np.full((batch, length), -100)
    return minidl.tensor(np.hstack([said, signs])), minidl.tensor(np.hstack([silence, said]))


def sorting(random: np.random.Generator, length: int, batch: int, digits: int = 10) -> Batch:
    """Return digits, and the same from the smallest to the largest."""
    drawn = random.integers(0, digits, (batch, length))
    return minidl.tensor(drawn), minidl.tensor(np.sort(drawn, 1))


def learn(model: Any, draw: Callable[[], Batch], steps: int, lr: float = 3e-3) -> float:
    """Train on drawn batches with Adam under one cycle of the rate; return the part of right answers on new ones."""
    optimizer = optim.Adam(model.parameters(), lr=lr)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    criterion = nn.CrossEntropyLoss()
    for step in range(steps):
        x, target = draw()
        optimizer.zero_grad()
        criterion(model(x), target).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step < steps - 1:
            schedule.step()
    with minidl.no_grad():
        x, target = draw()
        answer = model.eval()(x).argmax(1)
    asked = target != -100
    return float((answer[asked] == target[asked]).float().mean())


def learn_images(
    model: Any, train: Any, test: Any, epochs: int, batch_size: int = 64, lr: float = 2e-3
) -> list[tuple[float, float]]:
    """Train on a data set of images; return, for each epoch, the accuracy on the test images and the seconds taken."""
    loader = DataLoader(train, batch_size, shuffle=True)
    optimizer = optim.Adam(model.parameters(), lr=lr)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, lr, epochs=epochs, steps_per_epoch=len(loader) + 1)
    criterion = nn.CrossEntropyLoss()
    curve = []
    for _ in range(epochs):
        start = time.perf_counter()
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            criterion(model(images), labels).backward()
            optimizer.step()
            schedule.step()
        seconds = time.perf_counter() - start
        curve.append((accuracy(model, test), seconds))
    return curve


def accuracy(model: Any, data_set: Any) -> float:
    """Return the part of images that the model names rightly."""
    model.eval()
    right = 0
    with minidl.no_grad():
        for images, labels in DataLoader(data_set, 500):
            right += int((model(images).argmax(1) == labels).sum())
    return right / len(data_set)


def images_of(kind: Any, *args: Any, maximum: int = 255) -> tuple[Any, Any]:
    """Return the training and test images of a data set, normalised."""
    transform = transforms.Compose([transforms.ToTensor(maximum), transforms.Normalize((kind.mean,), (kind.std,))])
    return kind(*args, train=True, transform=transform), kind(*args, train=False, transform=transform)


def run(folder: Path, epochs: int = 5) -> None:
    """Do all tasks at their full size and print how well they were learned."""
    random = np.random.default_rng(0)
    tasks: list[tuple[str, Callable[[], Any], Callable[[], Batch], int]] = [
        ("count 20 bits, two-layer LSTM", lambda: Tagger(2, 21, 64), lambda: counting(random, 20, 64), 1500),
        ("copy 8 of 8 symbols, two-layer LSTM", lambda: Tagger(9, 8, 128), lambda: copying(random, 8, 64), 3000),
        ("sort 12 digits, two-layer Transformer", lambda: Sorter(12, width=64), lambda: sorting(random, 12, 64), 1500),
    ]
    print("\nLearning\n")
    for name, make, draw, steps in tasks:
        minidl.manual_seed(0)
        start = time.perf_counter()
        right = learn(make(), draw, steps)
        print(f"{name}: {right:.2%} right after {steps} steps, {time.perf_counter() - start:.0f} s", flush=True)
    minidl.manual_seed(0)
    train, test = images_of(FashionMNIST, folder)
    print(f"CNN on {len(train)} images of {folder}:")
    for epoch, (right, seconds) in enumerate(learn_images(cnn(28), train, test, epochs), 1):
        print(f"  epoch {epoch}: {right:.2%} of {len(test)} test images right, {seconds:.0f} s", flush=True)
