"""Every public name is documented: what it does in a line, and an example that runs.

The examples themselves are run by pytest, as doctests of the package.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
from typing import Any

import pytest

import minidl

# module -> its public names, where __all__ does not say so
MODULES: dict[str, Any] = {
    "minidl": None,
    "minidl.nn": None,
    "minidl.nn.functional": None,
    "minidl.nn.utils": None,
    "minidl.nn.utils.rnn": None,
    "minidl.optim": None,
    "minidl.optim.lr_scheduler": None,
    "minidl.optim.swa_utils": None,
    "minidl.data": None,
    "minidl.nn.init": lambda name: name.endswith("_") or name == "calculate_gain",
    "minidl.data.transforms": lambda name: name[0].isupper(),
    "minidl.metrics": None,
    "minidl.autograd": [
        "Function", "backward", "enable_grad", "grad", "gradcheck", "gradgradcheck", "inference_mode",
        "is_grad_enabled", "no_grad", "set_grad_enabled",
    ],
    "minidl.operation": ["primitive"],
    "minidl.errors": ["MinidlError"],
    "minidl.safetensors": ["load_file", "load_metadata", "save_file"],
}  # fmt: skip

# public names without an example of their own, and why
EXEMPT = {
    "minidl.data.MNIST": "needs files that are not bundled",
    "minidl.data.Sampler": "a base class",
    "minidl.data.transforms.Transform": "a base class",
    "minidl.nn.utils.rnn.PackedSequence": "made by pack_padded_sequence",
}


def public() -> dict[str, Any]:
    """Return the public functions and classes by their full names."""
    found = {}
    for module_name, which in MODULES.items():
        module = importlib.import_module(module_name)
        if which is None:
            names = list(module.__all__)
        elif isinstance(which, list):
            names = which
        else:
            own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module_name]
            names = [name for name in own if not name.startswith("_") and which(name)]
        for name in names:
            value = getattr(module, name)
            if inspect.isfunction(value) or inspect.isclass(value):
                found[f"{module_name}.{name}"] = value
    return found


PUBLIC = public()


def summary(value: Any) -> str:
    """Return the first paragraph of a docstring in one line."""
    return " ".join((inspect.getdoc(value) or "").partition("\n\n")[0].split())


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
