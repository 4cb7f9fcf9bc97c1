"""The functions of ring 1 and the methods of Tensor: values, types, shapes, gradients and errors are PyTorch's.

The expressions are in expressions.py; what PyTorch 2.13 made of them in golden/functions.json.gz, which
`python tests/test_functions.py` computes anew where torch is installed.
"""

from __future__ import annotations

import gzip
import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from expressions import CONSTANTS, ERRORS, EXPRESSIONS, inputs, lines

import minidl
from minidl import nn
from minidl.errors import MinidlError

F = nn.functional
GOLDEN = Path(__file__).parent / "golden" / "functions.json.gz"
ROWS = [row for text in EXPRESSIONS.values() for row in lines(text)]
TOLERANCE = {"float64": 1e-11, "float32": 2e-6, "float16": 2e-3}


def evaluate(m: Any, row: str, dtype: Any = np.float64) -> tuple[Any, dict[str, Any]]:
    """Return the value of an expression in library m, and its Tensors by name, the floating ones of this dtype."""
    tensors = {}
    for name, array in inputs().items():
        floating = array.dtype.kind == "f"
        tensors[name] = m.as_tensor(array.astype(dtype) if floating else array)
        if floating and name not in CONSTANTS:
            tensors[name].requires_grad_()
    return eval(row, {"m": m, "F": m.nn.functional, "np": np, **tensors}), tensors


def parts_of(value: Any) -> list[Any]:
    """Return the Tensors and plain values in what an expression gave."""
    if isinstance(value, (tuple, list)):
        return [part for element in value for part in parts_of(element)]
    return [value]


def described(x: Any) -> Any:
    """Return a Tensor as dtype, shape, whether it requires grad, and values; anything else as its text."""
    if not hasattr(x, "requires_grad"):
        return str(x)
    values = np.asarray(x.detach().tolist()).ravel().tolist()
    return {
        "dtype": str(x.dtype).removeprefix("torch."), "shape": list(x.shape), "grad": x.requires_grad, "values": values,
    }  # fmt: skip


def outcome(m: Any, row: str, dtype: Any = np.float64) -> dict[str, Any]:
    """Return all that is compared: the kind of value, its parts, and the gradients of a weighted sum of them."""
    value, tensors = evaluate(m, row, dtype)
    kind = "tuple" if isinstance(value, tuple) else "list" if isinstance(value, list) else "one"
    parts, total = parts_of(value), None
    for part in parts:
        if getattr(part, "requires_grad", False):
            weights = m.as_tensor(np.cos(np.arange(math.prod(part.shape))).reshape(tuple(part.shape)))
            weighted = (part.double() * weights).sum()
            total = weighted if total is None else total + weighted
    if total is not None:
        total.backward()
    gradients = {name: described(x.grad) for name, x in tensors.items() if x.grad is not None}
    return {"kind": kind, "parts": [described(part) for part in parts], "gradients": gradients}


def assert_same(found: Any, expected: Any, rtol: float | None = None) -> None:
    """Assert that two descriptions are equal but for rounding."""
    if isinstance(expected, str):
        assert found == expected
        return
    assert found["shape"] == expected["shape"] and found["grad"] == expected["grad"]
    if rtol is None:
        assert found["dtype"] == expected["dtype"]
        rtol = TOLERANCE.get(expected["dtype"], 0)
    finite = [abs(v) for v in expected["values"] if math.isfinite(v)]
    np.testing.assert_allclose(found["values"], expected["values"], rtol=rtol, atol=rtol * max([1.0, *finite]))


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    with gzip.open(GOLDEN, "rt") as file:
        return json.load(file)


