"""In-place changes: allowed where the graph can follow, caught where it can't, never computed wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minidl
from minidl.autograd import grad
from minidl.errors import GraphError, IndexOutOfRange, ShapeError


def leaf(*values: float) -> Any:
    return minidl.tensor(values, dtype=minidl.float64, requires_grad=True)


def index(*values: int) -> Any:
    return minidl.tensor(values)


# -- recorded changes give the gradients of y = f(x) -----------------------------------------------------------------

CHANGES: list[tuple[str, Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = [
    ("add_", lambda y, x: y.add_(x, alpha=2), lambda y, x: y + 2 * x),
    ("sub_", lambda y, x: y.sub_(x, alpha=3.0), lambda y, x: y - 3.0 * x),
    ("mul_", lambda y, x: y.mul_(x), lambda y, x: y * x),
    ("mul_ itself", lambda y, x: y.mul_(y), lambda y, x: y * y),
    ("mul_ own element", lambda y, x: y.mul_(y[0]), lambda y, x: y * y.clone()[0]),
    ("div_", lambda y, x: y.div_(x), lambda y, x: y / x),
    ("div_ itself", lambda y, x: y.div_(y.sum()), lambda y, x: y / y.sum()),
    ("pow_ number", lambda y, x: y.pow_(3), lambda y, x: y**3),
    ("pow_", lambda y, x: y.pow_(x), lambda y, x: y**x),
    ("neg_", lambda y, x: y.neg_(), lambda y, x: -y),
    ("abs_", lambda y, x: y.abs_(), lambda y, x: y.abs()),
    ("exp_", lambda y, x: y.exp_(), lambda y, x: y.exp()),
    ("log_", lambda y, x: y.log_(), lambda y, x: y.log()),
    ("sqrt_", lambda y, x: y.sqrt_(), lambda y, x: y.sqrt()),
    ("tanh_", lambda y, x: y.tanh_(), lambda y, x: y.tanh()),
    ("sigmoid_", lambda y, x: y.sigmoid_(), lambda y, x: y.sigmoid()),
    ("relu_", lambda y, x: y.relu_(), lambda y, x: y.relu()),
    ("clamp_", lambda y, x: y.clamp_(1.0, 3.0), lambda y, x: y.clamp(1.0, 3.0)),
    ("masked_fill_", lambda y, x: y.masked_fill_(y > 2.0, 0.5), lambda y, x: y.masked_fill(y > 2.0, 0.5)),
    ("fill_", lambda y, x: y.fill_(2.0), lambda y, x: y * 0.0 + 2.0),
    ("fill_ recorded", lambda y, x: y.fill_(x[1]), lambda y, x: y * 0.0 + x[1]),
    ("zero_", lambda y, x: y.zero_(), lambda y, x: y * 0.0),
    ("copy_", lambda y, x: y.copy_(x), lambda y, x: y * 0.0 + x),
    ("copy_ broadcast", lambda y, x: y.copy_(x[:1]), lambda y, x: y * 0.0 + x[:1]),
    ("addcmul_", lambda y, x: y.addcmul_(x, x, value=0.5), lambda y, x: y + 0.5 * x * x),
    ("addcdiv_", lambda y, x: y.addcdiv_(x, x + 1, value=0.5), lambda y, x: y + 0.5 * x / (x + 1)),
    ("unsqueeze_", lambda y, x: y.unsqueeze_(0), lambda y, x: y.unsqueeze(0)),
    ("squeeze_", lambda y, x: y.squeeze_(), lambda y, x: y.squeeze()),
    ("transpose_", lambda y, x: y.unsqueeze_(1).transpose_(0, 1), lambda y, x: y.unsqueeze(0)),
    ("t_ after a change", lambda y, x: y.mul_(x).t_(), lambda y, x: y * x),
    ("index_add_", lambda y, x: y.index_add_(0, index(0, 0, 2), x), lambda y, x: y.index_add(0, index(0, 0, 2), x)),
    ("index_fill_", lambda y, x: y.index_fill_(0, index(-1), x[0]), lambda y, x: y.index_fill(0, index(2), x[0])),
    ("index_put_", lambda y, x: y.index_put_((index(1),), x[:1]), lambda y, x: y.index_put((index(1),), x[:1])),
    ("put_", lambda y, x: y.put_(index(0, -1), x[1:]), lambda y, x: y.put(index(0, 2), x[1:])),
    ("masked_scatter_", lambda y, x: y.masked_scatter_(y > 2, x), lambda y, x: y.masked_scatter(y > 2, x)),
    (
        "scatter_reduce_",
        lambda y, x: y.scatter_reduce_(0, index(1, 1, 0), x, "prod"),
        lambda y, x: y.scatter_reduce(0, index(1, 1, 0), x, "prod"),
    ),
    ("uniform_", lambda y, x: y.uniform_(2.0, 2.0), lambda y, x: y * 0.0 + 2.0),
    ("+=", lambda y, x: y.__iadd__(x), lambda y, x: y + x),
    ("-=", lambda y, x: y.__isub__(1.0), lambda y, x: y - 1.0),
    ("*=", lambda y, x: y.__imul__(x), lambda y, x: y * x),
    ("/=", lambda y, x: y.__itruediv__(2.0), lambda y, x: y / 2.0),
    ("**=", lambda y, x: y.__ipow__(2), lambda y, x: y**2),
    ("chain", lambda y, x: y.relu_().mul_(x).exp_().add_(x).log_(), lambda y, x: ((y.relu() * x).exp() + x).log()),
]


@pytest.mark.parametrize(("change", "formula"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_a_recorded_change_has_the_gradient_of_its_formula(change: Any, formula: Any) -> None:
    answers = []
    for f in (change, formula):
        x = leaf(1.5, 2.5, 0.5)
        y = x * 1.25
        z = f(y, x)
        (dx,) = grad((z * leaf(1.0, 2.0, 3.0)).sum(), x, create_graph=True)
        second = grad(dx.sum(), x, allow_unused=True, materialize_grads=True)[0]
        answers.append((z.detach().numpy(), dx.detach().numpy(), second.numpy()))
        if f is change:
            assert z is y and not y.is_leaf
    for mine, expected in zip(*answers, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-12, atol=1e-12)


def test_a_shape_changes_in_place() -> None:
    """The Tensor has another shape, its memory and its aliases stay."""
    x = minidl.arange(6.0).view(2, 3)
    y = x[:]
    assert x.t_() is x and x.shape == (3, 2) and x.tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    x.unsqueeze_(0)[0, 0, 1] = 9.0
    assert y.tolist() == [[0.0, 1.0, 2.0], [9.0, 4.0, 5.0]] and x.squeeze_().shape == (3, 2)
    with pytest.raises(GraphError, match="leaf"):
        leaf(1.0).unsqueeze_(0)


def test_a_diagonal_is_a_view() -> None:
    x = minidl.zeros(2, 3)
    x.diagonal(1).fill_(5.0)
    x.T.diagonal().copy_(minidl.tensor([1.0, 2.0]))
    assert x.tolist() == [[1.0, 5.0, 0.0], [0.0, 2.0, 5.0]]


INDICES = [
    (0, ()), (-1, (2,)), (slice(0, 2), ()), (slice(0, 2), (2, 2)), (slice(None, None, 2), (2, 2)), (..., (3, 2)),
    ((slice(None), 1), (3,)), ((1, 0), ()), ((None, 1), (2,)), ([0, 2], (2, 2)), ([0, 2], ()), (([0, 1], [1, 0]), (2,)),
    (np.array([[True, False], [False, True], [False, False]]), (2,)), (slice(0, 2), (1, 2)), (slice(0, 0), (0, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("index", "shape"), INDICES, ids=str)
def test_setitem_has_the_gradients_of_what_it_replaces(index: Any, shape: Any) -> None:
    rng = np.random.default_rng(0)
    x = minidl.from_numpy(rng.standard_normal((3, 2))).requires_grad_()
    v = minidl.from_numpy(rng.standard_normal(shape)).requires_grad_()
    y = x * 2.0
    y[index] = v * 3.0
    expected = x.detach().numpy() * 2.0
    expected[index] = v.detach().numpy() * 3.0
    np.testing.assert_array_equal(y.detach().numpy(), expected)
    weights = rng.standard_normal((3, 2))
    (y * minidl.from_numpy(weights)).sum().backward()
    kept = weights.copy()
    kept[index] = 0
    np.testing.assert_allclose(x.grad.numpy(), 2 * kept)
    eps, numeric = 1e-6, np.zeros(v.shape)
    for place in np.ndindex(v.shape):
        sides = []
        for step in (eps, -eps):
            moved = v.detach().numpy().copy()
            moved[place] += step
            changed = x.detach().numpy() * 2.0
            changed[index] = moved * 3.0
            sides.append((changed * weights).sum())
        numeric[place] = (sides[0] - sides[1]) / (2 * eps)
    np.testing.assert_allclose(v.grad.numpy(), numeric, atol=1e-8)


def test_setitem_records_for_a_constant_too() -> None:
    x = leaf(1.0, 2.0)
    y = minidl.zeros(3, dtype=minidl.float64)
    y[1:] = x
    assert y.requires_grad
    (y * y).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_setitem_from_itself() -> None:
    x = leaf(1.0, 2.0, 3.0)
    y = x.clone()
    y[1:] = y[:-1]
    assert y.tolist() == [1.0, 1.0, 2.0]
    (y * leaf(1.0, 10.0, 100.0)).sum().backward()
    assert x.grad.tolist() == [11.0, 100.0, 0.0]


def test_augmented_setitem() -> None:
    """y[0] *= 5 changes the view y[0] first: fine for constants; recorded, it is y[0] = y[0] * 5 that is meant."""
    y = minidl.tensor([1.0, 2.0, 3.0])
    y[0] *= 5.0
    y[1:] += y[:2]
    assert y.tolist() == [5.0, 7.0, 5.0]
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1.0
    with pytest.raises(GraphError, match=r"shares memory .* write y\[i\] = y\[i\] \+ v for y\[i\] \+= v"):
        y[0] *= 5.0
    y = x * 1.0
    y[0] = y[0] * 5.0
    y[1:] = y[1:] + x[:2]
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 2.0, 1.0]


def test_setitem_with_a_number_or_array() -> None:
    x = minidl.zeros(3)
    x[0] = 1
    x[1:] = np.array([2, 3.5])
    with pytest.raises(TypeError, match="values: got list"):
        x[1:] = [2, 3.5]
    assert x.tolist() == [1.0, 2.0, 3.5] and x.dtype == minidl.float32
    x[x > 1.5] = np.float64(9.0)
    x[0] = minidl.tensor(7)
    assert x.tolist() == [7.0, 9.0, 9.0] and x.dtype == minidl.float32


def test_setitem_into_integers_drops_the_fraction() -> None:
    x = minidl.tensor([1, 2, 3])
    x[0] = 2.7
    assert x.tolist() == [2, 2, 3]


def test_setitem_errors() -> None:
    x = minidl.zeros(2, 3)
    with pytest.raises(IndexOutOfRange, match=r"index: index 5 is out of bounds .* \(shape \(2, 3\)\)"):
        x[5] = 1.0
    with pytest.raises(IndexError):
        x[0, 0, 0] = 1.0
    with pytest.raises(ShapeError, match=r"a value of shape \(2,\) does not fit into \(3,\)"):
        x[0] = minidl.ones(2)
    with pytest.raises(TypeError):
        x[0] = "a"


def test_a_change_inside_a_composed_function_is_caught() -> None:
    """y += x / y, where the division saved y."""
    x = leaf(1.0, 2.0)
    y = x * 2.0
    y.addcdiv_(x, y)
    with pytest.raises(GraphError, match="div saved b"):
        y.sum().backward()


# -- aliases ---------------------------------------------------------------------------------------------------------

VIEWS: list[Callable[[Any], Any]] = [
    lambda y: y[0:2], lambda y: y[0], lambda y: y.reshape(3, 1), lambda y: y.view(1, 3), lambda y: y.T,
    lambda y: y.unsqueeze(0), lambda y: y.detach(), lambda y: y.expand(2, 3), lambda y: y[None, ::2].flatten(),
]  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_views_share_memory_and_version(view: Any) -> None:
    y = minidl.tensor([1.0, 2.0, 3.0])
    v = view(y)
    assert np.shares_memory(v.array, y.array)
    y.mul_(2.0)
    assert v.flatten()[0].item() == 2.0
    assert v._version == y._version


@pytest.mark.parametrize("view", VIEWS)
def test_a_saved_view_whose_base_changes_is_caught(view: Any) -> None:
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1.0
    v = view(y)
    z = (v * v + x[0]).sum()
    y.add_(1.0)
    if v.requires_grad:
        with pytest.raises(GraphError, match="mul saved a and b"):
            z.backward()
    else:
        z.backward()


def test_a_saved_value_whose_view_changes_is_caught() -> None:
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1.0
    z = (y * y).sum()
    with minidl.no_grad():
        y[0:2].zero_()
    with pytest.raises(GraphError, match="mul saved a and b"):
        z.backward()


VIEW_CHANGES: list[tuple[Callable[[Any], Any], Callable[[Any], Any], Callable[[Any], Any]]] = [
    (lambda y: y[0:2], lambda v: v.mul_(2.0), lambda v: v * 2.0),
    (lambda y: y[0], lambda v: v.exp_(), lambda v: v.exp()),
    (lambda y: y.view(3, 1), lambda v: v.relu_(), lambda v: v.relu()),
    (lambda y: y.T, lambda v: v.mul_(v), lambda v: v * v),
    (lambda y: y.view(3, 1)[1:].flatten(), lambda v: v.tanh_().pow_(3), lambda v: v.tanh() ** 3),
]


@pytest.mark.parametrize(("view", "change", "formula"), VIEW_CHANGES)
def test_a_recorded_change_of_a_view_leaves_its_base_behind(view: Any, change: Any, formula: Any) -> None:
    """The view goes on with the gradient of the formula; its base, whose values are no longer its history's, raises."""
    gradients = []
    for f in (change, formula):
        x = leaf(0.5, 2.0, 3.0)
        y = x.exp()
        v = f(view(y))
        if f is change:
            with pytest.raises(GraphError, match="shares memory"):
                y * 2
        gradients.append(grad((v * v).sum(), x)[0].numpy())
    np.testing.assert_allclose(*gradients)


