"""`load`: an ONNX file as a Module. The package onnx reads the format; here it is mapped to minidl."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minidl

from .. import nn
from ..errors import ArgumentError, ArgumentTypeError, MinidlError, NotSupported, ShapeError, StateError
from .operators import OPERATORS, Attributes
from .operators.values import Array, tensor
from .writing import package

LEAST_OPSET = 1  # older operators are taken to be as in version 9
DOMAINS = ("", "ai.onnx")
FIGURES = {"BatchNormalization": (3, 4)}  # inputs that are measured, not trained
Values = dict[str, Any]


def load(path: str | os.PathLike[str] | bytes) -> OnnxModule:
    """Return what an ONNX file, or its bytes, holds as a Module.

    It is called with the inputs in the order of `input_names`, as Tensors or arrays, or by name, and returns the
    outputs in the order of `output_names`. Its floating-point weights are parameters, so it can be trained. Data beside
    the file is read from the model's own folder alone.

    Raises NotSupported, a NotImplementedError, that names all operators which are not known; StateError for a file that
    is damaged or makes no sense. No code is run.

    >>> import minidl, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "model.onnx")
    >>> net = minidl.nn.Linear(3, 2)
    >>> minidl.onnx.export(net, minidl.zeros(1, 3), path)
    >>> again = minidl.onnx.load(path)
    >>> x = minidl.ones(4, 3)
    >>> minidl.allclose(again(x), net(x))
    True
    """
    onnx = package()
    if isinstance(path, bytes):
        content, folder, name = path, None, "the bytes"
    else:
        file = Path(path)
        if not file.is_file():
            raise StateError(f"{file}: there is no such file")
        content, folder, name = file.read_bytes(), file.resolve().parent, str(file)
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(content)
    except Exception as error:
        raise StateError(f"{name}: not an ONNX file, or a damaged one ({error})") from error
    if not proto.HasField("graph") or not proto.opset_import:
        raise StateError(f"{name}: not an ONNX file: it has no graph or no version of operators")
    versions = {entry.domain: entry.version for entry in proto.opset_import}
    version = versions.get("", versions.get("ai.onnx", 0))
    newest = onnx.defs.onnx_opset_version()
    if not LEAST_OPSET <= version <= newest:
        raise NotSupported(f"{name}: has operators of version {version}, expected {LEAST_OPSET} to {newest}")
    if proto.functions:
        raise NotSupported(f"{name}: has functions of its own ({proto.functions[0].name}), which are not supported")
    missing = sorted(unknown(proto.graph))
    if missing:
        raise NotSupported(f"{name}: has operators that are not supported: {', '.join(missing)}")
    try:
        told = {entry.key: entry.value for entry in proto.metadata_props}
        return OnnxModule(proto.graph, version, folder, name, told)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        if isinstance(error, MinidlError):
            raise
        raise StateError(f"{name}: a damaged ONNX file ({error})") from error


def unknown(graph: Any) -> set[str]:
    """Return the operators of a graph and the graphs inside it that are not known."""
    found = set()
    for node in graph.node:
        if node.domain not in DOMAINS or node.op_type not in {*OPERATORS, "If", "Constant"}:
            found.add(f"{node.domain}.{node.op_type}" if node.domain not in DOMAINS else node.op_type)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                found |= unknown(attribute.g)
    return found


class Node:
    """One operator of a graph: where its inputs come from, and where its outputs go."""

    def __init__(self, proto: Any, version: int, folder: Path | None) -> None:
        onnx = package()
        self.kind, self.name = proto.op_type, proto.name
        self.inputs, self.outputs = list(proto.input), list(proto.output)
        given: dict[str, Any] = {}
        self.graphs: dict[str, Graph] = {}
        for attribute in proto.attribute:
            if attribute.HasField("g"):
                self.graphs[attribute.name] = Graph(attribute.g, version, folder)
            elif attribute.HasField("t"):
                given[attribute.name] = values_of(attribute.t, folder)
            else:
                value: Any = onnx.helper.get_attribute_value(attribute)
                value = value.decode() if isinstance(value, bytes) else value
                words = isinstance(value, list) and value and isinstance(value[0], bytes)
                given[attribute.name] = [word.decode() for word in value] if words else value
        self.attributes = Attributes(given, version, len(self.outputs))
        self.function = OPERATORS.get(self.kind)

    def run(self, values: Values) -> None:
        """Compute the outputs from the values, and put them there."""
        if self.kind == "If":
            chosen = bool(np.asarray(values[self.inputs[0]]).reshape(-1)[0])
            made: Any = self.graphs["then_branch" if chosen else "else_branch"].run(dict(values))
        else:
            assert self.function is not None
            try:
                made = self.function(self.attributes, *[values[name] if name else None for name in self.inputs])
            except (ValueError, TypeError, IndexError, RuntimeError) as error:
                raise ShapeError(f"{self.kind} {self.name or self.outputs[0]}: {error}") from error
            if not isinstance(made, tuple):
                made = (made,)
        for name, value in zip(self.outputs, made, strict=False):
            if name:
                values[name] = value


def nodes_of(proto: Any, version: int, folder: Path | None) -> tuple[list[Node], dict[str, Array]]:
    """Return the nodes of a graph, and the values of those that are constants."""
    nodes = [Node(node, version, folder) for node in proto.node]
    made = {node.outputs[0]: constant(node.attributes) for node in nodes if node.kind == "Constant"}
    return [node for node in nodes if node.kind != "Constant"], made


class Graph:
    """Nodes in their order, with the constants of the graph."""

    def __init__(self, proto: Any, version: int, folder: Path | None) -> None:
        self.constants = {entry.name: tensor(values_of(entry, folder)) for entry in proto.initializer}
        self.nodes, made = nodes_of(proto, version, folder)
        self.constants.update({name: tensor(value) for name, value in made.items()})
        self.outputs = [value.name for value in proto.output]

    def run(self, values: Values) -> tuple[Any, ...]:
        """Return the outputs; `values` has what comes from outside."""
        values.update(self.constants)
        for node in self.nodes:
            node.run(values)
        return tuple(values[name] for name in self.outputs)


class OnnxModule(nn.Module):
    """A model of an ONNX file: `minidl.onnx.load` makes it."""

    def __init__(self, proto: Any, version: int, folder: Path | None, source: str, metadata: Mapping[str, str]) -> None:
        super().__init__()
        self.version, self.source, self.metadata = version, source, dict(metadata)
        weights = {entry.name: entry for entry in proto.initializer}
        self.input_names = [value.name for value in proto.input if value.name not in weights]
        self.output_names = [value.name for value in proto.output]
        self.nodes, made = nodes_of(proto, version, folder)
        check_order(self.nodes, {*weights, *made, *self.input_names}, self.output_names, source)
        self.kinds = {value.name: kind_of(value) for value in proto.input}
        figures = {node.inputs[k] for node in self.nodes for k in FIGURES.get(node.kind, ()) if k < len(node.inputs)}
        self.attribute_of: dict[str, str] = {}  # where a weight is kept, for its name in the file
        self.constants: Values = {}
        for name, values in [*((name, values_of(entry, folder)) for name, entry in weights.items()), *made.items()]:
            if name in made and (values.dtype.kind != "f" or values.ndim == 0):
                self.constants[name] = tensor(values)
                continue
            attribute = self.attribute_of[name] = self.free_name(name)
            trained = values.dtype.kind == "f" and name not in figures
            setattr(self, attribute, nn.Parameter(values) if trained else nn.Buffer(values))

    def free_name(self, name: str) -> str:
        """Return the name of an attribute for a weight."""
        base = re.sub(r"\W", "_", name) or "weight"
        base = f"w_{base}" if base[0].isdigit() or hasattr(type(self), base) or base in self.__dict__ else base
        word, number = base, 1
        while word in self.__dict__:
            number += 1
            word = f"{base}_{number}"
        return word

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the output, or a tuple of several."""
        if len(args) > len(self.input_names):
            raise ArgumentTypeError(f"the model has {len(self.input_names)} inputs, got {len(args)}")
        given = {**dict(zip(self.input_names, args, strict=False)), **kwargs}
        if strange := set(given) - set(self.input_names):
            raise ArgumentTypeError(f"there is no input {min(strange)!r}; there are {', '.join(self.input_names)}")
        if missing := [name for name in self.input_names if name not in given]:
            raise ArgumentTypeError(f"the input {missing[0]!r} is missing; there are {', '.join(self.input_names)}")
        values: Values = {name: self.taken(name, value) for name, value in given.items()}
        values.update(self.constants)
        for name, attribute in self.attribute_of.items():
            values[name] = getattr(self, attribute)
        for node in self.nodes:
            node.run(values)
        outputs = tuple(
            values[name].detach() if name in self.attribute_of else values[name] for name in self.output_names
        )
        return outputs[0] if len(outputs) == 1 else outputs

    def taken(self, name: str, value: Any) -> Any:
        """Return an input as a Tensor, if its type and shape are what the file says."""
        x = value if isinstance(value, minidl.Tensor) else tensor(np.asarray(value))
        dtype, shape = self.kinds.get(name, (None, None))
        if dtype is not None and np.dtype(str(x.dtype)) != dtype:
            raise ArgumentTypeError(f"input {name!r} is {x.dtype}, expected {dtype}")
        if shape is not None:
            fits = len(shape) == x.ndim and all(n in (None, m) for n, m in zip(shape, x.shape, strict=True))
            if not fits:
                raise ShapeError(f"input {name!r} has shape {tuple(x.shape)}, expected {shape}")
        return x

    def extra_repr(self) -> str:
        """Return inputs, outputs and operators."""
        counts: dict[str, int] = {}
        for node in self.nodes:
            counts[node.kind] = counts.get(node.kind, 0) + 1
        shown = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        return f"inputs={self.input_names}, outputs={self.output_names}, version={self.version}\n{shown}"


