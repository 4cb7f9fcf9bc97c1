"""Tensor: how it prints, how its types mix, how it meets NumPy and Python.

What PyTorch 2.13 prints, and to which types it promotes, is in golden/tensor.json.gz; `python tests/test_tensor.py`
asks it again where torch is installed. Values of methods are in test_functions.py, in-place ones in test_inplace.py.
"""

from __future__ import annotations

import copy
import gzip
import itertools
import json
import pickle
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import minidl
from minidl import nn
from minidl.errors import ArgumentError, DTypeError, GraphError, ShapeError

GOLDEN = Path(__file__).parent / "golden" / "tensor.json.gz"


@pytest.fixture(scope="module")
def golden() -> Any:
    with gzip.open(GOLDEN, "rt") as file:
        return json.load(file)


# -- printing --------------------------------------------------------------------------------------------------------

inf, nan = float("inf"), float("nan")
rng = np.random.default_rng(0)


def single(*shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)


PRINTED: dict[str, Any] = {
    "whole floats": [1.0, 2.0], "floats": [1.5, -2.25], "ints": [1, 2, 300], "bools": [True, False], "zero": [0.0],
    "zeros": np.zeros((2, 3), np.float32), "negative": [-1.0, 2.0], "negative ints": [-5, 10, 100],
    "large": [1e10, 1.0], "large 1": [123456789.0], "large 2": [1e8, 1.0], "large 3": [1e9], "large 4": [1000.0, 1.0],
    "large 5": [100000.0, 1.0], "large 6": [99999999.0, 2.0], "large ints": [10**12, 1],
    "small": [1e-5, 1.0], "small 1": [1e-5], "small 2": [1.5e-4, 2e-4], "small 3": [1.5e-5, 2e-5],
    "range": [1e-3, 1e3, 0.5], "range 1": [1e-4, 1.0], "range 2": [1001.5, 1.0], "range 3": [999.5, 1.0],
    "range 4": [0.001, 1.1], "range 5": [-1e-10, 1e10], "minus zero": [-0.0, 1.0], "minus zero 1": [-0.0, 0.5],
    "nan": [nan, 1.0], "nan 1": [nan, 1.5], "nan 2": [nan, nan], "nan 3": [[nan, 1e-10], [1.0, 2.0]],
    "inf": [inf, -inf, 1.0], "inf 1": [inf, 0.5], "inf 2": [inf, 1e10, 0.5],
    "0-d": 3.0, "0-d 1": 3.14159265, "0-d 2": 1e10, "0-d 3": 1e-10, "0-d 4": nan, "0-d 5": -inf, "0-d 6": 7,
    "0-d 7": True, "0-d 8": -0.0,
    "empty": [], "empty 1": np.zeros((2, 0), np.float32), "empty 2": np.zeros(0, np.int64),
    "empty 3": np.zeros((0, 3), np.int64), "empty 4": np.zeros(0, bool), "empty 5": np.zeros((3, 0, 2)),
    "matrix": single(3, 4), "matrix 1": [[1.5]], "matrix 2": [[1]], "matrix 3": rng.integers(-100, 100, (3, 4)),
    "matrix 4": [[True, False], [False, True]], "3-d": single(2, 3, 4), "3-d 1": rng.integers(0, 10, (2, 2, 3)),
    "4-d": single(2, 2, 2, 2), "long": np.arange(50), "long 1": np.arange(50, dtype=np.float32), "long 2": single(50),
    "long 3": single(2, 40), "thousand": np.arange(1000), "many": np.arange(2000), "many 1": single(1001),
    "many 2": single(100, 100), "many 3": single(20, 20, 20), "many 4": np.arange(2002).reshape(2, 1001),
    "many 5": single(3, 1000), "many 6": np.zeros((1, 1, 40, 40), np.float32),
    "many 7": np.arange(1200).reshape(400, 3),
    "float64": np.array([1.5, 2.5]), "float64 1": np.array([1 / 3, 1e5]), "float16": np.array([1.5, 2.25], np.float16),
    "int32": np.array([1, 2], np.int32), "int16": np.array([1], np.int16), "int8": np.array([-1, 1], np.int8),
    "uint8": np.array([1, 255], np.uint8), "float64 2": rng.standard_normal((2, 6)), "float64 3": np.arange(13.0),
}  # fmt: skip


