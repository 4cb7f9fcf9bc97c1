"""The linter: for each mistake a training where it speaks, and one like it where it stays silent."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import minidl
from minidl import nn, optim
from minidl.data import DataLoader, TensorDataset
from minidl.linter import MISTAKES, Linter, LinterWarning

F = nn.functional


def said(program: Callable[[], Any]) -> list[str]:
    """Return the ids of what the linter said while a program ran, and check the words."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        minidl.manual_seed(3)
        program()
    messages = [w.message for w in caught if isinstance(w.message, LinterWarning)]
    for message in messages:
        words = str(message)
        assert words.startswith(f"[{message.id}] ") and "Fix: " in words and f"ignore=[{message.id!r}]" in words
        assert "{" not in words and "\n" not in words
    return [message.id for message in messages]


def data(labels: Any = None, samples: int = 120, classes: int = 3, shift: int = 0) -> TensorDataset:
    """Points around a centre for each class."""
    y = minidl.arange(samples) % classes if labels is None else labels
    centres = minidl.tensor([[2.0, 0.0], [0.0, 2.0], [-2.0, -2.0], [2.0, 2.0]])
    return TensorDataset(centres[y % 4] + 0.3 * minidl.randn(len(y), 2), y + shift)


def network(*last: nn.Module, outputs: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, outputs), *last)


def trained(
    model: nn.Module, set: Any = None, criterion: Any = None, lr: float = 0.05, epochs: int = 3, shuffle: bool = True,
    optimizer: Any = None, **options: Any,
) -> Callable[[], Any]:  # fmt: skip
    """Return a training by fit."""

    def program() -> Any:
        loader = DataLoader(data() if set is None else set, batch_size=10, shuffle=shuffle)
        return minidl.fit(
            model, loader, criterion or nn.CrossEntropyLoss(), optimizer or optim.SGD(model.parameters(), lr=lr),
            epochs=epochs, verbose=False, **options,
        )  # fmt: skip

    return program


def plain(model: nn.Module, zero_grad: bool = True, zeros: bool = True, accumulate: int = 1) -> Callable[[], Any]:
    """Return a training by a plain loop under the linter."""

    def program() -> Any:
        optimizer = optim.SGD(model.parameters(), lr=0.01)
        loader = DataLoader(data(), batch_size=10, shuffle=True)
        with Linter(model, optimizer) as linter:
            criterion = linter.watch(nn.CrossEntropyLoss())
            for number, (inputs, targets) in enumerate(loader, 1):
                criterion(model(inputs), targets).backward()
                if number % accumulate == 0:
                    optimizer.step()
                    if zero_grad:
                        optimizer.zero_grad(set_to_none=zeros)

    return program


def dead() -> nn.Module:
    model = network()
    with minidl.no_grad():
        model[0].bias.fill_(-100.0)
    return model


def regression(squeezed: bool) -> Callable[[], Any]:
    x = minidl.randn(60, 2)
    model: nn.Module = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)) if squeezed else nn.Linear(2, 1)
    return trained(model, TensorDataset(x, x.sum(1)), nn.MSELoss())


def evaluated(model: nn.Module, eval_mode: bool) -> Callable[[], Any]:
    def program() -> Any:
        with Linter(model, optim.SGD(model.parameters(), lr=0.1)):
            model.train(not eval_mode)
            with minidl.no_grad():
                model(minidl.ones(4, 2))

    return program


class Log(nn.Module):
    """The logarithm: not a number below 0."""

    def forward(self, x: Any) -> Any:
        return minidl.log(x)


def sorted_labels() -> Any:
    return minidl.sort(minidl.arange(120) % 3).values


