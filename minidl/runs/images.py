"""Images: those that come with minidl, and folders of image files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minidl

from .. import demo, nn
from ..data import MNIST, Digits, FashionMNIST, ImageFolder, TensorDataset, random_split, read_image, transforms
from ..errors import ArgumentError, StateError
from .source import CLASSIFICATION, Array, Deployed, Learned, Scale, Source, best_class, parts_of

BUNDLED: dict[str, Any] = {"FashionMNIST": FashionMNIST, "Digits": Digits, "MNIST": MNIST}


def bundled(data: Mapping[str, Any], seed: int, learned: Learned | None) -> Source:
    """Return the images that come with minidl, or the whole set of them from a folder of idx files."""
    kind, share = BUNDLED[data["name"]], data["validation"]
    brightest = 16 if kind is Digits else 255
    transform = transforms.Compose([transforms.ToTensor(brightest), transforms.Normalize(kind.mean, kind.std)])
    root = {"root": data["folder"]} if data["folder"] else {}
    size = 8 if kind is Digits else 28

    def part(name: str) -> Any:
        images = kind(train=name != "test", transform=transform, **root)
        if name == "test":
            return images
        generator = minidl.Generator().manual_seed(seed)
        return random_split(images, [1 - share, share], generator=generator)[name == "validation"]

    return image_source(part, kind.classes, size, {"mean": kind.mean, "std": kind.std}, {})


def images(data: Mapping[str, Any], seed: int, learned: Learned | None) -> Source:
    """Return the images of a folder with a folder for each class, as grey images of one size."""
    size = data["size"]

    def loaded(path: str) -> tuple[ImageFolder, Array]:
        folder = ImageFolder(path)
        return folder, np.stack([picture(file, size) for file, _ in folder.samples])

    def part(name: str) -> Any:
        own = name == "test" and isinstance(data["test"], str)
        folder, pixels = loaded(data["test"] if own else data["path"])
        if folder.classes != known["classes"]:
            raise StateError(f"{folder.root}: the classes are {folder.classes}, those of the run {known['classes']}")
        chosen = slice(None) if own else parts_of(data, len(folder), seed)[name]
        x = (minidl.tensor(pixels[chosen])[:, None] / 255 - known["mean"]) / known["std"]
        return TensorDataset(x, minidl.tensor(np.array(folder.targets)[chosen]))

    if learned is None:
        folder, pixels = loaded(data["path"])
        train = pixels[parts_of(data, len(folder), seed)["train"]] / 255
        learned = {"classes": folder.classes, "mean": float(train.mean()), "std": float(train.std()) or 1.0}
    known = learned
    return image_source(part, known["classes"], size, known, known)


def image_source(part: Any, classes: Sequence[str], size: int, scale: Mapping[str, float], learned: Learned) -> Source:
    """Return a source of grey images (1, size, size) in classes."""

    def read(file: Path) -> tuple[list[str], minidl.Tensor]:
        x = (minidl.tensor(picture(file, size)) / 255 - scale["mean"]) / scale["std"]
        return [str(file)], x[None, None]

    def deployed(network: nn.Module) -> Deployed:
        whole = nn.Sequential(Scale(scale["mean"], scale["std"]), network)
        return Deployed(whole, minidl.zeros(1, 1, size, size), classes)

    models = {name: lambda model=model: model(size, len(classes)) for name, model in demo.MODELS.items()}
    return Source(part, models, read, best_class(classes), learned, CLASSIFICATION, nn.CrossEntropyLoss(), deployed)


def picture(file: Path, size: int) -> Array:
    """Return an image file as (size, size) grey values from 0 to 255."""
    try:
        grey = read_image(file, "L")
    except ImportError as error:
        raise ArgumentError(str(error)) from error
    from PIL import Image

    return np.asarray(Image.fromarray(grey).resize((size, size)), np.float32)