@pytest.mark.parametrize("name", PRINTED)
def test_a_tensor_prints_as_pytorchs(name: str, golden: Any) -> None:
    assert repr(minidl.tensor(PRINTED[name])) == golden["printed"][name]


def test_printing_says_what_is_not_the_default() -> None:
    x = minidl.tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == str(x) == f"{x}" == "tensor([1., 2.], requires_grad=True)"
    assert repr(x * 2) == "tensor([2., 4.], grad_fn=<mul backward>)"
    assert repr(x.double()) == "tensor([1., 2.], dtype=float64, grad_fn=<cast backward>)"
    assert repr(nn.Parameter(minidl.ones(1))) == "Parameter containing:\ntensor([1.], requires_grad=True)"
    assert repr(minidl.zeros(2, 0, dtype=minidl.int32)) == "tensor([], size=(2, 0), dtype=int32)"


def test_a_long_last_line_continues_below() -> None:
    x = minidl.ones(18, requires_grad=True)
    assert repr(x * 1.0).splitlines()[-1] == "       grad_fn=<mul backward>)"


def test_the_default_dtype_is_not_said() -> None:
    minidl.set_default_dtype(minidl.float64)
    try:
        assert repr(minidl.tensor([1.5])) == "tensor([1.5000])"
        assert repr(minidl.tensor([1.5], dtype=minidl.float32)) == "tensor([1.5000], dtype=float32)"
    finally:
        minidl.set_default_dtype(minidl.float32)


