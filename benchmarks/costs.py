"""What it costs to have minidl at all: the time of the import and the peak of memory, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .measure import ratios, spread, table, torch

IMPORT = "import time; start = time.process_time(); import {}; print(time.process_time() - start)"

# The peak of a process, in megabytes, as Linux keeps it.
PEAK = """
{}
with open("/proc/self/status") as file:
    print(next(int(line.split()[1]) / 1e3 for line in file if line.startswith("VmHWM")))
"""
TRAIN = """
import {0}
from benchmarks.workloads import ROWS
program = ROWS["{1}"].make({0})
for _ in range(20):
    program()
"""


def figure(code: str) -> float:
    """Run code in a new process, with cached bytecode as installed packages have, and return what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def run_import(rounds: int) -> None:
    """Print how long imports take; the processes take turns."""
    times: dict[str, list[float]] = {module: [] for module in modules()}
    for turn in range(rounds + 1):
        for module, figures in times.items():
            taken = figure(IMPORT.format(module))
            if turn > 0:  # the first one reads from the disk
                figures.append(taken)
    rows = [
        [f"import {module}", spread([1e3 * t for t in figures], "{:.0f}"), spread(ratios(figures, times["numpy"]))]
        for module, figures in times.items()
    ]
    print("\nImport\n")
    print(table(["CPU time", "milliseconds", "ratio to numpy"], rows))


def run_memory(rounds: int) -> None:
    """Print the peak memory of a process that trains a network."""
    if not Path("/proc/self/status").exists():
        print("\nPeak memory is read from /proc/self/status, which is not here.")
        return
    programs = {f"import {module}": f"import {module}" for module in modules()}
    for row in ("mlp 784-128-10, SGD, batch 512", "LeNet, Adam, batch 64", "ResNet-8, SGD, batch 32"):
        for module in modules()[1:]:
            programs[f"{module}, 20 steps of {row}"] = TRAIN.format(module, row)
    rows = [
        [name, spread([figure(PEAK.format(code)) for _ in range(rounds)], "{:.1f}")] for name, code in programs.items()
    ]
    print("\nPeak memory of the process\n")
    print(table(["", "MB"], rows))


def modules() -> list[str]:
    """Return NumPy, on which minidl stands, minidl, and PyTorch where it is installed."""
    return ["numpy", "minidl"] + ([] if torch is None else ["torch"])
