"""Tensors drawn at random. Each function takes a `generator`; without one the default's stream is drawn from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, ops, random
from ..autograd import Variable, wrap
from ..devices import check_device
from ..errors import ArgumentError, DTypeError, ShapeError
from ._arguments import array_in, as_array, flag, ints, like, number, one_int
from .creation import leaf, of_size
from .shaping import broadcast_shapes, broadcast_to


def floating(dtype: Any) -> np.dtype[Any]:
    """Return the dtype to draw real numbers in."""
    dtype = dtypes.get_default_dtype() if dtype is None else dtypes.checked(dtype)
    if dtype.kind != "f":
        raise DTypeError(f"dtype: got {dtype}, expected a floating one such as float32")
    return dtype


def rand(
    *sizes: Any, size: Any = None, generator: Any = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """Return values drawn from U[0, 1).

    >>> import minidl
    >>> minidl.rand(2, 3).shape
    (2, 3)
    """
    check_device(device)
    return leaf(random.uniform(of_size(sizes, size), floating(dtype), generator), requires_grad)


def randn(
    *sizes: Any, size: Any = None, generator: Any = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """Return values drawn from the normal distribution N(0, 1).

    >>> import minidl
    >>> minidl.randn(2, 3).shape
    (2, 3)
    """
    check_device(device)
    return leaf(random.normal(of_size(sizes, size), floating(dtype), generator), requires_grad)


def rand_like(
    input: Any, *, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    """Return values drawn from U[0, 1) in the shape and dtype of `input`.

    >>> import minidl
    >>> minidl.rand_like(minidl.zeros(2)).shape
    (2,)
    """
    array = array_in(input)
    kind = array.dtype if dtype is None else dtype
    return rand(size=array.shape, generator=generator, dtype=kind, device=device, requires_grad=requires_grad)


def randn_like(
    input: Any, *, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    """Return values drawn from N(0, 1) in the shape and dtype of `input`.

    >>> import minidl
    >>> minidl.randn_like(minidl.zeros(2)).shape
    (2,)
    """
    array = array_in(input)
    kind = array.dtype if dtype is None else dtype
    return randn(size=array.shape, generator=generator, dtype=kind, device=device, requires_grad=requires_grad)


# -- integers --------------------------------------------------------------------------------------------------------


def randint(
    *bounds_and_size: Any, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False,
    **named: Any,
) -> Any:  # fmt: skip
    """Return ints drawn evenly from low .. high - 1: randint(high, size) or randint(low, high, size).

    >>> import minidl
    >>> minidl.randint(1, (3,))
    tensor([0, 0, 0])
    """
    check_device(device)
    wanted = [name for name in ("low", "high", "size") if name not in named]
    if len(bounds_and_size) == len(wanted) - 1 and "low" in wanted:
        wanted.remove("low")
    if len(bounds_and_size) != len(wanted) or not named.keys() <= {"low", "high", "size"}:
        raise DTypeError("randint: expected (high, size) or (low, high, size)")
    given = {"low": 0, **dict(zip(wanted, bounds_and_size, strict=True)), **named}
    kind = dtypes.int64 if dtype is None else dtypes.checked(dtype)
    shape = of_size((ints(given["size"], "size"),), None)
    return leaf(between(given["low"], given["high"], shape, kind, generator), requires_grad)


def randint_like(
    input: Any, *bounds: Any, generator: Any = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False, **named: Any,
) -> Any:  # fmt: skip
    """Return ints drawn from low .. high - 1 in the shape and dtype of `input`: randint_like(input, [low,] high).

    >>> import minidl
    >>> minidl.randint_like(minidl.zeros(2), 1)
    tensor([0., 0.])
    """
    array = array_in(input)
    kind = array.dtype if dtype is None else dtype
    return randint(
        *bounds, size=array.shape, generator=generator, dtype=kind, device=device, requires_grad=requires_grad, **named
    )


def between(low: Any, high: Any, shape: tuple[int, ...], dtype: np.dtype[Any], generator: Any) -> Any:
    """Return ints drawn from low .. high - 1 in a dtype, which must be able to hold them."""
    first, end = one_int(low, "low"), one_int(high, "high")
    if first >= end:
        raise ArgumentError(f"low, high: got {first} and {end}, expected low < high")
    least, most = (0, 1) if dtype.kind == "b" else (-(2**63), 2**63 - 1)
    if dtype.kind in "iu":
        least, most = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    if first < least or end - 1 > most:
        raise ArgumentError(f"low, high: {first} to {end - 1} do not fit into {dtype}, which holds {least} to {most}")
    return random.stream(generator).integers(first, end, shape).astype(dtype)


def randperm(
    n: int, *, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    """Return 0 .. n - 1 in random order.

    >>> import minidl
    >>> sorted(minidl.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    check_device(device)
    size, kind = one_int(n, "n"), dtypes.int64 if dtype is None else dtypes.checked(dtype)
    if size < 0:
        raise ArgumentError(f"n: got {n}, expected at least 0")
    if kind.kind == "b" or (kind.kind in "iu" and size - 1 > np.iinfo(kind).max):
        raise DTypeError(f"dtype: {kind} can't hold 0 to {size - 1}")
    return leaf(random.stream(generator).permutation(size).astype(kind), requires_grad)


# -- by probabilities ------------------------------------------------------------------------------------------------


def bernoulli(input: Any, p: Any = None, *, generator: Any = None) -> Any:
    """Return 1 with the probability that `input` holds (or p, for all elements), else 0, element by element.

    >>> import minidl
    >>> minidl.bernoulli(minidl.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    array = array_in(input)
    drawn = wrap(coins(input if p is None else number(p, "p"), array.shape, generator).astype(array.dtype))
    return ops.add(ops.zeros_like(input), drawn) if isinstance(input, Variable) and input.needs_grad else drawn


def coins(p: Any, shape: tuple[int, ...], generator: Any) -> Any:
    """Return True with the probability p, broadcast to a shape."""
    chances = as_array(p, "p")
    if isinstance(p, (Variable, np.ndarray)) and chances.dtype.kind != "f":
        raise DTypeError(f"bernoulli: got {chances.dtype}, expected probabilities in a floating dtype")
    if not np.all((chances >= 0) & (chances <= 1)):
        raise ArgumentError("bernoulli: expected probabilities from 0 to 1")
    drawn = random.uniform(shape, dtypes.float64, generator)
    return drawn < as_array(broadcast_to(chances, shape))


def multinomial(input: Any, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Any:
    """Draw `num_samples` indices from each row of weights `input`, with or without replacement.

    With: by where a uniform number falls among the weights laid end to end. Without: in the order of e / weight, with e
    drawn from the exponential distribution (Efraimidis and Spirakis 2006).

    >>> import minidl
    >>> minidl.multinomial(minidl.tensor([0.0, 1.0]), 2, replacement=True)
    tensor([1, 1])
    """
    weights, count = array_in(input), one_int(num_samples, "num_samples")
    if weights.ndim not in (1, 2):
        raise ShapeError(f"input: got shape {weights.shape}, expected weights (n) or (rows, n)")
    if weights.dtype.kind != "f":
        raise DTypeError(f"input: got {weights.dtype}, expected weights in a floating dtype")
    if count < 1:
        raise ArgumentError(f"num_samples: got {count}, expected at least 1")
    rows = np.atleast_2d(weights).astype(np.float64)
    if not flag(replacement, "replacement") and count > rows.shape[1]:
        raise ArgumentError(f"num_samples: got {count} of {rows.shape[1]}; pass replacement=True to draw one twice")
    if not np.all(np.isfinite(rows)) or np.any(rows < 0) or np.any(rows.sum(1) <= 0):
        raise ArgumentError("input: weights must be finite, at least 0, and not all 0 in a row")
    draw = random.stream(generator)
    if replacement:
        ends = np.cumsum(rows / rows.max(1, keepdims=True), 1)
        falls = draw.random((len(rows), count)) * ends[:, -1:]
        picked = np.array([np.searchsorted(e, u, side="right") for e, u in zip(ends, falls, strict=True)], np.int64)
        picked = np.minimum(picked, np.max(np.where(rows > 0, np.arange(rows.shape[1]), 0), 1, initial=0)[:, None])
    else:
        with np.errstate(divide="ignore", over="ignore"):
            picked = np.argsort(draw.standard_exponential(rows.shape) / rows, axis=1, kind="stable")[:, :count]
    return like(picked.reshape(*weights.shape[:-1], count), input)


def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Any = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """Return values drawn from N(mean, std²); mean and std are numbers (then give `size`) or Tensors.

    >>> import minidl
    >>> minidl.normal(0.0, 1.0, (2, 3)).shape
    (2, 3)
    """
    check_device(device)
    m, s = as_array(mean, "mean"), as_array(std, "std")
    tensors: list[Any] = [x for x in (mean, std) if isinstance(x, (Variable, np.ndarray))]
    given = [x for x in tensors if size is None or x.ndim]
    if (size is None) != bool(given):
        raise DTypeError("normal: give `size` where mean and std are numbers, and only there")
    if not np.all(s >= 0):
        raise ArgumentError("std: got a negative value, expected at least 0")
    shape = broadcast_shapes(m.shape, s.shape) if size is None else of_size((ints(size, "size"),), None)
    kind = floating(given[0].dtype if given and dtype is None else dtype)
    drawn = leaf((m + s * random.normal(shape, kind, generator)).astype(kind), requires_grad)
    for x in given:
        if isinstance(x, Variable) and x.needs_grad:  # recorded, with a gradient of 0
            drawn = ops.add(drawn, ops.zeros_like(x))
    return drawn


# -- what fills a Tensor in place: values in the shape and dtype of `input` ------------------------------------------


def uniform(input: Any, from_: Any = 0.0, to: Any = 1.0, *, generator: Any = None) -> Any:
    """Return values drawn from U[from, to).

    >>> import minidl
    >>> 2 <= minidl.zeros(1).uniform_(2, 3).item() < 3
    True
    """
    low, high, kind = real(from_, "from"), real(to, "to"), floating(array_in(input).dtype)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ArgumentError(f"uniform_: got [{low}, {high}), expected finite bounds, from <= to")
    return wrap(shifted(random.uniform(array_in(input).shape, kind, generator), low, high - low))


def shifted(drawn: Any, start: float, scale: float) -> Any:
    """Return start + scale · drawn, in the dtype of what was drawn."""
    return (start + scale * drawn).astype(drawn.dtype)


def real(value: Any, name: str) -> float:
    """Return a number as a float."""
    return float(number(value, name))


def gaussian(input: Any, mean: Any = 0.0, std: Any = 1.0, *, generator: Any = None) -> Any:
    """Return values drawn from N(mean, std²).

    >>> import minidl
    >>> minidl.zeros(2).normal_(3.0, 0.0)
    tensor([3., 3.])
    """
    centre, width, kind = real(mean, "mean"), real(std, "std"), floating(array_in(input).dtype)
    if not width >= 0:
        raise ArgumentError(f"std: got {width}, expected at least 0")
    return wrap(shifted(random.normal(array_in(input).shape, kind, generator), centre, width))


def log_normal(input: Any, mean: Any = 1.0, std: Any = 2.0, *, generator: Any = None) -> Any:
    """Return e^x for x drawn from N(mean, std²).

    >>> import minidl
    >>> minidl.zeros(1).log_normal_().item() > 0
    True
    """
    if not real(std, "std") > 0:
        raise ArgumentError(f"std: got {std}, expected more than 0")
    return ops.exp(gaussian(input, mean, std, generator=generator))


def exponential(input: Any, lambd: Any = 1.0, *, generator: Any = None) -> Any:
    """Return values drawn from the density λ e^(-λx).

    >>> import minidl
    >>> minidl.zeros(1).exponential_().item() >= 0
    True
    """
    rate, kind = real(lambd, "lambd"), floating(array_in(input).dtype)
    if not rate > 0:
        raise ArgumentError(f"lambd: got {rate}, expected more than 0")
    drawn = random.stream(generator).standard_exponential(array_in(input).shape)
    return wrap((drawn / rate).astype(kind))


def cauchy(input: Any, median: Any = 0.0, sigma: Any = 1.0, *, generator: Any = None) -> Any:
    """Return values drawn from the density σ / π((x - median)² + σ²).

    >>> import minidl
    >>> minidl.zeros(2).cauchy_().shape
    (2,)
    """
    centre, width, kind = real(median, "median"), real(sigma, "sigma"), floating(array_in(input).dtype)
    if not width > 0:
        raise ArgumentError(f"sigma: got {width}, expected more than 0")
    return wrap((centre + width * random.stream(generator).standard_cauchy(array_in(input).shape)).astype(kind))


def geometric(input: Any, p: Any, *, generator: Any = None) -> Any:
    """Return how often one tries until the first success, each try of probability p: k with probability p (1-p)^(k-1).

    >>> import minidl
    >>> minidl.zeros(1).geometric_(0.5).item() >= 1
    True
    """
    chance = real(p, "p")
    if not 0 < chance < 1:
        raise ArgumentError(f"p: got {chance}, expected a probability between 0 and 1")
    return wrap(random.stream(generator).geometric(chance, array_in(input).shape).astype(array_in(input).dtype))


def coin(input: Any, p: Any = 0.5, *, generator: Any = None) -> Any:
    """Return 1, with probability p (a number, or a Tensor that broadcasts), and 0.

    >>> import minidl
    >>> minidl.zeros(2).bernoulli_(1.0)
    tensor([1., 1.])
    """
    array = array_in(input)
    return wrap(coins(p, array.shape, generator).astype(array.dtype))


def largest(dtype: np.dtype[Any]) -> int:
    """Return the largest int up to which a dtype holds all of them."""
    if dtype.kind == "f":
        return 2 ** (int(np.finfo(dtype).nmant) + 1)
    return 1 if dtype.kind == "b" else int(np.iinfo(dtype).max)


def integer(input: Any, *bounds: Any, to: Any = None, generator: Any = None) -> Any:
    """Return ints from 0 or the first bound to the last - 1, by default to the largest that the dtype holds exactly.

    >>> import minidl
    >>> minidl.zeros(2).random_(1)
    tensor([0., 0.])
    """
    array = array_in(input)
    given = bounds if to is None else (*bounds, to)
    if len(given) > 2:
        raise DTypeError(f"random_: got {len(given)} bounds, expected (to) or (from, to)")
    low, high = (0, None) if not given else (0, given[0]) if len(given) == 1 else given
    if high is None:
        high = largest(array.dtype) + 1
    return wrap(between(low, high, array.shape, array.dtype, generator))
