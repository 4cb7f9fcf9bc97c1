"""ONNX: models for other programs. `pip install "minidl[onnx]"` brings the package `onnx`, which writes the format.

`export` writes a model as an ONNX file. What stands in the file is worked out here:

writing.py      the file: inputs, outputs, metadata, the check
trace.py        what a model computes, seen in two runs of different sizes
graph.py        the graph that is written: nodes, weights, sizes that may change
constants.py    arrays in it that follow from sizes alone
converters/     a function for each operation of minidl, which writes it in operators of ONNX
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

if _TYPE_CHECKING:
    from .writing import export

__all__ = ["export"]

_lazy = {"export": "writing"}


def __getattr__(name: str) -> _Any:
    if name not in _lazy:
        raise AttributeError(f"module 'minidl.onnx' has no attribute {name!r}")
    value = globals()[name] = getattr(_import_module(f".{_lazy[name]}", __name__), name)
    return value
