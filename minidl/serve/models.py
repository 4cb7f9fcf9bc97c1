"""What is served: a function on arrays whose inputs and outputs have names, datatypes and shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import minidl

from .. import runs
from ..errors import ArgumentError, StateError

Array = np.ndarray[Any, Any]

# The protocol's names of the element types.
DATATYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_), "UINT8": np.dtype(np.uint8), "INT8": np.dtype(np.int8), "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32), "INT64": np.dtype(np.int64), "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32), "FP64": np.dtype(np.float64),
}  # fmt: skip
NAMES = {dtype: name for name, dtype in DATATYPES.items()}


@dataclass
class Field:
    """An input or an output; -1 in its shape is any size."""

    name: str
    datatype: str
    shape: list[int]

    @property
    def batched(self) -> bool:
        """Whether the first dimension is that of the samples."""
        return self.shape[:1] == [-1]


@dataclass
class Model:
    """A model that is served: `run` takes the inputs and returns the outputs, each in the declared order."""

    name: str
    inputs: list[Field]
    outputs: list[Field]
    run: Callable[[Sequence[Array]], list[Array]]
    platform: str = "minidl"
    classes: Sequence[str] = ()
    features: Sequence[str] = ()  # what the numbers of a sample are called
    tokens: Callable[[str], Array] | None = None  # what a text is for the network

    @property
    def batched(self) -> bool:
        """Whether the samples of several requests can be computed together."""
        return all(each.batched for each in [*self.inputs, *self.outputs])

    def for_page(self) -> dict[str, Any]:
        """Return what the page asks a person for, and the names that it shows."""
        shape = self.inputs[0].shape if len(self.inputs) == 1 else []
        image = len(shape) == 4 and shape[1] in (1, 3) and self.inputs[0].datatype == "FP32"
        kind = "text" if self.tokens else "image" if image else "numbers"
        return {"kind": kind, "classes": list(self.classes), "features": list(self.features)}


def of_run(name: str, deployed: runs.Deployed) -> Model:
    """Return a trained network as a model with one input and one output."""

    def run(arrays: Sequence[Array]) -> list[Array]:
        with minidl.inference_mode():
            return [deployed.network(minidl.from_numpy(arrays[0])).numpy()]

    deployed.network.eval()
    x = deployed.example.numpy()
    fields = [Field(name, NAMES[a.dtype], [-1, *a.shape[1:]]) for name, a in (("input", x), ("output", run([x])[0]))]
    return Model(name, fields[:1], fields[1:], run, "minidl", deployed.classes, deployed.features, deployed.tokens)


def of_onnx(name: str, path: Path) -> Model:
    """Return what is in an ONNX file, with the names, datatypes and shapes that it declares."""
    network = minidl.onnx.load(path).eval()
    import onnx

    graph = onnx.load(path, load_external_data=False).graph
    weights = {each.name for each in graph.initializer}

    def field(value: Any) -> Field:
        kind = value.type.tensor_type
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type) if kind.elem_type else None
        if dtype not in NAMES:
            raise StateError(f"{path}: {value.name} has elements of the type {dtype}, expected {', '.join(DATATYPES)}")
        return Field(value.name, NAMES[dtype], [size.dim_value or -1 for size in kind.shape.dim])

    def run(arrays: Sequence[Array]) -> list[Array]:
        with minidl.inference_mode():
            found = network(*map(minidl.from_numpy, arrays))
        return [np.asarray(each) for each in (found if isinstance(found, (tuple, list)) else (found,))]

    inputs = [field(value) for value in graph.input if value.name not in weights]
    return Model(name, inputs, [field(value) for value in graph.output], run, "onnx")


def open_model(path: Path, name: str = "") -> Model:
    """Return what is at a path as a model: a run's folder, the demo's weights or an ONNX file."""
    if not path.exists():
        raise StateError(f"{path}: there is no such file or folder")
    name = name or (path.resolve().name if path.is_dir() else path.stem)
    if "/" in name:
        raise ArgumentError(f"the name {name!r} has a / in it; give another, as in NAME=PATH")
    return of_onnx(name, path) if path.suffix == ".onnx" else of_run(name, runs.deployed(path))


def open_models(given: Sequence[str]) -> list[Model]:
    """Return the models that are given as PATH or NAME=PATH, each with a name of its own."""
    models: list[Model] = []
    for text in given:
        name, equals, path = text.partition("=")
        named = bool(equals) and not Path(text).exists()
        model = open_model(Path(path if named else text), name if named else "")
        if any(model.name == other.name for other in models):
            raise ArgumentError(f"{text}: there is a model {model.name!r} already; give another name, as in NAME=PATH")
        models.append(model)
    return models