def test_siblings_of_a_changed_view_raise() -> None:
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1.0
    first, second = y[0:2], y[1:3]
    first += 1.0
    for stale in (lambda: second * 2, lambda: y[0], lambda: y.__setitem__(0, 1.0), lambda: y.add_(1.0)):
        with pytest.raises(GraphError, match="shares memory"):
            stale()
    assert (first * 1.0).tolist() == [2.0, 3.0]


def test_layers_may_be_followed_by_changes_in_place() -> None:
    """Idioms of PyTorch: ReLU(inplace=True) after anything, x += residual."""
    nn = minidl.nn
    images, rows = minidl.rand(2, 3, 5, 5), minidl.rand(4, 3)
    followed = [
        (nn.Linear(3, 4), rows), (nn.Linear(3, 4), rows.reshape(2, 2, 3)), (nn.Conv2d(3, 2, 3), images),
        (nn.Conv2d(3, 2, 3), images[0]), (nn.Flatten(), images * 2), (nn.MaxPool2d(2), images),
        (nn.BatchNorm2d(3), images), (nn.LayerNorm(3), rows), (nn.Sigmoid(), rows), (nn.Softmax(1), rows),
        (nn.RNN(3, 4), rows.reshape(4, 1, 3)), (nn.LSTM(3, 4), rows.reshape(4, 1, 3)),
    ]  # fmt: skip
    for layer, x in followed:
        gradients = []
        for inplace in (True, False):
            leaf_x = x.clone().requires_grad_()
            y = layer(leaf_x * 1.0)
            y = y[0] if isinstance(y, tuple) else y
            z = nn.ReLU(inplace=inplace)(y)
            z = z.add_(0.5) if inplace else z + 0.5
            gradients.append(grad((z * z).sum(), leaf_x)[0].numpy())
        np.testing.assert_allclose(*gradients, rtol=1e-5, atol=1e-6, err_msg=repr(layer))