def test_golden_figures_are_those_of_the_rows(golden: dict[str, Any]) -> None:
    assert list(golden) == ROWS


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_row(row: str, golden: dict[str, Any]) -> None:
    found, expected = outcome(minidl, row), golden[row]
    assert found["kind"] == expected["kind"]
    assert set(found["gradients"]) == set(expected["gradients"])
    for a, b in zip(found["parts"], expected["parts"], strict=True):
        assert_same(a, b)
    for name, gradient in expected["gradients"].items():
        assert_same(found["gradients"][name], gradient, 2e-6 if "float32" in row or ".float()" in row else None)


# exp(300) overflows in float32, the others name a type
FLOAT32_ROWS = [row for row in ROWS if not any(word in row for word in ("np.", "float", "double", "half", "exp(W)"))]


@pytest.mark.parametrize("row", FLOAT32_ROWS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_row_in_float32(row: str, golden: dict[str, Any]) -> None:
    found, expected = outcome(minidl, row, np.float32), golden[row]
    for a, b in zip(found["parts"], expected["parts"], strict=True):
        if isinstance(b, dict):
            assert a["dtype"] == ("float32" if b["dtype"] == "float64" else b["dtype"])
            assert_same(a, b, 1e-3 if "1e4" in row else 2e-5)
    for name, gradient in expected["gradients"].items():
        assert found["gradients"][name]["dtype"] == "float32"
        assert_same(found["gradients"][name], gradient, 1e-3 if "1e4" in row else 5e-5)


# -- errors ----------------------------------------------------------------------------------------------------------

REFUSED = [(row, error) for error, text in ERRORS.items() for row in lines(text)]


@pytest.mark.parametrize(("row", "error"), REFUSED, ids=[row for row, _ in REFUSED])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_pytorch_refuses_is_refused_with_the_same_class(row: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        evaluate(minidl, row)
    if isinstance(caught.value, MinidlError):
        message = str(caught.value)
        assert len(message) > 15 and "\n" not in message


@pytest.mark.parametrize(("row", "error"), REFUSED, ids=[row for row, _ in REFUSED])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pytorch_refuses_it_so(row: str, error: type[Exception]) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(error):
        evaluate(torch, row)


# -- warnings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss])
def test_a_loss_of_unequal_shapes_warns_and_broadcasts(loss: Any) -> None:
    """(n, 1) against (n) makes n² differences, which is rarely meant."""
    x, y = minidl.tensor([[1.0], [2.0]]), minidl.tensor([1.0, 2.0])
    with pytest.warns(UserWarning, match=r"target's shape \(2,\) differs from the input's \(2, 1\)") as caught:
        assert loss(x, y).item() == 0.5
    assert caught[0].filename == __file__
    loss(x.squeeze(-1), y)


# -- numerically sound -----------------------------------------------------------------------------------------------

EXTREMES = np.array([-np.inf, -1e38, -1000.0, -30.0, -1e-30, -0.0, 0.0, 1e-30, 30.0, 1000.0, 1e38, np.inf, np.nan])


@pytest.mark.parametrize("function", [
    F.relu, F.leaky_relu, F.gelu, F.silu, F.softplus, minidl.sigmoid, minidl.tanh, minidl.exp, minidl.log1p, minidl.erf,
    minidl.sqrt, minidl.rsqrt, minidl.square, minidl.expm1, lambda x: F.gelu(x, approximate="tanh"),
])  # fmt: skip
@pytest.mark.parametrize("dtype", [minidl.float32, minidl.float64])
def test_activations_do_not_overflow_into_nan(function: Any, dtype: Any) -> None:
    """Where the limit exists, the value is the limit; NaN stays NaN."""
    x = minidl.tensor(EXTREMES, dtype=dtype, requires_grad=True)
    y = function(x)
    (dx,) = minidl.autograd.grad(y.sum(), x)
    assert math.isnan(y[-1].item())
    finite = np.isfinite(EXTREMES) & ~np.isnan(y.detach().numpy())
    assert np.isfinite(EXTREMES).sum() - finite.sum() in (0, 3, 4)  # log1p and √ of negative numbers
    assert not np.isnan(dx.numpy()[finite & (np.abs(EXTREMES) < 1e30)]).any()


def test_softmax_and_relatives_of_large_scores() -> None:
    for scale in (1e4, 1e30):
        x = (minidl.tensor([[1.0, 2.0, -3.0], [0.0, 0.0, 0.0]]) * scale).requires_grad_()
        loss = F.cross_entropy(x, minidl.tensor([1, 2]), reduction="none")
        assert loss[0].item() == 0.0 and loss[1].item() == pytest.approx(math.log(3))
        loss.sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), [[0, 0, 0], [1 / 3, 1 / 3, -2 / 3]], atol=1e-6)
        assert minidl.logsumexp(x, 1)[0].item() == pytest.approx(2 * scale)


