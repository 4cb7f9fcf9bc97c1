"""Ring 1: every other name that PyTorch has, composed from ring 0. No derivative and no kernel in here."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

if _TYPE_CHECKING:
    from . import (
        activation,
        arithmetic,
        attention,
        comparison,
        conv,
        creation,
        cross_entropy,
        cumulative,
        diagonals,
        drawing,
        einsum,
        elementary,
        embedding,
        extremes,
        indexing,
        joining,
        layers,
        linalg,
        loss,
        margin_loss,
        norm,
        ordering,
        packing,
        padding,
        pooling,
        products,
        recurrence,
        reductions,
        repeating,
        resizing,
        scattering,
        sets,
        shaping,
        similarity,
        softmax,
        vector_norm,
        windows,
    )

__all__ = [
    "activation",
    "arithmetic",
    "attention",
    "comparison",
    "conv",
    "creation",
    "cross_entropy",
    "cumulative",
    "diagonals",
    "drawing",
    "einsum",
    "elementary",
    "embedding",
    "extremes",
    "indexing",
    "joining",
    "layers",
    "linalg",
    "loss",
    "margin_loss",
    "norm",
    "ordering",
    "packing",
    "padding",
    "pooling",
    "products",
    "recurrence",
    "reductions",
    "repeating",
    "resizing",
    "scattering",
    "sets",
    "shaping",
    "similarity",
    "softmax",
    "vector_norm",
    "windows",
]


def __getattr__(name: str) -> _Any:
    """Load a family when it is first asked for: what Tensor has as a method is loaded with it, the rest is not."""
    if name not in __all__:
        raise AttributeError(f"module 'minidl.functions' has no attribute {name!r}")
    return _import_module(f".{name}", __name__)
