"""Names: those that layers get, those that users write in strings, and configurations that rebuild what they name."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Self

import numpy as np

from ..errors import ArgumentError, ArgumentTypeError

counts: Counter[str] = Counter()  # how many objects have a name already; keras.utils.clear_session forgets it


def snake(name: str) -> str:
    """Return a class's name in small letters: MaxPooling2D is max_pooling2d."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()


def unique(name: str) -> str:
    """Return dense, dense_1, dense_2 and so on."""
    number = counts[name]
    counts[name] += 1
    return f"{name}_{number}" if number else name


def nearest(word: Any, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` for a word that is close to a known one, else nothing."""
    near = get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def looked_up(word: str, table: Mapping[str, Any], what: str) -> Any:
    """Return what a string stands for."""
    if word in table:
        return table[word]
    raise ArgumentError(f"{what}: got {word!r}, expected one of {', '.join(table)}{nearest(word, table)}")


class Configured:
    """What remembers how it was made: `get_config` gives its arguments, and `from_config` makes it again."""

    def __new__(cls, *args: Any, **options: Any) -> Self:
        """Note the arguments that __init__ will get."""
        made = super().__new__(cls)
        object.__setattr__(made, "_arguments", (args, options))
        return made

    def get_config(self) -> dict[str, Any]:
        """Return the arguments by name, as JSON can hold them."""
        args, options = self._arguments  # type: ignore[attr-defined]
        signature = inspect.signature(type(self))
        bound = signature.bind(*args, **options)
        config: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            kind = signature.parameters[name].kind
            if kind == inspect.Parameter.VAR_KEYWORD:
                config |= value
            elif kind == inspect.Parameter.VAR_POSITIONAL:
                raise ArgumentError(
                    f"{type(self).__name__} takes *{name}; write a get_config that returns its arguments"
                )
            else:
                config[name] = value
        return {name: as_json(value) for name, value in config.items()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Make it from what `get_config` gave."""
        return cls(**config)


def as_json(value: Any) -> Any:
    """Return a value as JSON can hold it: a layer or an initializer by class and configuration, a function by name."""
    if isinstance(value, Configured):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if inspect.isfunction(value) or inspect.isbuiltin(value):
        return value.__name__
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): as_json(item) for name, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ArgumentTypeError(f"a configuration cannot hold {type(value).__name__} {value!r}")


def check_unknown(owner: Any, options: Mapping[str, Any]) -> None:
    """Refuse arguments that a class does not have, and name the one that was meant."""
    for name in options:
        known = {
            word
            for cls in type(owner).__mro__
            if "__init__" in cls.__dict__ and cls is not object
            for word in inspect.signature(cls).parameters
        } - {"options"}
        raise ArgumentTypeError(
            f"{type(owner).__name__}: there is no argument {name!r}{nearest(name, known)}; "
            f"there are {', '.join(sorted(known))}"
        )
