"""A full disk, a real one of 1 MB: what was saved before is whole, and nothing is left over."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import runs


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB in memory; mounting needs rights that few have."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_the_old_checkpoint_is_whole(small_disk: Path) -> None:
    path = small_disk / "checkpoint.safetensors"
    minidl.save({"w": minidl.ones(100_000)}, path)
    with pytest.raises(OSError, match="space") as raised:
        minidl.save({"w": minidl.zeros(220_000)}, path)
    assert raised.value.errno == errno.ENOSPC
    assert list(small_disk.iterdir()) == [path]
    np.testing.assert_array_equal(minidl.load(path)["w"].numpy(), np.ones(100_000, np.float32))


def test_a_run_on_a_full_disk_goes_on_when_there_is_room(small_disk: Path) -> None:
    folder = small_disk / "run"

    def train(epochs: int, where: Path, resume: bool) -> None:
        runs.train(runs.completed({"data": {"name": "Digits"}, "training": {"epochs": epochs}}), where, resume)

    train(1, folder, resume=False)
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="space"), open(filler, "wb") as file:
        file.write(bytes(2**21))
    with pytest.raises(OSError, match="space"):
        train(3, folder, resume=True)
    assert runs.described(folder)["epochs"] == 1 and not list(small_disk.rglob("*.part"))
    filler.unlink()
    train(3, folder, resume=True)
    train(3, whole := small_disk.parent / "whole", resume=False)
    for name, value in runs.checkpoint(whole)["model"].items():
        np.testing.assert_array_equal(value.numpy(), runs.checkpoint(folder)["model"][name].numpy())
