"""A row of a table, apart from measure.py, so that a process that only runs one does not import PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Program = Callable[[], object]


@dataclass
class Row:
    """A program, which `make(lib)` returns, and how many million floating-point operations its products take, or 0."""

    make: Callable[[Any], Program]
    operations: float = 0
