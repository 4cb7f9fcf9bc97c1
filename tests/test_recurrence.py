"""rnn, lstm and gru over layers, directions and different lengths: gradients, PyTorch's figures, errors."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import _kernels as kernels
from minidl import autograd
from minidl.autograd import gradcheck, gradgradcheck
from minidl.errors import ArgumentError, DTypeError, ShapeError
from minidl.functions import packing, recurrence

MODES = ["reference", "formula", *(["compiled"] if kernels.compiled else [])]
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
KINDS = list(GATES)
LENGTHS = (3, 2, 1)
SIZES = (3, 2, 1)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> Iterator[str]:
    with minidl.use_kernels(request.param):
        yield request.param


def arrays(kind: str, rows: tuple[int, ...], N: int, layers: int, directions: int, bias: bool = True) -> list[Any]:
    """Return x, the initial states and all weights of a network of 2 inputs and 2 hidden units."""
    draw = np.random.default_rng(7).standard_normal
    states = [draw((layers * directions, N, 2)) for _ in range(2 if kind == "lstm" else 1)]
    weights = []
    for layer in range(layers):
        for _ in range(directions):
            inputs = 2 if layer == 0 else 2 * directions
            shapes: list[tuple[int, ...]] = [(GATES[kind] * 2, inputs), (GATES[kind] * 2, 2)]
            weights += [draw(shape) for shape in shapes + [(GATES[kind] * 2,)] * (2 if bias else 0)]
    return [draw((*rows, 2)), *states, *weights]


def network(kind: str, layers: int, directions: int, **options: Any) -> Any:
    """Return the network as a function of x, the initial states and the weights."""
    count = 3 if kind == "lstm" else 2

    def run(*inputs: Any) -> Any:
        return getattr(recurrence, kind)(
            *inputs[:count], inputs[count:], num_layers=layers, bidirectional=directions == 2, **options
        )

    return run


def tensors(values: list[Any]) -> list[Any]:
    return [minidl.from_numpy(value.copy()).requires_grad_() for value in values]


# -- gradients: x at every time step, all initial states, every weight -----------------------------------------------


@pytest.mark.parametrize("T", [1, 2, 5])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_at_every_step(kind: str, layers: int, directions: int, T: int, mode: str) -> None:
    assert gradcheck(network(kind, layers, directions), tensors(arrays(kind, (T, 2), 2, layers, directions)), atol=1e-8)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_packed_sequences(kind: str, layers: int, directions: int, mode: str) -> None:
    inputs = tensors(arrays(kind, (sum(SIZES),), 3, layers, directions))
    assert gradcheck(network(kind, layers, directions, batch_sizes=SIZES), inputs, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_without_bias(kind: str, mode: str) -> None:
    assert gradcheck(network(kind, 1, 2), tensors(arrays(kind, (2, 2), 2, 1, 2, bias=False)), atol=1e-8)


def test_gradients_of_relu(mode: str) -> None:
    assert gradcheck(network("rnn", 2, 2, nonlinearity="relu"), tensors(arrays("rnn", (3, 2), 2, 2, 2)), atol=1e-8)


@pytest.mark.parametrize(("rows", "options"), [((2, 1), {}), ((3,), {"batch_sizes": (2, 1)})], ids=["even", "packed"])
@pytest.mark.parametrize("kind", KINDS)
def test_second_derivative_through_the_formula(kind: str, rows: tuple[int, ...], options: Any, mode: str) -> None:
    inputs = tensors(arrays(kind, rows, 1 if len(rows) == 2 else 2, 1, 2))
    assert gradgradcheck(network(kind, 1, 2, **options), inputs, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wanted", range(6))
def test_one_gradient_alone_is_the_same(kind: str, wanted: int, mode: str) -> None:
    values = arrays(kind, (3, 2), 2, 1, 1)
    every = tensors(values)
    sum(y.sum() for y in network(kind, 1, 1)(*every)).backward()
    alone = [minidl.from_numpy(value) for value in values]
    alone[wanted].requires_grad_()
    sum(y.sum() for y in network(kind, 1, 1)(*alone)).backward()
    np.testing.assert_allclose(alone[wanted].grad.numpy(), every[wanted].grad.numpy(), rtol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_a_last_state_alone_is_enough_for_backward(kind: str, mode: str) -> None:
    values = arrays(kind, (3, 2), 2, 1, 1)
    through_y, through_h = tensors(values), tensors(values)
    network(kind, 1, 1)(*through_y)[0][-1].sum().backward()
    network(kind, 1, 1)(*through_h)[1].sum().backward()
    for a, b in zip(through_y, through_h, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-12, atol=1e-14)


# -- packed is what each sequence gives alone ------------------------------------------------------------------------


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_packed_sequences_do_not_see_each_other(kind: str, directions: int, mode: str) -> None:
    values = arrays(kind, (sum(SIZES),), 3, 2, directions)
    count = 3 if kind == "lstm" else 2
    run = network(kind, 2, directions, batch_sizes=SIZES)
    y, *last = [out.numpy() for out in run(*[minidl.from_numpy(value) for value in values])]
    starts = [0, *accumulate(SIZES)]
    for n, length in enumerate(LENGTHS):
        rows = [starts[t] + n for t in range(length)]
        own = [values[0][rows][:, None], *[state[:, n : n + 1] for state in values[1:count]], *values[count:]]
        y_n, *last_n = [out.numpy() for out in network(kind, 2, directions)(*[minidl.from_numpy(v) for v in own])]
        np.testing.assert_allclose(y[rows], y_n[:, 0], rtol=1e-12, atol=1e-14)
        for whole, single in zip(last, last_n, strict=True):
            np.testing.assert_allclose(whole[:, n], single[:, 0], rtol=1e-12, atol=1e-14)


# -- values ----------------------------------------------------------------------------------------------------------


def test_one_step_of_lstm_by_hand(mode: str) -> None:
    w_ih, w_hh = np.array([[1.0], [2.0], [3.0], [4.0]]), np.zeros((4, 1))
    y, h_n, c_n = recurrence.lstm(np.ones((1, 1, 1)), np.zeros((1, 1, 1)), np.full((1, 1, 1), 0.5), [w_ih, w_hh])
    sigmoid = 1 / (1 + np.exp(-np.arange(5.0)))
    c = sigmoid[2] * 0.5 + sigmoid[1] * np.tanh(3)
    np.testing.assert_allclose(c_n.ravel(), c, rtol=1e-14)
    np.testing.assert_allclose(h_n.ravel(), sigmoid[4] * np.tanh(c), rtol=1e-14)
    np.testing.assert_array_equal(y.ravel(), h_n.ravel())


def test_one_step_of_gru_by_hand(mode: str) -> None:
    w_ih, w_hh = np.array([[1.0], [2.0], [3.0]]), np.array([[0.0], [0.0], [4.0]])
    y, _ = recurrence.gru(np.ones((1, 1, 1)), np.full((1, 1, 1), 0.5), [w_ih, w_hh])
    r, z = 1 / (1 + np.exp(-np.array([1.0, 2.0])))
    np.testing.assert_allclose(y.ravel(), (1 - z) * np.tanh(3 + r * 2) + z * 0.5, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_huge_inputs_do_not_overflow(kind: str, dtype: Any, mode: str) -> None:
    values = [value.astype(dtype) for value in arrays(kind, (3, 2), 2, 1, 1)]
    values[0] *= 1e4
    inputs = tensors(values)
    y, *_ = network(kind, 1, 1)(*inputs)
    y.sum().backward()
    assert y.dtype == dtype
    assert np.isfinite(y.detach().numpy()).all()
    assert all(np.isfinite(x.grad.numpy()).all() and x.grad.dtype == dtype for x in inputs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_like_torch(kind: str, directions: int, packed: bool, dtype: str, mode: str) -> None:
    torch = pytest.importorskip("torch")
    values = [v.astype(dtype) for v in arrays(kind, (sum(SIZES),) if packed else (4, 3), 3, 2, directions)]
    count = 3 if kind == "lstm" else 2
    ours, theirs = tensors(values), [torch.tensor(value, requires_grad=True) for value in values]
    answer = network(kind, 2, directions, batch_sizes=SIZES if packed else None)(*ours)
    function = torch.rnn_tanh if kind == "rnn" else getattr(torch, kind)
    options = (True, 2, 0.0, False, directions == 2)
    states = tuple(theirs[1:count]) if kind == "lstm" else theirs[1]
    x = (theirs[0], torch.tensor(SIZES)) if packed else (theirs[0],)
    expected = function(*x, states, theirs[count:], *options, *(() if packed else (False,)))
    sum((y * y.cos()).sum() for y in expected).backward()
    sum((y * y.cos()).sum() for y in answer).backward()
    rtol = 1e-5 if dtype == "float32" else 1e-12
    for a, b in zip(answer, expected, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=rtol, atol=rtol)
    for a, b in zip(ours, theirs, strict=True):
        scale = max(1, abs(b.grad).max().item())
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=rtol, atol=rtol * scale)


@pytest.mark.skipif(not kernels.compiled, reason="the kernels are not compiled here")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_number_of_threads_gives_the_same_bits(kind: str, dtype: str) -> None:
    sizes = [43] * 6 + [25, 9]
    generator = np.random.default_rng(5)
    rows = GATES[kind] * 50
    shapes = [(sum(sizes), 40), *[(1, 43, 50)] * (2 if kind == "lstm" else 1), (rows, 40), (rows, 50), (rows,), (rows,)]
    values = [0.1 * generator.standard_normal(shape).astype(dtype) for shape in shapes]
    before, answers = minidl.get_num_threads(), []
    for threads in (1, 2, 3, 16):
        minidl.set_num_threads(threads)
        inputs = tensors(values)
        y, *_ = network(kind, 1, 1, batch_sizes=sizes)(*inputs)
        (y * y).sum().backward()
        answers.append([y.detach().numpy(), *[x.grad.numpy() for x in inputs]])
    minidl.set_num_threads(before)
    for answer in answers[1:]:
        for a, b in zip(answer, answers[0], strict=True):
            np.testing.assert_array_equal(a, b)


# -- packing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", [[4, 2, 2], [2, 4, 1]])
def test_packing_like_torch(lengths: list[int], batch_first: bool) -> None:
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).standard_normal((3, 5, 2) if batch_first else (5, 3, 2))
    x, x_torch = minidl.from_numpy(values).requires_grad_(), torch.tensor(values, requires_grad=True)
    options = {"batch_first": batch_first, "enforce_sorted": lengths == sorted(lengths, reverse=True)}
    packed = packing.pack_padded_sequence(x, lengths, **options)
    theirs = torch.nn.utils.rnn.pack_padded_sequence(x_torch, lengths, **options)
    for a, b in zip(packed, theirs, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    for total, fill in ((None, 0.0), (7, -1.0)):
        y, counts = packing.pad_packed_sequence(packed, batch_first, fill, total)
        expected, their_counts = torch.nn.utils.rnn.pad_packed_sequence(theirs, batch_first, fill, total)
        np.testing.assert_array_equal(y.detach().numpy(), expected.detach().numpy())
        np.testing.assert_array_equal(counts.numpy(), their_counts.numpy())
    (y * y).sum().backward()
    (expected * expected).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), x_torch.grad.numpy(), rtol=1e-14)


@pytest.mark.parametrize("side", ["right", "left"])
def test_padding_like_torch(side: str) -> None:
    torch = pytest.importorskip("torch")
    values = [np.arange(2.0 * n).reshape(n, 2) for n in (1, 3, 2)]
    ours = packing.pad_sequence([minidl.from_numpy(v) for v in values], True, 9.0, side)
    theirs = torch.nn.utils.rnn.pad_sequence([torch.tensor(v) for v in values], True, 9.0, side)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_sequences_come_back_from_a_pack() -> None:
    values = [minidl.arange(float(n)) for n in (2, 4, 1)]
    for a, b in zip(packing.unpack_sequence(packing.pack_sequence(values, enforce_sorted=False)), values, strict=True):
        assert minidl.equal(a, b)


@pytest.mark.parametrize(
    ("lengths", "error", "words"),
    [
        ([2, 3], ArgumentError, r"\[2, 3\] do not fall; .* enforce_sorted=False"),
        ([3], ShapeError, r"got shape \(1,\), expected \(2,\)"),
        ([4, 2], ArgumentError, "got 4 for sequence 0, expected 1 to 3"),
        ([2, 0], ArgumentError, "got 0 for sequence 1, expected 1 to 3"),
        ([2.0, 1.0], DTypeError, "expected ints"),
    ],
)
def test_lengths_that_do_not_fit(lengths: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        packing.pack_padded_sequence(minidl.ones(3, 2), lengths)


def test_total_length_too_short() -> None:
    with pytest.raises(ArgumentError, match="got 2, expected at least 3"):
        packing.pad_packed_sequence(packing.pack_padded_sequence(minidl.ones(3, 2), [3, 2]), total_length=2)


def test_what_is_kept_is_freed() -> None:
    """The gates and cell states live until backward has passed, not longer."""
    inputs = tensors(arrays("lstm", (3, 2), 2, 1, 1))
    y, *_ = network("lstm", 1, 1)(*inputs)
    loss = y.sum()
    loss.backward()
    with pytest.raises(minidl.errors.GraphError, match="freed"):
        autograd.backward(loss)
