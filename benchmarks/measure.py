"""How two programs are compared: in turn, many times, and by the median.

A machine is now faster, now slower: other programs run, the clock of the processor changes. So the programs take turns,
and in each turn their times are divided by one another. The median of these ratios holds while the times drift.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

import minidl

try:
    import torch
except ImportError:
    torch = None
else:
    torch.set_num_threads(1)

Program = Callable[[], object]
Figures = list[float]


@dataclass
class Times:
    """Seconds a call, a figure a turn: of the processor and on the clock."""

    cpu: Figures = field(default_factory=list)
    wall: Figures = field(default_factory=list)


def in_turn(programs: Sequence[Program], rounds: int, seconds: float = 0.05) -> list[Times]:
    """Time the programs in turn; each turn repeats its program for about `seconds`."""
    counts = [calls_in(program, seconds) for program in programs]
    times = [Times() for _ in programs]
    for turn in range(rounds):
        order = list(zip(programs, counts, times, strict=True))
        for program, count, record in order if turn % 2 == 0 else reversed(order):
            cpu, wall = time.process_time(), time.perf_counter()
            for _ in range(count):
                program()
            record.cpu.append((time.process_time() - cpu) / count)
            record.wall.append((time.perf_counter() - wall) / count)
    return times


def calls_in(program: Program, seconds: float) -> int:
    """Return how many calls take about `seconds`; it also warms up."""
    count = 1
    while True:
        start = time.perf_counter()
        for _ in range(count):
            program()
        taken = time.perf_counter() - start
        if taken > seconds / 4:
            return max(1, round(count * seconds / taken))
        count *= 4


def spread(figures: Figures, form: str = "{:.2f}") -> str:
    """Return `median (smallest to largest)`."""
    return f"{form.format(median(figures))} ({form.format(min(figures))} to {form.format(max(figures))})"


def microseconds(figures: Figures) -> str:
    """Return the median and the spread of seconds, in microseconds."""
    return spread([1e6 * figure for figure in figures], "{:.1f}")


def ratios(ours: Figures, theirs: Figures) -> Figures:
    """Return ours / theirs, turn by turn."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table that is aligned for a terminal too."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def comparison(title: str, rows: dict[str, Callable[..., Program]], rounds: int) -> None:
    """Print a table of programs written once for both libraries: `rows` makes one for `minidl` or `torch`."""
    libraries = [minidl] if torch is None else [minidl, torch]
    lines = []
    for name, make in rows.items():
        times = in_turn([make(library) for library in libraries], rounds)
        line = [name, microseconds(times[0].cpu), "", "", ""]
        if torch is not None:
            ours, theirs = times
            line[2:] = (
                microseconds(theirs.cpu), spread(ratios(ours.cpu, theirs.cpu)), spread(ratios(ours.wall, theirs.wall)),
            )  # fmt: skip
        lines.append(line)
    print(f"\n{title}\n")
    print(table(["one call, CPU time", "minidl µs", "PyTorch µs", "ratio", "ratio on the clock"], lines))


def machine() -> str:
    """Return what the figures depend on: processor, cores, versions and the number of threads."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    versions = [f"Python {platform.python_version()}", f"NumPy {np.__version__}", f"minidl {minidl.__version__}"]
    if torch is not None:
        versions.append(f"PyTorch {torch.__version__}")
    return f"{time.strftime('%Y-%m-%d')}, {name}, {os.cpu_count()} cores, one thread, {', '.join(versions)}"
