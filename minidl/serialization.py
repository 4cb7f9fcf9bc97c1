"""Checkpoints: `save` and `load` of tensors, of state_dicts and of whole trainings, in one safetensors file, no code.

What is saved may be nested: dicts, lists and tuples with tensors, numbers and texts, as the state_dicts of models,
optimizers, schedules and loaders are. The tensors go into the file under their place, such as
"optimizer.state.0.exp_avg"; the rest is JSON in the file's metadata, with a reference where a tensor belongs:

    {"epoch": 3, "optimizer": {"$items": [[0, {"exp_avg": {"$tensor": "optimizer.0.exp_avg"}}]]}}

A plain dict of tensors by name needs no JSON: the file is what every other program writes and reads.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

import minidl

from .devices import check_device
from .errors import ArgumentError, ArgumentTypeError, StateError
from .safetensors import Array, read, storable, write

STRUCTURE = "minidl"  # the name of the JSON among the metadata
MOST_STRUCTURE_BYTES = 3 * 2**20  # as JSON in JSON it must fit into a header


def save(obj: Any, f: str | os.PathLike[str]) -> None:
    """Write a state_dict, or a nested dict of them, to a safetensors file.

    Args:
        obj: Tensors and NumPy arrays of any shape, layout and real dtype; dicts, lists and tuples of them, of numbers,
            texts and None. Tensors that share memory are written as two. Arrays come back as Tensors, all else as what
            it was: a checkpoint goes on to the bit.
        f: the path of the file. An old one is replaced when the new one is complete and on the disk: a full disk,
            Ctrl-C or a kill at any moment leaves it whole.

    Raises ArgumentTypeError or DTypeError that names the place of what can't be saved, and OSError as `open` does.

    Unlike PyTorch, nothing is pickled: objects of a class are refused.

    >>> import minidl, os, tempfile
    >>> from minidl import nn, optim
    >>> model = nn.Linear(3, 2)
    >>> optimizer = optim.Adam(model.parameters(), lr=0.01)
    >>> checkpoint = {"model": model.state_dict(), "optimizer": optimizer.state_dict(),
    ...               "random": minidl.get_rng_state(), "epoch": 3}
    >>> path = os.path.join(tempfile.mkdtemp(), "checkpoint.safetensors")
    >>> minidl.save(checkpoint, path)
    >>> loaded = minidl.load(path)
    >>> optimizer.load_state_dict(loaded["optimizer"])
    >>> loaded["epoch"], list(loaded["model"])
    (3, ['weight', 'bias'])
    """
    arrays: dict[str, Array] = {}
    if _is_plain(obj):
        write({name: storable(value, f"save: obj[{name!r}]") for name, value in obj.items()}, _path(f), None)
        return
    try:
        text = json.dumps(_packed(obj, (), arrays), separators=(",", ":"))
    except RecursionError:
        raise ArgumentError("save: obj is nested too deeply; does it hold itself?") from None
    if len(text) > MOST_STRUCTURE_BYTES:
        raise ArgumentError(
            f"save: all but the tensors takes {len(text)} bytes, and a file holds at most {MOST_STRUCTURE_BYTES}; "
            "put long lists of numbers into a tensor"
        )
    write(arrays, _path(f), {STRUCTURE: text})


def load(f: str | os.PathLike[str], map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Return what `save` wrote, or the tensors by name of a safetensors file from elsewhere; no code is ever run.

    No tensor requires a gradient. BF16 is read as float32. `map_location` and `weights_only` are PyTorch's and change
    nothing. Raises FileNotFoundError, or StateError for a file that is foreign, damaged, truncated or hostile: header
    and sizes are checked against the file before memory is taken.

    Unlike PyTorch, no pickle is ever read.

    >>> import minidl, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.safetensors")
    >>> model = minidl.nn.Linear(3, 2)
    >>> minidl.save(model.state_dict(), path)
    >>> sorted(minidl.load(path))
    ['bias', 'weight']
    """
    if isinstance(map_location, str):
        check_device(map_location)
    path = _path(f)
    arrays, metadata = read(path)
    if STRUCTURE not in metadata:
        return {name: minidl.from_numpy(array) for name, array in arrays.items()}
    try:
        return _unpacked(json.loads(metadata[STRUCTURE]), arrays)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise StateError(f"{path}: the checkpoint's structure is damaged ({type(error).__name__}: {error})") from error


def _path(f: Any) -> str | os.PathLike[str]:
    if not isinstance(f, str | os.PathLike):
        raise ArgumentTypeError(f"f is a {type(f).__name__}, expected the path of a file")
    return f


def _is_plain(obj: Any) -> bool:
    """Whether this is a dict of tensors by name, which the format holds as it is."""
    return isinstance(obj, Mapping) and all(
        isinstance(name, str) and isinstance(value, minidl.Tensor | np.ndarray) for name, value in obj.items()
    )


def _packed(value: Any, path: tuple[Any, ...], arrays: dict[str, Array]) -> Any:
    """Return a value as JSON; its tensors are put into `arrays`, by a name made of their path."""
    if value is None or isinstance(value, bool | str) or type(value) is int:
        return value
    if isinstance(value, np.generic):
        return {"$scalar": _put(np.asarray(value), path, arrays)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, minidl.Tensor | np.ndarray):
        return {"$tensor": _put(value, path, arrays)}
    if isinstance(value, list):
        return [_packed(item, (*path, k), arrays) for k, item in enumerate(value)]
    if isinstance(value, tuple):
        return {"$tuple": [_packed(item, (*path, k), arrays) for k, item in enumerate(value)]}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: _packed(item, (*path, key), arrays) for key, item in value.items()}
        return {"$items": [[_packed(key, path, arrays), _packed(item, (*path, key), arrays)]
                           for key, item in value.items()]}  # fmt: skip
    hint = "; pass its state_dict()" if hasattr(value, "state_dict") else ""
    raise ArgumentTypeError(
        f"save: {_place(path)} is a {type(value).__name__}, expected tensors, numbers, texts, None, and dicts, lists "
        f"and tuples of them{hint}"
    )


def _put(value: Any, path: tuple[Any, ...], arrays: dict[str, Array]) -> str:
    """Put an array among the others and return its name, which is free even if two paths read alike."""
    name = base = ".".join(map(str, path)) or "tensor"
    count = 1
    while name in arrays or name == "__metadata__":
        count += 1
        name = f"{base}#{count}"
    arrays[name] = storable(value, f"save: {_place(path)}")
    return name


def _place(path: tuple[Any, ...]) -> str:
    return "obj" + "".join(f"[{key!r}]" for key in path)


def _unpacked(value: Any, arrays: dict[str, Array]) -> Any:
    """Return what `_packed` made this JSON of."""
    if isinstance(value, list):
        return [_unpacked(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((kind, content),) = value.items()
        if kind == "$tensor":
            return minidl.from_numpy(arrays[content])
        if kind == "$scalar":
            return arrays[content][()]
        if kind == "$float":
            return float(content)
        if kind == "$tuple":
            return tuple(_unpacked(content, arrays))
        if kind == "$items":
            return {_unpacked(key, arrays): _unpacked(item, arrays) for key, item in content}
    return {key: _unpacked(item, arrays) for key, item in value.items()}
