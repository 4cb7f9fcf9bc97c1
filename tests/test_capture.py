"""capture: the record of a run is complete and right, and keeping it changes nothing."""

from __future__ import annotations

import asyncio
import gc
import inspect
import math
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import autograd, nn, ops, optim
from minidl import demo as demo_program
from minidl.capture import Call, Origin, Walk
from minidl.errors import ArgumentError, ShapeError, StateError

F = nn.functional
HERE = Path(__file__).name


class Net(nn.Module):
    """The chapter's network."""

    def __init__(self, dtype=None):
        super().__init__()
        self.fc1 = nn.Linear(784, 128, dtype=dtype)
        self.fc2 = nn.Linear(128, 10, dtype=dtype)

    def forward(self, x):
        x = x.reshape(-1, 784)
        x = F.relu(self.fc1(x))
        return self.fc2(x)


def line_here():
    """The number of the line that calls this."""
    return inspect.currentframe().f_back.f_lineno


def batch(dtype=minidl.float32, n=16):
    minidl.manual_seed(1)
    return minidl.randn(n, 1, 28, 28, dtype=dtype), minidl.randint(0, 10, (n,))


def training_step(net, optimizer, x, y):
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
    return loss


# -- it changes nothing ----------------------------------------------------------------------------------------------


def numbers_of_training(optimizer_kind, dtype, captured):
    minidl.manual_seed(0)
    net = Net(dtype)
    optimizer = optimizer_kind(net.parameters())
    numbers = []
    for _ in range(3):
        x, y = batch(dtype)
        if captured:
            with minidl.capture() as c:
                loss = training_step(net, optimizer, x, y)
            for call in c:
                if call.fused:
                    call.formula()
        else:
            loss = training_step(net, optimizer, x, y)
        numbers += [loss.detach().numpy().copy(), *[p.grad.numpy().copy() for p in net.parameters()]]
    return [*numbers, *[p.detach().numpy().copy() for p in net.parameters()]]


@pytest.mark.parametrize("mode", ["compiled", "reference", "formula"])
@pytest.mark.parametrize("dtype", [minidl.float32, minidl.float64], ids=str)
@pytest.mark.parametrize(
    "kind",
    [
        lambda params: optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.01),
        lambda params: optim.Adam(params, lr=0.01, amsgrad=True),
    ],
    ids=["sgd", "adam"],
)
def test_a_captured_training_is_bit_equal_to_another(kind, dtype, mode):
    if mode == "compiled" and not minidl._kernels.compiled:
        pytest.skip("no compiled kernels")
    with minidl.use_kernels(mode):
        plain = numbers_of_training(kind, dtype, captured=False)
        captured = numbers_of_training(kind, dtype, captured=True)
    for one, other in zip(plain, captured, strict=True):
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("dtype", [minidl.float32, minidl.float64, minidl.int64], ids=str)
def test_in_place_changes_are_bit_equal_too(dtype):
    def changed():
        minidl.manual_seed(2)
        x = (minidl.randn(5, 4) * 100).to(dtype)
        y = (minidl.randn(5, 4) * 100).to(dtype)
        x.add_(y, alpha=3)
        x.sub_(y[0], alpha=2)
        x.mul_(y)
        x += 1
        x[1:3] = y[1:3]
        x[:, 0] = 7
        x[0].fill_(5)
        x.copy_(y.T.reshape(5, 4))
        if dtype.kind == "f":
            x.div_(3).exp_().clamp_(0, 50)
            x.addcmul_(y, y, value=0.1).addcdiv_(y, x, value=0.3)
        return x.numpy()

    plain = changed()
    with minidl.capture():
        captured = changed()
    assert plain.tobytes() == captured.tobytes()


def test_a_recorded_in_place_change_has_the_same_gradient():
    def gradient():
        x = minidl.tensor([1.0, -2.0, 3.0], requires_grad=True)
        y = x * 2
        y.relu_()
        y += x
        y[0] = 5.0
        (y * y).sum().backward()
        return x.grad.numpy()

    plain = gradient()
    with minidl.capture() as c:
        np.testing.assert_array_equal(gradient(), plain)
    assert [call.name for call in c] == ["mul", "relu", "setitem", "add", "setitem", "setitem", "mul", "sum"]
    assert [bool(call.g) for call in c] == [True, True, False, True, False, True, True, True]  # x[...] = y has no rule


