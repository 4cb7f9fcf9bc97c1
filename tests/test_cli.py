"""The command line: what it prints where, its exit codes, and that a slip costs one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import minidl
from minidl.cli import main

SHORT = ["--data", "digits", "--epochs", "2"]
ENDLESS = ["--data", "digits", "--epochs", "1000000"]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "minidl", *arguments]


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(minidl.__file__).parents[1]), "COLUMNS": "100", **changes}


def start(folder: Path, *arguments: str, **changes: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command(*arguments), cwd=folder, env=environment(**changes), stdout=pipe, stderr=pipe, text=True
    )


def fails_with(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    """Run the command, check that it ends with code 2 and one line on standard error, and return the line."""
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = stop.code
    lines = capsys.readouterr().err.splitlines()
    assert code == 2
    assert len(lines) == 1, lines
    assert lines[0].startswith("minidl")
    return lines[0]


# -- what is asked for -----------------------------------------------------------------------------------------------


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"minidl {minidl.__version__}\n"


def test_help_names_every_option_of_the_demo(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["demo", "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for option in ("data", "folder", "download", "model", "epochs", "batch-size", "optimizer", "lr", "seed", "output",
                   "capture", "compare"):  # fmt: skip
        assert f"--{option}" in text


def test_a_run_as_a_module_in_a_pipe(tmp_path: Path) -> None:
    process = start(tmp_path, "demo", *SHORT)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "\r" not in out
    assert "\x1b" not in out
    for step in ("1  Data processing", "2  Model definition", "3  Training", "4  Evaluation", "5  Deployment"):
        assert out.count(step) == 1


def test_what_is_printed_is_ascii(tmp_path: Path) -> None:
    process = start(tmp_path, "demo", *SHORT, PYTHONIOENCODING="ascii:strict", LC_ALL="C")
    _, err = process.communicate()
    assert (process.returncode, err) == (0, "")


# -- slips -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "required: COMMAND"),
        (["dmeo"], "invalid choice: 'dmeo'"),
        (["demo", "--epoch", "3"], "unrecognized arguments: --epoch 3"),
        (["demo", "extra"], "unrecognized arguments: extra"),
        (["demo", "--epochs"], "argument --epochs: expected one argument"),
        (["demo", "--epochs", "0"], "argument --epochs: expected a whole number from 1 up, got '0'"),
        (["demo", "--epochs", "2.5"], "argument --epochs: expected a whole number from 1 up, got '2.5'"),
        (["demo", "--batch-size", "-3"], "argument --batch-size: expected a whole number from 1 up, got '-3'"),
        (["demo", "--lr", "0"], "argument --lr: expected a number above 0, got '0'"),
        (["demo", "--lr", "nan"], "argument --lr: expected a number above 0, got 'nan'"),
        (["demo", "--lr", "inf"], "argument --lr: expected a number above 0, got 'inf'"),
        (["demo", "--lr", "fast"], "argument --lr: expected a number above 0, got 'fast'"),
        (["demo", "--seed", "-1"], "argument --seed: expected a whole number from 0 to 2**64 - 1, got '-1'"),
        (["demo", "--data", "cifar"], "argument --data: invalid choice: 'cifar'"),
        (["demo", "--model", "gpt"], "argument --model: invalid choice: 'gpt'"),
        (["demo", "--optimizer", "lion"], "argument --optimizer: invalid choice: 'lion'"),
        (["demo", "--data", "mnist"], "--data mnist needs --folder"),
        (["demo", "--download"], "--download needs --folder"),
        (["demo", "--data", "digits", "--folder", "."], "--data digits comes with minidl and takes no --folder"),
    ],
)
def test_a_slip_in_the_arguments_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    line = fails_with(capsys, arguments)
    assert says in line
    assert line.endswith("--help")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = fails_with(capsys, ["demo", "--folder", str(tmp_path / "none"), "--output", str(tmp_path)])
    assert "no train-images-idx3-ubyte.gz" in line
    assert str(tmp_path / "none") in line


def test_a_folder_with_foreign_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for part in ("train", "t10k"):
        (tmp_path / f"{part}-images-idx3-ubyte").write_text("a,b\n1,2\n")
        (tmp_path / f"{part}-labels-idx1-ubyte").write_text("a,b\n1,2\n")
    assert "not an idx file" in fails_with(capsys, ["demo", "--folder", str(tmp_path), "--output", str(tmp_path)])


@pytest.mark.parametrize("part", ["train", "t10k"])
def test_a_folder_without_images_in_its_files(capsys: pytest.CaptureFixture[str], tmp_path: Path, part: str) -> None:
    for name, count in (("train", 3), ("t10k", 3), (part, 0)):
        pixels, labels = bytes(count * 16), bytes(count)
        header = bytes([0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 4, 0, 0, 0, 4])
        (tmp_path / f"{name}-images-idx3-ubyte").write_bytes(header + pixels)
        (tmp_path / f"{name}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, count]) + labels)
    line = fails_with(capsys, ["demo", "--folder", str(tmp_path), "--output", str(tmp_path)])
    assert "there are no images in the files" in line


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read and write everything")
def test_folders_without_rights(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0)
    for option in ("--folder", "--output"):
        assert "Permission denied" in fails_with(capsys, ["demo", option, str(locked)])


def test_an_output_folder_that_is_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    line = fails_with(capsys, ["demo", "--output", str(tmp_path / "taken")])
    assert "File exists" in line
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_learning_rate_that_diverges(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = fails_with(capsys, ["demo", *SHORT, "--lr", "1e30", "--output", str(tmp_path)])
    assert line == "minidl: the loss is no longer finite in epoch 1: try a smaller --lr, a tenth of it"
    assert not list(tmp_path.iterdir())


# -- interruption ----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ there")
def test_ctrl_c_leaves_one_line_and_no_file(tmp_path: Path) -> None:
    process = start(tmp_path, "demo", *ENDLESS, PYTHONUNBUFFERED="1")
    assert process.stdout is not None
    while "epoch  1" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err) == (130, "minidl: interrupted\n")
    assert not list((tmp_path / "minidl-demo").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="pipes differ there")
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    process = start(tmp_path, "demo", *ENDLESS)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait() == 141
    assert process.stderr.read() == ""
    process.stderr.close()


# -- a terminal ------------------------------------------------------------------------------------------------------


def on_a_terminal(folder: Path, program: list[str], **changes: str) -> str:
    """Run a program whose output is a terminal, and return all that it sent there."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = subprocess.Popen(
        program, cwd=folder, env=environment(**changes), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    sent = b""
    try:
        while block := os.read(ours, 4096):
            sent += block
    except OSError:  # how Linux tells that the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return sent.decode()


def seen(sent: str) -> list[str]:
    """Return the lines as they stand on the terminal at the end: a carriage return goes back to the line's start."""
    lines = []
    for line in sent.replace("\r\n", "\n").split("\n"):
        shown: list[str] = []
        for piece in line.split("\r"):
            shown[: len(piece)] = piece
        lines.append("".join(shown).rstrip())
    return lines


@pytest.mark.parametrize("bar", ["tqdm", "plain"])
def test_on_a_terminal_a_bar_comes_and_goes(tmp_path: Path, bar: str) -> None:
    if bar == "tqdm":
        pytest.importorskip("tqdm")
        program = command("demo", *SHORT)
    else:
        code = "import sys; sys.modules['tqdm'] = None; from minidl.cli import main; sys.exit(main())"
        program = [sys.executable, "-c", code, "demo", *SHORT]
    sent = on_a_terminal(tmp_path, program, TERM="xterm")
    assert ("it/s" if bar == "tqdm" else "[####") in sent
    epochs = [line for line in seen(sent) if "epoch" in line]
    assert len(epochs) == 2
    assert all(line.startswith("   epoch  ") and line.endswith("%") for line in epochs)
