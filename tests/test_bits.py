"""The number of threads changes no bit: each kernel at a size that is divided among them, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import _kernels as kernels
from minidl import nn
from minidl.nn import functional as F

pytestmark = pytest.mark.skipif(not kernels.compiled, reason="one thread where nothing is compiled")

Layer = Callable[..., Any]

# A function of these inputs; every input and every weight gets a gradient.
CASES: dict[str, tuple[Layer, list[tuple[int, ...]]]] = {
    "product": (lambda a, b: a @ b, [(301, 257), (257, 303)]),
    "products": (lambda a, b: a @ b, [(65, 41, 70), (65, 70, 33)]),
    "linear": (F.linear, [(515, 300), (129, 300), (129,)]),
    "attention": (F.scaled_dot_product_attention, [(3, 5, 70, 33)] * 3),
    "causal attention": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        [(3, 5, 90, 33)] * 3,
    ),
    "conv 3x3": (lambda x, w, b: F.conv2d(x, w, b, padding=1), [(5, 17, 31, 33), (19, 17, 3, 3), (19,)]),
    "conv 3x3/2": (lambda x, w: F.conv2d(x, w, stride=2, padding=1), [(5, 17, 31, 33), (35, 17, 3, 3)]),
    "conv 5x5, one channel": (lambda x, w: F.conv2d(x, w, padding=2), [(9, 1, 40, 44), (6, 1, 5, 5)]),
    "conv 1x1": (lambda x, w: F.conv2d(x, w), [(5, 33, 31, 33), (40, 33, 1, 1)]),
    "conv 1x1/2": (lambda x, w: F.conv2d(x, w, stride=2), [(5, 33, 31, 33), (40, 33, 1, 1)]),
    "conv dilated, in groups": (
        lambda x, w: F.conv2d(x, w, padding=2, dilation=2, groups=3),
        [(5, 18, 31, 33), (21, 6, 3, 3)],
    ),
    "depthwise": (lambda x, w: F.conv2d(x, w, padding=1, groups=37), [(5, 37, 31, 33), (37, 1, 3, 3)]),
    "transposed": (lambda x, w: F.conv_transpose2d(x, w, stride=2), [(5, 17, 15, 16), (17, 19, 3, 3)]),
    "max pooling": (lambda x: F.max_pool2d(x, 2), [(9, 33, 40, 44)]),
    "average pooling": (lambda x: F.avg_pool2d(x, 3, 2), [(9, 33, 40, 44)]),
    "batch norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [(9, 33, 30, 31), (33,), (33,)]),
    "layer norm": (lambda x, w, b: F.layer_norm(x, (301,), w, b), [(1001, 301), (301,), (301,)]),
    "group norm": (lambda x, w, b: F.group_norm(x, 3, w, b), [(9, 33, 30, 31), (33,), (33,)]),
    "softmax": (lambda x: F.softmax(x, 1), [(1001, 301)]),
    "log softmax": (lambda x: F.log_softmax(x, 1), [(1001, 301)]),
    "softmax of columns": (lambda x: F.softmax(x, 0), [(1001, 301)]),
    "gelu": (F.gelu, [(300_001,)]),
    "gelu, tanh form": (lambda x: F.gelu(x, approximate="tanh"), [(300_001,)]),
    "silu": (F.silu, [(300_001,)]),
    "tanh": (minidl.tanh, [(300_001,)]),
    "sigmoid": (minidl.sigmoid, [(300_001,)]),
    "relu": (F.relu, [(300_001,)]),
    "cross entropy": (lambda x: F.cross_entropy(x, minidl.arange(301) * 3), [(301, 1001)]),
    "embedding": (lambda w: F.embedding(minidl.arange(9000).reshape(90, 100) % 1001, w), [(1001, 65)]),
    "rnn": (nn.RNN(65, 67), [(31, 33, 65)]),
    "lstm": (nn.LSTM(65, 67, num_layers=2, bidirectional=True), [(31, 33, 65)]),
    "gru": (nn.GRU(65, 67), [(31, 33, 65)]),
}


@pytest.fixture
def threads() -> Iterator[None]:
    before = minidl.get_num_threads()
    yield
    minidl.set_num_threads(before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_bits_of_forward_and_backward(name: str, dtype: str, threads: None) -> None:
    function, shapes = CASES[name]
    rng = np.random.default_rng(0)
    inputs = [minidl.tensor(rng.standard_normal(shape).astype(dtype), requires_grad=True) for shape in shapes]
    if isinstance(function, nn.Module):
        function = function.to(getattr(minidl, dtype))
        inputs += list(function.parameters())

    def results(count: int) -> list[Any]:
        minidl.set_num_threads(count)
        y = function(*inputs[: len(shapes)])
        y = y[0] if isinstance(y, tuple) else y
        g = minidl.tensor(np.random.default_rng(1).standard_normal(y.shape).astype(dtype))
        return [y.detach(), *minidl.autograd.grad(y, inputs, g)]

    one = results(1)
    for count in (2, 5):
        for expected, found in zip(one, results(count), strict=True):
            np.testing.assert_array_equal(found.numpy(), expected.numpy())


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_bits_of_an_update(optimizer: str, threads: None) -> None:
    def results(count: int) -> Any:
        minidl.set_num_threads(count)
        w = nn.Parameter(minidl.linspace(-1, 1, 500_001))
        w.grad = minidl.linspace(-3, 2, 500_001)
        update = getattr(minidl.optim, optimizer)([w])
        update.step()
        update.step()
        return w.detach().numpy()

    one = results(1)
    for count in (2, 5):
        np.testing.assert_array_equal(results(count), one)
