"""What a run learns from: the bundled images, a CSV file, a folder of images or a text file with labels.

A source has data sets for training, validation and test, the networks that fit them, and says how `predict` reads a
file. What it learned from the training part (classes, medians, words) is kept in the run's checkpoint, so that a
trained network is used as it was trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import minidl

from .. import demo, metrics, nn
from ..data import (
    MNIST,
    Digits,
    FashionMNIST,
    ImageFolder,
    TensorDataset,
    Vocab,
    normalize_text,
    pad,
    random_split,
    read_categories,
    read_csv,
    read_image,
    transforms,
    words,
)
from ..errors import ArgumentError, StateError

Array = np.ndarray[Any, Any]
Learned = dict[str, Any]
Metric = Callable[[Any, Any], float]

BUNDLED: dict[str, Any] = {"FashionMNIST": FashionMNIST, "Digits": Digits, "MNIST": MNIST}
MOST_CLASSES = 20  # whole numbers with more values than that are measured, not told apart
MOST_WORDS = 1000  # different words in a column of a table

CLASSIFICATION: dict[str, Metric] = {
    "accuracy": metrics.accuracy, "precision": metrics.precision, "recall": metrics.recall, "f1": metrics.f1,
}  # fmt: skip


@dataclass
class Source:
    """Where the samples come from, and what goes with them."""

    part: Callable[[str], Any]  # the data set "train", "validation" or "test"
    models: Mapping[str, Callable[[], nn.Module]]
    read: Callable[[Path], tuple[list[str], minidl.Tensor]]  # names and inputs of the samples in a file to predict
    answer: Callable[[minidl.Tensor], dict[str, Any]]  # what one row of outputs says
    learned: Learned
    metrics: Mapping[str, Metric]
    criterion: nn.Module


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


def parts_of(data: Mapping[str, Any], count: int, seed: int) -> dict[str, Array]:
    """Return which of `count` samples are for training, validation and test; the seed decides."""
    share = data["test"] if isinstance(data["test"], (int, float)) else 0.0
    order = minidl.randperm(count, generator=minidl.Generator().manual_seed(seed)).numpy()
    tests = round(count * share)
    held = max(1, round((count - tests) * data["validation"]))
    parts = {"test": order[:tests], "validation": order[tests : tests + held], "train": order[tests + held :]}
    if len(parts["train"]) == 0 or (share and tests == 0):
        raise StateError(f"{data['path']}: {count} samples are too few for training, validation and test")
    return parts


def best_class(classes: Sequence[str]) -> Callable[[minidl.Tensor], dict[str, Any]]:
    """Return what says class and probability of a row of scores."""

    def answer(scores: minidl.Tensor) -> dict[str, Any]:
        probabilities = nn.functional.softmax(scores, dim=0)
        best = int(probabilities.argmax())
        return {"class": classes[best], "probability": float(probabilities[best])}

    return answer


# -- images ----------------------------------------------------------------------------------------------------------


def bundled(data: Mapping[str, Any], seed: int, learned: Learned | None) -> Source:
    """Return the images that come with minidl, or the whole set of them from a folder of idx files."""
    kind, share = BUNDLED[data["name"]], data["validation"]
    brightest = 16 if kind is Digits else 255
    transform = transforms.Compose([transforms.ToTensor(brightest), transforms.Normalize(kind.mean, kind.std)])
    root = {"root": data["folder"]} if data["folder"] else {}
    size = 8 if kind is Digits else 28

    def part(name: str) -> Any:
        images = kind(train=name != "test", transform=transform, **root)
        if name == "test":
            return images
        generator = minidl.Generator().manual_seed(seed)
        return random_split(images, [1 - share, share], generator=generator)[name == "validation"]

    return image_source(part, kind.classes, size, {"mean": kind.mean, "std": kind.std}, {})


def images(data: Mapping[str, Any], seed: int, learned: Learned | None) -> Source:
    """Return the images of a folder with a folder for each class, as grey images of one size."""
    size = data["size"]

    def loaded(path: str) -> tuple[ImageFolder, Array]:
        folder = ImageFolder(path)
        return folder, np.stack([picture(file, size) for file, _ in folder.samples])

    def part(name: str) -> Any:
        own = name == "test" and isinstance(data["test"], str)
        folder, pixels = loaded(data["test"] if own else data["path"])
        if folder.classes != known["classes"]:
            raise StateError(f"{folder.root}: the classes are {folder.classes}, those of the run {known['classes']}")
        chosen = slice(None) if own else parts_of(data, len(folder), seed)[name]
        x = (minidl.tensor(pixels[chosen])[:, None] / 255 - known["mean"]) / known["std"]
        return TensorDataset(x, minidl.tensor(np.array(folder.targets)[chosen]))

    if learned is None:
        folder, pixels = loaded(data["path"])
        train = pixels[parts_of(data, len(folder), seed)["train"]] / 255
        learned = {"classes": folder.classes, "mean": float(train.mean()), "std": float(train.std()) or 1.0}
    known = learned
    return image_source(part, known["classes"], size, known, known)


def image_source(part: Any, classes: Sequence[str], size: int, scale: Mapping[str, float], learned: Learned) -> Source:
    """Return a source of grey images (1, size, size) in classes."""

    def read(file: Path) -> tuple[list[str], minidl.Tensor]:
        x = (minidl.tensor(picture(file, size)) / 255 - scale["mean"]) / scale["std"]
        return [str(file)], x[None, None]

    models = {name: lambda model=model: model(size, len(classes)) for name, model in demo.MODELS.items()}
    return Source(part, models, read, best_class(classes), learned, CLASSIFICATION, nn.CrossEntropyLoss())


def picture(file: Path, size: int) -> Array:
    """Return an image file as (size, size) grey values from 0 to 255."""
    try:
        grey = read_image(file, "L")
    except ImportError as error:
        raise ArgumentError(str(error)) from error
    from PIL import Image

    return np.asarray(Image.fromarray(grey).resize((size, size)), np.float32)


# -- tables ----------------------------------------------------------------------------------------------------------


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

    features = sum(len(words.get(name, "1")) for name in columns)
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
        "mlp": lambda: nn.Sequential(nn.Linear(features, 64), nn.ReLU(), nn.Linear(64, outputs)),
        "linear": lambda: nn.Linear(features, outputs),
    }
    return Source(part, models, read, answer, known, measured, criterion)


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


# -- text ------------------------------------------------------------------------------------------------------------


def texts(data: Mapping[str, Any], seed: int, learned: Learned | None) -> Source:
    """Return the lines of a text file: label, tabulator, text."""
    if learned is None:
        labels, lines = read_lines(data["path"])
        train = parts_of(data, len(lines), seed)["train"]
        vocab = Vocab([tokens_of(lines[k]) for k in train], max_size=data["vocabulary"])
        learned = {"classes": sorted(set(labels)), "tokens": vocab.tokens[2:]}
    known = learned
    vocab = Vocab([known["tokens"]])

    def inputs(lines: Sequence[str]) -> minidl.Tensor:
        return pad([vocab(tokens_of(line)) or [1] for line in lines], length=data["length"])[0]

    def part(name: str) -> Any:
        own = name == "test" and isinstance(data["test"], str)
        path = data["test"] if own else data["path"]
        labels, lines = read_lines(path)
        if strange := set(labels) - set(known["classes"]):
            raise StateError(f"{path}: the label {min(strange)!r} is none of {', '.join(known['classes'])}")
        chosen = range(len(lines)) if own else parts_of(data, len(lines), seed)[name]
        numbers = [known["classes"].index(labels[k]) for k in chosen]
        return TensorDataset(inputs([lines[k] for k in chosen]), minidl.tensor(numbers))

    def read(file: Path) -> tuple[list[str], minidl.Tensor]:
        lines = text_of(file).splitlines()
        if not lines:
            raise StateError(f"{file}: there are no lines")
        return [f"{file}, line {k + 1}" for k in range(len(lines))], inputs(lines)

    classes, size = known["classes"], len(vocab)
    models = {"mlp": lambda: BagNet(size, len(classes)), "lstm": lambda: ReadingNet(size, len(classes))}
    return Source(part, models, read, best_class(classes), known, CLASSIFICATION, nn.CrossEntropyLoss())


def read_lines(path: Any) -> tuple[list[str], list[str]]:
    """Return the labels and the texts of a file."""
    labels, lines = [], []
    for number, line in enumerate(text_of(path).splitlines(), 1):
        if not line.strip():
            continue
        label, tab, text = line.partition("\t")
        if not tab or not label.strip():
            raise StateError(f"{path}, line {number}: found {line[:40]!r}, expected a label, a tabulator and a text")
        labels.append(label.strip())
        lines.append(text)
    if len(set(labels)) < 2:
        raise StateError(f"{path}: found {len(set(labels))} labels, expected at least two")
    return labels, lines


def text_of(path: Any) -> str:
    """Return what is in a text file."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise StateError(f"{path}: not a text file in UTF-8 ({error})") from error


