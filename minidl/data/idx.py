"""The idx format, in which MNIST and its relatives are published.

An idx file is a header and the numbers in C order, everything big-endian:

    byte 0, 1     0
    byte 2        element type: 8 uint8, 9 int8, 11 int16, 12 int32, 13 float32, 14 float64
    byte 3        number of dimensions
    then          each dimension as an int32
    then          the elements

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section "the IDX file format".
"""

from __future__ import annotations

import gzip
import io
import math
import os
import zlib
from typing import Any

import numpy as np

from minidl.errors import StateError

DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP_MAGIC = b"\x1f\x8b"
MOST_BYTES_PER_GZIP_BYTE = 1032  # deflate can't shrink more than that, so a longer promise in a header is false


def read_idx(path: str | os.PathLike[str]) -> np.ndarray[Any, Any]:
    """Return the array in an idx file, plain or compressed with gzip (found by its first bytes, not by its name).

    The header is checked against the size of the file before memory is taken, so that a foreign or damaged file
    cannot ask for more than it could hold.

    Raises FileNotFoundError, or StateError for a file that is not idx, is truncated or is longer than it says.

    >>> from minidl.data import FashionMNIST, read_idx
    >>> labels = read_idx(FashionMNIST.bundled_folder / "t10k-labels-idx1-ubyte.gz")
    >>> labels.shape, labels.dtype
    ((1000,), dtype('uint8'))
    """
    with open(path, "rb") as file:
        compressed = file.read(2) == GZIP_MAGIC
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        try:
            if compressed:
                with gzip.open(file) as stream:
                    return _read(stream, path, size * MOST_BYTES_PER_GZIP_BYTE)
            return _read(file, path, size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise StateError(f"{path}: the gzip data is damaged or truncated ({error})") from error


def _read(stream: io.BufferedIOBase, path: str | os.PathLike[str], most_bytes: int) -> np.ndarray[Any, Any]:
    """Read one array from a stream that can't hold more than `most_bytes` bytes."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES or magic[3] == 0:
        raise StateError(
            f"{path}: not an idx file: it begins with {magic!r}, expected 0, 0, an element type "
            f"({', '.join(map(str, DTYPES))}) and the number of dimensions"
        )
    dtype, ndim = np.dtype(DTYPES[magic[2]]), magic[3]
    header = stream.read(4 * ndim)
    if len(header) < 4 * ndim:
        raise StateError(f"{path}: the idx file is truncated: its header ends after {4 + len(header)} bytes")
    shape = tuple(int(length) for length in np.frombuffer(header, dtype=">u4"))
    nbytes = math.prod(shape) * dtype.itemsize
    if nbytes > most_bytes:
        raise StateError(f"{path}: the idx header promises {shape} elements, {nbytes} bytes, which the file can't hold")
    try:
        array = np.empty(shape, dtype=dtype)
    except ValueError as error:  # more dimensions, or a longer one, than NumPy has
        raise StateError(f"{path}: the idx header promises the impossible shape {shape}") from error
    found = stream.readinto(array.reshape(-1).view(np.uint8).data)
    if found < nbytes:
        raise StateError(f"{path}: the idx file is truncated: {found} bytes of {nbytes} for the shape {shape}")
    if stream.read(1):
        raise StateError(f"{path}: the idx file goes on after the {nbytes} bytes of its shape {shape}")
    return array.astype(dtype.newbyteorder("="), copy=False)
