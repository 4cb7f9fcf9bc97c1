"""Data sets of images with a label each: Digits, FashionMNIST, MNIST."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import minidl

from ..errors import ArgumentError, StateError
from .collate import default_collate
from .dataset import Dataset
from .download import fetch
from .idx import read_idx
from .transforms import transform_batch

BUNDLED = Path(__file__).resolve().parent / "bundled"


class ImageDataset(Dataset[tuple[Any, Any]]):
    """Images with labels in memory; sample i is `(transform(data[i]), target_transform(int(targets[i])))`.

    Attributes:
        data: the pixels, a uint8 Tensor (N, H, W).
        targets: the labels, an int64 Tensor (N,).
        classes: the names of the labels 0, 1, ...
        mean, std: of the training pixels, scaled to 0 ... 1, for `transforms.Normalize`.
    """

    classes: ClassVar[Sequence[str]] = ()
    mean: ClassVar[float]
    std: ClassVar[float]

    def __init__(
        self,
        folder: Path,
        train: bool,
        transform: Callable[[Any], Any] | None,
        target_transform: Callable[[Any], Any] | None,
    ) -> None:
        self.folder = folder
        self.train = train
        self.transform = transform
        self.target_transform = target_transform
        images_file, labels_file = _files(folder, train)
        images, labels = read_idx(images_file), read_idx(labels_file)
        if images.dtype != np.uint8 or images.ndim != 3:
            raise StateError(f"{images_file}: expected uint8 images (N, H, W), found {images.dtype} {images.shape}")
        if labels.shape != (len(images),) or labels.dtype != np.uint8:
            raise StateError(
                f"{labels_file}: expected a uint8 label for each of the {len(images)} images of {images_file.name}, "
                f"found {labels.dtype} {labels.shape}"
            )
        if labels.size and labels.max() >= len(self.classes):
            raise StateError(f"{labels_file}: label {labels.max()} is beyond the {len(self.classes)} classes")
        self.data = minidl.from_numpy(images)
        self.targets = minidl.from_numpy(labels.astype(np.int64))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, target = self.data[index], int(self.targets[index].item())
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def fetch_batch(self, indices: Sequence[int]) -> list[Any]:
        """Return the batch of transformed images and the batch of targets, at once where the transform can."""
        targets = self.targets[indices]
        if self.target_transform is not None:
            targets = default_collate([self.target_transform(target) for target in targets.tolist()])
        return [transform_batch(self.transform, self.data[indices]), targets]

    def __len__(self) -> int:
        return len(self.data)

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The label of each class name."""
        return {name: label for label, name in enumerate(self.classes)}

    def __repr__(self) -> str:
        lines = [
            f"Dataset {type(self).__name__}",
            f"Number of datapoints: {len(self)}",
            f"Location: {self.folder}",
            f"Split: {'Train' if self.train else 'Test'}",
        ]
        if self.transform is not None:
            lines.append(f"Transform: {self.transform}")
        if self.target_transform is not None:
            lines.append(f"Target transform: {self.target_transform}")
        return "\n".join(lines).replace("\n", "\n    ")


