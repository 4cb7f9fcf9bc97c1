"""How a Tensor prints: as PyTorch prints it."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from . import dtypes

LINE = 80  # characters in a line
MANY = 1000  # a tensor of more elements is summarised,
ENDS = 3  # each dimension by so many at both ends


class Numbers:
    """How to write the elements of an array, all alike: whole numbers with a point, else four decimals.

    Scientific where the range is wide: the largest more than 1000 times the smallest or above 1e8, or one below 1e-4.
    """

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.form, seen = "{}", array.ravel()
        if array.dtype.kind == "f":
            seen = array[np.isfinite(array) & (array != 0)].astype(np.float64)
            sizes = [abs(x) for x in seen.tolist()] or [1.0]
            wide = max(sizes) / min(sizes) > 1000 or max(sizes) > 1e8 or min(sizes) < 1e-4
            self.form = "{:.4e}" if wide else "{:.0f}." if np.all(seen == np.ceil(seen)) else "{:.4f}"
        self.width = max((len(self.form.format(x)) for x in seen.tolist()), default=1)

    def write(self, x: Any) -> str:
        """Return one element as text."""
        return (self.form.format(x) if isfinite(x) else str(x)).rjust(self.width)


def shown(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the elements that are printed: all, or those at the ends of every dimension."""
    if array.size > MANY:
        for axis, n in enumerate(array.shape):
            if n > 2 * ENDS:
                array = array.take([*range(ENDS), *range(n - ENDS, n)], axis)
    return array


def nested(array: np.ndarray[Any, Any], numbers: Numbers, indent: int, summarised: bool) -> str:
    """Return the array in nested brackets, continued lines indented."""
    if array.ndim == 0:
        return numbers.write(array.item())
    parts: list[Any] = list(array) if array.ndim > 1 else array.tolist()
    cut = summarised and len(parts) > 2 * ENDS
    if cut:
        parts = [*parts[:ENDS], *parts[-ENDS:]]
    if array.ndim == 1:
        texts = [numbers.write(x) for x in parts]
    else:
        texts = [nested(part, numbers, indent + 1, summarised) for part in parts]
    if cut:
        texts.insert(ENDS, " ..." if array.ndim == 1 else "...")
    margin = " " * (indent + 1)
    if array.ndim == 1:
        per_line = max(1, (LINE - indent) // (numbers.width + 2))
        texts = [", ".join(texts[k : k + per_line]) for k in range(0, len(texts), per_line)]
    between = "," + "\n" * max(array.ndim - 1, 1) + margin
    return f"[{between.join(texts)}]"


def values_text(array: np.ndarray[Any, Any], indent: int) -> str:
    """Return the values in brackets, the middle of a large tensor left out."""
    return nested(array, Numbers(shown(array)), indent, array.size > MANY) if array.size else "[]"


def tensor_text(tensor: Any, name: str = "tensor") -> str:
    """Return tensor(values, dtype=..., grad_fn=...) with what is not the default."""
    array, indent = tensor.array, len(name) + 1
    notes = []
    if array.size == 0 and array.ndim != 1:
        notes.append(f"size={array.shape}")
    usual = (dtypes.get_default_dtype(), *([np.int64, np.bool_] if array.size else []))
    if array.dtype not in usual:
        notes.append(f"dtype={array.dtype}")
    if tensor.node is not None:
        notes.append(f"grad_fn={tensor.node!r}")
    elif tensor.needs_grad:
        notes.append("requires_grad=True")
    text = f"{name}({values_text(array, indent)}"
    used = len(text) - text.rfind("\n") + 1  # of the last line
    for note in notes:
        used += len(note) + 2
        if used > LINE:
            text, used = f"{text},\n{' ' * indent}{note}", indent + len(note)
        else:
            text = f"{text}, {note}"
    return f"{text})"


def tensor_html(tensor: Any) -> str:
    """Return a notebook's view: kind, shape, dtype, and a vector or matrix as a table."""
    from html import escape

    array = tensor.array
    head = f"<b>{type(tensor).__name__}</b> {escape(str(array.shape))} {escape(str(array.dtype))}"
    if array.ndim not in (1, 2) or array.size > MANY or array.size == 0:
        return f"{head}<pre>{escape(values_text(array, 0))}</pre>"
    numbers = Numbers(array)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(numbers.write(x).strip())}</td>" for x in row) + "</tr>"
        for row in np.atleast_2d(array).tolist()
    )
    return f"{head}<table>{rows}</table>"
