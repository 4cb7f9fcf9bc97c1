"""explain: every operation can be read from formula to kernel."""

from __future__ import annotations

import importlib
import io
import os

import pytest

import minidl
from minidl import _kernels as kernels
from minidl import nn, ops
from minidl.errors import ArgumentError
from minidl.operation import primitive

module = importlib.import_module("minidl.explain")  # minidl.explain is the function
IN_TREE = os.path.isdir(module.KERNELS)


def told(what):
    file = io.StringIO()
    assert minidl.explain(what, file) is None
    return file.getvalue()


@pytest.mark.parametrize("name", ops.__all__)
def test_every_operation_is_explained(name):
    text = told(name)
    op = getattr(ops, name).op
    assert text.startswith(f"{name}(")
    assert "not available" not in text
    assert f"def {name}(" in text
    for section in ("FORMULA", "DERIVATIVE"):
        assert f"\n\n{section}" in text
    for rule in op.rules:
        assert f"dL/d{rule} =" in text
    assert max(map(len, text.splitlines())) <= 120  # sources are printed as they stand


def test_linear_from_formula_to_kernel(capsys):
    minidl.explain("linear")
    text = capsys.readouterr().out
    sections = [
        "linear(x, w, b, *, activation='identity'): a fused operation of minidl/ops/linear.py",
        "FORMULA",
        "    z = matmul(x, permute(w, dims=(1, 0)))",
        "DERIVATIVE, from g = dL/d(out)",
        "def linear_vjp(",
        "kernels.linear_backward(",
        "def linear_forward(",
        "NUMPY TWIN: minidl/reference/linear.py",
        "def linear_backward_formula(",
        "KERNEL: kernels/linear.pyx",
        "CALLED THROUGH: linear of minidl/functions/layers.py",
        "It uses: ops.linear, ops.reshape.",
    ]
    places = [text.index(section) for section in sections]
    assert places == sorted(places)


@pytest.mark.skipif(not IN_TREE, reason="the kernels' sources are not installed")
def test_the_kernel_is_printed_where_its_source_is():
    text = told("linear")
    assert "cdef Activation f = activation_named(activation)" in text
    assert "elementwise_backward(g, y, dz, activation)" in text


def test_without_the_sources_the_compiled_kernel_speaks(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "KERNELS", str(tmp_path))
    (tmp_path / "linear.pyx").write_text("a file of someone else's\n")
    text = told("linear")
    assert "someone" not in text
    assert "KERNEL: kernels/linear.pyx, in the source tree" in text
    if kernels.compiled:
        assert "linear_backward\n    dz = g f'(z)" in text
        assert "x  IN   (N, I)" in text
    else:
        assert "It is not compiled here" in text


def test_rules_are_taken_apart_where_several_stand_in_a_line():
    assert "dL/da = lambda g, b: g * b\ndL/db = lambda g, a: g * a\n" in told("mul")
    assert "dL/da = lambda g: g\ndL/db = lambda g: -g\n" in told("sub")


def test_rules_that_are_functions_and_their_helpers():
    assert "dL/da =\n\ndef pow_da(" in told("pow")
    text = told("sum")
    assert "def spread(" in text
    assert text.index("def spread(") < text.index("def kept(") < text.index("def dims_of(")


def test_an_operation_without_derivative():
    assert "None: no gradient flows through it." in told("argmax")
    assert "None: it is NumPy already." in told("argmax")


def test_a_function_of_ring_1():
    text = told("baddbmm")
    assert text.startswith("SOURCE: baddbmm of minidl/functions/products.py\n\ndef baddbmm(")
    assert "It uses: bmm." in text
    assert "any" not in told("max_pool2d").rpartition("It uses:")[2]  # Python's any, not minidl's


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("exp", ops.exp),
        ("nn.functional.linear", nn.functional.linear),
        ("relu", minidl.ones(1).relu),
        ("mm", minidl.mm),
    ],
)
def test_a_name_and_the_function_say_the_same(name, function):
    assert told(name) == told(function)


def test_a_method_in_place_is_explained_as_its_function():
    assert told(minidl.Tensor.add_) == told("add")


def test_a_users_own_operation_and_function():
    @primitive
    def cube(x):
        """y = x³."""
        return x**3

    cube.defvjp(x=lambda g, x: 3.0 * g * x**2)

    def twice(x):
        return ops.mul(x, 2.0)

    text = told(cube)
    assert "y = x³." in text
    assert "dL/dx = lambda g, x: 3.0 * g * x**2" in text
    assert "cube(x): a primitive of test_explain.py" in text
    text = told(twice)
    assert "return ops.mul(x, 2.0)" in text
    assert "It uses: ops.mul." in text


def test_what_has_no_source_says_so():
    scope = {"primitive": primitive}
    exec("def f(x):\n    return x\nf = primitive(f)\nf.defvjp(x=lambda g: g)", scope)
    text = told(scope["f"])
    assert "f (its source is not available)" in text
    assert "dL/dx = <lambda> (its source is not available)" in text


def test_unknown_names_get_the_nearest():
    with pytest.raises(ArgumentError, match=r"no operation or function 'sofmax'; did you mean (softmax|.* or softmax)"):
        minidl.explain("sofmax")
    with pytest.raises(ArgumentError, match=r"minidl\.ops\.__all__ lists"):
        minidl.explain("qqqqqq")


@pytest.mark.parametrize("what", [3, None, len, nn.Linear])
def test_what_is_no_operation_is_refused(what):
    with pytest.raises(ArgumentError, match="expected an operation or a function, or its name"):
        minidl.explain(what)


def test_long_prose_flows_and_long_code_is_continued():
    words = "word " * 23
    text = f'def f():\n    """{words.strip()}\n    continued here.\n    """\n    return g({"argument, " * 12})'
    lines = module.fitted(text).splitlines()
    assert max(map(len, lines)) <= 120  # sources are printed as they stand
    assert lines[2].startswith("    word word")
    assert lines[2].endswith("continued here.")
    assert lines[-1].startswith(" " * 12 + "argument")
    short = "    x = 1\n\n    y = 2"
    assert module.fitted(short) == short