def test_a_view_of_a_leaf_is_refused() -> None:
    x = leaf(1.0, 2.0, 3.0)
    with pytest.raises(GraphError, match=r"change of a view .* base\[index\] = value"):
        x[0:2].add_(1.0)
    with minidl.no_grad():
        x[0:2].add_(1.0)
    assert x.tolist() == [2.0, 3.0, 3.0]


def test_a_recorded_value_into_a_view_of_a_constant_is_refused() -> None:
    x = leaf(1.0, 2.0)
    y = minidl.zeros(3, dtype=minidl.float64)
    v = y[0:2]
    for change in (lambda: v.add_(x), lambda: v.copy_(x), lambda: v.__setitem__(0, x[0])):
        with pytest.raises(GraphError, match="change of a view"):
            change()
    v.add_(1.0)
    assert y.tolist() == [1.0, 1.0, 0.0]


def test_a_view_recorded_before_its_base_changed_raises_on_use() -> None:
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1.0
    v = y[0:2]
    y.mul_(2.0)
    with pytest.raises(GraphError, match=r"getitem, shape \(2,\)\) shares memory .* clone\(\)"):
        v * 2
    assert (y[0:2] * 2).tolist() == [4.0, 8.0]


def test_a_view_of_a_constant_that_gained_a_history_raises_on_use() -> None:
    """It would count as a constant, and the gradient through it would be missing without a word."""
    x = leaf(1.0, 2.0)
    y = minidl.zeros(3, dtype=minidl.float64)
    v = y[0:2]
    y[0] = x[0]
    uses: list[Callable[[], Any]] = [
        lambda: v * 2, lambda: 2 * v, lambda: v + x, lambda: v.sum(), lambda: minidl.stack([v, x]), lambda: v[0],
    ]  # fmt: skip
    for use in uses:
        with pytest.raises(GraphError, match="is a view of one that a recorded in-place operation has changed"):
            use()
    assert y[0:2].requires_grad
    with minidl.no_grad():
        assert (v * 2).tolist() == [2.0, 0.0]


