"""The page that plays a captured run: one HTML file, the records in it as JSON, read by page.js.

All text reaches the page through JSON and textContent, so nothing of it is ever read as HTML. Numbers travel as Python
writes them (repr), which names each float exactly.
"""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import os
import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..capture import Call, Origin, Source, Walk, capture
from ..explain import kernel_files, names_in, rules
from ..operation import Fused, Primitive

Array = np.ndarray[Any, Any]
Record = dict[str, Any]

ROWS, COLUMNS = (6, 2), (7, 3)  # how many of the first and of the last are shown of a large array
PICTURE = (48, 120)  # rows and columns of its picture, at most
LONG, FEW = 1000, (2, 1)  # in a run of more steps than this, so few rows and columns are shown, and no picture


def html(run: capture, title: str = "") -> str:
    """Return the page of a run."""
    here = Path(__file__).parent
    parts = {name: (here / f"page.{name}").read_text(encoding="utf-8") for name in ("html", "css", "js")}
    told = Data(len(run.steps) > LONG).of_run(run)
    text = json.dumps({"title": title or "One run, number by number", **told}, separators=(",", ":"))
    parts["json"] = text.replace("<", "\\u003c")  # so that no text in it can end the script element
    return re.sub(r"<!--(css|js|json)-->", lambda place: parts[place[1]], parts["html"])


class Data:
    """Turns records into what page.js reads; equal arrays and operations are written once."""

    def __init__(self, long: bool) -> None:
        self.long = long
        self.values: list[Record] = []
        self.ops: list[Record] = []
        self.known: dict[Any, int] = {}

    def of_run(self, run: capture) -> Record:
        """Return all that the page knows of a run."""
        return {**self.of_part(run), "modules": run.modules, "values": self.values, "ops": self.ops}

    def of_part(self, run: capture) -> Record:
        """Return the calls and steps of a run, or of the formula of a fused call."""
        calls = [self.of_call(call) for call in run.calls]
        steps = []
        for step in run.steps:
            if isinstance(step, Call):
                phase = "update" if "w" in step.outputs and isinstance(step.op, type) else "forward"
                steps.append({"phase": phase, "call": step.number})
                continue
            number = step.call
            if number is None:
                number = len(calls)
                calls.append(self.of_earlier(step, number))
            steps.append(
                {"phase": "backward", "call": number, "g": self.of_all(step.g), "sent": self.of_all(step.sent)}
            )
        return {"calls": calls, "steps": steps}

    def of_call(self, call: Call) -> Record:
        """Return a call, with the calls in its formula if it is fused."""
        return {
            "number": call.number,
            "op": self.of_op(call.op),
            "path": call.path,
            **place(call.source),
            "options": [[name, brief(value)] for name, value in call.options.items()],
            "pattern": pattern(call),
            "inputs": self.of_all(call.inputs, call.origins),
            "outputs": self.of_all(call.outputs),
            "inner": self.of_part(call.formula()) if call.fused else None,
        }

    def of_earlier(self, step: Walk, number: int) -> Record:
        """Return a call from before the capture, of which only the backward was seen."""
        nothing: Record = {"path": "", "options": [], "pattern": "", "inputs": [], "outputs": [], "inner": None}
        return {**nothing, "number": number, "op": self.of_op(step.op), **place(step.source), "earlier": True}

    def of_all(self, values: dict[str, Any], origins: dict[str, Origin] | None = None) -> list[Record]:
        """Return named values and where they came from."""
        records = []
        for name, value in values.items():
            origin = (origins or {}).get(name, Origin())
            records.append({"name": name, "from": origin.call, "leaf": origin.name, **self.of_value(value)})
        return records

    def of_value(self, value: Any) -> Record:
        """Return where among the values an array stands, or the text of what is none."""
        if not isinstance(value, np.ndarray):
            return {"text": brief(value)}
        key = value.shape, value.dtype.str, hashlib.blake2b(value.tobytes()).digest()
        if key not in self.known:
            self.known[key] = len(self.values)
            self.values.append(summary(value, self.long))
        return {"value": self.known[key]}

    def of_op(self, op: Any) -> int:
        """Return where among the operations this one stands."""
        if op not in self.known:
            self.known[op] = len(self.ops)
            formula, more = described(op)
            self.ops.append(
                {
                    "name": op.__name__ if isinstance(op, type) else op.name,
                    "kind": "fused" if isinstance(op, Fused) else "primitive" if isinstance(op, Primitive) else "",
                    "formula": formula,
                    "more": more,
                    "derivative": derivative(op),
                    "rules": rules(op),
                }
            )
        return self.known[op]


# -- operations in words ---------------------------------------------------------------------------------------------


def described(op: Any) -> tuple[str, str]:
    """Return the formula of an operation, the first paragraph of its docstring, and the rest before any example."""
    text = inspect.cleandoc((op.forward if isinstance(op, Primitive) else op).__doc__ or "")
    first, _, more = re.sub(r"\n+>>>.*", "", text, flags=re.DOTALL).partition("\n\n")
    return " ".join(first.replace("`", "").replace("<-", "←").split()), more


