"""The engine's laws, each a test with its name."""

from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import autograd, ops
from minidl.autograd import grad
from minidl.errors import ArgumentError, GraphError, ShapeError
from minidl.operation import primitive

nn = minidl.nn


def leaf(*values: float, dtype: Any = minidl.float64) -> Any:
    """Return a vector that requires grad, or from a single number a 0-d Tensor."""
    data = values if len(values) > 1 else values[0]
    return minidl.tensor(data, dtype=dtype, requires_grad=True)


# -- the order of the walk -------------------------------------------------------------------------------------------


def test_diamond() -> None:
    """y = a * a; z = y + exp(y): both of y's consumers must have spoken before y hands its cotangent on."""
    a = leaf(0.5)
    y = a * a
    z = y + y.exp()
    z.backward()
    assert a.grad.item() == pytest.approx((1 + math.exp(0.25)) * 2 * 0.5)


def test_a_tensor_used_many_times() -> None:
    x = leaf(3.0)
    y = x * x * x + x
    (y + y * x + y).backward()
    assert x.grad.item() == pytest.approx((3 * 9 + 1) * 2 + 30 + 3 * 28)


def test_diamonds_in_a_row_are_walked_once_each() -> None:
    """Each of 200 nodes has two ways onward: 2^200 paths, 200 visits."""
    x = y = leaf(1.0)
    for _ in range(200):
        y = (y + y) * 0.5
    y.backward()
    assert x.grad.item() == 1.0


def test_chain_of_50000_steps() -> None:
    """Forward, backward and the end of the graph, none of them by recursion."""
    x = y = leaf(2.0)
    for _ in range(50_000):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0
    del y


def test_chain_of_50000_steps_is_freed_without_a_backward() -> None:
    x = y = leaf(2.0)
    for _ in range(50_000):
        y = -y
    first = weakref.ref(x)
    del x, y
    assert first() is None


def test_wide_graph() -> None:
    x = leaf(2.0)
    ops.stack(*[x * float(k) for k in range(5000)], dim=0).sum().backward()
    assert x.grad.item() == sum(range(5000))


# -- memory ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Double(autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = x * 2
        ctx.save_for_backward(x, y)
        ctx.factor = 2.0
        return y

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        x, y = ctx.saved_tensors
        return g * (y / x)


class Both(autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y, z = x * 2, x * 3
        ctx.save_for_backward(y)
        return y, z

    @staticmethod
    def backward(ctx: Any, gy: Any, gz: Any) -> Any:
        return gy * 2 + gz * 3


def in_place(x: Any) -> Any:
    y = x * 2
    y += x
    y[0] = x[1]
    return y.relu_()


def hooked(x: Any) -> Any:
    y = x * 2
    y.register_hook(lambda g: g * 2)
    y.retain_grad()
    return y.exp()


def second_order(x: Any) -> Any:
    (dx,) = grad((x**3).sum(), x, create_graph=True)
    return dx


def pooled(x: Any) -> Any:
    return nn.functional.max_pool2d(x.reshape(1, 1, 2, 2), 2)


def recurrent(x: Any) -> Any:
    w = minidl.ones(2, 2, dtype=x.dtype, requires_grad=True)
    return ops.rnn(x.reshape(1, 2, 2), minidl.zeros(2, 2, dtype=x.dtype), w, w, None, None, nonlinearity="tanh")[0]


GRAPHS: list[Callable[[Any], Any]] = [
    lambda x: x * x + x.exp(),
    lambda x: x.reshape(2, 2).T[0].sum(),
    lambda x: ops.linear(x.reshape(2, 2), x.reshape(2, 2), None, activation="tanh"),
    lambda x: ops.cat(x, x[1:3], dim=0),
    lambda x: Double.apply(x),
    lambda x: Both.apply(x)[0],
    hooked, in_place, pooled, recurrent, second_order,
]  # fmt: skip
NAMES = "elementwise views fused cat Function Function2 hooks in-place outputs rnn second".split()


@pytest.mark.parametrize("graph", GRAPHS, ids=NAMES)
@pytest.mark.parametrize("mode", ["no backward", "backward", "retained", "create_graph"])
def test_no_reference_cycles(graph: Callable[[Any], Any], mode: str, no_collector: None) -> None:
    """Without the garbage collector, a graph goes when its last Tensor goes."""
    x = minidl.tensor([1.0, -2.0, 3.0, 0.5], dtype=minidl.float64, requires_grad=True)
    y = graph(x)
    total = y.sum()
    if mode == "create_graph":
        (dx,) = grad(total, x, create_graph=True)
        dx.sum()
        del dx
    elif mode != "no backward":
        total.backward(retain_graph=mode == "retained")
        x.grad = None
    traces = [weakref.ref(thing) for thing in (x, y, y.grad_fn, total, total.grad_fn)]
    x = y = total = None
    assert [trace() for trace in traces] == [None] * 5


def test_a_training_loop_does_not_grow(no_collector: None) -> None:
    minidl.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 8), nn.Tanh(), nn.Linear(8, 3)
    )
    optimizer = minidl.optim.Adam(model.parameters())
    x, y = minidl.rand(4, 1, 8, 8), minidl.tensor([0, 1, 2, 0])

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    for _ in range(5):
        step()
    before = len(gc.get_objects())
    for _ in range(20):
        step()
    assert len(gc.get_objects()) <= before + 2