def kind_of(value: Any) -> tuple[Any, Any]:
    """Return the dtype and shape that an input declares, with None for what it leaves open."""
    onnx = package()
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type") or not kind.elem_type:
        return None, None
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type))
    if not kind.HasField("shape"):
        return dtype, None
    return dtype, tuple(size.dim_value if size.dim_value > 0 else None for size in kind.shape.dim)


def check_order(nodes: Sequence[Node], known: set[str], outputs: Sequence[str], source: str) -> None:
    """Refuse a graph in which a value is used before it is made, as in a circle, or made twice."""
    for node in nodes:
        for name in node.inputs:
            if name and name not in known:
                raise StateError(f"{source}: {node.kind} {node.name} uses {name!r}, which nothing before it makes")
        for name in node.outputs:
            if name and name in known:
                raise StateError(f"{source}: {name!r} is made twice, the second time by {node.kind} {node.name}")
            known.add(name)
    for name in outputs:
        if name not in known:
            raise StateError(f"{source}: the output {name!r} is not made by anything")


def constant(attributes: Attributes) -> Array:
    """Return the value of a Constant."""
    for name, dtype in (("value_float", np.float32), ("value_floats", np.float32), ("value_int", np.int64),
                        ("value_ints", np.int64)):  # fmt: skip
        if attributes.get(name) is not None:
            return np.array(attributes.get(name), dtype)
    if attributes.get("value") is None:
        raise NotSupported("Constant: expected numbers")
    value: Array = attributes.get("value")
    return value


