"""Pictures of a training, drawn with matplotlib: `pip install "minidl[plot]"`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .files import atomic_file


def save_training_picture(
    path: str | os.PathLike[str],
    curves: Mapping[str, Sequence[float]],
    confusion: np.ndarray[Any, Any],
    class_names: Sequence[str],
) -> None:
    """Write one PNG: on the left the curves, a figure an epoch, on the right the confusion matrix with its counts.

    Args:
        path: the file; an old one is replaced when the new one is complete.
        curves: label and figures, such as `{"training": [0.9, 0.5], "test": [0.8, 0.6]}`.
        confusion: (C, C), a row for each true class, as `metrics.confusion_matrix` gives it.
        class_names: C names.
    """
    figure = Figure(figsize=(14, 6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[4, 5])

    for label, values in curves.items():
        left.plot(range(1, len(values) + 1), values, marker="o", label=label)
    left.set(title="Loss", xlabel="epoch", ylabel="cross entropy", ylim=(0, None))
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.grid(alpha=0.3)
    left.legend()

    right.imshow(confusion, cmap="Blues")
    places = range(len(class_names))
    right.set(title="Confusion matrix", xlabel="predicted", ylabel="true")
    right.set_xticks(places, class_names, rotation=45, ha="right")
    right.set_yticks(places, class_names)
    dark = confusion.max() / 2
    for (row, column), count in np.ndenumerate(confusion):
        right.text(column, row, count, ha="center", va="center", color="white" if count > dark else "black")

    with atomic_file(path) as file:
        figure.savefig(file, format="png", dpi=100)


def save_curves(path: str | os.PathLike[str], panels: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Write one PNG with a panel for each name that has curves, one below the other; a figure an epoch.

    Args:
        path: the file; an old one is replaced when the new one is complete.
        panels: name of the panel -> label -> figures.
    """
    shown = {name: curves for name, curves in panels.items() if curves}
    figure = Figure(figsize=(8, 4 * max(1, len(shown))), layout="constrained")
    for k, (name, curves) in enumerate(shown.items()):
        axes = figure.add_subplot(len(shown), 1, k + 1)
        for label, values in curves.items():
            axes.plot(range(1, len(values) + 1), values, marker="o", label=label)
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    with atomic_file(path) as file:
        figure.savefig(file, format="png", dpi=100)


def save_search(
    path: str | os.PathLike[str], points: Sequence[Mapping[str, Any]], figures: Sequence[float], logarithmic: set[str]
) -> None:
    """Write one PNG with a panel for each parameter: what the trials reached over its value.

    Args:
        path: the file; an old one is replaced when the new one is complete.
        points: the parameters of each trial.
        figures: what each trial reached.
        logarithmic: names of parameters with a logarithmic axis.
    """
    names = list(points[0]) if points else []
    figure = Figure(figsize=(max(4, 4 * len(names)), 4), layout="constrained")
    for k, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), k + 1)
        values = [point[name] for point in points]
        numbers = all(isinstance(value, (int, float)) for value in values)
        axes.scatter(values if numbers else [str(value) for value in values], figures)
        axes.set(xlabel=name, ylabel="figure" if k == 0 else "")
        if name in logarithmic:
            axes.set_xscale("log")
        axes.grid(alpha=0.3)
    with atomic_file(path) as file:
        figure.savefig(file, format="png", dpi=100)
