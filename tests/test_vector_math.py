"""exp, log, erf, tanh and sigmoid of core/vector_math.h: right to 4 units in the last place, for every kind of number.

float32 is held against NumPy's float64, float64 against Python's math module, whose own error is below one unit.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minidl import _kernels as kernels

pytestmark = pytest.mark.skipif(not kernels.compiled, reason="the kernels are not compiled here")

MOST_UNITS = 4
FUNCTIONS = ["exp", "log", "erf", "tanh", "sigmoid"]


def exp(x: float) -> float:
    return math.exp(x) if x < 709.79 else math.inf


def sigmoid(x: float) -> float:
    """Return 1 / (1 + e^-x), with the digits of small results."""
    return 1 / (1 + math.exp(-x)) if x > 0 else exp(x) / (1 + exp(x))


def log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


EXACT: dict[str, Callable[[float], float]] = {
    "exp": exp, "log": log, "erf": math.erf, "tanh": math.tanh, "sigmoid": sigmoid
}  # fmt: skip


def computed(function: str, x: Any) -> Any:
    from minidl._kernels.elementwise import elementwise_forward

    y = np.full_like(x, np.nan)
    elementwise_forward(x, y, function)
    return y


def numbers(function: str, dtype: Any) -> Any:
    """Return numbers of every size, dense where the function changes; 3 of them stand in a part of a vector."""
    generator, count = np.random.default_rng(0), 4000
    info = np.finfo(dtype)
    digits = 320 if dtype == np.float64 else 44
    sized = 10.0 ** generator.uniform(-digits, math.log10(info.max) - 0.01, count)
    largest = 750 if dtype == np.float64 else 110
    dense = [
        generator.uniform(-largest, largest, count),
        generator.normal(0, 3, 2 * count),
        generator.normal(0, 0.1, count),
    ]
    if function == "log":
        positive = [sized, generator.uniform(0.5, 2, count), 1 + 10.0 ** generator.uniform(-17, -1, count)]
        return np.concatenate([*positive, generator.uniform(0, 1e-6, 3)]).astype(dtype)
    return np.concatenate([*dense, sized, -sized, generator.normal(size=3)]).astype(dtype)


def units_off(function: str, x: Any) -> Any:
    """Return how far the vector function is from the right value, in units of its last place."""
    exact = np.array([EXACT[function](v) for v in x.astype(np.float64).tolist()])
    with np.errstate(over="ignore"):
        nearest = exact.astype(x.dtype)
    y = computed(function, x)
    equal = (y == nearest) | (np.isnan(y) & np.isnan(nearest))
    with np.errstate(all="ignore"):
        return np.where(equal, 0, np.abs((y.astype(np.float64) - exact) / np.spacing(np.abs(nearest))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_few_units_in_the_last_place(function: str, dtype: Any) -> None:
    x = numbers(function, dtype)
    off = units_off(function, x)
    worst = np.argmax(off)
    assert off[worst] <= MOST_UNITS, f"{function}({x[worst]!r}) is {off[worst]} units off"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("exp", [1, 1, np.inf, 0, np.nan, 1, 0]),
        ("log", [-np.inf, -np.inf, np.inf, np.nan, np.nan, None, np.nan]),
        ("erf", [0.0, -0.0, 1, -1, np.nan, None, -1]),
        ("tanh", [0.0, -0.0, 1, -1, np.nan, None, -1]),
        ("sigmoid", [0.5, 0.5, 1, 0, np.nan, 0.5, 0]),
    ],
)
def test_zeros_infinities_nan_and_denormals(function: str, expected: list[Any], dtype: Any) -> None:
    """In a whole vector, and in the part that is left at the end."""
    tiny = np.finfo(dtype).smallest_subnormal
    values = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 3 * tiny, -1e30], dtype)
    whole = np.repeat(values[:, None], 16, axis=1)
    for y in (computed(function, values), *computed(function, whole).T):
        for got, x, wanted in zip(y.tolist(), values.tolist(), expected, strict=True):
            if wanted is None:
                np.testing.assert_allclose(got, EXACT[function](x), rtol=1e-6, atol=4 * float(tiny))
            else:
                np.testing.assert_equal(got, wanted)
                assert math.copysign(1, got) == math.copysign(1, wanted) or math.isnan(wanted)


@pytest.mark.parametrize("function", ["exp", "sigmoid"])
def test_results_below_the_normal_numbers_are_gradual(function: str) -> None:
    y = computed(function, np.array([-88.0, -100.0, -103.9, -104.1], np.float32))
    assert np.all(np.diff(y) < 0) and y[2] > 0 and y[3] == 0


def test_a_number_gives_the_same_wherever_it_stands() -> None:
    """The part of a vector at the end is computed as the whole ones are."""
    x = np.random.default_rng(1).normal(size=67)
    for function in FUNCTIONS:
        whole = computed(function, np.abs(x))
        for end in range(1, 67):
            assert np.array_equal(computed(function, np.abs(x[:end])), whole[:end])


@pytest.mark.parametrize("set", ["avx512", "avx2", "neon", "baseline"])
def test_every_instruction_set_of_this_machine(set: str) -> None:
    """This file's tests in a fresh Python that was told to use it."""
    if os.environ.get("MINIDL_ISA"):
        pytest.skip("an instruction set was chosen")
    environment = {**os.environ, "MINIDL_ISA": set}
    known = subprocess.run([sys.executable, "-c", "import minidl._kernels.core"], env=environment, capture_output=True)
    if known.returncode:
        pytest.skip(f"this machine has no {set}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
