"""Making Tensors: from data, filled, counted, drawn at random."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, random
from ..autograd import Variable, wrap
from ..devices import check_device
from ..errors import ArgumentError, DTypeError, ShapeError
from ._arguments import as_array, integers, shape_from


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Any:
    """Return a Tensor with a copy of `data`: numbers, nested sequences of them, an array, a Tensor.

    Python floats become the default dtype (float32), ints int64, bools bool; an array or Tensor keeps its dtype.

    >>> import minidl
    >>> minidl.tensor([[1.0, 2.0], [3.0, 4.0]])
    tensor([[1., 2.],
            [3., 4.]])
    """
    check_device(device)
    return leaf(np.array(converted(data, dtype)), requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """Return `data` as a Tensor, sharing its memory where it is an array or Tensor of the right dtype already.

    >>> import minidl
    >>> minidl.as_tensor([1, 2])
    tensor([1, 2])
    """
    check_device(device)
    if isinstance(data, Variable) and (dtype is None or data.array.dtype == dtypes.checked(dtype)):
        return data
    return wrap(converted(data, dtype))


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Any:
    """Return a Tensor that shares the memory of a NumPy array.

    >>> import minidl, numpy
    >>> minidl.from_numpy(numpy.arange(3.0))
    tensor([0., 1., 2.], dtype=float64)
    """
    if not isinstance(ndarray, np.ndarray):
        raise DTypeError(
            f"from_numpy: got {type(ndarray).__name__}, expected a NumPy array; minidl.tensor takes other data"
        )
    dtypes.checked(ndarray.dtype)
    return wrap(native(ndarray))


def from_dlpack(ext_tensor: Any) -> Any:
    """Return a Tensor that shares the memory of another library's array, handed over by the DLPack protocol.

    >>> import minidl, numpy
    >>> minidl.from_dlpack(numpy.arange(3.0))
    tensor([0., 1., 2.], dtype=float64)
    """
    if not hasattr(ext_tensor, "__dlpack__"):
        raise DTypeError(f"from_dlpack: got {type(ext_tensor).__name__}, which has no __dlpack__()")
    return from_numpy(np.from_dlpack(ext_tensor))


def leaf(array: Any, requires_grad: bool) -> Any:
    """Return a Tensor without history."""
    t = wrap(array)
    if requires_grad:
        t.requires_grad_()
    return t


def native(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the array in this machine's byte order and as a plain ndarray."""
    array = np.asarray(array)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def converted(data: Any, dtype: Any) -> np.ndarray[Any, Any]:
    """Return `data` as an array in the dtype that PyTorch would give it."""
    dtype = None if dtype is None else dtypes.checked(dtype)
    if isinstance(data, Variable):
        data = data.array
    if isinstance(data, (np.ndarray, np.generic)):
        if dtype is None:
            dtypes.checked(data.dtype)
        return native(np.asarray(data, dtype))
    first = data
    while isinstance(first, (list, tuple)) and len(first):
        first = first[0]
    if isinstance(data, (list, tuple)) and isinstance(first, Variable):
        data = unwrapped(data)
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ArgumentError(
            f"tensor: the nested sequences are ragged, every row must have the same length ({error})"
        ) from None
    if isinstance(first, int) and (array.dtype.kind == "O" or array.dtype == np.uint64):
        raise ArgumentError("tensor: an int does not fit into int64")
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"tensor: expected numbers, got {first!r} of type {type(first).__name__}")
    if dtype is None and not isinstance(first, (np.ndarray, np.generic, Variable)):
        dtype = dtypes.get_default_dtype() if array.dtype.kind == "f" or array.size == 0 else None
    return array if dtype is None else array.astype(dtype)


def unwrapped(data: Any) -> Any:
    """Return nested sequences with arrays in the place of Tensors."""
    return [unwrapped(x) for x in data] if isinstance(data, (list, tuple)) else as_array(data)


def of_size(sizes: Any, size: Any) -> tuple[int, ...]:
    """Return the shape given as f(2, 3), f((2, 3)) or f(size=(2, 3))."""
    shape = shape_from(sizes if size is None else (size,))
    if any(n < 0 for n in shape):
        raise ShapeError(f"size: got {shape}, expected non-negative ints")
    return shape


def filled(sizes: Any, value: Any, dtype: Any, device: Any, requires_grad: bool) -> Any:
    """Return a Tensor full of one value."""
    check_device(device)
    shape = of_size(sizes, None)
    dtype = dtypes.get_default_dtype() if dtype is None else dtypes.checked(dtype)
    return leaf(np.zeros(shape, dtype) if value == 0 else np.full(shape, value, dtype), requires_grad)


