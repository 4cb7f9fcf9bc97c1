"""Configurations: tables of words, each checked, with what holds where they are silent."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from .. import optim
from ..errors import ArgumentError
from .images import BUNDLED
from .kinds import KINDS, MODELS, kind_of

# What each table of a configuration may hold, and what holds where it is silent.
DEFAULTS: dict[str, dict[str, Any]] = {
    "data": {"kind": "", "batch_size": 16, "validation": 0.1},
    "model": {"name": "mlp"},
    "optimizer": {"name": "SGD", "lr": 0.01},
    "schedule": {"name": ""},
    "training": {"epochs": 10, "seed": 0, "accumulate": 1, "clip_norm": 0.0},
}
OPEN = ("optimizer", "schedule")  # these hand all other options on

# What [data] may hold besides, for each kind of data; `test` is a share of the data, or a path of its own.
DATA: dict[str, dict[str, Any]] = {
    "bundled": {"name": "FashionMNIST", "folder": ""},
    "csv": {"path": "", "target": "", "columns": [], "test": 0.2},
    "images": {"path": "", "size": 28, "test": 0.2},
    "text": {"path": "", "length": 100, "vocabulary": 20000, "test": 0.2},
}

Config = dict[str, dict[str, Any]]


def optimizers() -> dict[str, Any]:
    """Return the optimizers by name."""
    return {name: getattr(optim, name) for name in optim.__all__ if is_a(getattr(optim, name), optim.Optimizer)}


def schedules() -> dict[str, Any]:
    """Return the schedules by name that a configuration can make."""
    made_of_others = ("SequentialLR", "ChainedScheduler", "LRScheduler", "LambdaLR", "MultiplicativeLR")
    module = optim.lr_scheduler
    return {name: getattr(module, name) for name in module.__all__ if name not in made_of_others}


def is_a(value: Any, kind: type) -> bool:
    """Return whether it is a class under another."""
    return isinstance(value, type) and issubclass(value, kind) and value is not kind


def known(word: str, words: Sequence[str], where: str) -> str:
    """Return a word that is known, or say which one was meant."""
    if word in words:
        return word
    near = get_close_matches(str(word), list(words), n=1, cutoff=0.4)
    meant = f"; did you mean {near[0]}?" if near else ""
    raise ArgumentError(f"{where}: got {word!r}, expected one of {', '.join(words)}{meant}")


def completed(config: Mapping[str, Any]) -> Config:
    """Return a configuration with its defaults, every word of it checked."""
    full = {table: dict(values) for table, values in DEFAULTS.items()}
    given = config.get("data", {})
    kind = known(kind_of(given), list(KINDS), "config: [data] kind") if isinstance(given, Mapping) else "bundled"
    full["data"].update(DATA[kind])
    for table, values in config.items():
        known(table, list(DEFAULTS), "config")
        if not isinstance(values, Mapping):
            raise ArgumentError(f"config: {table} is {values!r}, expected a table [{table}]")
        if table == "optimizer" and values.get("name", "SGD") != "SGD":
            full[table].pop("lr")  # each optimizer has a default of its own
        for key, value in values.items():
            if table not in OPEN:
                known(key, list(full[table]), f"config: [{table}]")
            full[table][key] = value
    full["data"]["kind"] = kind
    for key in ("path", "folder", "test"):  # a run's folder is read from anywhere, so its paths are whole
        if isinstance(path := full["data"].get(key), (str, Path)) and str(path):
            full["data"][key] = str(Path(path).absolute())
    known(full["model"]["name"], MODELS[kind], "config: [model] name")
    if kind == "bundled":
        known(full["data"]["name"], list(BUNDLED), "config: [data] name")
    known(full["optimizer"]["name"], list(optimizers()), "config: [optimizer] name")
    if full["schedule"]["name"]:
        known(full["schedule"]["name"], list(schedules()), "config: [schedule] name")
    for table, key in (("data", "batch_size"), ("training", "epochs"), ("training", "accumulate")):
        if type(full[table][key]) is not int or full[table][key] < 1:
            raise ArgumentError(f"config: [{table}] {key}: got {full[table][key]!r}, expected an int of at least 1")
    for key in ("validation", "test"):
        share = full["data"].get(key, 0.5)
        if not (key == "test" and isinstance(share, str)) and (type(share) not in (int, float) or not 0 < share < 1):
            raise ArgumentError(f"config: [data] {key}: got {share!r}, expected a share between 0 and 1")
    check_data(full["data"])
    return full


def check_data(data: Mapping[str, Any]) -> None:
    """Refuse words of [data] whose kind or size makes no sense."""
    if data["kind"] != "bundled" and (not isinstance(data["path"], str) or not data["path"]):
        raise ArgumentError(f"config: [data] path: got {data['path']!r}, expected the path of the {data['kind']} data")
    for key, least in (("size", 4), ("length", 1), ("vocabulary", 3)):
        number = data.get(key, least)
        if type(number) is not int or number < least:
            raise ArgumentError(f"config: [data] {key}: got {number!r}, expected an int of at least {least}")
    columns = data.get("columns", [])
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise ArgumentError(f"config: [data] columns: got {columns!r}, expected a list of names")


def read_config(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArgumentError(f"{path}: not a TOML file: {error}") from error


def as_toml(config: Config) -> str:
    """Return a configuration as TOML."""
    tables = []
    for table, values in config.items():
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]  # JSON's numbers and texts are TOML's
        tables.append("\n".join([f"[{table}]", *lines]))
    return "\n\n".join(tables) + "\n"


def option(text: str) -> tuple[str, Any]:
    """Read `name=value` from a command line; what is no number, list or true/false is a text."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ArgumentError(f"got {text!r}, expected name=value, such as lr=0.1")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name, value


def made(kinds: Mapping[str, Any], table: Mapping[str, Any], first: Any, where: str) -> Any:
    """Return the optimizer or schedule that a table names, with its options."""
    name = table["name"]
    options = {key: value for key, value in table.items() if key != "name"}
    try:
        return kinds[name](first, **options)
    except TypeError as error:
        raise ArgumentError(f"config: [{where}] {name}: {error}") from error


