"""Checks of the arguments that layers are made with."""

from __future__ import annotations

import operator
from typing import Any

from ..errors import ArgumentError, ArgumentTypeError


def whole(name: str, value: Any, least: int = 1) -> int:
    """Return `value` as an int of at least `least`, or raise naming the argument."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise ArgumentTypeError(f"{name} must be a whole number, got {value!r}")
    if number < least:
        raise ArgumentError(f"{name} must be at least {least}, got {number}")
    return number


def sizes(name: str, value: Any, dims: int, least: int = 1) -> tuple[int, ...]:
    """Return one whole number for each dimension of an image or a sequence, from one for all or from as many."""
    if not isinstance(value, (tuple, list)):
        return (whole(name, value, least),) * dims
    if len(value) != dims:
        count = "one number" if dims == 1 else "one number or two, (height, width)"
        raise ArgumentError(f"{name} must be {count}, got {value!r}")
    return tuple(whole(name, number, least) for number in value)


def one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    """Return `value` if it is one of the allowed strings, or raise naming the argument."""
    if value not in allowed:
        raise ArgumentError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return str(value)


def probability(name: str, value: Any) -> float:
    """Return `value` as a float from 0 to 1, or raise naming the argument."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise ArgumentError(f"{name} must be a probability, a number from 0 to 1, got {value!r}")