class Cells(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_notebook_shows_a_table() -> None:
    page = Cells(minidl.tensor([[1.0, 2.5], [nan, -1.0]])._repr_html_())
    assert page.tags.count("tr") == 2 and page.tags.count("td") == 4
    assert page.words[0] == "Tensor" and "(2, 2) float32" in page.words[1]
    assert page.words[-4:] == ["1.0000", "2.5000", "nan", "-1.0000"]
    assert Cells(minidl.ones(3)._repr_html_()).tags.count("td") == 3
    for x in (minidl.ones(2, 2, 2), minidl.ones(40, 40), minidl.zeros(0), minidl.tensor(1.0)):
        assert "pre" in Cells(x._repr_html_()).tags


def test_a_number_formats_as_a_number() -> None:
    x = minidl.tensor([1.0, 2.345], requires_grad=True)
    assert f"{x[1]:.1f}|{x[1]:>8.2f}" == "2.3|    2.35" and "%.2f" % x[1] == "2.35"  # noqa: UP031
    with pytest.raises(TypeError):
        f"{x:.2f}"


# -- how types mix ---------------------------------------------------------------------------------------------------

TYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
NUMBERS = {"bool": True, "uint8": 1, "int64": 2, "float32": 1.5}
OPERATIONS = ["add", "mul", "div", "lt", "eq", "where", "maximum", "pow", "floor_divide", "remainder", "sub"]


def mixed(m: Any, operation: str, a: str, b: str, ranks: str) -> str:
    """Return the type of operation(a, b), each with dimensions (d), 0-d (0) or a Python number (n); or the error."""
    x, y = [
        NUMBERS[name] if rank == "n" else m.ones((2,) if rank == "d" else (), dtype=getattr(m, name))
        for name, rank in zip((a, b), ranks, strict=True)
    ]
    try:
        result = m.where(m.tensor([True, False]), x, y) if operation == "where" else getattr(m, operation)(x, y)
    except (RuntimeError, TypeError):
        return "refused"
    return str(result.dtype).removeprefix("torch.")


def pairs() -> dict[str, tuple[str, str, str]]:
    """Return all pairs of types at all pairs of ranks, of which at least one is a Tensor."""
    tensors = [(t, rank) for t in TYPES for rank in "d0"]
    numbers = [(t, "n") for t in NUMBERS]
    both = [*itertools.product(tensors, tensors), *itertools.product(tensors, numbers)]
    return {f"{a} {ra}, {b} {rb}": (a, b, ra + rb) for (a, ra), (b, rb) in both}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_types_promote_as_pytorchs(operation: str, golden: Any) -> None:
    wrong = {}
    for name, pair in pairs().items():
        if operation == "maximum" and "n" in pair[2]:  # PyTorch takes no number here
            continue
        found, expected = mixed(minidl, operation, *pair), golden["promoted"][operation][name]
        counted = "bool" in pair and (expected == "refused" or operation == "pow")  # here True - True and such are ints
        if found != expected and not counted:
            wrong[name] = (found, expected)
    assert not wrong


def test_promote_types_is_pytorchs(golden: Any) -> None:
    for a, b in itertools.product(TYPES, TYPES):
        found = minidl.promote_types(getattr(minidl, a), getattr(minidl, b))
        assert str(found) == golden["promoted"]["types"][f"{a}, {b}"]


def test_python_numbers_are_weak() -> None:
    assert (minidl.ones(2) * 2.5).dtype == minidl.float32
    assert (minidl.ones(2, dtype=minidl.float16) + 1).dtype == minidl.float16
    assert (minidl.ones(2, dtype=minidl.int32) * 2).dtype == minidl.int32
    assert (minidl.tensor([1, 2]) * 0.5).dtype == minidl.float32
    assert (minidl.ones(2) * np.float64(2)).dtype == minidl.float32
    assert (minidl.ones(2) * minidl.tensor(2.0, dtype=minidl.float64)).dtype == minidl.float32


def test_the_default_dtype_decides_what_floats_become() -> None:
    assert minidl.get_default_dtype() == minidl.float32
    minidl.set_default_dtype(minidl.float64)
    try:
        assert minidl.tensor([1.5]).dtype == minidl.zeros(1).dtype == minidl.rand(1).dtype == minidl.float64
        assert (minidl.tensor([1]) * 0.5).dtype == minidl.tensor([1]).exp().dtype == minidl.float64
    finally:
        minidl.set_default_dtype(minidl.float32)
    with pytest.raises(TypeError, match="only floating dtypes can be the default, got int64"):
        minidl.set_default_dtype(minidl.int64)


# -- NumPy -----------------------------------------------------------------------------------------------------------


def test_numpy_reads_a_tensor() -> None:
    x = minidl.tensor([1.0, 2.0])
    assert np.shares_memory(np.asarray(x), x.array) and np.shares_memory(x.numpy(), x.array)
    assert not np.shares_memory(np.array(x), x.array)
    assert np.array(x, dtype=np.float64).dtype == np.float64
    assert np.array([x, x]).shape == (2, 2) and np.stack([x, x]).shape == (2, 2)
    assert np.float32(x[0]) == 1.0 and np.arange(3)[minidl.tensor([0, 2])].tolist() == [0, 2]
    with pytest.raises(ValueError, match="copy"):
        np.array(x, dtype=np.float64, copy=False)


def test_numpy_of_a_tensor_that_requires_grad() -> None:
    x = minidl.ones(2, requires_grad=True)
    for read in (np.asarray, np.array, lambda x: x.numpy(), np.from_dlpack):
        with pytest.raises(RuntimeError, match=r"requires grad.*detach\(\)\.numpy\(\)"):
            read(x)
    with minidl.no_grad():
        assert x.numpy().tolist() == [1.0, 1.0]


def test_numpys_functions_of_tensors_record() -> None:
    x = minidl.tensor([0.5, 1.5], requires_grad=True)
    y = np.sin(x) + np.multiply(x, 2) + np.exp(x) / np.maximum(x, 1.0)
    assert isinstance(y, minidl.Tensor) and y.requires_grad
    y.sum().backward()
    v = np.array([0.5, 1.5])
    expected = np.cos(v) + 2 + np.array([np.exp(0.5), np.exp(1.5) * 0.5 / 2.25])
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("ufunc", [
    np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.minimum, np.less, np.less_equal, np.greater,
    np.greater_equal, np.equal, np.not_equal, np.floor_divide, np.remainder, np.matmul, np.arctan2, np.hypot,
])  # fmt: skip
def test_ufuncs_of_two(ufunc: Any) -> None:
    a, b = np.array([[1.5, 2.0], [0.5, 3.0]]), np.array([[1.5, 0.5], [2.0, 1.0]])
    for x, y in [(minidl.from_numpy(a), minidl.from_numpy(b)), (minidl.from_numpy(a), b), (a, minidl.from_numpy(b))]:
        result = ufunc(x, y)
        assert isinstance(result, minidl.Tensor)
        np.testing.assert_allclose(result.numpy(), ufunc(a, b))


@pytest.mark.parametrize("ufunc", [
    np.negative, np.absolute, np.exp, np.expm1, np.log, np.log1p, np.sqrt, np.square, np.reciprocal, np.sin, np.cos,
    np.tanh, np.sign, np.floor, np.ceil, np.trunc, np.rint, np.isnan, np.isinf, np.isfinite, np.arctan, np.cbrt,
    np.logical_not,
])  # fmt: skip
def test_ufuncs_of_one(ufunc: Any) -> None:
    a = np.array([0.5, 1.5, 2.5])
    result = ufunc(minidl.from_numpy(a))
    assert isinstance(result, minidl.Tensor)
    np.testing.assert_allclose(result.numpy(), ufunc(a))


def test_ufuncs_without_a_gradient_say_so() -> None:
    x = minidl.ones(2, requires_grad=True)
    with pytest.raises(GraphError, match=r"np\.cbrt has no gradient here"):
        np.cbrt(x)
    with pytest.raises(ArgumentError, match="out= is refused"):
        np.add(minidl.ones(2), 1.0, out=np.zeros(2))
    assert [part.tolist() for part in np.modf(minidl.tensor([1.5]))] == [[0.5], [1.0]]
    assert np.add.reduce(minidl.ones(3)).item() == 3.0


def test_arrays_and_numbers_of_numpy_mix_with_tensors() -> None:
    x = minidl.tensor([1.0, 2.0], requires_grad=True)
    a = np.array([3.0, 4.0], np.float32)
    for y in (a + x, x + a, a * x, a - x, a / x, np.eye(2, dtype=np.float32) @ x, np.float32(2) * x, x * np.float64(2)):
        assert isinstance(y, minidl.Tensor) and y.requires_grad and y.dtype == minidl.float32
    assert isinstance(a < x, minidl.Tensor)


def test_functions_of_plain_values_answer_with_plain_ones() -> None:
    a = np.array([0.5, -1.0])
    assert type(minidl.tanh(a)) is np.ndarray and type(minidl.sum(a)) is np.float64
    assert type(minidl.relu(a)) is type(nn.functional.softplus(a)) is np.ndarray
    assert type(minidl.exp(0.5)) is float and minidl.maximum(1, 2) == 2
    assert type(minidl.cat([a, a])) is np.ndarray


def test_dlpack_round_trip() -> None:
    x = minidl.tensor([[1.0, 2.0], [3.0, 4.0]])
    there = np.from_dlpack(x)
    assert np.shares_memory(there, x.array)
    back = minidl.from_dlpack(there)
    assert minidl.equal(back, x) and np.shares_memory(back.array, x.array)
    assert minidl.equal(minidl.from_dlpack(x), x)
    with pytest.raises(DTypeError, match="got list"):
        minidl.from_dlpack([1])


def test_dlpack_with_pytorch() -> None:
    torch = pytest.importorskip("torch")
    x = minidl.tensor([1.0, 2.0])
    there = torch.from_dlpack(x)
    there += 1
    assert x.tolist() == [2.0, 3.0]
    assert minidl.from_dlpack(torch.arange(3)).tolist() == [0, 1, 2]


def test_from_numpy_shares_and_tensor_copies() -> None:
    a = np.zeros(2)
    shared, copied, either = minidl.from_numpy(a), minidl.tensor(a), minidl.as_tensor(a)
    a[0] = 5.0
    assert shared[0].item() == 5.0 and copied[0].item() == 0.0 and either[0].item() == 5.0
    assert minidl.as_tensor(shared) is shared
    big_endian = np.arange(3, dtype=">i8")
    assert minidl.from_numpy(big_endian).tolist() == [0, 1, 2] and minidl.from_numpy(big_endian).dtype == minidl.int64


# -- Python ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TYPES)
def test_pickle_and_copies(dtype: str) -> None:
    x = minidl.tensor([[1, 0], [3, 1]], dtype=getattr(minidl, dtype))
    for twin in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x), copy.copy(x)):
        assert twin is not x and twin.dtype == x.dtype and minidl.equal(twin, x)
    assert not np.shares_memory(copy.deepcopy(x).array, x.array) and np.shares_memory(copy.copy(x).array, x.array)


