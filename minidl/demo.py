"""The demo: a network learns to tell clothes apart, in the five steps of deep learning. `minidl demo` runs it.

    1  data processing    images become numbers that are easy to learn from
    2  model definition   what is computed, with weights that are random at first
    3  training           gradients say how to change the weights, and the loss falls
    4  evaluation         how good is the network on images that it has never seen?
    5  deployment         the weights go into a file, and from there into a program that predicts

`run` walks through them; the functions that it calls stand below in the same order.
"""

from __future__ import annotations

import copy
import math
import tempfile
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minidl
from minidl import Tensor, metrics, nn, optim
from minidl.data import MNIST, DataLoader, Digits, FashionMNIST, transforms

from .data.images import ImageDataset
from .errors import ArgumentError, StateError
from .progress import progress

F = nn.functional


def run(options: Namespace) -> None:
    """Walk the five steps. The options are those of `minidl demo`, listed in cli.py."""
    output = writable(options.output)
    minidl.manual_seed(options.seed)

    print("1  Data processing")
    train_set, test_set = load(options.data, options.folder, options.download)
    size, names = train_set.data.shape[-1], train_set.classes
    print(f"   {len(train_set)} images to learn from, {len(test_set)} for the test, each {size}x{size} pixels")
    print(f"   normalised: less the mean {train_set.mean}, divided by the standard deviation {train_set.std}")

    print("\n2  Model definition")
    net = MODELS[options.model](size, len(names))
    print("   " + str(net).replace("\n", "\n   "))
    print(f"   {sum(p.numel() for p in net.parameters())} parameters")

    print("\n3  Training")
    if options.capture:
        capture_step(net, train_set, output / "step.html")
    optimizer = OPTIMIZERS[options.optimizer](net.parameters(), lr=options.lr)
    curves = train(net, optimizer, train_set, test_set, options.epochs, options.batch_size)

    print("\n4  Evaluation")
    scores, labels = scored(net, test_set)
    print(f"   loss {F.cross_entropy(scores, labels).item():.4f} on the test images\n")
    print(metrics.classification_report(labels, scores, class_names=names))
    print("\n   " + draw(curves, metrics.confusion_matrix(labels, scores), names, output / "training.png"))

    print("\n5  Deployment")
    weights = output / "weights.safetensors"
    about = {"model": options.model, "data": options.data}
    minidl.safetensors.save_file(net.state_dict(), weights, metadata=about)
    print(f"   weights saved to {weights}")
    deployed = MODELS[options.model](size, len(names))
    deployed.load_state_dict(minidl.load(weights))
    predict(deployed, test_set, scores)
    print(f"   as ONNX for other programs:  minidl export {weights} {output / 'model.onnx'}")
    print(f"   a server with a page:        minidl serve {weights}")

    if options.compare is not None:
        print("\nComparison")
        compare(options, net, train_set, test_set)


