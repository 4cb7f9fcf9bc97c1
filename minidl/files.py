"""Files that are never half written, and what a file seems to be by its first bytes."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .errors import ArgumentError

if sys.platform != "win32":
    import fcntl

PICKLE = "a Python pickle, which is never opened because that would run the code in it"

# What a file that is not the expected one most often is, by its first bytes.
FOREIGN = {
    b"PK\x03\x04": "a zip archive, as PyTorch's .pt, NumPy's .npz and Keras's .keras files are",
    b"\x80\x02": PICKLE,
    b"\x80\x03": PICKLE,
    b"\x80\x04": PICKLE,
    b"\x80\x05": PICKLE,
    b"\x93NUMPY": "a NumPy .npy file",
    b"\x89HDF": "an HDF5 file, as Keras's .h5 files are",
    b"\x1f\x8b": "a gzip file",
}


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a new binary file that takes the place of `path` when the block ends without an exception.

    Until then it has another name in the same folder, and it is removed if the block fails; what a killed process has
    left there is removed too. A link at `path` stays a link, and the access rights of an old file are kept.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise ArgumentError(f"{target} is a folder or a device, expected the name of a file")
    _remove_left_over(target.parent)
    temporary = target.parent / f".minidl-{secrets.token_hex(8)}.part"
    try:  # before the file is there, so that Ctrl-C at any instant leaves none
        with _new_locked_file(temporary) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
        _sync_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _new_locked_file(path: Path) -> IO[bytes]:
    """Open a new file that is locked while it is open, so that nobody takes it for one that was left over."""
    while True:
        file = open(path, "xb")  # noqa: SIM115  atomic_file closes it
        if sys.platform != "win32":
            with suppress(OSError):  # some network file systems have no locks
                fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():
            return file
        file.close()  # another process removed it before the lock was there


def _remove_left_over(folder: Path) -> None:
    """Remove the files of processes that were killed while they wrote: those that nobody has locked."""
    for path in folder.glob(".minidl-*.part"):
        with suppress(OSError):  # it is in use, or gone already
            if sys.platform == "win32":
                path.unlink()  # which is refused for a file in use
            else:
                with open(path, "rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()


def _sync_folder(folder: Path) -> None:
    """Force the folder's entry for a renamed file to the disk, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):  # some network file systems refuse it
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def description(start: bytes) -> str:
    """Say what a file with these first bytes, which is not the expected one, seems to be."""
    for magic, what in FOREIGN.items():
        if start.startswith(magic):
            return what
    if not start:
        return "an empty file"
    if start[8:9] == b"{":
        return "a damaged or truncated one"
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start):
        return f"text that begins with {start[:20].decode('ascii')!r}"
    return f"bytes that begin with {start[:8]!r}"
