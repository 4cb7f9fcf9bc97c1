"""Optimizers and schedules: every option against PyTorch's numbers, state, groups, errors.

The golden figures in golden/optim.npz were computed with PyTorch 2.13: parameters after 1, 2, 10 and 100 steps of
drawn gradients, and the learning rates of schedules. `python tests/test_optim.py` computes them anew where torch is
installed.
"""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import _kernels as kernels
from minidl import nn, optim
from minidl.errors import ArgumentError, MinidlError, StateError
from minidl.optim import lr_scheduler

GOLDEN = Path(__file__).parent / "golden" / "optim.npz"
STEPS = (1, 2, 10, 100)

CASES = {
    "sgd": ("SGD", {"lr": 0.1}),
    "sgd_default": ("SGD", {}),
    "sgd_momentum": ("SGD", {"lr": 0.05, "momentum": 0.9}),
    "sgd_dampening": ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}),
    "sgd_nesterov": ("SGD", {"lr": 0.05, "momentum": 0.8, "nesterov": True}),
    "sgd_decay": ("SGD", {"lr": 0.1, "weight_decay": 0.2}),
    "sgd_everything": ("SGD", {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True, "maximize": True}),
    "adam": ("Adam", {"lr": 0.1}),
    "adam_default": ("Adam", {}),
    "adam_betas": ("Adam", {"lr": 0.05, "betas": (0.5, 0.9), "eps": 1e-3}),
    "adam_decay": ("Adam", {"lr": 0.1, "weight_decay": 0.2}),
    "adam_amsgrad": ("Adam", {"lr": 0.1, "amsgrad": True, "betas": (0.8, 0.9)}),
    "adam_everything": ("Adam", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1, "maximize": True}),
    "adamw": ("AdamW", {"lr": 0.1}),
    "adamw_default": ("AdamW", {}),
    "adamw_everything": ("AdamW", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.3, "eps": 1e-4, "maximize": True}),
    "rmsprop": ("RMSprop", {"lr": 0.1}),
    "rmsprop_default": ("RMSprop", {}),
    "rmsprop_momentum": ("RMSprop", {"lr": 0.02, "alpha": 0.9, "eps": 1e-3, "momentum": 0.8}),
    "rmsprop_centered": ("RMSprop", {"lr": 0.05, "centered": True, "alpha": 0.95}),
    "rmsprop_everything": (
        "RMSprop",
        {"lr": 0.05, "centered": True, "momentum": 0.5, "alpha": 0.9, "weight_decay": 0.1, "maximize": True},
    ),
    "adagrad": ("Adagrad", {"lr": 0.5}),
    "adagrad_default": ("Adagrad", {}),
    "adagrad_decay": ("Adagrad", {"lr": 0.5, "lr_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3}),
    "adagrad_everything": ("Adagrad", {"lr": 0.5, "lr_decay": 0.01, "weight_decay": 0.1, "maximize": True}),
    "adam_decoupled": ("Adam", {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True}),
    "adadelta": ("Adadelta", {}),
    "adadelta_everything": ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    "adamax": ("Adamax", {}),
    "adamax_everything": (
        "Adamax",
        {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1, "maximize": True},
    ),
    "nadam": ("NAdam", {}),
    "nadam_everything": (
        "NAdam",
        {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1, "momentum_decay": 0.1, "maximize": True},
    ),
    "nadam_decoupled": ("NAdam", {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True}),
    "radam": ("RAdam", {}),
    "radam_everything": (
        "RAdam",
        {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1, "maximize": True},
    ),
    "radam_decoupled": ("RAdam", {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True}),
    "radam_never_warm": ("RAdam", {"lr": 0.1, "betas": (0.5, 0.6)}),
    "rprop": ("Rprop", {}),
    "rprop_everything": ("Rprop", {"lr": 0.1, "etas": (0.4, 1.7), "step_sizes": (0.01, 0.3), "maximize": True}),
    "asgd": ("ASGD", {}),
    "asgd_everything": (
        "ASGD",
        {"lr": 0.1, "lambd": 0.1, "alpha": 0.6, "t0": 4, "weight_decay": 0.1, "maximize": True},
    ),
}


def problem():
    rng = np.random.default_rng(5)
    return rng.standard_normal((3, 4)), rng.standard_normal((max(STEPS), 3, 4))


def path_of(library, name, start, gradients, dtype="float64"):
    """Return the parameter after each of STEPS, for a library that is minidl or torch."""
    kind, options = CASES[name]
    w = library.tensor(start.astype(dtype), requires_grad=True)
    optimizer = getattr(library.optim, kind)([w], **options)
    path = []
    for step, g in enumerate(gradients, 1):
        w.grad = library.tensor(g.astype(dtype))
        optimizer.step()
        if step in STEPS:
            path.append(w.detach().numpy().copy())
    return np.array(path)


def write_golden():
    import torch

    start, gradients = problem()
    paths = {name: path_of(torch, name, start, gradients) for name in CASES}
    schedules = {f"schedule.{name}": rates(SCHEDULES[name], library=torch) for name in SCHEDULES}
    np.savez_compressed(GOLDEN, start=start, gradients=gradients, **paths, **schedules)


@pytest.mark.parametrize("name", CASES)
def test_golden(name):
    with np.load(GOLDEN) as golden:
        start, gradients, expected = golden["start"], golden["gradients"], golden[name]
    np.testing.assert_allclose(path_of(minidl, name, start, gradients), expected, rtol=1e-12, atol=1e-13)
    single = path_of(minidl, name, start, gradients, "float32")
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_live(name, dtype):
    torch = pytest.importorskip("torch")
    ours, theirs = (path_of(library, name, *problem(), dtype) for library in (minidl, torch))
    tolerance = {"rtol": 1e-12, "atol": 1e-13} if dtype == "float64" else {"rtol": 3e-6, "atol": 3e-6}
    np.testing.assert_allclose(ours, theirs, **tolerance)


def test_training_follows_torch():
    torch = pytest.importorskip("torch")

    def losses(library):
        nn = library.nn
        net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)).to(library.float64)
        rng = np.random.default_rng(0)
        net.load_state_dict({key: library.tensor(rng.standard_normal(v.shape)) for key, v in net.state_dict().items()})
        optimizer = library.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        scheduler = library.optim.lr_scheduler.StepLR(optimizer, 10, 0.5)
        for _ in range(30):
            x, t = library.tensor(rng.standard_normal((16, 6))), library.tensor(rng.integers(0, 3, 16))
            optimizer.zero_grad()
            loss = nn.CrossEntropyLoss()(net(x), t)
            loss.backward()
            optimizer.step()
            scheduler.step()
            yield loss.item()

    np.testing.assert_allclose(list(losses(minidl)), list(losses(torch)), rtol=1e-10)


# -- the rule and its surroundings -----------------------------------------------------------------------------------


def param(*values, dtype=None):
    return nn.Parameter(minidl.tensor(list(values) or [1.0], dtype=dtype))


def with_gradient(*values, dtype=None):
    w = param(*values, dtype=dtype)
    w.grad = minidl.ones_like(w)
    return w


