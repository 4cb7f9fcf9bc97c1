"""Choosing parameters: try many, compare them on a validation set, and touch the test set once, at the end.

def trial(lr, width):                    # train with these on the training part ...
    ...
    return accuracy                      # ... and measure on the validation part

results = search.run(trial, {"lr": [0.01, 0.1], "width": [64, 128]})                        # a grid: all 4
results = search.run(trial, {"lr": search.log_uniform(1e-4, 1), "width": [64, 128]}, trials=20)     # at random
print(results)                           # the best first
results.test(final)                      # once: final(lr=..., width=...) measures on the test set
"""

from __future__ import annotations

import itertools
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import minidl

from .errors import ArgumentError, ArgumentTypeError, StateError
from .files import atomic_file


@dataclass(frozen=True)
class Range:
    """Numbers from low to high to draw from: evenly, or evenly on a logarithmic scale; ints or floats."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            least = "0 < low < high" if self.log else "low < high"
            raise ArgumentError(f"a range needs {least}, got {self.low} and {self.high}")

    def draw(self, random: np.random.Generator) -> Any:
        """Return one of them."""
        if self.log:
            number = math.exp(random.uniform(math.log(self.low), math.log(self.high)))
        else:
            number = random.uniform(self.low, self.high + self.whole)  # high itself is one of the ints
        return min(int(self.high), math.floor(number)) if self.whole else number


def uniform(low: float, high: float) -> Range:
    """Numbers between low and high, each as likely.

    >>> from minidl import search
    >>> search.uniform(0.0, 0.5)
    Range(low=0.0, high=0.5, log=False, whole=False)
    """
    return Range(low, high)


def log_uniform(low: float, high: float) -> Range:
    """Numbers between low and high, each order of magnitude as likely: for learning rates and weight decay.

    >>> from minidl import search
    >>> search.log_uniform(1e-4, 1.0).log
    True
    """
    return Range(low, high, log=True)


def integers(low: int, high: int) -> Range:
    """Ints from low to high, both included, each as likely.

    >>> from minidl import search
    >>> search.integers(1, 8).whole
    True
    """
    return Range(low, high, whole=True)


Space = Mapping[str, Sequence[Any] | Range]


def grid(space: Space) -> Iterator[dict[str, Any]]:
    """Yield every combination of the choices, the last name changing fastest.

    >>> from minidl import search
    >>> list(search.grid({"lr": [0.1, 1.0], "depth": [2]}))
    [{'lr': 0.1, 'depth': 2}, {'lr': 1.0, 'depth': 2}]
    """
    for name, choices in space.items():
        if isinstance(choices, Range):
            raise ArgumentError(f"{name} is a range, for trials= at random; a grid needs a list of choices")
    for values in itertools.product(*space.values()):  # type: ignore[arg-type]
        yield dict(zip(space, values, strict=True))


def random(space: Space, trials: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Yield so many draws from choices and ranges; the same seed draws the same.

    >>> from minidl import search
    >>> [draw["depth"] in (2, 3) for draw in search.random({"depth": [2, 3]}, trials=2)]
    [True, True]
    """
    generator = np.random.default_rng(seed)
    for _ in range(trials):
        yield {name: drawn(choices, generator) for name, choices in space.items()}


def drawn(choices: Sequence[Any] | Range, generator: np.random.Generator) -> Any:
    """Return one of the choices, or a number of the range."""
    if isinstance(choices, Range):
        return choices.draw(generator)
    return choices[int(generator.integers(len(choices)))]


