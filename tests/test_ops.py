"""Every operation of the table: its derivatives, types, layouts, sizes, kernels; a row of cases.py yields them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cases import ROWS, Row

import minidl
from minidl import _kernels as kernels
from minidl import autograd, ops
from minidl.operation import Fused
from minidl.testing import differentiable, differentiated, floats, gradcheck, gradgradcheck

MODES = ["reference", "formula", *(["compiled"] if kernels.compiled else [])]


def each(rows: list[Row], modes: list[str] = MODES) -> Any:
    """Run a test for these rows, with all these kernels where the operation's file uses kernels."""
    pairs = [
        (row, mode) for row in rows
        for mode in (modes if "kernels" in getattr(ops, row.op).op.forward.__globals__ else [kernels.mode])
    ]  # fmt: skip
    names = [f"{row.name}-{mode}" for row, mode in pairs]
    return pytest.mark.parametrize(("row", "mode"), pairs, indirect=["mode"], ids=names)


@pytest.fixture
def mode(request: pytest.FixtureRequest) -> Iterator[str]:
    with minidl.use_kernels(request.param):
        yield request.param


each_row = each(ROWS)
differentiable_row = each([row for row in ROWS if row.order])


def tensors(arrays: list[Any]) -> list[Any]:
    """Return the arrays as Tensors, the floating ones requiring a gradient; integers stay plain arrays."""
    return [minidl.from_numpy(x).requires_grad_() if x.dtype.kind == "f" else minidl.from_numpy(x) for x in arrays]


def weights(out: Any) -> Any:
    """Return a cotangent for an output, always the same."""
    return minidl.from_numpy(np.cos(np.arange(out.numel(), dtype=out.dtype)).reshape(out.shape))