ONE_PASS = [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad]
FORMULAS = [optim.Adadelta, optim.Adamax, optim.NAdam, optim.RAdam, optim.Rprop, optim.ASGD]
KINDS = [*ONE_PASS, *FORMULAS]


@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_in_place_and_leave_the_gradient(kind):
    w, unused, alone = with_gradient(1.0, 2.0), param(3.0), nn.Parameter(minidl.zeros(0))
    alone.grad = minidl.zeros(0)
    memory, gradient = w.detach().numpy(), w.grad
    decay = {} if kind is optim.Rprop else {"weight_decay": 0.1}
    optimizer = kind([w, unused, alone], lr=0.5, maximize=True, **decay)
    assert optimizer.step() is None
    assert np.shares_memory(w.detach().numpy(), memory)
    assert w.tolist() != [1.0, 2.0]
    assert w.grad is gradient
    assert gradient.tolist() == [1.0, 1.0]
    assert unused.tolist() == [3.0]
    assert w.requires_grad
    assert w.is_leaf


def test_full_batch_gradient_descent_is_the_same_rule():
    x, t = np.array([[1.0], [2.0], [3.0]]), np.array([[2.0], [4.0], [6.0]])
    layer = nn.Linear(1, 1, bias=False, dtype=minidl.float64)
    nn.init.zeros_(layer.weight)
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    w = 0.0
    for _ in range(5):
        optimizer.zero_grad()
        nn.MSELoss()(layer(minidl.tensor(x)), minidl.tensor(t)).backward()
        optimizer.step()
        w -= 0.1 * np.mean(2 * x * (x * w - t))
        assert layer.weight.item() == pytest.approx(w, rel=1e-14)


def test_scalars_views_and_numpy_options():
    scalar = nn.Parameter(minidl.tensor(2.0))
    scalar.grad = minidl.tensor(1.0)
    base = minidl.zeros(4, 6)
    view = nn.Parameter(base.T[1:3])
    view.grad = minidl.ones(2, 4)
    optimizer = optim.SGD([scalar, view], lr=np.float64(0.5))
    optimizer.step()
    assert scalar.item() == 1.5
    assert scalar.dtype == minidl.float32
    assert base.sum().item() == -4.0
    adam = optim.Adam([scalar], lr=np.float64(0.1))
    adam.step()
    assert scalar.item() == pytest.approx(1.4, rel=1e-6)


def test_overflow_is_silent():
    w = with_gradient(1.0)
    w.grad = minidl.tensor([3e38])
    optim.SGD([w], lr=100.0).step()
    assert w.item() == -math.inf
    v = with_gradient(1.0)
    v.grad = minidl.tensor([3e38])
    optim.Adam([v]).step()
    assert v.item() == 1.0  # the mean of squares is infinite


@pytest.mark.parametrize("kind", [optim.Adamax, optim.NAdam, optim.RAdam])
def test_a_huge_gradient_is_forgotten(kind):
    """With a small β₁ the mean moves from the new gradient, so that nothing of it is lost beside the old mean."""
    w = param(1.0)
    optimizer = kind([w], betas=(0.0, 0.9))
    for gradient in (1e30, 0.25):
        w.grad = minidl.tensor([gradient])
        optimizer.step()
    assert optimizer.state[w]["exp_avg"].item() == 0.25


def test_nan_spreads():
    w = with_gradient(1.0, 2.0)
    w.grad = minidl.tensor([float("nan"), 1.0])
    optim.SGD([w], lr=1.0).step()
    assert np.isnan(w.tolist()[0])
    assert w.tolist()[1] == 1.0


def test_a_step_between_forward_and_backward_is_caught():
    w = with_gradient(1.0)
    loss = (w * w).sum()
    optim.SGD([w]).step()
    with pytest.raises(RuntimeError, match="changed it since"):
        loss.backward()


def test_closure():
    w = param(1.0)
    optimizer = optim.SGD([w], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with minidl.no_grad():  # the closure records nevertheless
        assert optimizer.step(closure).item() == 1.0
    assert w.tolist() == [0.5]


def test_step_hooks():
    optimizer, log = optim.SGD([with_gradient()]), []
    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: log.append(("before", o is args[0], kwargs)))
    after = optimizer.register_step_post_hook(lambda o, args, kwargs: log.append(("after", len(args), kwargs)))
    optimizer.step()
    copy.deepcopy(optimizer).step()  # which has no hooks
    pickle.loads(pickle.dumps(optimizer)).step()
    before.remove()
    optimizer.step(closure=None)
    after.remove()
    optimizer.step()
    assert log == [("before", True, {}), ("after", 1, {}), ("after", 1, {"closure": None})]
    optimizer.register_step_pre_hook(lambda o, args, kwargs: (args, {"closure": lambda: 7.0}))
    assert optimizer.step() == 7.0
    optimizer.register_step_pre_hook(lambda o, args, kwargs: args)
    with pytest.raises(RuntimeError, match=r"must return None or \(args, kwargs\)"):
        optimizer.step()


def test_hooks_run_once_around_a_step_written_anew():
    class Twice(optim.SGD):
        def step(self, closure=None):
            super().step(closure)
            return super().step(closure)

    w, log = with_gradient(1.0), []
    optimizer = Twice([w], lr=0.25)
    optimizer.register_step_post_hook(lambda *args: log.append(w.item()))
    optimizer.step()
    assert log == [0.5]


def test_zero_grad_keeps_the_gradients_memory():
    w = param(3.0)
    optimizer = optim.SGD([w], lr=0.1)
    (w * w).sum().backward()
    gradient = w.grad
    optimizer.zero_grad(set_to_none=False)
    assert w.grad is gradient
    (w**3).sum().backward(create_graph=True)
    assert w.grad.requires_grad
    optimizer.zero_grad(set_to_none=False)
    assert not w.grad.requires_grad and w.grad.item() == 0


def test_zero_grad():
    w, unused = with_gradient(1.0), param(1.0)
    optimizer = optim.SGD([w, unused])
    held = w.grad
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == held.tolist() == [0.0]
    assert unused.grad is None
    optimizer.zero_grad()
    assert w.grad is None


