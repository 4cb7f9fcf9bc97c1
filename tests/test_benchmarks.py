"""The benchmarks run and compute what they say. How fast they are is no matter here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minidl

scalars = pytest.importorskip("benchmarks.scalars", reason="runs in the source tree")
workloads = pytest.importorskip("benchmarks.workloads")
fashion = pytest.importorskip("benchmarks.fashion")
measure = pytest.importorskip("benchmarks.measure")

SOURCE = Path(scalars.__file__).parents[1]


@pytest.mark.parametrize("name", ["micrograd", "micrograd_in_place"])
def test_micrograds_example_gives_what_its_readme_says(name: str) -> None:
    g, da, db = getattr(scalars, name)(minidl)()
    assert [f"{value.item():.4f}" for value in (g, da, db)] == ["24.7041", "138.8338", "645.5773"]


def test_the_small_sum_has_a_gradient_of_ones() -> None:
    assert scalars.small_sum(minidl)().tolist() == [1] * 16


@pytest.mark.parametrize("name", [*workloads.ROWS, *workloads.KERNELS])
def test_workloads_run(name: str) -> None:
    {**workloads.ROWS, **workloads.KERNELS}[name].make(minidl)()


def test_training_steps_train() -> None:
    program = workloads.image_step(minidl, workloads.networks.mlp, (8, 784), "SGD", lr=0.01)
    net = program.__closure__[[*program.__code__.co_freevars].index("model")].cell_contents
    before = net.fc1.weight.array.copy()
    program()
    assert not np.array_equal(net.fc1.weight.array, before)


def test_turns_are_timed() -> None:
    ours, theirs = measure.in_turn([lambda: sum(range(100)), lambda: sum(range(200))], rounds=3, seconds=0.001)
    assert len(ours.cpu) == len(ours.wall) == len(theirs.cpu) == 3
    assert min(ours.wall) > 0
    assert measure.ratios([1.0, 6.0], [2.0, 2.0]) == [0.5, 3.0]
    assert measure.spread([3.0, 1.0, 2.0]) == "2.00 (1.00 to 3.00)"


@pytest.mark.parametrize("double", [False, True])
def test_the_network_on_a_folder_of_images(capsys: pytest.CaptureFixture[str], double: bool) -> None:
    fashion.run(minidl.data.FashionMNIST.bundled_folder, epochs=1, batch=30, double=double)
    out = capsys.readouterr().out
    assert "784-128-10 on 4000 images" in out
    assert "| 1     |" in out


def test_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--rounds", "1"]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [*command, "scalars", "import"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    for row in ("micrograd's example", "import minidl", "16 floats"):
        assert row in done.stdout
    done = subprocess.run(
        [*command, "workloads", "threads", "kernels", "--rows", "mlp forward", "--threads", "2"],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("| mlp forward, batch 1") == 2
    assert "2 threads" in done.stdout
    done = subprocess.run([*command, "speed"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "there is no benchmark 'speed'" in done.stderr
