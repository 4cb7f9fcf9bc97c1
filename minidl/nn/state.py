"""What a model stores and loads: the entries of its state_dict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import minidl

from ..errors import ArgumentTypeError, StateError
from ..tensor import Tensor
from .parameter import Parameter

if TYPE_CHECKING:
    from .module import Module


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` answers: keys that the model has and the state lacks, and the other way round."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Entry(NamedTuple):
    """One value of a state_dict and where in the model it lives."""

    key: str
    value: Tensor
    owner: Module
    name: str


def entries(module: Module, prefix: str = "") -> Iterator[Entry]:
    """Yield all that a state_dict holds, in its order; a shared module or parameter under each of its names."""
    for path, owner in module.named_modules(remove_duplicate=False):
        start = f"{prefix}{path}." if path else prefix
        for name, value in (*owner._with_role("parameter").items(), *owner._with_role("buffer").items()):
            if value is not None:
                yield Entry(start + name, value, owner, name)


def load(module: Module, state: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Copy a state_dict's values into a model, or raise and change nothing."""
    if not isinstance(state, Mapping):
        raise ArgumentTypeError(
            f"load_state_dict: expected a state_dict, a mapping of names to Tensors, got {type(state).__name__}"
        )
    wanted = {entry.key: entry for entry in entries(module)}
    result = IncompatibleKeys([key for key in wanted if key not in state], [key for key in state if key not in wanted])
    found = {key: state[key] for key in wanted if key in state}
    problems = misfits(wanted, found)
    if strict and result.missing_keys:
        problems.insert(0, "missing: " + ", ".join(result.missing_keys))
    if strict and result.unexpected_keys:
        problems.insert(bool(result.missing_keys), "unexpected: " + ", ".join(result.unexpected_keys))
        problems += advice(result)
    if problems:
        kind = type(module).__name__
        raise StateError("\n  ".join([f"the state_dict does not fit {kind}, and nothing was loaded:", *problems]))
    with minidl.no_grad():
        for key, value in found.items():
            put(wanted[key], minidl.as_tensor(value), assign)
    return result


def misfits(wanted: Mapping[str, Entry], found: Mapping[str, Any]) -> list[str]:
    """Return a line for each value that can't be copied into its place."""
    lines = []
    for key, value in found.items():
        if not isinstance(value, (Tensor, np.ndarray)):
            lines.append(f"wrong kind: {key} must be a Tensor, got {type(value).__name__}")
        elif value.shape != wanted[key].value.shape:
            ours = wanted[key].value.shape
            lines.append(f"wrong shape: {key} is {value.shape} in the state_dict, {ours} in the model")
    return lines


def advice(keys: IncompatibleKeys) -> list[str]:
    """Return a line that guesses how missing and unexpected keys belong together, if that can be seen."""
    for key in keys.unexpected_keys:
        for missing in keys.missing_keys:
            if key.endswith("." + missing):
                return [f"the state's keys start with {key.removesuffix(missing)!r}; remove that from each"]
            if missing.endswith("." + key):
                return [f"the model's keys start with {missing.removesuffix(key)!r}; load into that part of the model"]
    pairs = [(key, get_close_matches(key, keys.missing_keys, 1)) for key in keys.unexpected_keys]
    return [f"{key} may be meant for {near[0]}" for key, near in pairs if near]


def put(entry: Entry, value: Tensor, assign: bool) -> None:
    """Copy a value into its place, or with `assign` put the Tensor itself there."""
    if not assign:
        entry.value.copy_(value)
    elif isinstance(entry.value, Parameter):
        setattr(entry.owner, entry.name, Parameter(value, requires_grad=entry.value.requires_grad))
    else:
        setattr(entry.owner, entry.name, value)
