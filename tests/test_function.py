"""autograd.Function: a user's own operation behaves as a built-in one."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

import minidl
from minidl.autograd import Function, grad, gradcheck, gradgradcheck
from minidl.errors import DTypeError, GraphError


class Cube(Function):
    """y = x³."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 3 * g * x**2


class Exp(Function):
    """y = e^x, whose derivative is its output."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (y,) = ctx.saved_tensors
        return g * y


class Scale(Function):
    """y = factor · x · w, with an input that is no Tensor."""

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any, factor: float) -> Any:
        ctx.save_for_backward(x, w)
        ctx.factor = factor
        return x * w * factor

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        x, w = ctx.saved_tensors
        dx = g * w * ctx.factor if ctx.needs_input_grad[0] else None
        dw = g * x * ctx.factor if ctx.needs_input_grad[1] else None
        return dx, dw, None


class SumAndProduct(Function):
    """Two outputs."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save_for_backward(a, b)
        return a + b, a * b

    @staticmethod
    def backward(ctx: Any, g_sum: Any, g_product: Any) -> Any:
        a, b = ctx.saved_tensors
        return g_sum + g_product * b, g_sum + g_product * a


class Split(Function):
    """setup_context apart from forward."""

    @staticmethod
    def forward(x: Any, power: int) -> Any:
        return x**power

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        x, ctx.power = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * ctx.power * x ** (ctx.power - 1), None


def leaf(*values: float) -> Any:
    return minidl.tensor(values, dtype=minidl.float64, requires_grad=True)


FUNCTIONS = [
    (Cube.apply, 1), (Exp.apply, 1), (lambda x, w: Scale.apply(x, w, 2.5), 2), (SumAndProduct.apply, 2),
    (lambda x: Split.apply(x, 3), 1), (lambda x: Cube.apply(Exp.apply(x)) + x, 1),
]  # fmt: skip


@pytest.mark.parametrize(("function", "inputs"), FUNCTIONS)
def test_derivatives(function: Any, inputs: int) -> None:
    arguments = [leaf(0.5, -1.0, 2.0), leaf(1.5, 0.3, -0.7)][:inputs]
    assert gradcheck(function, arguments)
    assert gradgradcheck(function, arguments)


def test_third_derivative() -> None:
    x = leaf(2.0)
    (d1,) = grad(Cube.apply(x).sum(), x, create_graph=True)
    (d2,) = grad(d1.sum(), x, create_graph=True)
    (d3,) = grad(d2.sum(), x)
    assert (d1.item(), d2.item(), d3.item()) == (12.0, 12.0, 6.0)


def test_nothing_in_forward_is_recorded() -> None:
    seen = []

    class Probe(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x * 2
            seen.append((minidl.is_grad_enabled(), y.requires_grad))
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            seen.append((minidl.is_grad_enabled(), g.requires_grad))
            return g * 2

    x = leaf(1.0)
    y = Probe.apply(x)
    assert y.requires_grad and y.grad_fn.name() == "Probe"
    grad(y, x, create_graph=True)
    Probe.apply(x).backward()
    assert seen == [(False, False), (True, False), (False, False), (False, False)]


def test_needs_input_grad_says_who_needs_a_gradient() -> None:
    x, w = leaf(1.0, 2.0), minidl.ones(2, dtype=minidl.float64)
    y = Scale.apply(x, w, 2.0)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0] and w.grad is None


def test_without_a_gradient_nothing_is_recorded() -> None:
    with minidl.no_grad():
        assert not Cube.apply(leaf(1.0)).requires_grad
    assert Cube.apply(minidl.ones(2)).grad_fn is None


def test_outputs_that_nothing_used_give_zeros() -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    _, product = SumAndProduct.apply(a, b)
    product.sum().backward()
    assert a.grad.tolist() == [3.0, 4.0] and b.grad.tolist() == [1.0, 2.0]