def test_intermediate_values_that_no_rule_names_die_at_once() -> None:
    x = leaf(1.0, 2.0)
    sums = x + 1.0
    values = weakref.ref(sums.array)
    y = sums + 2.0
    del sums
    assert values() is None
    y.sum().backward()


def test_values_die_when_backward_has_passed() -> None:
    x = leaf(1.0, 2.0)
    e = x.exp()
    values = weakref.ref(e.array)
    y = e.sum()
    del e
    assert values() is not None
    y.backward()
    assert values() is None


def test_tensors_take_weak_references() -> None:
    x = leaf(1.0)
    trace = weakref.ref(x)
    keys = weakref.WeakKeyDictionary({x: 1})
    assert trace() is x and len(keys) == 1
    del x
    assert trace() is None and len(keys) == 0


# -- freed buffers ---------------------------------------------------------------------------------------------------


def test_backward_twice_raises() -> None:
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="mul a second time.*retain_graph=True"):
        y.backward()


def test_backward_twice_with_retain_graph_adds_up() -> None:
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]


def test_nodes_that_saved_no_array_may_be_walked_twice() -> None:
    """As in PyTorch: there is nothing to free."""
    x = leaf(1.0, 2.0)
    y = (x + 1.0).reshape(1, 2).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_two_backwards_through_a_shared_part_raise() -> None:
    x = leaf(1.0, 2.0)
    shared = x.exp()
    a, b = shared.sum(), (shared * 2).sum()
    a.backward()
    with pytest.raises(GraphError, match="exp a second time"):
        b.backward()


def test_grad_frees_what_it_walked() -> None:
    x = leaf(1.0)
    y = x.exp()
    grad(y, x)
    with pytest.raises(GraphError, match="second time"):
        grad(y, x)


def test_create_graph_retains() -> None:
    x = leaf(2.0)
    y = x**3
    (first,) = grad(y, x, create_graph=True)
    (again,) = grad(y, x)
    assert first.item() == again.item() == 12.0


# -- higher derivatives ----------------------------------------------------------------------------------------------


def test_derivatives_of_any_order() -> None:
    x = leaf(0.7)
    y = x.sin()
    slopes = [y]
    for _ in range(6):
        (y,) = grad(y, x, create_graph=True)
        slopes.append(y)
    expected = [math.sin, math.cos, lambda v: -math.sin(v), lambda v: -math.cos(v)]
    assert [s.item() for s in slopes] == pytest.approx([expected[k % 4](0.7) for k in range(7)])


def test_backward_with_create_graph_gives_a_grad_with_history() -> None:
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    assert x.grad.requires_grad and x.grad.item() == 12.0
    dx, x.grad = x.grad, None
    dx.backward()
    assert x.grad.item() == 12.0


def test_gradient_penalty() -> None:
    """The loss contains a gradient, as in WGAN-GP."""
    x, w = leaf(1.0, 2.0), leaf(3.0, -1.0)
    y = ((x * w).tanh()).sum()
    (dx,) = grad(y, x, create_graph=True)
    (dx * dx).sum().backward()
    v = np.array([3.0, -2.0])
    s = 1 - np.tanh(v) ** 2
    expected = 2 * (w.detach().numpy() * s) * (s + w.detach().numpy() * -2 * np.tanh(v) * s * x.detach().numpy())
    np.testing.assert_allclose(w.grad.numpy(), expected, rtol=1e-12)


def test_a_fused_operation_whose_inputs_depend_on_each_other() -> None:
    """The second derivative differentiates the formula to the call's inputs, and no further."""

    def f(x: Any) -> Any:
        return ops.linear(x, x.exp(), x[0], activation="tanh")

    x = minidl.tensor([[0.1, 0.2], [0.3, -0.4]], dtype=minidl.float64, requires_grad=True)
    assert autograd.gradcheck(f, x) and autograd.gradgradcheck(f, x)


def test_hessian_vector_product() -> None:
    x = leaf(1.0, 2.0, 3.0)
    (dx,) = grad((x**3).sum(), x, create_graph=True)
    (hv,) = grad(dx, x, minidl.tensor([1.0, 0.0, 2.0], dtype=minidl.float64))
    assert hv.tolist() == [6.0, 0.0, 36.0]


