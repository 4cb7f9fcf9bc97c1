"""The suite's first test: it is the compiled kernels that are being tested."""

import os

import pytest

from minidl import _kernels as kernels


@pytest.mark.skipif(
    os.environ.get("MINIDL_KERNELS") in ("reference", "formula"), reason="MINIDL_KERNELS asks for the reference"
)
def test_the_compiled_kernels_are_loaded() -> None:
    assert kernels.compiled, "no compiled kernels beside this minidl: install it with `pip install -e .`, or build_ext"
    assert kernels.mode == "compiled"
    assert type(kernels.linear_forward).__name__ == "cython_function_or_method"