def test_masked_scores_of_minus_infinity() -> None:
    x = minidl.tensor([[1.0, -math.inf, 2.0]], dtype=minidl.float64, requires_grad=True)
    assert x.softmax(1)[0, 1].item() == 0.0
    F.cross_entropy(x, minidl.tensor([0])).backward()
    assert x.grad[0, 1].item() == 0.0 and math.isfinite(x.grad.sum().item())


def test_variance_of_numbers_with_a_large_mean() -> None:
    """In two passes: E[x²] - E[x]² would lose every digit."""
    x = minidl.tensor([1e8, 1e8 + 1, 1e8 + 2], dtype=minidl.float64)
    assert x.var().item() == pytest.approx(1.0)
    assert minidl.tensor([4096.0, 4097.0, 4098.0]).var().item() == 1.0


@pytest.mark.parametrize("scale", [1e-37, 1.0, 1e18, 1e19, 1e37])
@pytest.mark.parametrize("norm", [
    lambda x: F.layer_norm(x, (8,)), lambda x: F.rms_norm(x, (8,), eps=1e-5), lambda x: F.group_norm(x, 2),
    lambda x: F.batch_norm(x, None, None, training=True), lambda x: F.instance_norm(x.reshape(2, 2, 8)),
])  # fmt: skip
def test_normalisation_of_rows_whose_squares_overflow(norm: Any, scale: float) -> None:
    values = (np.random.default_rng(0).standard_normal((4, 8)) * scale).astype(np.float32)
    answers = []
    for dtype in (minidl.float32, minidl.float64):
        x = minidl.tensor(values, dtype=dtype, requires_grad=True)
        y = norm(x)
        (y * minidl.arange(32.0, dtype=dtype).cos().reshape(y.shape)).sum().backward()
        answers.append((y.detach().numpy(), x.grad.numpy()))
    for found, expected in zip(*answers, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=5e-6 * np.abs(expected).max())


def test_scores_far_out_keep_their_digits() -> None:
    """x - ln(1 + e^x) would lose e^-30, the loss of a score that is right by far."""
    x = minidl.tensor([-30.0, 30.0], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, minidl.tensor([0.0, 1.0]), reduction="none")
    loss.sum().backward()
    e = math.exp(-30)
    np.testing.assert_allclose(loss.detach().numpy(), [e, e], rtol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), [e, -e], rtol=1e-6)
    y = minidl.tensor([-30.0], requires_grad=True)
    F.elu(y).sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), [e], rtol=1e-6)


def test_sums_of_many_float32_numbers_keep_their_digits() -> None:
    x = minidl.full((1_000_000,), 0.1)
    assert x.sum().item() == pytest.approx(100_000, rel=1e-6)
    assert x.mean().item() == pytest.approx(0.1, rel=1e-6)


# -- random numbers --------------------------------------------------------------------------------------------------


def stream(seed: int = 0) -> Any:
    return minidl.Generator().manual_seed(seed)


