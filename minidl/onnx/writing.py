"""A model as an ONNX file, which other programs run: onnxruntime, browsers, phones."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

import minidl

from .. import nn
from ..errors import ArgumentError, ArgumentTypeError
from ..files import atomic_file
from .trace import Both, Trace, returned, sizes_of, tensors_in, trace

LEAST_OPSET = 13
MOST_BYTES = 2**31 - 2**20  # of a file in this format

Axes = Mapping[str, Mapping[int, str] | Sequence[int]]


def export(
    model: nn.Module, args: Any, path: str | os.PathLike[str], input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None, dynamic_axes: Axes | None = None, opset_version: int = 17,
    metadata: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write a model as an ONNX file that computes the same, in evaluation mode.

    The model runs on the example, and once more on one of other sizes; what it computes is what is written. Parameters
    and buffers keep their names of the state_dict. RNN, LSTM and GRU are ONNX's operators of these names.

    Args:
        model: the Module. Layers that scale the inputs are part of it, such as a fitted StandardScaler.
        args: an example of its arguments: a Tensor or an array, or a tuple of them; a dict at the end of the tuple
            holds arguments by name.
        path: where the file goes. An old one is replaced when the new one is complete.
        input_names, output_names: by default "input" and "output", with a number behind where there are several.
        dynamic_axes: which sizes may change, as {"input": {0: "batch", 2: "time"}} or {"input": [0, 2]}. By default
            the first of each input; {} fixes all sizes.
        opset_version: the version of ONNX's operators, 13 or newer.
        metadata: what else the file should say, such as {"classes": ["cat", "dog"]}: a text, or what JSON can hold. The
            file also declares the names, shapes and types of its inputs and outputs there.

    Raises NotSupported, with the line or the layer and its operation, for what ONNX can't say, such as a Python branch
    that depends on values, and ArgumentError for names and axes that do not fit the model.

    Unlike PyTorch's torch.onnx.export, sizes are fixed by dynamic_axes={} and the first of each input is dynamic.

    >>> import minidl, os, tempfile
    >>> from minidl import nn
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> path = os.path.join(tempfile.mkdtemp(), "model.onnx")
    >>> minidl.onnx.export(model, minidl.zeros(1, 4), path)
    >>> import onnxruntime
    >>> session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    >>> session.run(["output"], {"input": minidl.ones(5, 4).numpy()})[0].shape
    (5, 2)
    """
    onnx = package()
    if not isinstance(model, nn.Module):
        raise ArgumentTypeError(f"export: model is a {type(model).__name__}, expected an nn.Module")
    newest = onnx.defs.onnx_opset_version()
    if type(opset_version) is not int or not LEAST_OPSET <= opset_version <= newest:
        raise ArgumentError(f"opset_version: got {opset_version!r}, expected {LEAST_OPSET} to {newest}")
    given = args if isinstance(args, tuple) else (args,)
    kwargs = given[-1] if given and isinstance(given[-1], Mapping) else {}
    given = given[:-1] if kwargs else given
    arrays = [np.array(x.numpy(force=True) if isinstance(x, minidl.Tensor) else x) for x in tensors_in((given, kwargs))]
    inputs = names_for("input", input_names, len(arrays))
    weights = weights_of(model)
    for name in inputs:
        if name in weights:
            raise ArgumentError(f"input_names: {name!r} is the name of a parameter; give another")
    axes = [axes_of(name, x.ndim, dynamic_axes) for name, x in zip(inputs, arrays, strict=True)]
    with evaluating(model):
        seen = trace(model, given, kwargs, arrays, axes, lambda k: inputs[k])
    outputs = names_for("output", output_names, len(seen.outputs))
    if twice := set(inputs) & set(outputs):
        raise ArgumentError(f"output_names: {sorted(twice)[0]!r} is the name of an input; give another")
    for name in dynamic_axes or ():
        if name not in (*inputs, *outputs):
            raise ArgumentError(f"dynamic_axes: got {name!r}, expected one of {', '.join((*inputs, *outputs))}")
    proto = written(seen, weights, inputs, outputs, dynamic_axes or {}, opset_version)
    described(proto, metadata or {})
    if proto.ByteSize() > MOST_BYTES:
        raise ArgumentError(f"export: the model takes {proto.ByteSize()} bytes, and a file holds at most {MOST_BYTES}")
    onnx.checker.check_model(proto, full_check=True)
    with atomic_file(path) as file:
        file.write(proto.SerializeToString())