def test_an_optimizer_of_ones_own():
    class Plain(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def update(self, w, g, state, group):
            state["calls"] = state.get("calls", 0) + 1
            w -= group["lr"] * g

    w = with_gradient(1.0)
    optimizer = Plain([w], 0.5)
    optimizer.step()
    optimizer.step()
    assert w.item() == 0.0
    assert optimizer.state[w] == {"calls": 2}
    with pytest.raises(NotImplementedError, match="Optimizer has no rule"):
        optim.Optimizer([w], {}).step()


@pytest.mark.parametrize("level", ["compiled", "reference"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_group_is_the_sum_of_its_parameters(kind, dtype, level):
    """All in one call, of any layout and size, give what each gives alone."""
    if level == "compiled" and not kernels.compiled:
        pytest.skip("the kernels are not compiled here")

    def params():
        base = np.random.default_rng(0).standard_normal((6, 8)).astype(dtype)
        views = (lambda x: x, lambda x: x[:0], lambda x: x[0, 0:1].reshape(()), lambda x: x[:5, :3].copy(),
                 lambda x: x.T[1:4], lambda x: x[::-1], lambda x: x[:, ::3])  # fmt: skip
        return [nn.Parameter(minidl.from_numpy(view(base.copy()))) for view in views]

    def gradients(params, seed):
        rng = np.random.default_rng(seed)
        for p in params:
            p.grad = minidl.from_numpy(np.asarray(rng.standard_normal(p.shape[::-1]).astype(dtype)).T)

    with minidl.use_kernels(level):
        together, apart = params(), params()
        one = kind(together, lr=0.1)
        several = [kind([p], lr=0.1) for p in apart]
        for seed in range(3):
            gradients(together, seed)
            gradients(apart, seed)
            one.step()
            for optimizer in several:
                optimizer.step()
        for a, b, start in zip(together, apart, params(), strict=True):
            np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
            assert a.shape == start.shape
            assert a.tolist() != start.tolist() or a.numel() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_derived_from_another_is_obeyed(kind):
    class Halved(kind):
        def update(self, w, g, state, group):
            super().update(w, g / 2, state, group)

    ours, theirs = with_gradient(1.0, -2.0), with_gradient(1.0, -2.0)
    theirs.grad = theirs.grad / 2
    halved, plain = Halved([ours], lr=0.1), kind([theirs], lr=0.1)
    for _ in range(3):
        halved.step()
        plain.step()
    assert ours.tolist() == theirs.tolist() != [1.0, -2.0]


def test_a_first_gradient_is_not_dampened_whenever_it_comes():
    early, late = with_gradient(1.0, dtype=minidl.float64), param(1.0, dtype=minidl.float64)
    optimizer = optim.SGD([early, late], lr=1.0, momentum=0.5, dampening=0.75)
    optimizer.step()
    late.grad = minidl.ones_like(late)
    optimizer.step()
    assert early.item() == 1 - 1 - (0.5 + 0.25)
    assert late.item() == 0


@pytest.mark.skipif(not kernels.compiled, reason="the kernels are not compiled here")
@pytest.mark.parametrize(
    ("gradient", "error", "message"),
    [
        (minidl.ones(3), ValueError, r"the shape \(3,\) .* a parameter of the shape \(2,\)"),
        (minidl.ones(1, 2), ValueError, r"the shape \(1, 2\)"),
        (minidl.ones(2, dtype=minidl.float64), TypeError, "arrays of one type, float32 or float64"),
    ],
)
def test_a_gradient_that_does_not_fit_is_refused(gradient, error, message):
    w = param(1.0, 2.0)
    w.grad = gradient
    with minidl.use_kernels("compiled"), pytest.raises(error, match=message):
        optim.Adam([w]).step()
    assert w.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("kind", FORMULAS)
def test_a_gradient_that_does_not_fit_a_formula_is_refused(kind):
    w = param(1.0, 2.0)
    w.grad = minidl.ones(1)
    with pytest.raises(ValueError, match=r"of shape \(2,\) has a gradient of shape \(1,\)"):
        kind([w]).step()
    assert w.tolist() == [1.0, 2.0]


def test_threads_change_no_bit():
    def trained(threads):
        before = minidl.get_num_threads()
        minidl.set_num_threads(threads)
        rng = np.random.default_rng(0)
        w = nn.Parameter(minidl.from_numpy(rng.standard_normal(400_001).astype("float32")))
        w.grad = minidl.from_numpy(rng.standard_normal(400_001).astype("float32"))
        optim.Adam([w], lr=0.1).step()
        minidl.set_num_threads(before)
        return w.detach().numpy()

    for threads in (2, 3):
        np.testing.assert_array_equal(trained(threads), trained(1))


# -- groups ----------------------------------------------------------------------------------------------------------


def test_groups():
    a, b, c = (with_gradient(1.0) for _ in range(3))
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.25)
    optimizer.add_param_group({"params": (c,), "lr": 1.0, "name": "head"})
    optimizer.step()
    assert [p.item() for p in (a, b, c)] == [0.75, 0.5, 0.0]
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.5, 1.0]
    assert optimizer.param_groups[1]["momentum"] == 0


def test_named_parameters():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"][0] is model.weight
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    with pytest.raises(ValueError, match="with names or none"):
        optimizer.add_param_group({"params": [param()]})
    with pytest.raises(ValueError, match="with names or none"):
        optim.SGD([("a", param()), param()])


MODEL = nn.Sequential(nn.Linear(2, 1))


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (list, ValueError, "params is empty, there is nothing to optimize"),
        (lambda: nn.ReLU().parameters(), ValueError, "params is empty"),
        (lambda: MODEL, TypeError, r"got the module Sequential itself; pass model.parameters\(\)"),
        (lambda: [{"params": MODEL}], TypeError, "got the module Sequential itself"),
        (lambda: [MODEL], TypeError, "entry 0 is a Sequential"),
        (lambda: param(), TypeError, r"got one Tensor; pass it in a list: \[w\]"),
        (lambda: "weights", TypeError, "an iterable of Tensors or dicts, got str"),
        (lambda: 3, TypeError, "an iterable of Tensors or dicts, got int"),
        (lambda: MODEL.state_dict(), TypeError, "an iterable of Tensors or dicts, got OrderedDict"),
        (lambda: {param()}, TypeError, "a set has none"),
        (lambda: [np.ones(2)], TypeError, "entry 0 is a ndarray"),
        (lambda: [param(), param() * 2], ValueError, r"entry 1, of shape \(1,\), was computed from other Tensors"),
        (lambda: [{"params": MODEL.parameters()}, {"params": MODEL[0].bias}], ValueError, "in more than one group"),
        (lambda: [param(dtype=minidl.float16)], TypeError, "entry 0 is float16"),
        (lambda: [{"lr": 0.1}], TypeError, "a dict with 'params'"),
    ],
)
def test_bad_parameters(params, error, message):
    with pytest.raises(error, match=message) as info:
        optim.SGD(params(), lr=0.1)
    assert isinstance(info.value, MinidlError)


def test_a_parameter_twice_in_a_group_is_updated_twice():
    w = with_gradient(1.0)
    with pytest.warns(UserWarning, match="holds a parameter twice, which is then updated twice"):
        optimizer = optim.SGD([w, w], lr=0.25)
    optimizer.step()
    assert w.item() == 0.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lr", [-0.1, float("nan"), float("inf"), None, "0.1", minidl.ones(2)])