# -- a training step of the chapter's network ------------------------------------------------------------------------


def captured_step(dtype=minidl.float64):
    minidl.manual_seed(0)
    net = Net(dtype)
    x, y = batch(dtype)
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    before = {name: p.detach().numpy().copy() for name, p in net.named_parameters()}
    with minidl.capture() as c:
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
    return c, net, x, y, loss, before


def test_the_calls_of_a_training_step():
    c, net, *_ = captured_step()
    assert [call.name for call in c] == ["reshape", "linear", "relu", "linear", "cross_entropy", "mean"] + ["SGD"] * 4
    assert [call.path for call in c] == ["Net", "fc1", "Net", "fc2", "", ""] + [""] * 4
    assert c.modules == {"Net": "Net", "fc1": "Linear", "fc2": "Linear"}
    assert [call.number for call in c] == list(range(10))
    walked = [step.call for step in c.steps if isinstance(step, Walk)]
    assert walked == [5, 4, 3, 2, 1]
    assert [step.number for step in c.steps if isinstance(step, Call)] == list(range(10))
    assert c.steps.index(c[6]) == 11  # the optimizer comes after the backward
    assert len(c) == 10
    assert c[-1] is list(c)[9]
    assert c[1:3] == [c[1], c[2]]
    assert len(list(net.parameters())) == 4


@pytest.mark.parametrize("dtype", [minidl.float32, minidl.float64], ids=str)
def test_the_values_of_a_training_step(dtype):
    c, net, x, y, loss, before = captured_step(dtype)
    reshape, fc1, relu, fc2, entropy, mean, *updates = c
    np.testing.assert_array_equal(reshape.inputs["x"], x.numpy())
    assert reshape.options == {"shape": (16, 784)}
    np.testing.assert_array_equal(fc1.inputs["x"], x.numpy().reshape(16, 784))
    np.testing.assert_array_equal(fc1.inputs["w"], before["fc1.weight"])
    np.testing.assert_array_equal(fc1.inputs["b"], before["fc1.bias"])
    assert fc1.options == {"activation": "identity"}
    np.testing.assert_array_equal(relu.inputs["x"], fc1.outputs["out"])
    np.testing.assert_array_equal(relu.outputs["out"], np.maximum(fc1.outputs["out"], 0))
    np.testing.assert_array_equal(fc2.inputs["x"], relu.outputs["out"])
    np.testing.assert_array_equal(entropy.inputs["target"], y.numpy())
    np.testing.assert_array_equal(mean.outputs["out"], loss.detach().numpy())
    close = {"rtol": 1e-5, "atol": 1e-6} if dtype == minidl.float32 else {"rtol": 1e-12, "atol": 1e-14}
    z = x.numpy().reshape(16, 784) @ before["fc1.weight"].T + before["fc1.bias"]
    np.testing.assert_allclose(fc1.outputs["out"], z, **close)
    names = [name for name, _ in net.named_parameters()]
    for name, update, param in zip(names, updates, net.parameters(), strict=True):
        np.testing.assert_array_equal(update.inputs["w"], before[name])
        np.testing.assert_array_equal(update.inputs["g"], param.grad.numpy())
        np.testing.assert_array_equal(update.outputs["w"], param.detach().numpy())
        assert update.options["lr"] == 0.1
        assert set(update.options) == {"lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize"}
        assert update.origins["w"] == Origin(name=name)
        assert update.origins["g"] == Origin(name=f"{name}.grad")
    assert all(value.dtype == dtype for call in c for value in call.outputs.values())


