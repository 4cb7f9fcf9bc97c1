"""Rows of a table, looked up by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import no_grad
from ..errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from ._arguments import array_in, as_array, own_copy
from .vector_norm import norm


def embedding(
    input: Any, weight: Any, padding_idx: int | None = None, max_norm: float | None = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Any:  # fmt: skip
    """y[...] = weight[input[...]], rows of weight (num_embeddings, width) for int indices of any shape.

    The row padding_idx gets no gradient. With max_norm, rows that are looked up and longer (in the norm_type) are first
    scaled down to it, in place. scale_grad_by_freq divides a row's gradient by how often it is looked up. sparse is
    left out.

    Unlike PyTorch, sparse gradients are left out: sparse=True is refused.

    >>> import minidl
    >>> minidl.nn.functional.embedding(minidl.tensor([2, 0]), minidl.tensor([[1.0], [2.0], [3.0]]))
    tensor([[3.],
            [1.]])
    """
    index, table = array_in(input), array_in(weight, "weight")
    if sparse:
        raise ArgumentError("embedding: sparse gradients are left out")
    if index.dtype not in (np.int64, np.int32):
        raise DTypeError(f"embedding: the input is {index.dtype}, expected int64 or int32 indices; call .long()")
    if table.ndim != 2:
        raise ShapeError(f"embedding: weight has shape {table.shape}, expected (num_embeddings, embedding_dim)")
    rows = len(table)
    bad = (index < 0) | (index >= rows)
    if bad.any():
        place = tuple(int(k) for k in np.argwhere(bad)[0])
        where = f" at {place[0] if len(place) == 1 else place}" if place else ""
        raise IndexOutOfRange(
            f"embedding: index {index[bad][0]}{where} is out of range for {rows} embeddings, 0 to {rows - 1}"
        )
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise ArgumentError(f"padding_idx: got {padding_idx}, expected {-rows} to {rows - 1}")
        padding_idx %= rows
    if max_norm is not None:
        shorten(weight, np.unique(index), max_norm, norm_type)
    y = ops.getitem(weight, index=(own_copy(input), ...))
    if scale_grad_by_freq:
        _, row, counts = np.unique(index, return_inverse=True, return_counts=True)
        share = (1 / counts[row].reshape(*index.shape, 1)).astype(table.dtype)
        values = as_array(y)
        y = ops.where(np.isfinite(values), ops.add(values, ops.mul(ops.sub(y, values), share)), y)
    if padding_idx is None:
        return y
    return ops.where((index == padding_idx)[..., None], as_array(y), y)


def shorten(weight: Any, rows: np.ndarray[Any, Any], max_norm: float, p: float) -> None:
    """Scale these rows of weight down to max_norm where they are longer, in place."""
    with no_grad():
        lengths = as_array(norm(weight[rows], p, 1, keepdim=True))
        rows, lengths = rows[lengths[:, 0] > max_norm], lengths[lengths > max_norm, None]
        if rows.size:
            weight[rows] = weight[rows] * (max_norm / (lengths + 1e-7))
