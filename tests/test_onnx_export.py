"""Exported models give onnxruntime the numbers that minidl computes, for several sizes; what can't be said is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import Tensor, nn
from minidl.errors import ArgumentError, ArgumentTypeError, NotSupported

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

F = nn.functional


class Written:
    """An exported model: its file, and a session of onnxruntime."""

    def __init__(self, path: Path) -> None:
        self.proto = onnx.load(path)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.operators = [node.op_type for node in self.proto.graph.node]
        self.weights = {each.name: onnx.numpy_helper.to_array(each) for each in self.proto.graph.initializer}

    def __call__(self, *arrays: Any) -> list[Any]:
        names = [value.name for value in self.session.get_inputs()]
        return self.session.run(None, dict(zip(names, arrays, strict=True)))


@pytest.fixture
def exported(tmp_path: Path) -> Callable[..., Written]:
    def export(model: nn.Module, args: Any, **options: Any) -> Written:
        minidl.onnx.export(model, args, tmp_path / "model.onnx", **options)
        return Written(tmp_path / "model.onnx")

    return export


def outputs_of(result: Any) -> list[Any]:
    if isinstance(result, Tensor):
        return [result.numpy()]
    if isinstance(result, dict):
        result = result.values()
    return [array for part in result for array in outputs_of(part)]


def agree(model: nn.Module, written: Written, *arrays: Any, tolerance: float = 1e-5) -> None:
    model.eval()
    with minidl.no_grad():
        expected = outputs_of(model(*map(minidl.tensor, arrays)))
    found = written(*arrays)
    assert len(found) == len(expected)
    for ours, theirs in zip(expected, found, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(theirs, ours, rtol=tolerance, atol=tolerance)


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def tokens(*shape: int, size: int = 11) -> Any:
    return np.random.default_rng(1).integers(0, size, shape)


class Of(nn.Module):
    """A function as a Module, with layers in it."""

    def __init__(self, function: Any, **layers: Any) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.function = function

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self, *args, **kwargs)


# -- models ----------------------------------------------------------------------------------------------------------


class LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class Residual(nn.Module):
    def __init__(self, inside: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inside, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.short = nn.Sequential(nn.Conv2d(inside, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.short(x))


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.out = nn.Conv2d(8, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = F.leaky_relu(self.down1(x), 0.1)
        b = F.elu(self.down2(F.max_pool2d(a, 2)))
        return minidl.sigmoid(self.out(minidl.cat([a, self.up(b)], dim=1)))


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 6, padding_idx=0)
        self.rnn = nn.GRU(6, 5, num_layers=2, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(20, 3)

    def forward(self, x: Tensor) -> Tensor:
        _, h = self.rnn(self.embed(x))
        return self.fc(minidl.cat([h[-2], h[-1], h[0], h[1]], dim=1))


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(11, 8), nn.Embedding(32, 8)
        layer = nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.fc = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x) + self.place(minidl.arange(x.shape[1]))
        return self.fc(self.encoder(h, src_key_padding_mask=x == 0).mean(dim=1))


class Causal(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        n, t, c = x.shape
        q, k, v = (part.view(n, t, 2, c // 2).transpose(1, 2) for part in self.qkv(x).split(c, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return x + self.out(y.transpose(1, 2).reshape(n, t, c))


class Bag(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 6, padding_idx=0)
        self.fc = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        there = (x != 0).float().unsqueeze(2)
        mean = (self.embedding(x) * there).sum(1) / there.sum(1).clamp(min=1)
        return F.log_softmax(self.fc(mean), dim=1)


class Several(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 3), nn.Linear(8, 1)

    def forward(self, x: Tensor, y: Tensor) -> Any:
        h = F.silu(self.trunk(x) + self.trunk(y))
        return {"scores": self.a(h).softmax(-1), "rest": (self.b(h).squeeze(-1), h.argmax(dim=1), x)}


def norms() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.PReLU(), nn.InstanceNorm2d(4, affine=True), nn.Hardswish(),
        nn.Flatten(2), nn.LayerNorm(36), nn.Softplus(), nn.RMSNorm(36), nn.BatchNorm1d(4),
    )  # fmt: skip


def pools() -> nn.Module:
    return nn.Sequential(
        nn.MaxPool2d(3, 2, padding=1, ceil_mode=True), nn.AvgPool2d(2, 1, padding=1), nn.ZeroPad2d((1, 0, 2, 1)),
        nn.AvgPool2d(3, 2, padding=1, count_include_pad=False), nn.ConstantPad2d(1, 2.5), nn.AdaptiveAvgPool2d((3, 2)),
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), nn.PixelUnshuffle(2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def vision() -> nn.Module:
    rows = Of(lambda self, x: self.fc(self.rnn(x.squeeze(1))[0][:, -1]), rnn=nn.RNN(8, 6, nonlinearity="relu",
              batch_first=True), fc=nn.Linear(6, 2))  # fmt: skip
    return rows


def separable() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(4, 8, 3, stride=2, padding=1, dilation=2, groups=4), nn.BatchNorm2d(8, affine=False), nn.ReLU6(),
        nn.Conv2d(8, 6, 1), nn.SELU(), nn.ConvTranspose2d(6, 4, 3, stride=2, output_padding=1, groups=2), nn.GELU(),
        nn.ReflectionPad2d(1), nn.PixelShuffle(2),
    )  # fmt: skip


def temporal() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(3, 8, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(8, 4, 3, stride=2), nn.Tanh(),
        nn.ConvTranspose1d(4, 2, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
    )  # fmt: skip


def reader() -> nn.Module:
    return Of(lambda self, x: self.fc(self.lstm(x)[0][:, -1]), lstm=nn.LSTM(6, 5, num_layers=2, batch_first=True),
              fc=nn.Linear(5, 2))  # fmt: skip


def stateful() -> nn.Module:
    return Of(lambda self, x, h, c: self.lstm(x, (h, c)), lstm=nn.LSTM(3, 4, bias=False))


def image(*shape: int) -> Callable[[int], list[Any]]:
    return lambda n: [normal(n, *shape)]


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[int], list[Any]], list[str]]] = {
    "mlp": (lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 3)), image(4), ["Gemm"]),
    "lenet": (LeNet, image(1, 28, 28), ["Conv", "MaxPool", "Gemm"]),
    "residual": (lambda: nn.Sequential(Residual(3, 4, 1), Residual(4, 6, 2)), image(3, 8, 8), ["BatchNormalization"]),
    "unet": (UNet, image(1, 8, 8), ["ConvTranspose", "Concat"]),
    "temporal": (temporal, image(3, 20), ["Conv"]),
    "rnn": (vision, image(1, 8, 8), ["RNN"]),
    "lstm": (reader, image(7, 6), ["LSTM"]),
    "states": (stateful, lambda n: [normal(5, n, 3), normal(1, n, 4), normal(1, n, 4, seed=1)], ["LSTM"]),
    "gru": (Gated, lambda n: [tokens(n, 7)], ["GRU"]),
    "transformer": (Encoder, lambda n: [tokens(n, 6)], ["Softmax", "LayerNormalization"]),
    "causal": (Causal, image(6, 8), ["Softmax"]),
    "bag": (Bag, lambda n: [tokens(n, 9)], ["Gather"]),
    "several": (Several, lambda n: [normal(n, 4), normal(n, 4, seed=1)], ["ArgMax"]),
    "norms": (norms, image(3, 8, 8), ["LayerNormalization", "BatchNormalization"]),
    "pools": (pools, image(2, 15, 16), ["MaxPool", "AveragePool", "Pad", "GlobalAveragePool"]),
    "separable": (separable, image(4, 9, 9), ["Conv", "ConvTranspose"]),
    "scaled": (
        lambda: nn.Sequential(minidl.data.StandardScaler(3).fit(normal(20, 3) * 5 + 2), nn.Linear(3, 1)), image(3),
        ["Sub", "Div"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("opset", [17, None])
def test_a_model_gives_onnxruntimes_numbers_at_two_batch_sizes(
    name: str, opset: int | None, exported: Callable[..., Written]
) -> None:
    make, inputs, operators = MODELS[name]
    minidl.manual_seed(3)
    model = make()
    for buffer in model.named_buffers():
        if buffer[0].endswith("running_var"):
            buffer[1].data = buffer[1] + minidl.rand(*buffer[1].shape)
    axes = {f"input_{k}": {1: "batch"} for k in range(3)} if name == "states" else None
    given = tuple(map(minidl.tensor, inputs(2)))
    newest = 22  # what onnxruntime supports
    written = exported(model, given, opset_version=opset or newest, dynamic_axes=axes)
    assert written.proto.opset_import[0].version == (opset or newest)
    assert set(operators) <= set(written.operators)
    for n in (1, 5):
        agree(model, written, *inputs(n))
    state = {key: value.numpy() for key, value in model.state_dict().items()}
    for key, value in written.weights.items():
        if not key.rpartition("/")[2].startswith("constant"):
            np.testing.assert_array_equal(value, state[key])
    missing = {name for name, _ in model.named_parameters()} - set(written.weights)
    assert not missing


# -- sizes, names, what stands in the file ---------------------------------------------------------------------------

IMAGES = {"input": {0: "batch", 2: "height", 3: "width"}}
TIMES = {"input": {0: "batch", 1: "time"}}


def masked_layer() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        hidden = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.layer(x, src_mask=hidden, is_causal=True)

    return Of(forward, layer=nn.TransformerEncoderLayer(8, 2, 8, batch_first=True))


def pyramid() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2),
    )  # fmt: skip


FREE: dict[str, tuple[Callable[[], nn.Module], Any, Any, dict[str, Any]]] = {
    "unet": (UNet, normal(2, 1, 8, 8), normal(3, 1, 12, 16), IMAGES),
    "pyramid": (pyramid, normal(1, 1, 16, 16), normal(3, 1, 24, 20), IMAGES),
    "lstm": (reader, normal(2, 5, 6), normal(3, 9, 6), TIMES),
    "causal": (Causal, normal(2, 6, 8), normal(3, 9, 8), TIMES),
    "mask": (masked_layer, normal(2, 5, 8), normal(1, 9, 8), TIMES),
    "places": (Encoder, tokens(2, 6), tokens(3, 9), TIMES),
    "time alone": (reader, normal(3, 5, 6), normal(3, 2, 6), {"input": {1: "time"}}),
}


@pytest.mark.parametrize("name", FREE)
def test_several_sizes_may_change(name: str, exported: Callable[..., Written]) -> None:
    make, example, other, axes = FREE[name]
    minidl.manual_seed(5)
    model = make()
    written = exported(model, minidl.tensor(example), dynamic_axes=axes)
    agree(model, written, example)
    agree(model, written, other)
    (value,) = written.session.get_inputs()
    assert [size for size in value.shape if isinstance(size, str)] == list(axes["input"].values())


def test_fixed_sizes_are_fixed(exported: Callable[..., Written]) -> None:
    """A loop over the batch is then written step by step."""
    model = Of(lambda self, x: minidl.stack([self.fc(x[k]) * (k + 1) for k in range(len(x))]), fc=nn.Linear(4, 2))
    written = exported(model, minidl.tensor(normal(3, 4)), dynamic_axes={})
    assert written.session.get_inputs()[0].shape == [3, 4]
    agree(model, written, normal(3, 4, seed=7))


def test_the_file_says_what_it_holds(exported: Callable[..., Written]) -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    axes = {"pixels": {0: "images"}, "scores": {0: "images"}}
    written = exported(
        model, normal(2, 4), input_names=["pixels"], output_names=["scores"], dynamic_axes=axes,
        metadata={"classes": ["a", "b", "c"], "about": "a test"},
    )  # fmt: skip
    told = {each.key: each.value for each in written.proto.metadata_props}
    assert json.loads(told["inputs"]) == [{"name": "pixels", "shape": ["images", 4], "dtype": "float32"}]
    assert json.loads(told["outputs"]) == [{"name": "scores", "shape": ["images", 3], "dtype": "float32"}]
    assert json.loads(told["classes"]) == ["a", "b", "c"]
    assert told["about"] == "a test"
    assert written.session.get_modelmeta().producer_name == "minidl"
    assert written.session.get_modelmeta().custom_metadata_map == told


def test_the_normalisation_comes_first(exported: Callable[..., Written]) -> None:
    scaler = minidl.data.StandardScaler(3).fit(normal(20, 3) * 5 + 2)
    written = exported(nn.Sequential(scaler, nn.Linear(3, 1)), normal(2, 3))
    assert written.operators[:3] == ["Sub", "Div", "Gemm"]
    assert set(written.weights) == {"0.shift", "0.scale", "1.weight", "1.bias"}


def test_the_model_stays_as_it_was(exported: Callable[..., Written]) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.BatchNorm1d(4))
    model[1].eval()
    before = {name: x.numpy().copy() for name, x in model.state_dict().items()}
    exported(model, normal(3, 4))
    assert [module.training for module in model.modules()] == [True, True, False, True]
    assert model[0].weight.requires_grad and model[0].weight.grad is None
    for name, x in model.state_dict().items():
        np.testing.assert_array_equal(x.numpy(), before[name])


def test_a_shared_weight_is_written_once(exported: Callable[..., Written]) -> None:
    model = Of(lambda self, x: self.out(self.embed(x)), embed=nn.Embedding(11, 4), out=nn.Linear(4, 11, bias=False))
    model.out.weight = model.embed.weight
    written = exported(model, tokens(2, 3))
    assert [name for name in written.weights if "weight" in name] == ["embed.weight"]
    agree(model, written, tokens(4, 3))


def test_arguments_by_name_and_nested_ones(exported: Callable[..., Written]) -> None:
    model = Of(lambda self, x, states, scale: [self.rnn(x, states)[0] * scale["by"], states[1]], rnn=nn.LSTM(3, 4))
    x, h, c = normal(5, 1, 3), normal(1, 1, 4), normal(1, 1, 4, seed=2)
    written = exported(model, (x, (h, c), {"scale": {"by": 2.0}}), dynamic_axes={})
    model.eval()
    found, second = written(x, h, c)
    np.testing.assert_allclose(found, model(*map(minidl.tensor, [x]), (minidl.tensor(h), minidl.tensor(c)),
                                            scale={"by": 2.0})[0].detach().numpy(), atol=1e-6)  # fmt: skip
    np.testing.assert_array_equal(second, c)


# -- operations ------------------------------------------------------------------------------------------------------


def changed_in_place(x: Tensor) -> Tensor:
    y = x * 1
    y[:, 0] = 0.5
    y[y < 0] = 0.25
    y[..., 1:3] = x[..., :2]
    y += x
    return y.relu_()


OPERATIONS: dict[str, Callable[[Tensor], Any]] = {
    "slices": lambda x: (x[:, 0], x[:, -1], x[..., 1:3], x[:, None, ::2], x[:1], x[None, ..., 0], x[:, 1, None, 2]),
    "arrays": lambda x: (x[:, [0, 2]], x[:, [0, 2], [1, 3]], x[:, 1, [0, 2]], x[[1, 0]], x[:, [[0, 1], [2, 0]]]),
    "rows": lambda x: x[minidl.arange(x.shape[0]), x[:, :, 0].argmax(1)],
    "mask": lambda x: (x[x > 0], minidl.masked_select(x, x > 0)),
    "parts": lambda x: (*x.unbind(1), *x.chunk(2, -1), *x.split([1, 3], 2), x.narrow(1, 1, 2), x.select(2, -1)),
    "gather": lambda x: (x.gather(1, x.argmax(1, keepdim=True)), x.sort(2), x.topk(2, -1), x.max(1), x.argsort(0)),
    "shapes": lambda x: (x.flatten(1), x.reshape(-1, 4), x.reshape(x.shape[0] * 3, 2, 2), x.permute(2, 0, 1),
                         x.transpose(0, 1).reshape(3, -1), x[:, :1].expand(-1, 5, -1), x.repeat(2, 1, 3)),
    "joined": lambda x: (minidl.cat([x, x]), minidl.cat([minidl.ones(x.shape[0], 1, 4), x], 1), minidl.stack([x, x])),
    "pad": lambda x: (F.pad(x, (1, 2)), F.pad(x, (1, 2, 0, 1), value=5.0), F.pad(x, (1, 2), mode="reflect"),
                      F.pad(x, (-1, 2))),
    "diagonals": lambda x: (x.tril(), x.triu(1), x.diagonal(1, 1, 2), x.flip((0, 2)), x.roll(1, 1)),
    "choices": lambda x: (x.clamp(-0.5, 0.5), minidl.where(x > 0, x, -1.0), x.masked_fill(x < 0, 0.5)),
    "sizes": lambda x: (x / x.shape[0], minidl.arange(x.shape[0])[:, None] * x[:, 0], minidl.zeros(x.shape[0], 2),
                        x.sum(1) / len(x)),
    "one hot": lambda x: F.one_hot(x.argmax(2), 4),
    "products": lambda x: (x @ x.mT, x @ minidl.ones(4), minidl.einsum("bij,bkj->bik", x, x),
                           x[:, :, None] * x[:, None]),
    "statistics": lambda x: (x.var(0), x.std(1), x.norm(2, 1), x.logsumexp(2), x - x.mean(0), x.sum(), (x > 0).any(1),
                             (x > 0).all(), x.cumsum(1), x.prod(2)),
    "comparison": lambda x: (x > 0, x != x[0], (x > 0) & (x < 1), ~(x > 0), minidl.logical_xor(x, x > 0)),
    "types": lambda x: (x.double().exp(), x.int() * 2, x.long() // 2, x.long() % 3, x.bool()),
    "in place": changed_in_place,
    "activations": lambda x: [f(x) for f in (
        F.relu6, F.elu, F.selu, F.celu, F.hardtanh, F.hardsigmoid, F.hardswish, F.mish, F.softplus, F.softsign, F.silu,
        F.gelu, F.logsigmoid, F.tanhshrink, F.softshrink, F.hardshrink, F.glu)],
    "functions": lambda x: [f(x) for f in (
        minidl.exp, minidl.expm1, minidl.sin, minidl.tan, minidl.asinh, minidl.erf, minidl.erfc, minidl.sign,
        minidl.round, minidl.trunc, minidl.frac, minidl.atan, minidl.isfinite, minidl.square)],
    "positive": lambda x: [f(x.abs() + 0.5) for f in (
        minidl.log, minidl.log1p, minidl.log2, minidl.log10, minidl.sqrt, minidl.rsqrt, minidl.reciprocal)],
    "pairs": lambda x: [f(x, x.flip((2,)) + 0.1) for f in (
        minidl.atan2, minidl.hypot, minidl.fmod, minidl.remainder, minidl.floor_divide, minidl.maximum,
        minidl.logaddexp, minidl.copysign, minidl.fmin)],
    "pools": lambda x: (F.max_pool1d(x, 2), F.avg_pool1d(x, 2, 1, 1), F.adaptive_max_pool1d(x, 1),
                        F.adaptive_max_pool1d(x, 2), F.lp_pool1d(x.abs(), 2, 2)),
    "resized": lambda x: (F.interpolate(x, scale_factor=2), F.interpolate(x, size=7, mode="linear")),
    "masked attention": lambda x: F.scaled_dot_product_attention(x, x, x, attn_mask=(x @ x.mT) > 1.5),
    "similarity": lambda x: (F.normalize(x, dim=1), F.cosine_similarity(x, x * 2 + 1, dim=2)),
    "rows and a matrix": lambda x: minidl.addmm(x[0, 0], x[0], x[0].mT @ x[0]),
    "no input": lambda x: (minidl.ones(3), x),
}  # fmt: skip


@pytest.mark.parametrize("opset", [13, 17, 22])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_gives_onnxruntimes_numbers(name: str, opset: int, exported: Callable[..., Written]) -> None:
    if opset == 13 and name == "diagonals":
        return  # Trilu came with 14; constants of a fixed size need none
    model = Of(lambda self, x: OPERATIONS[name](x))
    example = normal(2, 3, 4)
    written = exported(model, minidl.tensor(example), opset_version=opset)
    agree(model, written, example)
    agree(model, written, normal(3, 3, 4, seed=1))


def test_rare_cases_are_in_the_graph_though_no_example_shows_them(exported: Callable[..., Written]) -> None:
    model = Of(
        lambda self, x, y: (
            F.cosine_similarity(x, y, dim=2),
            F.scaled_dot_product_attention(x, x, x, attn_mask=y > -2),
            F.multi_head_attention_forward(
                x, x, x, 4, 2, minidl.ones(12, 4), None, None, None, False, 0.0, minidl.ones(4, 4), None,
                need_weights=False, key_padding_mask=(y[:, :, 0] > 2).transpose(0, 1),
            )[0],
        )
    )  # fmt: skip
    x, y = normal(4, 4, 4), normal(4, 4, 4, seed=1).clip(-1, 1)
    written = exported(model, (x, y), dynamic_axes={})
    agree(model, written, x, y)
    x[0], y[1, 2:] = 0, -3  # vectors without a length, queries that see no key
    agree(model, written, x, y)


def test_indices_of_pooling_count_in_their_plane(exported: Callable[..., Written]) -> None:
    model = Of(lambda self, x: F.max_pool2d(x, 2, return_indices=True))
    agree(model, exported(model, normal(2, 3, 4, 6)), normal(3, 3, 4, 6, seed=1))


# -- what a graph can't say ------------------------------------------------------------------------------------------


def branch(x: Tensor) -> Tensor:
    if x.sum() > 0:
        return x
    return -x


def shorter(x: Tensor) -> Tensor:
    return x[:2] if x.shape[0] > 5 else x


def view_changed(x: Tensor) -> Tensor:
    y = x * 1
    row = y[0]
    row += 1.0
    return y * 2


REFUSED: dict[str, tuple[Callable[[Tensor], Any], str]] = {
    "a branch": (branch, "if x.sum.. > 0:"),
    "a number": (lambda x: x * x.max().item(), r"x.max\(\).item\(\)"),
    "an int": (lambda x: x[: int(x.sum().abs())], "int"),
    "numpy": (lambda x: minidl.tensor(np.sort(x.numpy())), "np.sort"),
    "a ufunc of NumPy": (lambda x: np.cbrt(x), "np.cbrt"),
    "a list": (lambda x: minidl.tensor(x.tolist()), "tolist"),
    "membership": (lambda x: x * (1.0 in x), "1.0 in x"),
    "a loop over the batch": (lambda x: sum(row for row in x), "for row in x"),
    "a size that decides": (shorter, "x.shape.0. > 5"),
    "drawn numbers": (lambda x: x + minidl.rand(4), "add .layer Of .Of., test_onnx_export.py:.*minidl.rand"),
    "signs": (lambda x: minidl.signbit(x), "output 'output' .what the model returns.: an array"),
    "places": (lambda x: minidl.nonzero(x), "output 'output' .what the model returns.: an array"),
    "singular values": (lambda x: minidl.linalg.norm(x, ord="nuc"), "svd .*ONNX has no operator"),
    "a view that changes": (view_changed, "in place"),
    "scatter": (lambda x: x.scatter(1, x.argsort(1), x), "setitem .*arrays of indices"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_graph_cant_say_is_named_with_its_line(name: str, tmp_path: Path) -> None:
    function, message = REFUSED[name]
    model = Of(lambda self, x: function(x))
    with pytest.raises(NotSupported, match=message) as caught:
        minidl.onnx.export(model, minidl.tensor(normal(4, 4)), tmp_path / "model.onnx")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, NotImplementedError)
    assert not list(tmp_path.iterdir())


def test_packed_sequences_are_refused_by_layer(tmp_path: Path) -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, [5, 3], batch_first=True)
        return self.rnn(packed)[1]

    with pytest.raises(NotSupported, match=r"gru \(layer rnn \(GRU\).*packed sequences"):
        minidl.onnx.export(Of(forward, rnn=nn.GRU(4, 3)), normal(2, 5, 4), tmp_path / "model.onnx", dynamic_axes={})


def test_python_may_look_at_weights_and_sizes(exported: Callable[..., Written]) -> None:
    model = Of(lambda self, x: self.fc(x) if self.fc.bias.sum() < 99 and x.shape[1] == 4 else x, fc=nn.Linear(4, 2))
    agree(model, exported(model, normal(2, 4)), normal(3, 4))


SLIPS: dict[str, tuple[dict[str, Any], type, str]] = {
    "names": ({"input_names": ["a", "b"]}, ArgumentError, "input_names: got .*expected 1"),
    "a text": ({"input_names": "x"}, ArgumentTypeError, "input_names: got 'x', expected a list"),
    "no outputs": ({"output_names": []}, ArgumentError, "output_names"),
    "an unknown name": ({"dynamic_axes": {"y": {0: "b"}}}, ArgumentError, "'y', expected one of input, output"),
    "an axis": ({"dynamic_axes": {"input": {5: "b"}}}, ArgumentError, "2 dimensions, got axis 5"),
    "an axis name": ({"dynamic_axes": {"input": {0: 3}}}, ArgumentTypeError, "got 3 for axis 0"),
    "an old opset": ({"opset_version": 3}, ArgumentError, "opset_version: got 3, expected 13 to"),
    "a text as opset": ({"opset_version": "17"}, ArgumentError, "opset_version: got '17'"),
    "a weight's name": ({"input_names": ["weight"]}, ArgumentError, "'weight' is the name of a parameter"),
    "one name twice": ({"output_names": ["input"]}, ArgumentError, "'input' is the name of an input"),
    "metadata": ({"metadata": {"a": object()}}, ArgumentTypeError, "metadata: .*JSON"),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_told(name: str, tmp_path: Path) -> None:
    options, kind, message = SLIPS[name]
    with pytest.raises(kind, match=message):
        minidl.onnx.export(nn.Linear(4, 2), normal(2, 4), tmp_path / "model.onnx", **options)
    assert not list(tmp_path.iterdir())


def test_a_function_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ArgumentTypeError, match="model is a function, expected an nn.Module"):
        minidl.onnx.export(minidl.exp, normal(2), tmp_path / "model.onnx")


def test_one_name_for_two_sizes_is_refused(tmp_path: Path) -> None:
    model = Of(lambda self, a, b: (a, b))
    with pytest.raises(ArgumentError, match="'batch' is 2 in input_0 and 3 in input_1"):
        minidl.onnx.export(model, (normal(2, 4), normal(3, 4)), tmp_path / "model.onnx")


def test_a_size_that_can_not_change_is_told(tmp_path: Path) -> None:
    model = Of(lambda self, x: x + minidl.ones(4, 1, 7))
    with pytest.raises(NotSupported, match="does not run with other sizes of time: .*dynamic_axes"):
        minidl.onnx.export(model, normal(4, 7), tmp_path / "m.onnx", dynamic_axes={"input": {1: "time"}})


def test_without_the_package_the_error_says_how_to_get_it() -> None:
    code = """
import sys
sys.modules["onnx"] = None
import minidl
try:
    minidl.onnx.export(minidl.nn.Linear(1, 1), minidl.ones(1, 1), "model.onnx")
except minidl.errors.ArgumentError as error:
    print(error)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(minidl.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == 'ONNX files need the package onnx: pip install "minidl[onnx]"\n'
