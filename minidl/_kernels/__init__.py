"""The switch between the compiled kernels (kernels/x.pyx) and their NumPy twins (minidl/reference/x.py).

A kernel is a public function of a file in minidl/reference/, named `<file>_forward`, `<file>_backward` or alike, and an
attribute of this module. Operations write `from minidl import _kernels as kernels` and call
`kernels.conv2d_forward(...)`: the attribute is looked up at each call, so a switch is felt at once. A file is imported
when one of its kernels is first called.
"""

from __future__ import annotations

import os
import warnings
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from typing import Any

MODES = ("compiled", "reference", "formula")

_HERE = os.path.dirname(__file__)
_ADVICE = (
    "Install a C compiler, then install minidl again (in a source tree: `pip install -e .`), "
    "or set MINIDL_KERNELS=reference"
)

# The files that hold kernels, and the names that have been looked up since the last switch.
_files = sorted(
    name.removesuffix(".py")
    for name in os.listdir(os.path.join(os.path.dirname(_HERE), "reference"))
    if name.endswith(".py") and not name.startswith("_")
)
_looked_up: set[str] = set()


def _missing() -> str:
    """Return the first kernel file that is not compiled for this Python, or an empty string."""
    present = os.listdir(_HERE)
    for file in _files:
        if not any(file + suffix in present for suffix in EXTENSION_SUFFIXES):
            return file
    return ""


def _switch(new_mode: str) -> None:
    global mode
    if new_mode not in MODES:
        raise ValueError(f"kernels can be 'compiled', 'reference' or 'formula', not {new_mode!r}")
    if new_mode == "compiled" and not compiled:
        raise ImportError(f"there are no compiled kernels: minidl._kernels.{_missing()} is not compiled. {_ADVICE}.")
    mode = new_mode
    while _looked_up:
        globals().pop(_looked_up.pop(), None)


def __getattr__(name: str) -> Any:
    """Find a kernel that is asked for the first time since the last switch."""
    file = max((file for file in _files if name.startswith(f"{file}_")), key=len, default="")
    if not file:
        raise AttributeError(f"there is no kernel {name!r}: its name begins with no file of minidl/reference/")
    package = __name__ if mode == "compiled" else "minidl.reference"
    try:
        kernel = getattr(import_module(f"{package}.{file}"), name)
    except ImportError as error:
        raise ImportError(f"{package}.{file} can't be loaded ({error}). {_ADVICE}.") from error
    _looked_up.add(name)
    globals()[name] = kernel
    return kernel


class use_kernels:
    """Choose the kernels: "compiled", "reference" (their NumPy twins) or "formula" (no fused kernel at all).

    Under "formula" an operation that has a formula in differentiable operations runs that, and every other one the
    reference. The choice holds for the whole process. As a context manager it is undone at the end; at the start it is
    what the environment variable MINIDL_KERNELS says, else "compiled" if there are compiled kernels.

    Raises ValueError for another name, ImportError for "compiled" where there are no compiled kernels.

    >>> import minidl
    >>> x = minidl.tensor([[1.0, 2.0]])
    >>> with minidl.use_kernels("reference"):
    ...     y = minidl.nn.functional.linear(x, minidl.tensor([[3.0, 4.0]]))
    >>> y
    tensor([[11.]])
    """

    def __init__(self, mode: str) -> None:
        self._before = globals()["mode"]
        _switch(mode)

    def __enter__(self) -> use_kernels:
        return self

    def __exit__(self, *_: object) -> None:
        _switch(self._before)


compiled = not _missing()
mode = ""

_wanted = os.environ.get("MINIDL_KERNELS")
if not _wanted and not compiled:
    warnings.warn(
        f"minidl runs on its slower NumPy reference: minidl._kernels.{_missing()} is not compiled. {_ADVICE}.",
        RuntimeWarning,
        stacklevel=2,
    )
try:
    _switch(_wanted or ("compiled" if compiled else "reference"))
except ValueError as error:
    raise ValueError(f"environment variable MINIDL_KERNELS: {error}") from None
