"""Bad input gets a clear error: it names operation and argument, what came, what was expected, and the likely fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.errors import (
    ArgumentError,
    DTypeError,
    GradcheckError,
    GraphError,
    IndexOutOfRange,
    MinidlError,
    ShapeError,
    StateError,
)

F = nn.functional
x = minidl.ones(2, 3)
image = minidl.ones(1, 1, 2, 2)


def trained() -> Any:
    """Return a loss whose graph has been walked."""
    w = minidl.ones(2, requires_grad=True)
    loss = (w * w).sum()
    loss.backward()
    return loss


# what is done, the error, what its message must contain
SLIPS: list[tuple[Callable[[], Any], type[Exception], list[str]]] = [
    # shapes
    (lambda: x + minidl.ones(2, 4), ShapeError, ["add", "(2, 3) and (2, 4)", "do not broadcast"]),
    (lambda: x @ x, ShapeError, ["matmul", "(2, 3) and (2, 3)", "3 columns against 2 rows", "transpose"]),
    (lambda: x @ minidl.ones(4), ShapeError, ["matmul", "(4,)"]),
    (lambda: minidl.dot(x, x), ShapeError, ["dot", "expected 1-d and 1-d"]),
    (lambda: minidl.cat([x, minidl.ones(2, 2)]), ShapeError, ["cat", "tensor 1 has (2, 2)", "dimension 0"]),
    (lambda: minidl.stack([x, minidl.ones(3)]), ShapeError, ["stack", "one shape", "(2, 3)"]),
    (lambda: x.reshape(4), ShapeError, ["reshape", "(4,)", "6 elements of shape (2, 3)"]),
    (lambda: x.T.view(6), ShapeError, ["view", "non-contiguous", "reshape()"]),
    (lambda: x.expand(3, 3), ShapeError, ["expand", "(2, 3)", "only sizes of 1 can grow"]),
    (lambda: x.split([1, 2]), ShapeError, ["split", "(1, 2)", "2, the size of dimension 0"]),
    (lambda: x.permute(0, 0), ShapeError, ["permute", "each of the 2 dimensions once"]),
    (lambda: F.linear(x, minidl.ones(4, 5)), ShapeError, ["linear", "3 features", "expects 5", "in_features"]),
    (lambda: F.conv2d(image, minidl.ones(2, 3, 1, 1)), ShapeError, ["conv2d", "1 channels", "expects 3"]),
    (lambda: F.conv2d(image, minidl.ones(1, 1, 3, 3)), ShapeError, ["conv2d", "reaches over 3 pixels"]),
    (lambda: F.max_pool2d(image, 3), ShapeError, ["max_pool2d", "smaller than the kernel"]),
    (lambda: F.cross_entropy(x, minidl.tensor([[0], [1]])), ShapeError, ["cross_entropy", "(2, 1)", ".squeeze(1)"]),
    (lambda: minidl.zeros(2, -1), ShapeError, ["size", "(2, -1)", "non-negative"]),
    # dimensions and indices
    (lambda: x.sum(2), IndexOutOfRange, ["dim", "got 2", "2 dimensions", "-2 to 1"]),
    (lambda: x[2], IndexOutOfRange, ["index 2", "(2, 3)"]),
    (lambda: x[[0, 9]], IndexOutOfRange, ["9", "(2, 3)"]),
    (lambda: x[0, 0, 0], IndexOutOfRange, ["too many indices", "(2, 3)"]),
    (lambda: x[::-1], ArgumentError, ["positive step", "got -1", "flip()"]),
    (lambda: x[minidl.tensor([0.0])], IndexOutOfRange, ["float32", "int64, int32 or bool"]),
    (lambda: minidl.gather(x, 1, minidl.tensor([[3]])), IndexOutOfRange, ["index: got 3 for a dimension of size 3"]),
    (lambda: F.cross_entropy(x, minidl.tensor([0, 3])), IndexOutOfRange, ["target 3 at index 1", "3 classes"]),
    (lambda: F.cross_entropy(x, minidl.tensor([1, 3])), IndexOutOfRange, ["do the labels start at 1?"]),
    (lambda: F.one_hot(minidl.tensor([5]), 3), IndexOutOfRange, ["one_hot", "5", "0 to 2"]),
    (lambda: minidl.zeros(0, 3).max(0), IndexOutOfRange, ["(0, 3)", "empty"]),
    # types
    (lambda: F.cross_entropy(x, minidl.tensor([0.0, 1.0])), DTypeError, ["float32", "int64", ".long()"]),
    (lambda: minidl.ones(2, dtype=minidl.int64).mean(), DTypeError, ["mean", "int64", ".float()"]),
    (lambda: x @ minidl.ones(3, 2, dtype=minidl.float64), DTypeError, ["float32", "float64", ".to(dtype)"]),
    (lambda: F.linear(x.long(), x), DTypeError, ["linear", "input is int64", ".float()"]),
    (lambda: minidl.tensor([1, 2], requires_grad=True), DTypeError, ["int64", ".float()"]),
    (lambda: minidl.tensor("abc"), DTypeError, ["tensor", "'abc'", "str"]),
    (lambda: minidl.tensor([1.0, None]), DTypeError, ["tensor", "expected numbers"]),
    (lambda: minidl.zeros(2.5), DTypeError, ["size", "2.5", "expected int"]),
    (lambda: minidl.ones(1, dtype=complex), DTypeError, ["complex128"]),
    (lambda: x & x, DTypeError, ["bitwise_and", "float32"]),
    (lambda: x + "a", DTypeError, ["add", "str"]),
    (lambda: minidl.from_numpy([1]), DTypeError, ["from_numpy", "list", "minidl.tensor"]),
    (lambda: minidl.rand(2, generator=3), DTypeError, ["generator", "int", "minidl.Generator"]),
    # values
    (lambda: minidl.tensor([[1], [2, 3]]), ArgumentError, ["ragged", "same length"]),
    (lambda: minidl.where(x, x, x), ArgumentError, ["condition", "float32", "expected bool", "x > 0"]),
    (lambda: minidl.clamp(x), ArgumentError, ["clamp", "min and max"]),
    (lambda: F.dropout(x, 1.5), ArgumentError, ["dropout", "0 to 1", "1.5"]),
    (lambda: F.mse_loss(x, x, reduction="avg"), ArgumentError, ["reduction", "'avg'", "'mean', 'sum', 'none'"]),
    (lambda: minidl.arange(1, 0), ArgumentError, ["arange", "step of 1 never leads from 1 to 0"]),
    (lambda: minidl.ones(1, device="cuda"), ArgumentError, ["device", "'cuda'", 'device="cpu"']),
    (lambda: x.to("cuda:1"), ArgumentError, ["'cuda:1'"]),
    (lambda: minidl.tensor([1]) // 0, ArgumentError, ["division by zero"]),
    (lambda: minidl.manual_seed(2**64), ArgumentError, ["seed", "2**64 - 1"]),
    (lambda: minidl.cat([]), ArgumentError, ["cat", "at least one Tensor"]),
    (lambda: minidl.multinomial(minidl.tensor([1.0, 0.5]), 3), ArgumentError, ["num_samples", "replacement=True"]),
    (lambda: F.conv2d(image, minidl.ones(1, 1, 2, 2), stride=0), ArgumentError, ["stride", "positive"]),
    # the graph
    (lambda: minidl.ones(2, requires_grad=True).backward(), GraphError, ["scalar", "(2,)", ".sum() or .mean()"]),
    (lambda: trained().backward(), GraphError, ["mul", "second time", "retain_graph=True"]),
    (lambda: minidl.ones(1).backward(), GraphError, ["does not require grad", "requires_grad=True"]),
    (lambda: minidl.ones(1, requires_grad=True).numpy(), GraphError, ["requires grad", "t.detach().numpy()"]),
    (lambda: minidl.ones(1, requires_grad=True).add_(1), GraphError, ["leaf", "minidl.no_grad()"]),
    (lambda: bool(x), ShapeError, ["ambiguous", "(2, 3)", ".any() or .all()"]),
    (lambda: x.item(), ShapeError, ["item()", "(2, 3)", "tolist()"]),
]  # fmt: skip


@pytest.mark.parametrize(("slip", "error", "words"), SLIPS, ids=[" ".join(words)[:50] for _, _, words in SLIPS])
def test_the_message_helps(slip: Callable[[], Any], error: type[Exception], words: list[str]) -> None:
    with pytest.raises(error) as caught:
        slip()
    message = str(caught.value)
    for word in words:
        assert word in message
    assert "\n" not in message and len(message) < 300


def test_classes_are_those_that_pytorch_raises_and_pythons_own() -> None:
    python = {
        ShapeError: ValueError, DTypeError: TypeError, ArgumentError: ValueError, IndexOutOfRange: IndexError,
        GraphError: RuntimeError, StateError: RuntimeError, GradcheckError: RuntimeError,
    }  # fmt: skip
    for ours, theirs in python.items():
        assert issubclass(ours, theirs) and issubclass(ours, RuntimeError) and issubclass(ours, MinidlError)


def test_an_error_names_the_layer_it_passed_through() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(5, 2))

        def forward(self, x: Any) -> Any:
            return self.encoder(x)

    with pytest.raises(ShapeError, match=r"^Net\.encoder\.2 \(Linear\): .*4 features.*expects 5"):
        Net()(x)


def test_the_users_traceback_does_not_show_numpys_error() -> None:
    with pytest.raises(ShapeError) as caught:
        x + minidl.ones(2, 4)
    assert caught.value.__suppress_context__


def test_errors_inside_an_operation_leave_no_trace() -> None:
    w = minidl.ones(2, requires_grad=True)
    with pytest.raises(ShapeError):
        w + minidl.ones(3)
    (w * 2).sum().backward()
    assert w.grad.tolist() == [2.0, 2.0] and minidl.is_grad_enabled()


@pytest.mark.parametrize("n", [0, 1])
def test_sizes_0_and_1_are_no_error(n: int) -> None:
    a = minidl.rand(n, 3, requires_grad=True)
    none = minidl.zeros(n, dtype=minidl.int64)
    loss = F.linear(a, minidl.ones(2, 3)).tanh().sum() + F.cross_entropy(a, none, reduction="sum")
    loss.backward()
    assert a.grad.shape == (n, 3) and np.isfinite(loss.item())
    image = minidl.rand(n, 1, 4, 4, requires_grad=True)
    F.max_pool2d(F.conv2d(image, minidl.ones(1, 1, 1, 1)), 2).sum().backward()
    assert image.grad.shape == (n, 1, 4, 4)
