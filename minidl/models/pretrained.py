"""What `from_pretrained` reads: a folder with config.json, model.safetensors and the files of a tokenizer."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from .. import nn, safetensors
from ..errors import ArgumentError, StateError

Config = TypeVar("Config")
HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
LARGEST = 64 * 2**20  # bytes of a JSON or vocabulary file
OLD_NAMES = {".gamma": ".weight", ".beta": ".bias"}  # as the first published files have them


def folder_of(path: str | os.PathLike[str], files: str) -> Path:
    """Return a folder that is there, or say how to obtain it."""
    folder = Path(path)
    if folder.is_dir():
        return folder
    text = os.fspath(path)
    if folder.is_file():
        raise ArgumentError(f"from_pretrained: {text} is a file, expected the folder that holds {files}")
    if HUB_ID.fullmatch(text):
        raise ArgumentError(
            f"from_pretrained: there is no folder {text!r}. minidl reads weights from a folder on disk and fetches "
            f"nothing; if that is the name of a published model, obtain its files ({files}) first, for example by "
            f"`huggingface-cli download {text} --local-dir {text.rpartition('/')[2]}`, and give that folder"
        )
    raise ArgumentError(f"from_pretrained: there is no folder {text!r}, expected one that holds {files}")


def read_text(path: Path) -> str:
    """Return what is in a text file of a bounded size."""
    if not path.is_file():
        raise StateError(f"{path.parent}: there is no {path.name}")
    if path.stat().st_size > LARGEST:
        raise StateError(f"{path}: has {path.stat().st_size} bytes, expected at most {LARGEST}")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise StateError(f"{path}: not a text file in UTF-8 ({error})") from error


def read_json(path: Path, missing: Any = None) -> dict[str, Any]:
    """Return the object of a JSON file; `missing` where there is none."""
    if missing is not None and not path.is_file():
        return dict(missing)
    try:
        value = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise StateError(f"{path}: not a JSON file ({error})") from error
    if not isinstance(value, dict):
        raise StateError(f"{path}: found {type(value).__name__}, expected an object {{...}}")
    return value


def read_config(folder: Path, kind: type[Config]) -> Config:
    """Return config.json as a dataclass: sizes are whole numbers from 1 up; what it does not have is left out."""
    given = read_json(folder / "config.json")
    chosen: dict[str, Any] = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        if field.name not in given:
            if field.default is dataclasses.MISSING:
                raise StateError(f"{folder / 'config.json'}: there is no {field.name!r}")
            continue
        value = chosen[field.name] = given[field.name]
        wanted: Any = {"int": int, "float": (int, float), "str": str}[str(field.type).split(" |")[0]]
        optional = "None" in str(field.type) and value is None
        good = optional or (isinstance(value, wanted) and not isinstance(value, bool))
        if not good or (isinstance(value, int) and wanted is int and value < 1):
            expected = "a whole number of at least 1" if wanted is int else "a text" if wanted is str else "a number"
            raise StateError(f"{folder / 'config.json'}: {field.name} is {value!r}, expected {expected}")
    return kind(**chosen)


def read_weights(folder: Path, prefix: str) -> dict[str, Any]:
    """Return the tensors of a folder by their names, without a prefix that all of the model's may have."""
    index, single = folder / "model.safetensors.index.json", folder / "model.safetensors"
    if single.is_file():
        tensors = safetensors.load_file(single)
    elif index.is_file():
        tensors = {}
        files = read_json(index).get("weight_map", {})
        if not isinstance(files, dict):
            raise StateError(f"{index}: weight_map is {type(files).__name__}, expected names of files")
        for name in sorted({str(file) for file in files.values()}):
            if Path(name).name != name:
                raise StateError(f"{index}: {name!r} is not the name of a file in the same folder")
            tensors.update(safetensors.load_file(folder / name))
    else:
        pickled = list(folder.glob("*.bin")) + list(folder.glob("*.pt"))
        hint = (
            f"; {pickled[0].name} is a pickle, which is never opened because that would run the code in it: convert it "
            "to safetensors where you trust it" if pickled else ""
        )  # fmt: skip
        raise StateError(f"{folder}: there is no model.safetensors{hint}")
    named = {}
    for name, tensor in tensors.items():
        name = name.removeprefix(prefix)
        for old, new in OLD_NAMES.items():
            if name.endswith(old):
                name = name.removesuffix(old) + new
        named[name] = tensor
    return named


def check_sizes(folder: Path, tensors: Mapping[str, Any], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse weights that do not fit the configuration, before a model of its sizes is made."""
    for name, shape in expected.items():
        if name not in tensors:
            raise StateError(f"{folder}: the weights have no {name}; is that another kind of model?")
        if tuple(tensors[name].shape) != shape:
            found = tuple(tensors[name].shape)
            raise StateError(f"{folder}: {name} has shape {found}, and config.json says {shape}")


def fill(model: nn.Module, folder: Path, tensors: Mapping[str, Any]) -> None:
    """Give a model its weights; tensors that it has no place for, such as heads for other tasks, are left."""
    wanted = model.state_dict()
    check_sizes(folder, tensors, {name: tuple(value.shape) for name, value in wanted.items()})
    model.load_state_dict({name: tensors[name].to(value.dtype) for name, value in wanted.items()})
