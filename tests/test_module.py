"""Module: attributes, walks, state, hooks, copies, repr, and the errors it explains."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections import OrderedDict
from contextlib import contextmanager

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.errors import (
    ArgumentError,
    ArgumentTypeError,
    MinidlError,
    NameTaken,
    NotInitialised,
    ShapeError,
    StateError,
)
from minidl.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 3)
        self.fc2 = nn.Linear(3, 2)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", minidl.zeros(2))
        self.encoder = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
        self.scale = nn.Parameter(minidl.ones(2))
        self.register_buffer("cache", minidl.zeros(1), persistent=False)
        self.register_parameter("shift", None)

    def forward(self, x):
        return self.encoder(x - 0) * self.scale


# -- attributes ------------------------------------------------------------------------------------------------------


def test_assignment_registers_in_order():
    deep = Deep()
    assert [name for name, _ in deep.named_parameters()] == [
        "scale", "encoder.0.weight", "encoder.0.bias", "encoder.2.weight", "encoder.2.bias",
    ]  # fmt: skip
    assert [name for name, _ in deep.named_buffers()] == ["mean", "cache"]
    assert [name for name, _ in deep.named_modules()] == ["", "encoder", "encoder.0", "encoder.1", "encoder.2"]
    assert [name for name, _ in deep.named_children()] == ["encoder"]
    assert list(deep.state_dict()) == [
        "scale", "mean", "encoder.0.weight", "encoder.0.bias", "encoder.2.weight", "encoder.2.bias",
    ]  # fmt: skip
    assert deep.shift is None


def test_reassignment_keeps_the_place_and_none_switches_off():
    layer = nn.Linear(2, 2)
    layer.weight = nn.Parameter(minidl.zeros(2, 2))
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    layer.bias = None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    assert layer(minidl.ones(1, 2)).tolist() == [[0.0, 0.0]]
    layer.bias = nn.Parameter(minidl.ones(2))
    assert layer(minidl.ones(1, 2)).tolist() == [[1.0, 1.0]]


def test_wrong_kinds_are_refused():
    net = Deep()
    with pytest.raises(TypeError, match=r"Deep.scale is a parameter: expected an nn.Parameter or None, got Tensor"):
        net.scale = minidl.ones(2)
    with pytest.raises(TypeError, match=r"Deep.encoder is a module: expected an nn.Module or None, got int"):
        net.encoder = 3
    with pytest.raises(TypeError, match=r"Deep.mean is a buffer: expected a Tensor or None, got list"):
        net.mean = [1.0]
    net.mean = minidl.ones(2)
    assert dict(net.named_buffers())["mean"].tolist() == [1.0, 1.0]
    del net.scale
    net.scale = 2.0
    assert "scale" not in dict(net.named_parameters())


def test_a_name_changes_its_kind():
    module = nn.Module()
    module.a = 1
    module.a = nn.Parameter(minidl.ones(1))
    assert list(dict(module.named_parameters())) == ["a"]
    module.a = nn.ReLU()
    assert not list(module.parameters())
    assert list(dict(module.named_children())) == ["a"]
    del module.a
    assert not hasattr(module, "a")
    assert not list(module.children())


def test_registering_checks_names_and_kinds():
    module = nn.Module()
    with pytest.raises(KeyError, match="dot"):
        module.register_parameter("a.b", None)
    with pytest.raises(NameTaken, match="empty"):
        module.add_module("", nn.ReLU())
    with pytest.raises(TypeError, match="must be a string, got int"):
        module.register_buffer(3, None)
    with pytest.raises(KeyError, match="has an attribute 'training' already"):
        module.register_buffer("training", None)
    with pytest.raises(TypeError, match="wrap it"):
        module.register_parameter("w", minidl.ones(2))
    with pytest.raises(TypeError, match="must be a Tensor or None, got ndarray"):
        module.register_buffer("w", np.ones(2))
    with pytest.raises(TypeError, match=r"got the class ReLU itself; make an object of it: ReLU\(...\)"):
        module.add_module("w", nn.ReLU)
    with pytest.raises(TypeError, match="got relu, which is none"):
        nn.Sequential(F.relu)
    with pytest.raises(KeyError, match="method of every module"):
        module.train = nn.ReLU()
    module.register_buffer("w", None)
    assert module.w is None
    assert not list(module.buffers())
    module.register_buffer("w", minidl.ones(1), persistent=False)
    assert list(module.state_dict()) == []


def test_missing_attributes():
    net = Net()
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'fc3'") as info:
        net.fc3  # noqa: B018
    assert (info.value.name, info.value.obj) == ("fc3", net)  # so that Python adds: Did you mean 'fc1'?
    assert {"fc1", "fc2", "forward", "state_dict"} <= set(dir(net))
    assert "0" not in dir(nn.Sequential(nn.ReLU()))
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        nn.Module()(1)


def test_a_property_may_take_the_value():
    class Holder(nn.Module):
        @property
        def weight(self):
            return self.inner

        @weight.setter
        def weight(self, value):
            self.inner = value

    holder = Holder()
    holder.weight = nn.Parameter(minidl.ones(1))
    assert list(dict(holder.named_parameters())) == ["inner"]


# -- super().__init__() forgotten ------------------------------------------------------------------------------------


class Forgetful(nn.Module):
    def __init__(self, what=None):
        self.size = 3
        if what is not None:
            self.what = what

    def forward(self, x):
        return x


@pytest.mark.parametrize("what", [lambda: nn.ReLU(), lambda: nn.Parameter(minidl.ones(1))])
def test_assigning_before_init(what):
    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\) of this Forgetful has not run; make it"):
        Forgetful(what())


def test_calling_registering_and_reading_before_init():
    module = Forgetful()
    for use in (
        lambda: module(1),
        lambda: module.register_buffer("b", None),
        lambda: module.register_parameter("b", None),
        lambda: module.add_module("b", None),
        lambda: module.missing,
        lambda: list(module.parameters()),
        lambda: nn.Sequential(module),
        lambda: setattr(nn.Module(), "child", module),
        lambda: nn.Module().add_module("child", module),
        lambda: module.train(),
    ):
        with pytest.raises(NotInitialised, match="of this Forgetful has not run"):
            use()
    assert not hasattr(module, "missing")


# -- the call and its errors -----------------------------------------------------------------------------------------


def test_errors_name_the_path():
    with pytest.raises(ShapeError, match=r"^Net.fc1 \(Linear\): linear: .*5 features.*expects 4"):
        Net()(minidl.zeros(2, 5))
    with pytest.raises(ValueError, match=r"^Deep.encoder.0 \(Linear\): "):
        Deep()(minidl.zeros(2, 5))
    with pytest.raises(RuntimeError, match=r"^Linear: linear: "):
        nn.Linear(4, 3)(minidl.zeros(2, 5))


def test_errors_name_the_path_through_a_list_of_modules():
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.Sequential(Net(), Net())

        def forward(self, x):
            for block in self.blocks:  # the Sequential itself is not called
                x = block(x)
            return x

    with pytest.raises(ShapeError, match=r"^Listed.blocks.1.fc1 \(Linear\): "):
        Listed()(minidl.zeros(2, 4))


def test_other_errors_pass_unchanged():
    class Broken(nn.Module):
        def forward(self, x):
            return 1 + "a" + x

    with pytest.raises(TypeError) as info:
        nn.Sequential(Broken())(minidl.ones(1))
    assert type(info.value) is TypeError
    assert not isinstance(info.value, MinidlError)


def test_wrong_arguments_name_the_signature():
    class Two(nn.Module):
        def forward(self, x, y, *, scale=1):
            return x + y * scale

    module = nn.Sequential(Two())
    with pytest.raises(TypeError, match=r"^Sequential.0 \(Two\): forward\(x, y, \*, scale=1\) was called with"):
        module(minidl.ones(1))
    two = Two()
    with pytest.raises(ArgumentTypeError, match=r"\(Tensor, int, int\): too many positional"):
        two(minidl.ones(1), 1, 2)
    with pytest.raises(TypeError, match=r"\(int, int, size=int\): got an unexpected keyword argument 'size'"):
        two(1, 2, size=3)
    assert two(1, 2, scale=3) == 7


def test_an_observer_is_told_of_every_module():
    class Observer:
        def __init__(self):
            self.path, self.seen = [], []

        @contextmanager
        def inside(self, module):
            self.path.append(type(module).__name__)
            yield
            self.path.pop()

        def called(self, op, inputs, outputs, options):
            self.seen.append((".".join(self.path), op.name))

    observer, net, x = Observer(), Net(), minidl.ones(1, 4)
    expected = net(x).tolist()
    token = minidl.autograd.observer.set(observer)
    try:
        assert net(x).tolist() == expected
    finally:
        minidl.autograd.observer.reset(token)
    assert observer.seen == [("Net.Linear", "linear"), ("Net", "relu"), ("Net.Linear", "linear")]


# -- walks -----------------------------------------------------------------------------------------------------------


def test_shared_parts_are_listed_once_and_saved_under_each_name():
    shared = nn.Linear(2, 2)
    net = nn.Sequential(shared, nn.ReLU(), shared)
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias"]
    assert len(list(net.named_parameters(remove_duplicate=False))) == 4
    assert len(list(net.modules())) == 3
    assert len(list(net.modules(remove_duplicate=False))) == 4
    assert len(list(net.children())) == 2
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    assert [name for name, _ in tied.named_parameters()] == ["0.weight", "0.bias", "1.bias"]


def test_walk_options():
    deep = Deep()
    assert [name for name, _ in deep.named_parameters(recurse=False)] == ["scale"]
    assert [name for name, _ in deep.named_parameters(prefix="model", recurse=False)] == ["model.scale"]
    assert next(iter(deep.encoder.named_modules(prefix="e"))) == ("e", deep.encoder)
    assert len(list(deep.buffers())) == 2


def test_getting_by_path():
    deep = Deep()
    assert deep.get_submodule("encoder.2") is deep.encoder[2]
    assert deep.get_submodule("") is deep
    assert deep.get_parameter("encoder.2.bias") is deep.encoder[2].bias
    assert deep.get_buffer("mean") is deep.mean
    with pytest.raises(AttributeError, match=r"Deep.encoder has no module '3'; it has: 0, 1, 2"):
        deep.get_submodule("encoder.3.x")
    with pytest.raises(AttributeError, match=r"Deep.encoder.0 has no parameter 'w'; it has: weight, bias"):
        deep.get_parameter("encoder.0.w")
    with pytest.raises(AttributeError, match="has no buffer 'scale'"):
        deep.get_buffer("scale")


def test_apply_goes_from_the_leaves_up():
    seen = []
    deep = Deep()
    assert deep.apply(lambda module: seen.append(type(module).__name__)) is deep
    assert seen == ["Linear", "Tanh", "Linear", "Sequential", "Deep"]


def test_modes():
    deep = Deep()
    assert deep.training
    assert deep.eval() is deep
    assert not any(module.training for module in deep.modules())
    deep.train()
    assert all(module.training for module in deep.modules())
    with pytest.raises(ValueError, match="expected True or False"):
        deep.train("yes")


def test_buffers_by_assignment() -> None:
    module = nn.Module()
    module.mean, module.cache = nn.Buffer(minidl.zeros(2)), nn.Buffer(minidl.ones(1), persistent=False)
    assert list(module.state_dict()) == ["mean"] and [name for name, _ in module.named_buffers()] == ["mean", "cache"]
    module.mean = minidl.ones(2)
    assert list(copy.deepcopy(module).state_dict()) == ["mean"]
    assert module.type(minidl.float64).cache.dtype == minidl.float64


def test_set_submodule() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU()))
    net.set_submodule("1.0", nn.Tanh(), strict=True)
    assert repr(net[1][0]) == "Tanh()" and list(net[1]._modules) == ["0"]
    with pytest.raises(AttributeError, match="has no module 'last'"):
        net.set_submodule("last", nn.Tanh(), strict=True)
    with pytest.raises(ArgumentError, match="empty path"):
        net.set_submodule("", nn.Tanh())


def test_freezing_and_zero_grad():
    net = Net()
    assert net.fc1.requires_grad_(False) is net.fc1
    net(minidl.ones(1, 4)).sum().backward()
    assert net.fc1.weight.grad is None
    assert net.fc2.weight.grad is not None
    held = net.fc2.bias.grad
    net.zero_grad(set_to_none=False)
    assert net.fc2.bias.grad.tolist() == [0.0, 0.0]
    assert held.tolist() == [0.0, 0.0]
    net.zero_grad()
    assert net.fc2.bias.grad is None


# -- dtypes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "convert",
    [lambda m: m.double(), lambda m: m.to(minidl.float64), lambda m: m.to(minidl.ones(1, dtype=minidl.float64))],
)
def test_conversion_keeps_the_parameters(convert):
    deep = Deep()
    deep.register_buffer("count", minidl.zeros(1, dtype=minidl.int64))
    deep(minidl.ones(1, 4)).sum().backward()
    before = list(deep.parameters())
    assert convert(deep) is deep
    assert all(a is b for a, b in zip(before, deep.parameters(), strict=True))
    assert {p.dtype for p in deep.parameters()} == {minidl.float64}
    assert {p.grad.dtype for p in deep.parameters()} == {minidl.float64}
    assert deep.mean.dtype == minidl.float64
    assert deep.count.dtype == minidl.int64
    assert all(p.is_leaf and p.requires_grad for p in deep.parameters())
    assert deep(minidl.ones(1, 4, dtype=minidl.float64)).dtype == minidl.float64
    assert deep.float().scale.dtype == minidl.float32
    assert deep.half().scale.dtype == minidl.float16


def test_devices():
    net = Net().double()
    assert net.to("cpu") is net
    assert net.to(device="cpu", dtype=minidl.float32).fc1.weight.dtype == minidl.float32
    assert net.double().to("cpu").fc1.weight.dtype == minidl.float64
    assert net.cpu() is net
    with pytest.raises(ValueError, match="cuda"):
        net.to("cuda")
    with pytest.raises(ValueError, match="cuda"):
        nn.Linear(2, 2, device="cuda")
    with pytest.raises(TypeError, match="int64"):
        net.to(minidl.int64)
    assert nn.Linear(2, 2, device="cpu", dtype=minidl.float64).weight.dtype == minidl.float64


# -- state_dict ------------------------------------------------------------------------------------------------------


def test_state_dict_shares_memory_and_is_detached():
    net = Net()
    state = net.state_dict()
    assert isinstance(state, OrderedDict)
    assert np.shares_memory(state["fc1.weight"].numpy(), net.fc1.weight.detach().numpy())
    assert not state["fc1.weight"].requires_grad
    assert type(state["fc1.weight"]) is minidl.Tensor
    assert net.state_dict(keep_vars=True)["fc1.weight"] is net.fc1.weight
    assert list(net.fc1.state_dict(prefix="x.")) == ["x.weight", "x.bias"]
    into = {"first": 1}
    assert net.state_dict(destination=into) is into
    assert len(into) == 5


def test_load_copies_in_place():
    a, b = Net(), Net()
    weight = b.fc1.weight
    result = b.load_state_dict(a.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    assert result == ([], [])
    assert b.fc1.weight is weight
    assert not np.shares_memory(weight.detach().numpy(), a.fc1.weight.detach().numpy())
    x = minidl.randn(3, 4)
    assert minidl.equal(a(x), b(x))
    assert b.fc1.weight.requires_grad
    b.load_state_dict({name: value.numpy() for name, value in a.state_dict().items()})  # plain arrays do too
    b.double().load_state_dict(a.state_dict())  # values are converted to the model's dtype
    assert b.fc1.weight.dtype == minidl.float64
    np.testing.assert_array_equal(b.fc1.weight.detach().numpy(), a.fc1.weight.detach().numpy())


def test_load_with_assign_takes_the_tensors():
    a, b = Deep().double(), Deep()
    state = a.state_dict()
    b.load_state_dict(state, assign=True)
    assert b.scale.dtype == minidl.float64
    assert isinstance(b.scale, nn.Parameter)
    assert np.shares_memory(b.scale.detach().numpy(), a.scale.detach().numpy())
    assert b.mean is state["mean"]


def values(module):
    return {name: value.numpy().copy() for name, value in module.state_dict().items()}


def test_a_load_that_fails_names_everything_and_changes_nothing():
    net = Net()
    before = values(net)
    one = minidl.ones
    state = {"fc1.weight": one(3, 4), "fc1.bias": one(7), "fc2.wieght": one(2, 3), "fc2.bias": 3}
    with pytest.raises(StateError) as info:
        net.load_state_dict(state)
    assert str(info.value).splitlines() == [
        "the state_dict does not fit Net, and nothing was loaded:",
        "  missing: fc2.weight",
        "  unexpected: fc2.wieght",
        "  wrong shape: fc1.bias is (7,) in the state_dict, (3,) in the model",
        "  wrong kind: fc2.bias must be a Tensor, got int",
        "  fc2.wieght may be meant for fc2.weight",
    ]
    assert isinstance(info.value, RuntimeError)
    for name, value in values(net).items():
        np.testing.assert_array_equal(value, before[name])


def test_a_load_that_fails_guesses_the_prefix():
    state = Net().state_dict()
    with pytest.raises(StateError, match="the state's keys start with 'module.'; remove that from each"):
        Net().load_state_dict({f"module.{key}": value for key, value in state.items()})
    with pytest.raises(StateError, match="the model's keys start with '0.'; load into that part of the model"):
        nn.Sequential(Net()).load_state_dict(state)
    with pytest.raises(TypeError, match="expected a state_dict, a mapping of names to Tensors, got list"):
        Net().load_state_dict([1])


def test_load_not_strict():
    net = Net()
    result = net.load_state_dict({"fc1.bias": minidl.ones(3), "other": minidl.ones(1)}, strict=False)
    assert result.missing_keys == ["fc1.weight", "fc2.weight", "fc2.bias"]
    assert result.unexpected_keys == ["other"]
    assert repr(result).startswith("IncompatibleKeys(missing_keys=['fc1.weight'")
    assert net.fc1.bias.tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(StateError, match="wrong shape: fc1.bias"):
        net.load_state_dict({"fc1.bias": minidl.ones(4)}, strict=False)


def test_loading_after_saving_for_backward_is_caught():
    net = Net()
    loss = net(minidl.ones(1, 4)).sum()
    net.load_state_dict(Net().state_dict())
    with pytest.raises(RuntimeError, match="changed it since"):
        loss.backward()


# -- copies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_are_whole_and_apart(duplicate):
    net = nn.Sequential(Deep(), nn.Tanh())
    net.tied = net[0].scale
    net.eval()
    twin = duplicate(net)
    assert repr(twin) == repr(net)
    assert not twin.training
    assert list(twin.state_dict()) == list(net.state_dict())
    for (name, a), (_, b) in zip(net.named_parameters(), twin.named_parameters(), strict=True):
        assert type(b) is nn.Parameter, name
        assert b.requires_grad
        assert b.is_leaf
        assert not np.shares_memory(a.detach().numpy(), b.detach().numpy())
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    assert twin.tied is twin[0].scale
    twin.extra = nn.ReLU()
    assert not hasattr(net, "extra")


def test_a_shallow_copy_shares_parameters_but_not_its_notes():
    net = Net()
    twin = copy.copy(net)
    twin.extra = nn.ReLU()
    assert twin.fc1 is net.fc1
    assert len(list(net.children())) == 2
    assert len(list(twin.children())) == 3


def test_modules_are_freed_without_the_collector():
    gc.collect()
    gc.disable()
    try:
        net = Net()
        net(minidl.ones(1, 4)).sum().backward()
        gone = weakref.ref(net.fc1), weakref.ref(net)
        del net
        assert gone[0]() is None
        assert gone[1]() is None
    finally:
        gc.enable()


# -- Parameter -------------------------------------------------------------------------------------------------------


def test_parameter():
    data = minidl.zeros(2)
    param = nn.Parameter(data)
    assert isinstance(param, minidl.Tensor)
    assert param.requires_grad
    assert param.is_leaf
    assert not data.requires_grad
    assert np.shares_memory(param.detach().numpy(), data.numpy())
    assert repr(param) == "Parameter containing:\ntensor([0., 0.], requires_grad=True)"
    assert not nn.Parameter(data, requires_grad=False).requires_grad
    assert nn.Parameter().shape == (0,)
    assert type(param * 1) is minidl.Tensor
    assert type(param.detach()) is minidl.Tensor
    computed = nn.Parameter(param * 2)
    assert computed.is_leaf
    with pytest.raises(RuntimeError, match="floating"):
        nn.Parameter(minidl.arange(3))
    assert nn.Parameter(minidl.arange(3), requires_grad=False).dtype == minidl.int64


def test_parameter_from_arrays_shares_memory():
    array = np.zeros(3)
    param = nn.Parameter(array)
    array[0] = 5.0
    assert param.tolist() == [5.0, 0.0, 0.0]
    assert param.dtype == minidl.float64


def test_parameter_copies():
    param = nn.Parameter(minidl.ones(2), requires_grad=False)
    for twin in (copy.deepcopy(param), pickle.loads(pickle.dumps(param))):
        assert type(twin) is nn.Parameter
        assert not twin.requires_grad
        assert twin.tolist() == [1.0, 1.0]
    both = copy.deepcopy([param, param])
    assert both[0] is both[1]


# -- hooks -----------------------------------------------------------------------------------------------------------


def test_forward_hooks_run_in_order_and_replace():
    layer = nn.Identity()
    seen = []
    layer.register_forward_pre_hook(lambda module, args: seen.append("pre") or (args[0] + 1,))
    layer.register_forward_pre_hook(lambda module, args: seen.append("first"), prepend=True)
    layer.register_forward_pre_hook(lambda module, args: args[0] * 2)  # a bare value stands for one argument
    after = layer.register_forward_hook(lambda module, args, output: seen.append("post") or output * 10)
    assert layer(1) == 40
    assert seen == ["first", "pre", "post"]
    after.remove()
    after.remove()
    assert layer(1) == 4
    with pytest.raises(TypeError, match="must be a function, got int"):
        layer.register_forward_hook(3)


def test_forward_hooks_with_kwargs():
    class Scaled(nn.Module):
        def forward(self, x, scale=1):
            return x * scale

    module = Scaled()
    module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"scale": kwargs["scale"] + 1}), with_kwargs=True)
    module.register_forward_hook(lambda m, args, kwargs, output: (output, kwargs["scale"]), with_kwargs=True)
    assert module(3, scale=4) == (15, 5)
    with module.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True), pytest.raises(TypeError):
        module(3, scale=4)
    assert module(3, scale=4) == (15, 5)


def test_full_backward_hooks():
    seen = []
    net = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    net[0].register_full_backward_hook(lambda m, dx, dy: seen.append(("linear", dx, dy)))
    net[1].register_full_backward_hook(lambda m, dx, dy: seen.append(("relu", dx, dy)))
    x = minidl.randn(4, 3, requires_grad=True)
    net(x).sum().backward()
    assert [entry[0] for entry in seen] == ["relu", "linear"]
    (_, relu_dx, relu_dy), (_, dx, dy) = seen
    assert relu_dy[0].tolist() == [[1.0, 1.0]] * 4
    np.testing.assert_array_equal(relu_dx[0].numpy(), dy[0].numpy())
    np.testing.assert_array_equal(dx[0].numpy(), x.grad.numpy())
    seen.clear()
    net(minidl.randn(4, 3)).sum().backward()  # the first layer's input needs no gradient
    assert seen[1][1] == (None,)
    assert seen[1][2][0].shape == (4, 2)


def test_full_backward_hooks_replace():
    layer = nn.Linear(3, 2)
    layer.register_full_backward_hook(lambda m, dx, dy: (dx[0] * 2,))
    pre = layer.register_full_backward_pre_hook(lambda m, dy: (dy[0] * 3,))
    x = minidl.randn(4, 3, requires_grad=True)
    layer(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.tile(6 * layer.weight.detach().numpy().sum(0), (4, 1)), rtol=1e-6)
    assert layer.bias.grad.tolist() == [12.0, 12.0]
    pre.remove()
    layer.register_full_backward_hook(lambda m, dx, dy: (None, None))
    with pytest.raises(RuntimeError, match="expected 1 entries, got 2"):
        layer(x).sum().backward()


def test_full_backward_hooks_of_several_inputs_and_outputs():
    class Swap(nn.Module):
        def forward(self, x, scale, y):
            return y * scale, x * x, "text"

    seen = []
    module = Swap()
    module.register_full_backward_hook(lambda m, dx, dy: seen.append((dx, dy)))
    x, y = minidl.tensor([3.0], requires_grad=True), minidl.tensor([5.0], requires_grad=True)
    a, b, text = module(x, 2, y)
    assert text == "text"
    (a + b * 10).sum().backward()
    ((dx, dy),) = seen
    assert [g if g is None else g.tolist() for g in dx] == [[60.0], None, [2.0]]
    assert [g if g is None else g.tolist() for g in dy] == [[1.0], [10.0], None]
    assert x.grad.tolist() == [60.0]
    assert y.grad.tolist() == [2.0]


def test_full_backward_hooks_need_tensors():
    class Keyed(nn.Module):
        def forward(self, x):
            return {"y": x * 2}

    module = Keyed()
    module.register_full_backward_hook(lambda m, dx, dy: None)
    with pytest.warns(UserWarning, match="the backward hooks of Keyed will not run"):
        assert module(minidl.ones(1))["y"].tolist() == [2.0]


def test_hooks_see_a_second_derivative():
    seen = []
    layer = nn.Tanh()
    layer.register_full_backward_hook(lambda m, dx, dy: seen.append(dx[0].requires_grad))
    x = minidl.tensor([0.5], requires_grad=True)
    (dx,) = minidl.autograd.grad(layer(x).sum(), x, create_graph=True)
    (ddx,) = minidl.autograd.grad(dx.sum(), x)
    t = np.tanh(0.5)
    np.testing.assert_allclose(ddx.numpy(), [-2 * t * (1 - t * t)], rtol=1e-6)
    assert seen == [True]


def test_hooks_are_copied_with_the_module():
    layer = nn.Identity()
    handle = layer.register_forward_hook(lambda module, args, output: output + 1)
    twin = copy.deepcopy(layer)
    handle.remove()
    assert (layer(1), twin(1)) == (1, 2)


# -- repr ------------------------------------------------------------------------------------------------------------


def test_repr():
    assert repr(Deep()) == (
        "Deep(\n"
        "  (encoder): Sequential(\n"
        "    (0): Linear(in_features=4, out_features=3, bias=True)\n"
        "    (1): Tanh()\n"
        "    (2): Linear(in_features=3, out_features=2, bias=True)\n"
        "  )\n"
        ")"
    )
    assert repr(nn.Sequential()) == "Sequential()"

    class Noted(nn.Sequential):
        def extra_repr(self):
            return "a=1\nb=2"

    assert repr(Noted(nn.ReLU())) == "Noted(\n  a=1\n  b=2\n  (0): ReLU()\n)"
    assert repr(Noted()) == "Noted(\n  a=1\n  b=2\n)"
    module = nn.Module()
    module.child = None
    module.add_module("off", None)
    assert repr(module) == "Module(\n  (off): None\n)"


# -- Sequential ------------------------------------------------------------------------------------------------------


def test_sequential_is_a_list():
    a, b, c, d = nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.Identity()
    row = nn.Sequential(a, b)
    assert len(row) == 2
    assert list(row) == [a, b]
    assert (row[0], row[-1]) == (a, b)
    assert row.append(c) is row
    row.insert(1, d)
    assert list(row) == [a, d, b, c]
    assert [name for name, _ in row.named_children()] == ["0", "1", "2", "3"]
    assert list(row[1:3]) == [d, b]
    assert isinstance(row[:2], nn.Sequential)
    del row[1]
    assert list(row) == [a, b, c]
    assert [name for name, _ in row.named_children()] == ["0", "1", "2"]
    del row[1:]
    row.extend([b, c])
    row[-1] = d
    assert list(row) == [a, b, d]
    row.insert(-1, c)
    assert list(row) == [a, b, c, d]
    for index in (4, -5):
        with pytest.raises(IndexError, match="out of range for a Sequential of 4"):
            row[index]
    with pytest.raises(IndexError, match="out of range"):
        row.insert(9, a)
    with pytest.raises(TypeError, match="unpack the list"):
        nn.Sequential([a, b])
    with pytest.raises(TypeError, match="must be an nn.Module, got NoneType"):
        nn.Sequential(a, None)


def test_sequential_with_names():
    row = nn.Sequential(OrderedDict(fc=nn.Linear(2, 2), act=nn.ReLU()))
    assert list(row.state_dict()) == ["fc.weight", "fc.bias"]
    assert row.fc is row[0]
    assert [name for name, _ in row[1:].named_children()] == ["act"]
    row.append(nn.Tanh())
    assert [name for name, _ in row.named_children()] == ["fc", "act", "2"]
    names = nn.Sequential(OrderedDict({"1": nn.ReLU()}))
    names.append(nn.Tanh())
    assert len(names) == 2


# -- the other containers --------------------------------------------------------------------------------------------


def test_module_list_is_a_list():
    a, b, c = nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)
    row = nn.ModuleList([a, b])
    row += [c]
    assert list(row) == [a, b, c]
    assert list(row.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert isinstance(row[1:], nn.ModuleList)
    assert [name for name, _ in row[1:].named_children()] == ["0", "1"]
    assert list(row + nn.ModuleList([b])) == [a, b, c, b]
    assert row.pop(1) is b
    assert [name for name, _ in row.named_children()] == ["0", "1"]
    row.insert(0, b)
    assert list(row) == [b, a, c]
    assert a in row
    row[0] = nn.Tanh()
    del row[1:]
    assert repr(row) == "ModuleList(\n  (0): Tanh()\n)"
    assert list(nn.ModuleList([None, a])) == [None, a]
    assert list(nn.ModuleList(nn.ReLU() for _ in range(2)).extend(row))[-1] is row[0]
    with pytest.raises(TypeError, match="entry '1' of ModuleList must be an nn.Module or None, got int"):
        nn.ModuleList([a, 3])
    with pytest.raises(TypeError, match="expected a list or another iterable, got Linear"):
        nn.ModuleList(a)
    with pytest.raises(IndexError, match="out of range for a ModuleList of 1"):
        row[1]
    with pytest.raises(NotImplementedError, match="ModuleList has no forward"):
        row(minidl.zeros(2))


def test_sequential_adds_and_pops():
    a, b, c = nn.ReLU(), nn.Tanh(), nn.Sigmoid()
    row = nn.Sequential(a, b) + nn.Sequential(c)
    assert isinstance(row, nn.Sequential)
    assert list(row) == [a, b, c]
    assert row.pop(0) is a
    row += nn.Sequential(a)
    assert list(row) == [b, c, a]
    assert [name for name, _ in row.named_children()] == ["0", "1", "2"]


def test_module_dict_is_a_dict():
    a, b = nn.Linear(2, 2), nn.ReLU()
    parts = nn.ModuleDict(OrderedDict(fc=a, act=b))
    assert list(parts.items()) == [("fc", a), ("act", b)]
    assert list(parts.state_dict()) == ["fc.weight", "fc.bias"]
    assert parts["act"] is parts.act is b
    assert "fc" in parts
    assert len(parts) == 2
    assert parts.pop("act") is b
    parts.update([("end", b)])
    parts.update(nn.ModuleDict({"fc": b}))
    assert list(parts.keys()) == ["fc", "end"]
    assert list(parts.values()) == [b, b]
    del parts["fc"]
    with pytest.raises(KeyError):
        del parts["fc"]
    parts.clear()
    assert not len(parts)
    with pytest.raises(KeyError, match="has an attribute 'keys' already"):
        parts["keys"] = a
    with pytest.raises(TypeError, match="must be an nn.Module or None, got int"):
        parts["a"] = 3
    with pytest.raises(TypeError, match="pairs of key and entry, got int"):
        parts.update(3)


def test_parameter_list_is_a_list():
    w = nn.Parameter(minidl.ones(2))
    row = nn.ParameterList([w, minidl.zeros(3)])
    assert row[0] is w
    assert isinstance(row[1], nn.Parameter)
    assert [name for name, _ in row.named_parameters()] == ["0", "1"]
    row.append(w)
    row += [w]
    assert len(row) == 4
    assert isinstance(row[1:3], nn.ParameterList)
    assert row[1:3][1] is w
    row[1] = minidl.ones(1, 1)
    assert row[1].shape == (1, 1)
    assert [p.shape for p in row] == [(2,), (1, 1), (2,), (2,)]
    with pytest.raises(TypeError, match="entry '0' must be a Parameter or Tensor, got int"):
        nn.ParameterList([3])
    with pytest.raises(TypeError, match="expected a list or another iterable, got Parameter"):
        nn.ParameterList(w)


def test_parameter_dict_is_a_dict():
    w = nn.Parameter(minidl.ones(2))
    parts = nn.ParameterDict({"a": w, "b": minidl.zeros(3)})
    assert parts["a"] is w
    assert list(parts.state_dict()) == ["a", "b"]
    assert parts.get("c") is None
    assert parts.setdefault("c", minidl.zeros(1)).shape == (1,)
    assert parts.setdefault("a") is w
    assert parts.pop("b").shape == (3,)
    assert list(parts) == ["a", "c"]
    with pytest.raises(TypeError, match="entry 'd' must be a Parameter or Tensor, got NoneType"):
        parts["d"] = None


def test_containers_print_as_torchs():
    torch = pytest.importorskip("torch")

    def build(library):
        nn = library.nn
        block = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        return nn.ModuleDict(
            {
                "layers": nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Linear(2, 1), block, block]),
                "empty": nn.ModuleList(),
                "weights": nn.ParameterList([library.zeros(2, 3), library.zeros(())]),
                "one": nn.ParameterList([library.zeros(2)]),
                "named": nn.ParameterDict({"a": library.zeros(2), "b": library.zeros(1, 2)}),
                "nothing": nn.ParameterDict(),
            }
        )

    ours, theirs = build(minidl), build(torch)
    assert repr(ours) == repr(theirs).replace("torch.float32", "float32").replace("torch.FloatTensor", "float32")
    assert list(ours.state_dict()) == list(theirs.state_dict())


# -- against PyTorch -------------------------------------------------------------------------------------------------


def test_structure_is_torchs():
    torch = pytest.importorskip("torch")

    def build(nn):
        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.act = nn.ReLU()
                self.conv = nn.Conv2d(3, 8, (3, 5), stride=2, padding=(1, 2), dilation=(1, 2), groups=1, bias=False)
                self.rnn = nn.RNN(4, 5, num_layers=2, bidirectional=True, batch_first=True, dropout=0.25)
                self.drop = nn.Dropout(0.3)

        return nn.Sequential(
            OrderedDict(
                block=Block(),
                head=nn.Sequential(nn.Flatten(), nn.Linear(8, 4, bias=False), nn.LogSoftmax(dim=1), nn.GELU("tanh")),
                odd=nn.Sequential(nn.Unflatten(1, (2, 2)), nn.Softmax(dim=-1), nn.MaxPool2d((2, 3), padding=1)),
                one=nn.RNN(4, 5, nonlinearity="relu", bias=False),
                same=nn.Conv2d(4, 8, 3, padding="same", groups=2),
                losses=nn.Sequential(nn.CrossEntropyLoss(label_smoothing=0.1), nn.MSELoss(), nn.L1Loss(), nn.NLLLoss()),
                rest=nn.Sequential(
                    nn.Identity(3), nn.Dropout(inplace=True), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Sigmoid()
                ),
            )
        )

    ours, theirs = build(nn), build(torch.nn)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    assert [tuple(p.shape) for p in ours.parameters()] == [tuple(p.shape) for p in theirs.parameters()]


def test_a_module_may_have_its_own_train():
    """As where a pretrained batch norm stays as it is, whatever mode the model around it is in."""

    class Frozen(nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(Frozen(2), nn.Dropout()))
    assert model.train() is model
    assert [type(module).__name__ for module in model.modules() if not module.training] == ["Frozen"]


def test_zero_grad_fills_the_gradients_in_place():
    model = nn.Linear(2, 1)
    model(minidl.ones(1, 2)).sum().backward()
    gradient = model.weight.grad
    model.zero_grad(set_to_none=False)
    assert model.weight.grad is gradient
    assert gradient.tolist() == [[0.0, 0.0]]


def test_forward_is_no_name_for_a_buffer():
    with pytest.raises(KeyError, match="has an attribute 'forward' already"):
        nn.Module().register_buffer("forward", minidl.ones(1))
