"""NPZ files, NumPy's zip archives of arrays by name, read without trust: no pickle, no more memory than agreed."""

from __future__ import annotations

import io
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from ..errors import StateError
from ..files import description

Array = np.ndarray[Any, Any]

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
PLAIN_BYTES = 96 * 2**20  # what a small file may grow to
MOST_GROWTH = 4  # a larger file may grow so many times on top of that
# what Python's zipfile raises for bytes that make no sense
DAMAGED: tuple[type[Exception], ...] = (
    OSError, EOFError, ValueError, OverflowError, NotImplementedError, zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip
MOST_READ = 2**20  # at once; the list of what is in the archive is no longer either


def read_npz(
    path: str | os.PathLike[str], names: Sequence[str] | None = None, *, max_bytes: int | None = None
) -> dict[str, Array]:
    """Return the arrays of an NPZ file by name: numbers, bools and texts; pickled objects are never read.

    Args:
        names: which arrays to read; all by default.
        max_bytes: the most that the arrays may take together, by default 96 MB plus four times the file.

    Raises FileNotFoundError, or StateError that names the file for one that is foreign, damaged or truncated, that
    holds objects or grows beyond `max_bytes`, and for a name that it does not hold: the error lists what is there.

    >>> import numpy as np, os, tempfile
    >>> from minidl.data import read_npz
    >>> path = os.path.join(tempfile.mkdtemp(), "points.npz")
    >>> np.savez_compressed(path, x=np.eye(2), y=[0, 1])
    >>> arrays = read_npz(path)
    >>> {name: array.shape for name, array in arrays.items()}
    {'x': (2, 2), 'y': (2,)}
    >>> read_npz(path, ["labels"])
    Traceback (most recent call last):
    minidl.errors.StateError: ...points.npz: there is no array 'labels'; the file holds x (2, 2), y (2,)
    """
    size = os.stat(path).st_size
    room = PLAIN_BYTES + MOST_GROWTH * size if max_bytes is None else max_bytes
    with open(path, "rb") as file:
        start = file.read(16)
    try:
        with _Short(path) as pieces, zipfile.ZipFile(pieces) as archive:
            members = _members(archive, path)
            if missing := [name for name in names or () if name not in members]:
                there = ", ".join(f"{name} {_header(archive, members[name], path)[1]}" for name in list(members)[:20])
                raise StateError(f"{path}: there is no array {missing[0]!r}; the file holds {there or 'none'}")
            arrays = {}
            for name in members if names is None else names:
                arrays[name] = _array(archive, members[name], path, room)
                room -= arrays[name].nbytes
            return arrays
    except DAMAGED as error:
        seems = "" if start.startswith(b"PK") else f"it seems to be {description(start)}; "
        raise StateError(f"{path}: not an NPZ file, or a damaged one ({seems}{error})") from error


class _Short(io.FileIO):
    """A file of which only pieces can be read, so that an archive's list of contents is short."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > MOST_READ:
            raise zipfile.BadZipFile(f"a list of {size} bytes of what is in it")
        return super().read(MOST_READ if size is None or size < 0 else size)


def _members(archive: zipfile.ZipFile, path: Any) -> dict[str, zipfile.ZipInfo]:
    """Return what is in an archive by the arrays' names."""
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name in members:
            raise StateError(f"{path}: the array {name!r} is there twice")
        if name == member.filename:
            raise StateError(f"{path}: holds {name!r}, expected arrays alone, whose names end in .npy")
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise StateError(f"{path}: the array {name!r} is encrypted or packed in a way that NumPy does not write")
        members[name] = member
    return members


def _header(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Any) -> tuple[np.dtype[Any], tuple[int, ...]]:
    with archive.open(member) as stream:
        dtype, shape, _ = _described(stream, member, path)
    return dtype, shape


def _described(stream: IO[bytes], member: zipfile.ZipInfo, path: Any) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    """Read the header of an array: its dtype and shape, and whether it lies in Fortran's order."""
    try:
        shape, fortran, dtype = HEADERS[np.lib.format.read_magic(stream)](stream)
    except Exception as error:  # NumPy parses it as Python's literals, with Python's errors
        raise StateError(f"{path}: the header of {member.filename} is damaged ({error})") from error
    return dtype, shape, fortran


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Any, room: int) -> Array:
    """Read one array that takes at most `room` bytes."""
    with archive.open(member) as stream:
        dtype, shape, fortran = _described(stream, member, path)
        if dtype.kind not in "biufSU":
            pickles = ", which are pickled and never read" if dtype.hasobject else ""
            raise StateError(f"{path}: {member.filename} holds {dtype}{pickles}; expected numbers, bools or texts")
        nbytes = math.prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or nbytes != member.file_size - stream.tell():
            promise = f"a header that promises {dtype} {shape}"
            raise StateError(f"{path}: {member.filename} has {promise}, and {member.file_size} bytes in all")
        if nbytes > room:
            raise StateError(
                f"{path}: {member.filename} takes {nbytes} bytes, and there is room for {room}; if you trust the file, "
                "raise max_bytes"
            )
        try:
            flat = np.empty(math.prod(shape), dtype)
            array = flat.reshape(shape, order="F" if fortran else "C")
        except ValueError as error:
            raise StateError(f"{path}: {member.filename} has the impossible shape {shape}") from error
        buffer = flat.view(np.uint8).data if nbytes else memoryview(b"")
        while piece := stream.read(MOST_READ // 2):
            buffer[: len(piece)] = piece
            buffer = buffer[len(piece) :]
    return array.astype(dtype.newbyteorder("="), copy=False)
