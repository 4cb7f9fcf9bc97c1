"""Fetching the files of a data set: checked, and never half a file."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import StateError
from ..files import atomic_file

TIMEOUT_SECONDS = 30
BLOCK = 1 << 16


def fetch(urls: Sequence[str], path: Path, *, size: int, sha256: str) -> None:
    """Download the file to `path` from the first of `urls` that gives it whole.

    The file appears at `path` only when its size and its SHA-256 are right. Raises StateError that names each URL and
    why it failed.
    """
    from http.client import HTTPException  # these load slowly, and few runs download

    failures = []
    for url in urls:
        try:
            _fetch(url, path, size, sha256)
            return
        except (OSError, HTTPException, StateError) as error:
            failures.append(f"\n    {url}: {error}")
    raise StateError(f"can't download {path.name} to {path.parent}:{''.join(failures)}")


def _fetch(url: str, path: Path, size: int, sha256: str) -> None:
    from urllib.request import urlopen

    digest, received = hashlib.sha256(), 0
    with (
        urlopen(url, timeout=TIMEOUT_SECONDS) as response,
        atomic_file(path) as file,
        progress(path.name, size) as report,
    ):
        while block := response.read(BLOCK):
            received += len(block)
            if received > size:
                raise StateError(f"the file is longer than expected, which is {size} bytes")
            digest.update(block)
            file.write(block)
            report(len(block))
        if received < size:
            raise StateError(f"the download broke off after {received} of {size} bytes")
        if digest.hexdigest() != sha256:
            raise StateError(f"the file has the SHA-256 {digest.hexdigest()}, expected {sha256}")


@contextmanager
def progress(name: str, total: int) -> Iterator[Callable[[int], Any]]:
    """Show on standard error how much of `total` bytes has come: by tqdm where it is installed, else in plain text."""
    try:
        from tqdm import tqdm
    except ImportError:
        with _plain_progress(name, total) as report:
            yield report
    else:
        with tqdm(total=total, desc=name, unit="B", unit_scale=True, file=sys.stderr) as bar:
            yield bar.update


@contextmanager
def _plain_progress(name: str, total: int) -> Iterator[Callable[[int], Any]]:
    """Print `name: 10% 20% ...` as the bytes come, which reads well in a terminal and in a log."""
    received = 0

    def report(count: int) -> None:
        nonlocal received
        before, received = 10 * received // total, received + count
        for tenth in range(before + 1, 10 * received // total + 1):
            print(f" {tenth}0%", end="", file=sys.stderr, flush=True)

    print(f"{name}:", end="", file=sys.stderr, flush=True)
    try:
        yield report
    finally:
        print(file=sys.stderr)
