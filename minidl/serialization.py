"""Weights in files: `save` and `load` of state_dicts in the safetensors format, which holds numbers and no code.

A file is written to a temporary file in the same folder, forced to the disk and then renamed, so that `path` is at any
moment either the whole old file or the whole new one.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

import minidl

from .errors import ArgumentError, ArgumentTypeError, DTypeError, StateError

# NumPy's name of each element type and its name in a safetensors file.
DTYPES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "uint16": "U16", "int16": "I16", "uint32": "U32", "int32": "I32",
    "uint64": "U64", "int64": "I64", "float16": "F16", "float32": "F32", "float64": "F64",
}  # fmt: skip

# What a file that is not safetensors most often is, by its first bytes.
FOREIGN = {
    b"PK\x03\x04": "a zip archive, as PyTorch's .pt, NumPy's .npz and Keras's .keras files are",
    b"\x80\x02": "a Python pickle, which is never opened because that would run the code in it",
    b"\x80\x03": "a Python pickle, which is never opened because that would run the code in it",
    b"\x80\x04": "a Python pickle, which is never opened because that would run the code in it",
    b"\x80\x05": "a Python pickle, which is never opened because that would run the code in it",
    b"\x93NUMPY": "a NumPy .npy file",
    b"\x89HDF": "an HDF5 file, as Keras's .h5 files are",
    b"\x1f\x8b": "a gzip file",
}


def save(state_dict: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write the tensors of a state_dict to a safetensors file.

    Args:
        state_dict: names and their Tensors or NumPy arrays, of any shape, memory layout and real dtype. Tensors that
            share memory are written as two.
        path: the file. An old one is replaced when the new one is complete; after an error or Ctrl-C the old file is
            whole and nothing else is left.

    Raises ArgumentTypeError or DTypeError that names the key of what can't be saved, and OSError as `open` does.

    >>> import minidl, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.safetensors")
    >>> minidl.save({"weight": minidl.ones(2, 3), "steps": minidl.tensor(7)}, path)
    >>> minidl.load(path)["steps"].item()
    7
    """
    if not isinstance(state_dict, Mapping):
        hint = "; pass its state_dict()" if hasattr(state_dict, "state_dict") else ""
        raise ArgumentTypeError(f"save: state_dict is a {type(state_dict).__name__}, expected a dict of tensors{hint}")
    arrays = {name: _array(name, value) for name, value in state_dict.items()}
    from safetensors.numpy import save as serialize

    with atomic_file(path) as file:
        file.write(serialize(arrays))


def load(path: str | os.PathLike[str]) -> dict[str, minidl.Tensor]:
    """Return the tensors of a safetensors file by name; none of them requires a gradient.

    Raises FileNotFoundError, or StateError for a file that is foreign, damaged or truncated, or that holds an element
    type that NumPy has not. Header and sizes are checked against the file before memory is taken.

    >>> import minidl, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.safetensors")
    >>> model = minidl.nn.Linear(3, 2)
    >>> minidl.save(model.state_dict(), path)
    >>> sorted(minidl.load(path))
    ['bias', 'weight']
    """
    with open(path, "rb") as file:
        start = file.read(64)
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as tensors:
            names = tensors.keys()
            for name in names:
                kind = tensors.get_slice(name).get_dtype()
                if kind not in DTYPES.values():
                    raise StateError(f"{path}: {name!r} has the element type {kind}, expected {', '.join(DTYPES)}")
            return {name: minidl.from_numpy(tensors.get_tensor(name)) for name in names}
    except SafetensorError as error:
        raise StateError(f"{path}: expected a safetensors file, found {_description(start)} ({error})") from error


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a new binary file that takes the place of `path` when the block ends without an exception.

    Until then it has another name in the same folder, and it is removed if the block fails. A link at `path` stays a
    link, and the access rights of an old file are kept.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise ArgumentError(f"{target} is a folder or a device, expected the name of a file")
    temporary = target.with_name(f".minidl-{secrets.token_hex(8)}.part")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
        _sync_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Force the folder's entry for a renamed file to the disk, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):  # some network file systems refuse it
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _array(name: Any, value: Any) -> np.ndarray[Any, Any]:
    """Return the value as a native array in C order, or raise an error that names its key."""
    if not isinstance(name, str) or name == "__metadata__":
        raise ArgumentError(f"save: the key {name!r} can't be a tensor's name, expected a str (not '__metadata__')")
    if not isinstance(value, minidl.Tensor | np.ndarray):
        raise ArgumentTypeError(
            f"save: state_dict[{name!r}] is a {type(value).__name__}, expected a Tensor or a NumPy array; "
            "numbers can be wrapped by minidl.tensor(...)"
        )
    array = value.array if isinstance(value, minidl.Tensor) else value
    if array.dtype.name not in DTYPES:
        raise DTypeError(f"save: state_dict[{name!r}] has dtype {array.dtype}, expected {', '.join(DTYPES)}")
    return np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")


def _description(start: bytes) -> str:
    """Say what the file with these first bytes seems to be."""
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