def test_distributions() -> None:
    g = stream()
    n = 20_000
    u = minidl.rand(n, generator=g).numpy()
    assert 0 <= u.min() and u.max() < 1 and abs(u.mean() - 0.5) < 0.01 and abs(u.var() - 1 / 12) < 0.003
    z = minidl.randn(n, generator=g).numpy()
    assert abs(z.mean()) < 0.03 and abs(z.std() - 1) < 0.02
    k = minidl.randint(2, 5, (n,), generator=g).numpy()
    assert set(k) == {2, 3, 4} and k.dtype == np.int64
    assert abs(minidl.bernoulli(minidl.full((n,), 0.3), generator=g).mean().item() - 0.3) < 0.02
    assert abs(minidl.normal(3.0, 2.0, (n,), generator=g).mean().item() - 3) < 0.05
    w = minidl.multinomial(minidl.tensor([1.0, 0.0, 3.0]), n, replacement=True, generator=g).numpy()
    assert set(w) == {0, 2} and abs((w == 2).mean() - 0.75) < 0.02
    x = minidl.empty(n).uniform_(-2, 3, generator=g).numpy()
    assert -2 <= x.min() and x.max() < 3 and abs(x.mean() - 0.5) < 0.05
    assert abs(minidl.empty(n).normal_(1.0, 0.5, generator=g).std().item() - 0.5) < 0.02
    assert abs(minidl.empty(n).bernoulli_(0.25, generator=g).mean().item() - 0.25) < 0.02
    assert abs(minidl.bernoulli(minidl.zeros(n), 0.7, generator=g).mean().item() - 0.7) < 0.02
    e = minidl.empty(n).exponential_(2.0, generator=g)
    assert e.min().item() >= 0 and abs(e.mean().item() - 0.5) < 0.02 and abs(e.std().item() - 0.5) < 0.02
    c = minidl.empty(n).cauchy_(1.0, 2.0, generator=g).numpy()
    np.testing.assert_allclose(np.quantile(c, [0.25, 0.5, 0.75]), [-1, 1, 3], atol=0.15)
    k = minidl.empty(n).geometric_(0.3, generator=g)
    assert k.min().item() == 1 and abs(k.mean().item() - 1 / 0.3) < 0.1
    z = minidl.empty(n).log_normal_(0.5, 0.7, generator=g).log()
    assert abs(z.mean().item() - 0.5) < 0.03 and abs(z.std().item() - 0.7) < 0.02
    r = minidl.empty(n, dtype=minidl.uint8).random_(3, generator=g).numpy()
    assert np.abs(np.bincount(r) / n - 1 / 3).max() < 0.02
    assert minidl.randint_like(minidl.zeros(n), 2, 4, generator=g).unique().tolist() == [2.0, 3.0]


def test_draws_without_replacement() -> None:
    """The first is drawn by the weights, the second by those that are left; weights of 0 come last."""
    rows = minidl.tensor([0.2, 0.3, 0.5]).expand(20_000, 3)
    drawn = minidl.multinomial(rows, 2, generator=stream()).numpy()
    np.testing.assert_allclose(np.bincount(drawn[:, 0]) / 20_000, [0.2, 0.3, 0.5], atol=0.02)
    assert abs((drawn == [2, 1]).all(1).mean() - 0.5 * 0.3 / 0.5) < 0.02
    assert minidl.multinomial(minidl.tensor([0.0, 1.0]), 2).tolist() == [1, 0]
    assert minidl.multinomial(minidl.tensor([3e38, 3e38]), 1, True).shape == (1,)


def test_a_seed_repeats_every_draw() -> None:
    def draws() -> list[Any]:
        minidl.manual_seed(7)
        p = minidl.tensor([0.2, 0.8])
        drawn = [
            minidl.rand(3), minidl.randn(2, 2), minidl.randint(9, (4,)), minidl.randperm(6), minidl.bernoulli(p),
            minidl.normal(0.0, 1.0, (2,)), minidl.multinomial(p, 1), minidl.rand_like(p), minidl.randn_like(p),
            F.dropout(minidl.ones(9)), minidl.empty(2).uniform_(), minidl.empty(2).normal_(),
            minidl.empty(2).exponential_(), minidl.empty(2).random_(), minidl.empty(2).geometric_(0.5),
            minidl.randint_like(p, 9), minidl.multinomial(p, 3, True),
        ]  # fmt: skip
        return [x.tolist() for x in drawn]

    first = draws()
    assert draws() == first
    assert minidl.manual_seed(8) is not None and minidl.rand(3).tolist() != first[0]


