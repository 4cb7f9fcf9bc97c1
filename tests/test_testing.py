"""gradcheck and gradgradcheck: right gradients pass, wrong ones are named with their likely cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import autograd, ops
from minidl.autograd import gradcheck, gradgradcheck
from minidl.errors import ArgumentError, DTypeError, GradcheckError, GraphError
from minidl.operation import primitive


def leaf(*shape: int, seed: int = 0) -> Any:
    values = np.random.default_rng(seed).uniform(0.5, 2.0, shape)
    return minidl.from_numpy(values).requires_grad_()


def operation(forward: Callable[[Any], Any], rule: Callable[..., Any]) -> Any:
    """Return an operation with this forward and this derivative."""

    @primitive
    def op(x: Any) -> Any:
        return forward(x)

    op.defvjp(x=rule)
    return op


# -- what passes -----------------------------------------------------------------------------------------------------


def test_several_inputs_and_outputs() -> None:
    def f(a: Any, n: int, b: Any) -> Any:
        return a * b**n, (a + b).sum(), a > b

    assert gradcheck(f, (leaf(2, 3), 2, leaf(3, seed=1)))
    assert gradgradcheck(f, (leaf(2, 3), 2, leaf(3, seed=1)))


def test_one_input_needs_no_tuple() -> None:
    assert gradcheck(minidl.exp, leaf(2)) and gradgradcheck(minidl.exp, leaf(2))


def test_layouts() -> None:
    whole = np.random.default_rng(0).uniform(0.5, 2, (4, 6))
    for view in (whole.T, whole[::2, ::-1], whole[1], np.asfortranarray(whole)):
        x = minidl.from_numpy(view).requires_grad_()
        assert not x.is_contiguous() or view.ndim == 1
        assert gradcheck(lambda x: (x * x).sin(), x)


def test_size_0_and_0_dimensions() -> None:
    for shape in ((0,), (2, 0), ()):
        assert gradcheck(lambda x: x * x.exp(), leaf(*shape))
        assert gradgradcheck(lambda x: x * x.exp(), leaf(*shape))


def test_the_inputs_are_as_before() -> None:
    x = leaf(3)
    before = x.array.copy()
    gradcheck(minidl.exp, x)
    gradgradcheck(minidl.exp, x)
    np.testing.assert_array_equal(x.array, before)
    assert x.grad is None


def test_given_cotangents() -> None:
    x, g = leaf(2), leaf(2, seed=3)
    assert gradgradcheck(minidl.sin, x, g) and gradgradcheck(minidl.sin, [x], [g])
    with pytest.raises(ArgumentError, match="got 2 for 1 outputs"):
        gradgradcheck(minidl.sin, x, [g, g])


def test_a_computed_input() -> None:
    assert gradcheck(minidl.tanh, leaf(3) * 1.0)


# -- what it refuses to check ----------------------------------------------------------------------------------------


def test_float32_has_too_few_digits() -> None:
    with pytest.raises(DTypeError, match=r"input 0 is float32, .* use \.double\(\)"):
        gradcheck(minidl.exp, minidl.ones(2, requires_grad=True))
    with pytest.raises(DTypeError, match="output 0 is float32"):
        gradcheck(lambda x: x.float(), leaf(2))


def test_nothing_to_check() -> None:
    with pytest.raises(ValueError, match="none of the inputs requires grad"):
        gradcheck(minidl.exp, minidl.ones(2, dtype=minidl.float64))


def test_expanded_inputs() -> None:
    with pytest.raises(GraphError, match=r"input 0 can't be changed.*\.clone\(\)"):
        gradcheck(minidl.exp, minidl.ones(1, dtype=minidl.float64).expand(3).requires_grad_())


def test_errors_of_the_function_pass_through() -> None:
    with pytest.raises(ZeroDivisionError):
        gradcheck(lambda x: 1 / 0, leaf(2))


# -- what it finds ---------------------------------------------------------------------------------------------------

WRONG: list[tuple[str, Any, tuple[int, ...]]] = [
    ("a wrong sign", operation(lambda x: np.cos(x), lambda g, x: g * ops.sin(x)), (3,)),
    ("a constant factor, the gradient is 1/2 of", operation(lambda x: x**2, lambda g, x: g * x), (3,)),
    ("a constant factor, the gradient is 3 of", operation(lambda x: x, lambda g: 3.0 * g), (2, 2)),
    ("a constant factor, the gradient is 0.3183 of", operation(lambda x: np.pi * x, lambda g: g), (2,)),
    (
        "a missing sum over a broadcast dimension: the input is used 4 times and counted once",
        operation(lambda x: np.broadcast_to(x, (4, 3)), lambda g: g[:1]), (1, 3),
    ),
    ("a missing sum over a broadcast dimension", operation(lambda x: x + np.zeros((4, 3)), lambda g: g[0]), (3,)),
    (
        "a missing sum over a broadcast dimension",
        operation(lambda x: x + np.zeros((4, 3)), lambda g: ops.mean(g, dim=(0,))), (3,),
    ),
    ("a transposed gradient", operation(lambda x: x.T, lambda g: g), (3, 3)),
    ("a transposed gradient", operation(lambda x: x.T, lambda g, x_shape: ops.reshape(g, shape=x_shape)), (2, 3)),
    ("a gradient of zero where there is a slope: a term", operation(lambda x: x**2, lambda g: ops.zeros_like(g)), (3,)),
    (
        "a gradient of zero where there is a slope, in 1 of 3 places",
        operation(lambda x: x * 2, lambda g: ops.cleared(2.0 * g, index=(0,))), (3,),
    ),
    ("a gradient where there is no slope", operation(lambda x: x * 0 + 1, lambda g: g), (3,)),
    ("not finite where the slope is", operation(lambda x: x, lambda g: g / 0.0), (2,)),
    ("none of the usual ones", operation(lambda x: x**3, lambda g, x: g * x), (3,)),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "op", "shape"), WRONG, ids=[f"{k} {row[0][:40]}" for k, row in enumerate(WRONG)])
def test_the_likely_cause_is_named(cause: str, op: Any, shape: tuple[int, ...]) -> None:
    with np.errstate(all="ignore"), pytest.raises(GradcheckError) as caught:
        gradcheck(op, leaf(*shape))
    assert cause in str(caught.value).splitlines()[-1]
    with np.errstate(all="ignore"):
        assert gradcheck(op, leaf(*shape), raise_exception=False) is False


def test_a_kink_is_named() -> None:
    x = minidl.tensor([1.5, 0.0], dtype=minidl.float64, requires_grad=True)
    for kinked in (minidl.relu, minidl.sign, minidl.ceil, lambda x: minidl.clamp(x, min=0.0)):
        with pytest.raises(GradcheckError, match=r"(?s)d input\[1\].*a kink or a jump at this input"):
            gradcheck(kinked, x)


def test_a_detached_output_is_found() -> None:
    with pytest.raises(GradcheckError, match="the value was detached"):
        gradcheck(lambda x: x.detach() * 2, leaf(2))
    with pytest.raises(GradcheckError, match="output 1 by input 0"):
        gradcheck(lambda x: (x * 2, x.detach().exp()), leaf(2))


def test_the_worst_element_is_named_with_its_two_values() -> None:
    factors = np.ones((2, 3))
    factors[1, 2] = 5.0

    def f(y: Any, x: Any) -> Any:
        return y + operation(lambda x: x * 1, lambda g: g * factors)(x)

    with pytest.raises(GradcheckError) as caught:
        gradcheck(f, (leaf(2, 3), leaf(2, 3)))
    first, analytic, numeric, _ = str(caught.value).splitlines()
    assert first == "gradcheck: output 0 by input 1 is wrong, most of all d output[1, 2] / d input[1, 2]:"
    assert analytic == "  analytic 5" and float(numeric.split()[1]) == pytest.approx(1.0)


def test_a_wrong_second_derivative_is_found_where_the_first_is_right() -> None:
    """exp, whose rule takes its own output out of the graph."""

    class Wrong(autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x.exp()
            ctx.y = y
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.y.detach()

    assert gradcheck(Wrong.apply, leaf(3))
    with pytest.raises(GradcheckError, match="by input 0"):
        gradgradcheck(Wrong.apply, leaf(3))
    assert gradgradcheck(Wrong.apply, leaf(3), raise_exception=False) is False


def test_a_recorded_gradient_that_differs_is_found() -> None:
    """A rule that does something else on Tensors than on arrays; its own derivative would look right."""
    op = operation(np.sin, lambda g, x: g * ops.cos(x) if isinstance(x, np.ndarray) else g * ops.cos(x) * 2.0)
    assert gradcheck(op, leaf(2))
    with pytest.raises(GradcheckError, match=r"the 1\. input .* another under create_graph=True"):
        gradgradcheck(op, leaf(2))
    assert gradgradcheck(op, leaf(2), raise_exception=False) is False


def test_randomness_is_found() -> None:
    with pytest.raises(GradcheckError, match="gives other values for the same inputs; is it random"):
        gradcheck(lambda x: x * minidl.rand(3, dtype=minidl.float64), leaf(3))


def test_a_backward_that_is_not_reentrant_is_found() -> None:
    calls = []

    class Counting(autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            calls.append(1)
            return g * float(len(calls))

    with pytest.raises(GradcheckError, match="a second backward from output 0 gives other gradients"):
        gradcheck(Counting.apply, leaf(2))
    assert gradcheck(minidl.exp, leaf(2), nondet_tol=1e-12)


def test_a_function_that_changes_its_input_is_found() -> None:
    def careless(x: Any) -> Any:
        y = x * 1.0
        x.data.mul_(1.0 + 1e-9)
        return y

    with pytest.raises(GradcheckError, match=r"changed the values of an input|other values"):
        gradcheck(careless, leaf(2))


def test_tolerances() -> None:
    slightly = operation(lambda x: x, lambda g: g * 1.0005)
    assert gradcheck(slightly, leaf(2))
    with pytest.raises(GradcheckError):
        gradcheck(slightly, leaf(2), rtol=1e-5)
    assert gradcheck(slightly, leaf(2), rtol=0, atol=1e-2)
    assert gradcheck(minidl.exp, leaf(2), eps=1e-4, rtol=1e-7, atol=1e-7)


def test_agreement_with_pytorch() -> None:
    torch = pytest.importorskip("torch")

    def f(m: Any) -> Callable[[Any, Any], Any]:
        return lambda a, b: (a @ b).tanh().sum(0)

    a, b = np.random.default_rng(0).standard_normal((2, 3)), np.random.default_rng(1).standard_normal((3, 2))
    for m in (minidl, torch):
        x, y = m.from_numpy(a.copy()).requires_grad_(), m.from_numpy(b.copy()).requires_grad_()
        assert m.autograd.gradcheck(f(m), (x, y), eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True)
        assert m.autograd.gradgradcheck(f(m), (x, y))
