"""How two programs are compared: in turn, many times, and by the median.

A machine is now faster, now slower: other programs run, the clock of the processor changes. So the programs take turns,
and in each turn their times are divided by one another. The median of these ratios holds while the times drift.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import geometric_mean, median

import numpy as np

import minidl

from .row import Program, Row

try:
    import torch
except ImportError:
    torch = None

Figures = list[float]


def set_threads(count: int) -> None:
    """Give each library so many threads."""
    minidl.set_num_threads(count)
    if torch is not None:
        torch.set_num_threads(count)


set_threads(1)


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


def comparison(title: str, rows: dict[str, Row], rounds: int) -> None:
    """Print a table of programs written once for both libraries, and the geometric mean of the ratios.

    The share is that of the products' operations in what the processor could do: the speed of a product of 384 x 384
    matrices, measured at the start.
    """
    libraries = [minidl] if torch is None else [minidl, torch]
    peak = best_speed()
    lines, means = [], []
    for name, row in rows.items():
        times = in_turn([row.make(library) for library in libraries], rounds)
        share = f"{row.operations / median(times[0].wall) / peak:.0%}" if row.operations else ""
        line = [name, microseconds(times[0].cpu), "", "", "", share]
        if torch is not None:
            ours, theirs = times
            each = ratios(ours.cpu, theirs.cpu)
            means.append(median(each))
            line[2:5] = microseconds(theirs.cpu), spread(each), spread(ratios(ours.wall, theirs.wall))
        lines.append(line)
    print(f"\n{title}\n")
    print(table(["one call, CPU time", "minidl µs", "PyTorch µs", "ratio", "ratio on the clock", "of the peak"], lines))
    print(f"\nThe peak is {peak / 1e3:.0f} GFLOP/s.", end="")
    print(f" The geometric mean of the ratios is {geometric_mean(means):.2f}." if means else "")


def best_speed(size: int = 384) -> float:
    """Return the speed of a product that stays in the cache, in millions of floating-point operations a second."""
    a = minidl.ones(size, size)
    return 2 * size**3 / 1e6 / min(in_turn([lambda: a @ a], 9)[0].wall)


def threads(rows: dict[str, Row], rounds: int) -> None:
    """Print what a second thread gains: each program with one and with two threads in turn, on the clock."""

    def with_threads(program: Program, count: int) -> Program:
        def with_them() -> None:
            minidl.set_num_threads(count)
            program()

        return with_them

    lines = []
    for name, row in rows.items():
        program = row.make(minidl)
        one, two = in_turn([with_threads(program, count) for count in (1, 2)], rounds)
        lines.append([name, microseconds(one.wall), microseconds(two.wall), spread(ratios(two.wall, one.wall))])
    print("\nOne thread and two\n")
    print(table(["one call, on the clock", "one thread µs", "two threads µs", "ratio"], lines))


def twins(rows: dict[str, Row], rounds: int) -> None:
    """Print what the compiled kernels gain over their NumPy twins, in the same programs."""

    def with_kernels(program: Program, mode: str) -> Program:
        def with_them() -> None:
            with minidl.use_kernels(mode):
                program()

        return with_them

    lines = []
    for name, row in rows.items():
        program = row.make(minidl)
        fast, readable = in_turn([with_kernels(program, mode) for mode in ("compiled", "reference")], rounds)
        each = spread(ratios(fast.cpu, readable.cpu))
        lines.append([name, microseconds(fast.cpu), microseconds(readable.cpu), each])
    print("\nKernels and their NumPy twins, forward and backward\n")
    print(table(["one call, CPU time", "compiled µs", "reference µs", "ratio"], lines))


def machine(threads: int = 1) -> str:
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
    size = f"{os.cpu_count()} cores, {threads} thread{'s' * (threads > 1)}"
    return f"{time.strftime('%Y-%m-%d')}, {name}, {size}, {', '.join(versions)}"
