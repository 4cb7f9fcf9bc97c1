"""Convolution: every form on every instruction set, infinities, threads.

The table of tests/test_kernels.py has the shapes. What depends on the instruction set runs in a fresh Python for each
that this machine has (MINIDL_ISA is read once).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_kernels import COMPILED, CONV2D, REFERENCE, ROWS, arguments, assert_close, run
from test_product import available, python

from minidl import _kernels as kernels

pytestmark = pytest.mark.skipif(not kernels.compiled, reason="the kernels are not compiled here")

if kernels.compiled:
    from minidl._kernels import core

NAMES = ["conv2d_forward", "conv2d_dx", "conv2d_dw"]


def check_values() -> None:
    """The reference's values, at every size of the table."""
    for name in NAMES:
        for sizes in (*CONV2D["small"], *CONV2D["large"]):
            for dtype in (np.float32, np.float64):
                values = arguments(name, sizes, dtype)
                assert_close(run(COMPILED[name], name, values), run(REFERENCE[name], name, values), dtype)


def check_infinity() -> None:
    """An infinity or a NaN reaches what reads it and nothing else."""
    for name in NAMES:
        for sizes in CONV2D["large"]:
            values = arguments(name, sizes, np.float32)
            for key, bad in [("x", np.inf), ("g", -np.inf), ("w", np.inf), ("w", np.nan)]:
                if key not in values:
                    continue
                spoilt = values[key].copy()
                spoilt.flat[spoilt.size // 2] = bad
                expected = run(REFERENCE[name], name, {**values, key: spoilt})
                assert_close(run(COMPILED[name], name, {**values, key: spoilt}), expected, np.float32)


def check_threads() -> None:
    """The same bits from 1, 2, 3 and 16 threads."""
    large: list[dict[str, Any]] = [
        {**CONV2D["large"][0], "N": 9, "C": 20, "K": 33, "out": (31, 33)},
        {**CONV2D["large"][0], "N": 2, "C": 17, "K": 19, "out": (90, 91), "stride": (2, 2)},
        {**CONV2D["large"][0], "N": 3, "C": 200, "K": 150, "out": (8, 7)},
        {**CONV2D["large"][0], "N": 3, "C": 70, "K": 40, "out": (31, 33), "kernel": (1, 1)},
        {**CONV2D["large"][0], "N": 3, "C": 1, "K": 2, "groups": 70, "out": (31, 33), "kernel": (3, 3)},
    ]
    for name in NAMES:
        for sizes in large:
            values = arguments(name, sizes, np.float32)
            results = []
            for threads in (1, 2, 3, 16):
                core.set_num_threads(threads)
                results.append(run(COMPILED[name], name, values)[ROWS[name].writes[0]])
            for result in results:
                np.testing.assert_array_equal(result, results[0])
    core.set_num_threads(1)


@pytest.mark.parametrize("check", ["values", "infinity", "threads"])
@pytest.mark.parametrize("isa", ["avx512", "avx2", "neon", "baseline"])
def test_every_instruction_set(isa: str, check: str) -> None:
    if isa not in available():
        pytest.skip(f"this machine has no {isa}")
    code = f"import {__name__} as t; assert t.core.isa() == {isa!r}; t.check_{check}()"
    done = python(code, MINIDL_ISA=isa)
    assert done.returncode == 0, done.stderr
