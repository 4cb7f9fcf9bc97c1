"""Every public name is documented: what it does in a line, and an example that runs.

The examples themselves are run by pytest, as doctests of the package.
"""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import inspect
from pathlib import Path
from typing import Any

import pytest

import minidl

NAMES = Path(__file__).parent.parent / "docs" / "make_names.py"
spec = importlib.util.spec_from_file_location("make_names", NAMES)
assert spec is not None and spec.loader is not None
make_names = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_names)

# public names without an example of their own, and why
EXEMPT = {
    "minidl.linalg.LinAlgError": "an error",
    "minidl.search.Results": "made by search.run",
    "minidl.training.Training": "made by fit",
    "minidl.data.MNIST": "needs files that are not bundled",
    "minidl.data.Sampler": "a base class",
    "minidl.data.transforms.Transform": "a base class",
    "minidl.nn.utils.rnn.PackedSequence": "made by pack_padded_sequence",
}


PUBLIC: dict[str, Any] = make_names.public()
summary = make_names.summary


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_explained(name: str) -> None:
    text = summary(PUBLIC[name])
    assert len(text) > 4, "no docstring"
    assert text[-1] in ".:;", f"the first paragraph does not end: {text}"


@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in EXEMPT])
def test_a_public_name_has_an_example(name: str) -> None:
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(PUBLIC[name]) or "")
    assert examples, "no example"
    assert any("minidl" in example.source for example in examples)
    assert any(example.want for example in examples), "the example shows no result"


def test_exempt_names_exist() -> None:
    assert set(EXEMPT) <= set(PUBLIC)


def test_examples_are_collected() -> None:
    """A decorated function keeps its module, or pytest would not run its example."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name, value in PUBLIC.items():
        if name in EXEMPT:
            continue
        home = importlib.import_module(value.__module__)
        assert any(test.examples for test in finder.find(value, module=home)), name


METHODS = [name for name in dir(minidl.Tensor) if not name.startswith("_")]
SLOTS = set(minidl.autograd.Variable.__slots__)


@pytest.mark.parametrize("name", [name for name in METHODS if name not in SLOTS])
def test_a_method_of_tensor_is_explained(name: str) -> None:
    assert len(summary(getattr(minidl.Tensor, name))) > 4


def test_all_is_what_there_is() -> None:
    for module_name in ("minidl", "minidl.nn", "minidl.nn.functional", "minidl.optim", "minidl.data", "minidl.ops"):
        module = importlib.import_module(module_name)
        assert len(set(module.__all__)) == len(module.__all__), module_name
        for name in module.__all__:
            assert hasattr(module, name), f"{module_name}.{name}"


def test_public_functions_say_their_types() -> None:
    untyped = []
    for name, value in PUBLIC.items():
        function = value.__init__ if inspect.isclass(value) else inspect.unwrap(value)
        if not inspect.isfunction(function):
            continue
        parameters = [p for p in inspect.signature(function).parameters.values() if p.name not in ("self", "cls")]
        if any(p.annotation is p.empty for p in parameters):
            untyped.append(name)
    assert not untyped


def test_an_unknown_name_is_an_attribute_error() -> None:
    for module in (minidl, minidl.autograd):
        with pytest.raises(AttributeError, match="no attribute 'unknown'"):
            _ = module.unknown
    assert "tensor" in dir(minidl) and "nn" in dir(minidl)


# -- the page of all names -------------------------------------------------------------------------------------------


def test_the_page_of_names_is_that_of_the_code() -> None:
    assert make_names.PAGE.read_text(encoding="utf-8") == make_names.page(), "run python docs/make_names.py"


def test_counterparts_are_pytorchs() -> None:
    pytest.importorskip("torch")
    for name in PUBLIC:
        path = make_names.counterpart(name)
        module, _, last = path.rpartition(".")
        assert not path or hasattr(importlib.import_module(module), last), f"{name}: PyTorch has no {path}"


def test_what_differs_from_pytorch_is_on_the_page() -> None:
    """A sentence that begins so must be one that the page finds."""
    for name, value in PUBLIC.items():
        said = "Unlike PyTorch" in (inspect.getdoc(value) or "")
        assert said == bool(make_names.difference(value)), name
