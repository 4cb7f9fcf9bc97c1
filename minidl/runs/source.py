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

from .. import metrics, nn
from ..errors import StateError

Array = np.ndarray[Any, Any]
Learned = dict[str, Any]
Metric = Callable[[Any, Any], float]

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
    deployed: Callable[[nn.Module], Deployed]  # a trained network as others use it


@dataclass
class Deployed:
    """A trained network that takes what people have: the normalisation is in it."""

    network: nn.Module
    example: minidl.Tensor  # one input, of the right type and shape
    classes: Sequence[str] = ()
    features: Sequence[str] = ()  # the names of an input's numbers
    tokens: Callable[[str], Array] | None = None  # what a text is for the network


class Scale(nn.Module):
    """y = (x − mean) / std, with fixed figures."""

    def __init__(self, mean: Any, std: Any) -> None:
        super().__init__()
        self.register_buffer("mean", minidl.tensor(mean, dtype=minidl.float32))
        self.register_buffer("std", minidl.tensor(std, dtype=minidl.float32))

    def forward(self, x: minidl.Tensor) -> minidl.Tensor:
        """Return x in the scale that the network was trained with."""
        return (x - self.mean) / self.std


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
