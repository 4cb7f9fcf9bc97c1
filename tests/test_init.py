"""nn.init: distributions, their parameters, repeatability, bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.nn import init

SIZE = (400, 250)  # 100,000 values: the standard error of a mean is 0.3 % of the standard deviation
FAN_IN, FAN_OUT = 250, 400


def drawn(fill, *args, shape=SIZE, dtype="float64", seed=0, **kwargs):
    tensor = minidl.empty(*shape, dtype=getattr(minidl, dtype))
    assert fill(tensor, *args, generator=minidl.Generator().manual_seed(seed), **kwargs) is tensor
    return tensor.numpy()


def assert_uniform(values, low, high):
    assert low <= values.min()
    assert values.max() <= high
    counts, _ = np.histogram(values, bins=20, range=(low, high))
    expected = values.size / 20
    assert (((counts - expected) ** 2) / expected).sum() < 50  # chi-squared of 19 degrees: one seed in 10,000 is above


def assert_normal(values, mean, std):
    z = (values - mean) / std
    edges = np.array([-np.inf, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, np.inf])
    counts, _ = np.histogram(z, bins=edges)
    cdf = np.array([0.5 * (1 + math.erf(edge / math.sqrt(2))) for edge in edges])
    expected = values.size * np.diff(cdf)
    assert (((counts - expected) ** 2) / expected).sum() < 34  # 9 degrees


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_plain_distributions(dtype):
    assert_uniform(drawn(init.uniform_, dtype=dtype), 0, 1)
    assert_uniform(drawn(init.uniform_, -3.0, 2.0, dtype=dtype), -3, 2)
    assert_normal(drawn(init.normal_, dtype=dtype), 0, 1)
    assert_normal(drawn(init.normal_, 5.0, 0.1, dtype=dtype), 5, 0.1)


def test_constants():
    assert init.constant_(minidl.empty(2, 3), 0.5).tolist() == [[0.5] * 3] * 2
    assert init.ones_(minidl.empty(3)).tolist() == [1.0] * 3
    assert init.zeros_(minidl.empty(3)).tolist() == [0.0] * 3
    assert init.eye_(minidl.empty(3, 2)).tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    with pytest.raises(ValueError, match="eye_ fills a matrix"):
        init.eye_(minidl.empty(3))


def test_xavier():
    assert_uniform(drawn(init.xavier_uniform_), *(s * math.sqrt(6 / (FAN_IN + FAN_OUT)) for s in (-1, 1)))
    assert_uniform(drawn(init.xavier_uniform_, 2.0), *(s * 2 * math.sqrt(6 / (FAN_IN + FAN_OUT)) for s in (-1, 1)))
    assert_normal(drawn(init.xavier_normal_), 0, math.sqrt(2 / (FAN_IN + FAN_OUT)))


def test_kaiming():
    bound = math.sqrt(6 / FAN_IN)
    assert_uniform(drawn(init.kaiming_uniform_), -bound, bound)
    bound = math.sqrt(6 / (1 + 0.2**2) / FAN_OUT)
    assert_uniform(drawn(init.kaiming_uniform_, 0.2, "fan_out"), -bound, bound)
    bound = 5 / 3 * math.sqrt(3 / FAN_IN)
    assert_uniform(drawn(init.kaiming_uniform_, nonlinearity="tanh"), -bound, bound)
    assert_normal(drawn(init.kaiming_normal_, nonlinearity="relu"), 0, math.sqrt(2 / FAN_IN))
    field = 5 * 4
    assert_normal(drawn(init.kaiming_normal_, shape=(40, 100, 5, 4)), 0, math.sqrt(2 / (100 * field)))
    with pytest.raises(ValueError, match="mode must be 'fan_in' or 'fan_out', got 'fan'"):
        init.kaiming_uniform_(minidl.empty(2, 2), mode="fan")
    with pytest.warns(UserWarning, match="has no elements"):
        init.kaiming_normal_(minidl.empty(0, 2))
    for fill in (init.kaiming_uniform_, init.kaiming_normal_, init.xavier_uniform_, init.xavier_normal_):
        with pytest.raises(ValueError, match=r"2 or more dimensions, got shape \(3,\)"):
            fill(minidl.empty(3))


def test_fans():
    assert init.fans(minidl.empty(6, 3, 5, 4)) == (60, 120)
    assert init.fans(minidl.empty(2, 7)) == (7, 2)


def test_gains():
    for name in ("linear", "conv1d", "conv_transpose2d", "sigmoid"):
        assert init.calculate_gain(name) == 1
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    assert init.calculate_gain("leaky_relu", 0.5) == math.sqrt(2 / 1.25)
    assert init.calculate_gain("selu") == 0.75
    with pytest.raises(ValueError, match="'gelu'"):
        init.calculate_gain("gelu")
    with pytest.raises(ValueError, match="slope of leaky_relu, must be a number, got True"):
        init.calculate_gain("leaky_relu", True)


@pytest.mark.parametrize(("a", "b"), [(-2.0, 2.0), (-0.5, 0.25), (1.0, 1.5), (1.0, 9.0)])  # few fall into the last ones
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_trunc_normal(a, b, dtype):
    values = drawn(init.trunc_normal_, 0.0, 1.0, a, b, dtype=dtype)
    assert a <= values.min()
    assert values.max() <= b
    edges = np.linspace(a, b, 11)
    cdf = np.array([0.5 * (1 + math.erf(edge / math.sqrt(2))) for edge in edges])
    share = np.diff(cdf) / (cdf[-1] - cdf[0])
    counts, _ = np.histogram(values, bins=edges)
    likely = share * values.size > 5
    assert (((counts - share * values.size) ** 2)[likely] / (share * values.size)[likely]).sum() < 34


def test_trunc_normal_bad_input():
    with pytest.warns(UserWarning, match="more than 2 std away"):
        assert init.trunc_normal_(minidl.empty(3), 0.0, 1.0, 5.0, 6.0).min().item() >= 5
    for bad in ({"std": 0.0}, {"a": 2.0, "b": 1.0}):
        with pytest.raises(ValueError, match="expected std > 0 and a < b"):
            init.trunc_normal_(minidl.empty(3), **bad)
    assert init.trunc_normal_(minidl.empty(0)).shape == (0,)


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (4, 3, 2, 2), (1, 1), (6, 1)])
def test_orthogonal(shape):
    w = drawn(init.orthogonal_, 3.0, shape=shape).reshape(shape[0], -1)
    small = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(small, 9 * np.eye(len(small)), atol=1e-13)


def test_orthogonal_is_uniform():
    """Without the signs of R's diagonal, LAPACK's Q would always have a first element of one sign."""
    signs = [np.sign(drawn(init.orthogonal_, shape=(2, 2), seed=seed)[0, 0]) for seed in range(40)]
    assert {-1.0, 1.0} == set(signs)


def test_orthogonal_bad_input():
    with pytest.raises(ValueError, match="2 or more dimensions"):
        init.orthogonal_(minidl.empty(3))
    assert init.orthogonal_(minidl.empty(0, 3)).shape == (0, 3)


def test_the_same_seed_draws_the_same():
    for fill in (
        init.uniform_, init.normal_, init.trunc_normal_, init.xavier_uniform_, init.xavier_normal_,
        init.kaiming_uniform_, init.kaiming_normal_, init.orthogonal_,
    ):  # fmt: skip
        a, b, c = (drawn(fill, shape=(3, 4), seed=seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)
    minidl.manual_seed(3)
    first = nn.Linear(3, 2).weight.tolist()
    minidl.manual_seed(3)
    assert nn.Linear(3, 2).weight.tolist() == first


def test_parameters_are_filled_without_a_record():
    layer = nn.Linear(3, 2)
    weight = layer.weight
    init.xavier_uniform_(layer.weight)
    init.zeros_(layer.bias)
    init.orthogonal_(layer.weight)
    init.trunc_normal_(layer.weight)
    init.eye_(layer.weight)
    assert layer.weight is weight
    assert weight.is_leaf
    assert weight.requires_grad
    assert weight.tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def test_views_are_filled_in_place():
    base = minidl.zeros(4, 6)
    init.ones_(base[1:3, ::2])
    assert base.sum().item() == 6.0


@pytest.mark.parametrize(
    ("make", "bound"),
    [
        (lambda: nn.Linear(100, 50), 1 / math.sqrt(100)),
        (lambda: nn.Conv2d(8, 16, (3, 5)), 1 / math.sqrt(8 * 15)),
        (lambda: nn.Conv2d(8, 16, 3, groups=4), 1 / math.sqrt(2 * 9)),
        (lambda: nn.RNN(7, 40, num_layers=2, bidirectional=True), 1 / math.sqrt(40)),
    ],
)
def test_layers_start_as_torchs_do(make, bound):
    minidl.manual_seed(0)
    module = make()
    assert_uniform(np.concatenate([param.detach().numpy().ravel() for param in module.parameters()]), -bound, bound)
    for name, param in module.named_parameters():
        assert 0.8 * bound < param.abs().max().item() <= bound, name


def test_a_layer_without_inputs():
    assert nn.Linear(0, 3)(minidl.zeros(2, 0)).shape == (2, 3)
    assert nn.Linear(3, 0)(minidl.zeros(2, 3)).shape == (2, 0)


def test_bounds_are_torchs():
    torch = pytest.importorskip("torch")
    for name in ("linear", "conv3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"):
        assert init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name), rel=1e-15)
    torch.manual_seed(0)
    theirs = torch.empty(*SIZE, dtype=torch.float64)
    for name in ("xavier_uniform_", "kaiming_uniform_", "xavier_normal_", "kaiming_normal_", "trunc_normal_"):
        expected = getattr(torch.nn.init, name)(theirs).numpy().std()
        assert drawn(getattr(init, name)).std() == pytest.approx(expected, rel=0.01), name


# -- what the layers begin with --------------------------------------------------------------------------------------


BOUND = {  # name: (layer, its parameter, the bound of its uniform values)
    "conv1d": (lambda: nn.Conv1d(20, 300, 5), "weight", 1 / math.sqrt(20 * 5)),
    "conv_transpose1d": (lambda: nn.ConvTranspose1d(300, 20, 5), "weight", 1 / math.sqrt(20 * 5)),
    "conv_transpose2d": (lambda: nn.ConvTranspose2d(100, 40, (3, 4), groups=2), "weight", 1 / math.sqrt(20 * 12)),
    "conv_transpose2d_bias": (lambda: nn.ConvTranspose2d(1, 20_000, 1), "bias", 1 / math.sqrt(20_000)),
    "rnn": (lambda: nn.RNN(50, 200), "weight_ih_l0", 1 / math.sqrt(200)),
    "lstm": (lambda: nn.LSTM(50, 100, bidirectional=True), "weight_hh_l0_reverse", 1 / math.sqrt(100)),
    "gru": (lambda: nn.GRU(50, 100, 2), "weight_ih_l1", 1 / math.sqrt(100)),
    "lstm_cell": (lambda: nn.LSTMCell(50, 100), "weight_ih", 1 / math.sqrt(100)),
    "lstm_bias": (lambda: nn.LSTM(1, 5000), "bias_ih_l0", 1 / math.sqrt(5000)),
    "attention": (lambda: nn.MultiheadAttention(120, 4), "in_proj_weight", math.sqrt(6 / (360 + 120))),
    "attention_apart": (lambda: nn.MultiheadAttention(120, 4, kdim=200), "k_proj_weight", math.sqrt(6 / 320)),
    "attention_out": (lambda: nn.MultiheadAttention(120, 4), "out_proj.weight", 1 / math.sqrt(120)),
    "encoder_layer": (lambda: nn.TransformerEncoderLayer(120, 4, 200), "linear1.weight", 1 / math.sqrt(120)),
    "transformer": (
        lambda: nn.Transformer(120, 4, 1, 1, 200), "decoder.layers.0.linear2.weight", math.sqrt(6 / (200 + 120)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOUND)
def test_layers_begin_uniform(name):
    make, param, bound = BOUND[name]
    minidl.manual_seed(0)
    assert_uniform(make().state_dict()[param].numpy(), np.float32(-bound), np.float32(bound))


def test_layers_begin_normal():
    minidl.manual_seed(0)
    words = nn.Embedding(500, 100, padding_idx=3)
    assert words.weight[3].abs().sum().item() == 0
    assert_normal(np.delete(words.weight.detach().numpy(), 3, 0), 0, 1)
    more = nn.MultiheadAttention(5000, 4, add_bias_kv=True).bias_k
    assert_normal(more.detach().numpy(), 0, 1 / math.sqrt(5000))


def test_layers_begin_constant():
    for layer in (
        nn.BatchNorm1d(3),
        nn.BatchNorm2d(3),
        nn.LayerNorm(3),
        nn.GroupNorm(1, 3),
        nn.InstanceNorm1d(3, affine=True),
    ):
        assert layer.weight.tolist() == [1.0] * 3
        assert layer.bias.tolist() == [0.0] * 3
    assert nn.RMSNorm(3).weight.tolist() == [1.0] * 3
    assert nn.PReLU(2, init=0.5).weight.tolist() == [0.5, 0.5]
    attention = nn.MultiheadAttention(4, 2)
    assert attention.in_proj_bias.tolist() == [0.0] * 12
    assert attention.out_proj.bias.tolist() == [0.0] * 4
