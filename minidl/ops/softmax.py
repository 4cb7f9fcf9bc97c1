"""Softmax and its logarithm, shifted by the maximum so that nothing overflows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..operation import primitive
from .elementwise import exp
from .reduce import sum


@primitive
def softmax(x: Any, *, dim: int) -> Any:
    """y_i = e^(x_i - m) / Σ_j e^(x_j - m), m = max x, along `dim`."""
    e = np.exp(x - np.max(x, axis=dim, keepdims=True, initial=-np.inf))
    return e / np.add.reduce(e, axis=dim, keepdims=True)


@primitive
def log_softmax(x: Any, *, dim: int) -> Any:
    """y_i = x_i - m - ln Σ_j e^(x_j - m), m = max x, along `dim`."""
    shifted = x - np.max(x, axis=dim, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.add.reduce(np.exp(shifted), axis=dim, keepdims=True))


softmax.defvjp(x=lambda g, out, dim: out * (g - sum(g * out, dim=dim, keepdim=True)))
log_softmax.defvjp(x=lambda g, out, dim: g - exp(out) * sum(g, dim=dim, keepdim=True))
