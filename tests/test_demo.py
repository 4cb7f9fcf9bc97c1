"""The demo: the main job, on the bundled images."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import demo, nn
from minidl.cli import main
from minidl.data import FashionMNIST
from minidl.progress import plain_bar

QUICK = ["demo", "--data", "digits", "--epochs", "1"]


def output_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_the_main_job_passes_eighty_percent(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = output_of(capsys, "demo", "--output", str(tmp_path))
    (accuracy,) = re.findall(r"^ +accuracy +([\d.]+) +1000$", out, re.MULTILINE)
    assert float(accuracy) >= 0.8
    for row in (*FashionMNIST.classes, "macro"):  # precision, recall, F1 and how many there are
        assert re.search(rf"^ *{row}( +0\.\d{{4}}){{3}} +\d+$", out, re.MULTILINE), row
    losses = [float(loss) for loss in re.findall(r"epoch +\d+ +loss ([\d.]+)", out)]
    assert len(losses) == 10
    assert losses == sorted(losses, reverse=True)
    assert "the same scores for all 1000 test images" in out
    assert len(re.findall(r"test image \d is .* with probability", out)) == 5
    assert {path.name for path in tmp_path.iterdir()} >= {"weights.safetensors"}


def test_the_network_is_the_textbook_one() -> None:
    net = demo.Net(28, 10)
    assert {name: p.shape for name, p in net.named_parameters()} == {
        "fc1.weight": (128, 784), "fc1.bias": (128,), "fc2.weight": (10, 128), "fc2.bias": (10,),
    }  # fmt: skip
    x = minidl.randn(3, 1, 28, 28)
    hidden = np.maximum(x.array.reshape(3, 784) @ net.fc1.weight.array.T + net.fc1.bias.array, 0)
    expected = hidden @ net.fc2.weight.array.T + net.fc2.bias.array
    np.testing.assert_allclose(net(x).detach().array, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("model", demo.MODELS)
@pytest.mark.parametrize("size", [28, 8])
def test_every_model_takes_both_sizes_of_images(model: str, size: int) -> None:
    net: nn.Module = demo.MODELS[model](size, 10)
    for images in (0, 1, 5):
        assert net(minidl.zeros(images, 1, size, size)).shape == (images, 10)


@pytest.mark.parametrize("model", demo.MODELS)
@pytest.mark.parametrize("optimizer", demo.OPTIMIZERS)
def test_every_choice_learns(capsys: pytest.CaptureFixture[str], tmp_path: Path, model: str, optimizer: str) -> None:
    rate = "0.003" if optimizer == "adam" else "0.05"
    out = output_of(capsys, "demo", "--data", "digits", "--epochs", "3", "--model", model, "--optimizer", optimizer,
                    "--lr", rate, "--batch-size", "8", "--output", str(tmp_path))  # fmt: skip
    losses = [float(loss) for loss in re.findall(r"epoch +\d+ +loss ([\d.]+)", out)]
    assert len(losses) == 3
    assert losses[2] < 0.8 * losses[0]
    assert "the same scores for all 382 test images" in out


def test_the_comparison(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = output_of(capsys, *QUICK, "--compare", "lstm", "mlp", "--output", str(tmp_path))
    _, _, table = out.partition("model         parameters   test loss   test accuracy\n")
    rows = [line.split() for line in table.splitlines()]
    assert [row[0] for row in rows] == ["mlp", "lstm"]
    assert [int(row[1]) for row in rows] == [8 * 8 * 128 + 128 + 1290, 4 * 64 * (8 + 64 + 2) + 650]
    accuracy = re.findall(r"test accuracy ([\d.]+%)", out)
    assert [row[3] for row in rows] == accuracy


def test_a_seed_repeats_a_run_to_the_bit(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        output_of(capsys, *QUICK, "--seed", seed, "--output", str(tmp_path / name))
    a, b, c = ((tmp_path / name / "weights.safetensors").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_the_weights_are_a_state_dict(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    output_of(capsys, *QUICK, "--output", str(tmp_path))
    state = minidl.load(tmp_path / "weights.safetensors")
    net = demo.Net(8, 10)
    assert sorted(state) == sorted(net.state_dict())
    net.load_state_dict(state)


def test_a_folder_is_read_instead_of_the_bundled_images(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = output_of(capsys, "demo", "--epochs", "1", "--folder", str(FashionMNIST.bundled_folder),
                    "--output", str(tmp_path))  # fmt: skip
    assert "4000 images to learn from, 1000 for the test, each 28x28 pixels" in out


def test_training_images_are_normalised() -> None:
    for name in ("fashion", "digits"):
        train_set, _ = demo.load(name, None, False)
        pixels = train_set.fetch_batch(range(len(train_set)))[0].array
        assert abs(pixels.mean()) < 0.01
        assert abs(pixels.std() - 1) < 0.01


def test_capture_writes_a_page_and_leaves_the_training_as_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = output_of(capsys, *QUICK, "--capture", "--output", str(tmp_path / "a"))
    output_of(capsys, *QUICK, "--output", str(tmp_path / "b"))
    page = tmp_path / "a" / "step.html"
    assert str(page) in out
    assert page.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
    a, b = ((tmp_path / name / "weights.safetensors").read_bytes() for name in "ab")
    assert a == b


def test_a_picture_is_drawn_where_matplotlib_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    image = pytest.importorskip("PIL.Image")
    out = output_of(capsys, *QUICK, "--output", str(tmp_path))
    assert f"training curve and confusion matrix: {tmp_path / 'training.png'}" in out
    with image.open(tmp_path / "training.png") as picture:
        assert picture.format == "PNG"
        assert picture.size == (1400, 600)
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 20


def test_without_matplotlib_it_says_how_to_get_the_picture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in [name for name in sys.modules if name.startswith("matplotlib.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "minidl.plots", raising=False)
    out = output_of(capsys, *QUICK, "--output", str(tmp_path))
    assert 'no picture: matplotlib is not installed (pip install "minidl[plot]")' in out
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


def test_the_plain_bar_fills_and_clears_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(plain_bar([7, 8, 9, 10], "count")) == [7, 8, 9, 10]
    frames = capsys.readouterr().err.split("\r")
    assert frames[1:5] == [
        f"count [{'#' * n}{'.' * (40 - n)}] {p:2d} %" for n, p in ((0, 0), (10, 25), (20, 50), (30, 75))
    ]
    assert [set(frame) for frame in frames[5:]] == [{" "}, set()]
    assert len(frames[5]) >= len(frames[4])


def test_the_plain_bar_clears_its_line_after_a_break(capsys: pytest.CaptureFixture[str]) -> None:
    bar = plain_bar([1, 2, 3], "count")
    next(bar)
    bar.close()
    assert capsys.readouterr().err.endswith(" \r")
    assert list(plain_bar([], "count")) == []