def test_the_cotangents_of_a_training_step():
    c, net, x, y, _, before = captured_step()
    _, fc1, relu, fc2, entropy, mean, *_ = c
    assert mean.g["out"] == 1.0
    np.testing.assert_array_equal(mean.sent["x"], np.full(16, 1 / 16))
    np.testing.assert_array_equal(entropy.g["out"], mean.sent["x"])
    scores = fc2.outputs["out"]
    softmax = np.exp(scores - scores.max(1, keepdims=True))
    softmax /= softmax.sum(1, keepdims=True)
    softmax[np.arange(16), y.numpy()] -= 1
    np.testing.assert_allclose(entropy.sent["x"], softmax / 16, rtol=1e-12, atol=1e-16)
    assert set(entropy.sent) == {"x"}
    np.testing.assert_array_equal(fc2.g["out"], entropy.sent["x"])
    np.testing.assert_allclose(fc2.sent["x"], fc2.g["out"] @ before["fc2.weight"], rtol=1e-12, atol=1e-16)
    np.testing.assert_array_equal(fc2.sent["w"], net.fc2.weight.grad.numpy())
    np.testing.assert_array_equal(fc2.sent["b"], net.fc2.bias.grad.numpy())
    np.testing.assert_array_equal(relu.sent["x"], np.where(fc1.outputs["out"] > 0, fc2.sent["x"], 0))
    np.testing.assert_array_equal(fc1.g["out"], relu.sent["x"])
    assert set(fc1.sent) == {"w", "b"}  # the images need no gradient
    np.testing.assert_array_equal(fc1.sent["w"], net.fc1.weight.grad.numpy())
    assert x.grad is None
    assert c[0].g == c[0].sent == {}


def test_where_the_inputs_came_from():
    c, *_ = captured_step()
    assert [call.origins for call in c.calls[:6]] == [
        {"x": Origin()},
        {"x": Origin(0, "out"), "w": Origin(name="fc1.weight"), "b": Origin(name="fc1.bias")},
        {"x": Origin(1, "out")},
        {"x": Origin(2, "out"), "w": Origin(name="fc2.weight"), "b": Origin(name="fc2.bias")},
        {"x": Origin(3, "out")},
        {"x": Origin(4, "out")},
    ]


# -- source lines ----------------------------------------------------------------------------------------------------


def test_the_source_is_the_users_line():
    net, (x, y) = Net(), batch()
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    with minidl.capture() as c:
        loss = F.cross_entropy(net(x), y)
        first = line_here() - 1
        loss.backward()
        optimizer.step()
    forward = inspect.getsourcelines(Net.forward)[1]
    in_forward = [forward + 1, forward + 2, forward + 2, forward + 3]
    assert [call.source.line for call in c] == [*in_forward, first, first, *[first + 3] * 4]
    assert {call.source.file for call in c} == {__file__}
    assert c[2].source.text == "x = F.relu(self.fc1(x))"
    assert c[6].source.text == "optimizer.step()"
    walks = [step for step in c.steps if isinstance(step, Walk)]
    assert {(step.source.line, step.source.text) for step in walks} == {(first + 2, "loss.backward()")}


def test_the_line_behind_numpys_functions_and_operators():
    x = minidl.ones(2)
    with minidl.capture() as c:
        np.sin(x)
        x @ x
        abs(x)
        x.softmax(0)
        x += 1
    start = line_here() - 6
    assert c[0].source.line == start + 1
    assert {call.source.line for call in c} == set(range(start + 1, start + 6))
    assert {call.source.file for call in c} == {__file__}


def test_the_demos_lines_count_as_the_users():
    net = demo_program.Net(8, 10)
    with minidl.capture() as c:
        net(minidl.ones(2, 1, 8, 8))
    assert {Path(call.source.file).name for call in c} == {"demo.py"}
    assert all("x" in call.source.text for call in c)


# -- copies ----------------------------------------------------------------------------------------------------------


def test_later_changes_do_not_reach_the_record():
    x = minidl.tensor([1.0, 2.0, 3.0])
    index = np.array([0, 2])
    with minidl.capture() as c:
        y = x * 2
        picked = x[index]
    x.array[:] = 9
    y.fill_(8)
    picked.numpy()[:] = 7
    index[:] = 1
    np.testing.assert_array_equal(c[0].inputs["a"], [1, 2, 3])
    np.testing.assert_array_equal(c[0].outputs["out"], [2, 4, 6])
    np.testing.assert_array_equal(c[1].inputs["x"], [1, 2, 3])
    np.testing.assert_array_equal(c[1].outputs["out"], [1, 3])
    assert "1" not in str(c[1].options["index"]).replace("array", "")


