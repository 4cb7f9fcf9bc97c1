"""The functions behind layers: arguments read and checked, then one operation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops, random
from ..autograd import wrap
from ..errors import ArgumentError, DTypeError, ShapeError
from ..operation import cast_to
from ._arguments import array_in, as_array, flag, number


def same_floats(name: str, **arrays: Any) -> None:
    """Refuse integers, and inputs of different element types, before any kernel runs."""
    types = {as_array(x, argument).dtype.char for argument, x in arrays.items() if x is not None}
    if types != {"f"} and types != {"d"}:  # the usual case is told apart fast: 2.4 -> 1.0 µs
        same_numbers(name, "f", **arrays)


def same_numbers(name: str, kinds: str, **arrays: Any) -> None:
    """Refuse inputs of different element types, and types of other kinds: "f" floating, "iu" integers.

    float16 is for storage: no kernel takes it.
    """
    first, wanted = None, None
    found = {argument: array_in(x, argument).dtype for argument, x in arrays.items() if x is not None}
    if any(dtype.kind == "f" for dtype in found.values()):
        kinds = "f"
    for argument, dtype in found.items():
        if dtype.kind not in kinds:
            fix = "expected a floating dtype; call .float() on it" if kinds == "f" else "expected numbers"
            raise DTypeError(f"{name}: {argument} is {dtype}, {fix}")
        if dtype == np.float16:
            raise DTypeError(f"{name}: {argument} is float16, which is for storage; call .float() on it")
        if wanted is None:
            first, wanted = argument, dtype
        elif dtype != wanted:
            raise DTypeError(f"{name}: {first} is {wanted} and {argument} is {dtype}; make them equal with .to(dtype)")


def by_floats(function: Any, *inputs: Any) -> Any:
    """Return f(inputs) of integers by way of float64, in their own type."""
    dtype = as_array(inputs[0]).dtype
    y = function(*[None if x is None else cast_to(x, np.dtype(np.float64)) for x in inputs])
    return cast_to(cast_to(y, np.dtype(np.int64)), dtype)


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """y = x Wᵀ + b for x (..., in), W (out, in), b (out) or none; W (in) and no b give y (...).

    >>> import minidl
    >>> minidl.nn.functional.linear(minidl.ones(1, 2), minidl.tensor([[1.0, 2.0]]), minidl.tensor([0.5]))
    tensor([[3.5000]])
    """
    x, w = as_array(input), as_array(weight, "weight")
    if x.dtype != w.dtype or w.ndim != 2 or x.shape[-1:] != w.shape[1:] or not fits_rows(bias, w):
        return unusual_linear(input, weight, bias)
    if x.ndim == 2:
        return ops.linear(input, weight, bias)
    rows = ops.reshape(input, shape=(x.size // w.shape[1] if w.shape[1] else math.prod(x.shape[:-1]), w.shape[1]))
    return ops.reshape(ops.linear(rows, weight, bias), shape=(*x.shape[:-1], w.shape[0]))


def fits_rows(bias: Any, w: Any) -> bool:
    """Return whether a bias is none, or a number for each row of the weight."""
    if bias is None:
        return w.dtype.char in "fd"
    b = as_array(bias, "bias")
    return b.shape == w.shape[:1] and b.dtype == w.dtype and w.dtype.char in "fd"


def unusual_linear(input: Any, weight: Any, bias: Any) -> Any:
    """Return y of integers, of a vector as the weight, or with a bias that broadcasts; or say what does not fit."""
    same_numbers("linear", "fiu", input=input, weight=weight, bias=bias)
    x, w = as_array(input), as_array(weight)
    if w.ndim not in (1, 2) or (w.ndim == 1 and bias is not None):
        raise ShapeError(f"linear: weight has shape {w.shape}, expected (out_features, in_features)")
    if x.ndim == 0 or x.shape[-1] != w.shape[-1]:
        got = x.shape[-1] if x.ndim else "no"
        unflattened = x.ndim > 2 and math.prod(x.shape[1:]) == w.shape[-1]
        fix = "flatten it first: x.flatten(1)" if unflattened else "set in_features to match, or reshape the input"
        raise ShapeError(
            f"linear: the input has {got} features in its last dimension (shape {x.shape}), the weight expects "
            f"{w.shape[-1]} (weight {w.shape}); {fix}"
        )
    shape = (*x.shape[:-1], *w.shape[:-1])
    if bias is not None and not fits_into(as_array(bias).shape, shape):
        raise ShapeError(f"linear: bias has shape {as_array(bias).shape}, expected ({w.shape[0]},)")
    rows = ops.reshape(input, shape=(math.prod(x.shape[:-1]), x.shape[-1]))
    columns = ops.permute(ops.reshape(weight, shape=(math.prod(w.shape[:-1]), x.shape[-1])), dims=(1, 0))
    y = ops.reshape(ops.matmul(rows, columns), shape=shape)
    return y if bias is None else ops.add(y, bias)


def fits_into(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Return whether a shape broadcasts to another."""
    aligned = zip(shape[::-1], wanted[::-1], strict=False)
    return len(shape) <= len(wanted) and all(n in (1, m) for n, m in aligned)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """y[..., k] = Σ_{i,j} x1[..., i] W[k,i,j] x2[..., j] + b[k] for x1 (..., in1), x2 (..., in2), W (out, in1, in2).

    >>> import minidl
    >>> x = minidl.tensor([[1.0, 2.0]])
    >>> minidl.nn.functional.bilinear(x, x, minidl.ones(1, 2, 2))
    tensor([[9.]])
    """
    same_numbers("bilinear", "fiu", input1=input1, input2=input2, weight=weight, bias=bias)
    x1, x2, w = as_array(input1), as_array(input2), as_array(weight)
    if w.ndim != 3 or not x1.ndim or x1.shape[:-1] != x2.shape[:-1] or w.shape[1:] != (x1.shape[-1], *x2.shape[-1:]):
        raise ShapeError(
            f"bilinear: input1 {x1.shape}, input2 {x2.shape}, weight {w.shape}; expected (..., in1), (..., in2), "
            "(out, in1, in2)"
        )
    if bias is not None and as_array(bias).shape != w.shape[:1]:
        raise ShapeError(f"bilinear: bias has shape {as_array(bias).shape}, expected ({w.shape[0]},)")
    out, in1, in2 = w.shape
    rows = math.prod(x1.shape[:-1])
    matrix = ops.reshape(ops.permute(weight, dims=(1, 0, 2)), shape=(in1, out * in2))
    half = ops.reshape(ops.matmul(ops.reshape(input1, shape=(rows, in1)), matrix), shape=(rows, out, in2))
    y = ops.reshape(ops.matmul(half, ops.reshape(input2, shape=(rows, in2, 1))), shape=(*x1.shape[:-1], out))
    return y if bias is None else ops.add(y, bias)


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """y = x · m / (1 - p), each m 0 with probability p, else 1; y = x when not training.

    Source: Srivastava et al. 2014.

    >>> import minidl
    >>> minidl.nn.functional.dropout(minidl.ones(2), p=1.0)
    tensor([0., 0.])
    """
    return dropped("dropout", input, p, training, inplace, array_in(input).ndim)