def test_bad_lr(kind, lr):
    number = isinstance(lr, (float, minidl.Tensor))
    error, message = (ValueError, "lr must be") if number else (TypeError, "lr must be a number, got")
    with pytest.raises(error, match=message):
        kind([param()], lr=lr)
    with pytest.raises(error, match=message):
        kind([{"params": param(), "lr": lr}])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda w: optim.SGD(w, momentum=-1), ValueError, "momentum must be .* got -1"),
        (lambda w: optim.SGD(w, weight_decay=-1), ValueError, "weight_decay must be"),
        (lambda w: optim.SGD(w, nesterov=True), ValueError, "nesterov needs a momentum above 0"),
        (lambda w: optim.SGD(w, momentum=0.9, dampening=0.1, nesterov=True), ValueError, "no dampening"),
        (lambda w: optim.SGD(w, decay=1), TypeError, "unexpected keyword argument 'decay'"),
        (lambda w: optim.SGD(w, differentiable=True), ValueError, "differentiable=True is not supported"),
        (lambda w: optim.SGD(w, foreach=True, fused=True), RuntimeError, "fused and foreach can't both be True"),
        (lambda w: optim.Adam(w, betas=(0.9, 1.0)), ValueError, r"betas\[1\] must be from 0 to 1, without 1, got 1.0"),
        (lambda w: optim.Adam(w, betas=(-0.1, 0.9)), ValueError, r"betas\[0\] must be"),
        (lambda w: optim.Adam(w, betas=0.9), TypeError, "betas must be a pair of numbers, got 0.9"),
        (lambda w: optim.Adam(w, betas=(0.9,) * 3), ValueError, "betas must be a pair of numbers, got"),
        (lambda w: optim.Adam(w, betas=(0, 0.9)), ValueError, "betas must be two floats or two Tensors"),
        (lambda w: optim.Adam(w, lr=minidl.tensor(0.1), foreach=True), ValueError, "foreach=True takes lr"),
        (lambda w: optim.Adam(w, betas=(minidl.ones(2), minidl.ones(2))), ValueError, "one number, got a Tensor of"),
        (lambda w: optim.Adam(w, eps=-1e-8), ValueError, "eps must be"),
        (lambda w: optim.AdamW(w, weight_decay=-1), ValueError, "weight_decay must be"),
        (lambda w: optim.RMSprop(w, alpha=-0.1), ValueError, "alpha must be"),
        (lambda w: optim.RMSprop(w, momentum=float("nan")), ValueError, "momentum must be"),
        (lambda w: optim.Adagrad(w, lr_decay=-1), ValueError, "lr_decay must be"),
        (lambda w: optim.Adagrad(w, initial_accumulator_value=-1), ValueError, "initial_accumulator_value must be"),
        (lambda w: optim.Adagrad(w, momentum=1), TypeError, "unexpected keyword argument 'momentum'"),
        (lambda w: optim.Adadelta(w, rho=1.1), ValueError, "rho must be from 0 to 1, got 1.1"),
        (lambda w: optim.Adamax(w, betas=(0.0, 1.0)), ValueError, r"betas\[1\] must be"),
        (lambda w: optim.NAdam(w, momentum_decay=-0.2), ValueError, "momentum_decay must be"),
        (lambda w: optim.RAdam(w, weight_decay=-1), ValueError, "weight_decay must be"),
        (lambda w: optim.Rprop(w, etas=(1.0, 0.5)), ValueError, "etas must be a number between 0 and 1 and one above"),
        (lambda w: optim.Rprop(w, step_sizes=1), TypeError, "step_sizes must be a pair of numbers, got 1"),
        (lambda w: optim.SGD(w, dampening="0.1"), TypeError, "dampening must be a number, got '0.1'"),
        (lambda w: optim.ASGD(w, t0=None), TypeError, "t0 must be a number, got None"),
        (lambda w: optim.ASGD(w, weight_decay=-1), ValueError, "weight_decay must be"),
    ],
)
def test_bad_options(make, error, message):
    with pytest.raises(error, match=message):
        make([param()])


def test_options_for_speed_are_accepted():
    optim.SGD([param()], foreach=True, fused=None, differentiable=False)
    optim.Adam([param()], fused=True, capturable=False)
    optim.Adam([param()], lr=minidl.tensor(0.1), foreach=True, capturable=True)


# -- state -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_state_goes_on_where_it_stopped(name):
    kind, options = CASES[name]
    start, gradients = problem()
    whole = path_of(minidl, name, start, gradients)[STEPS.index(10)]
    w = minidl.tensor(start, requires_grad=True)
    optimizer = getattr(optim, kind)([w], **options)
    for g in gradients[:4]:
        w.grad = minidl.tensor(g)
        optimizer.step()
    again = minidl.tensor(w.detach().numpy(), requires_grad=True)
    other = getattr(optim, kind)([again], lr=7.0)
    saved = pickle.loads(pickle.dumps(optimizer.state_dict()))
    other.load_state_dict(saved)
    for g in gradients[4:10]:
        again.grad = minidl.tensor(g)
        other.step()
    np.testing.assert_array_equal(again.detach().numpy(), whole)
    for g in gradients[4:10]:  # the first one was not disturbed
        w.grad = minidl.tensor(g)
        optimizer.step()
    np.testing.assert_array_equal(w.detach().numpy(), whole)


@pytest.mark.parametrize("name", CASES)
def test_state_has_torchs_structure(name):
    torch = pytest.importorskip("torch")
    kind, options = CASES[name]

    def state(library):
        net = library.nn.Sequential(library.nn.Linear(3, 2), library.nn.Linear(2, 1))
        groups = [{"params": net[0].parameters()}, {"params": net[1].parameters(), "lr": 0.5}]
        optimizer = getattr(library.optim, kind)(groups, **options)
        net(library.ones(4, 3)).sum().backward()
        optimizer.step()
        return optimizer.state_dict()

    ours, theirs = state(minidl), state(torch)
    for a, b in zip(ours["param_groups"], theirs["param_groups"], strict=True):
        assert a["params"] == b["params"]
        assert a == b
    assert list(ours["state"]) == list(theirs["state"])
    for number in ours["state"]:
        a, b = ours["state"][number], theirs["state"][number]
        assert set(a) == set(b)
        assert {key: tuple(value.shape) for key, value in a.items()} == {k: tuple(v.shape) for k, v in b.items()}


@pytest.mark.parametrize("name", CASES)
def test_a_state_of_torchs_goes_on(name):
    torch = pytest.importorskip("torch")
    kind, options = CASES[name]
    start, gradients = problem()
    theirs = torch.tensor(start, requires_grad=True)
    optimizer = getattr(torch.optim, kind)([theirs], **options)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    for g in gradients[:5]:
        theirs.grad = torch.tensor(g)
        optimizer.step()
        schedule.step()
    ours = minidl.tensor(theirs.detach().numpy(), requires_grad=True)
    resumed = getattr(optim, kind)([ours])
    scheduler = lr_scheduler.StepLR(resumed, 9)
    resumed.load_state_dict(optimizer.state_dict())
    scheduler.load_state_dict(schedule.state_dict())
    for g in gradients[5:10]:
        theirs.grad, ours.grad = torch.tensor(g), minidl.tensor(g)
        for each in (optimizer, schedule, resumed, scheduler):
            each.step()
    assert resumed.state_dict()["param_groups"] == optimizer.state_dict()["param_groups"]
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-12, atol=1e-13)


def test_loading_copies_and_converts():
    w = with_gradient(1.0, dtype=minidl.float64)
    a = optim.Adam([w])
    a.step()
    v = with_gradient(1.0)
    b = optim.Adam([v])
    b.load_state_dict(a.state_dict())
    assert b.state[v]["exp_avg"].dtype == minidl.float32
    assert b.state[v]["step"].item() == 1.0
    a.step()
    assert b.state[v]["step"].item() == 1.0
    assert a.state[w]["step"].item() == 2.0