def test_the_record_does_not_reach_the_run():
    x = minidl.tensor([1.0, 2.0], requires_grad=True)
    with minidl.capture() as c:
        y = (x * 2).sum()
        for call in c:
            for value in (*call.inputs.values(), *call.outputs.values()):
                if isinstance(value, np.ndarray):
                    value[...] = 100
        y.backward()
    assert y.item() == 6
    np.testing.assert_array_equal(x.grad.numpy(), [2, 2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (0, 3), (1, 1), (3, 4)])
def test_values_of_all_sizes_and_layouts(shape, dtype):
    base = np.arange(int(np.prod(shape)) * 2, dtype=dtype).reshape(*shape, 2) if shape else np.array(2, dtype)
    array = base[..., 0].T if shape else base
    array = np.array(math.nan, dtype) if not shape else array
    x = minidl.from_numpy(array)
    with minidl.capture() as c:
        y = x * 2
    for value, expected in ((c[0].inputs["a"], array), (c[0].outputs["out"], y.numpy())):
        assert value.dtype == dtype
        np.testing.assert_array_equal(value, expected)
        assert not np.shares_memory(value, expected)


def test_inputs_that_are_no_tensors():
    x = minidl.ones(2, 3)
    target = np.array([0, 2])
    with minidl.capture() as c:
        x * 2
        2.5 - x
        x + np.ones(3, np.float32)
        F.linear(x, minidl.ones(4, 3))
        F.cross_entropy(x, target, reduction="none")
    assert c[0].inputs["b"] == 2
    assert c[1].inputs["a"] == 2.5
    np.testing.assert_array_equal(c[2].inputs["b"], np.ones(3))
    assert c[3].inputs["b"] is None
    assert set(c[3].origins) == {"x", "w"}
    np.testing.assert_array_equal(c[4].inputs["target"], target)
    assert not np.shares_memory(c[4].inputs["target"], target)


def test_plain_arrays_are_no_calls():
    with minidl.capture() as c:
        ops.mul(np.ones(2), 3.0)
        minidl.exp(1.0)
    assert len(c) == 0


# -- in-place changes ------------------------------------------------------------------------------------------------


def test_setitem_shows_the_values_before_and_after():
    x = minidl.zeros(2, 3)
    with minidl.capture() as c:
        x[1] = minidl.tensor([1.0, 2.0, 3.0])
        x[0, 0] = 4
        y = x + 0
    first, second, last = c
    np.testing.assert_array_equal(first.inputs["x"], np.zeros((2, 3)))
    np.testing.assert_array_equal(first.inputs["value"], [1, 2, 3])
    np.testing.assert_array_equal(first.outputs["out"], [[0, 0, 0], [1, 2, 3]])
    np.testing.assert_array_equal(second.inputs["x"], first.outputs["out"])
    assert second.inputs["value"] == 4
    assert second.origins["x"] == Origin(0, "out")
    assert last.origins["a"] == Origin(1, "out")
    np.testing.assert_array_equal(last.outputs["out"], y.numpy())


def test_in_place_methods_are_an_operation_and_an_assignment():
    net = nn.Linear(2, 2)
    before = net.bias.detach().numpy().copy()
    with minidl.capture() as c:
        net(minidl.ones(1, 2))
        with minidl.no_grad():
            net.bias.add_(minidl.ones(2), alpha=3)
        net(minidl.ones(1, 2))
    assert [call.name for call in c] == ["linear", "mul", "add", "setitem", "linear"]
    _, _, add, assignment, again = c
    np.testing.assert_array_equal(add.inputs["a"], before)
    np.testing.assert_array_equal(assignment.inputs["x"], before)
    np.testing.assert_array_equal(assignment.outputs["out"], before + 3)
    assert assignment.origins == {"x": Origin(name="bias"), "value": Origin(2, "out")}
    assert again.origins["b"] == Origin(3, "out", "bias")
    np.testing.assert_array_equal(again.inputs["b"], before + 3)


def test_a_change_through_an_alias_is_known():
    x = minidl.zeros(2, 2)
    with minidl.capture() as c:
        row = x[0]
        row += 1
        x * 1
        x.detach() * 1
        row * 1
    assert [call.name for call in c] == ["getitem", "add", "setitem", "mul", "mul", "mul"]
    for call in c[3:]:
        assert call.origins["a"].call == 2
    np.testing.assert_array_equal(c[3].inputs["a"], [[1, 1], [0, 0]])


