"""Files that are never half written: what a killed process leaves behind goes with the next save."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from minidl import files
from minidl.files import atomic_file

WRITER = """
import sys, time
from minidl.files import atomic_file
with atomic_file(sys.argv[1]) as file:
    file.write(b"new")
    file.flush()
    print("writing", flush=True)
    {then}
"""


def writer(path: Path, then: str) -> subprocess.Popen[str]:
    program = textwrap.dedent(WRITER.format(then=then))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], **pipes)  # type: ignore[call-overload]
    assert process.stdout.readline() == "writing\n"
    return process


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_what_a_killed_process_left_is_removed_at_the_next_save(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with writer(path, "time.sleep(60)") as process:
        process.send_signal(signal.SIGKILL)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 2
    with atomic_file(path) as file:
        file.write(b"newer")
    assert path.read_bytes() == b"newer" and list(tmp_path.iterdir()) == [path]


def test_a_file_that_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    with writer(tmp_path / "a", "sys.stdin.readline()") as process:
        with atomic_file(tmp_path / "b") as file:
            file.write(b"mine")
        process.communicate("go on\n")
    assert process.returncode == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"new", "b": b"mine"}


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a file that is open at the very instant is closed by Python
def test_ctrl_c_at_every_line_leaves_the_old_file_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "a"

    def write_until(line: int) -> bool:
        """Write the file; raise KeyboardInterrupt before this line of atomic_file. Return whether it came so far."""
        passed = 0

        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal passed
            if frame.f_code.co_filename != files.__file__:
                return None
            if event == "line":
                passed += 1
                if passed == line:
                    raise KeyboardInterrupt
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            with atomic_file(path) as file:
                file.write(b"new")
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False

    line, contents = 0, set()
    while True:
        path.write_bytes(b"old")
        line += 1
        interrupted = write_until(line)
        assert list(tmp_path.iterdir()) == [path], line
        contents.add(path.read_bytes())
        if not interrupted:
            break
    assert line > 20 and contents == {b"old", b"new"}