def tokens_of(line: str) -> list[str]:
    """Return the words of a text in one spelling."""
    return words(normalize_text(line))


class BagNet(nn.Module):
    """The mean of the words' vectors, in whatever order they stand, then a layer of neurons."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size, 64, padding_idx=0)
        self.fc = nn.Linear(64, classes)

    def forward(self, tokens: minidl.Tensor) -> minidl.Tensor:
        """Return the scores (N, classes) of tokens (N, T), where 0 fills up."""
        there = (tokens != 0).float().unsqueeze(2)  # (N, T, 1)
        mean = (self.embedding(tokens) * there).sum(1) / there.sum(1)
        return self.fc(mean)


class ReadingNet(nn.Module):
    """An LSTM that reads the words one by one; its states at the words, not at what fills up, are averaged."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size, 64, padding_idx=0)
        self.rnn = nn.LSTM(64, 64, batch_first=True)
        self.fc = nn.Linear(64, classes)

    def forward(self, tokens: minidl.Tensor) -> minidl.Tensor:
        """Return the scores (N, classes) of tokens (N, T), where 0 fills up."""
        there = (tokens != 0).float().unsqueeze(2)  # (N, T, 1)
        states, _ = self.rnn(self.embedding(tokens))
        return self.fc((states * there).sum(1) / there.sum(1))


KINDS: dict[str, Callable[[Mapping[str, Any], int, Learned | None], Source]] = {
    "bundled": bundled, "csv": table, "images": images, "text": texts,
}  # fmt: skip
MODELS: dict[str, list[str]] = {
    "bundled": list(demo.MODELS), "csv": ["mlp", "linear"], "images": list(demo.MODELS), "text": ["mlp", "lstm"],
}  # fmt: skip
