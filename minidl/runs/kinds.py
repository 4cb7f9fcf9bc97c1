"""The kinds of data that a configuration may name, with the networks for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .. import demo
from .images import bundled, images
from .source import Learned, Source
from .tables import table
from .texts import texts

KINDS: dict[str, Callable[[Mapping[str, Any], int, Learned | None], Source]] = {
    "bundled": bundled, "csv": table, "images": images, "text": texts,
}  # fmt: skip
MODELS: dict[str, list[str]] = {
    "bundled": list(demo.MODELS), "csv": ["mlp", "linear"], "images": list(demo.MODELS), "text": ["mlp", "lstm"],
}  # fmt: skip


def source(config: Mapping[str, Mapping[str, Any]], learned: Learned | None = None) -> Source:
    """Return the source that a configuration names; `learned` is what an earlier run learned of it."""
    return KINDS[config["data"]["kind"]](config["data"], config["training"]["seed"], learned)


def kind_of(data: Mapping[str, Any]) -> str:
    """Return the kind of the data in a [data] table: as it says, or as the path looks."""
    if kind := data.get("kind"):
        return str(kind)
    if not (path := data.get("path")):
        return "bundled"
    if Path(path).is_dir():
        return "images"
    return "csv" if Path(path).suffix.lower() in (".csv", ".tsv") else "text"