def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Return zeros of shape `size`, given as ints or a tuple.

    >>> import minidl
    >>> minidl.zeros(2)
    tensor([0., 0.])
    """
    return filled((of_size(sizes, size),), 0, dtype, device, requires_grad)


def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Return ones of shape `size`, given as ints or a tuple.

    >>> import minidl
    >>> minidl.ones(1, 2)
    tensor([[1., 1.]])
    """
    return filled((of_size(sizes, size),), 1, dtype, device, requires_grad)


def empty(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Return a Tensor of shape `size` whose values mean nothing yet (zeros here, so that runs repeat).

    >>> import minidl
    >>> minidl.empty(2, 0).shape
    (2, 0)
    """
    return filled((of_size(sizes, size),), 0, dtype, device, requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Return a Tensor of shape `size` full of `fill_value`, whose type decides the dtype.

    >>> import minidl
    >>> minidl.full((2,), 7)
    tensor([7, 7])
    """
    if dtype is None:
        dtype = dtypes.of_values([as_array(fill_value, "fill_value")[()]])
    return filled((size,), fill_value, dtype, device, requires_grad)


def zeros_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Return zeros in the shape and dtype of `input`.

    >>> import minidl
    >>> minidl.zeros_like(minidl.tensor([1, 2]))
    tensor([0, 0])
    """
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Return ones in the shape and dtype of `input`.

    >>> import minidl
    >>> minidl.ones_like(minidl.tensor([1, 2]))
    tensor([1, 1])
    """
    return full_like(input, 1, dtype=dtype, device=device, requires_grad=requires_grad)


def empty_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Return a Tensor in the shape and dtype of `input` whose values mean nothing yet (zeros here).

    >>> import minidl
    >>> minidl.empty_like(minidl.ones(2, 3)).shape
    (2, 3)
    """
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def full_like(
    input: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    """Return a Tensor in the shape and dtype of `input`, full of `fill_value`.

    >>> import minidl
    >>> minidl.full_like(minidl.ones(2), 3)
    tensor([3., 3.])
    """
    array = as_array(input)
    return filled((array.shape,), fill_value, array.dtype if dtype is None else dtype, device, requires_grad)


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Return start, start + step, ... below `end`: int64 for ints, else the default dtype. `arange(end)` starts at 0.

    >>> import minidl
    >>> minidl.arange(1, 7, 2)
    tensor([1, 3, 5])
    """
    check_device(device)
    if end is None:
        start, end = 0, start
    start, end, step = (as_array(value, name)[()] for value, name in ((start, "start"), (end, "end"), (step, "step")))
    if step == 0 or not all(map(math.isfinite, (start, end, step))):
        raise ArgumentError(
            f"arange: got start {start}, end {end}, step {step}; expected finite values and a step other than 0"
        )
    if (end - start) * step < 0:
        raise ArgumentError(f"arange: a step of {step} never leads from {start} to {end}")
    if dtype is None:
        dtype = dtypes.of_values([start, end, step])
        dtype = dtypes.int64 if dtype.kind in "biu" else dtypes.get_default_dtype()
    count = math.ceil((end - start) / step)
    return leaf((start + step * np.arange(count)).astype(dtypes.checked(dtype)), requires_grad)


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    """Return `steps` evenly spaced values from `start` to `end`, both included.

    >>> import minidl
    >>> minidl.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    check_device(device)
    (steps,) = integers((steps,), "steps")
    if steps < 0:
        raise ArgumentError(f"steps: got {steps}, expected at least 0")
    dtype = dtypes.get_default_dtype() if dtype is None else dtypes.checked(dtype)
    values = np.linspace(float(as_array(start, "start")), float(as_array(end, "end")), steps)
    return leaf(values.astype(dtype), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Return the n × m matrix (n × n by default) with ones on its diagonal.

    >>> import minidl
    >>> minidl.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    check_device(device)
    rows, columns = integers((n, n if m is None else m), "n")
    if min(rows, columns) < 0:
        raise ArgumentError(f"eye: got {rows} × {columns}, expected non-negative sizes")
    return leaf(
        np.eye(rows, columns, dtype=dtypes.get_default_dtype() if dtype is None else dtypes.checked(dtype)),
        requires_grad,
    )


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


def randint(
    *bounds_and_size: Any,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **named: Any,
) -> Any:
    """Return ints drawn evenly from low .. high - 1: randint(high, size) or randint(low, high, size).

    >>> import minidl
    >>> minidl.randint(1, (3,))
    tensor([0, 0, 0])
    """
    check_device(device)
    order = ("low", "high", "size")
    missing = [name for name in order if name not in named]
    given = dict(zip(missing if len(bounds_and_size) == len(missing) else missing[1:], bounds_and_size, strict=True))
    bounds = {"low": 0, **given, **named}
    low, high = integers((bounds["low"], bounds["high"]), "low, high")
    if low >= high:
        raise ArgumentError(f"randint: got low {low} and high {high}, expected low < high")
    drawn = random.stream(generator).integers(low, high, shape_from((bounds["size"],)))
    return leaf(drawn.astype(dtypes.int64 if dtype is None else dtypes.checked(dtype)), requires_grad)


def randperm(
    n: int, *, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    """Return 0 .. n - 1 in random order.

    >>> import minidl
    >>> sorted(minidl.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    check_device(device)
    (n,) = integers((n,), "n")
    if n < 0:
        raise ArgumentError(f"n: got {n}, expected at least 0")
    order = random.stream(generator).permutation(n)
    return leaf(order.astype(dtypes.int64 if dtype is None else dtypes.checked(dtype)), requires_grad)


def rand_like(
    input: Any, *, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    """Return values drawn from U[0, 1) in the shape and dtype of `input`.

    >>> import minidl
    >>> minidl.rand_like(minidl.zeros(2)).shape
    (2,)
    """
    array = as_array(input)
    return rand(
        array.shape, generator=generator, dtype=dtype or array.dtype, device=device, requires_grad=requires_grad
    )


def randn_like(
    input: Any, *, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    """Return values drawn from N(0, 1) in the shape and dtype of `input`.

    >>> import minidl
    >>> minidl.randn_like(minidl.zeros(2)).shape
    (2,)
    """
    array = as_array(input)
    return randn(
        array.shape, generator=generator, dtype=dtype or array.dtype, device=device, requires_grad=requires_grad
    )


def bernoulli(input: Any, *, generator: Any = None) -> Any:
    """Return 1 with the probability that `input` holds, else 0, element by element.

    >>> import minidl
    >>> minidl.bernoulli(minidl.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    p = as_array(input)
    if p.dtype.kind != "f" or not np.all((p >= 0) & (p <= 1)):
        raise ArgumentError("bernoulli: expected probabilities from 0 to 1 in a floating dtype")
    return wrap((random.uniform(p.shape, p.dtype, generator) < p).astype(p.dtype))


def normal(mean: Any, std: Any, size: Any = None, *, generator: Any = None, dtype: Any = None) -> Any:
    """Return values drawn from N(mean, std²); mean and std are numbers (then give `size`) or Tensors.

    >>> import minidl
    >>> minidl.normal(0.0, 1.0, (2, 3)).shape
    (2, 3)
    """
    m, s = as_array(mean, "mean"), as_array(std, "std")
    if np.any(s < 0):
        raise ArgumentError("std: got a negative value, expected at least 0")
    shape = np.broadcast_shapes(m.shape, s.shape) if size is None else shape_from((size,))
    kind = dtypes.of_values(
        [mean.array if isinstance(mean, Variable) else mean, std.array if isinstance(std, Variable) else std]
    )
    dtype = floating(dtype if dtype is not None else kind if kind.kind == "f" else None)
    return wrap((m + s * random.normal(shape, dtype, generator)).astype(dtype))


def multinomial(input: Any, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Any:
    """Draw `num_samples` indices from each row of weights `input`, with or without replacement.

    >>> import minidl
    >>> minidl.multinomial(minidl.tensor([0.0, 1.0]), 2, replacement=True)
    tensor([1, 1])
    """
    weights = as_array(input)
    if weights.ndim not in (1, 2) or weights.dtype.kind != "f":
        raise ShapeError(
            f"input: got {weights.dtype} of shape {weights.shape}, expected floating weights (n) or (rows, n)"
        )
    rows = np.atleast_2d(weights).astype(np.float64)
    if not np.all(np.isfinite(rows)) or np.any(rows < 0) or np.any(rows.sum(1) <= 0):
        raise ArgumentError("input: weights must be finite, at least 0, and not all 0 in a row")
    if not replacement and np.any((rows > 0).sum(1) < num_samples):
        raise ArgumentError(
            f"num_samples: got {num_samples}, more than a row has weights above 0; pass replacement=True"
        )
    draw = random.stream(generator)
    picked = [draw.choice(rows.shape[1], num_samples, replacement, row / row.sum()) for row in rows]
    return wrap(np.array(picked, np.int64).reshape(*weights.shape[:-1], num_samples))