def values_of(entry: Any, folder: Path | None) -> np.ndarray[Any, Any]:
    """Return the values of a stored tensor, if it has as many bytes as its shape says."""
    onnx = package()
    dims = list(entry.dims)
    if any(size < 0 for size in dims):
        raise StateError(f"the tensor {entry.name!r} has the shape {dims}")
    try:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(entry.data_type))
    except KeyError as error:
        raise StateError(f"the tensor {entry.name!r} has the unknown type {entry.data_type}") from error
    if dtype.kind not in "fiub":
        raise NotSupported(f"the tensor {entry.name!r} is of {dtype}, expected numbers or bool")
    count = 1
    for size in dims:
        count *= size
    if entry.data_location == onnx.TensorProto.EXTERNAL:
        return external(entry, dims, count * dtype.itemsize, dtype, folder)
    held = (
        len(entry.raw_data) // dtype.itemsize
        if entry.HasField("raw_data")
        else max(
            len(getattr(entry, name))
            for name in ("float_data", "int32_data", "int64_data", "double_data", "uint64_data")
        )
    )
    if held != count:
        raise StateError(f"the tensor {entry.name!r} of shape {dims} should hold {count} numbers, it has {held}")
    values = np.array(onnx.numpy_helper.to_array(entry))
    return values.astype(np.float32) if dtype.name == "bfloat16" else values


def external(entry: Any, dims: list[int], size: int, dtype: np.dtype[Any], folder: Path | None) -> np.ndarray[Any, Any]:
    """Return values that are in another file, which must be in the model's folder, and not by a link out of it."""
    told: Mapping[str, str] = {pair.key: pair.value for pair in entry.external_data}
    location = told.get("location", "")
    if folder is None:
        raise ArgumentError(f"the tensor {entry.name!r} is in the file {location!r}; give load the path of the model")
    path = (folder / location).resolve()
    if not location or Path(location).is_absolute() or not path.is_relative_to(folder) or not path.is_file():
        raise StateError(f"the tensor {entry.name!r} is in {location!r}, expected a file in the model's folder")
    offset, length = int(told.get("offset", 0)), int(told.get("length", size))
    if offset < 0 or length != size or offset + length > path.stat().st_size:
        raise StateError(f"the tensor {entry.name!r} should take {size} bytes of {location!r}, there are not so many")
    return np.fromfile(path, dtype, size // dtype.itemsize, offset=offset).reshape(dims)