def test_copies_keep_requires_grad_and_grad() -> None:
    x = minidl.ones(2, requires_grad=True)
    x.sum().backward()
    twin = copy.deepcopy(x)
    assert twin.requires_grad and twin.grad.tolist() == [1.0, 1.0]
    assert not np.shares_memory(twin.grad.array, x.grad.array)
    assert pickle.loads(pickle.dumps(x)).requires_grad
    both = copy.deepcopy([x, x])
    assert both[0] is both[1]
    with pytest.raises(RuntimeError, match="only a leaf can be deep-copied"):
        copy.deepcopy(x * 2)
    parameter = nn.Parameter(minidl.ones(1))
    assert type(copy.deepcopy(parameter)) is type(pickle.loads(pickle.dumps(parameter))) is nn.Parameter


def test_a_tensor_is_found_by_identity_in_sets_and_dicts() -> None:
    x, y = minidl.ones(2), minidl.ones(2)
    assert len({x, y, x}) == 2 and {x: 1}[x] == 1 and hash(x) == hash(x)


def test_comparison_with_what_is_no_number() -> None:
    x = minidl.ones(2)
    assert (x == None) is False and (x != None) is True  # noqa: E711
    assert (x == "a") is False and (x == [1, 2]) is False
    with pytest.raises(TypeError):
        x < None  # noqa: B015
    for other in (None, "a", [1, 2], object()):
        with pytest.raises(TypeError):
            x + other