# -- in-place changes ------------------------------------------------------------------------------------------------


def test_a_changed_saved_input_is_caught_by_name() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    z = (y * y).sum()
    y += 1.0
    with pytest.raises(RuntimeError, match="mul saved a and b .* in-place"):
        z.backward()


def test_a_changed_saved_output_is_caught_by_name() -> None:
    x = leaf(1.0, 2.0)
    y = x.exp()
    with minidl.no_grad():
        y.mul_(2.0)
    with pytest.raises(GraphError, match="exp saved out"):
        y.sum().backward()


def test_an_output_changed_by_a_recorded_operation_is_kept_for_the_rule_that_needs_it() -> None:
    """exp, linear and others name their output in their rules; relu_ may follow them all the same."""
    x = leaf(1.0, 2.0)
    y = x.exp()
    y.mul_(2.0)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp([1.0, 2.0]))


def test_a_change_of_what_nothing_saved_is_fine() -> None:
    x = leaf(1.0, 2.0)
    y = x + 1.0
    z = (y + 3.0).sum()
    y *= 2.0
    z.backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_constant_that_is_scaled_does_not_count_as_saved() -> None:
    """y *= 2.0: the rule for y needs the 2.0, not y."""
    x = leaf(1.0, 2.0)
    y = x * 3.0
    y *= 2.0
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]


def test_a_parameter_changed_between_forward_and_backward_is_caught() -> None:
    w = leaf(1.0, 2.0)
    loss = (w * w).sum()
    with minidl.no_grad():
        w -= 0.1
    with pytest.raises(GraphError, match="mul saved a and b"):
        loss.backward()


def test_a_leaf_that_requires_grad_changes_under_no_grad_only() -> None:
    w = leaf(1.0, 2.0)
    for change in (lambda: w.add_(1.0), lambda: w.zero_(), lambda: w.__setitem__(0, 1.0), lambda: w.copy_(w.detach())):
        with pytest.raises(RuntimeError, match=r"a leaf that requires grad .*no_grad\(\)"):
            change()
    assert w.tolist() == [1.0, 2.0]
    with minidl.no_grad():
        w.add_(1.0)
    assert w.tolist() == [2.0, 3.0] and w.is_leaf and w.requires_grad


# -- cotangents and rules --------------------------------------------------------------------------------------------


def test_a_cotangent_of_the_wrong_shape_raises_outside_the_elementwise_operations() -> None:
    """A wrong rule must not hide behind the repair of broadcasting."""

    @primitive
    def doubled(x: Any) -> Any:
        return 2 * x

    doubled.defvjp(x=lambda g: 2.0 * g[None])
    x = leaf(1.0, 2.0)
    with pytest.raises(ShapeError, match=r"doubled: .* a cotangent of shape \(1, 2\) .* shape \(2,\)"):
        doubled(x).sum().backward()


def test_broadcasting_is_summed_back_in_the_elementwise_operations() -> None:
    x, row, column, number = minidl.ones(2, 3), minidl.ones(3), minidl.ones(2, 1), minidl.tensor(1.0)
    inputs = [t.double().requires_grad_() for t in (x, row, column, number)]
    total = inputs[0] * inputs[1] + inputs[2] * inputs[3]
    total.sum().backward()
    assert [t.grad.shape for t in inputs] == [(2, 3), (3,), (2, 1), ()]
    assert [t.grad.numpy().max() for t in inputs] == [1.0, 2.0, 3.0, 6.0]


def test_a_missing_rule_raises_by_name() -> None:
    @primitive
    def half_done(x: Any, y: Any) -> Any:
        return x * y

    half_done.defvjp(x=lambda g, y: g * y)
    assert half_done(leaf(2.0), 3.0).requires_grad
    with pytest.raises(GraphError, match="half_done has no derivative with respect to y"):
        half_done(2.0, leaf(3.0))


def test_a_rule_that_names_an_unknown_argument_fails_when_it_is_defined() -> None:
    @primitive
    def scaled(x: Any, *, factor: float) -> Any:
        return x * factor

    with pytest.raises(TypeError, match=r"rule of scaled for x names \['scale'\].*'factor'"):
        scaled.defvjp(x=lambda g, scale: g * scale)
    with pytest.raises(TypeError, match="rule of scaled for y"):
        scaled.defvjp(y=lambda g: g)
    scaled.defvjp(x=lambda g, factor: g * factor)


