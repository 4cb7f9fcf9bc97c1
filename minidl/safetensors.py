"""Tensors in safetensors files, the format in which most models are published: numbers and no code.

    8 bytes       the length n of the header, little-endian
    n bytes       the header, JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}, where
                  the offsets are counted from the header's end; "__metadata__" may hold texts by name
    the rest      the elements, little-endian and in C order, tensor after tensor without a gap

The header is checked here against the size of the file, before anything that it promises is believed; then the package
`safetensors` reads. Source: https://github.com/huggingface/safetensors, "Format".
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

import minidl

from .errors import ArgumentError, ArgumentTypeError, DTypeError, StateError
from .files import atomic_file, description

# NumPy's name of each element type and its name in a file.
DTYPES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "uint16": "U16", "int16": "I16", "uint32": "U32", "int32": "I32",
    "uint64": "U64", "int64": "I64", "float16": "F16", "float32": "F32", "float64": "F64",
}  # fmt: skip
SIZES = {kind: np.dtype(name).itemsize for name, kind in DTYPES.items()} | {"BF16": 2}

MOST_HEADER_BYTES = 4 * 2**20  # JSON takes up to 30 times its length of memory; 75,000 tensors fit
MOST_DIMENSIONS = 64  # NumPy's limit

Array = np.ndarray[Any, Any]


def load_file(filename: str | os.PathLike[str]) -> dict[str, minidl.Tensor]:
    """Return the tensors of a file by name. Elements of 16 bits, F16 and BF16, are read as float32, without a loss.

    Raises FileNotFoundError, or StateError for a file that is foreign, damaged, truncated or hostile, or that holds an
    element type without a dtype here.

    >>> import minidl, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.safetensors")
    >>> minidl.safetensors.save_file({"half": minidl.tensor([0.5, 1.5]).half()}, path)
    >>> minidl.safetensors.load_file(path)
    {'half': tensor([0.5000, 1.5000])}
    """
    arrays, _ = read(filename)
    halves = {name for name, array in arrays.items() if array.dtype == np.float16}
    return {
        name: minidl.from_numpy(array.astype(np.float32) if name in halves else array) for name, array in arrays.items()
    }


def save_file(
    tensors: Mapping[str, Any], filename: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
) -> None:
    """Write Tensors or arrays by name, and metadata, texts by name. An old file is replaced when the new one is whole.

    >>> import minidl, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.safetensors")
    >>> minidl.safetensors.save_file({"w": minidl.ones(2)}, path, metadata={"author": "me"})
    >>> minidl.safetensors.load_metadata(path)
    {'author': 'me'}
    """
    if not isinstance(tensors, Mapping):
        hint = "; pass its state_dict()" if hasattr(tensors, "state_dict") else ""
        raise ArgumentTypeError(f"save_file: tensors is a {type(tensors).__name__}, expected a dict of tensors{hint}")
    write(
        {name: storable(value, f"save_file: tensors[{name!r}]") for name, value in tensors.items()}, filename, metadata
    )


def load_metadata(filename: str | os.PathLike[str]) -> dict[str, str]:
    """Return the metadata of a file, texts by name; an empty dict if it has none. The tensors are not read.

    >>> import minidl, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.safetensors")
    >>> minidl.safetensors.save_file({}, path)
    >>> minidl.safetensors.load_metadata(path)
    {}
    """
    return read_header(filename).metadata


def storable(value: Any, where: str) -> Array:
    """Return a Tensor or array as a native array in C order, or raise an error that says `where` it stood."""
    if not isinstance(value, minidl.Tensor | np.ndarray):
        raise ArgumentTypeError(f"{where} is a {type(value).__name__}, expected a Tensor or a NumPy array")
    array = value.array if isinstance(value, minidl.Tensor) else value
    if array.dtype.name not in DTYPES:
        raise DTypeError(f"{where} has dtype {array.dtype}, expected {', '.join(DTYPES)}")
    return np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")


def write(arrays: Mapping[str, Array], path: str | os.PathLike[str], metadata: Mapping[str, str] | None) -> None:
    """Write native arrays in C order and metadata."""
    for name in arrays:
        if not isinstance(name, str) or name == "__metadata__":
            raise ArgumentError(f"the key {name!r} can't be a tensor's name, expected a str (not '__metadata__')")
    for name, text in (metadata or {}).items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise ArgumentTypeError(f"metadata: {name!r} is {text!r}, expected a text by name")
    from safetensors.numpy import save as serialize

    try:
        content = serialize(dict(arrays), metadata=dict(metadata) if metadata else None)
    except UnicodeEncodeError as error:
        raise ArgumentError(f"a name or text is not valid Unicode: {error}") from error
    if int.from_bytes(content[:8], "little") > MOST_HEADER_BYTES:
        raise ArgumentError(
            f"the names, shapes and texts take {int.from_bytes(content[:8], 'little')} bytes, and a header holds at "
            f"most {MOST_HEADER_BYTES}; put long lists of numbers into a tensor"
        )
    with atomic_file(path) as file:
        file.write(in_one_order(content) if metadata and len(metadata) > 1 else content)


def in_one_order(content: bytes) -> bytes:
    """Return a file's content with its metadata sorted: the package writes them in an order drawn anew each time."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the arrays of a file, BF16 as float32, and its metadata."""
    header = read_header(path)
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as tensors:
            return {
                name: _read_bfloat16(path, entry, header.start) if entry.kind == "BF16" else tensors.get_tensor(name)
                for name, entry in header.entries.items()
            }, header.metadata
    except SafetensorError as error:
        raise StateError(f"{path}: expected a safetensors file, found a damaged one ({error})") from error


