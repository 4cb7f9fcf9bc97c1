"""The kernels in use: compiled ones (kernels/x.pyx) or their NumPy twins (minidl/reference/x.py).

Every public function of a file in minidl/reference/ is a kernel, and an attribute of this module. Operations write
`from minidl import _kernels as kernels` and call `kernels.conv2d_forward(...)`, so that `use_kernels` is felt at the
next call. `mode` says which are in use, `compiled` whether the compiled ones could be loaded.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from importlib import import_module
from inspect import isfunction
from pathlib import Path
from types import TracebackType
from typing import Any

MODES = ("compiled", "reference", "formula")

_REFERENCE_FILES = Path(__file__).parent.parent / "reference"
_HOW_TO_COMPILE = "install a C compiler and install minidl again (in a source tree: pip install -e .)"


def _load_reference() -> dict[str, Callable[..., None]]:
    """Return every kernel by name: what the files of minidl/reference/ define, less helpers and oracles."""
    stems = sorted(path.stem for path in _REFERENCE_FILES.glob("[!_]*.py"))
    modules = [import_module(f"minidl.reference.{stem}") for stem in stems]
    return {
        name: function
        for module in modules
        for name, function in vars(module).items()
        if isfunction(function) and function.__module__ == module.__name__
        if not name.startswith("_") and not name.endswith("_formula")
    }


def _load_compiled() -> dict[str, Callable[..., None]]:
    """Return the compiled twin of every kernel, or raise ImportError if one is missing."""
    kernels = {}
    for name, twin in _reference.items():
        module = import_module(f"{__name__}.{twin.__module__.rpartition('.')[2]}")
        if not hasattr(module, name):
            raise ImportError(f"{module.__name__} has no {name}: it was compiled from another version")
        kernels[name] = getattr(module, name)
    return kernels
