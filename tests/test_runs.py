"""minidl train, evaluate, predict and info: a run's folder, resumed to the bit, and slips that cost one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_cli import fails_with

import minidl
from minidl import runs
from minidl.cli import main
from minidl.errors import ArgumentError, StateError

QUICK = {"data": {"name": "Digits"}, "training": {"epochs": 2}}


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Run a command with --json and return what it printed; progress is on standard error alone."""
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_from_training_to_prediction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "run")
    words = ["--data", "Digits", "--optimizer", "Adam", "lr=0.01", "--schedule", "StepLR", "step_size=2", "gamma=0.5"]
    trained = run(capsys, "train", *words, "--epochs", "4", "--output", folder)
    assert trained["epoch"] == 4 and trained["val_accuracy"] > 0.9 and trained["lr"] == 0.005
    measured = run(capsys, "evaluate", folder)
    assert set(measured) == {"loss", "accuracy", "precision", "recall", "f1"} and measured["accuracy"] > 0.85
    known = run(capsys, "info", folder)
    assert known["epochs"] == 4 and known["parameters"] == 9610
    assert known["config"]["optimizer"] == {"name": "Adam", "lr": 0.01}
    assert run(capsys, "info", f"{folder}/checkpoint.safetensors")["tensors"]

    image = pytest.importorskip("PIL.Image")
    test_set = minidl.data.Digits(train=False)
    files = []
    for k in range(20):
        files.append(str(tmp_path / f"{k}.png"))
        pixels = (np.asarray(test_set.data[k]).astype(float) * 255 / 16).round().astype(np.uint8)
        image.fromarray(pixels).save(files[-1])
    answers = run(capsys, "predict", folder, *files)
    right = [answer["class"] == test_set.classes[int(test_set.targets[k])] for k, answer in enumerate(answers)]
    assert [answer["file"] for answer in answers] == files and sum(right) >= 15
    assert all(0 < answer["probability"] <= 1 for answer in answers)


def test_lines_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs.train(runs.completed(QUICK), tmp_path)
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("loss: ")
    assert main(["info", str(tmp_path)]) == 0
    assert "   fc1.weight: float32 (128, 64)" in capsys.readouterr().out


@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_a_resumed_run_is_bit_equal(tmp_path: Path, model: str) -> None:
    config: dict[str, Any] = {
        "data": {"name": "Digits"}, "model": {"name": model}, "optimizer": {"name": "Adam"},
        "schedule": {"name": "CosineAnnealingLR", "T_max": 4},
    }  # fmt: skip

    def train(folder: Path, epochs: int, resume: bool = False) -> dict[str, Any]:
        runs.train(runs.completed({**config, "training": {"epochs": epochs}}), folder, resume)
        return runs.checkpoint(folder)

    whole = train(tmp_path / "whole", 4)
    train(tmp_path / "parts", 2)
    minidl.rand(7)  # what another program draws does not matter
    parts = train(tmp_path / "parts", 4, resume=True)
    for name, value in whole["model"].items():
        np.testing.assert_array_equal(value.numpy(), parts["model"][name].numpy())
    losses = [[row["val_loss"] for row in state["history"]] for state in (whole, parts)]
    assert losses[0] == losses[1] and len(losses[0]) == 4


def test_a_config_file_and_options_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "run.toml"
    tables = ['[data]\nname = "Digits"', '[optimizer]\nname = "Adam"\nbetas = [0.8, 0.9]', "[training]\nepochs = 9"]
    config.write_text("\n".join(tables))
    folder = tmp_path / "run"
    run(capsys, "train", "--config", str(config), "--epochs", "1", "--output", str(folder))
    used = runs.read_config(folder / "config.toml")
    assert used["optimizer"]["betas"] == [0.8, 0.9] and used["training"]["epochs"] == 1
    assert runs.completed(used) == used


SLIPS = [
    ({"dta": {}}, "did you mean data"),
    ({"data": {"name": "Fashion"}}, "did you mean FashionMNIST"),
    ({"data": {"batchsize": 3}}, "did you mean batch_size"),
    ({"data": {"batch_size": 0}}, r"batch_size: got 0"),
    ({"data": {"validation": 1.0}}, r"validation: got 1\.0"),
    ({"data": 3}, r"expected a table \[data\]"),
    ({"model": {"name": "resnet"}}, r"\[model\] name: got 'resnet'"),
    ({"optimizer": {"name": "adam"}}, "did you mean Adam"),
    ({"schedule": {"name": "StepLr"}}, "did you mean StepLR"),
    ({"training": {"epochs": 1.5}}, r"epochs: got 1\.5"),
]


@pytest.mark.parametrize(("config", "words"), SLIPS)
def test_a_slip_in_a_configuration_is_named(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        runs.completed(config)


def test_slips_at_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = ["train", "--data", "Digits", "--epochs", "1", "--output", str(tmp_path / "run")]
    assert "lr=0.1" in fails_with(capsys, [*start, "--optimizer", "SGD", "lr"])
    assert "leanring" in fails_with(capsys, [*start, "--optimizer", "SGD", "leanring=1"])
    assert "lr" in fails_with(capsys, [*start, "--optimizer", "SGD", "lr=fast"])
    assert not (tmp_path / "run").exists()
    assert "not a TOML file" in fails_with(capsys, [*start, "--config", __file__])
    assert "No such file" in fails_with(capsys, [*start, "--config", str(tmp_path / "none.toml")])
    for words in (["evaluate"], ["info"], ["train", "--resume"]):
        assert "holds no run" in fails_with(capsys, [*words, str(tmp_path)])
    runs.train(runs.completed(QUICK), tmp_path / "run")
    capsys.readouterr()
    assert "holds a run already" in fails_with(capsys, start)
    text = tmp_path / "text.png"
    text.write_text("no picture")
    pytest.importorskip("PIL")
    assert "not an image" in fails_with(capsys, ["predict", str(tmp_path / "run"), str(text)])


def test_the_checkpoint_of_another_program_is_refused(tmp_path: Path) -> None:
    minidl.save({"weight": minidl.ones(2)}, tmp_path / "checkpoint.safetensors")
    with pytest.raises(StateError, match="expected the checkpoint of a run, found weight"):
        runs.checkpoint(tmp_path)