def writable(folder: Path) -> Path:
    """Make the folder if need be and try to write in it: better now than after the training."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        return folder


# -- 1  data processing ----------------------------------------------------------------------------------------------

DATA: dict[str, Any] = {"fashion": FashionMNIST, "digits": Digits, "mnist": MNIST}


def load(name: str, folder: Path | None, download: bool) -> tuple[ImageDataset, ImageDataset]:
    """Return the training set and the test set; without a folder, those that come with minidl.

    Pixels from 0 to 255 become floats around 0 with a spread of 1. The figures for that are of the training set alone:
    the test images stand for images that nobody has seen yet.
    """
    kind = DATA[name]
    brightest = 16 if kind is Digits else 255
    transform = transforms.Compose([transforms.ToTensor(brightest), transforms.Normalize(kind.mean, kind.std)])
    source = {} if folder is None else {"root": folder, "download": download}
    train_set, test_set = (kind(train=part, transform=transform, **source) for part in (True, False))
    for images in (train_set, test_set):
        if len(images) == 0:
            raise StateError(f"{images.folder}: there are no images in the files")
    return train_set, test_set


# -- 2  model definition ---------------------------------------------------------------------------------------------


class Net(nn.Module):
    """Two layers of neurons: h = relu(xW + b) with 128 neurons, then a score for each class."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(size * size, 128)
        self.fc2 = nn.Linear(128, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores (N, classes) of images (N, 1, size, size)."""
        x = x.flatten(1)  # (N, size * size)
        x = F.relu(self.fc1(x))  # (N, 128)
        return self.fc2(x)


class ConvNet(nn.Module):
    """Two convolutions that look for small patterns, each followed by pooling, then a layer of neurons."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(16 * (size // 4) ** 2, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores (N, classes) of images (N, 1, size, size)."""
        x = self.pool(F.relu(self.conv1(x)))  # (N, 8, size / 2, size / 2)
        x = self.pool(F.relu(self.conv2(x)))  # (N, 16, size / 4, size / 4)
        return self.fc(x.flatten(1))


class RowNet(nn.Module):
    """A recurrent layer that reads an image row by row, h_t = tanh(W·[h_{t-1}, x_t] + b), then a layer of neurons."""

    layer: Any = nn.RNN

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.rnn = self.layer(size, 64, batch_first=True)
        self.fc = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores (N, classes) of images (N, 1, size, size)."""
        rows = x.squeeze(1)  # (N, size steps, size pixels)
        states, _ = self.rnn(rows)  # (N, size steps, 64)
        return self.fc(states[:, -1])  # the state after the last row


class LSTMNet(RowNet):
    """The same with an LSTM, whose gates decide what it keeps of the rows before."""

    layer = nn.LSTM


class AttentionNet(nn.Module):
    """A Transformer's encoder, in which every row of an image looks at every other, then a layer of neurons."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.row = nn.Linear(size, 64)
        self.place = nn.Embedding(size, 64)  # attention alone does not know which row is where
        layer = nn.TransformerEncoderLayer(64, nhead=4, dim_feedforward=128, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.fc = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores (N, classes) of images (N, 1, size, size)."""
        rows = x.squeeze(1)  # (N, size rows, size pixels)
        places = minidl.arange(rows.shape[1])
        rows = self.encoder(self.row(rows) + self.place(places))  # (N, size rows, 64)
        return self.fc(rows.mean(1))


MODELS: dict[str, Any] = {"mlp": Net, "cnn": ConvNet, "rnn": RowNet, "lstm": LSTMNet, "transformer": AttentionNet}


# -- 3  training -----------------------------------------------------------------------------------------------------

OPTIMIZERS: dict[str, Any] = {"sgd": optim.SGD, "adam": optim.Adam}


def train(
    net: nn.Module, optimizer: optim.Optimizer, train_set: ImageDataset, test_set: ImageDataset, epochs: int, batch: int
) -> dict[str, list[float]]:
    """Go through the training set `epochs` times, a batch of images a step; return the loss after each time."""
    curves: dict[str, list[float]] = {"training": [], "test": []}
    criterion = nn.CrossEntropyLoss()
    loader = DataLoader(train_set, batch_size=batch, shuffle=True)
    start = time.perf_counter()
    for epoch in range(1, epochs + 1):
        net.train()
        total = 0.0
        for images, labels in progress(loader, f"   epoch {epoch:2d}"):
            optimizer.zero_grad()  # gradients add up, so the last step's are cleared
            scores = net(images)
            loss = criterion(scores, labels)
            loss.backward()  # now every weight has its gradient
            optimizer.step()  # w <- w - lr * gradient
            total += loss.item() * len(labels)

        if not math.isfinite(total):
            raise ArgumentError(f"the loss is no longer finite in epoch {epoch}: try a smaller --lr, a tenth of it")
        scores, labels = scored(net, test_set)
        curves["training"].append(total / len(train_set))
        curves["test"].append(criterion(scores, labels).item())
        accuracy = metrics.accuracy(labels, scores)
        print(f"   epoch {epoch:2d}   loss {curves['training'][-1]:.4f}   "
              f"test loss {curves['test'][-1]:.4f}   test accuracy {accuracy:.1%}", flush=True)  # fmt: skip
    print(f"   {time.perf_counter() - start:.1f} seconds")
    return curves


def capture_step(net: nn.Module, train_set: ImageDataset, page: Path) -> None:
    """Write a page on which one training step can be followed number by number; a copy of the network takes it."""
    net = copy.deepcopy(net)
    optimizer = optim.SGD(net.parameters(), lr=0.01)
    with minidl.random.seeded(0):  # so that the training draws what it would draw without this step
        images, labels = next(iter(DataLoader(train_set, batch_size=4)))
    with minidl.capture() as step:
        loss = F.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
    step.save(page)
    print(f"   one step, number by number: {page}")


# -- 4  evaluation ---------------------------------------------------------------------------------------------------


def scored(net: nn.Module, data_set: ImageDataset) -> tuple[Tensor, Tensor]:
    """Return the network's scores for all images, (N, classes), and the true labels, (N)."""
    net.eval()
    with minidl.no_grad():  # nothing is learned here, so nothing need be recorded
        batches = [(net(images), labels) for images, labels in DataLoader(data_set, batch_size=500)]
    scores, labels = zip(*batches, strict=True)
    return minidl.cat(scores), minidl.cat(labels)


def draw(curves: dict[str, list[float]], confusion: np.ndarray[Any, Any], names: Sequence[str], picture: Path) -> str:
    """Draw the curves and the confusion matrix where matplotlib is installed; return where, or how to get it."""
    try:
        from .plots import save_training_picture
    except ImportError:
        return 'no picture: matplotlib is not installed (pip install "minidl[plot]")'
    save_training_picture(picture, curves, confusion, names)
    return f"training curve and confusion matrix: {picture}"


# -- 5  deployment ---------------------------------------------------------------------------------------------------


def predict(deployed: nn.Module, test_set: ImageDataset, before: Tensor) -> None:
    """Show a few predictions of the network that was read from the file, after checking that it is the same one."""
    scores, labels = scored(deployed, test_set)
    if not minidl.equal(scores, before):
        raise StateError("the network read from the file gives other scores than the one that was saved")
    print(f"   read into a new network: the same scores for all {len(scores)} test images")
    for k, probabilities in enumerate(F.softmax(scores[:5], dim=1)):
        guess, truth = int(probabilities.argmax().item()), int(labels[k].item())
        names, sure = test_set.classes, probabilities[guess].item()
        print(f"   test image {k} is {names[guess]} with probability {sure:.2f} (in truth: {names[truth]})")


# -- comparison ------------------------------------------------------------------------------------------------------


def compare(options: Namespace, net: nn.Module, train_set: ImageDataset, test_set: ImageDataset) -> None:
    """Train other models as the first one was trained, and print how good each of them is."""
    nets = {options.model: net}
    for name in options.compare or MODELS:
        if name not in nets:
            print(f"   {name}")
            minidl.manual_seed(options.seed)
            nets[name] = MODELS[name](train_set.data.shape[-1], len(train_set.classes))
            optimizer = OPTIMIZERS[options.optimizer](nets[name].parameters(), lr=options.lr)
            train(nets[name], optimizer, train_set, test_set, options.epochs, options.batch_size)
    print("\n   model         parameters   test loss   test accuracy")
    for name, trained in nets.items():
        scores, labels = scored(trained, test_set)
        size = sum(p.numel() for p in trained.parameters())
        loss, accuracy = F.cross_entropy(scores, labels).item(), metrics.accuracy(labels, scores)
        print(f"   {name:11}   {size:10}   {loss:9.4f}   {accuracy:13.1%}")
