"""How a Tensor prints: as PyTorch prints it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def number_format(array: np.ndarray[Any, Any]) -> Callable[[Any], str]:
    """Return how to write one element: whole numbers with a point, else four decimals, scientific for a wide range."""
    if array.dtype.kind != "f":
        width = max((len(str(x)) for x in array.ravel()), default=0)
        return lambda x: str(x).rjust(width)
    finite = np.abs(array[np.isfinite(array) & (array != 0)].astype(np.float64))
    if not np.all(finite == np.floor(finite)):
        wide = finite.max() / finite.min() > 1000 or finite.max() > 1e8 or finite.min() < 1e-4
        form = "{:.4e}" if wide else "{:.4f}"
    elif finite.size and (finite.max() / finite.min() > 1000 or finite.max() > 1e8) and finite.max() > 1e8:
        form = "{:.4e}"
    else:
        form = "{:.0f}."
    texts = [form.format(x) if np.isfinite(x) else str(x) for x in array.ravel().astype(np.float64)]
    width = max(map(len, texts), default=0)

    def write(x: Any) -> str:
        return (form.format(float(x)) if np.isfinite(x) else str(float(x))).rjust(width)

    return write


def shown(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the elements that are printed: all, or the three at each end of every dimension."""
    if array.size <= 1000:
        return array
    for axis, n in enumerate(array.shape):
        if n > 6:
            array = np.concatenate([array.take(range(3), axis), array.take(range(n - 3, n), axis)], axis)
    return array


def values_text(array: np.ndarray[Any, Any], indent: int) -> str:
    """Return the nested brackets, continued lines indented."""
    if array.ndim == 0:
        return number_format(array)(array[()]).strip()
    if array.size == 0:
        return "[]"
    write = number_format(shown(array))
    kinds: Any = {"float_kind": write, "int_kind": write, "bool": write}
    return np.array2string(
        array, separator=", ", prefix=" " * indent, formatter=kinds, threshold=1000, edgeitems=3, max_line_width=80
    )


def tensor_text(tensor: Any, name: str = "tensor") -> str:
    """Return tensor(values, dtype=..., grad_fn=...) with what is not the default."""
    array = tensor.array
    parts = [values_text(array, len(name) + 1)]
    if array.size == 0 and array.shape != (0,):
        parts.append(f"size={array.shape}")
    if array.dtype not in (np.float32, np.int64, np.bool_) or (array.size == 0 and array.dtype != np.float32):
        parts.append(f"dtype={array.dtype}")
    if tensor.node is not None:
        parts.append(f"grad_fn={tensor.node!r}")
    elif tensor.needs_grad:
        parts.append("requires_grad=True")
    return f"{name}({', '.join(parts)})"


def tensor_html(tensor: Any) -> str:
    """Return a notebook's view: kind, shape, dtype, and a vector or matrix as a table."""
    from html import escape

    array = tensor.array
    head = f"<b>{type(tensor).__name__}</b> {escape(str(array.shape))} {escape(str(array.dtype))}"
    if array.ndim not in (1, 2) or array.size > 1000 or array.size == 0:
        return f"{head}<pre>{escape(values_text(array, 0))}</pre>"
    write = number_format(array)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(write(x).strip())}</td>" for x in row) + "</tr>" for row in np.atleast_2d(array)
    )
    return f"{head}<table>{rows}</table>"
