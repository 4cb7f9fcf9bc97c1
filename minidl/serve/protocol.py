"""The Open Inference Protocol, version 2, over HTTP: requests become arrays, arrays become answers.

A request is JSON, its tensors row by row as numbers:

    {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [0.5, 1.5]}]}

With the binary tensor extension a tensor says `"parameters": {"binary_data_size": 8}` in place of `data`, its
little-endian bytes follow the JSON, and the header Inference-Header-Content-Length says where the JSON ends. Source:
https://github.com/kserve/open-inference-protocol, and Triton's "binary tensor data extension".
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .models import DATATYPES, Field, Model

Array = np.ndarray[Any, Any]

MOST_BRACKETS = 500_000  # lists and objects in a request: an empty one takes thirty times its text in memory


class Refused(Exception):
    """A request that gets an error: a status of HTTP and a line that names the field."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


@dataclass
class Request:
    """What a client asks: the model's inputs in order, and which outputs it wants, each as JSON or as bytes."""

    inputs: list[Array]
    outputs: dict[str, bool]  # name -> whether as bytes
    id: str | None = None
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        self.rows = len(self.inputs[0]) if self.inputs and self.inputs[0].ndim else 1


def read_request(body: bytes, json_length: str | None, model: Model) -> Request:
    """Return what a body asks of a model, or raise Refused. No more memory is taken than the body's size allows."""
    header, binary = split(body, json_length)
    asked = read_json(header)
    known(asked, ("id", "inputs", "outputs", "parameters"), "the request")
    name = asked.get("id")
    if name is not None and not isinstance(name, str):
        raise Refused(400, f"id: expected a text, found {kind(name)}")
    return Request(read_inputs(asked.get("inputs"), binary, model), read_outputs(asked, model), name)


def split(body: bytes, json_length: str | None) -> tuple[bytes, memoryview]:
    """Return the JSON and the bytes behind it."""
    if json_length is None:
        return body, memoryview(b"")
    digits = json_length.strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 12 or int(digits) > len(body):
        raise Refused(
            400,
            f"Inference-Header-Content-Length: found {json_length[:40]!r}, expected the length of the JSON, "
            f"at most the body's {len(body)} bytes",
        )
    return body[: int(digits)], memoryview(body)[int(digits) :]


def read_json(text: bytes) -> dict[str, Any]:
    """Return a JSON object."""
    if text.count(b"[") + text.count(b"{") > MOST_BRACKETS:
        raise Refused(413, f"the body has more than {MOST_BRACKETS} lists; send the data flat or as bytes")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:100]
        raise Refused(400, f"the body is not JSON: {what}") from None
    return expected(found, dict, "the body")


def read_inputs(given: Any, binary: memoryview, model: Model) -> list[Array]:
    """Return the arrays of all inputs, in the model's order."""
    declared = {each.name: each for each in model.inputs}
    arrays: dict[str, Array] = {}
    start = 0
    for place, tensor in enumerate(expected(given, list, "inputs")):
        where = f"inputs[{place}]"
        expected(tensor, dict, where)
        name = expected(tensor.get("name"), str, f"{where}.name")
        if name not in declared:
            raise Refused(400, f"{where}.name: found {name[:100]!r}, expected one of {', '.join(declared)}")
        if name in arrays:
            raise Refused(400, f"{where}.name: {name!r} is given twice")
        known(tensor, ("name", "shape", "datatype", "parameters", "data"), where)
        shape = read_shape(tensor, declared[name], where)
        dtype = read_datatype(tensor, declared[name], where)
        size = read_parameters(tensor, where).get("binary_data_size")
        if size is None:
            arrays[name] = read_data(tensor, shape, dtype, where)
            continue
        arrays[name] = read_binary(tensor, binary[start:], size, shape, dtype, where)
        start += size
    if absent := [name for name in declared if name not in arrays]:
        raise Refused(400, f"inputs: {absent[0]!r} is missing; the model takes {', '.join(declared)}")
    if start != len(binary):
        raise Refused(400, f"the body has {len(binary)} bytes behind its JSON, its inputs name {start} of them")
    batched = [each.name for each in model.inputs if each.batched]
    if model.batched and len({len(arrays[name]) for name in batched}) > 1:
        sizes = ", ".join(f"{name} {len(arrays[name])}" for name in batched)
        raise Refused(400, f"inputs: the first dimension is the same for all, found {sizes}")
    return [arrays[each.name] for each in model.inputs]


