"""Making Tensors: from data, filled, counted. What is drawn at random is in drawing.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..autograd import Variable, wrap
from ..devices import check_device
from ..errors import ArgumentError, DTypeError, ShapeError
from ._arguments import array_in, as_array, flag, ints, number, one_int, shape_from


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

    Unlike PyTorch, arrays with negative strides are taken.

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
    if flag(requires_grad, "requires_grad"):
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
        with np.errstate(all="ignore"):
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
    return array if dtype is None else held("tensor", array, dtype)


def held(name: str, array: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Return numbers of the user's in a dtype; what an integer dtype can't hold is refused, but -1 is 255 in uint8."""
    if dtype.kind in "iu" and array.size:
        high = np.iinfo(dtype).max
        low = -high if dtype.kind == "u" else np.iinfo(dtype).min
        if not (np.all(array >= low) and np.all(array <= high)):
            raise ArgumentError(f"{name}: a value does not fit into {dtype}, which holds {low} to {high}")
    with np.errstate(all="ignore"):
        return array.astype(dtype)


def unwrapped(data: Any) -> Any:
    """Return nested sequences with NumPy's numbers in the place of Tensors of one element."""
    if isinstance(data, (list, tuple)):
        return [unwrapped(x) for x in data]
    array = as_array(data)
    if array.size != 1:
        raise ShapeError(f"tensor: a Tensor of shape {array.shape} in a list is no number; use stack() or cat()")
    return array.reshape(())[()]


def of_size(sizes: Any, size: Any) -> tuple[int, ...]:
    """Return the shape given as f(2, 3), f((2, 3)) or f(size=(2, 3))."""
    if not sizes and size is None:
        raise DTypeError("size: got none, expected the sizes as ints or a tuple; () is one number")
    shape = shape_from(sizes if size is None else (size,))
    if any(n < 0 for n in shape):
        raise ShapeError(f"size: got {shape}, expected non-negative ints")
    return shape


def filled(shape: Any, value: Any, dtype: Any, device: Any, requires_grad: bool) -> Any:
    """Return a Tensor full of one value."""
    check_device(device)
    dtype = dtypes.get_default_dtype() if dtype is None else dtypes.checked(dtype)
    if value == 0:
        return leaf(np.zeros(shape, dtype), requires_grad)
    filler = held("full", np.asarray(value), dtype)
    if dtype == np.float32 and np.isinf(filler) and math.isfinite(value):
        raise ArgumentError(f"fill_value: {value} does not fit into float32")
    return leaf(np.full(shape, filler), requires_grad)


def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Return zeros of shape `size`, given as ints or a tuple.

    >>> import minidl
    >>> minidl.zeros(2)
    tensor([0., 0.])
    """
    return filled(of_size(sizes, size), 0, dtype, device, requires_grad)


def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Return ones of shape `size`, given as ints or a tuple.

    >>> import minidl
    >>> minidl.ones(1, 2)
    tensor([[1., 1.]])
    """
    return filled(of_size(sizes, size), 1, dtype, device, requires_grad)


def empty(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Return a Tensor of shape `size` whose values mean nothing yet (zeros here, so that runs repeat).

    >>> import minidl
    >>> minidl.empty(2, 0).shape
    (2, 0)
    """
    return filled(of_size(sizes, size), 0, dtype, device, requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Return a Tensor of shape `size` full of `fill_value`, whose type decides the dtype.

    >>> import minidl
    >>> minidl.full((2,), 7)
    tensor([7, 7])
    """
    value = number(fill_value, "fill_value")
    shape = of_size((ints(size, "size"),), None)
    return filled(shape, value, dtypes.of_values([value]) if dtype is None else dtype, device, requires_grad)


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
    array, value = array_in(input), number(fill_value, "fill_value")
    return filled(array.shape, value, array.dtype if dtype is None else dtype, device, requires_grad)


def arange(
    start: Any = None,
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
    start = number(0 if start is None else start, "start")
    end, step = number(end, "end"), number(step, "step")
    if dtype is None:
        whole = all(isinstance(value, int) for value in (start, end, step))
        dtype = dtypes.int64 if whole else dtypes.get_default_dtype()
    dtype = numeric("arange", dtype)
    if not all(map(math.isfinite, (start, end, step))):
        raise ArgumentError(f"arange: got start {start}, end {end}, step {step}; expected finite values")
    if (end - start) * step < 0:
        raise ArgumentError(f"arange: a step of {step} never leads from {start} to {end}")
    first, last, stride = (start, end, step) if dtype.kind == "f" else (int(start), int(end), int(step))
    if stride == 0:
        raise ArgumentError(f"step: got {step}, expected a number that is not 0 in {dtype}")
    count = -((first - last) // stride) if dtype == dtypes.int64 else math.ceil((end - start) / step)
    return leaf((first + stride * np.arange(count)).astype(dtype), requires_grad)


def numeric(name: str, dtype: Any) -> np.dtype[Any]:
    """Return a dtype (None: the default) that holds more than two values."""
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.checked(dtype)
    if kind.kind == "b":
        raise DTypeError(f"{name}: got dtype bool, expected integers or floats")
    return kind


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    """Return `steps` evenly spaced values from `start` to `end`, both included.

    >>> import minidl
    >>> minidl.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    check_device(device)
    kind = numeric("linspace", dtype)
    with np.errstate(all="ignore"):
        return leaf(spaced(start, end, steps, kind).astype(kind), requires_grad)


def spaced(start: Any, end: Any, steps: int, dtype: np.dtype[Any]) -> Any:
    """Return `steps` evenly spaced values, counted from the nearer end; for an integer dtype between whole ends."""
    n, first, last = one_int(steps, "steps"), number(start, "start"), number(end, "end")
    if n < 0:
        raise ArgumentError(f"steps: got {n}, expected at least 0")
    if dtype.kind != "f":
        first, last = int(first), int(last)
    step = np.float64(last - first) / (n - 1) if n > 1 else 0.0
    places = np.arange(n)
    return np.where((places < n // 2) | (n == 1), first + places * step, last - (n - 1 - places) * step)


def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """Return base^x for `steps` evenly spaced x from `start` to `end`.

    >>> import minidl
    >>> minidl.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    check_device(device)
    kind = numeric("logspace", dtype)
    with np.errstate(all="ignore"):
        return leaf((np.float64(number(base, "base")) ** spaced(start, end, steps, kind)).astype(kind), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Return the n × m matrix (n × n by default) with ones on its diagonal.

    >>> import minidl
    >>> minidl.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    check_device(device)
    rows, columns = one_int(n, "n"), one_int(n if m is None else m, "m")
    if min(rows, columns) < 0:
        raise ArgumentError(f"eye: got {rows} × {columns}, expected non-negative sizes")
    return leaf(
        np.eye(rows, columns, dtype=dtypes.get_default_dtype() if dtype is None else dtypes.checked(dtype)),
        requires_grad,
    )
