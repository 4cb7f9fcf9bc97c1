"""Grid and random search: all points, resumed where they were cut off, the test set once."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import nn, optim, search
from minidl.data import DataLoader, Digits, random_split, transforms
from minidl.errors import ArgumentError, ArgumentTypeError, StateError


def test_a_search_over_a_real_network(tmp_path: Path) -> None:
    """The learning rate of a network on handwritten digits: chosen on a validation part, tested once."""
    to_input = transforms.Compose([transforms.ToTensor(16), transforms.Flatten()])
    images, test_set = Digits(transform=to_input), Digits(train=False, transform=to_input)
    train, validation = random_split(images, [0.8, 0.2], generator=minidl.Generator().manual_seed(0))

    def trained(lr: float, width: int) -> nn.Module:
        net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
        optimizer = optim.SGD(net.parameters(), lr=lr)
        loader = DataLoader(train, batch_size=16, shuffle=True)
        minidl.fit(net, loader, nn.CrossEntropyLoss(), optimizer, epochs=4, verbose=False)
        return net

    def measured(net: nn.Module, data: Any) -> float:
        figures = minidl.training.evaluate(
            net, DataLoader(data, batch_size=200), nn.CrossEntropyLoss(), {"accuracy": minidl.metrics.accuracy}
        )
        return figures["accuracy"]

    results = search.run(
        lambda lr, width: measured(trained(lr, width), validation), {"lr": [1e-4, 0.3], "width": [4, 32]},
        file=tmp_path / "search.json",
    )  # fmt: skip
    assert results.best == {"lr": 0.3, "width": 32} and results.figure > 0.8
    assert results.test(lambda lr, width: measured(trained(lr, width), test_set)) > 0.7
    with pytest.raises(StateError, match="used already"):
        results.test(lambda lr, width: 1.0)


def test_a_grid_is_every_combination() -> None:
    seen = []
    search.run(lambda **p: seen.append(p) or 0.0, {"a": [1, 2], "b": ["x", "y", "z"]})
    assert len(seen) == 6 and seen[0] == {"a": 1, "b": "x"} and seen[1] == {"a": 1, "b": "y"}


def test_random_draws_are_in_their_ranges_and_repeat() -> None:
    space: Any = {"lr": search.log_uniform(1e-4, 1.0), "p": search.uniform(0, 0.5), "k": ["a", "b"]}
    space["n"] = search.integers(1, 3)
    draws = list(search.random(space, 3000, seed=1))
    assert draws == list(search.random(space, 3000, seed=1)) != list(search.random(space, 3000, seed=2))
    lr = np.array([d["lr"] for d in draws])
    assert lr.min() >= 1e-4 and lr.max() <= 1.0
    assert abs(np.mean(lr < 1e-2) - 0.5) < 0.05  # half of the orders of magnitude
    assert all(0 <= d["p"] <= 0.5 for d in draws)
    counts = [sum(d["n"] == n for d in draws) for n in (1, 2, 3)]
    assert sum(counts) == 3000 and min(counts) > 900
    assert {d["k"] for d in draws} == {"a", "b"} and all(type(d["n"]) is int for d in draws)


@pytest.mark.parametrize("trials", [None, 6])
def test_a_search_that_was_cut_off_goes_on(tmp_path: Path, trials: int | None) -> None:
    space: Any = {"a": [1, 2, 3], "b": [0.5, 0.25]}

    def trial(a: int, b: float) -> float:
        return a * b + float(minidl.rand(1))  # the random part must not depend on what ran before

    whole = search.run(trial, space, trials=trials)
    file, calls = tmp_path / "search.json", []

    def cut(a: int, b: float) -> float:
        if len(calls) == 4:
            raise KeyboardInterrupt
        calls.append((a, b))
        return trial(a, b)

    with pytest.raises(KeyboardInterrupt):
        search.run(cut, space, trials=trials, file=file)
    assert len(json.loads(file.read_text())["trials"]) == 4
    resumed = search.run(trial, space, trials=trials, file=file)
    assert resumed.trials == whole.trials
    assert search.run(trial, space, trials=trials, file=file).trials == whole.trials  # nothing runs again


def test_the_test_set_is_used_once_in_a_resumed_search_too(tmp_path: Path) -> None:
    file = tmp_path / "search.json"
    search.run(lambda a: a, {"a": [1, 2]}, file=file).test(lambda a: 0.75)
    with pytest.raises(StateError, match=r"gave 0\.75"):
        search.run(lambda a: a, {"a": [1, 2]}, file=file).test(lambda a: 0.5)


def test_a_figure_that_is_no_number_is_the_worst() -> None:
    for mode, best in (("max", 3), ("min", 1)):
        results = search.run(lambda a: math.nan if a == 2 else a, {"a": [1, 2, 3]}, mode=mode)
        assert results.best == {"a": best} and results.ranked[-1]["parameters"] == {"a": 2}


def test_the_table_and_the_plot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space: Any = {"lr": search.log_uniform(1e-3, 1.0), "kind": ["relu", "tanh"]}
    results = search.run(lambda lr, kind: lr, space, trials=3, verbose=True)
    assert capsys.readouterr().out.count("trial ") == 3
    table = str(results).splitlines()
    assert table[0].split() == ["lr", "kind", "figure"] and len(table) == 4
    pytest.importorskip("matplotlib")
    results.plot(tmp_path / "search.png")
    assert (tmp_path / "search.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"mode": "best"}, ArgumentError, "mode: got 'best'"),
        ({"trials": 0}, ArgumentError, "trials: got 0"),
        ({"space": {}}, ArgumentError, "space: got {}"),
        ({"space": {"a": []}}, ArgumentError, r"space\['a'\]"),
        ({"space": {"a": "text"}}, ArgumentError, r"space\['a'\]"),
        ({"space": {"a": search.uniform(0, 1)}}, ArgumentError, "a grid needs a list of choices"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        search.run(lambda a: a, **{"space": {"a": [1]}, **arguments})


def test_ranges_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="low < high"):
        search.uniform(1, 1)
    with pytest.raises(ArgumentError, match="0 < low"):
        search.log_uniform(0, 1)
    with pytest.raises(ArgumentTypeError, match="numbers and texts alone"):
        search.run(lambda a: 1.0, {"a": [nn.ReLU]}, file=tmp_path / "search.json")


def test_the_file_of_another_search_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "search.json"
    search.run(lambda a: a, {"a": [1, 2]}, file=file)
    with pytest.raises(StateError, match="holds a search over"):
        search.run(lambda a: a, {"a": [1, 3]}, file=file)
    for text in ("", "[1]", "{}", "\x00"):
        file.write_text(text)
        with pytest.raises(StateError, match="expected the results of a search"):
            search.run(lambda a: a, {"a": [1, 2]}, file=file)
        assert file.read_text() == text