def test_length_iteration_membership() -> None:
    x = minidl.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    assert len(x) == 2 and [row.tolist() for row in x] == [[1.0, 2.0], [3.0, 4.0]]
    a, b = x
    (a * b).sum().backward()
    assert x.grad.tolist() == [[3.0, 4.0], [1.0, 2.0]]
    assert 3.0 in x and minidl.tensor(4.0) in x and 5.0 not in x
    assert sum(minidl.tensor([1, 2, 3])).item() == 6 and max(minidl.tensor([1, 3, 2])).item() == 3
    for nothing in (len, iter):
        with pytest.raises(TypeError, match="0-d Tensor"):
            nothing(minidl.tensor(1.0))


def test_numbers_out_of_tensors() -> None:
    x = minidl.tensor([2.75])
    assert (int(x), float(x), bool(x), complex(x.squeeze())) == (2, 2.75, True, 2.75)
    assert list(range(minidl.tensor(3))) == [0, 1, 2] and "abc"[minidl.tensor(1)] == "b"
    assert [1, 2, 3][minidl.tensor([2])] == 3 and round(x.item()) == 3
    with pytest.raises(TypeError, match="only an integer Tensor of one element is an index"):
        [1, 2][minidl.tensor(1.0)]
    for many in (minidl.ones(2), minidl.zeros(0)):
        with pytest.raises(RuntimeError, match="ambiguous"):
            bool(many)
        for read in (int, float, lambda x: x.item()):
            with pytest.raises(RuntimeError, match=r"item\(\): .* no single element"):
                read(many)