def test_detach_keeps_the_origin():
    x = minidl.ones(2, requires_grad=True)
    with minidl.capture() as c:
        y = x * 2
        y.detach() + 1
        ops.identity(x)
        x + 1
    assert c[1].origins["a"] == Origin(0, "out")
    assert c[3].origins["a"] == Origin()


def test_an_assignment_that_fails_leaves_no_trace():
    x = minidl.zeros(3)
    with minidl.capture() as c:
        with pytest.raises(ShapeError):
            x[:] = minidl.ones(2)
        x.array[0] = 5
        x[1] = 1
    assert len(c) == 1
    np.testing.assert_array_equal(c[0].inputs["x"], [5, 0, 0])


def test_the_state_of_an_optimizer():
    w = minidl.tensor([1.0, -2.0], requires_grad=True)
    optimizer = optim.Adam([w], lr=0.1)
    with minidl.capture() as c:
        for _ in range(2):
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()
    first, second = [call for call in c if call.name == "Adam"]
    assert first.op is optim.Adam
    assert list(first.inputs) == ["w", "g"]
    assert list(first.outputs) == ["w", "step", "exp_avg", "exp_avg_sq"]
    assert list(second.inputs) == ["w", "g", "step", "exp_avg", "exp_avg_sq"]
    assert second.origins["w"].call == second.origins["exp_avg"].call == first.number
    for name in ("w", "step", "exp_avg", "exp_avg_sq"):
        np.testing.assert_array_equal(second.inputs[name], first.outputs[name])
    np.testing.assert_array_equal(second.outputs["w"], w.detach().numpy())
    assert second.outputs["step"] == 2
    multiply = [call for call in c if call.name == "mul"][1]
    assert multiply.origins["a"].call == first.number


def test_no_grad_calls_are_calls():
    x = minidl.ones(2, requires_grad=True)
    with minidl.capture() as c, minidl.no_grad():
        y = x * 2
    assert not y.requires_grad
    assert [call.name for call in c] == ["mul"]


# -- backward --------------------------------------------------------------------------------------------------------


def test_what_broadcasting_repeated_is_summed_in_what_is_sent():
    w, b = minidl.ones(4, 3, requires_grad=True), minidl.ones(3, requires_grad=True)
    with minidl.capture() as c:
        ((w + b) * 2.0).sum().backward()
    np.testing.assert_array_equal(c[0].sent["b"], [8, 8, 8])
    np.testing.assert_array_equal(c[0].sent["a"], np.full((4, 3), 2))
    np.testing.assert_array_equal(c[0].sent["b"], b.grad.numpy())


def test_two_backwards():
    x = minidl.tensor([1.0, 2.0], requires_grad=True)
    with minidl.capture() as c:
        y = x * 3
        y.backward(minidl.ones(2), retain_graph=True)
        y.backward(minidl.full((2,), 10.0))
    first, second = [step for step in c.steps if isinstance(step, Walk)]
    np.testing.assert_array_equal(first.g["out"], [1, 1])
    np.testing.assert_array_equal(second.sent["a"], [30, 30])
    np.testing.assert_array_equal(c[0].g["out"], [10, 10])


def test_a_backward_that_is_itself_recorded():
    x = minidl.tensor(3.0, requires_grad=True)
    with minidl.capture() as c:
        (dx,) = autograd.grad(x**3, x, create_graph=True)
        dx.backward()
    assert x.grad.item() == 18
    cube = c[0]
    assert cube.name == "pow"
    assert len(c) > 1, "the rules' own operations are calls"
    assert all(isinstance(value, np.ndarray) for value in (*cube.g.values(), *cube.sent.values()))
    walks = [step for step in c.steps if isinstance(step, Walk)]
    assert walks[0].call == 0
    np.testing.assert_array_equal(walks[0].sent["a"], 27)
    assert len(walks) > 1


def test_a_backward_of_earlier_calls():
    x = minidl.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    with minidl.capture() as c:
        y.backward()
    assert len(c) == 0
    assert [(step.call, step.name) for step in c.steps] == [(None, "sum"), (None, "mul")]
    np.testing.assert_array_equal(c.steps[1].sent["a"], [1, 2])
    assert "earlier" in repr(c.steps[0])