def results(row: Row, inputs: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return the outputs as arrays, and the gradients of the inputs that have one."""
    outputs = row.function(*inputs)
    outputs = list(outputs) if isinstance(outputs, tuple) else [outputs]
    values = [np.array(out.array) for out in outputs]
    starts = differentiable(outputs)
    if not starts:
        return values, []
    wanted = [x for x in inputs if x.requires_grad]
    found = autograd.grad(starts, wanted, [weights(out) for out in starts], allow_unused=True)
    return values, [g.array for g in found if g is not None]


def agree(a: tuple[list[Any], list[Any]], b: tuple[list[Any], list[Any]], rtol: float) -> None:
    """Assert that two results are equal but for rounding."""
    for one, other in zip((*a[0], *a[1]), (*b[0], *b[1]), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)


# -- the table is whole ----------------------------------------------------------------------------------------------


def test_every_operation_has_a_row() -> None:
    assert {row.op for row in ROWS} == set(ops.__all__)


def test_rows_have_names_of_their_own() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)


def test_every_rule_is_exercised() -> None:
    """A rule for an input that no row differentiates would not be tested."""
    for name in ops.__all__:
        op = getattr(ops, name).op
        rows = [row for row in ROWS if row.op == name]
        assert any(row.order >= 2 for row in rows) == bool(op.rules or isinstance(op, Fused)), name


# -- derivatives -----------------------------------------------------------------------------------------------------


@differentiable_row
def test_first_derivative_at_every_size(row: Row, mode: str) -> None:
    for shapes in row.shapes:
        assert gradcheck(row.function, tensors(row.inputs(shapes)), atol=1e-7, rtol=1e-5)


@each([row for row in ROWS if row.order >= 2], list(dict.fromkeys([kernels.mode, "formula"])))
def test_second_derivative(row: Row, mode: str) -> None:
    assert gradgradcheck(row.function, tensors(row.inputs(row.shapes[0])), atol=1e-6, rtol=1e-5)


@each([row for row in ROWS if row.order >= 3], list(dict.fromkeys([kernels.mode, "formula"])))
def test_third_derivative(row: Row, mode: str) -> None:
    function, inputs = differentiated(row.function, tensors(row.inputs(row.shapes[0])))
    assert gradgradcheck(function, inputs, atol=1e-6, rtol=1e-5)


@each_row
def test_what_has_no_derivative_requires_no_gradient(row: Row, mode: str) -> None:
    outputs = row.function(*tensors(row.inputs(row.shapes[0])))
    for out in outputs if isinstance(outputs, tuple) else (outputs,):
        assert out.requires_grad == (out.dtype.kind == "f")


# -- types -----------------------------------------------------------------------------------------------------------


@each_row
def test_float32_stays_float32_and_agrees_with_float64(row: Row, mode: str) -> None:
    """In every rule, in the rule of every rule: a np.float64 constant somewhere would show."""
    for shapes in row.shapes:
        single = row.inputs(shapes, np.float32)
        double = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in single]
        low, high = results(row, tensors(single)), results(row, tensors(double))
        for value, exact in zip((*low[0], *low[1]), (*high[0], *high[1]), strict=True):
            assert value.dtype == (np.float32 if exact.dtype == np.float64 else exact.dtype)
        agree(low, high, 2e-5)


@differentiable_row
def test_float32_stays_float32_in_higher_derivatives(row: Row, mode: str) -> None:
    function, inputs = row.function, tensors(row.inputs(row.shapes[0], np.float32))
    for _ in range(row.order):
        outputs = differentiable(function(*inputs))
        cotangents = [weights(out).requires_grad_() for out in outputs]
        function, inputs = differentiated(function, inputs, cotangents)
        assert {out.dtype for out in floats(function(*inputs))} <= {minidl.float32}


# -- kernels, layouts, what must not change --------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_all_kernels_agree(row: Row) -> None:
    for shapes in row.shapes:
        answers = []
        for name in MODES:
            with minidl.use_kernels(name):
                answers.append(results(row, tensors(row.inputs(shapes))))
        for other in answers[1:]:
            agree(answers[0], other, 1e-12)


def fortran(x: Any) -> Any:
    """Return the array with its dimensions in reverse order in memory."""
    return np.array(x, order="F")


def strided(x: Any) -> Any:
    """Return the array as every other element of a larger one, backwards in its last dimension."""
    if x.ndim == 0:
        return np.stack([x, x])[1, ...]
    wide = np.full((*x.shape[:-1], 2 * x.shape[-1] + 1), np.nan if x.dtype.kind == "f" else 0, x.dtype)
    view = wide[..., -2:0:-2] if x.shape[-1] else wide[..., :0]
    view[...] = x
    return view


def read_only(x: Any) -> Any:
    """Return the array with its memory locked."""
    x = x.copy()
    x.flags.writeable = False
    return x


@each_row
@pytest.mark.parametrize("layout", [fortran, strided, read_only], ids=lambda layout: layout.__name__)
def test_layout_of_the_inputs_does_not_matter(row: Row, layout: Any, mode: str) -> None:
    for shapes in row.shapes:
        arrays = row.inputs(shapes)
        agree(results(row, tensors([layout(x) for x in arrays])), results(row, tensors(arrays)), 1e-12)


@each_row
def test_inputs_and_cotangents_keep_their_values(row: Row, mode: str) -> None:
    for shapes in row.shapes:
        arrays = row.inputs(shapes)
        inputs = tensors([x.copy() for x in arrays])
        outputs = floats(row.function(*inputs)) if row.order else []
        cotangents = [weights(out) for out in outputs]
        before = [g.array.copy() for g in cotangents]
        if outputs:
            autograd.backward(outputs, cotangents)
        for x, old in zip((*inputs, *cotangents), (*arrays, *before), strict=True):
            np.testing.assert_array_equal(x.array, old)
        for x in inputs:
            if x.grad is not None:
                assert x.grad.shape == x.shape
                assert not any(np.shares_memory(x.grad.array, y.array) for y in (*inputs, *outputs, *cotangents))


@each([row for row in ROWS if row.nan_passes])
def test_nan_passes(row: Row, mode: str) -> None:
    shapes = row.shapes[0]
    for k, x in enumerate(row.inputs(shapes)):
        if x.dtype.kind == "f" and x.size:
            inputs = row.inputs(shapes)
            inputs[k][...] = np.nan
            outputs = row.function(*tensors(inputs))
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            assert np.isnan(outputs[0].array).any() or not outputs[0].numel()


@each_row
def test_plain_arrays_give_a_plain_answer(row: Row, mode: str) -> None:
    arrays = row.inputs(row.shapes[0])
    answers, expected = row.function(*arrays), row.function(*tensors(row.inputs(row.shapes[0])))
    for answer, out in zip(*[x if isinstance(x, tuple) else (x,) for x in (answers, expected)], strict=True):
        assert isinstance(answer, (np.ndarray, np.generic))
        np.testing.assert_allclose(answer, out.array, rtol=1e-12)
        assert answer.dtype == out.dtype