def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """y = x · m / (1 - p), one m for each channel of x (N, C, L) or (C, L): whole channels are dropped.

    Source: Tompson et al. 2015.

    >>> import minidl
    >>> minidl.nn.functional.dropout1d(minidl.ones(1, 1, 2), p=1.0)
    tensor([[[0., 0.]]])
    """
    x = as_array(input)
    if x.ndim not in (2, 3):
        raise ShapeError(
            f"dropout1d: the input has shape {x.shape}, expected (N, channels, length) or (channels, length)"
        )
    return dropped("dropout1d", input, p, training, inplace, x.ndim - 1)


def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """y = x · m / (1 - p), one m for each channel of x (N, C, ...): whole channels are dropped.

    Source: Tompson et al. 2015.

    >>> import minidl
    >>> minidl.nn.functional.dropout2d(minidl.ones(1, 1, 2, 1), p=1.0)
    tensor([[[[0.],
              [0.]]]])
    """
    return dropped("dropout2d", input, p, training, inplace, 2)


def dropped(name: str, input: Any, p: float, training: bool, inplace: bool, dims: int) -> Any:
    """Drop elements: one m is drawn for all places behind the first `dims` dimensions."""
    if nothing_drops(input, p, training):
        return input
    kept = drawn(name, input, p, dims)
    y = ops.mul(input, wrap(kept * kept.dtype.type(1 / (1 - p) if p < 1 else 0)))
    return input.copy_(y) if inplace else y


def nothing_drops(input: Any, p: float, training: bool) -> bool:
    """Return whether dropout leaves everything as it is; refuse a p that is no probability."""
    if not 0 <= number(p, "p") <= 1:
        raise ArgumentError(f"dropout: p is a probability from 0 to 1, got {p!r}")
    return not flag(training, "training") or number(p, "p") == 0 or not as_array(input).size


def drawn(name: str, input: Any, p: float, dims: int) -> np.ndarray[Any, Any]:
    """Return m: zeros with probability p, else ones, in the dtype of the input; behind `dims` dimensions of size 1."""
    x = as_array(input)
    if x.ndim < dims:
        raise ShapeError(f"{name}: the input has shape {x.shape}, expected (N, channels, ...)")
    shape = x.shape[:dims] + (1,) * (x.ndim - dims)
    if number(p, "p") == 1:
        return np.zeros(shape, x.dtype)
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: the input is {x.dtype}, expected a floating dtype; call .float() on it")
    return (random.uniform(shape, x.dtype, None) >= number(p, "p")).astype(x.dtype)


ALPHA = -1.7580993408473766  # what SELU tends to at -∞


def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """y = a (x m + α (1 - m)) + b, each m 0 with probability p, else 1: dropout that keeps SELU's mean and variance.

    α is what SELU tends to at -∞; a = 1 / √((1 - p)(1 + p α²)), b = -a p α. Source: Klambauer et al. 2017.

    >>> import minidl
    >>> minidl.nn.functional.alpha_dropout(minidl.ones(2), p=1.0, training=True)
    tensor([0., 0.])
    """
    return alpha_dropped("alpha_dropout", input, p, training, inplace, array_in(input).ndim)


def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """alpha_dropout of whole channels of x (N, C, ...), one m for each.

    >>> import minidl
    >>> minidl.nn.functional.feature_alpha_dropout(minidl.ones(1, 1, 2), p=1.0, training=True)
    tensor([[[0., 0.]]])
    """
    return alpha_dropped("feature_alpha_dropout", input, p, training, inplace, 2)


def alpha_dropped(name: str, input: Any, p: float, training: bool, inplace: bool, dims: int) -> Any:
    """Drop elements as SELU has it: one m is drawn for all places behind the first `dims` dimensions."""
    if nothing_drops(input, p, training):
        return input
    if p == 1:
        return dropped(name, input, p, training, inplace, dims)
    kept = drawn(name, input, p, dims)
    a = 1 / math.sqrt((1 - p) * (1 + p * ALPHA**2))
    y = ops.add(ops.mul(input, wrap(a * kept)), wrap(a * ALPHA * (1 - kept) - a * p * ALPHA))
    return input.copy_(y) if inplace else y