# id -> a program that makes the mistake, then programs like it that do not
CASES: dict[str, tuple[Callable[[], Any], list[Callable[[], Any]]]] = {
    "softmax-twice": (
        lambda: trained(network(nn.Softmax(1)))(),
        [lambda: trained(network())(), lambda: trained(network(nn.LogSoftmax(1)), criterion=nn.NLLLoss())()],
    ),
    "zero-grad": (
        lambda: plain(network(), zero_grad=False)(),
        [lambda: plain(network())(), lambda: plain(network(), zeros=False)(), lambda: plain(network(), accumulate=3)()],
    ),
    "foreign-parameters": (
        lambda: trained(network(), optimizer=optim.SGD(network().parameters(), lr=0.1), epochs=1)(),
        [lambda: trained(network())()],
    ),
    "broadcast-loss": (lambda: regression(False)(), [lambda: regression(True)()]),
    "train-mode": (
        lambda: evaluated(network(nn.Dropout(0.5)), False)(),
        [lambda: evaluated(network(nn.Dropout(0.5)), True)(), lambda: evaluated(network(), False)()],
    ),
    "nan-loss": (
        lambda: trained(network(Log()), epochs=1)(),
        [lambda: trained(network(nn.Softplus(), Log()), epochs=1)()],
    ),
    "dead-gradient": (lambda: trained(dead())(), [lambda: trained(network(), epochs=30, lr=0.5)()]),
    "labels-from-one": (
        lambda: trained(network(outputs=4), data(shift=1))(),
        [lambda: trained(network(outputs=4), data(classes=4))(), lambda: trained(network(outputs=4))()],
    ),
    "not-shuffled": (
        lambda: trained(network(), data(sorted_labels()), shuffle=False)(),
        [lambda: trained(network(), data(sorted_labels()))()],
    ),
    "learning-rate": (lambda: trained(network(), lr=1e4)(), [lambda: trained(network(), lr=0.5)()]),
}


def test_every_mistake_has_a_case() -> None:
    assert set(CASES) == set(MISTAKES)


@pytest.mark.parametrize("id", MISTAKES)
def test_it_speaks(id: str) -> None:
    assert id in said(CASES[id][0])


@pytest.mark.parametrize(("id", "k"), [(id, k) for id, (_, silent) in CASES.items() for k in range(len(silent))])
def test_it_stays_silent(id: str, k: int) -> None:
    assert said(CASES[id][1][k]) == []


def test_an_off_switch_for_each() -> None:
    assert said(trained(network(nn.Softmax(1)), ignore=["softmax-twice"])) == []
    assert said(trained(network(nn.Softmax(1)), linter=False)) == []


def test_a_mistake_is_named_once() -> None:
    assert said(trained(network(nn.Softmax(1)), epochs=4)) == ["softmax-twice"]


def test_the_same_order_in_each_epoch_is_named() -> None:
    assert said(trained(network(), shuffle=False)) == ["not-shuffled"]
    assert said(trained(network(), shuffle=False, epochs=1)) == []
    one_batch = DataLoader(data(), batch_size=1000)
    model = network()
    assert said(
        lambda: minidl.fit(
            model, one_batch, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), epochs=3, verbose=False
        )
    ) == []  # fmt: skip


def test_labels_from_one_that_do_not_fit_are_named_before_the_error() -> None:
    def program() -> None:
        with pytest.raises(IndexError):
            trained(network(), data(shift=1))()

    assert said(program) == ["labels-from-one"]


def nan_words(model: nn.Module, inputs: Any) -> str:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trained(model, TensorDataset(inputs, minidl.arange(len(inputs)) % 3), epochs=1)()
    (words,) = [str(w.message) for w in caught if getattr(w.message, "id", "") == "nan-loss"]
    return words


def test_the_layer_that_made_the_nan_is_named() -> None:
    assert "layer '3' made it first, by log" in nan_words(network(Log()), minidl.randn(20, 2))
    assert "input 0 of the model holds NaN" in nan_words(network(), minidl.full((20, 2), float("nan")))
    model = network()
    with minidl.no_grad():
        model[2].weight.fill_(float("inf"))
    assert "2.weight is not finite" in nan_words(model, minidl.randn(20, 2))


def test_looking_for_the_nan_leaves_no_trace() -> None:
    """A copy is run: running statistics and the random stream are as they were."""
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), Log())
    optimizer = optim.SGD(model.parameters(), lr=0.0)
    with warnings.catch_warnings(record=True), Linter(model, optimizer) as linter:
        warnings.simplefilter("always")
        outputs = model(minidl.randn(8, 2))
        state, mean = minidl.get_rng_state(), model[1].running_mean.clone()
        linter.watch(nn.CrossEntropyLoss())(outputs, minidl.arange(8) % 3)
        assert "nan-loss" in linter.silent
        assert minidl.equal(minidl.get_rng_state(), state)
        assert minidl.equal(model[1].running_mean, mean)


def test_nothing_is_left_on_the_model() -> None:
    model = network()
    trained(model)()
    assert not model._hooks and not any(p.hooks for p in model.parameters())
