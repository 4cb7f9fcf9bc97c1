"""Operators that arrange elements anew, look them up, or make them."""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl

from ... import nn
from ...errors import ShapeError
from .values import Attributes, Operator, array, axes_of, is_float, numbers, tensor

F = nn.functional
LARGEST = 2**31  # elements that an operator may make of a shape


def checked(shape: Any) -> tuple[int, ...]:
    """Return a shape that is neither negative nor absurdly large."""
    sizes = tuple(int(size) for size in shape)
    count = 1
    for size in sizes:
        count *= size
        if size < 0 or count > LARGEST:
            raise ShapeError(f"a shape of {list(sizes)} is asked for, expected at most {LARGEST} elements")
    return sizes


def reshape(attributes: Attributes, x: Any, shape: Any) -> Any:
    """x in another shape; 0 keeps a size, -1 is worked out."""
    sizes = numbers(shape)
    if not attributes.get("allowzero", 0):
        sizes = [x.shape[k] if size == 0 else size for k, size in enumerate(sizes)]
    if -1 in sizes and 0 in sizes:
        rest = int(np.prod([size for size in sizes if size != -1]))
        sizes[sizes.index(-1)] = 0 if rest == 0 else x.numel() // rest
    return x.reshape(*sizes) if sizes else x.reshape(())


def flatten(attributes: Attributes, x: Any) -> Any:
    """x as a matrix: the dimensions before the axis, and those from it on."""
    axis = attributes.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    rows = int(np.prod(x.shape[:axis]))
    return x.reshape(rows, int(np.prod(x.shape[axis:])))


def squeeze(attributes: Attributes, x: Any, axes: Any = None) -> Any:
    """x without dimensions of size 1."""
    chosen = axes_of(attributes, axes, 13)
    gone = [k for k, size in enumerate(x.shape) if size == 1] if chosen is None else [k % x.ndim for k in chosen]
    for k in gone:
        if x.shape[k] != 1:
            raise ShapeError(f"Squeeze: dimension {k} of {tuple(x.shape)} is not 1")
    sizes = [size for k, size in enumerate(x.shape) if k not in gone]
    return x.reshape(*sizes) if sizes else x.reshape(())


def unsqueeze(attributes: Attributes, x: Any, axes: Any = None) -> Any:
    """x with more dimensions of size 1."""
    chosen = axes_of(attributes, axes, 13) or []
    ndim = x.ndim + len(chosen)
    new = {k % ndim for k in chosen}
    rest = iter(x.shape)
    sizes = [1 if k in new else next(rest) for k in range(ndim)]
    return x.reshape(*sizes) if sizes else x


def transpose(attributes: Attributes, x: Any) -> Any:
    """x with its dimensions in another order, by default the reverse."""
    return x.permute(*attributes.get("perm", list(range(x.ndim))[::-1])) if x.ndim else x


def split(attributes: Attributes, x: Any, sizes: Any = None) -> Any:
    """Parts of x along an axis."""
    axis = attributes.get("axis", 0) % x.ndim
    given = attributes.get("split") if attributes.version < 13 else None if sizes is None else numbers(sizes)
    if given is None:
        count = attributes.get("num_outputs", attributes.outputs)
        each = -(-x.shape[axis] // count)
        given = [each] * (count - 1)
        given.append(x.shape[axis] - sum(given))
    return tuple(minidl.split(x, [int(n) for n in given], dim=axis))


def slices(
    attributes: Attributes, x: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None
) -> Any:
    """Parts of x between starts and ends; steps may be negative."""
    if attributes.version < 10:
        first, last, along = attributes.get("starts"), attributes.get("ends"), attributes.get("axes")
        step = None
    else:
        first, last = numbers(starts), numbers(ends)
        along, step = (None if v is None else numbers(v) for v in (axes, steps))
    along = list(range(len(first))) if along is None else along
    step = [1] * len(first) if step is None else step
    key: list[Any] = [slice(None)] * x.ndim
    flipped = []
    for begin, end, axis, by in zip(first, last, along, step, strict=True):
        places = range(x.shape[axis])[slice(begin, end, by)]
        if by > 0:
            key[axis] = slice(places.start, places.stop, by)
        elif len(places):  # take them forwards, and turn them round
            key[axis] = slice(places[-1], places[0] + 1, -by)
            flipped.append(axis % x.ndim)
        else:
            key[axis] = slice(0, 0)
    y = x[tuple(key)] if key else x
    return y.flip(*flipped) if flipped else y


def wrapped(indices: Any, size: int) -> Any:
    """Return indices with those from the end counted from the start."""
    values = np.asarray(indices).astype(np.int64)
    if values.size and (values.min() < -size or values.max() >= size):
        raise IndexError(f"index {values.min()} to {values.max()} in a dimension of {size}")
    return np.where(values < 0, values + size, values)


def gather(attributes: Attributes, x: Any, indices: Any) -> Any:
    """The slices of x at indices along an axis."""
    axis = attributes.get("axis", 0) % x.ndim
    places = wrapped(indices, x.shape[axis])
    y = minidl.index_select(x, axis, tensor(places.reshape(-1)))
    return (
        y.reshape(*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]) if x.ndim + places.ndim > 1 else y.reshape(())
    )


