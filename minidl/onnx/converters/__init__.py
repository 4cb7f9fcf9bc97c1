"""The table: for each operation of minidl a function that writes it in operators of ONNX.

A function takes the graph and a call, seen in two runs, and returns the name of its output, or a tuple of names.
"""

from collections.abc import Callable
from typing import Any

from . import elementwise, indexing, layers, reducing, shaping

TABLE: dict[str, Callable[..., Any]] = {
    **elementwise.TABLE, **reducing.TABLE, **shaping.TABLE, **indexing.TABLE, **layers.TABLE,
}  # fmt: skip

__all__ = ["TABLE"]