def test_set_materialize_grads_gives_none_instead() -> None:
    seen = []

    class Two(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            seen.append((g is None, h is None))
            return h * 3

    x = leaf(1.0)
    Two.apply(x)[1].sum().backward()
    assert seen == [(True, False)] and x.grad.tolist() == [3.0]


def test_mark_non_differentiable() -> None:
    class Sorted(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            order = np.argsort(x.numpy())
            values, ranks = x[order], minidl.from_numpy(order.astype(np.float64))
            ctx.mark_non_differentiable(ranks)
            ctx.order = order
            return values, ranks

        @staticmethod
        def backward(ctx: Any, g: Any, unused: Any) -> Any:
            dx = minidl.zeros_like(g)
            dx[ctx.order] = g
            return dx

    x = leaf(3.0, 1.0, 2.0)
    values, ranks = Sorted.apply(x)
    assert values.requires_grad and not ranks.requires_grad
    (values * leaf(1.0, 10.0, 100.0)).sum().backward()
    assert x.grad.tolist() == [100.0, 1.0, 10.0]


def test_integer_outputs_are_not_differentiable() -> None:
    class WithCount(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2, minidl.tensor([x.numel()])

        @staticmethod
        def backward(ctx: Any, g: Any, unused: Any) -> Any:
            return g * 2

    y, count = WithCount.apply(leaf(1.0, 2.0))
    assert y.requires_grad and not count.requires_grad


def test_an_input_returned_as_output_is_a_tensor_of_its_own() -> None:
    class Same(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * -1.0

    x = leaf(1.0, 2.0)
    y = Same.apply(x)
    assert y is not x and y.requires_grad and x.is_leaf and np.shares_memory(y.array, x.array)
    y.sum().backward()
    assert x.grad.tolist() == [-1.0, -1.0]


def test_a_straight_through_estimator() -> None:
    class Rounded(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.round()

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    x = leaf(0.2, 1.7)
    y = Rounded.apply(x)
    assert y.tolist() == [0.0, 2.0]
    (y * y).sum().backward()
    assert x.grad.tolist() == [0.0, 4.0]


# -- memory and misuse -----------------------------------------------------------------------------------------------


def test_saved_tensors_are_freed() -> None:
    x = leaf(1.0, 2.0)
    y = Cube.apply(x)
    y.sum().backward()
    with pytest.raises(RuntimeError, match=r"second time|freed"):
        y.sum().backward()
    z = Exp.apply(x)
    z.sum().backward(retain_graph=True)
    z.sum().backward()


def test_saved_tensors_may_be_read_twice() -> None:
    class Twice(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            assert ctx.saved_tensors[0] is x
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (a,), (b,) = ctx.saved_tensors, ctx.saved_tensors
            return g * (a + b)

    assert gradcheck(Twice.apply, leaf(1.0, 2.0))


def test_nothing_saved_gives_an_empty_tuple() -> None:
    class Plain(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            assert ctx.saved_tensors == ()
            return g * 2

    x = leaf(1.0)
    Plain.apply(x).backward()
    assert x.grad.tolist() == [2.0]


def test_none_may_be_saved() -> None:
    class Optional(Function):
        @staticmethod
        def forward(ctx: Any, x: Any, bias: Any) -> Any:
            ctx.save_for_backward(x, bias)
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            _, bias = ctx.saved_tensors
            assert bias is None
            return g * 2, None

    x = leaf(1.0)
    Optional.apply(x, None).backward()
    assert x.grad.tolist() == [2.0]


def test_an_in_place_change_of_a_saved_tensor_is_caught() -> None:
    x = leaf(1.0, 2.0)
    h = x * 1.0
    y = Cube.apply(h)
    h += 1.0
    with pytest.raises(GraphError, match="Cube saved saved tensor 0|Cube"):
        y.sum().backward()
    z = Exp.apply(x)
    with minidl.no_grad():
        z.mul_(2.0)
    with pytest.raises(GraphError, match="Exp"):
        z.sum().backward()


def test_wrong_number_of_gradients() -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            return a * b

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    with pytest.raises(RuntimeError, match=r"Wrong\.backward returned 1 gradients for the 2 inputs"):
        Wrong.apply(leaf(1.0), leaf(2.0)).backward()


def test_a_gradient_of_the_wrong_shape() -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g.sum()

    with pytest.raises(RuntimeError, match=r"Wrong.*shape \(\).*shape \(2,\)"):
        Wrong.apply(leaf(1.0, 2.0)).sum().backward()


def test_a_gradient_that_is_no_tensor() -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2.0

    with pytest.raises(TypeError, match=r"Wrong\.backward.*float"):
        Wrong.apply(leaf(1.0)).backward()


def test_gradients_are_converted_to_the_dtype_of_their_inputs() -> None:
    class Wide(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g.double() * 2

    x = minidl.ones(2, requires_grad=True)
    Wide.apply(x).sum().backward()
    assert x.grad.dtype == minidl.float32
    (dx,) = grad(Wide.apply(x).sum(), x, create_graph=True)
    assert dx.dtype == minidl.float32


def test_none_for_an_input_that_needs_a_gradient_is_no_gradient() -> None:
    class Stop(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return None

    x = leaf(1.0)
    (Stop.apply(x) + x).backward()
    assert x.grad.tolist() == [1.0]


def test_more_gradients_than_inputs_are_fine_if_none() -> None:
    class Generous(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2, None, None

    x = leaf(1.0)
    Generous.apply(x).backward()
    assert x.grad.tolist() == [2.0]


def test_missing_methods() -> None:
    class NoForward(Function):
        pass

    class NoBackward(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

    with pytest.raises(NotImplementedError, match="forward"):
        NoForward.apply(leaf(1.0))
    with pytest.raises(NotImplementedError, match="backward"):
        NoBackward.apply(leaf(1.0)).backward()


def test_forward_returns_tensors() -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.numpy() if not x.requires_grad else 1.0

    with pytest.raises(DTypeError, match=r"Wrong\.forward returned float"):
        Wrong.apply(leaf(1.0))


def test_an_exception_in_backward_passes_and_restores_the_mode() -> None:
    class Fails(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Fails.apply(leaf(1.0)).backward()
    assert minidl.is_grad_enabled()


def test_the_context_dies_with_the_graph() -> None:
    contexts = []

    class Probe(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            contexts.append(weakref.ref(ctx))
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2

    y = Probe.apply(leaf(1.0))
    assert contexts[0]() is not None
    del y
    assert contexts[0]() is None


def test_float32_stays_float32() -> None:
    x = minidl.ones(2, requires_grad=True)
    y = Cube.apply(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == minidl.float32
