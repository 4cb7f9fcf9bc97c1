"""Each unit uses the instructions it is compiled for: read off the compiler's assembly, function by function.

The compiler of this Python comes first. Where the wheel `ziglang` is installed, Clang compiles every unit for the other
systems too, as .ci/run does: warnings are errors.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

KERNELS = Path(__file__).parents[1] / "kernels"
FILES = {path.relative_to(KERNELS).as_posix(): path for path in sorted(KERNELS.glob("*/*.c"))}
UNITS = [name for name, path in FILES.items() if 'units.h"' in path.read_text(encoding="utf-8")]

# Units in which nothing is multiplied and added, so that there is nothing to fuse.
WITHOUT_FMA = {
    "max_pool2d/max_pool2d.c": "it compares",
    "avg_pool2d/avg_pool2d.c": "it adds",
}

OPTIONS = "-O3 -ffp-contract=off -fno-math-errno -fvisibility=hidden -Wall -Werror -Wno-psabi".split()
ZIG = ["x86_64-linux-gnu", "x86_64-windows-gnu", "aarch64-linux-gnu", "aarch64-macos"]
TARGETS = ["this machine", *ZIG]

FUNCTION = re.compile(r"_?\w+_(float|double)_(avx512|avx2|neon|baseline)(\.[\w.]+)?:")
LABEL = re.compile(r"(?!L|ltmp)[A-Za-z_][\w.$]*:")  # not those inside a function

USES = {
    "avx512": r"%zmm",
    "avx2": r"%ymm",
    "neon": r"\bv\d+",
    "baseline": r"%xmm|\bv\d+",
}
FUSES = {
    "avx512": r"\tvfn?m(add|sub)\w+\s.*%zmm",
    "avx2": r"\tvfn?m(add|sub)\w+\s.*%ymm",
    "neon": r"\tfml[as](\.[24][sd])?\s+v\d+",
}
# What a processor with no more than this set would stop at: wider registers, those above 15, masks, AVX's spelling.
NEVER = {
    "avx2": r"%zmm|%[xy]mm(1[6-9]|2\d|3[01])\b|%k[0-7]\b",
    "baseline": r"%zmm|%ymm|%xmm(1[6-9]|2\d|3[01])\b|\tv[a-z]\w+\s.*%xmm",
}


def compiler(target: str) -> list[str]:
    """Return the command that compiles for this target, or skip."""
    if target == "this machine":
        command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
        if not shutil.which(command[0]):
            pytest.skip("no compiler here")
        return command
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang is not installed here")
    return [sys.executable, "-m", "ziglang", "cc", "-target", target, "-Wno-unused-command-line-argument"]


def bodies(assembly: str) -> dict[tuple[str, str], list[str]]:
    """Return the instructions of all functions for each element type and instruction set."""
    found: dict[tuple[str, str], list[str]] = {}
    lines: list[str] = []  # of the function that we are in, kept if it is a unit's
    for line in assembly.splitlines():
        function = FUNCTION.match(line)
        if function:
            lines = found.setdefault((function[1], function[2]), [])
        elif LABEL.match(line):
            lines = []
        elif line.startswith("\t") and not line.startswith("\t."):
            lines.append(line)
    return found


def compiled(target: str, name: str, output: Path, *options: str) -> Path:
    """Compile a C file for a target; return where the output is."""
    command = [*compiler(target), *OPTIONS, f"-I{KERNELS}", *options, str(FILES[name]), "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return output


needs_sources = pytest.mark.skipif(not FILES, reason="the C files are not here")


@needs_sources
@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_unit_uses_its_instructions(target: str, name: str, tmp_path: Path) -> None:
    assembly = compiled(target, name, tmp_path / "unit.s", "-S").read_text(encoding="utf-8")
    functions = bodies(assembly)
    arm = "aarch64" in target or (target == "this machine" and "%xmm" not in assembly)
    sets = ["neon", "baseline"] if arm else ["avx512", "avx2", "baseline"]
    assert {of for _, of in functions} == set(sets)
    for (element, of), lines in functions.items():
        text = "\n".join(lines)
        where = f"{element} in {of}"
        assert re.search(USES[of], text), f"no vectors: {where}"
        if of in FUSES and name not in WITHOUT_FMA:
            assert re.search(FUSES[of], text), f"no fused multiply and add: {where}"
        wrong = re.search(f".*({NEVER[of]}).*", text) if of in NEVER and not arm else None
        assert not wrong, f"{where}: {wrong}"


@needs_sources
@pytest.mark.parametrize("name", [name for name in FILES if name not in UNITS])
@pytest.mark.parametrize("target", TARGETS)
def test_every_other_file_compiles(target: str, name: str, tmp_path: Path) -> None:
    compiled(target, name, tmp_path / "file.o", "-c")


@needs_sources
def test_the_exceptions_exist() -> None:
    assert set(WITHOUT_FMA) <= set(UNITS)