def test_several_inputs_and_outputs():
    x = minidl.arange(16.0).reshape(1, 1, 4, 4).requires_grad_()
    with minidl.capture() as c:
        pooled = F.max_pool2d(x, 2)
        minidl.cat([pooled, pooled * 2]).sum().backward()
    pool = c[0]
    assert list(pool.outputs) == ["y", "index"]
    assert list(pool.g) == ["y"]
    np.testing.assert_array_equal(pool.g["y"], np.full((1, 1, 2, 2), 3))
    np.testing.assert_array_equal(pool.sent["x"], x.grad.numpy())
    assert c[1].origins["a"] == Origin(0, "y")
    cat = c[2]
    assert list(cat.inputs) == list(cat.sent) == ["xs[0]", "xs[1]"]
    assert cat.origins == {"xs[0]": Origin(0, "y"), "xs[1]": Origin(1, "out")}


class Cube(autograd.Function):
    """y = x³."""

    @staticmethod
    def forward(ctx, x, note):
        ctx.save_for_backward(x)
        ctx.note = note
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * g * x**2, None


class Note:
    """Something that a user hands to a Function."""


def test_a_users_function():
    x, note = minidl.tensor([2.0], requires_grad=True), Note()
    gone = weakref.ref(note)
    with minidl.capture() as c:
        Cube.apply(x, note).sum().backward()
    (call,) = [call for call in c if call.name == "Cube"]
    assert call.op is Cube
    assert call.inputs == {"x0": np.array([2.0]), "x1": "<Note>"}
    np.testing.assert_array_equal(call.sent["x0"], [12])
    del note
    assert gone() is None, "the record holds on to what the user handed in"


def test_gradient_hooks_and_module_hooks():
    net = nn.Linear(2, 1)
    seen = []
    net.register_full_backward_hook(lambda module, grad_input, grad_output: seen.append(grad_output[0].numpy().copy()))
    with minidl.capture() as c:
        y = net(minidl.ones(3, 2, requires_grad=True))
        y.register_hook(lambda g: g * 2)
        y.sum().backward()
    linear = next(call for call in c if call.name == "linear")
    np.testing.assert_array_equal(linear.g["out"], np.full((3, 1), 2))
    np.testing.assert_array_equal(seen[0], linear.g["out"])


# -- modules ---------------------------------------------------------------------------------------------------------


def test_paths_of_nested_and_shared_modules():
    shared = nn.Linear(2, 2)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(shared, nn.Tanh(), shared)
            self.scale = nn.Parameter(minidl.ones(2))

        def forward(self, x):
            return self.encoder(x) * self.scale

    with minidl.capture() as c:
        Model()(minidl.ones(1, 2))
    assert [call.path for call in c] == ["encoder.0", "encoder.1", "encoder.0", "Model"]
    assert c[0].origins["w"].name == "encoder.0.weight"
    assert c[3].origins["b"].name == "scale"
    assert c.modules == {"Model": "Model", "encoder": "Sequential", "encoder.0": "Linear", "encoder.1": "Tanh"}


def test_two_models_of_one_kind_are_told_apart():
    one, two = nn.Sequential(nn.Linear(2, 2)), nn.Sequential(nn.Linear(2, 2))
    with minidl.capture() as c:
        two(one(minidl.ones(1, 2)))
        one(minidl.ones(1, 2))
    assert [call.path for call in c] == ["0", "Sequential-2.0", "0"]
    assert c[1].origins["w"].name == "Sequential-2.0.weight"


def test_a_module_that_no_other_knows():
    class Model(nn.Module):
        def forward(self, x):
            return nn.Tanh()(nn.Tanh()(x))

    with minidl.capture() as c:
        Model()(minidl.ones(1))
    assert [call.path for call in c] == ["Model.Tanh", "Model.Tanh-2"]


def test_an_exception_in_a_module_leaves_its_path():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(3, 2))
    with minidl.capture() as c:
        with pytest.raises(ShapeError):
            net(minidl.ones(1, 2))
        minidl.ones(1) * 2
    assert [(call.name, call.path) for call in c] == [("linear", "0"), ("mul", "")]


# -- formulas --------------------------------------------------------------------------------------------------------