class Entry(NamedTuple):
    """What a header says of one tensor."""

    kind: str
    shape: tuple[int, ...]
    begin: int
    end: int


class Header(NamedTuple):
    """A header that fits its file; `start` is where the elements begin."""

    entries: dict[str, Entry]
    metadata: dict[str, str]
    start: int


def read_header(path: str | os.PathLike[str]) -> Header:
    """Return the header of a file after all checks, or raise StateError."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):  # a pipe could keep `open` for ever
        raise StateError(f"{path}: expected a safetensors file, found a device or a pipe")
    with open(path, "rb") as file:
        start = file.read(64)
        length = int.from_bytes(start[:8], "little")
        if len(start) < 8 or start[8:9] != b"{" or length > status.st_size - 8:
            raise StateError(f"{path}: expected a safetensors file, found {description(start)}")
        if length > MOST_HEADER_BYTES:
            raise StateError(f"{path}: the header has {length} bytes, expected at most {MOST_HEADER_BYTES}")
        file.seek(8)
        text = file.read(length)
    try:
        found = json.loads(text, object_pairs_hook=_without_twins)
        metadata = found.pop("__metadata__", {})
        entries = {name: _entry(name, fields) for name, fields in found.items()}
        if not isinstance(metadata, dict) or any(type(value) is not str for value in metadata.values()):
            raise ValueError("__metadata__ must hold texts by name")
        _check_offsets(entries, status.st_size - 8 - length)
    except (ValueError, RecursionError) as error:  # what json raises for a text that is not JSON is a ValueError too
        raise StateError(f"{path}: expected a safetensors file, found a damaged or truncated one ({error})") from error
    return Header(entries, metadata, 8 + length)


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object as a dict, or raise if a key stands twice: readers disagree on which one counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"the key {_first_twin(name for name, _ in pairs)!r} stands there twice")
    return found


def _first_twin(names: Iterable[str]) -> str:
    seen: set[str] = set()
    return next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]


def _entry(name: str, fields: Any) -> Entry:
    """Return what the header says of a tensor, or raise if the types, the dtype or the size are wrong."""
    if not isinstance(fields, dict) or set(fields) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name!r} must have dtype, shape and data_offsets")
    kind, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    for numbers in (shape, offsets):
        if not isinstance(numbers, list) or any(type(n) is not int or not 0 <= n < 2**63 for n in numbers):
            raise ValueError(f"{name!r} has the shape {shape!r:.60} and the offsets {offsets!r:.60}")
    if len(shape) > MOST_DIMENSIONS or len(offsets) != 2:
        raise ValueError(f"{name!r} has {len(shape)} dimensions and {len(offsets)} offsets")
    if kind not in SIZES:
        raise ValueError(f"{name!r} has the element type {kind!r:.20}, expected {', '.join(SIZES)}")
    if math.prod(shape) * SIZES[kind] != offsets[1] - offsets[0]:
        raise ValueError(f"{name!r} has {offsets[1] - offsets[0]} bytes, and {kind} {shape} needs another number")
    return Entry(kind, tuple(shape), *offsets)


def _check_offsets(entries: dict[str, Entry], size: int) -> None:
    """Raise unless the tensors, in the order of their offsets, fill the `size` bytes without gap or overlap."""
    place = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != place:
            fault = "a gap before it" if entry.begin > place else "an overlap with another tensor"
            raise ValueError(f"{name!r} is at {entry.begin}, expected {place}: there is {fault}")
        place = entry.end
    if place != size:
        raise ValueError(f"the header promises {place} bytes of elements, and the file has {size}")


def _read_bfloat16(path: str | os.PathLike[str], entry: Entry, start: int) -> Array:
    """Return BF16 elements as float32: their 16 bits are the upper half of a float32's."""
    upper = np.fromfile(path, "<u2", math.prod(entry.shape), offset=start + entry.begin)
    return (upper.astype(np.uint32) << 16).view(np.float32).reshape(entry.shape)