def test_a_rule_may_name_shapes_options_and_the_output() -> None:
    seen = {}

    @primitive
    def probe(x: Any, y: Any, *, power: int = 2) -> Any:
        return x**power + y

    def rule(g: Any, out: Any, x_shape: Any, y_shape: Any, power: int) -> Any:
        seen.update(out=out, x_shape=x_shape, y_shape=y_shape, power=power)
        return g

    probe.defvjp(x=rule)
    probe(leaf(1.0, 2.0), np.zeros(1)).sum().backward()
    assert seen["out"].tolist() == [1.0, 4.0]
    assert (seen["x_shape"], seen["y_shape"], seen["power"]) == ((2,), (1,), 2)


def test_rules_never_write_to_the_cotangent_that_two_branches_share() -> None:
    """a + b sends one array to both."""
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    total = a + b
    (total.relu() + total).sum().backward()
    (a * 2 + b).sum().backward()
    assert a.grad.tolist() == [4.0, 4.0] and b.grad.tolist() == [3.0, 3.0]


def test_a_sum_of_contributions_does_not_change_what_another_branch_holds() -> None:
    """a + b sends one array to both; a has another consumer, whose contribution is not b's."""
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    a, b = x * 1.0, y * 1.0
    other = a * 2.0
    given = minidl.tensor([1.0, 1.0], dtype=minidl.float64)
    ((a + b) + other).backward(given)
    assert x.grad.tolist() == [3.0, 3.0] and y.grad.tolist() == [1.0, 1.0] and given.tolist() == [1.0, 1.0]


def test_only_what_needs_a_gradient_is_computed() -> None:
    @primitive
    def picky(x: Any, y: Any) -> Any:
        return x + y

    def never(g: Any) -> Any:
        raise AssertionError("nobody asked for it")

    picky.defvjp(x=lambda g: g, y=never)
    picky(leaf(1.0), minidl.tensor(2.0)).backward()
    x, y = leaf(1.0), leaf(2.0)
    fused = ops.linear(x.reshape(1, 1), minidl.ones(1, 1, dtype=minidl.float64), None)
    assert len(fused.grad_fn.edges) == 1
    with pytest.raises(AssertionError):
        picky(x, y).backward()


def test_integer_outputs_require_no_gradient() -> None:
    x = leaf(1.0, 2.0)
    assert not (x > 1.0).requires_grad
    assert not x.argmax().requires_grad
    assert not x.long().requires_grad
    values, indices = x.max(dim=0)
    assert values.requires_grad and not indices.requires_grad


def test_several_outputs_of_which_some_are_used() -> None:
    @primitive(outputs=("double", "triple", "count"))
    def multiples(x: Any) -> Any:
        return 2 * x, 3 * x, np.int64(2)

    multiples.defvjp(x=lambda g_double, g_triple: 2.0 * g_double + 3.0 * g_triple)
    for use, expected in [((1, 0), 2.0), ((0, 1), 3.0), ((1, 1), 5.0), ((2, 1), 7.0)]:
        x = leaf(1.0, 2.0)
        double, triple, count = multiples(x)
        assert not count.requires_grad
        sum(out.sum() * float(k) for out, k in zip((double, triple), use, strict=True) if k).backward()
        assert x.grad.tolist() == [expected, expected]


def test_an_unused_output_costs_no_error_and_gives_zeros() -> None:
    x = minidl.tensor([[1.0, 5.0, 2.0]], requires_grad=True)
    values, _ = x.max(dim=1)
    values.sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0, 0.0]]


# -- leaves and .grad ------------------------------------------------------------------------------------------------


def test_grad_adds_up_over_backwards() -> None:
    x = leaf(1.0, 2.0)
    for k in range(1, 4):
        (x * 2).sum().backward()
        assert x.grad.tolist() == [2.0 * k, 2.0 * k]


def test_grad_adds_up_in_place() -> None:
    """An optimizer may hold on to p.grad."""
    x = leaf(1.0, 2.0)
    x.sum().backward()
    held = x.grad
    x.sum().backward()
    assert x.grad is held and held.tolist() == [2.0, 2.0]


def test_grad_is_written_on_leaves_only() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    y.sum().backward()
    assert y.grad is None and x.grad is not None


def test_no_two_grads_share_memory() -> None:
    a, b, c = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(5.0, 6.0)
    gradient = np.ones(2)
    (a + b + c).backward(minidl.from_numpy(gradient))
    arrays = [a.grad.array, b.grad.array, c.grad.array, gradient]
    assert not any(np.shares_memory(p, q) for k, p in enumerate(arrays) for q in arrays[:k])


def test_grad_owns_its_memory() -> None:
    """The rule of sum sends a zero-stride view, that of reshape a view."""
    x = minidl.ones(2, 3, requires_grad=True)
    x.sum().backward()
    x.grad += 1.0
    assert x.grad.array.base is None and x.grad.is_contiguous()
    y = minidl.ones(2, 3, requires_grad=True)
    y.reshape(6).backward(minidl.arange(6.0))
    assert y.grad.array.base is None


