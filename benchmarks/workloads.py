"""The table of workloads: training steps and forward passes of networks, and single layers with their gradients.

Each row makes a program for `lib`, minidl or PyTorch, and says how many floating-point operations its products and
convolutions take, two for a multiplication and addition; 0 where memory and not arithmetic is the limit. With the
gradients of input and weights a product counts three times, in the first layer, whose input needs no gradient, twice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from . import networks
from .row import Program, Row


def noise(lib: Any, *shape: int, **options: Any) -> Any:
    """Return the same numbers for both libraries."""
    return lib.tensor(np.random.default_rng(0).standard_normal(shape, dtype=np.float32), **options)


def whole_numbers(lib: Any, high: int, *shape: int) -> Any:
    return lib.tensor(np.random.default_rng(1).integers(0, high, shape))


# -- networks --------------------------------------------------------------------------------------------------------


def step(lib: Any, network: Callable[[Any], Any], x: Any, targets: Any, optimizer: str, **options: Any) -> Program:
    """Return a training step: zero_grad, forward, cross entropy, backward, update."""
    model, criterion = network(lib), lib.nn.CrossEntropyLoss()
    update = getattr(lib.optim, optimizer)(model.parameters(), **options)

    def program() -> None:
        update.zero_grad()
        loss = criterion(model(x), targets)
        loss.backward()
        update.step()

    return program


def forward(lib: Any, network: Callable[[Any], Any], x: Any) -> Program:
    """Return a forward pass without gradients."""
    model = network(lib)
    model.eval()

    def program() -> None:
        with lib.no_grad():
            model(x)

    return program


def image_step(
    lib: Any, network: Callable[[Any], Any], shape: tuple[int, ...], optimizer: str, **options: Any
) -> Program:
    return step(lib, network, noise(lib, *shape), whole_numbers(lib, 10, shape[0]), optimizer, **options)


def text_step(
    lib: Any, network: Callable[[Any], Any], words: int, shape: tuple[int, ...], classes: int, count: int,
    optimizer: str,
) -> Program:  # fmt: skip
    return step(lib, network, whole_numbers(lib, words, *shape), whole_numbers(lib, classes, count), optimizer)


def image_forward(lib: Any, network: Callable[[Any], Any], shape: tuple[int, ...]) -> Program:
    return forward(lib, network, noise(lib, *shape))


MLP = 2 * (784 * 128 + 128 * 10) / 1e6
MLP_STEP = 2 * (2 * 784 * 128 + 3 * 128 * 10) / 1e6
LENET_CONV1, LENET_REST = 2 * 6 * 25 * 28**2 / 1e6, 2 * (16 * 150 * 100 + 400 * 120 + 120 * 84 + 840) / 1e6
LENET = LENET_CONV1 + LENET_REST
LENET_STEP = 2 * LENET_CONV1 + 3 * LENET_REST


def resnet_operations(blocks: int) -> float:
    """Count a training step on one image, in millions."""
    first = 2 * 16 * 27 * 32**2
    stages = [(16, 32, 2 * blocks), (32, 16, 2 * blocks - 0.5), (64, 8, 2 * blocks - 0.5)]  # the strided one reads half
    rest = sum(2 * width * width * 9 * size**2 * convolutions for width, size, convolutions in stages)
    shortcuts = 2 * (32 * 16 * 16**2 + 64 * 32 * 8**2)
    return (2 * first + 3 * (rest + shortcuts)) / 1e6


NETWORKS = {
    **{
        f"mlp 784-128-10, SGD, batch {n}": Row(
            partial(image_step, network=networks.mlp, shape=(n, 784), optimizer="SGD", lr=0.01), n * MLP_STEP
        )
        for n in (1, 64, 512)
    },
    "mlp forward, batch 1": Row(partial(image_forward, network=networks.mlp, shape=(1, 784)), MLP),
    "LeNet, Adam, batch 64": Row(
        partial(image_step, network=networks.lenet, shape=(64, 1, 28, 28), optimizer="Adam"), 64 * LENET_STEP
    ),
    **{
        f"LeNet forward, batch {n}": Row(
            partial(image_forward, network=networks.lenet, shape=(n, 1, 28, 28)), n * LENET
        )
        for n in (1, 64)
    },
    **{
        f"ResNet-{6 * blocks + 2}, SGD, batch 32": Row(
            partial(
                image_step, network=partial(networks.resnet, blocks=blocks), shape=(32, 3, 32, 32), optimizer="SGD",
                lr=0.1, momentum=0.9,
            ),
            32 * resnet_operations(blocks),
        )
        for blocks in (1, 3)
    },
    "char LSTM 256, T 64, batch 32, Adam": Row(
        partial(
            text_step, network=networks.char_lstm, words=65, shape=(32, 64), classes=65, count=32 * 64, optimizer="Adam"
        ),
        3 * 2 * 32 * 64 * 256 * (8 * 256 + 65) / 1e6,
    ),
    "GPT-mini, T 64, batch 16, AdamW": Row(
        partial(
            text_step, network=networks.gpt, words=65, shape=(16, 64), classes=65, count=16 * 64, optimizer="AdamW"
        ),
        3 * 2 * 16 * 64 * (4 * (12 * 128**2 + 2 * 64 * 128 / 2) + 128 * 65) / 1e6,
    ),
    "embedding 20000 x 64, mean, linear, Adam": Row(
        partial(
            text_step, network=networks.bag_of_words, words=20_000, shape=(64, 100), classes=2, count=64,
            optimizer="Adam",
        )
    ),
}  # fmt: skip

# -- layers ----------------------------------------------------------------------------------------------------------


def layer(lib: Any, make: Callable[[Any], Any], shape: tuple[int, ...], gradients: bool) -> Program:
    """Return a forward pass of a layer, or one with the gradients of its input and weights."""
    model = make(lib)
    if not gradients:
        return forward(lib, make, noise(lib, *shape))
    x = noise(lib, *shape, requires_grad=True)
    y = model(x)
    dy = noise(lib, *(y[0] if isinstance(y, tuple) else y).shape)

    def program() -> None:
        x.grad = None
        for weight in model.parameters():
            weight.grad = None
        y = model(x)
        (y[0] if isinstance(y, tuple) else y).backward(dy)

    return program


def convolution(lib: Any, inputs: int, outputs: int, kernel: int, **options: int) -> Any:
    return lib.nn.Conv2d(inputs, outputs, kernel, bias=False, **options)


def convolutions() -> dict[str, Row]:
    """Two rows for each: forward, and forward with both gradients."""
    rows = {}
    for name, (inputs, outputs, kernel, size), options in [
        ("conv 3x3 64-64 at 56", (64, 64, 3, 56), {"padding": 1}),
        ("conv 3x3 128-128 at 28", (128, 128, 3, 28), {"padding": 1}),
        ("conv 3x3 256-256 at 14", (256, 256, 3, 14), {"padding": 1}),
        ("conv 7x7/2 3-64 at 224", (3, 64, 7, 224), {"padding": 3, "stride": 2}),
        ("depthwise 3x3 128 at 56", (128, 128, 3, 56), {"padding": 1, "groups": 128}),
        ("conv 1x1 256-64 at 56", (256, 64, 1, 56), {}),
    ]:
        make = partial(convolution, inputs=inputs, outputs=outputs, kernel=kernel, **options)
        after = size // options.get("stride", 1)
        operations = 8 * 2 * outputs * inputs / options.get("groups", 1) * kernel**2 * after**2 / 1e6
        for gradients in (False, True):
            rows[f"{name}, batch 8, {'with gradients' if gradients else 'forward'}"] = Row(
                partial(layer, make=make, shape=(8, inputs, size, size), gradients=gradients),
                operations * (3 if gradients else 1),
            )
    return rows


def recurrence(lib: Any, kind: str) -> Any:
    return getattr(lib.nn, kind)(64, 128)


def normalisation(lib: Any) -> Any:
    return lib.nn.LayerNorm(768)


def smooth(lib: Any, approximate: str) -> Any:
    return lib.nn.GELU(approximate)


def entropy(lib: Any, rows: int, classes: int) -> Program:
    """Return cross entropy and its gradient."""
    x, targets = noise(lib, rows, classes, requires_grad=True), whole_numbers(lib, classes, rows)
    criterion = lib.nn.CrossEntropyLoss()

    def program() -> None:
        x.grad = None
        criterion(x, targets).backward()

    return program


def update(lib: Any, optimizer: str, size: int) -> Program:
    """Return one update of so many parameters, in four tensors."""
    parameters = [lib.nn.Parameter(noise(lib, size // 4)) for _ in range(4)]
    for parameter in parameters:
        parameter.grad = noise(lib, size // 4)
    program: Program = getattr(lib.optim, optimizer)(parameters).step
    return program


LAYERS = {
    **convolutions(),
    **{
        f"{kind} 64-128, T 50, batch 32, with gradients": Row(
            partial(layer, make=partial(recurrence, kind=kind), shape=(50, 32, 64), gradients=True),
            3 * 2 * gates * 50 * 32 * 128 * (64 + 128) / 1e6,
        )
        for kind, gates in (("RNN", 1), ("LSTM", 4), ("GRU", 3))
    },
    "Adam, 1M parameters": Row(partial(update, optimizer="Adam", size=1_000_000)),
    "Adam, 10M parameters": Row(partial(update, optimizer="Adam", size=10_000_000)),
    "cross entropy 128 x 32000, with gradient": Row(partial(entropy, rows=128, classes=32_000)),
    "layer norm 4096 x 768, with gradients": Row(partial(layer, make=normalisation, shape=(4096, 768), gradients=True)),
    "GELU (tanh form), 4M, with gradient": Row(
        partial(layer, make=partial(smooth, approximate="tanh"), shape=(4_000_000,), gradients=True)
    ),
}

ROWS = {**NETWORKS, **LAYERS}

# -- kernels, each beside its NumPy twin: sizes at which the twin takes milliseconds ---------------------------------


def function(lib: Any, compute: Callable[..., Any], *shapes: tuple[int, ...]) -> Program:
    """Return a call of a function on noise of these shapes, with the gradients of all its inputs."""
    inputs = [noise(lib, *shape, requires_grad=True) for shape in shapes]
    dy = noise(lib, *compute(lib, *inputs).shape)

    def program() -> None:
        for x in inputs:
            x.grad = None
        compute(lib, *inputs).backward(dy)

    return program


def on(compute: Callable[..., Any], *shapes: tuple[int, ...]) -> Row:
    return Row(lambda lib: function(lib, compute, *shapes))


def convolved(lib: Any, x: Any, w: Any, **options: int) -> Any:
    return lib.nn.functional.conv2d(x, w, **options)


def attended(lib: Any, q: Any, k: Any, v: Any, causal: bool) -> Any:
    return lib.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)


def embedded(lib: Any, w: Any) -> Any:
    return lib.nn.functional.embedding(whole_numbers(lib, 2_000, 64, 100), w)


def of_layer(make: Callable[[Any], Any], *shape: int) -> Row:
    return Row(partial(layer, make=make, shape=shape, gradients=True))


KERNELS = {
    "linear 512 x 784-128": on(lambda lib, x, w, b: lib.nn.functional.linear(x, w, b), (512, 784), (128, 784), (128,)),
    "product 256 x 256 x 256": on(lambda lib, a, b: a @ b, (256, 256), (256, 256)),
    "product 128 of 64 x 32 x 64": on(lambda lib, a, b: a @ b, (128, 64, 32), (128, 32, 64)),
    "conv 3x3 16-16 at 32, batch 32": on(partial(convolved, padding=1), (32, 16, 32, 32), (16, 16, 3, 3)),
    "conv 5x5 1-6 at 28, batch 64": on(partial(convolved, padding=2), (64, 1, 28, 28), (6, 1, 5, 5)),
    "conv 3x3/2 16-32 at 32, batch 32": on(partial(convolved, padding=1, stride=2), (32, 16, 32, 32), (32, 16, 3, 3)),
    "conv 1x1 64-64 at 16, batch 32": on(convolved, (32, 64, 16, 16), (64, 64, 1, 1)),
    "depthwise 3x3 64 at 16, batch 32": on(partial(convolved, padding=1, groups=64), (32, 64, 16, 16), (64, 1, 3, 3)),
    "max pooling 2x2, 6 at 28, batch 64": on(lambda lib, x: lib.nn.functional.max_pool2d(x, 2), (64, 6, 28, 28)),
    "average pooling 2x2, 6 at 28, batch 64": on(lambda lib, x: lib.nn.functional.avg_pool2d(x, 2), (64, 6, 28, 28)),
    "batch norm 16 at 32, batch 32": of_layer(lambda lib: lib.nn.BatchNorm2d(16), 32, 16, 32, 32),
    "layer norm 1024 x 128": of_layer(lambda lib: lib.nn.LayerNorm(128), 1024, 128),
    "group norm 16 at 16 in 4, batch 32": of_layer(lambda lib: lib.nn.GroupNorm(4, 16), 32, 16, 16, 16),
    "softmax 1024 x 64": of_layer(lambda lib: lib.nn.Softmax(1), 1024, 64),
    "GELU (tanh form) of 500,000": of_layer(lambda lib: lib.nn.GELU("tanh"), 500_000),
    "GELU (exact) of 500,000": of_layer(lambda lib: lib.nn.GELU(), 500_000),
    "SiLU of 500,000": of_layer(lambda lib: lib.nn.SiLU(), 500_000),
    "sigmoid of 500,000": of_layer(lambda lib: lib.nn.Sigmoid(), 500_000),
    "tanh of 500,000": of_layer(lambda lib: lib.nn.Tanh(), 500_000),
    "RNN 64-128, T 20, batch 32": of_layer(partial(recurrence, kind="RNN"), 20, 32, 64),
    "LSTM 64-128, T 20, batch 32": of_layer(partial(recurrence, kind="LSTM"), 20, 32, 64),
    "GRU 64-128, T 20, batch 32": of_layer(partial(recurrence, kind="GRU"), 20, 32, 64),
    "attention 64 heads, T 64, 32 wide": on(partial(attended, causal=False), *[(16, 4, 64, 32)] * 3),
    "attention 64 heads, T 64, causal": on(partial(attended, causal=True), *[(16, 4, 64, 32)] * 3),
    "embedding 2000 x 64 of 6400": on(embedded, (2_000, 64)),
    "cross entropy 128 x 1000": Row(partial(entropy, rows=128, classes=1_000)),
    **{
        f"{name}, 250,000 parameters": Row(partial(update, optimizer=name, size=250_000))
        for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad")
    },
}