def test_a_state_of_ones_own_may_hold_anything():
    class Own(optim.Optimizer):
        def update(self, w, g, state, group):
            state.setdefault("factors", minidl.ones(3, 3))
            state["step"] = state.get("step", 0) + 1
            state.setdefault("names", ["left", "right"])

    w, v = with_gradient(1.0, dtype=minidl.float64), param(1.0, dtype=minidl.float64)
    a, b = Own([w], {}), Own([v], {})
    a.step()
    b.load_state_dict(a.state_dict())
    assert b.state[v]["factors"].shape == (3, 3)
    assert b.state[v]["step"] == 1 and isinstance(b.state[v]["step"], int)
    assert b.state[v]["names"] == ["left", "right"] and b.state[v]["names"] is not a.state[w]["names"]


@pytest.mark.parametrize("kind", [optim.Adam, optim.NAdam])
def test_old_states_count_in_python_numbers(kind):
    w = with_gradient(1.0)
    optimizer = kind([w])
    optimizer.step()
    saved = optimizer.state_dict()
    saved["state"][0]["step"] = 1
    optimizer.load_state_dict(saved)
    optimizer.step()
    assert optimizer.state[w]["step"].item() == 2.0


def test_what_a_schedule_made_of_the_rate_is_loaded():
    optimizer = optim.SGD([with_gradient()], lr=0.1)
    scheduler = lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: -1.0)
    optimizer.step()
    scheduler.step()
    optimizer.load_state_dict(optimizer.state_dict())
    assert optimizer.param_groups[0]["lr"] == -0.1


def test_the_state_of_adam_is_taken_by_adamw():
    w, v = with_gradient(1.0), with_gradient(1.0)
    adam, adamw = optim.Adam([w], weight_decay=0.1), optim.AdamW([v])
    adam.step()
    adamw.load_state_dict(adam.state_dict())
    assert adamw.param_groups[0]["decoupled_weight_decay"]
    assert adamw.param_groups[0]["weight_decay"] == 0.1


def test_loading_what_does_not_fit():
    w = with_gradient(1.0)
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    optimizer.step()
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match=r"groups of \[2\] parameters, this optimizer of \[1\]"):
        optimizer.load_state_dict(optim.SGD([param(), param()]).state_dict())
    other = nn.Parameter(minidl.ones(3))
    other.grad = minidl.ones(3)
    larger = optim.SGD([other], momentum=0.5)
    larger.step()
    with pytest.raises(StateError, match=r"momentum_buffer is \(3,\) for a parameter of shape \(1,\)"):
        optimizer.load_state_dict(larger.state_dict())
    with pytest.raises(StateError, match="with 'state' and 'param_groups'"):
        optimizer.load_state_dict({"weight": 1})
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert optimizer.state_dict()["state"][0]["momentum_buffer"] is before["state"][0]["momentum_buffer"]


def test_copies():
    model = nn.Linear(2, 1)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    model(minidl.ones(1, 2)).sum().backward()
    optimizer.step()
    for twin_model, twin in (copy.deepcopy((model, optimizer)), pickle.loads(pickle.dumps((model, optimizer)))):
        assert twin.param_groups[0]["params"][0] is twin_model.weight
        assert twin.state[twin_model.weight]["step"].item() == 1.0
        for p in twin_model.parameters():
            p.grad = minidl.ones_like(p)
        before = model.weight.tolist()
        twin.step()
        assert model.weight.tolist() == before
        assert twin_model.weight.tolist() != before


def test_repr():
    optimizer = optim.SGD([{"params": param()}, {"params": param(), "lr": 0.5}], lr=0.1)
    assert repr(optimizer) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n"
        "    lr: 0.1\n    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n\n"
        "Parameter Group 1\n    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n"
        "    lr: 0.5\n    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n)"
    )


# -- schedules -------------------------------------------------------------------------------------------------------


LOSSES = (3.0, 2.0, 2.5, 1.9999, 2.0, 2.0, 1.5, 1.6, 1.7, 1.8, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4)


def rates(make, epochs=16, library=minidl, kind="SGD"):
    """Return each group's learning rate in each epoch, and then its momentum."""
    groups = [
        {"params": [library.ones(1, requires_grad=True)]},
        {"params": [library.ones(1, requires_grad=True)], "lr": 1.0},
    ]
    optimizer = getattr(library.optim, kind)(groups, lr=0.1)
    scheduler = make(library.optim.lr_scheduler, optimizer)
    plateau = isinstance(scheduler, library.optim.lr_scheduler.ReduceLROnPlateau)
    found = []
    for epoch in range(epochs):
        present = list(scheduler.get_last_lr())
        assert present == [group["lr"] for group in optimizer.param_groups]
        found.append(present + [momentum_of(group) for group in optimizer.param_groups])
        if epoch < epochs - 1:
            optimizer.step()
            scheduler.step(*LOSSES[epoch : epoch + plateau])
    return found


def momentum_of(group):
    return group["betas"][0] if "betas" in group else group["momentum"]


def chained(lib, optimizer):
    return lib.ChainedScheduler([lib.ConstantLR(optimizer, 0.5, 4), lib.ExponentialLR(optimizer, 0.9)])


def sequential(lib, optimizer):
    parts = [
        lib.LinearLR(optimizer, 0.1, total_iters=3),
        lib.StepLR(optimizer, 2, 0.5),
        lib.CosineAnnealingLR(optimizer, 4),
        lib.MultiplicativeLR(optimizer, lambda epoch: 0.9),
    ]
    return lib.SequentialLR(optimizer, parts, [3, 8, 13])