def test_views_of_constants_may_be_used_as_long_as_nothing_recorded_is_written() -> None:
    y = minidl.zeros(3)
    v = y[0:2]
    y += 1.0
    assert (v * 2).tolist() == [2.0, 2.0]


def test_a_detached_alias_stays_a_constant() -> None:
    x = leaf(1.0, 2.0)
    y = minidl.zeros(2, dtype=minidl.float64)
    y[0] = x[0]
    d = y.detach()
    assert (d * 2).tolist() == [2.0, 0.0] and (d[0:1] * 2).tolist() == [2.0]
    with minidl.no_grad():
        part = y[0:1]
    assert not (part * 2).requires_grad


def test_a_use_before_the_change_keeps_its_gradient() -> None:
    x = leaf(1.0, 2.0)
    y = x * 3.0
    z = y + 1.0
    y += z
    (y + z).sum().backward()
    assert x.grad.tolist() == [9.0, 9.0]


def test_expanded_memory_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"read-only .* clone\(\)"):
        minidl.ones(3).expand(2, 3).add_(1.0)
    locked = np.ones(2)
    locked.flags.writeable = False
    with pytest.raises(RuntimeError, match="read-only"):
        minidl.from_numpy(locked).zero_()


# -- types and shapes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "change"),
    [
        (minidl.int64, lambda x: x.add_(1.5)),
        (minidl.int64, lambda x: x.__itruediv__(2)),
        (minidl.int64, lambda x: x.mul_(minidl.tensor(2.5))),
        (minidl.int64, lambda x: x.exp_()),
        (minidl.bool, lambda x: x.add_(1)),
        (minidl.bool, lambda x: x.mul_(0.5)),
    ],
)
def test_a_result_of_a_higher_category_does_not_fit(dtype: Any, change: Any) -> None:
    x = minidl.ones(2, dtype=dtype)
    with pytest.raises(RuntimeError, match=f"can't be written into {np.dtype(dtype)}; use y = f"):
        change(x)
    assert x.tolist() == [1, 1]