class Results:
    """What a search found: `trials`, each with its parameters and its figure; printed as a table, the best first.

    `best` are the parameters of the best trial, `figure` what it reached.
    """

    def __init__(self, mode: str, path: Path | None, settings: dict[str, Any]) -> None:
        self.mode, self.path, self.settings = mode, path, settings
        self.trials: list[dict[str, Any]] = []
        self.tested: float | None = None

    @property
    def ranked(self) -> list[dict[str, Any]]:
        """The trials, the best first; those without a number are last."""
        sign = -1 if self.mode == "max" else 1
        return sorted(self.trials, key=lambda t: math.inf if math.isnan(t["figure"]) else sign * t["figure"])

    @property
    def best(self) -> dict[str, Any]:
        """The parameters of the best trial."""
        return dict(self.ranked[0]["parameters"])

    @property
    def figure(self) -> float:
        """What the best trial reached on the validation set."""
        return float(self.ranked[0]["figure"])

    def test(self, final: Callable[..., float]) -> float:
        """Return final(**best), a figure on the test set. Once: a second look at it would be a choice by it.

        Raises StateError the second time, in a resumed search too.
        """
        if self.tested is not None:
            raise StateError(
                f"the test set has been used already, for {self.best}, and gave {self.tested:.4g}; whoever chooses by "
                "it needs another test set"
            )
        self.tested = float(final(**self.best))
        self.write()
        return self.tested

    def write(self) -> None:
        """Write all of it to the file, if there is one."""
        if self.path is not None:
            content = {"settings": self.settings, "trials": self.trials, "tested": self.tested}
            with atomic_file(self.path) as file:
                file.write(json.dumps(content, indent=1).encode())

    def read(self) -> None:
        """Read what an earlier run left in the file."""
        if self.path is None or not self.path.exists():
            return
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            settings, self.trials, self.tested = content["settings"], content["trials"], content["tested"]
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(f"{self.path}: expected the results of a search, found other content ({error})") from error
        if settings != json.loads(json.dumps(self.settings)):
            raise StateError(f"{self.path} holds a search over {settings}, not {self.settings}; give another file")

    def __str__(self) -> str:
        if not self.trials:
            return "no trials"
        names = list(self.trials[0]["parameters"])
        rows = [[*(short(t["parameters"][name]) for name in names), f"{t['figure']:.4g}"] for t in self.ranked]
        lines = [[*names, "figure"], *rows]
        widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
        return "\n".join("  ".join(f"{cell:>{w}}" for cell, w in zip(line, widths, strict=True)) for line in lines)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the figure over each parameter into a PNG file. Needs matplotlib: pip install "minidl[plot]"."""
        try:
            from .plots import save_search
        except ImportError as error:
            raise ArgumentError('plot: matplotlib is not installed; pip install "minidl[plot]" brings it') from error
        logarithmic = {name for name, c in self.settings["space"].items() if isinstance(c, dict) and c["log"]}
        save_search(path, [t["parameters"] for t in self.trials], [t["figure"] for t in self.trials], logarithmic)


def short(value: Any) -> str:
    """Return a parameter as a cell of the table."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def run(
    trial: Callable[..., float], space: Space, *, trials: int | None = None, mode: str = "max", seed: int = 0,
    file: str | os.PathLike[str] | None = None, verbose: bool = False,
) -> Results:  # fmt: skip
    """Call trial(**parameters) for each point of a grid, or for `trials` random ones; return the Results.

    Args:
        trial: trains with these parameters and returns a figure on the validation set. Before each call the random
            numbers start anew from a seed of its own, so that a trial gives the same alone and in any order.
        space: names and their choices, a list each; in a random search also uniform, log_uniform and integers.
        trials: so many draws at random; None for all of the grid.
        mode: "max" if a higher figure is better, "min" if a lower one is.
        seed: of the draws, and of the trials.
        file: a JSON file that holds the results after each trial; a search that was cut off goes on from it.
        verbose: print a line for each trial.

    Raises ArgumentError for a space or mode that makes no sense, StateError for the file of another search.

    >>> from minidl import search
    >>> results = search.run(lambda x: (x - 2) ** 2, {"x": [0, 1, 2, 3]}, mode="min")
    >>> results.best, results.figure
    ({'x': 2}, 0.0)
    >>> results.test(lambda x: x / 10)
    0.2
    """
    check(space, trials, mode)
    described = {name: asdict(c) if isinstance(c, Range) else list(c) for name, c in space.items()}
    settings = {"space": described, "trials": trials, "mode": mode, "seed": seed}
    results = Results(mode, None if file is None else Path(file), settings)
    if results.path is not None:
        try:
            json.dumps(settings)
        except TypeError as error:
            raise ArgumentTypeError(f"space: a search with a file takes numbers and texts alone ({error})") from error
    results.read()
    points = grid(space) if trials is None else random(space, trials, seed)
    for number, parameters in enumerate(points):
        if number < len(results.trials):
            continue  # done before it was cut off
        minidl.manual_seed(seed + number)
        figure = float(trial(**parameters))
        results.trials.append({"parameters": parameters, "figure": figure})
        results.write()
        if verbose:
            shown = ", ".join(f"{name} {short(value)}" for name, value in parameters.items())
            print(f"trial {number + 1}: {shown}: {figure:.4g}", flush=True)
    return results


def check(space: Space, trials: int | None, mode: str) -> None:
    """Refuse what makes no sense."""
    if mode not in ("max", "min"):
        raise ArgumentError(f'mode: got {mode!r}, expected "max" or "min"')
    if trials is not None and (not isinstance(trials, int) or isinstance(trials, bool) or trials < 1):
        raise ArgumentError(f"trials: got {trials!r}, expected an int of at least 1, or None for a grid")
    if not isinstance(space, Mapping) or not space:
        raise ArgumentError(f"space: got {space!r}, expected a dict of names and their choices")
    for name, choices in space.items():
        if isinstance(choices, Range):
            continue
        if isinstance(choices, str) or not isinstance(choices, Sequence) or len(choices) == 0:
            raise ArgumentError(f"space[{name!r}]: got {choices!r}, expected a list of choices or a range")