def test_tolist_and_item_give_python_numbers() -> None:
    for dtype, kind in [("bool", bool), ("uint8", int), ("int64", int), ("float32", float), ("float16", float)]:
        x = minidl.ones(2, dtype=getattr(minidl, dtype))
        assert type(x[0].item()) is type(x.tolist()[0]) is type(x[0].tolist()) is kind


def test_a_tensor_always_holds_an_ndarray() -> None:
    x = minidl.tensor([[1.0, 2.0]])
    e = x[0, 0]
    for y in (x.sum(), e, e * 2, -e, x.max(), x.mean(), e > 0, x.argmax(), x[0] @ x[0], abs(e), e.exp(), e.long()):
        assert type(y.array) is np.ndarray and y.shape == ()


# -- making ----------------------------------------------------------------------------------------------------------


def test_the_class_itself_makes_float32() -> None:
    assert minidl.Tensor([1, 2]).dtype == minidl.float32 and minidl.Tensor().shape == (0,)
    assert minidl.Tensor(2, 3).shape == (2, 3) and minidl.Tensor(np.arange(2)).tolist() == [0.0, 1.0]
    assert isinstance(minidl.Tensor(2), minidl.Tensor) and minidl.is_tensor(minidl.Tensor(2))


def test_a_tensor_copies_its_data() -> None:
    a = np.ones(2)
    x = minidl.tensor(a)
    y = minidl.tensor(x)
    a += 1
    x += 1
    assert y.tolist() == [1.0, 1.0]


def test_requires_grad_and_device_where_tensors_are_made() -> None:
    for make in (minidl.zeros, minidl.ones, minidl.empty, minidl.rand, minidl.randn):
        assert make(2, requires_grad=True).requires_grad and make(2, device="cpu").shape == (2,)
        assert make(2, device=minidl.device("cpu")).device == minidl.device("cpu")
        with pytest.raises(ArgumentError, match="'cuda'"):
            make(2, device="cuda")
        with pytest.raises(RuntimeError):
            make(-1)
    for dtype in (int, float, bool, np.float64, "float64", minidl.int32):
        assert minidl.zeros(1, dtype=dtype).shape == (1,)
    assert minidl.zeros(1, dtype=float).dtype == minidl.float64
    with pytest.raises(TypeError, match="complex"):
        minidl.zeros(1, dtype=np.complex64)


@pytest.mark.parametrize("data", ["abc", [1, "a"], None, [None], {}, object(), [1 + 2j], np.array(["a"])])
def test_data_that_are_no_numbers(data: Any) -> None:
    with pytest.raises(TypeError):
        minidl.tensor(data)


def test_ragged_and_too_large_data() -> None:
    with pytest.raises(ValueError, match="ragged"):
        minidl.tensor([[1, 2], [3]])
    for number in (2**63, 2**70, -(2**64)):
        with pytest.raises(ValueError, match="does not fit into int64"):
            minidl.tensor(number)
    assert minidl.tensor(2**63 - 1).item() == 2**63 - 1


# -- conversion ------------------------------------------------------------------------------------------------------


def test_to() -> None:
    x = minidl.tensor([1.5, -2.7], requires_grad=True)
    assert x.to(minidl.float32) is x and x.float() is x and x.to("cpu") is x and x.cpu() is x
    assert x.to(minidl.float32, copy=True) is not x
    assert x.to(minidl.int64).tolist() == [1, -2] and x.to(dtype=minidl.bool).tolist() == [True, True]
    assert x.to("cpu", minidl.float64).dtype == minidl.float64 and x.to(minidl.tensor([1])).dtype == minidl.int64
    assert x.to(minidl.device("cpu"), non_blocking=True) is x
    assert x.type(minidl.float64).dtype == minidl.float64 and x.type() == "float32"
    for wrong in ("cuda", "cuda:0", "mps"):
        with pytest.raises(ArgumentError, match="minidl computes on the CPU"):
            x.to(wrong)
    with pytest.raises(TypeError):
        x.to("abc")