def test_a_gradient_given_by_the_user_is_not_taken_over() -> None:
    x = leaf(1.0, 2.0)
    given = minidl.tensor([1.0, 1.0], dtype=minidl.float64)
    x.backward(given)
    x.backward(given)
    assert given.tolist() == [1.0, 1.0] and x.grad.tolist() == [2.0, 2.0]
    (x * 1.0).backward(given)
    x.grad += 5.0
    assert given.tolist() == [1.0, 1.0]


def test_what_grad_returns_is_the_callers_own() -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    given = minidl.tensor([1.0, 1.0], dtype=minidl.float64)
    da, db = grad(a + b, (a, b), given)
    da += 1.0
    assert db.tolist() == [1.0, 1.0] and given.tolist() == [1.0, 1.0]


def test_grad_leaves_grad_alone() -> None:
    x = leaf(1.0, 2.0)
    (dx,) = grad((x * x).sum(), x)
    assert x.grad is None and dx.tolist() == [2.0, 4.0]


def test_backward_of_a_leaf() -> None:
    x = leaf(3.0)
    x.backward()
    assert x.grad.item() == 1.0


def test_requires_grad_false_leaves_get_no_grad() -> None:
    x, y = leaf(1.0, 2.0), minidl.ones(2, dtype=minidl.float64)
    (x * y).sum().backward()
    assert y.grad is None


# -- asking for gradients --------------------------------------------------------------------------------------------


def test_grad_of_a_computed_tensor() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    z = (y * y).sum()
    dy, dx = grad(z, [y, x])
    assert dy.tolist() == [4.0, 8.0] and dx.tolist() == [8.0, 16.0]


def test_grad_of_one_of_several_outputs() -> None:
    x = minidl.tensor([[1.0, 5.0]], requires_grad=True)
    values, _ = x.max(dim=1)
    (g,) = grad((values * 3).sum(), values)
    assert g.tolist() == [3.0]


def test_grad_of_an_unused_input() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0)
    with pytest.raises(RuntimeError, match="not used .*allow_unused=True"):
        grad(x.sum(), [x, y])
    dx, dy = grad(x.sum(), [x, y], allow_unused=True)
    assert dy is None and dx.tolist() == [1.0, 1.0]
    _, dy = grad(x.sum(), [x, y], materialize_grads=True)
    assert dy.item() == 0.0 and dy.shape == ()


def test_grad_of_several_outputs_is_of_their_sum() -> None:
    x = leaf(1.0, 2.0)
    y, z = x * 2, (x * x).sum()
    (dx,) = grad([y, z], x, [minidl.tensor([1.0, 10.0], dtype=minidl.float64), None])
    assert dx.tolist() == [2.0 + 2.0, 20.0 + 4.0]


def test_grad_of_an_output_by_itself() -> None:
    x = leaf(3.0)
    assert grad(x, x)[0].item() == 1.0
    y = x * 2
    assert grad(y, y)[0].item() == 1.0


def test_grad_of_an_input_that_requires_none() -> None:
    with pytest.raises(RuntimeError, match="does not require grad"):
        grad(leaf(1.0) * 2, minidl.tensor(1.0))


def test_backward_with_inputs_writes_those_only() -> None:
    a, b = leaf(1.0), leaf(2.0)
    (a * b).backward(inputs=[a])
    assert a.grad.item() == 2.0 and b.grad is None
    (a * b).backward(inputs=b)
    assert b.grad.item() == 1.0


def test_backward_with_inputs_takes_a_computed_tensor() -> None:
    x = leaf(3.0)
    y = x * 2
    (y * y).backward(inputs=[y])
    assert y.grad.item() == 12.0 and x.grad is None


def test_grad_does_not_walk_where_no_input_is() -> None:
    @primitive
    def wall(x: Any) -> Any:
        return x * 1.0

    def never(g: Any) -> Any:
        raise AssertionError("walked")

    wall.defvjp(x=never)
    x, y = leaf(1.0), leaf(2.0)
    assert grad(wall(x) * y, y)[0].item() == 1.0
    assert grad([wall(x), y * 3.0], y)[0].item() == 3.0


def test_backward_of_a_non_scalar_needs_a_gradient() -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"scalar output, this one has shape \(2,\).*gradient="):
        (x * 2).backward()
    (x * 2).backward(gradient=minidl.tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 20.0] and x.grad.dtype == minidl.float64


def test_a_single_element_of_any_shape_is_a_scalar() -> None:
    x = minidl.ones(1, 1, requires_grad=True)
    (x * 3).backward()
    assert x.grad.tolist() == [[3.0]]


def test_backward_with_a_gradient_of_the_wrong_shape() -> None:
    with pytest.raises(RuntimeError, match=r"gradient: got shape \(3,\) for a Tensor of shape \(2,\)"):
        (leaf(1.0, 2.0) * 2).backward(minidl.ones(3))


