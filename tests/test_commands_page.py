"""docs/commands.md: the files it shows are written and its commands run, in order, in a folder of their own."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from minidl.cli import main

PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"


@pytest.mark.skipif(not PAGE.exists(), reason="runs in the source tree")
def test_the_commands_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    for kind, content in re.findall(r"^```(csv|text|toml)\n(.*?)^```", text, re.M | re.S):
        name = {"csv": "flowers.csv", "text": "reviews.txt", "toml": "run.toml"}[kind]
        assert f"`{name}`" in text
        Path(name).write_text(content, encoding="utf-8")
    commands = [line for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()]
    assert len(commands) >= 10
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "minidl"
        assert main(arguments) == 0, f"{command}\n{capsys.readouterr().err}"
        assert capsys.readouterr().out
    assert (tmp_path / "digits" / "checkpoint.safetensors").exists()


def test_a_run_is_read_from_another_folder(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.csv").write_text("x,y\n" + "\n".join(f"{k},{k % 2}" for k in range(40)))
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--path", "a.csv", "--epochs", "1", "--output", "run"]) == 0
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert main(["evaluate", "../run"]) == 0
    assert "accuracy" in capsys.readouterr().out