def package() -> Any:
    """Return the package onnx, or say how to get it."""
    try:
        import onnx
    except ImportError as error:
        raise ArgumentError('ONNX files need the package onnx: pip install "minidl[onnx]"') from error
    return onnx


def names_for(kind: str, names: Sequence[str] | None, count: int) -> list[str]:
    """Return the names of the inputs or the outputs."""
    if names is None:
        return [kind] if count == 1 else [f"{kind}_{k}" for k in range(count)]
    if isinstance(names, str) or not all(isinstance(name, str) and name for name in names):
        raise ArgumentTypeError(f"{kind}_names: got {names!r}, expected a list of names")
    if len(names) != count or len(set(names)) != count:
        raise ArgumentError(f"{kind}_names: got {list(names)}, expected {count} names, each another")
    return list(names)


def axes_of(name: str, ndim: int, dynamic_axes: Axes | None) -> dict[int, str]:
    """Return the names of an input's or an output's sizes that may change, by axis."""
    if dynamic_axes is None:
        return {0: "batch"} if ndim else {}
    given = dynamic_axes.get(name, {})
    named = given if isinstance(given, Mapping) else {axis: f"{name}_{axis}" for axis in given}
    for axis, label in named.items():
        if type(axis) is not int or not -ndim <= axis < ndim:
            raise ArgumentError(f"dynamic_axes: {name!r} has {ndim} dimensions, got axis {axis!r}")
        if not isinstance(label, str) or not label:
            raise ArgumentTypeError(f"dynamic_axes: {name!r}: got {label!r} for axis {axis}, expected a name")
    return {axis % ndim: label for axis, label in named.items()}


def weights_of(model: nn.Module) -> dict[str, Any]:
    """Return the parameters and buffers by their names."""
    named = (*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False))
    return {name: x.detach().numpy() for name, x in named}


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put all layers into evaluation mode for the block."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def written(
    seen: Trace, weights: Mapping[str, Any], inputs: list[str], outputs: list[str], axes: Axes, opset: int
) -> Any:
    """Return the file's content."""
    from onnx import helper

    from .converters import TABLE
    from .graph import Graph

    graph = Graph(opset, inputs, weights, seen.symbols)
    graph.taken.update(outputs)
    graph.write(seen.pairs, [origin for origin, _ in seen.outputs], TABLE)
    graph.path = ""
    for name, (origin, both) in zip(outputs, seen.outputs, strict=True):
        value = graph.of(origin, both)
        if value is None:
            value = graph.told(returned(name), both)
        graph.nodes.append(helper.make_node("Identity", [value], [name], name=name))
    graph.prune(outputs)

    def declared(name: str, both: Both) -> Any:
        dtype = helper.np_dtype_to_tensor_dtype(both[0].dtype)
        named = axes_of(name, both[0].ndim, axes)
        return helper.make_tensor_value_info(name, dtype, shape_of(name, both, named, seen))

    return helper.make_model(
        helper.make_graph(
            graph.nodes, "minidl",
            [declared(name, both) for name, both in zip(inputs, seen.inputs, strict=True)],
            [declared(name, both) for name, (_, both) in zip(outputs, seen.outputs, strict=True)],
            list(graph.initializers.values()),
        ),
        producer_name="minidl", producer_version=minidl.__version__,
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=helper.find_min_ir_version_for([helper.make_opsetid("", opset)]),
    )  # fmt: skip


def shape_of(name: str, both: Both, named: Mapping[int, str], seen: Trace) -> list[int | str]:
    """Return a declared shape: numbers, and names for sizes that may change."""
    symbols = {symbol.sizes: symbol.name for symbol in seen.symbols}
    shape: list[int | str] = []
    for axis, (a, b) in enumerate(sizes_of(both)):
        shape.append(a if a == b else named.get(axis) or symbols.get((a, b)) or f"{name}_{axis}")
    return shape


def described(proto: Any, metadata: Mapping[str, Any]) -> None:
    """Write what the file says of itself among its metadata: its inputs and outputs, and what the user adds."""
    from onnx import helper

    def fields(values: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": value.name,
                "shape": [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim],
                "dtype": helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name,
            }
            for value in values
        ]

    told = {"inputs": fields(proto.graph.input), "outputs": fields(proto.graph.output), **metadata}
    try:
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in told.items()}
    except TypeError as error:
        raise ArgumentTypeError(f"metadata: {error}; expected texts, and what JSON can hold") from None
    helper.set_model_props(proto, texts)