def test_the_dtype_stays() -> None:
    x = minidl.ones(2)
    x += minidl.ones(2, dtype=minidl.float64)
    x *= 2
    x -= minidl.tensor([1, 1])
    assert x.dtype == minidl.float32 and x.tolist() == [3.0, 3.0]
    small = minidl.ones(2, dtype=minidl.uint8)
    small += minidl.tensor([2, 3])
    assert small.dtype == minidl.uint8 and small.tolist() == [3, 4]


def test_the_shape_stays() -> None:
    x = minidl.ones(2)
    x += minidl.ones(1)
    with pytest.raises(RuntimeError, match=r"a result of shape \(2, 2\) does not fit into shape \(2,\)"):
        x += minidl.ones(2, 2)
    with pytest.raises(RuntimeError):
        x += minidl.ones(3)
    assert x.tolist() == [2.0, 2.0]


def test_in_place_work_is_in_place() -> None:
    x = minidl.ones(2)
    same, address = x, x.data_ptr()
    x += 1.0
    x *= x
    x -= 0.5
    x /= 2.0
    x **= 2
    x.fill_(3.0).neg_().abs_().sqrt_()
    assert x is same and x.data_ptr() == address
    np.testing.assert_allclose(same.numpy(), 3.0**0.5)


def test_overflow_gives_inf_without_a_warning() -> None:
    x = minidl.tensor([1e38])
    assert x.mul_(1e38).item() == float("inf")
    assert minidl.tensor([1e38]).add_(minidl.tensor([3e38]), alpha=2.0).item() == float("inf")


