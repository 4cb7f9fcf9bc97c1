"""Ring 1: every other name that PyTorch has, composed from ring 0. No derivative and no kernel in here."""

from . import (
    activation,
    arithmetic,
    creation,
    indexing,
    layers,
    loss,
    packing,
    products,
    recurrence,
    reductions,
    shaping,
)

__all__ = [
    "activation",
    "arithmetic",
    "creation",
    "indexing",
    "layers",
    "loss",
    "packing",
    "products",
    "recurrence",
    "reductions",
    "shaping",
]
