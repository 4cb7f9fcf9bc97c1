"""Images in folders, one for each class."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import StateError
from .dataset import Dataset

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif")


def read_image(path: str | os.PathLike[str], mode: str = "RGB") -> np.ndarray[Any, Any]:
    """Return the pixels of an image file, uint8 (H, W, 3), or (H, W) with the mode "L" for grey.

    Raises StateError for a file that is no image, and ImportError that says what to install where Pillow is missing.

    >>> import os, tempfile
    >>> from PIL import Image
    >>> from minidl.data import read_image
    >>> path = os.path.join(tempfile.mkdtemp(), "red.png")
    >>> Image.new("RGB", (2, 1), (255, 0, 0)).save(path)
    >>> read_image(path).tolist()
    [[[255, 0, 0], [255, 0, 0]]]
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError('images are read by Pillow: pip install "minidl[images]"') from error
    try:
        with Image.open(path) as image:
            return np.array(image.convert(mode))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise StateError(f"{path}: not an image that can be read ({error})") from error


class ImageFolder(Dataset[tuple[Any, int]]):
    """Images from the folders root/<class>/...; sample i is `(transform(pixels), label)`.

    The classes are the folders in alphabetical order, and the label is the place among them. Images are read when they
    are asked for, in the `mode` of `read_image`. Raises StateError for a root without
    classes and a class without images.

    >>> import pathlib, tempfile
    >>> from PIL import Image
    >>> from minidl.data import ImageFolder
    >>> root = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("cat", "dog"):
    ...     (root / name).mkdir()
    ...     Image.new("L", (4, 4)).save(root / name / "1.png")
    >>> images = ImageFolder(root, mode="L")
    >>> images.classes, len(images), images[1][0].shape, images[1][1]
    (['cat', 'dog'], 2, (4, 4), 1)
    """

    def __init__(
        self, root: str | os.PathLike[str], transform: Callable[[Any], Any] | None = None, mode: str = "RGB"
    ) -> None:
        self.root = Path(root)
        self.transform = transform
        self.mode = mode
        self.classes = sorted(entry.name for entry in os.scandir(self.root) if entry.is_dir())
        if not self.classes:
            raise StateError(f"{self.root}: expected a folder for each class of images, found none")
        self.samples: list[tuple[Path, int]] = []
        for label, name in enumerate(self.classes):
            files = sorted(path for path in (self.root / name).rglob("*") if path.suffix.lower() in SUFFIXES)
            if not files:
                raise StateError(f"{self.root / name}: there are no images ({', '.join(SUFFIXES)})")
            self.samples += [(path, label) for path in files]

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The label of each class name."""
        return {name: label for label, name in enumerate(self.classes)}

    @property
    def targets(self) -> list[int]:
        """The label of each sample."""
        return [label for _, label in self.samples]

    def __getitem__(self, index: int) -> tuple[Any, int]:
        path, label = self.samples[index]
        image: Any = read_image(path, self.mode)
        return (image if self.transform is None else self.transform(image)), label

    def __len__(self) -> int:
        return len(self.samples)