def gather_elements(attributes: Attributes, x: Any, indices: Any) -> Any:
    """y[i, j] = x[indices[i, j], j] for axis 0, and so on."""
    axis = attributes.get("axis", 0) % x.ndim
    return minidl.gather(x, axis, tensor(wrapped(indices, x.shape[axis])))


def gather_nd(attributes: Attributes, x: Any, indices: Any) -> Any:
    """y[i] = x[indices[i]], where the last dimension of indices is a place in x; the first ones may be a batch."""
    batch, places = attributes.get("batch_dims", 0), array(indices).astype(np.int64)
    lead = np.indices(places.shape[:-1], sparse=True)[:batch] if batch else []
    key = [tensor(np.broadcast_to(k, places.shape[:-1]).copy()) for k in lead]
    key += [tensor(wrapped(places[..., k], x.shape[batch + k])) for k in range(places.shape[-1])]
    return x[tuple(key)]


def expand(attributes: Attributes, x: Any, shape: Any) -> Any:
    """x broadcast with a shape."""
    return minidl.broadcast_to(x, checked(np.broadcast_shapes(tuple(x.shape), tuple(numbers(shape)))))


def tile(attributes: Attributes, x: Any, repeats: Any) -> Any:
    """x repeated along each dimension."""
    checked(size * n for size, n in zip(x.shape, numbers(repeats), strict=True))
    return minidl.tile(x, tuple(numbers(repeats)))