# -- anything that NumPy does, drawn at random -----------------------------------------------------------------------

floats = st.floats(-10, 10, width=32)


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0), st.data())
@settings(deadline=None, max_examples=60)
def test_broadcasting_is_numpys(shapes: Any, data: Any) -> None:
    a, b = (data.draw(hnp.arrays(np.float64, shape, elements=floats)) for shape in shapes.input_shapes)
    x, y = minidl.from_numpy(a).requires_grad_(), minidl.from_numpy(b).requires_grad_()
    z = x * y + x
    np.testing.assert_array_equal(z.detach().numpy(), a * b + a)
    z.sum().backward()
    full = np.broadcast_to(b, shapes.result_shape) + 1.0
    lead = len(shapes.result_shape) - a.ndim
    axes = (*range(lead), *[lead + k for k, n in enumerate(a.shape) if n == 1])
    np.testing.assert_allclose(x.grad.numpy(), full.sum(axes, keepdims=True).reshape(a.shape), atol=1e-12)


@given(hnp.array_shapes(min_dims=0, max_dims=3, max_side=3), hnp.array_shapes(min_dims=0, max_dims=3, max_side=3))
@settings(deadline=None, max_examples=60)
def test_shapes_that_numpy_refuses_are_refused(first: Any, second: Any) -> None:
    try:
        expected = np.broadcast_shapes(first, second)
    except ValueError:
        with pytest.raises(ShapeError, match=f"add: shapes {re.escape(str(first))} and {re.escape(str(second))}"):
            minidl.zeros(first) + minidl.zeros(second)
    else:
        assert (minidl.zeros(first) + minidl.zeros(second)).shape == expected


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_indexing_is_numpys(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4))
    a = np.arange(float(np.prod(shape))).reshape(shape)
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True, max_dims=5))
    parts = index if isinstance(index, tuple) else (index,)
    x = minidl.from_numpy(a).requires_grad_()
    if any(isinstance(part, slice) and part.step is not None and part.step < 1 for part in parts):
        with pytest.raises(ValueError, match="a slice needs a positive step"):
            x[index]
        return
    y = x[index]
    np.testing.assert_array_equal(y.detach().numpy(), a[index])
    (y * 2).sum().backward()
    expected = np.zeros_like(a)
    expected[index] = 2
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_reductions_are_numpys(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=3))
    a = data.draw(hnp.arrays(np.float64, shape, elements=floats))
    axis = data.draw(hnp.valid_tuple_axes(len(shape), min_size=1))
    keepdim = data.draw(st.booleans())
    x = minidl.from_numpy(a)
    for ours, theirs in [("sum", np.sum), ("mean", np.mean), ("amax", np.max), ("amin", np.min)]:
        result = getattr(x, ours)(axis, keepdim)
        np.testing.assert_allclose(result.numpy(), theirs(a, axis, keepdims=keepdim), atol=1e-12)
    np.testing.assert_allclose(x.var(axis, correction=0).numpy(), a.var(axis), atol=1e-10)


def write_golden() -> None:
    """Ask PyTorch how it prints and promotes."""
    import torch

    def printed(data: Any) -> str:
        text = repr(torch.tensor(data)).replace("torch.", "")
        return re.sub(r"size=\((.*)\)", r"size=(\1)", text)

    types = {f"{a}, {b}": str(torch.promote_types(getattr(torch, a), getattr(torch, b))).removeprefix("torch.")
             for a, b in itertools.product(TYPES, TYPES)}  # fmt: skip
    promoted: dict[str, Any] = {
        operation: {name: mixed(torch, operation, *pair) for name, pair in pairs().items()} for operation in OPERATIONS
    }
    texts = {name: printed(data) for name, data in PRINTED.items()}
    with gzip.GzipFile(GOLDEN, "wb", mtime=0) as file:
        file.write(json.dumps({"printed": texts, "promoted": {**promoted, "types": types}}).encode())


if __name__ == "__main__":
    write_golden()