def test_backward_of_what_requires_no_grad() -> None:
    with pytest.raises(RuntimeError, match="does not require grad"):
        minidl.tensor(1.0).backward()


def test_backward_wants_tensors() -> None:
    with pytest.raises(TypeError, match="starts at a Tensor, got float"):
        autograd.backward([1.0])
    with pytest.raises(ArgumentError, match="2 tensors and 1 gradients"):
        autograd.backward([leaf(1.0), leaf(2.0)], [None])


def test_backward_of_several_tensors() -> None:
    x = leaf(1.0, 2.0)
    autograd.backward([x.sum(), (x * x).sum()])
    assert x.grad.tolist() == [3.0, 5.0]


# -- hooks -----------------------------------------------------------------------------------------------------------


def test_hooks_run_in_order_and_replace() -> None:
    x = leaf(1.0, 2.0)
    seen: list[list[float]] = []

    def watch(g: Any) -> None:
        seen.append(g.tolist())

    y = x * 2
    y.register_hook(watch)
    y.register_hook(lambda g: g * 10)
    y.register_hook(watch)
    y.sum().backward()
    assert seen == [[1.0, 1.0], [10.0, 10.0]] and x.grad.tolist() == [20.0, 20.0]


def test_a_leafs_hook_sees_the_whole_gradient_once() -> None:
    x = leaf(1.0, 2.0)
    seen: list[list[float]] = []
    x.register_hook(lambda g: seen.append(g.tolist()))
    (x * 2 + x * 3).sum().backward()
    assert seen == [[5.0, 5.0]]
    x.sum().backward()
    assert seen == [[5.0, 5.0], [1.0, 1.0]] and x.grad.tolist() == [6.0, 6.0]


def test_a_removed_hook_is_not_called() -> None:
    x = leaf(1.0)
    handle = x.register_hook(lambda g: g * 100)
    handle.remove()
    handle.remove()
    with x.register_hook(lambda g: g * 10):
        (x * 2).backward()
    (x * 2).backward()
    assert x.grad.item() == 22.0


def test_what_a_hook_returns_is_not_taken_over() -> None:
    x = leaf(1.0, 2.0)
    mine = minidl.tensor([7.0, 7.0], dtype=minidl.float64)
    x.register_hook(lambda g: mine)
    x.sum().backward()
    x.grad += 1.0
    assert mine.tolist() == [7.0, 7.0]


def test_hooks_of_a_tensor_changed_in_place_stay_with_what_it_was() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    seen: list[float] = []
    y.register_hook(lambda g: seen.append(g.sum().item()))
    y *= 3.0
    y.sum().backward()
    assert seen == [6.0]


def test_hooks_under_create_graph_see_tensors_with_history() -> None:
    x = leaf(2.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    (dx,) = grad(y, x, create_graph=True)
    assert dx.item() == 8.0
    assert grad(dx, x)[0].item() == 8.0  # d(2x · x)/dx


def test_a_hook_needs_a_tensor_that_requires_grad() -> None:
    with pytest.raises(RuntimeError, match="does not require grad"):
        minidl.ones(1).register_hook(print)


def test_retain_grad() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0] and x.grad.tolist() == [8.0, 16.0]
    x.retain_grad()


def test_retain_grad_shows_what_hooks_made_of_it() -> None:
    x = leaf(1.0)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    y.retain_grad()
    y.backward()
    assert y.grad.item() == 10.0


def test_retain_grad_adds_up_as_a_leafs_grad_does() -> None:
    x = leaf(1.0)
    y = x * 2
    y.retain_grad()
    y.backward(retain_graph=True)
    y.backward()
    assert y.grad.item() == 2.0


def test_an_exception_in_a_hook_or_rule_leaves_the_mode_as_it_was() -> None:
    x = leaf(1.0)
    x.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        (x * 2).backward()
    assert minidl.is_grad_enabled()
    with minidl.no_grad():
        with pytest.raises(ZeroDivisionError):
            minidl.autograd.backward(x)
        assert not minidl.is_grad_enabled()


# -- modes -----------------------------------------------------------------------------------------------------------


def test_no_grad_records_nothing() -> None:
    x = leaf(1.0, 2.0)
    with minidl.no_grad():
        y = x * 2
        assert not minidl.is_grad_enabled()
    assert not y.requires_grad and y.grad_fn is None and y.is_leaf
    assert minidl.is_grad_enabled()


def test_modes_are_restored_after_an_exception() -> None:
    for mode in (minidl.no_grad, minidl.inference_mode, lambda: minidl.set_grad_enabled(False)):
        with pytest.raises(ZeroDivisionError), mode():
            assert not minidl.is_grad_enabled()
            raise ZeroDivisionError
        assert minidl.is_grad_enabled()


