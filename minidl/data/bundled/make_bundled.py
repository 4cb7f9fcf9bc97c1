"""Write the bundled data sets from their originals. See README.md in this folder.

Usage: python make_bundled.py FASHION_FOLDER DIGITS_CSV_GZ TARGET_FOLDER

FASHION_FOLDER holds the four idx.gz files of the whole of Fashion-MNIST (Debian's package dataset-fashion-mnist puts
them in /usr/share/datasets/fashion-mnist). DIGITS_CSV_GZ is `digits.csv.gz` as scikit-learn ships it: a line an image,
64 pixels and the label. The folders digits and fashion-mnist appear in TARGET_FOLDER.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np

TRAIN_PER_CLASS = 400
TEST_PER_CLASS = 100
CLASSES = 10
DIGITS_TRAIN = 1415  # the first eleven of the fourteen sheets of digits; no sheet is in both parts

# SHA-256 of the originals after gunzip, which does not depend on who compressed them.
ORIGINALS = {
    "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    "digits.csv.gz": "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8",
}


def original(path: Path) -> bytes:
    """Return the content of an original file, after checking that it is the expected one."""
    content = gzip.decompress(path.read_bytes())
    found = hashlib.sha256(content).hexdigest()
    if found != ORIGINALS[path.name]:
        raise SystemExit(f"{path} is not the expected original: its content has SHA-256 {found}")
    return content


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write a uint8 array as idx.gz: 0, 0, type 8, number of dimensions, each length as a big-endian int32, bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">i4").tobytes()
    path.write_bytes(gzip.compress(header + array.tobytes(), compresslevel=9, mtime=0))


def write_part(folder: Path, part: str, images: np.ndarray, labels: np.ndarray) -> None:
    """Write the images and labels of one part, "train" or "t10k", under the names that MNIST gave them."""
    write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
    write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels)


def fashion(source: Path, target: Path, part: str, per_class: int) -> None:
    """Keep the first `per_class` images of each class, in the order of the SHA-256 of their pixels.

    The hash is a shuffle that needs no random number generator, so that it comes out the same everywhere.
    """
    images = np.frombuffer(original(source / f"{part}-images-idx3-ubyte.gz"), np.uint8, offset=16).reshape(-1, 28, 28)
    labels = np.frombuffer(original(source / f"{part}-labels-idx1-ubyte.gz"), np.uint8, offset=8)
    chosen = [int(index) for c in range(CLASSES) for index in np.flatnonzero(labels == c)[:per_class]]
    chosen.sort(key=lambda index: hashlib.sha256(images[index].tobytes()).digest())
    write_part(target, part, images[chosen], labels[chosen])


def digits(source: Path, target: Path) -> None:
    """Store the pixels, 0 to 16, in the order of the file, and part them between two sheets of digits."""
    rows = np.loadtxt(original(source).decode("ascii").splitlines(), dtype=np.uint8, delimiter=",")
    images, labels = rows[:, :-1].reshape(-1, 8, 8), rows[:, -1]
    write_part(target, "train", images[:DIGITS_TRAIN], labels[:DIGITS_TRAIN])
    write_part(target, "t10k", images[DIGITS_TRAIN:], labels[DIGITS_TRAIN:])


def main(fashion_folder: Path, digits_csv_gz: Path, target: Path) -> None:
    """Write both data sets into `target`."""
    fashion(fashion_folder, target / "fashion-mnist", "train", TRAIN_PER_CLASS)
    fashion(fashion_folder, target / "fashion-mnist", "t10k", TEST_PER_CLASS)
    digits(digits_csv_gz, target / "digits")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(*map(Path, sys.argv[1:]))
