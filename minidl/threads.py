"""How many threads work together on a large kernel. The pool itself is kernels/core/pool.c."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from . import _kernels as kernels
from .errors import ArgumentError


def set_num_threads(n: int) -> None:
    """Let n threads work together on a large kernel, the caller among them.

    At the start it is what the environment variable MINIDL_NUM_THREADS says, else OMP_NUM_THREADS, else the number of
    cores that the process may use. Results do not depend on it, to the last bit. Without compiled kernels there is
    nothing to set: NumPy has threads of its own.

    Raises ArgumentError where n is no whole number above 0.

    >>> import minidl
    >>> minidl.set_num_threads(0)
    Traceback (most recent call last):
    minidl.errors.ArgumentError: n=0 threads: expected a whole number above 0
    """
    if not isinstance(n, int) or n < 1:
        raise ArgumentError(f"n={n!r} threads: expected a whole number above 0")
    if kernels.compiled:
        core().set_num_threads(n)


def get_num_threads() -> int:
    """Return how many threads work together on a large kernel; without compiled kernels 1.

    >>> import minidl
    >>> minidl.get_num_threads() >= 1
    True
    """
    return core().get_num_threads() if kernels.compiled else 1


def core() -> Any:
    """Load the extension that has the pool."""
    return import_module("minidl._kernels.core")