def test_random_fills_stay_in_the_graph() -> None:
    x = leaf(1.0, 2.0)
    fills: list[Callable[[Any], Any]] = [
        lambda y: y.uniform_(), lambda y: y.normal_(), lambda y: y.bernoulli_(0.5), lambda y: y.copy_(y.detach()),
    ]  # fmt: skip
    for fill in fills:
        y = fill(x * 1.0)
        assert y.requires_grad
        y.sum().backward()
        assert x.grad.tolist() == [0.0, 0.0]


def test_no_grad_changes_keep_the_history() -> None:
    x = leaf(1.0, 2.0)
    y = x + 1.0
    with minidl.no_grad():
        y.zero_()
    assert y.tolist() == [0.0, 0.0] and not y.is_leaf
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_data_changes_behind_the_graphs_back() -> None:
    """As in PyTorch: .data is not watched."""
    x = leaf(1.0, 2.0)
    y = x * x
    x.data.zero_()
    assert x.tolist() == [0.0, 0.0]
    y.sum().backward()
    x.data = minidl.tensor([5.0, 6.0, 7.0])
    assert x.tolist() == [5.0, 6.0, 7.0] and x.requires_grad


# -- any program -----------------------------------------------------------------------------------------------------

Pool = list[Any]


def put(pool: Pool, p: Any, q: Any) -> None:
    """p[0] = q[1], of which p and q may be one."""
    p[0] = q[1]


def put_column(pool: Pool, p: Any, q: Any) -> None:
    p[:, 1] = q[:, 2] * 2.0