def read_shape(tensor: dict[str, Any], declared: Field, where: str) -> tuple[int, ...]:
    """Return a shape that the model takes."""
    shape = expected(tensor.get("shape"), list, f"{where}.shape")
    fits = len(shape) == len(declared.shape) and all(
        type(size) is int and size > 0 and wanted in (-1, size)
        for size, wanted in zip(shape, declared.shape, strict=True)
    )
    if not fits:
        wanted = json.dumps(declared.shape)
        raise Refused(400, f"{where}.shape: found {shown(shape)}, expected {wanted}, where -1 is any size from 1 up")
    return tuple(shape)


def read_datatype(tensor: dict[str, Any], declared: Field, where: str) -> np.dtype[Any]:
    """Return the dtype, which is the model's."""
    found = tensor.get("datatype")
    if found != declared.datatype:
        raise Refused(400, f"{where}.datatype: found {shown(found)}, expected {declared.datatype!r}")
    return DATATYPES[declared.datatype]


def read_parameters(tensor: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the parameters of a tensor; memory that is shared with the client is refused."""
    parameters = expected(tensor.get("parameters", {}), dict, f"{where}.parameters")
    if strange := [name for name in parameters if name.startswith("shared_memory")]:
        raise Refused(400, f"{where}.parameters.{strange[0][:40]}: there is no shared memory; send the data")
    return parameters


def read_binary(
    tensor: dict[str, Any], binary: memoryview, size: Any, shape: tuple[int, ...], dtype: np.dtype[Any], where: str
) -> Array:
    """Return an array whose bytes are the first of those given."""
    needed = math.prod(shape) * dtype.itemsize
    if type(size) is not int or size != needed:
        where = f"{where}.parameters.binary_data_size"
        raise Refused(400, f"{where}: found {shown(size)}, expected {needed} for the shape {list(shape)}")
    if "data" in tensor:
        raise Refused(400, f"{where}.data: the data is to come as bytes, and is here too")
    if needed > len(binary):
        raise Refused(400, f"{where}: {needed} bytes expected behind the JSON, {len(binary)} are left")
    array = np.frombuffer(binary[:needed], dtype.newbyteorder("<")).reshape(shape)
    if dtype.kind == "b" and (array.view(np.uint8) > 1).any():
        raise Refused(400, f"{where}: a byte of BOOL is neither 0 nor 1")
    return array.astype(dtype)


def read_data(tensor: dict[str, Any], shape: tuple[int, ...], dtype: np.dtype[Any], where: str) -> Array:
    """Return an array from numbers in JSON, which are nested as the shape is, or flat."""
    data = expected(tensor.get("data"), list, f"{where}.data")
    try:
        array = np.array(data)
    except (ValueError, OverflowError):
        raise Refused(400, f"{where}.data: the lists in it are of different lengths") from None
    if array.size != math.prod(shape) or array.shape not in (shape, (array.size,)):
        found = f"{array.size} values" if array.ndim == 1 else f"lists nested as {list(array.shape)}"
        raise Refused(400, f"{where}.data: found {found}, expected {math.prod(shape)} for the shape {list(shape)}")
    if array.dtype.kind not in {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}[dtype.kind]:
        wanted = {"b": "true and false", "f": "numbers"}.get(dtype.kind, "whole numbers")
        raise Refused(400, f"{where}.data: expected {wanted}, as {tensor['datatype']} holds")
    with np.errstate(over="ignore"):
        typed = array.astype(dtype)
    lost = np.isfinite(array) & ~np.isfinite(typed) if dtype.kind == "f" else typed != array
    if lost.any():
        raise Refused(400, f"{where}.data: {array[lost][0]} is out of the range of {tensor['datatype']}")
    return typed.reshape(shape)


def read_outputs(asked: dict[str, Any], model: Model) -> dict[str, bool]:
    """Return the names of the outputs that are wanted, each with whether it is wanted as bytes."""
    parameters = expected(asked.get("parameters", {}), dict, "parameters")
    binary = parameters.get("binary_data_output", False)
    expected(binary, bool, "parameters.binary_data_output")
    names = [each.name for each in model.outputs]
    wanted = asked.get("outputs")
    if not wanted and wanted in (None, []):
        return dict.fromkeys(names, binary)
    found: dict[str, bool] = {}
    for place, output in enumerate(expected(wanted, list, "outputs")):
        where = f"outputs[{place}]"
        expected(output, dict, where)
        name = expected(output.get("name"), str, f"{where}.name")
        if name not in names:
            raise Refused(400, f"{where}.name: found {name[:100]!r}, expected one of {', '.join(names)}")
        own = read_parameters(output, where)
        if "classification" in own:
            raise Refused(400, f"{where}.parameters.classification: not supported; take the scores")
        found[name] = expected(own.get("binary_data", binary), bool, f"{where}.parameters.binary_data")
    return found


def write_answer(model: Model, request: Request, arrays: Sequence[Array]) -> tuple[bytes, int | None]:
    """Return the body of an answer, and the length of its JSON if bytes follow it."""
    outputs, binary = [], []
    for declared, array in zip(model.outputs, arrays, strict=True):
        if declared.name not in request.outputs:
            continue
        array = np.asarray(array, DATATYPES[declared.datatype])
        told: dict[str, Any] = {"name": declared.name, "datatype": declared.datatype, "shape": list(array.shape)}
        if request.outputs[declared.name]:
            content = array.astype(array.dtype.newbyteorder("<")).tobytes()
            told["parameters"] = {"binary_data_size": len(content)}
            binary.append(content)
        else:
            told["data"] = numbers(array)
        outputs.append(told)
    answer: dict[str, Any] = {"model_name": model.name, "model_version": "1", "outputs": outputs}
    if request.id is not None:
        answer["id"] = request.id
    header = json.dumps(answer, separators=(",", ":"), allow_nan=False).encode()
    return b"".join([header, *binary]), len(header) if binary else None


def numbers(array: Array) -> list[Any]:
    """Return an array's values row by row; JSON has no NaN and no infinity, these are null."""
    flat = array.ravel()
    if array.dtype.kind != "f" or np.isfinite(flat).all():
        return flat.tolist()
    return [value if math.isfinite(value) else None for value in flat.tolist()]


def metadata(model: Model) -> dict[str, Any]:
    """Return what the protocol tells of a model."""
    tensors = {
        part: [{"name": each.name, "datatype": each.datatype, "shape": each.shape} for each in fields]
        for part, fields in (("inputs", model.inputs), ("outputs", model.outputs))
    }
    return {"name": model.name, "versions": ["1"], "platform": model.platform, **tensors}


def expected(value: Any, wanted: type, where: str) -> Any:
    """Return a value of the wanted kind."""
    if type(value) is not wanted:
        raise Refused(400, f"{where}: expected {KINDS[wanted]}, found {kind(value)}")
    return value


def known(value: dict[str, Any], names: Sequence[str], where: str) -> None:
    """Refuse names that the protocol does not have."""
    if strange := [name for name in value if name not in names]:
        raise Refused(400, f"{where}: there is no field {strange[0][:100]!r}; the fields are {', '.join(names)}")


KINDS: dict[type, str] = {
    dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number",
    type(None): "nothing",
}  # fmt: skip


def kind(value: Any) -> str:
    """Say what a value of JSON is."""
    return KINDS[type(value)]


def shown(value: Any) -> str:
    """Return a value of JSON in few letters."""
    text = json.dumps(value)
    return text if len(text) <= 100 else text[:97] + "..."
