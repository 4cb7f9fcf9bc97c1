"""ONNX: models for other programs. `pip install "minidl[onnx]"` brings the package `onnx`, which writes the format.

`export` writes a model as an ONNX file, `load` reads one as a Module.

writing.py      the file: inputs, outputs, metadata, the check
trace.py        what a model computes, seen in two runs of different sizes
graph.py        the graph that is written: nodes, weights, sizes that may change
constants.py    arrays in it that follow from sizes alone
converters/     a function for each operation of minidl, which writes it in operators of ONNX
loading.py      a file as a Module: its weights, and its nodes in their order
operators/      a function for each operator of ONNX, which computes it in functions of minidl
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

if _TYPE_CHECKING:
    from .loading import load
    from .writing import export

__all__ = ["export", "load"]

_lazy = {"export": "writing", "load": "loading"}


def __getattr__(name: str) -> _Any:
    if name not in _lazy:
        raise AttributeError(f"module 'minidl.onnx' has no attribute {name!r}")
    value = globals()[name] = getattr(_import_module(f".{_lazy[name]}", __name__), name)
    return value