def test_a_fused_call_opens_into_its_formula():
    c, *_ = captured_step()
    inner = c[1].formula()
    assert [call.name for call in inner] == ["permute", "matmul", "add", "identity"]
    np.testing.assert_allclose(inner[-1].outputs["out"], c[1].outputs["out"], rtol=1e-12, atol=1e-14)
    assert {call.path for call in inner} == {"fc1"}
    assert Path(inner[0].source.file).parts[-2:] == ("ops", "linear.py")
    assert inner[1].source.text == "z = matmul(x, permute(w, dims=(1, 0)))"
    assert inner[0].origins == {"x": Origin(name="w")}
    assert inner[1].origins == {"a": Origin(name="x"), "b": Origin(0, "out")}
    np.testing.assert_array_equal(inner[3].g["out"], c[1].g["out"])
    np.testing.assert_allclose(inner[0].sent["x"], c[1].sent["w"], rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(inner[2].sent["b"], c[1].sent["b"], rtol=1e-12, atol=1e-16)
    entropy = c[4].formula()
    np.testing.assert_allclose(entropy[0].sent["x"], c[4].sent["x"], rtol=1e-12, atol=1e-16)


def test_a_formula_is_run_when_it_is_asked_for_and_is_in_no_other_capture():
    x, w = minidl.ones(1, 2), minidl.ones(3, 2, requires_grad=True)
    with minidl.capture() as c:
        y = F.linear(x, w)
        inner = c[0].formula()
    assert [call.name for call in inner] == ["permute", "matmul", "identity"]
    assert len(c) == len(c.steps) == 1
    assert w.grad is None
    assert y.requires_grad
    assert len(inner.steps) == 3  # no backward came by


def test_a_formula_of_fused_operations_opens_further():
    minidl.manual_seed(0)
    rnn = nn.RNN(3, 4, dtype=minidl.float64)
    with minidl.capture() as c:
        rnn(minidl.randn(5, 2, 3, dtype=minidl.float64))[0].sum().backward()
    (call,) = [call for call in c if call.name == "rnn"]
    inner = call.formula()
    linear = [one for one in inner if one.name == "linear"]
    assert len(linear) == 10
    assert {Path(one.source.file).name for one in inner} == {"recurrence.py"}
    assert {one.source.text for one in linear} == {"return (f(linear(x_t, w_ih, b_ih) + linear(h, w_hh, b_hh)),)"}
    y = next(one for one in reversed(inner.calls) if one.name == "reshape").outputs["out"]
    np.testing.assert_allclose(y, call.outputs["y"], rtol=1e-12)
    assert list(call.g) == ["y"]
    np.testing.assert_allclose(sum(one.sent["w"] for one in linear[::2]), call.sent["w_ih"], rtol=1e-10)
    np.testing.assert_allclose(sum(one.sent["w"] for one in linear[1::2]), call.sent["w_hh"], rtol=1e-10, atol=1e-14)
    assert [one.name for one in linear[0].formula()][:2] == ["permute", "matmul"]


def test_a_primitive_has_no_formula_to_open():
    with minidl.capture() as c:
        minidl.ones(1).exp()
    assert not c[0].fused
    with pytest.raises(ArgumentError, match="exp has no formula"):
        c[0].formula()


def test_in_formula_mode_the_formula_is_what_ran():
    with minidl.use_kernels("formula"), minidl.capture() as c:
        F.linear(minidl.ones(1, 2), minidl.ones(3, 2))
    assert [call.name for call in c] == ["permute", "matmul", "identity"]


# -- what it holds, and when it ends ---------------------------------------------------------------------------------


def test_it_keeps_no_tensor_and_no_node_and_makes_no_cycle():
    minidl.manual_seed(0)
    net, (x, y) = Net(), batch()
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    gc.collect()
    gc.disable()
    try:
        with minidl.capture() as c:
            h = net(x)
            loss = F.cross_entropy(h, y)
            node = weakref.ref(h.node)
            tensor = weakref.ref(h)
            array = weakref.ref(h.array)
            loss.backward()
            optimizer.step()
            changed = minidl.zeros(2)
            changed[0] = 1
            alias = weakref.ref(changed)
            del h, loss, changed
            assert alias() is None
            assert node() is None, "the capture keeps the graph alive while it runs"
            assert tensor() is None
            assert array() is None
        call, run = weakref.ref(c[0]), weakref.ref(c)
        parameter = weakref.ref(net.fc1.weight)
        del net, optimizer
        gc.collect()  # modules and optimizers may have cycles of their own
        assert parameter() is None, "the capture keeps a parameter alive after the block"
        del c
        assert call() is None, "there is a reference cycle in the record"
        assert run() is None
    finally:
        gc.enable()


def test_an_observer_is_set_in_the_block_alone():
    assert autograd.observer.get() is None
    with pytest.raises(ZeroDivisionError), minidl.capture() as c:
        minidl.ones(1) * 2
        1 / 0  # noqa: B018
    assert autograd.observer.get() is None
    assert len(c) == 1
    minidl.ones(1) * 3
    assert len(c) == 1


def test_captures_nest():
    x = minidl.tensor([[3.0]], requires_grad=True)
    net = nn.Linear(1, 1)
    with minidl.capture() as outer:
        y = x * 2
        with minidl.capture() as inner:
            z = net(y)
            z.backward()
            with minidl.no_grad():
                x[0] = 5
            optim.SGD(net.parameters(), lr=0.1).step()
        z + 1
    assert [call.name for call in inner] == ["linear", "setitem", "SGD", "SGD"]
    assert [call.name for call in outer] == ["mul", "linear", "setitem", "SGD", "SGD", "add"]
    np.testing.assert_array_equal(inner[1].inputs["x"], [[3]])
    np.testing.assert_array_equal(outer[2].inputs["x"], [[3]])
    assert inner[0].path == outer[1].path == "Linear"
    assert outer[1].origins["x"] == Origin(0, "out")
    assert inner[0].origins["x"] == Origin()
    assert [step.call for step in inner.steps if isinstance(step, Walk)] == [0, None]  # x * 2 was before
    assert [step.call for step in outer.steps if isinstance(step, Walk)] == [1, 0]
    assert autograd.observer.get() is None


def test_a_capture_may_go_on_but_not_inside_itself():
    c = minidl.capture()
    for _ in range(2):
        with c:
            minidl.ones(1) * 2
    assert [call.number for call in c] == [0, 1]
    with c, pytest.raises(StateError, match="running already"):
        c.__enter__()
    assert autograd.observer.get() is None


def test_threads_are_apart():
    x = minidl.ones(1)
    seen = {}

    def work():
        x * 3
        with minidl.capture() as c:
            x + 1
        seen["names"] = [call.name for call in c]

    with minidl.capture() as c:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        x - 1
    assert [call.name for call in c] == ["sub"]
    assert seen["names"] == ["add"]


def test_a_thread_that_begins_in_a_capture_does_not_keep_it():
    finished, checked = threading.Event(), threading.Event()
    runs = []

    def work():
        with minidl.capture() as c:
            minidl.ones(1) * 2
        runs.append(weakref.ref(c))
        del c
        finished.set()
        checked.wait(60)

    thread = threading.Thread(target=work)
    thread.start()
    finished.wait(60)
    alive = runs[0]() is not None
    checked.set()
    thread.join()
    assert not alive


def test_tasks_are_apart():
    async def task(operation):
        with minidl.capture() as c:
            for _ in range(3):
                operation(minidl.ones(1))
                await asyncio.sleep(0)
        return [call.name for call in c]

    async def both():
        return await asyncio.gather(task(minidl.exp), task(minidl.tanh))

    assert asyncio.run(both()) == [["exp"] * 3, ["tanh"] * 3]


# -- reading it ------------------------------------------------------------------------------------------------------


def test_the_table():
    c, *_ = captured_step()
    lines = str(c).splitlines()
    assert len(lines) == 11
    assert lines[0].split() == ["call", "module", "shapes", "line"]
    assert lines[2].split("  ")[0].strip() == "1"
    assert "linear         ∂  fc1     (16, 784) (128, 784) (128,) -> (16, 128)" in lines[2]
    assert lines[2].endswith("x = F.relu(self.fc1(x))")
    assert f"{HERE}:" in lines[2]
    assert repr(c) == "<capture: 10 calls, 5 steps of backward>"
    assert repr(c[2]) == "<call 2: relu (16, 128) -> (16, 128)>"
    assert str(minidl.capture()).split() == ["call", "module", "shapes", "line"]
