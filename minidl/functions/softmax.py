"""Softmax and its relatives along one dimension. In nn.functional the dimension may be left to a rule of the past."""

from __future__ import annotations

import warnings
from typing import Any

from .. import ops, random
from ..errors import ArgumentError
from ._arguments import array_in, axis, like, number, numpy_names
from .activation import floating
from .reductions import typed
from .scattering import scatter


@numpy_names
def softmax(input: Any, dim: int, dtype: Any = None) -> Any:
    """y_i = e^(x_i) / Σ_j e^(x_j) along `dim`.

    >>> import minidl
    >>> minidl.softmax(minidl.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    array_in(input)
    input = typed(input, dtype)
    floating(input, "softmax")
    return along(ops.softmax, input, dim)


@numpy_names
def log_softmax(input: Any, dim: int, dtype: Any = None) -> Any:
    """y_i = x_i - ln Σ_j e^(x_j) along `dim`.

    >>> import minidl
    >>> minidl.log_softmax(minidl.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    array_in(input)
    input = typed(input, dtype)
    floating(input, "log_softmax")
    return along(ops.log_softmax, input, dim)


def along(function: Any, input: Any, dim: int) -> Any:
    """Return function(input) along `dim`; a 0-d input counts as having one dimension."""
    shape = array_in(input).shape
    d = axis(dim, len(shape))
    if shape:
        return function(input, dim=d)
    return ops.reshape(function(ops.reshape(input, shape=(1,)), dim=0), shape=())


def dim_or_rule(name: str, input: Any, dim: int | None) -> int:
    """Return dim; for None, with a warning, 0 for an input of 0, 1 or 3 dimensions and 1 for any other."""
    ndim = array_in(input).ndim
    if dim is not None:
        return dim
    warnings.warn(f"{name}: the choice of a dimension for dim=None is deprecated; give dim=...", stacklevel=3)
    return 0 if ndim in (0, 1, 3) else 1


def softmax_by_rule(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """y_i = e^(x_i) / Σ_j e^(x_j) along `dim`, which is better given: a rule chooses for None.

    >>> import minidl
    >>> minidl.nn.functional.softmax(minidl.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return softmax(input, dim_or_rule("softmax", input, dim), dtype)


def log_softmax_by_rule(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """y_i = x_i - ln Σ_j e^(x_j) along `dim`, which is better given: a rule chooses for None.

    >>> import minidl
    >>> minidl.nn.functional.log_softmax(minidl.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    return log_softmax(input, dim_or_rule("log_softmax", input, dim), dtype)


def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """y = softmax(-x) along `dim`.

    >>> import minidl
    >>> minidl.nn.functional.softmin(minidl.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    dim = dim_or_rule("softmin", input, dim)
    return softmax(ops.neg(input), dim, dtype)


def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """y = softmax((x + g) / τ) along `dim`, g = -ln(-ln u) of a u drawn from 0 to 1 for each element.

    `hard` answers 1 at the largest and 0 elsewhere, with the gradient of the soft one. Source: Jang et al. 2017.

    >>> import minidl
    >>> minidl.nn.functional.gumbel_softmax(minidl.zeros(3), hard=True).sum()
    tensor(1.)
    """
    floating(logits, "gumbel_softmax")
    if eps != 1e-10:
        warnings.warn("gumbel_softmax: eps has no effect and is deprecated", stacklevel=2)
    x = array_in(logits)
    if number(tau, "tau") == 0:
        raise ArgumentError("tau: got 0, expected another number, the scores are divided by it")
    noise = ops.neg(ops.log(ops.neg(ops.log(like(random.uniform(x.shape, x.dtype, None), logits)))))
    soft = softmax(ops.div(ops.add(logits, noise), tau), dim)
    if not hard:
        return soft
    d = axis(dim, x.ndim)
    winner = ops.argmax(soft, dim=d, keepdim=True) if x.ndim else ops.argmax(soft)
    one_hot = scatter(ops.zeros_like(soft), d, winner, 1.0)
    return ops.add(like(array_in(one_hot) - array_in(soft), logits), soft)