def test_a_generator_is_a_stream_of_its_own() -> None:
    minidl.manual_seed(0)
    before = minidl.get_rng_state()
    a = minidl.rand(3, generator=stream(1))
    assert minidl.equal(before, minidl.get_rng_state())
    assert minidl.equal(a, minidl.rand(3, generator=stream(1))) and not minidl.equal(a, minidl.rand(3))


def test_generator_state() -> None:
    g = stream(3)
    minidl.randn(5, generator=g)
    state = g.get_state()
    a = minidl.rand(4, generator=g)
    g.set_state(state)
    assert minidl.equal(a, minidl.rand(4, generator=g)) and g.initial_seed() == 3
    assert state.dtype == minidl.uint8
    minidl.manual_seed(5)
    whole, b = minidl.get_rng_state(), minidl.rand(4)
    minidl.set_rng_state(whole)
    assert minidl.equal(b, minidl.rand(4)) and minidl.initial_seed() == 5
    assert isinstance(g.seed(), int) and g.initial_seed() != 3


def test_seeds() -> None:
    assert minidl.manual_seed(-1).initial_seed() == 2**64 - 1
    assert minidl.manual_seed(minidl.tensor(3)).initial_seed() == 3
    assert minidl.seed() == minidl.initial_seed() and minidl.Generator().device == minidl.device("cpu")
    for wrong in (2**64, "a", None):
        with pytest.raises(ValueError, match="seed"):
            minidl.manual_seed(wrong)
    with pytest.raises(TypeError, match="seed"):
        minidl.Generator().manual_seed(1.5)
    with pytest.raises(TypeError, match="state"):
        minidl.set_rng_state(minidl.zeros(3))


def test_random_dtypes_and_shapes() -> None:
    for make in (minidl.rand, minidl.randn):
        assert make(2, 3).dtype == minidl.float32 and make((2, 3), dtype=minidl.float64).dtype == minidl.float64
        assert make(()).shape == () and make(0).shape == (0,) and make(size=(1, 2)).shape == (1, 2)
        assert make(2, requires_grad=True).requires_grad
    assert minidl.rand_like(minidl.zeros(2, dtype=minidl.float64)).dtype == minidl.float64
    assert minidl.randint(3, (2,), dtype=minidl.int32).dtype == minidl.int32
    assert minidl.randint(low=1, high=2, size=(3,)).tolist() == [1, 1, 1]
    assert sorted(minidl.randperm(5).tolist()) == [0, 1, 2, 3, 4] and minidl.randperm(0).shape == (0,)
    m = minidl.multinomial(minidl.ones(4, 5), 3)
    assert m.shape == (4, 3) and all(len(set(row)) == 3 for row in m.tolist())


def test_dropout_scales_what_it_keeps() -> None:
    x = minidl.ones(10_000, requires_grad=True)
    y = F.dropout(x, 0.2)
    assert set(np.unique(y.detach().numpy())) == {np.float32(0), np.float32(1.25)}
    assert abs(y.mean().item() - 1) < 0.03
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())
    z = minidl.ones(100)
    assert F.dropout(z, 0.5, inplace=True) is z and 0 in z.tolist()


def write_golden() -> None:
    """Compute what PyTorch makes of the expressions."""
    import torch

    warnings.simplefilter("ignore")
    with gzip.GzipFile(GOLDEN, "wb", mtime=0) as file:
        file.write(json.dumps({row: outcome(torch, row) for row in ROWS}).encode())


if __name__ == "__main__":
    write_golden()