def into_zeros(pool: Pool, p: Any, q: Any) -> None:
    z = minidl.zeros(2, 3, dtype=p.dtype)
    z[1] = p[0]
    z += q
    pool.append(z)


def changed_product(pool: Pool, p: Any, q: Any) -> None:
    """As Linear does, with ReLU(inplace=True) behind it: its output is a view of what nobody else sees."""
    y = minidl.nn.functional.linear(p.reshape(1, 2, 3), q.T @ q).relu_()
    pool.append(y.reshape(2, 3))


STEPS: list[Callable[[Pool, Any, Any], Any]] = [
    # new values
    lambda pool, p, q: pool.append(p + q), lambda pool, p, q: pool.append(p * q),
    lambda pool, p, q: pool.append(p.sin()), lambda pool, p, q: pool.append(p.clone()),
    lambda pool, p, q: pool.append(p + q.sum(0)),
    lambda pool, p, q: pool.append(p @ (q.T @ q)), lambda pool, p, q: pool.append(minidl.stack([p, q]).sum(0)),
    # views, some of them changed
    lambda pool, p, q: pool.append(p.reshape(3, 2).reshape(2, 3)), lambda pool, p, q: pool.append(p.T.reshape(2, 3)),
    lambda pool, p, q: pool.append(p.reshape(6).tanh_().reshape(2, 3)), lambda pool, p, q: p[0].add_(q[1]),
    # changes in place
    lambda pool, p, q: p.add_(q), lambda pool, p, q: p.mul_(q), lambda pool, p, q: p.mul_(p),
    lambda pool, p, q: p.pow_(2), lambda pool, p, q: p.tanh_(), lambda pool, p, q: p.sub_(0.3),
    lambda pool, p, q: p.copy_(q), lambda pool, p, q: p.fill_(0.5), put, put_column, into_zeros,
    changed_product,
]  # fmt: skip


def run(program: list[tuple[int, int, int]], a: Any, b: Any) -> tuple[Any, list[Any]]:
    """Run a program of steps on a pool of tensors; return a weighted sum of the pool, and the leaves."""
    leaves = [minidl.from_numpy(a.copy()).requires_grad_(), minidl.from_numpy(b.copy()).requires_grad_()]
    pool = [x * 1.0 for x in leaves]
    for step, i, j in program:
        STEPS[step](pool, pool[i % len(pool)], pool[j % len(pool)])
        del pool[:-6]
    return sum((p * float(k + 1)).sum() for k, p in enumerate(pool)), leaves


def drawn(seed: int) -> tuple[Any, Any]:
    """Return a random program, and values for its two leaves."""
    rng = np.random.default_rng(seed)
    program = [tuple(rng.integers(0, [len(STEPS), 99, 99]).tolist()) for _ in range(rng.integers(3, 10))]
    return program, rng.uniform(-1, 1, (2, 2, 3))


@pytest.mark.parametrize("seed", range(150))
def test_a_random_program_is_computed_right_or_refused(seed: int) -> None:
    program, values = drawn(seed)
    try:
        total, leaves = run(program, *values)
        gradients = grad(total, leaves, allow_unused=True, materialize_grads=True)
    except GraphError:
        return
    numeric, eps = np.zeros_like(values), 1e-6
    for place in np.ndindex(values.shape):
        above, below = values.copy(), values.copy()
        above[place] += eps
        below[place] -= eps
        numeric[place] = (run(program, *above)[0].item() - run(program, *below)[0].item()) / (2 * eps)
    np.testing.assert_allclose([g.numpy() for g in gradients], numeric, rtol=1e-4, atol=1e-5)


def test_most_random_programs_are_not_refused() -> None:
    """Or the test above would show nothing."""
    refused = 0
    for seed in range(150):
        program, values = drawn(seed)
        try:
            total, leaves = run(program, *values)
            grad(total, leaves, allow_unused=True)
        except GraphError:
            refused += 1
    assert 10 < refused < 90
