"""minidl train on files of one's own: a CSV file, a folder of images, a text file with labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_cli import fails_with
from test_runs import run

import minidl
from minidl import runs
from minidl.errors import ArgumentError, StateError

RNG = np.random.default_rng(3)


def table(path: Path, target: str = "species", count: int = 200, delimiter: str = ",") -> Path:
    """Write a raw table: words, gaps, an identifier that is of no use."""
    lines = [["id", "length", "colour", "width", "species", "weight"]]
    for k in range(count):
        kind = k % 3
        length, width = RNG.normal([4 + kind, 1 + kind], 0.2)
        row = [f"n{k}", f"{length:.2f}", ["red", "blue", "red"][kind], "" if k % 9 == 4 else f"{width:.2f}"]
        lines.append([*row, ["rose", "lily", "iris"][kind], f"{100 * length + 20:.1f}"])
    path.write_text("\n".join(delimiter.join(line) for line in lines), encoding="utf-8")
    return path


def folder_of_images(root: Path, count: int = 240) -> Path:
    image = pytest.importorskip("PIL.Image")
    digits = minidl.data.Digits()
    for k in range(count):
        label = int(digits.targets[k])
        if label < 3:
            (root / "zero one two".split()[label]).mkdir(parents=True, exist_ok=True)
            pixels = (np.asarray(digits.data[k]) * 15).astype(np.uint8)
            picture = image.fromarray(pixels)
            size = (20, 20) if k % 2 else (16, 24)  # of mixed size and colour
            picture.resize(size).convert("RGB" if k % 3 else "L").save(
                root / "zero one two".split()[label] / f"{k}.png")  # fmt: skip
    return root


def reviews(path: Path, count: int = 160) -> Path:
    good, bad, other = ["good", "fine", "喜欢"], ["bad", "poor", "讨厌"], ["film", "it", "was", "the", "a", "book"]
    lines = []
    for k in range(count):
        words = [*RNG.choice(other, RNG.integers(2, 9)), RNG.choice(bad if k % 2 else good)]
        lines.append(f"{'no' if k % 2 else 'yes'}\t{' '.join(RNG.permutation(words))}")
    path.write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    return path


def trained(capsys: Any, path: Path, folder: Path, *words: str, epochs: int = 30) -> dict[str, float]:
    start = ["train", "--path", str(path), "--output", str(folder), "--optimizer", "Adam", "lr=0.02"]
    run(capsys, *start, "--epochs", str(epochs), *words)
    measured = run(capsys, "evaluate", str(folder))
    assert isinstance(measured, dict)
    assert run(capsys, "info", str(folder))["epochs"] == epochs
    return measured


def test_a_table_with_classes(tmp_path, capsys):
    path, folder = table(tmp_path / "flowers.csv"), tmp_path / "run"
    words = ["--target", "species", "--columns", "length", "colour", "width"]
    assert trained(capsys, path, folder, *words)["accuracy"] > 0.9
    new = tmp_path / "new.csv"
    new.write_text("width,length,colour\n1.0,4.0,red\n,5.0,blue\n")
    path.unlink()  # what was learned of it is in the run's folder
    answers = run(capsys, "predict", str(folder), str(new))
    assert [answer["class"] for answer in answers] == ["rose", "lily"]
    assert answers[1]["file"].endswith("new.csv, row 2") and answers[0]["probability"] > 0.5
    new.write_text("width,length,colour\n1.0,4.0,pink\n")
    assert "line 2, column 'colour': found 'pink'" in fails_with(capsys, ["predict", str(folder), str(new)])
    new.write_text("width,length,colour\n1.0,long,red\n")
    assert "line 2, column 'length': found 'long'" in fails_with(capsys, ["predict", str(folder), str(new)])
    new.write_text("width,colour\n1.0,red\n")
    assert "there is no column 'length'" in fails_with(capsys, ["predict", str(folder), str(new)])


def test_a_table_with_a_figure(tmp_path, capsys):
    path, folder = table(tmp_path / "flowers.tsv", delimiter="\t"), tmp_path / "run"
    words = ["--columns", "length", "colour", "--model", "linear"]
    measured = trained(capsys, path, folder, *words)
    assert measured["r2"] > 0.95 and 0 < measured["mean_absolute_error"] < 30
    answer = run(capsys, "predict", str(folder), str(path))[0]
    assert abs(answer["weight"] - 420) < 60


def test_a_folder_of_images(tmp_path, capsys):
    path, folder = folder_of_images(tmp_path / "digits"), tmp_path / "run"
    assert trained(capsys, path, folder, "--size", "8", "--model", "cnn", epochs=8)["accuracy"] > 0.7
    file = next((path / "zero").iterdir())
    assert set(run(capsys, "predict", str(folder), str(file))[0]) == {"file", "class", "probability"}
    assert run(capsys, "info", str(folder))["config"]["data"]["kind"] == "images"


@pytest.mark.parametrize("model", ["mlp", "lstm"])
def test_lines_of_text(tmp_path, capsys, model):
    path, folder = reviews(tmp_path / "reviews.txt"), tmp_path / "run"
    own = reviews(tmp_path / "others.txt", 40)
    assert trained(capsys, path, folder, "--model", model, "--test", str(own), epochs=12)["accuracy"] > 0.9
    new = tmp_path / "new.txt"
    new.write_text("The film was GOOD\n讨厌\nunheard-of\n\n", encoding="utf-8")
    answers = run(capsys, "predict", str(folder), str(new))
    assert [answer["class"] for answer in answers[:2]] == ["yes", "no"] and len(answers) == 4


@pytest.mark.parametrize("make", [table, folder_of_images, reviews])
def test_a_resumed_run_is_bit_equal(tmp_path, make):
    path = make(tmp_path / {"table": "a.csv", "folder_of_images": "a", "reviews": "a.txt"}[make.__name__])
    size = {"size": 8} if path.is_dir() else {"columns": ["length", "colour"]} if path.suffix == ".csv" else {}

    def train(folder: Path, epochs: int, resume: bool = False) -> dict[str, Any]:
        config = {"data": {"path": str(path), **size}, "optimizer": {"name": "Adam"}, "training": {"epochs": epochs}}
        runs.train(runs.completed(config), folder, resume)
        return runs.checkpoint(folder)

    whole = train(tmp_path / "whole", 3)
    train(tmp_path / "parts", 1)
    parts = train(tmp_path / "parts", 3, resume=True)
    for name, value in whole["model"].items():
        np.testing.assert_array_equal(value.numpy(), parts["model"][name].numpy())
    assert whole["data"] == parts["data"]


def test_figures_are_of_the_training_part_alone(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n" + "\n".join(f"{k},{k % 2}" for k in range(50)))
    config = runs.completed({"data": {"path": str(path)}, "training": {"epochs": 1}})
    runs.train(config, tmp_path / "run")
    learned = runs.checkpoint(tmp_path / "run")["data"]
    from minidl.runs.source import parts_of

    parts = parts_of(config["data"], 50, 0)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(50))
    assert [len(parts[name]) for name in ("train", "validation", "test")] == [36, 4, 10]
    assert learned["figures"]["x"][0] == pytest.approx(parts["train"].mean()) and learned["classes"] == ["0", "1"]


BAD = [
    ("a.csv", "x,y\n1,2\n3\n", "a.csv, line 3: 1 cells"),
    ("a.csv", "x,y\n1,2\nfour,2\n", "a.csv, line 3, column 'x': found 'four'"),
    ("a.csv", "x,y\n", "there are no rows"),
    ("a.csv", "x,y\n1,\n", "no row with a value in the column 'y'"),
    ("a.csv", "x,y\n1,2\n", "1 samples are too few"),
    ("a.txt", "yes good\n", "a.txt, line 1: found 'yes good', expected a label, a tabulator"),
    ("a.txt", "yes\tgood\n", "found 1 labels"),
    ("a.txt", "", "found 0 labels"),
    ("a.txt", b"\xff\xfe", "not a text file in UTF-8"),
]


@pytest.mark.parametrize(("name", "content", "words"), BAD)
def test_bad_files_are_named(tmp_path, capsys, name, content, words):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    command = ["train", "--path", str(tmp_path / name), "--output", str(tmp_path / "run")]
    assert words in fails_with(capsys, command)
    assert not (tmp_path / "run").exists()


def test_slips(tmp_path, capsys):
    path = table(tmp_path / "a.csv", count=30)
    start = ["train", "--path", str(path), "--output", str(tmp_path / "run")]
    assert "there is no column 'specis'" in fails_with(capsys, [*start, "--target", "specis"])
    assert "expected one of mlp, linear" in fails_with(capsys, [*start, "--model", "cnn"])
    assert "test: got 1.5" in fails_with(capsys, [*start, "--test", "1.5"])
    assert "no file or folder" in fails_with(capsys, [*start, "--test", "nowhere", "--columns", "length"])
    assert "[data]: got 'size'" in fails_with(capsys, [*start, "--size", "8"])
    assert "No such file" in fails_with(capsys, ["train", "--path", str(tmp_path / "b.csv")])
    (tmp_path / "empty").mkdir()
    assert "a folder for each class" in fails_with(capsys, ["train", "--path", str(tmp_path / "empty")])
    with pytest.raises(ArgumentError, match=r"\[data\] path: got ''"):
        runs.completed({"data": {"kind": "csv"}})
    with pytest.raises(ArgumentError, match=r"columns: got 'a'"):
        runs.completed({"data": {"path": "a.csv", "columns": "a"}})
    with pytest.raises(ArgumentError, match=r"size: got 2"):
        runs.completed({"data": {"path": str(tmp_path), "size": 2}})
    assert not (tmp_path / "run").exists()


def test_the_checkpoint_of_another_model_is_refused(tmp_path):
    path = reviews(tmp_path / "a.txt")
    runs.train(runs.completed({"data": {"path": str(path)}, "training": {"epochs": 1}}), tmp_path / "run")
    config = tmp_path / "run" / "config.toml"
    config.write_text(config.read_text().replace('"mlp"', '"lstm"'))
    with pytest.raises(StateError, match=r"rnn\.weight"):
        runs.evaluated(tmp_path / "run")
    assert json.loads((tmp_path / "run" / "history.json").read_text())
