"""What an ONNX file says of images, tables and arrays: `minidl predict model.onnx FILE ...`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minidl

from .. import onnx
from ..data import read_csv, read_image
from ..errors import ArgumentError, StateError
from .source import Array, best_class
from .tables import delimiter


def predicted_by_file(path: Path, files: Sequence[Path]) -> list[dict[str, Any]]:
    """Return what a model in an ONNX file says of each image file, row of a CSV file or sample of a .npy file.

    Images are brought to the size of its input, from 0 to 1. A model whose file names its classes gives the likeliest
    one, any other its outputs.
    """
    model = onnx.load(path).eval()
    if len(model.input_names) != 1:
        raise ArgumentError(f"{path}: has the inputs {', '.join(model.input_names)}; predict knows models of one input")
    _, shape = model.kinds[model.input_names[0]]
    classes, features = (listed(model.metadata.get(name, "[]"), path) for name in ("classes", "features"))
    answers = []
    for file in files:
        names, x = samples(file, shape, features)
        with minidl.no_grad():
            outputs = model(minidl.from_numpy(x))
        rows = outputs[0] if isinstance(outputs, tuple) else outputs
        for name, row in zip(names, rows, strict=True):
            fits = row.ndim == 1 and len(classes) == row.shape[0] > 1
            answers.append({"file": name, **(best_class(classes)(row) if fits else {"output": row.tolist()})})
    return answers


def listed(text: str, path: Path) -> list[str]:
    """Return the texts of a list in the metadata."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise StateError(f"{path}: the metadata are no lists of names ({error})") from error
    return [str(item) for item in found] if isinstance(found, list) else []


def samples(file: Path, shape: Any, features: Sequence[str]) -> tuple[list[str], Array]:
    """Return names and inputs of the samples in a file."""
    if file.suffix == ".npy":
        try:
            x = np.load(file, allow_pickle=False)
        except ValueError as error:
            raise StateError(f"{file}: not an array ({error})") from error
        return [f"{file}, sample {k + 1}" for k in range(len(x))], x
    if file.suffix.lower() in (".csv", ".tsv"):
        names, values = read_csv(file, delimiter=delimiter(file))
        wanted = [name for name in features if name in names] if set(features) <= set(names) else names
        x = values[:, [names.index(name) for name in wanted]].astype(np.float32)
        return [f"{file}, row {k + 1}" for k in range(len(x))], x
    if shape is None or len(shape) != 4 or shape[1] not in (1, 3) or None in shape[2:]:
        raise ArgumentError(f"{file}: the model takes no images but arrays of {shape}; give it a .npy or .csv file")
    return [str(file)], picture(file, shape[1], shape[2], shape[3])


def picture(file: Path, channels: int, height: int, width: int) -> Array:
    """Return an image file as (1, channels, height, width), from 0 to 1."""
    try:
        pixels = read_image(file, "L" if channels == 1 else "RGB")
    except ImportError as error:
        raise ArgumentError(str(error)) from error
    from PIL import Image

    sized = np.asarray(Image.fromarray(pixels).resize((width, height)), np.float32) / 255
    return np.ascontiguousarray(sized.reshape(height, width, channels).transpose(2, 0, 1)[None])
