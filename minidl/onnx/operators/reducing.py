"""Operators that bring many elements to one, and products."""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl

from .values import Attributes, Operator, array, axes_of, is_float, tensor


def reduction(function: Any, of_integers: Any, since: int = 18) -> Operator:
    """Return a reduction: axes are an attribute before a version and an input since."""

    def operator(attributes: Attributes, x: Any, axes: Any = None) -> Any:
        chosen = axes_of(attributes, axes, since)
        if not chosen:
            if attributes.get("noop_with_empty_axes", 0):
                return (function if is_float(x) else lambda x, dim, keep: x)(x, (), True) if of_one(function) else x
            chosen = list(range(x.ndim))
        along = tuple(sorted(k % max(1, x.ndim) for k in chosen))
        keep = bool(attributes.get("keepdims", 1))
        if is_float(x):
            return function(x, along, keep)
        values = array(x)
        if values.dtype == bool:  # of nothing, the largest is False and the smallest True
            return tensor((np.any if of_integers is LARGEST else np.all)(values, axis=along, keepdims=keep))
        return tensor(np.asarray(of_integers(values, along, keep)).astype(values.dtype))

    return operator


def of_one(function: Any) -> bool:
    """Return whether a reduction over no axes still changes each element, as a sum of squares does."""
    return function in (l1, l2, log_sum, log_sum_exp, sum_square)


def total(x: Any, axes: Any, keep: bool) -> Any:
    """Σ x."""
    return x.sum(dim=axes, keepdim=keep) if axes else x


def l1(x: Any, axes: Any, keep: bool) -> Any:
    """Σ |x|."""
    return total(minidl.abs(x), axes, keep)


def l2(x: Any, axes: Any, keep: bool) -> Any:
    """√ Σ x²."""
    return minidl.sqrt(total(x * x, axes, keep))


def sum_square(x: Any, axes: Any, keep: bool) -> Any:
    """Σ x²."""
    return total(x * x, axes, keep)


def log_sum(x: Any, axes: Any, keep: bool) -> Any:
    """ln Σ x."""
    return minidl.log(total(x, axes, keep))


def log_sum_exp(x: Any, axes: Any, keep: bool) -> Any:
    """ln Σ exp(x)."""
    if not axes:
        return x
    if any(x.shape[k] == 0 for k in axes):
        return minidl.log(total(minidl.exp(x), axes, keep))
    return minidl.logsumexp(x, dim=axes, keepdim=keep)


def product(x: Any, axes: Any, keep: bool) -> Any:
    """Π x."""
    for k in reversed(axes):
        x = minidl.prod(x, dim=k, keepdim=keep)
    return x


def extreme(function: Any, empty: float) -> Any:
    """Return the largest or smallest; of nothing, the infinity that loses to all."""

    def reduced(x: Any, axes: Any, keep: bool) -> Any:
        if any(x.shape[k] == 0 for k in axes):
            sizes = [1 if k in axes else n for k, n in enumerate(x.shape) if keep or k not in axes]
            return minidl.full(tuple(sizes), empty, dtype=x.dtype)
        return function(x, dim=axes, keepdim=keep) if axes else x

    return reduced


def mean(x: Any, axes: Any, keep: bool) -> Any:
    """The mean."""
    return x.mean(dim=axes, keepdim=keep) if axes else x


def of_arrays(function: Any) -> Any:
    """Return a reduction of integers."""
    return lambda x, axes, keep: function(x, axis=axes, keepdims=keep)


def in_floats(function: Any) -> Any:
    """Return a reduction of integers that is computed in float64."""
    return lambda x, axes, keep: array(function(tensor(x.astype(np.float64)), axes, keep))


def farthest(function: Any, flipped: bool = True) -> Operator:
    """Return argmax or argmin along an axis; of equal ones the first, or the last."""

    def operator(attributes: Attributes, x: Any) -> Any:
        axis, values = attributes.get("axis", 0), array(x)
        if attributes.get("select_last_index", 0):
            places = values.shape[axis] - 1 - function(np.flip(values, axis), axis=axis)
        else:
            places = function(values, axis=axis)
        places = np.asarray(places, np.int64)
        return tensor(np.expand_dims(places, axis) if attributes.get("keepdims", 1) else places)

    return operator


def cumulative(attributes: Attributes, x: Any, axis: Any) -> Any:
    """Sums of all up to each element; exclusive without it, reverse from the end."""
    along = int(array(axis).reshape(-1)[0]) % x.ndim
    y = x.flip(along) if attributes.get("reverse", 0) else x
    y = minidl.cumsum(y, along) if is_float(x) else tensor(np.cumsum(array(y), along, dtype=array(x).dtype))
    if attributes.get("exclusive", 0):
        size = x.shape[along]
        zero = minidl.zeros_like(minidl.narrow(y, along, 0, 1))
        y = minidl.cat([zero, minidl.narrow(y, along, 0, size - 1)], dim=along)
    return y.flip(along) if attributes.get("reverse", 0) else y


def gemm(attributes: Attributes, a: Any, b: Any, c: Any = None) -> Any:
    """α A B + β C, with A and B turned where transA and transB say so."""
    alpha, beta = attributes.get("alpha", 1.0), attributes.get("beta", 1.0)
    a = a.T if attributes.get("transA", 0) else a
    if (
        alpha == beta == 1
        and c is not None
        and c.ndim == 1
        and is_float(a)
        and c.shape[0] == b.shape[0 if attributes.get("transB", 0) else 1]
    ):
        return minidl.nn.functional.linear(a, b if attributes.get("transB", 0) else b.T, c)
    y = matmul(attributes, a, b.T if attributes.get("transB", 0) else b)
    y = y if alpha == 1 else alpha * y
    return y if c is None else y + (c if beta == 1 else beta * c)


def matmul(attributes: Attributes, a: Any, b: Any) -> Any:
    """A B, with NumPy's rules."""
    if is_float(a):
        return minidl.matmul(a, b)
    return tensor(np.matmul(array(a), array(b)))


def einsum(attributes: Attributes, *given: Any) -> Any:
    """Sums of products as the equation says."""
    return minidl.einsum(attributes.get("equation"), *given)


LARGEST = of_arrays(np.max)
OPERATORS: dict[str, Operator] = {
    "ReduceSum": reduction(total, of_arrays(np.sum), 13), "ReduceMean": reduction(mean, in_floats(mean)),
    "ReduceMax": reduction(extreme(minidl.amax, -np.inf), LARGEST),
    "ReduceMin": reduction(extreme(minidl.amin, np.inf), of_arrays(np.min)),
    "ReduceProd": reduction(product, of_arrays(np.prod)), "ReduceL1": reduction(l1, in_floats(l1)),
    "ReduceL2": reduction(l2, in_floats(l2)), "ReduceSumSquare": reduction(sum_square, in_floats(sum_square)),
    "ReduceLogSum": reduction(log_sum, in_floats(log_sum)),
    "ReduceLogSumExp": reduction(log_sum_exp, in_floats(log_sum_exp)),
    "ArgMax": farthest(np.argmax), "ArgMin": farthest(np.argmin), "CumSum": cumulative, "Gemm": gemm,
    "MatMul": matmul, "Einsum": einsum,
}  # fmt: skip