class Digits(ImageDataset):
    """8×8 images of handwritten digits from UCI, bundled with minidl: 1415 for training and 382 for the test.

    The pixels are counts from 0 to 16, so scale them by `transforms.ToTensor(maximum=16)`. The test part holds sheets
    of digits of which none is in the training part. Source: E. Alpaydin and C. Kaynak (1998), Optical Recognition of
    Handwritten Digits, UCI data set 80, CC BY 4.0.

    >>> from minidl.data import Digits
    >>> image, label = Digits()[0]
    >>> image[:3].tolist(), label
    ([[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0], [0, 3, 15, 2, 0, 11, 8, 0]], 0)
    """

    classes = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
    mean, std = 0.3054, 0.3756

    def __init__(
        self,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(BUNDLED / "digits", train, transform, target_transform)


class MNIST(ImageDataset):
    """28×28 images of handwritten digits, 60,000 for training and 10,000 for the test. Not bundled.

    Args:
        root: the folder that holds the idx files, plain or as .gz, or one with the subfolder MNIST/raw that does, as
            torchvision lays it out.
        train: the training part or the test part.
        transform, target_transform: what to do with each image (a uint8 Tensor (28, 28)) and each label (an int).
        download: fetch files that are missing into root/MNIST/raw. Size and SHA-256 are checked.

    Raises StateError if the files are not there, are damaged or can't be downloaded. `mirrors` are the addresses that
    are tried in turn. Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits" (1998).
    """

    classes = ("0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven",
               "8 - eight", "9 - nine")  # fmt: skip
    mean, std = 0.1307, 0.3081
    mirrors: ClassVar[Sequence[str]] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    # File name -> size in bytes and SHA-256 as published for the original files.
    resources: ClassVar[dict[str, tuple[int, str]]] = {
        "train-images-idx3-ubyte.gz": (9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        "train-labels-idx1-ubyte.gz": (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        "t10k-images-idx3-ubyte.gz": (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        "t10k-labels-idx1-ubyte.gz": (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    }
    elsewhere: ClassVar[str] = "Digits() and FashionMNIST() come with minidl"

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        self.root = Path(root).expanduser()
        if download:
            self._download()
        for folder in (self.raw_folder, self.root):
            if all(file.exists() for file in _files(folder, train)):
                super().__init__(folder, train, transform, target_transform)
                return
        raise StateError(
            f"{type(self).__name__}: no {' and '.join(file.name for file in _files(self.root, train))} in "
            f"{self.root} or {self.raw_folder}. Pass download=True, or the folder with these files as root; "
            f"{self.elsewhere}"
        )

    @property
    def raw_folder(self) -> Path:
        """Where downloaded files go: root/<name of the class>/raw."""
        return self.root / type(self).__name__ / "raw"

    def _download(self) -> None:
        """Fetch the files that are missing."""
        self.raw_folder.mkdir(parents=True, exist_ok=True)
        for name, (size, sha256) in self.resources.items():
            if not _present(self.raw_folder, name).exists():
                try:
                    fetch([mirror + name for mirror in self.mirrors], self.raw_folder / name, size=size, sha256=sha256)
                except StateError as error:
                    raise StateError(
                        f"{type(self).__name__}: {error}\nWithout a network, put the files there by hand or pass the "
                        f"folder that holds them as root; {self.elsewhere}"
                    ) from error


class FashionMNIST(MNIST):
    """28×28 images of ten kinds of clothes; 60,000 for training and 10,000 for the test, or the bundled subset.

    Without a root it reads the subset that comes with minidl: the first 400 training images and the first 100 test
    images of each class, so 4000 and 1000. The attribute `bundled` says whether this is the subset. With a root, the
    arguments are those of `MNIST`; `FashionMNIST(FashionMNIST.debian_folder)` reads the whole set where Debian's
    package dataset-fashion-mnist is installed.

    Source: H. Xiao, K. Rasul, R. Vollgraf (2017), arXiv:1708.07747; MIT licence, Zalando SE.

    >>> from minidl.data import DataLoader, FashionMNIST, transforms
    >>> normalize = transforms.Normalize(FashionMNIST.mean, FashionMNIST.std)
    >>> train = FashionMNIST(transform=transforms.Compose([transforms.ToTensor(), normalize]))
    >>> len(train), train.bundled
    (4000, True)
    >>> images, labels = next(iter(DataLoader(train, batch_size=16, shuffle=True)))
    >>> images.shape, labels.shape
    ((16, 1, 28, 28), (16,))
    """

    classes = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
    mean, std = 0.2860, 0.3530
    mirrors = (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    )
    # The SHA-256 of the files whose MD5 sums Zalando publishes.
    resources: ClassVar[dict[str, tuple[int, str]]] = {
        "train-images-idx3-ubyte.gz": (26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        "train-labels-idx1-ubyte.gz": (29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        "t10k-images-idx3-ubyte.gz": (4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        "t10k-labels-idx1-ubyte.gz": (5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    }
    bundled_folder: ClassVar[Path] = BUNDLED / "fashion-mnist"
    debian_folder: ClassVar[Path] = Path("/usr/share/datasets/fashion-mnist")
    elsewhere = (
        f"Debian's package dataset-fashion-mnist installs them in {debian_folder}; "
        "FashionMNIST() without a root reads the bundled subset"
    )

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        if root is None and download:
            raise ArgumentError("FashionMNIST: download=True needs a root, the folder to download to")
        self.bundled = root is None
        super().__init__(self.bundled_folder if root is None else root, train, transform, target_transform, download)


def _files(folder: Path, train: bool) -> tuple[Path, Path]:
    """Return the files of the images and of the labels."""
    part = "train" if train else "t10k"
    return _present(folder, f"{part}-images-idx3-ubyte.gz"), _present(folder, f"{part}-labels-idx1-ubyte.gz")


def _present(folder: Path, name: str) -> Path:
    """Return the path of a .gz file, or that of the unpacked file if only this one is there."""
    packed, plain = folder / name, folder / name.removesuffix(".gz")
    return plain if plain.exists() and not packed.exists() else packed
