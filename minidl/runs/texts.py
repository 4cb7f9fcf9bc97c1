"""Texts: a file whose lines are a label, a tabulator and a text; networks that read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import minidl

from .. import nn
from ..data import TensorDataset, Vocab, normalize_text, pad, words
from ..errors import StateError
from .source import CLASSIFICATION, Deployed, Learned, Source, best_class, parts_of


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

    def deployed(network: nn.Module) -> Deployed:
        return Deployed(network, inputs([""]), classes, tokens=lambda text: inputs([text]).numpy())

    classes, size = known["classes"], len(vocab)
    models = {"mlp": lambda: BagNet(size, len(classes)), "lstm": lambda: ReadingNet(size, len(classes))}
    return Source(part, models, read, best_class(classes), known, CLASSIFICATION, nn.CrossEntropyLoss(), deployed)


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
