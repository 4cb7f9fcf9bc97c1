"""Tables: CSV files of figures and words, with a column to predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minidl

from .. import metrics, nn
from ..data import TensorDataset, read_categories, read_csv
from ..errors import ArgumentError, StateError
from .source import CLASSIFICATION, Array, Deployed, Learned, Scale, Source, best_class, parts_of

MOST_CLASSES = 20  # whole numbers with more values than that are measured, not told apart
MOST_WORDS = 1000  # different words in a column of a table


def table(data: Mapping[str, Any], seed: int, learned: Learned | None) -> Source:
    """Return the rows of a CSV file. A target of words or of few whole numbers is a class, another is a figure."""
    known = learn_table(data, seed) if learned is None else learned
    words, columns = known["words"], known["columns"]

    def inputs(x: Array) -> minidl.Tensor:
        """Return features (rows, columns) as numbers around 0, and as a column of 0 and 1 for each word."""
        parts = []
        for name, column in zip(columns, x.T, strict=True):
            if name in words:
                parts += [column == k for k in range(len(words[name]))]
            else:
                shift, scale, fill = known["figures"][name]
                parts.append((np.where(np.isnan(column), fill, column) - shift) / scale)
        return minidl.tensor(np.stack(parts, axis=1).astype(np.float32))

    def part(name: str) -> Any:
        own = name == "test" and isinstance(data["test"], str)
        path = data["test"] if own else data["path"]
        values = labelled(path, [*columns, known["target"]], words)
        if not own:
            values = values[parts_of(data, len(values), seed)[name]]
        x, y = values[:, :-1], values[:, -1]
        if not known["classes"]:
            shift, scale, _ = known["figures"][known["target"]]
            return TensorDataset(inputs(x), minidl.tensor(((y - shift) / scale).astype(np.float32)[:, None]))
        places = {value: k for k, value in enumerate(known["values"])}
        if strange := set(y.tolist()) - set(places):
            raise StateError(f"{path}: the target {min(strange):g} is none of {', '.join(known['classes'])}")
        return TensorDataset(inputs(x), minidl.tensor([places[value] for value in y.tolist()]))

    def read(file: Path) -> tuple[list[str], minidl.Tensor]:
        x = read_columns(file, columns, words)
        return [f"{file}, row {k + 1}" for k in range(len(x))], inputs(x)

    features = [
        feature for name in columns
        for feature in ([f"{name} = {word}" for word in words[name]] if name in words else [name])
    ]  # fmt: skip

    def deployed(network: nn.Module) -> Deployed:
        scales = [known["figures"].get(feature, (0.0, 1.0, 0.0)) for feature in features]
        layers = [Scale([shift for shift, _, _ in scales], [scale for _, scale, _ in scales]), network]
        if not known["classes"]:
            shift, scale, _ = known["figures"][known["target"]]
            layers.append(Scale(-shift / scale, 1 / scale))  # back to the target's own scale
        return Deployed(nn.Sequential(*layers), minidl.zeros(1, len(features)), known["classes"], features)

    if known["classes"]:
        answer, measured, outputs = best_class(known["classes"]), CLASSIFICATION, len(known["classes"])
        criterion: nn.Module = nn.CrossEntropyLoss()
    else:
        shift, scale, _ = known["figures"][known["target"]]
        answer, outputs, criterion = lambda row: {known["target"]: float(row[0]) * scale + shift}, 1, nn.MSELoss()
        measured = {
            "mean_absolute_error": lambda y, out: scale * metrics.mean_absolute_error(y, out),
            "root_mean_squared_error": lambda y, out: scale * metrics.root_mean_squared_error(y, out),
            "r2": metrics.r2,
        }
    models = {
        "mlp": lambda: nn.Sequential(nn.Linear(len(features), 64), nn.ReLU(), nn.Linear(64, outputs)),
        "linear": lambda: nn.Linear(len(features), outputs),
    }
    return Source(part, models, read, answer, known, measured, criterion, deployed)


def learn_table(data: Mapping[str, Any], seed: int) -> Learned:
    """Return the columns of a table, their words, and figures of the training part: mean, spread, median."""
    path = data["path"]
    words = read_categories(path, delimiter=delimiter(path))
    names = read_csv(path, delimiter=delimiter(path), categories=words).names
    target = data["target"] or names[-1]
    columns = data["columns"] or [name for name in names if name != target]
    for name in [target, *columns]:
        if name not in names:
            raise ArgumentError(f"{path}: there is no column {name!r}; the columns are {', '.join(names)}")
        if len(words.get(name, ())) > MOST_WORDS:
            count = len(words[name])
            raise ArgumentError(f"{path}: column {name!r} has {count} different words; leave it out of columns")
    words = {name: words[name] for name in [*columns, target] if name in words}
    values = labelled(path, [*columns, target], words)
    y = np.unique(values[:, -1])
    classes = words.get(target) or []
    if not classes and len(y) <= MOST_CLASSES and (y == np.round(y)).all():
        classes = [f"{value:g}" for value in y]
    train = values[parts_of(data, len(values), seed)["train"]]
    figures = {}
    for name, column in zip([*columns, target], train.T, strict=True):
        if name not in words:
            if np.isnan(column).all():
                raise StateError(f"{path}: column {name!r} has no value in the training part")
            spread = float(np.nanstd(column))
            figures[name] = [float(np.nanmean(column)), spread or 1.0, float(np.nanmedian(column))]
    order = list(range(len(classes))) if target in words else y.tolist()
    return {"target": target, "columns": columns, "words": words, "classes": classes, "values": order,
            "figures": figures}  # fmt: skip


def labelled(path: Any, names: Sequence[str], words: Mapping[str, Sequence[str]]) -> Array:
    """Return the rows (rows, names) of a CSV file whose last column, the target, is there."""
    values = read_columns(path, names, words)
    values = values[~np.isnan(values[:, -1])]
    if len(values) == 0:
        raise StateError(f"{path}: there is no row with a value in the column {names[-1]!r}")
    return values


def read_columns(path: Any, names: Sequence[str], words: Mapping[str, Sequence[str]]) -> Array:
    """Return these columns of a CSV file, float64 (rows, names); what else it holds does not matter."""
    others = {name: found for name, found in read_categories(path, delimiter=delimiter(path)).items()
              if name not in names}  # fmt: skip
    needed = {name: found for name, found in words.items() if name in names}
    there, values = read_csv(path, delimiter=delimiter(path), categories={**others, **needed})
    if absent := [name for name in names if name not in there]:
        raise StateError(f"{path}: there is no column {absent[0]!r}; the columns are {', '.join(there)}")
    return values[:, [there.index(name) for name in names]]


def delimiter(path: Any) -> str:
    """Return what stands between the cells of a file."""
    return "\t" if str(path).lower().endswith(".tsv") else ","
