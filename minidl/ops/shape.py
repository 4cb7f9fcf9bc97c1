"""Operations that rearrange: views where NumPy can, copies where it must."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..operation import identity, primitive


@primitive(view=True)
def reshape(x: Any, *, shape: tuple[int, ...]) -> Any:
    """y = the elements of x in row-major order, in another shape."""
    return x.reshape(shape)


@primitive(view=True)
def permute(x: Any, *, dims: tuple[int, ...]) -> Any:
    """y[i_dims[0], i_dims[1], ...] = x[i_0, i_1, ...]: dimension k of y is dimension dims[k] of x."""
    return x.transpose(dims)


@primitive
def copy(x: Any) -> Any:
    """y = x in memory of its own, row-major."""
    return np.array(x, order="C")


@primitive
def cat(*xs: Any, dim: int) -> Any:
    """y = xs one after the other along `dim`."""
    return np.concatenate(xs, axis=dim)


@primitive
def stack(*xs: Any, dim: int) -> Any:
    """y = xs side by side along a new dimension `dim`."""
    return np.stack(xs, axis=dim)


@primitive(view=True)
def diagonal(x: Any, *, offset: int, dim1: int, dim2: int) -> Any:
    """y[..., k] = the k-th element of the diagonal that lies `offset` above the main one, of the plane dim1, dim2."""
    y = np.diagonal(x, offset, dim1, dim2)
    y.flags.writeable = x.flags.writeable
    return y


@primitive
def diagonal_dx(dy: Any, *, offset: int, dim1: int, dim2: int, shape: tuple[int, ...]) -> Any:
    """dx = zeros of `shape` with dy on that diagonal."""
    dx = np.zeros(shape, dy.dtype)
    line = np.diagonal(dx, offset, dim1, dim2)
    line.flags.writeable = True
    line[...] = dy
    return dx


def inverse(dims: tuple[int, ...]) -> tuple[int, ...]:
    """Return the permutation that undoes `dims`."""
    return tuple(sorted(range(len(dims)), key=lambda k: dims[k] % len(dims)))


def pieces(g: Any, xs_shape: Any, dim: int) -> list[Any]:
    """Return g cut into the parts that `cat` put together."""
    before = (slice(None),) * (dim % len(xs_shape[0]))
    parts, start = [], 0
    for shape in xs_shape:
        size = shape[len(before)]
        parts.append(g[(*before, slice(start, start + size))])
        start += size
    return parts


def layers(g: Any, xs_shape: Any, dim: int) -> list[Any]:
    """Return the parts that `stack` put side by side."""
    before = (slice(None),) * (dim % (len(xs_shape[0]) + 1))
    return [g[(*before, k)] for k in range(len(xs_shape))]


reshape.defvjp(x=lambda g, x_shape: reshape(g, shape=x_shape))
permute.defvjp(x=lambda g, dims: permute(g, dims=inverse(dims)))
copy.defvjp(x=lambda g: identity(g))
cat.defvjp(xs=pieces)
stack.defvjp(xs=layers)
diagonal.defvjp(
    x=lambda g, x_shape, offset, dim1, dim2: diagonal_dx(g, offset=offset, dim1=dim1, dim2=dim2, shape=x_shape)
)
diagonal_dx.defvjp(dy=lambda g, offset, dim1, dim2: diagonal(g, offset=offset, dim1=dim1, dim2=dim2))