def derivative(op: Any) -> str:
    """Return the derivative of a fused operation in a formula: the first line of its backward kernel's loops."""
    if not isinstance(op, Fused):
        return ""
    for stem in kernel_files(op):
        twins = import_module(f"minidl.reference.{stem}")
        for name in names_in(op.kernel_vjp.__code__):
            kernel = name.removeprefix("kernels.")
            twin = getattr(twins, f"{kernel}_formula", getattr(twins, kernel, None))
            if twin is not None:
                return (twin.__doc__ or "").partition("\n\n")[0].strip()
    return ""


def pattern(call: Call) -> str:
    """Return the right-hand side of a formula that holds element by element, for the numbers to be put in."""
    if call.name == "SGD" and not any(call.options.get(name) for name in ("momentum", "weight_decay", "maximize")):
        return f"w - {call.options['lr']} * g"
    if not isinstance(call.op, Primitive) or not call.op.elementwise or call.name == "where":
        return ""
    formula = described(call.op)[0]
    side = re.match(r"y = ((?:[^,;:()]|\([^()]*\))+)", formula)
    return side[1].rstrip(". ") if side else ""


def place(source: Source) -> Record:
    """Return the line that made a call; its file from the working directory on, else its name alone."""
    path = os.path.relpath(source.file) if os.path.isabs(source.file) and on_this_drive(source.file) else source.file
    file = os.path.basename(source.file) if path.startswith("..") else path
    return {"file": file.replace(os.sep, "/"), "line": source.line, "text": source.text}


def on_this_drive(file: str) -> bool:
    """Can the file be reached by a relative path?"""
    return os.path.splitdrive(file)[0] == os.path.splitdrive(os.getcwd())[0]


def brief(value: Any) -> str:
    """Return a short text for an option or a plain input."""
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.size <= 8 else f"array of {value.dtype}, shape {value.shape}"
    if isinstance(value, tuple | list):
        inside = ", ".join(map(brief, value))
        text = f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    else:
        text = "..." if value is ... else str(value) if isinstance(value, np.dtype | str) else repr(value)
    return text if len(text) <= 200 else f"{text[:199]}…"


# -- arrays in excerpts ----------------------------------------------------------------------------------------------


def summary(array: Array, long: bool) -> Record:
    """Return what the page shows of an array: as a matrix of its last dimension, whole or in part, and its figures."""
    width = array.shape[-1] if array.ndim else 1
    matrix = array.reshape(array.size // width if width else 0, width)
    rows, columns = ends(matrix.shape[0], FEW if long else ROWS), ends(matrix.shape[1], FEW if long else COLUMNS)
    record: Record = {
        "shape": array.shape,
        "dtype": str(array.dtype),
        "rows": rows,
        "columns": columns,
        "cells": " ".join(map(repr, matrix[np.ix_(rows, columns)].ravel().tolist())),
        "figures": figures(array),
    }
    if len(rows) * len(columns) < array.size and not long:
        record["picture"] = picture(array)
    return record


def ends(size: int, most: Sequence[int]) -> list[int]:
    """Return the places that are shown: all, or the first and the last."""
    first, last = most
    return list(range(size)) if size <= first + last else [*range(first), *range(size - last, size)]


def figures(array: Array) -> list[tuple[str, str]]:
    """Return minimum, maximum, mean and standard deviation of the finite elements, and how many are not."""
    if array.size < 2 or array.dtype.kind not in "iuf":
        return []
    wide = array.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    told = []
    if finite.size:
        with np.errstate(over="ignore", invalid="ignore"):
            told = [(name, repr(float(getattr(finite, name)()))) for name in ("min", "max", "mean", "std")]
    lost = [("nan", np.isnan(wide).sum()), ("inf", np.isinf(wide).sum())]
    return [*told, *[(name, str(count)) for name, count in lost if count]]


def picture(array: Array) -> Record:
    """Return a small picture of an array: the means of blocks of its matrix, as bytes from -127 to 127 around zero.

    Of an array of matrices, such as images, the first stand side by side.
    """
    planes = array.reshape(-1, *array.shape[-2:]) if array.ndim > 1 else array.reshape(1, 1, -1)
    count = min(len(planes), max(1, PICTURE[1] // (planes.shape[2] + 1)))
    padded = np.pad(planes[:count].astype(np.float64), ((0, 0), (0, 0), (0, int(count > 1))))
    matrix = means = np.nan_to_num(np.concatenate(list(padded), axis=1), posinf=0, neginf=0)
    for axis, most in enumerate(PICTURE):
        size = means.shape[axis]
        edges = np.unique(np.linspace(0, size, min(size, most), endpoint=False).astype(int))
        means = np.add.reduceat(means, edges, axis) / np.expand_dims(np.diff([*edges, size]), 1 - axis)
    levels = np.rint(means / (np.abs(means).max() or 1.0) * 127).astype(np.int8)
    which = f"the first {count} of {len(planes)}, " if len(planes) > 1 else ""
    blocks = "each point one element" if means.shape == matrix.shape else "each point the mean of a block"
    return {
        "height": means.shape[0],
        "width": means.shape[1],
        "note": which + blocks,
        "bytes": base64.b64encode(levels.tobytes()).decode(),
    }