# name: the schedule, made of minidl's or torch's lr_scheduler alike
SCHEDULES = {
    "step": lambda lib, optimizer: lib.StepLR(optimizer, step_size=3, gamma=0.5),
    "step_default": lambda lib, optimizer: lib.StepLR(optimizer, 4),
    "step_every": lambda lib, optimizer: lib.StepLR(optimizer, 1, 0.9),
    "lambda": lambda lib, optimizer: lib.LambdaLR(optimizer, lambda epoch: 0.95**epoch),
    "lambdas": lambda lib, optimizer: lib.LambdaLR(
        optimizer, [lambda epoch: 1 / (1 + epoch), lambda epoch: epoch // 2]
    ),
    "multiplicative": lambda lib, optimizer: lib.MultiplicativeLR(optimizer, lambda epoch: 1 - 1 / (epoch + 2)),
    "multiplicatives": lambda lib, optimizer: lib.MultiplicativeLR(optimizer, [lambda e: 0.9, lambda e: 1.1]),
    "multi_step": lambda lib, optimizer: lib.MultiStepLR(optimizer, [2, 5, 5, 9], gamma=0.3),
    "multi_step_at_once": lambda lib, optimizer: lib.MultiStepLR(optimizer, [0, 1]),
    "exponential": lambda lib, optimizer: lib.ExponentialLR(optimizer, 0.9),
    "constant": lambda lib, optimizer: lib.ConstantLR(optimizer),
    "constant_options": lambda lib, optimizer: lib.ConstantLR(optimizer, factor=0.2, total_iters=3),
    "linear": lambda lib, optimizer: lib.LinearLR(optimizer),
    "linear_down": lambda lib, optimizer: lib.LinearLR(optimizer, 1.0, 0.0, total_iters=7),
    "polynomial": lambda lib, optimizer: lib.PolynomialLR(optimizer),
    "polynomial_options": lambda lib, optimizer: lib.PolynomialLR(optimizer, total_iters=11, power=2.5),
    "cosine": lambda lib, optimizer: lib.CosineAnnealingLR(optimizer, T_max=6),
    "cosine_floor": lambda lib, optimizer: lib.CosineAnnealingLR(optimizer, T_max=4, eta_min=0.01),
    "cosine_one": lambda lib, optimizer: lib.CosineAnnealingLR(optimizer, T_max=1),
    "restarts": lambda lib, optimizer: lib.CosineAnnealingWarmRestarts(optimizer, 4),
    "restarts_longer": lambda lib, optimizer: lib.CosineAnnealingWarmRestarts(optimizer, 2, 3, eta_min=0.02),
    "cyclic": lambda lib, optimizer: lib.CyclicLR(optimizer, 0.1, 1.0, 3),
    "cyclic_options": lambda lib, optimizer: lib.CyclicLR(
        optimizer, [0.1, 0.2], [1.0, 2.0], 2, 4, "triangular2", base_momentum=[0.6, 0.7], max_momentum=0.95
    ),
    "cyclic_range": lambda lib, optimizer: lib.CyclicLR(optimizer, 0.1, 1.0, 3, mode="exp_range", gamma=0.9),
    "cyclic_function": lambda lib, optimizer: lib.CyclicLR(optimizer, 0.1, 1.0, 3, scale_fn=lambda n: 1 / (1 + n)),
    "cyclic_function_of_steps": lambda lib, optimizer: lib.CyclicLR(
        optimizer, 0.1, 1.0, 3, scale_fn=lambda n: 1 / (1 + n), scale_mode="iterations", cycle_momentum=False
    ),
    "one_cycle": lambda lib, optimizer: lib.OneCycleLR(optimizer, max_lr=2.0, total_steps=16),
    "one_cycle_three": lambda lib, optimizer: lib.OneCycleLR(
        optimizer, [1.0, 2.0], epochs=4, steps_per_epoch=4, pct_start=0.4, anneal_strategy="linear", three_phase=True,
        base_momentum=[0.7, 0.8], max_momentum=0.9, div_factor=10.0, final_div_factor=100.0,
    ),
    "one_cycle_rate_alone": lambda lib, optimizer: lib.OneCycleLR(optimizer, 1.0, 20, cycle_momentum=False),
    "plateau": lambda lib, optimizer: lib.ReduceLROnPlateau(optimizer, patience=1),
    "plateau_max": lambda lib, optimizer: lib.ReduceLROnPlateau(optimizer, "max", 0.5, 2, min_lr=[0.02, 0.3]),
    "plateau_abs": lambda lib, optimizer: lib.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=0, threshold=0.3, threshold_mode="abs", cooldown=2, eps=0.01
    ),
    "plateau_max_abs": lambda lib, optimizer: lib.ReduceLROnPlateau(
        optimizer, mode="max", patience=3, threshold=0.1, threshold_mode="abs"
    ),
    "sequential": sequential,
    "sequential_restarts": lambda lib, optimizer: lib.SequentialLR(
        optimizer, [lib.ConstantLR(optimizer, 0.1), lib.CosineAnnealingWarmRestarts(optimizer, 3, 2)], [4]
    ),
    "chained": chained,
    "two_at_once": lambda lib, optimizer: (lib.LinearLR(optimizer), lib.ExponentialLR(optimizer, 0.8))[1],
}  # fmt: skip


def test_step_lr():
    assert [lr for lr, *_ in rates(SCHEDULES["step"], 7)] == [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025]


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_golden(name):
    with np.load(GOLDEN) as golden:
        np.testing.assert_allclose(rates(SCHEDULES[name]), golden[f"schedule.{name}"], rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_torchs(name, kind):
    torch = pytest.importorskip("torch")
    ours, theirs = (rates(SCHEDULES[name], library=library, kind=kind) for library in (minidl, torch))
    np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_state(name):
    def pair():
        optimizer = optim.SGD([{"params": [with_gradient()]}, {"params": [with_gradient()], "lr": 1.0}], lr=0.1)
        return optimizer, SCHEDULES[name](lr_scheduler, optimizer)

    optimizer, scheduler = pair()
    measure = LOSSES[:1] if name.startswith("plateau") else ()
    for _ in range(5):
        optimizer.step()
        scheduler.step(*measure)
    again, resumed = pair()
    again.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    assert "optimizer" not in scheduler.state_dict()
    assert name == "chained" or resumed.last_epoch == 5
    for _ in range(10):
        for either in (optimizer, again):
            either.step()
        scheduler.step(*measure)
        resumed.step(*measure)
        assert resumed.get_last_lr() == scheduler.get_last_lr()
    assert again.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]


@pytest.mark.parametrize("epoch", [1, 3, 6])
@pytest.mark.parametrize(
    "name", [n for n in SCHEDULES if not n.startswith(("plateau", "sequential", "chained", "two"))]
)
def test_schedules_resume_as_torchs(name, epoch):
    """With last_epoch, on an optimizer that has its state, and then some steps on."""
    torch = pytest.importorskip("torch")

    def resumed(library):
        groups = [{"params": [library.ones(1, requires_grad=True)]} for _ in range(2)]
        optimizer = library.optim.SGD(groups, lr=0.1)
        for group in optimizer.param_groups:
            group.update(initial_lr=0.3, max_lr=1.0, min_lr=0.001, max_momentum=0.9, base_momentum=0.8)

        class Resuming:
            """A schedule of the library, made with last_epoch."""

            def __getattr__(self, name):
                make = getattr(library.optim.lr_scheduler, name)
                return lambda *args, **options: make(*args, **options, last_epoch=epoch)

        scheduler = SCHEDULES[name](Resuming(), optimizer)
        for _ in range(5):
            yield list(scheduler.get_last_lr())
            optimizer.step()
            scheduler.step()

    np.testing.assert_allclose(list(resumed(minidl)), list(resumed(torch)), rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize(
    "name", [n for n in SCHEDULES if not n.startswith(("restarts", "sequential", "chained", "one_cycle_rate"))]
)
def test_steps_to_an_epoch_are_torchs(name):
    """They warn, and use the closed form."""
    torch = pytest.importorskip("torch")

    def path(library):
        groups = [{"params": [library.ones(1, requires_grad=True)]} for _ in range(2)]
        optimizer = library.optim.SGD(groups, lr=0.3)
        scheduler = SCHEDULES[name](library.optim.lr_scheduler, optimizer)
        metrics = [1.0] * isinstance(scheduler, library.optim.lr_scheduler.ReduceLROnPlateau)
        for epoch in (0, 3, None, 4, 9, None, None, 1, 16):
            optimizer.step()
            if epoch is None:
                scheduler.step(*metrics)
            else:
                with pytest.warns(UserWarning, match="epoch"):
                    scheduler.step(*metrics, epoch)
            yield scheduler.last_epoch, *scheduler.get_last_lr()

    np.testing.assert_allclose(list(path(minidl)), list(path(torch)), rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_restarts_within_an_epoch(factor):
    torch = pytest.importorskip("torch")

    def path(library):
        optimizer = library.optim.SGD([library.ones(1, requires_grad=True)], lr=1.0)
        scheduler = library.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3, factor)
        for epoch in (0, 0.25, 2.75, 3.0, 3.5, 8.5, 9.0, 30.25, 1.5):
            optimizer.step()
            scheduler.step(epoch)
            yield scheduler.get_last_lr()[0], scheduler.last_epoch, scheduler.T_i if epoch > 2 else 3

    np.testing.assert_allclose(list(path(minidl)), list(path(torch)), rtol=1e-12)


@pytest.mark.filterwarnings("ignore:scheduler.step.. came before:UserWarning")
def test_schedules_within_schedules():
    """A chain in a sequence is one step ahead, as in PyTorch."""
    whole = optim.SGD([param()], lr=1.0)
    warm_up = lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(whole, 0.5, 10), lr_scheduler.ExponentialLR(whole, 0.5)]
    )
    scheduler = lr_scheduler.SequentialLR(whole, [warm_up, lr_scheduler.ExponentialLR(whole, 0.1)], [2])
    found = []
    for _ in range(4):
        found.append(scheduler.get_last_lr()[0])
        whole.step()
        scheduler.step()
    assert found == [0.25, 0.125, 1.0, 0.1]


