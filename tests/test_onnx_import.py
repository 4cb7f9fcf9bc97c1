"""minidl.onnx.load: the onnx package's own tests of each operator, files with data beside them, hostile files.

The tests of operators are those of onnx.backend.test, of the types that a Tensor has, but those that end in _expanded.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.errors import MinidlError, NotSupported

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

TYPES = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL}


def cases() -> dict[str, Any]:
    from onnx.backend.test.case.node import collect_testcases

    from minidl.onnx.operators import OPERATORS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = collect_testcases(None)
    known = {*OPERATORS, "If", "Constant"}

    def chosen(model: Any) -> bool:
        values = [*model.graph.input, *model.graph.output]
        typed = all(v.type.HasField("tensor_type") and v.type.tensor_type.elem_type in TYPES for v in values)
        return typed and all(n.domain in ("", "ai.onnx") and n.op_type in known for n in model.graph.node)

    return {case.name: case for case in found if "_expanded" not in case.name and chosen(case.model)}


CASES = cases()


def array(value: Any) -> np.ndarray[Any, Any]:
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else np.asarray(value)


def test_there_are_many_cases() -> None:
    assert len(CASES) > 600


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_operators(name: str) -> None:
    case = CASES[name]
    model = minidl.onnx.load(case.model.SerializeToString())
    for inputs, outputs in case.data_sets:
        with minidl.no_grad():
            made = model(*map(array, inputs))
        made = made if isinstance(made, tuple) else (made,)
        assert len(made) == len(outputs)
        for got, expected in zip(map(np.asarray, made), map(array, outputs), strict=True):
            assert got.dtype == expected.dtype and got.shape == expected.shape
            if expected.dtype.kind == "f":
                np.testing.assert_allclose(got, expected, rtol=case.rtol, atol=case.atol)
            else:
                np.testing.assert_array_equal(got, expected)


# -- models ----------------------------------------------------------------------------------------------------------


def exported(tmp_path: Path) -> tuple[nn.Module, Path]:
    minidl.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    model(minidl.randn(8, 1, 8, 8))
    model.eval()
    path = tmp_path / "model.onnx"
    minidl.onnx.export(model, minidl.zeros(1, 1, 8, 8), path, input_names=["image"], output_names=["scores"])
    return model, path


def test_there_and_back(tmp_path: Path) -> None:
    model, path = exported(tmp_path)
    again = minidl.onnx.load(path)
    x = minidl.randn(5, 1, 8, 8)
    np.testing.assert_allclose(again(x).detach().numpy(), model(x).detach().numpy(), atol=1e-5)
    np.testing.assert_array_equal(again(image=x.numpy()).detach().numpy(), again(x).detach().numpy())
    assert again.input_names == ["image"] and again.output_names == ["scores"]
    assert "1 Conv" in repr(again) and "scores" in repr(again)
    with pytest.raises(TypeError, match=r"there is no input 'picture'; there are image"):
        again(picture=x)
    with pytest.raises(TypeError, match="'image' is missing"):
        again()
    with pytest.raises(TypeError, match="'image' is float64, expected float32"):
        again(x.double())
    with pytest.raises(ValueError, match=r"'image' has shape \(5, 1, 8\)"):
        again(minidl.zeros(5, 1, 8))


def test_it_can_be_trained(tmp_path: Path) -> None:
    model = minidl.onnx.load(exported(tmp_path)[1])
    assert len(list(model.parameters())) >= 4
    optimizer = minidl.optim.Adam(model.parameters(), lr=0.01)
    x, y = minidl.randn(16, 1, 8, 8), minidl.randint(0, 3, (16,))
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def graph(nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: Any = (), version: int = 17) -> Any:
    made = helper.make_graph(nodes, "g", inputs, outputs, list(weights))
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", version)])


def value(name: str, shape: Any = (2,), kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def external(tmp_path: Path, location: str, **told: Any) -> Path:
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    for key, entry in {"location": location, **told}.items():
        weight.external_data.add(key=key, value=str(entry))
    model = graph([helper.make_node("Add", ["x", "w"], ["y"])], [value("x")], [value("y")], [weight])
    path = tmp_path / "model" / "model.onnx"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


def test_data_beside_the_file(tmp_path: Path) -> None:
    path = external(tmp_path, "weights.bin", offset=4, length=8)
    (path.parent / "weights.bin").write_bytes(np.array([9, 1, 2], np.float32).tobytes())
    assert minidl.onnx.load(path)(np.zeros(2, np.float32)).tolist() == [1, 2]
    with pytest.raises(ValueError, match="give load the path"):
        minidl.onnx.load(path.read_bytes())


def test_data_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(8))
    for location in ("../secret", str(tmp_path / "secret"), "nothing", "", "."):
        with pytest.raises(RuntimeError, match="expected a file in the model's folder"):
            minidl.onnx.load(external(tmp_path, location))
    path = external(tmp_path, "link")
    os.symlink(tmp_path / "secret", path.parent / "link")
    with pytest.raises(RuntimeError, match="expected a file in the model's folder"):
        minidl.onnx.load(path)
    for told in ({"offset": 4}, {"length": 2**60}, {"offset": -8}, {"offset": "x"}):
        path = external(tmp_path, "short", **told)
        (path.parent / "short").write_bytes(bytes(8))
        with pytest.raises(RuntimeError):
            minidl.onnx.load(path)


def absurd(dims: list[int], **fields: Any) -> Any:
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, **fields)
    return graph([helper.make_node("Add", ["x", "w"], ["y"])], [value("x")], [value("y")], [weight])


HOSTILE: dict[str, Any] = {
    "absurd dims": absurd([2**40, 2**40], raw_data=b"1234"),
    "negative dims": absurd([-1], raw_data=b""),
    "too few bytes": absurd([4], raw_data=b"12345678"),
    "unknown type": graph([], [value("x")], [value("x")], [TensorProto(name="w", data_type=99, dims=[1])]),
    "a circle": graph([helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])],
                      [value("x")], [value("b")]),
    "made twice": graph([helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Relu", ["x"], ["a"])],
                        [value("x")], [value("a")]),
    "no output": graph([helper.make_node("Relu", ["x"], ["a"])], [value("x")], [value("z")]),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(name: str) -> None:
    with pytest.raises(MinidlError):
        minidl.onnx.load(HOSTILE[name].SerializeToString())


def test_damaged_files(tmp_path: Path) -> None:
    content = exported(tmp_path)[1].read_bytes()
    for spoilt in (b"", b"PK\x03\x04", b"\x80\x04.", bytes(100), content[: len(content) // 2], b"\xff" * 50):
        with pytest.raises(MinidlError):
            minidl.onnx.load(spoilt)
    with pytest.raises(RuntimeError, match="there is no such file"):
        minidl.onnx.load(tmp_path / "nothing.onnx")


def test_sizes_that_an_operator_must_not_make() -> None:
    node = helper.make_node("ConstantOfShape", ["x"], ["y"])
    model = minidl.onnx.load(graph([node], [value("x", (2,), TensorProto.INT64)], [value("y")]).SerializeToString())
    with pytest.raises(ValueError, match=r"ConstantOfShape y: a shape of \[1099511627776, 1099511627776\]"):
        model(np.array([2**40, 2**40]))


def test_operators_that_are_not_known_are_named() -> None:
    nodes = [helper.make_node("Det", ["x"], ["a"]), helper.make_node("Fancy", ["a"], ["b"], domain="my.own")]
    with pytest.raises(NotImplementedError, match=r"not supported: Det, my\.own\.Fancy") as raised:
        minidl.onnx.load(graph(nodes, [value("x")], [value("b")]).SerializeToString())
    assert isinstance(raised.value, NotSupported)
    model = graph([helper.make_node("Relu", ["x"], ["b"])], [value("x")], [value("b")], version=999)
    with pytest.raises(NotImplementedError, match="operators of version 999"):
        minidl.onnx.load(model.SerializeToString())


# -- commands --------------------------------------------------------------------------------------------------------


def test_predict_and_info_read_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from minidl.cli import main

    image = pytest.importorskip("PIL.Image")
    assert main(["demo", "--data", "digits", "--epochs", "8", "--output", str(tmp_path / "demo")]) == 0
    path = str(tmp_path / "digits.onnx")
    assert main(["export", str(tmp_path / "demo" / "weights.safetensors"), path]) == 0
    digits = minidl.data.Digits(train=False)
    pixels = np.asarray(digits.data[:20]).astype(np.float32)
    names = []
    for k in range(20):
        names.append(str(tmp_path / f"{k}.png"))
        image.fromarray((pixels[k] * 255 / 16).round().astype(np.uint8)).save(names[-1])
    capsys.readouterr()
    assert main(["predict", path, *names, "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)
    assert [answer["file"] for answer in answers] == names
    right = [answer["class"] == digits.classes[int(digits.targets[k])] for k, answer in enumerate(answers)]
    assert sum(right) >= 14
    np.save(tmp_path / "all.npy", pixels[:, None] / 16)
    assert main(["predict", path, str(tmp_path / "all.npy"), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert [a["class"] for a in again] == [a["class"] for a in answers] and again[3]["file"].endswith(
        "all.npy, sample 4"
    )
    assert main(["info", path, "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert known["inputs"] == ["input"] and known["parameters"] > 5000
    (tmp_path / "bad.npy").write_bytes(b"\x80\x04")
    for wrong in ("bad.npy", "nothing.png"):
        assert main(["predict", path, str(tmp_path / wrong)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