def test_modes_nest() -> None:
    states = []
    with minidl.no_grad():
        states.append(minidl.is_grad_enabled())
        with minidl.enable_grad():
            states.append(minidl.is_grad_enabled())
            with minidl.no_grad():
                states.append(minidl.is_grad_enabled())
            states.append(minidl.is_grad_enabled())
        states.append(minidl.is_grad_enabled())
    assert states == [False, True, False, True, False] and minidl.is_grad_enabled()


def test_one_mode_object_may_be_entered_again() -> None:
    mode = minidl.no_grad()
    with mode, mode:
        assert not minidl.is_grad_enabled()
    assert minidl.is_grad_enabled()
    with mode:
        assert not minidl.is_grad_enabled()
    assert minidl.is_grad_enabled()


def test_modes_decorate_functions() -> None:
    @minidl.no_grad()
    def plain(x: Any) -> bool:
        """Say so."""
        return minidl.is_grad_enabled()

    @minidl.enable_grad()
    def recording() -> bool:
        return minidl.is_grad_enabled()

    @minidl.inference_mode()
    def inferring() -> bool:
        return minidl.is_grad_enabled()

    @minidl.set_grad_enabled(False)
    def off() -> bool:
        return minidl.is_grad_enabled()

    assert minidl.is_grad_enabled()
    with minidl.no_grad():
        assert recording()
    assert not plain(1) and not inferring() and not off()
    assert plain.__name__ == "plain" and plain.__doc__ == "Say so."
    assert minidl.is_grad_enabled()


def test_a_bare_mode_decorates_too() -> None:
    """PyTorch takes @torch.no_grad without brackets."""

    @minidl.no_grad
    def plain() -> bool:
        return minidl.is_grad_enabled()

    @minidl.inference_mode
    def inferring() -> bool:
        return minidl.is_grad_enabled()

    assert not plain() and not inferring() and minidl.is_grad_enabled()


def test_a_decorated_generator_has_its_mode_while_it_runs() -> None:
    @minidl.no_grad()
    def values() -> Iterator[bool]:
        yield minidl.is_grad_enabled()
        yield minidl.is_grad_enabled()

    seen = []
    for value in values():
        seen.append((value, minidl.is_grad_enabled()))
    assert seen == [(False, True), (False, True)]


def test_a_decorated_function_may_call_itself() -> None:
    @minidl.no_grad()
    def count(n: int) -> int:
        assert not minidl.is_grad_enabled()
        return 0 if n == 0 else 1 + count(n - 1)

    assert count(3) == 3 and minidl.is_grad_enabled()


def test_set_grad_enabled_works_as_a_call() -> None:
    minidl.set_grad_enabled(False)
    try:
        assert not minidl.is_grad_enabled()
    finally:
        minidl.set_grad_enabled(True)
    assert minidl.is_grad_enabled()


def test_set_grad_enabled_as_a_block() -> None:
    for mode in (True, False):
        with minidl.set_grad_enabled(mode):
            assert minidl.is_grad_enabled() == mode
        assert minidl.is_grad_enabled()


def test_inference_mode_takes_a_mode() -> None:
    with minidl.inference_mode(False):
        assert minidl.is_grad_enabled()
    with minidl.no_grad(), minidl.inference_mode(False):  # as in PyTorch
        assert minidl.is_grad_enabled()


def test_backward_works_under_no_grad() -> None:
    x = leaf(2.0)
    y = x**3
    with minidl.no_grad():
        y.backward(retain_graph=True)
        (dx,) = grad(y, x, create_graph=True)
    assert x.grad.item() == 12.0 and dx.requires_grad


# -- leaves, detach, requires_grad -----------------------------------------------------------------------------------