def test_plateau_takes_new_groups_and_tensors():
    optimizer = optim.SGD([param()], lr=1.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
    optimizer.add_param_group({"params": [param()], "lr": 0.1})
    scheduler.step(minidl.tensor(1.0))
    scheduler.step(minidl.tensor(1.0))
    assert scheduler.get_last_lr() == [0.5, 0.05]
    scheduler.step(float("nan"))  # not better
    assert scheduler.get_last_lr() == [0.25, 0.025]


def test_schedule_goes_on_from_an_epoch():
    optimizer = optim.SGD([with_gradient()], lr=0.1)
    with pytest.raises(ValueError, match=r"group 0 of the optimizer has no\s+'initial_lr'"):
        lr_scheduler.StepLR(optimizer, 3, last_epoch=5)
    optimizer.param_groups[0]["initial_lr"] = 0.4
    scheduler = lr_scheduler.StepLR(optimizer, 3, gamma=0.5, last_epoch=5)
    assert scheduler.last_epoch == 6
    assert scheduler.get_last_lr() == [0.05]
    assert scheduler.base_lrs == [0.4]


def test_a_schedule_of_ones_own():
    """As written for PyTorch, with the names that its base class has."""

    class Warmup(lr_scheduler._LRScheduler):
        def __init__(self, optimizer, steps, last_epoch=-1):
            self.steps = steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            if not self._get_lr_called_within_step:
                warnings.warn("use get_last_lr()", UserWarning, stacklevel=2)
            return [lr * min(1.0, (self.last_epoch + 1) / self.steps) for lr in self.base_lrs]

    optimizer = optim.SGD([with_gradient()], lr=1.0)
    scheduler = Warmup(optimizer, 4)
    found = []
    for _ in range(5):
        found += scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    assert found == [0.25, 0.5, 0.75, 1.0, 1.0]
    with pytest.warns(UserWarning, match="use get_last_lr"):
        scheduler.get_lr()


def test_wrong_call_order_warns():
    optimizer = optim.SGD([with_gradient()], lr=0.1)
    scheduler = lr_scheduler.StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match=r"scheduler.step\(\) came before optimizer.step\(\)"):
        scheduler.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()


def test_an_optimizer_with_its_own_step_gives_no_false_warning():
    class Own(optim.SGD):
        def step(self, closure=None):
            return None

    optimizer = Own([param()])
    scheduler = lr_scheduler.StepLR(optimizer, 3)
    optimizer.step()
    scheduler.step()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda o: lr_scheduler.StepLR(nn.ReLU(), 3), TypeError, "must be a minidl.optim.Optimizer, got ReLU"),
        (
            lambda o: lr_scheduler.StepLR(o, 0),
            ValueError,
            "step_size must be a number of epochs above 0, got 0",
        ),
        (lambda o: lr_scheduler.LambdaLR(o, [abs, abs]), ValueError, "expected 1 values, one for each group, got 2"),
        (lambda o: lr_scheduler.LambdaLR(nn.ReLU(), abs), TypeError, "must be a minidl.optim.Optimizer, got ReLU"),
        (lambda o: lr_scheduler.LRScheduler(o), NotImplementedError, "LRScheduler has no rule"),
        (lambda o: lr_scheduler.LambdaLR(o, 0.5), TypeError, "lr_lambda must be a function of the epoch, got 0.5"),
        (lambda o: lr_scheduler.ConstantLR(o, -0.1), ValueError, "factor must be from 0 to 1, got -0.1"),
        (lambda o: lr_scheduler.ConstantLR(o, 0.0, 1)._update_lr(), ValueError, "factor is 0, so the rates can't be"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 10, pct_start=0.1), ValueError, "a phase has no length"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 10, pct_start=1), ValueError, "a float from 0 to 1, got 1"),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, mode="up"), ValueError, "one of 'triangular', .* got 'up'"),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, 0), ValueError, "step_size_up must be above 0"),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, None), TypeError, "max_lr must be a number, got None"),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, scale_fn=2), TypeError, "scale_fn must be a function, got 2"),
        (lambda o: lr_scheduler.ExponentialLR(o, "0.9"), TypeError, "gamma must be a number, got '0.9'"),
        (lambda o: lr_scheduler.MultiStepLR(o, 3), TypeError, "milestones must be a list of epochs, got 3"),
        (lambda o: lr_scheduler.PolynomialLR(o, 1, -1)._update_lr(), ValueError, "0 has no negative power"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 10, div_factor=0), ValueError, "div_factor and final_div_factor"),
        (lambda o: lr_scheduler.CyclicLR(o, [0.1] * 2, 1.0), ValueError, "base_lr: expected 1 values"),
        (
            lambda o: lr_scheduler.CyclicLR(optim.Rprop([param()]), 0.1, 1.0),
            ValueError,
            "Rprop has no momentum; set cycle_momentum=False",
        ),
        (lambda o: lr_scheduler.LinearLR(o, 0.0), ValueError, "start_factor must be above 0 and at most 1, got 0.0"),
        (lambda o: lr_scheduler.LinearLR(o, 0.5, 2.0), ValueError, "end_factor must be from 0 to 1, got 2.0"),
        (lambda o: lr_scheduler.CosineAnnealingLR(o, 0), ValueError, "T_max must be a number of epochs above 0, got 0"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 1.5), ValueError, "T_0 must be a whole number"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 1).step(-1), ValueError, "epoch must be .* got -1"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1), ValueError, "give total_steps, or both epochs and steps_per_epoch"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 0), ValueError, "total_steps must be a whole number from 1 up"),
        (lambda o: lr_scheduler.OneCycleLR(o, [0.1, 0.2], 5), ValueError, "max_lr: expected 1 values"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 5, pct_start=2), ValueError, "pct_start must be .* got 2"),
        (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 5, anneal_strategy="sin"), ValueError, "'cos', 'linear', got 'sin'"),
        (
            lambda o: lr_scheduler.OneCycleLR(optim.Adagrad([param()]), 0.1, 5),
            ValueError,
            "Adagrad has no momentum; set cycle_momentum=False",
        ),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, "best"), ValueError, "mode must be one of 'min', 'max', got"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "one of 'rel', 'abs', got 'x'"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1), ValueError, "factor must be below 1, .* got 1"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, min_lr=[0, 0]), ValueError, "min_lr: expected 1 values"),
        (lambda o: lr_scheduler.SequentialLR(o, [], []), ValueError, "schedulers is empty, expected at least one"),
        (lambda o: lr_scheduler.ChainedScheduler([o]), TypeError, "entry 0 is a SGD, no schedule"),
        (
            lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ReduceLROnPlateau(o)]),
            ValueError,
            "entry 0 is a ReduceLROnPlateau, whose step needs the metrics",
        ),
        (
            lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(optim.SGD([param()]), 1)], []),
            ValueError,
            "entry 0 belongs to another optimizer",
        ),
        (
            lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 1)], [3]),
            ValueError,
            "milestones: expected 0, one fewer than schedulers, got 1",
        ),
    ],
)
def test_bad_schedules(make, error, message):
    with pytest.raises(error, match=message):
        make(optim.SGD([param()]))