def pad(attributes: Attributes, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Any:
    """x with an edge; negative sizes cut."""
    if attributes.version < 11:
        sizes, fill = list(attributes.get("pads")), attributes.get("value", 0.0)
    else:
        sizes, fill = numbers(pads), 0 if value is None else array(value).reshape(-1)[0].item()
    chosen = list(range(x.ndim)) if axes is None else [k % x.ndim for k in numbers(axes)]
    edges = {k: (sizes[n], sizes[n + len(chosen)]) for n, k in enumerate(chosen)}
    mode = attributes.get("mode", "constant")
    for k, (before, after) in edges.items():
        checked([before + after + x.shape[k] if before + after > -x.shape[k] else 0])
        if mode == "constant":
            flat = [0, 0] * (x.ndim - 1 - k) + [before, after]
            x = F.pad(x, flat, value=fill)
            continue
        size, places = x.shape[k], np.arange(-before, x.shape[k] + after)
        if mode == "edge":
            places = places.clip(0, size - 1)
        elif mode == "wrap":
            places = places % size
        else:  # reflect
            period = max(1, 2 * (size - 1))
            places = places % period
            places = np.where(places >= size, period - places, places)
        x = minidl.index_select(x, k, tensor(places))
    return x


def depth_to_space(attributes: Attributes, x: Any) -> Any:
    """Channels laid out as blocks of pixels."""
    n, c, h, w = x.shape
    b = attributes.get("blocksize")
    if attributes.get("mode", "DCR") == "DCR":
        y = x.reshape(n, b, b, c // b**2, h, w).permute(0, 3, 4, 1, 5, 2)
    else:
        y = x.reshape(n, c // b**2, b, b, h, w).permute(0, 1, 4, 2, 5, 3)
    return y.reshape(n, c // b**2, h * b, w * b)


def space_to_depth(attributes: Attributes, x: Any) -> Any:
    """Blocks of pixels as channels."""
    n, c, h, w = x.shape
    b = attributes.get("blocksize")
    order = (0, 3, 5, 1, 2, 4) if attributes.get("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
    y = x.reshape(n, c, h // b, b, w // b, b).permute(*order)
    return y.reshape(n, c * b**2, h // b, w // b)


def shape_of(attributes: Attributes, x: Any) -> Any:
    """The sizes of x, from start to end."""
    return tensor(np.array(x.shape[attributes.get("start", 0) : attributes.get("end")], np.int64))


def counted(attributes: Attributes, start: Any, limit: Any, delta: Any) -> Any:
    """Numbers from start up to a limit."""
    a, b, d = (array(v).item() for v in (start, limit, delta))
    count = checked([max(0, int(np.ceil((b - a) / d)))])[0]
    return tensor((a + np.arange(count) * d).astype(array(start).dtype))


def constant_of_shape(attributes: Attributes, shape: Any) -> Any:
    """One value in a shape."""
    value = attributes.get("value")
    fill = np.zeros(1, np.float32) if value is None else value
    return tensor(np.full(checked(numbers(shape)), fill.reshape(-1)[0], fill.dtype))


def eye_like(attributes: Attributes, x: Any) -> Any:
    """Ones on a diagonal, in the shape of x."""
    import onnx

    kind = attributes.get("dtype")
    dtype: Any = array(x).dtype if kind is None else onnx.helper.tensor_dtype_to_np_dtype(kind)
    rows, columns = x.shape
    return tensor(np.eye(rows, columns, k=attributes.get("k", 0), dtype=dtype))


def one_hot(attributes: Attributes, indices: Any, depth: Any, values: Any) -> Any:
    """The second value where an index points, the first elsewhere."""
    size = int(array(depth).reshape(-1)[0])
    places = array(indices).astype(np.int64)
    axis = attributes.get("axis", -1) % (places.ndim + 1)
    checked([*places.shape, size])
    places = np.expand_dims(np.where(places < 0, places + size, places), axis)
    grid = np.arange(size).reshape(-1, *[1] * (places.ndim - 1 - axis))
    off, on = array(values)
    return tensor(np.where(places == grid, on, off).astype(array(values).dtype))


def top_k(attributes: Attributes, x: Any, k: Any = None) -> Any:
    """The k largest or smallest values along an axis, and where they are; of equal ones the first."""
    count = attributes.get("k") if attributes.version < 10 else int(array(k).reshape(-1)[0])
    axis = attributes.get("axis", -1) % x.ndim
    values = array(x)
    if attributes.get("largest", 1):
        order = np.flip(np.argsort(np.flip(values, axis), axis=axis, kind="stable"), axis)
        order = values.shape[axis] - 1 - order
    else:
        order = np.argsort(values, axis=axis, kind="stable")
    places = tensor(np.ascontiguousarray(order.take(range(count), axis=axis)))
    return minidl.gather(x, axis, places), places


def trilu(attributes: Attributes, x: Any, k: Any = None) -> Any:
    """The upper or lower triangle of matrices."""
    shift = 0 if k is None else int(array(k).reshape(-1)[0])
    shift = max(-(2**31), min(2**31, shift))
    mask = (np.triu if attributes.get("upper", 1) else np.tril)(np.ones(x.shape[-2:], bool), shift)
    return minidl.where(tensor(mask), x, minidl.zeros_like(x)) if is_float(x) else tensor(array(x) * mask)


REDUCTIONS = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def scatter_elements(attributes: Attributes, x: Any, indices: Any, updates: Any) -> Any:
    """x with updates written, or added, at indices along an axis."""
    axis = attributes.get("axis", 0) % x.ndim
    places = wrapped(indices, x.shape[axis])
    kind = attributes.get("reduction", "none")
    if kind == "none" and is_float(x):
        return minidl.scatter(x, axis, tensor(places), updates)
    key = list(np.indices(places.shape, sparse=True))
    key[axis] = places
    return written(x, tuple(key), updates, kind)


def scatter_nd(attributes: Attributes, x: Any, indices: Any, updates: Any) -> Any:
    """x with updates written, or added, at the places that the last dimension of indices names."""
    places = array(indices).astype(np.int64)
    key = tuple(wrapped(places[..., k], x.shape[k]) for k in range(places.shape[-1]))
    kind = attributes.get("reduction", "none")
    if kind in ("none", "add") and is_float(x):
        return minidl.index_put(x, tuple(map(tensor, key)), updates, accumulate=kind == "add")
    return written(x, key, updates, kind)


def written(x: Any, key: Any, updates: Any, kind: str) -> Any:
    """Return x with updates at a key."""
    result = array(x).copy()
    if kind == "none":
        result[key] = array(updates)
    else:
        REDUCTIONS[kind].at(result, key, array(updates))
    return tensor(result)


def concatenated(attributes: Attributes, *given: Any) -> Any:
    """Tensors side by side along an axis."""
    return minidl.cat(list(given), dim=attributes.get("axis"))


OPERATORS: dict[str, Operator] = {
    "Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Transpose": transpose,
    "Concat": concatenated, "Split": split, "Slice": slices, "Gather": gather, "GatherElements": gather_elements,
    "GatherND": gather_nd, "Expand": expand, "Tile": tile, "Pad": pad, "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth, "Shape": shape_of, "Size": lambda attributes, x: tensor(np.int64(x.numel())),
    "Range": counted, "ConstantOfShape": constant_of_shape, "EyeLike": eye_like, "OneHot": one_hot, "TopK": top_k,
    "Trilu": trilu, "ScatterElements": scatter_elements, "Scatter": scatter_elements, "ScatterND": scatter_nd,
}  # fmt: skip
