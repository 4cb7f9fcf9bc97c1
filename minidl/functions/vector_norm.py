"""Norms: the length of a vector, the size of a matrix, the distance of two tensors."""

from __future__ import annotations

from math import inf
from typing import Any

from .. import dtypes, ops
from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from ..operation import cast_to
from ._arguments import array_in, as_array, axes, flag, numpy_names
from .arithmetic import sub
from .reductions import floats, root


def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """y = (Σ |x|^p)^(1/p) over `dim`; "fro" is p = 2, inf the largest |x|, -inf the smallest, 0 how many are not 0.

    "nuc" is the sum of the singular values of a matrix.

    Unlike PyTorch, float32 is summed in float64, so no square overflows.

    >>> import minidl
    >>> minidl.norm(minidl.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if isinstance(p, str) and p != "fro":
        both = tuple(range(array_in(input).ndim)) if dim is None else dim
        return matrix_norm(input, p, both, keepdim, dtype=dtype)
    return vector_norm(input, 2 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)


@numpy_names
def vector_norm(input: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """y = (Σ |x|^ord)^(1/ord) over `dim`, None: of all; inf the largest |x|, -inf the smallest, 0 how many are not 0.

    In float64, so that no power of a large or small number overflows; the slope is 0 where the length is.

    Unlike PyTorch, float32 is summed in float64, so no square overflows.

    >>> import minidl
    >>> minidl.linalg.vector_norm(minidl.tensor([[3.0, 4.0], [6.0, 8.0]]), dim=1)
    tensor([ 5., 10.])
    """
    dtype = checked("vector_norm", input, dtype)
    p = ord.item() if hasattr(ord, "item") else ord
    if not isinstance(p, (int, float)):
        raise DTypeError(f"ord: got {ord!r}, expected a number")
    options = {"dim": axes(dim, array_in(input).ndim), "keepdim": flag(keepdim, "keepdim")}
    if (p < 0 or p == inf) and ops.reduce.count(array_in(input).shape, options["dim"]) == 0:
        raise IndexOutOfRange(f"vector_norm: of nothing (shape {array_in(input).shape}) there is no norm of order {p}")
    size = ops.abs(cast_to(input, dtype))
    if abs(p) == inf:
        return (ops.amax if p > 0 else ops.amin)(size, **options)
    size = cast_to(size, dtypes.float64)
    if p == 1:
        return cast_to(ops.sum(size, **options), dtype)
    if p == 2:
        return cast_to(root(ops.sum(ops.mul(size, size), **options)), dtype)
    zero = ops.eq(size, 0.0)
    if p == 0:
        ones = ops.add(ops.zeros_like(size), 1.0)
        return cast_to(ops.sum(ops.where(zero, 0.0, ones), **options), dtype)
    powers = ops.where(zero, 0.0 if p > 0 else inf, ops.pow(ops.where(zero, 1.0, size), p))
    total = ops.sum(powers, **options)
    zero = ops.eq(total, 0.0)
    y = ops.where(zero, 0.0 if p > 0 else inf, ops.pow(ops.where(zero, 1.0, total), 1.0 / p))
    return cast_to(y, dtype)


@numpy_names
def matrix_norm(input: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None) -> Any:
    """Return the norm of matrices, whose rows and columns lie along the two `dim`.

    "fro": √Σ x²; 1 (-1): the largest (smallest) sum of |x| in a column, inf (-inf): in a row; 2 (-2): the largest
    (smallest) singular value, "nuc": the sum of them.

    >>> import minidl
    >>> minidl.linalg.matrix_norm(minidl.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    tensor(6.)
    """
    dtype = checked("matrix_norm", input, dtype)
    ndim = array_in(input).ndim
    if ndim < 2:
        raise ShapeError(f"matrix_norm: got shape {array_in(input).shape}, expected at least two dimensions")
    if not isinstance(dim, (tuple, list)):
        raise DTypeError(f"dim: got {dim!r}, expected a tuple of two ints")
    dims = axes(dim, ndim)
    if dims is None or len(dims) != 2:
        raise ArgumentError(f"dim: got {dim!r}, expected two dimensions, those of rows and columns")
    x, keepdim = cast_to(input, dtype), flag(keepdim, "keepdim")
    order: Any = ord.item() if hasattr(ord, "item") else ord
    if not isinstance(order, (str, int, float)):
        raise DTypeError(f"ord: got {ord!r}, expected a number or a str")
    if order == "fro":
        return vector_norm(x, 2, dims, keepdim)
    if order not in ("nuc", 1, -1, 2, -2, inf, -inf):
        raise ArgumentError(f'ord: got {ord!r}, expected "fro", "nuc", inf, -inf, 1, -1, 2 or -2')
    choose = ops.amax if order in (1, 2, inf) else ops.amin
    if order in ("nuc", 2, -2):
        rest = tuple(d for d in range(ndim) if d not in dims)
        y = ops.svd(ops.permute(x, dims=(*rest, *dims)))[1]
        none = order == 2 and not as_array(y).shape[-1]  # the largest of no singular values is 0
        y = ops.sum(y, dim=-1) if order == "nuc" or none else choose(y, dim=-1)
        shape = tuple(1 if d in dims else n for d, n in enumerate(array_in(input).shape))
        return ops.reshape(y, shape=shape) if keepdim else y
    summed, chosen = dims if order in (1, -1) else dims[::-1]
    y = ops.sum(ops.abs(x), dim=summed, keepdim=True)
    if order in (1, inf) and not as_array(y).shape[chosen]:
        choose = ops.sum  # the largest of none is 0
    y = choose(y, dim=chosen, keepdim=True)
    return y if keepdim else ops.sum(y, dim=dims)


def checked(name: str, x: Any, dtype: Any) -> Any:
    """Return the dtype to compute in: the one asked for, if it is no narrower than the input's."""
    floats(x, name)
    given = as_array(x).dtype
    if dtype is None:
        return given
    dtype = dtypes.checked(dtype)
    if dtype.kind != "f" or dtypes.promote_types(dtype, given) != dtype:
        raise DTypeError(f"dtype: got {dtype}, expected a floating dtype that is no narrower than {given}")
    return dtype


def dist(input: Any, other: Any, p: Any = 2) -> Any:
    """y = ‖input - other‖_p, the distance of two tensors that broadcast.

    >>> import minidl
    >>> minidl.dist(minidl.tensor([3.0, 4.0]), minidl.zeros(2))
    tensor(5.)
    """
    array_in(input), array_in(other, "other")
    return vector_norm(sub(input, other), p)