def test_one_cycle_has_an_end():
    optimizer = optim.SGD([with_gradient()], lr=0.1, momentum=0.9)
    scheduler = lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=2)
    for _ in range(2):
        optimizer.step()
        scheduler.step()
    with pytest.raises(ArgumentError, match="step 3 is beyond the 2 steps of this schedule"):
        scheduler.step()


def test_lambda_state_of_objects():
    class Warmup:
        def __init__(self, epochs):
            self.epochs = epochs

        def __call__(self, epoch):
            return min(1.0, (epoch + 1) / self.epochs)

    a = lr_scheduler.LambdaLR(optim.SGD([with_gradient()], lr=1.0), Warmup(4))
    b = lr_scheduler.LambdaLR(optim.SGD([with_gradient()], lr=1.0), Warmup(9))
    b.load_state_dict(a.state_dict())
    assert b.lr_lambdas[0].epochs == 4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    ["multi_step", "lambda", "sequential", "chained", "plateau", "one_cycle_rate_alone", "cyclic_function_of_steps"],
)
def test_a_training_goes_on_from_a_file_to_the_bit(kind, name, tmp_path):
    def training():
        minidl.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 2))
        groups = [{"params": model[0].parameters()}, {"params": [*model[1].parameters(), *model[4].parameters()]}]
        optimizer = kind([{**group, "lr": minidl.tensor(0.05)} for group in groups])
        return model, optimizer, SCHEDULES[name](lr_scheduler, optimizer)

    def train(model, optimizer, scheduler, batches):
        for x, t in batches:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), t)
            loss.backward()
            optimizer.step()
            scheduler.step(*[loss] * isinstance(scheduler, lr_scheduler.ReduceLROnPlateau))
        return [value.tolist() for value in model.state_dict().values()], loss.item()

    rng = np.random.default_rng(1)
    batches = [
        (minidl.tensor(rng.standard_normal((8, 4)).astype("f")), minidl.tensor(rng.integers(0, 2, 8))) for _ in range(9)
    ]
    first = training()
    train(*first, batches[:5])
    saved = {str(k): part.state_dict() for k, part in enumerate(first)}
    minidl.save({**saved, "random": minidl.get_rng_state()}, tmp_path / "checkpoint")
    expected = train(*first, batches[5:])
    second = training()
    saved = minidl.load(tmp_path / "checkpoint")
    for k, part in enumerate(second):
        part.load_state_dict(saved[str(k)])
    minidl.set_rng_state(saved["random"])
    assert train(*second, batches[5:]) == expected


# -- averages of weights ---------------------------------------------------------------------------------------------


AVERAGES = {
    "mean": lambda u: {},
    "mean_of_lists": lambda u: {"multi_avg_fn": u.get_swa_multi_avg_fn()},
    "moving": lambda u: {"avg_fn": u.get_ema_avg_fn(0.8)},
    "moving_of_lists": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.9)},
    "buffers": lambda u: {"avg_fn": u.get_ema_avg_fn(0.8), "use_buffers": True},
}


@pytest.mark.parametrize("name", AVERAGES)
def test_averaged_models_are_torchs(name):
    torch = pytest.importorskip("torch")

    def averages(library):
        nn, swa, rng = library.nn, library.optim.swa_utils, np.random.default_rng(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)).to(library.float64)
        with library.no_grad():
            for param in model.parameters():
                param.copy_(library.tensor(rng.standard_normal(param.shape)))
        optimizer = library.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        averaged = swa.AveragedModel(model, **AVERAGES[name](swa))
        data = [(library.tensor(rng.standard_normal((8, 3))), library.tensor(rng.integers(0, 2, 8))) for _ in range(3)]
        for _ in range(6):
            for x, y in data:
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x), y).backward()
                optimizer.step()
            averaged.update_parameters(model)
        yield from {key: value.clone() for key, value in averaged.state_dict().items()}.items()
        swa.update_bn(data, averaged)
        yield from averaged.state_dict().items()
        assert averaged.training and averaged.module[1].momentum == 0.1

    ours, theirs = list(averages(minidl)), list(averages(torch))
    assert [key for key, _ in ours] == [key for key, _ in theirs]
    for (_, a), (_, b) in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)  # PyTorch divides by a float32 count


@pytest.mark.parametrize(("epochs", "strategy"), [(10, "cos"), (4, "linear"), (0, "cos"), (1, "linear")])
def test_swa_rates_are_torchs(epochs, strategy):
    torch = pytest.importorskip("torch")

    def make(library):
        return lambda lib, optimizer: library.optim.swa_utils.SWALR(optimizer, [0.05, 2.0], epochs, strategy)

    ours, theirs = (rates(make(library), library=library) for library in (minidl, torch))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda swa, o: swa.SWALR(o, 0.1, anneal_strategy="sin"), "one of 'cos', 'linear', got 'sin'"),
        (lambda swa, o: swa.SWALR(o, 0.1, anneal_epochs=-1), "anneal_epochs must be a whole number of 0 or more"),
        (lambda swa, o: swa.SWALR(o, [0.1, 0.2]), "swa_lr: expected 1 values"),
        (lambda swa, o: swa.get_ema_multi_avg_fn(1.1), "decay must be from 0 to 1, got 1.1"),
        (lambda swa, o: swa.AveragedModel(nn.ReLU(), avg_fn=abs, multi_avg_fn=abs), "avg_fn or multi_avg_fn, not both"),
    ],
)
def test_bad_averages(make, message):
    with pytest.raises(ValueError, match=message):
        make(optim.swa_utils, optim.SGD([param()]))


if __name__ == "__main__":
    write_golden()
