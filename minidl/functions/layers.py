"""The functions behind layers: arguments read and checked, then one operation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops, random
from ..autograd import wrap
from ..errors import ArgumentError, DTypeError, ShapeError
from ._arguments import as_array


def same_floats(name: str, **arrays: Any) -> None:
    """Refuse integers, and inputs of different element types, before any kernel runs."""
    first, wanted = None, None
    for argument, value in arrays.items():
        if value is None:
            continue
        dtype = as_array(value, argument).dtype
        if dtype.kind != "f":
            raise DTypeError(f"{name}: {argument} is {dtype}, expected a floating dtype; call .float() on it")
        if wanted is None:
            first, wanted = argument, dtype
        elif dtype != wanted:
            raise DTypeError(f"{name}: {first} is {wanted} and {argument} is {dtype}; make them equal with .to(dtype)")


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """y = x Wᵀ + b for x (..., in), W (out, in), b (out) or none.

    >>> import minidl
    >>> minidl.nn.functional.linear(minidl.ones(1, 2), minidl.tensor([[1.0, 2.0]]), minidl.tensor([0.5]))
    tensor([[3.5000]])
    """
    x, w = as_array(input), as_array(weight, "weight")
    if x.dtype != w.dtype or w.ndim != 2 or x.shape[-1:] != w.shape[1:] or not fits_rows(bias, w):
        refuse_linear(input, weight, bias)
    if x.ndim == 2:
        return ops.linear(input, weight, bias)
    rows = ops.reshape(input, shape=(x.size // w.shape[1] if w.shape[1] else math.prod(x.shape[:-1]), w.shape[1]))
    return ops.reshape(ops.linear(rows, weight, bias), shape=(*x.shape[:-1], w.shape[0]))


def fits_rows(bias: Any, w: Any) -> bool:
    """Return whether a bias is none, or a number for each row of the weight."""
    if bias is None:
        return w.dtype.kind == "f"
    b = as_array(bias, "bias")
    return b.shape == w.shape[:1] and b.dtype == w.dtype and w.dtype.kind == "f"


def refuse_linear(input: Any, weight: Any, bias: Any) -> None:
    """Say what does not fit."""
    same_floats("linear", input=input, weight=weight, bias=bias)
    x, w = as_array(input), as_array(weight)
    if w.ndim != 2:
        raise ShapeError(f"linear: weight has shape {w.shape}, expected (out_features, in_features)")
    if x.ndim == 0 or x.shape[-1] != w.shape[1]:
        got = x.shape[-1] if x.ndim else "no"
        unflattened = x.ndim > 2 and math.prod(x.shape[1:]) == w.shape[1]
        fix = "flatten it first: x.flatten(1)" if unflattened else "set in_features to match, or reshape the input"
        raise ShapeError(
            f"linear: the input has {got} features in its last dimension (shape {x.shape}), the weight expects "
            f"{w.shape[1]} (weight {w.shape}); {fix}"
        )
    raise ShapeError(f"linear: bias has shape {as_array(bias).shape}, expected ({w.shape[0]},)")


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """y = x · m / (1 - p), each m 0 with probability p, else 1; y = x when not training.

    Source: Srivastava et al. 2014.

    >>> import minidl
    >>> minidl.nn.functional.dropout(minidl.ones(2), p=1.0)
    tensor([0., 0.])
    """
    if not 0 <= p <= 1:
        raise ArgumentError(f"dropout: p is a probability from 0 to 1, got {p}")
    if not training or p == 0:
        return input
    x = as_array(input)
    same_floats("dropout", input=x)
    kept = random.uniform(x.shape, x.dtype, None) >= p
    y = ops.mul(input, wrap(kept * x.dtype.type(1 / (1 - p) if p < 1 else 0)))
    return input.copy_(y) if inplace else y


def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """y = x · m / (1 - p), one m for each channel of x (N, C, L) or (C, L): whole channels are dropped.

    Source: Tompson et al. 2015.

    >>> import minidl
    >>> minidl.nn.functional.dropout1d(minidl.ones(1, 1, 2), p=1.0)
    tensor([[[0., 0.]]])
    """
    return dropout_channels("dropout1d", input, p, training, inplace, 1)


def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """y = x · m / (1 - p), one m for each channel of x (N, C, H, W) or (C, H, W): whole channels are dropped.

    Source: Tompson et al. 2015.

    >>> import minidl
    >>> minidl.nn.functional.dropout2d(minidl.ones(1, 1, 2, 1), p=1.0)
    tensor([[[[0.],
              [0.]]]])
    """
    return dropout_channels("dropout2d", input, p, training, inplace, 2)


def dropout_channels(name: str, input: Any, p: float, training: bool, inplace: bool, space: int) -> Any:
    """Drop whole channels: one number drawn for all their places."""
    x = as_array(input)
    if x.ndim not in (space + 1, space + 2):
        raise ShapeError(f"{name}: the input has shape {x.shape}, expected {space} dimensions behind (N, channels)")
    kept = dropout(wrap(np.ones(x.shape[:-space] + (1,) * space, x.dtype)), p, training)
    y = ops.mul(input, kept)
    return input.copy_(y) if inplace else y