def test_detach_cuts_the_graph_and_shares_memory() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    d = y.detach()
    assert not d.requires_grad and d.is_leaf and np.shares_memory(d.array, y.array)
    (d * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_change_of_a_detached_alias_is_caught() -> None:
    x = leaf(1.0, 2.0)
    y = x.exp()
    y.detach().zero_()
    with pytest.raises(GraphError, match="exp saved out"):
        y.sum().backward()


def test_detach_in_place() -> None:
    y = leaf(1.0, 2.0) * 2
    assert y.detach_() is y and not y.requires_grad and y.is_leaf


def test_requires_grad_follows_the_inputs() -> None:
    x, y = leaf(1.0), minidl.tensor(1.0)
    assert (x + y).requires_grad and (y + x).requires_grad and not (y + y).requires_grad


def test_requires_grad_wants_a_floating_leaf() -> None:
    with pytest.raises(RuntimeError, match=r"only floating Tensors .* int64; call \.float\(\)"):
        minidl.tensor([1, 2]).requires_grad_()
    with pytest.raises(RuntimeError, match="only floating Tensors"):
        minidl.tensor([1, 2], requires_grad=True)
    with pytest.raises(RuntimeError, match="leaves only; use detach"):
        (leaf(1.0) * 2).requires_grad = False
    y = leaf(1.0) * 2
    y.requires_grad = True
    assert y.requires_grad and not y.is_leaf


def test_requires_grad_can_be_turned_off_and_on() -> None:
    x = leaf(1.0, 2.0)
    x.requires_grad = False
    assert not (x * 2).requires_grad
    assert x.requires_grad_() is x and (x * 2).requires_grad


# -- 0-d and dtypes --------------------------------------------------------------------------------------------------


def test_zero_dimensional_tensors_everywhere() -> None:
    """A Tensor always holds an ndarray, and the gradient of a number is a 0-d Tensor."""
    x = leaf(2.0)
    for y in (x + x, x * 3, -x, x.sum(), x.mean(), x.reshape(1)[0], x.exp(), x.T, x[None][0], x.clone(), x.amax()):
        assert type(y.array) is np.ndarray and y.shape == ()
        (dx,) = grad(y, x)
        assert type(dx.array) is np.ndarray and dx.shape == () and dx.dtype == minidl.float64
    (x * x).backward()
    assert type(x.grad.array) is np.ndarray and x.grad.shape == ()


@pytest.mark.parametrize("dtype", [minidl.float32, minidl.float64])
def test_gradients_have_the_dtype_of_their_inputs(dtype: Any) -> None:
    x = minidl.tensor([1.0, 2.0], dtype=dtype, requires_grad=True)
    for y in (x * 2, x / 3, 1.5 - x, x**2, 2.0**x, x * minidl.arange(2), x.mean(), x.var(), x * np.float64(2)):
        assert y.dtype == dtype
        (dx,) = grad(y.sum(), x)
        assert dx.dtype == dtype


def test_gradients_through_mixed_types() -> None:
    single, double = leaf(1.0, 2.0, dtype=minidl.float32), leaf(3.0, 4.0)
    (single * double).sum().backward()
    assert single.grad.dtype == minidl.float32 and double.grad.dtype == minidl.float64
    assert single.grad.tolist() == [3.0, 4.0]


def test_gradient_through_a_conversion() -> None:
    x = leaf(1.0, 2.0, dtype=minidl.float32)
    (x.double() * 2).sum().backward()
    assert x.grad.dtype == minidl.float32 and x.grad.tolist() == [2.0, 2.0]


def test_a_given_gradient_is_converted() -> None:
    x = leaf(1.0, 2.0, dtype=minidl.float32)
    (x * 2).backward(minidl.ones(2, dtype=minidl.float64))
    assert x.grad.dtype == minidl.float32


def test_numpy_does_not_warn() -> None:
    """PyTorch gives inf and nan without a word; warnings are errors in this suite."""
    x = minidl.tensor([0.0, 1e38], requires_grad=True)
    y = (x * 1e38 / 0.0).log() + x.sqrt()
    y.sum().backward()
    assert not math.isfinite(x.grad.sum().item())
    minidl.tensor([1, 2]) // minidl.tensor([1, 1])


# -- the observer ----------------------------------------------------------------------------------------------------


def test_a_captured_run_is_bit_equal_to_another() -> None:
    def run() -> tuple[float, list[Any]]:
        minidl.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 4), nn.Tanh(), nn.Linear(4, 3))
        x, y = minidl.rand(5, 1, 6, 6), minidl.tensor([0, 1, 2, 0, 1])
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        return loss.item(), [p.grad.numpy() for p in model.parameters()]

    loss, gradients = run()
    with minidl.capture():
        watched_loss, watched = run()
    assert loss == watched_loss
    for a, b in zip(gradients, watched, strict=True):
        np.testing.assert_array_equal(a, b)


# -- errors of the operations ----------------------------------------------------------------------------------------


def test_shapes_that_do_not_broadcast_are_named() -> None:
    with pytest.raises(RuntimeError, match=r"add: shapes \(2,\) and \(3,\) do not broadcast"):
        minidl.ones(2) + minidl.ones(3)


def test_what_is_no_tensor_is_named() -> None:
    with pytest.raises(TypeError):
        minidl.ones(2) + "a"
    with pytest.raises(TypeError):
        minidl.ones(2) * None


def test_replaced_data_never_gives_a_gradient_of_mixed_values():
    w = minidl.tensor([2.0], requires_grad=True)
    y = (w * w).sum()
    w.data = minidl.tensor([5.0])
    assert minidl.autograd.grad(y, w, retain_graph=True)[0].tolist() == [4.0]  # of the values that y was computed from
    with pytest.raises(RuntimeError, match=r"mul saved a leaf .* whose .data was replaced"):
        minidl.autograd.grad(y, w, create_graph=True)
