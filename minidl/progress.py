"""How far a loop has come, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sized
from typing import Any, Protocol, TypeVar

Item = TypeVar("Item", covariant=True)
WIDTH = 40


class Loop(Sized, Protocol[Item]):
    """What has a length and can be run through, such as a DataLoader or a list."""

    def __iter__(self) -> Iterator[Item]:
        """Return an iterator over the items."""


def progress(items: Loop[Item], label: str) -> Iterator[Item]:
    """Yield the items, and meanwhile show on standard error how many have passed; at the end the line is cleared.

    The bar is tqdm's where tqdm is installed, else a plain one. Where standard error is no terminal nothing is shown,
    so that logs and pipes hold results alone.

    >>> from minidl.progress import progress
    >>> [2 * k for k in progress([1, 2, 3], "doubling")]
    [2, 4, 6]
    """
    if not sys.stderr.isatty():
        return iter(items)
    try:
        from tqdm import tqdm
    except ImportError:
        return plain_bar(items, label)
    return iter(tqdm(items, desc=label, leave=False, file=sys.stderr))


def plain_bar(items: Loop[Any], label: str) -> Iterator[Any]:
    """Yield the items behind a bar such as `epoch 1 [#######.............] 35 %`."""
    total, shown = len(items), -1
    try:
        for done, item in enumerate(items):
            percent = 100 * done // total
            if percent != shown:
                shown = percent
                full = WIDTH * percent // 100
                bar = "#" * full + "." * (WIDTH - full)
                print(f"\r{label} [{bar}] {percent:2d} %", end="", file=sys.stderr, flush=True)
            yield item
    finally:
        print("\r" + " " * (len(label) + WIDTH + 9) + "\r", end="", file=sys.stderr, flush=True)
