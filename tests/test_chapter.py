"""The textbook's program, as it is written for PyTorch, runs on minidl when its import lines are changed.

From the same weights, on the same batches of the bundled images, its losses follow PyTorch's step by step. The golden
figures in golden/chapter.npz were computed with PyTorch 2.13; `python tests/test_chapter.py` computes them again. Where
torch is installed the two are compared live as well. benchmarks/fashion.py does the same on all of Fashion-MNIST.

The second half makes the mistakes that learners make in this program, and reads what they are told.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minidl
from minidl.data import FashionMNIST

GOLDEN = Path(__file__).parent / "golden" / "chapter.npz"
BATCH = 16
EPOCHS = 2

IMPORTS = {
    "torch": """
import torch
import torch.nn as nn
import torch.optim as optim
import torch.nn.functional as F
""",
    "minidl": """
import minidl
nn = minidl.nn
optim = minidl.optim
F = minidl.nn.functional
""",
}

MODEL = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        return self.fc2(x)

net = Net()
"""

TRAINING = """
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.01)

for inputs, labels in batches:
    optimizer.zero_grad()
    outputs = net(inputs)
    loss = criterion(outputs, labels)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
"""


def images(train: bool, dtype: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the bundled images, normalised and flattened, and their labels."""
    data_set = FashionMNIST(train=train)
    pixels = data_set.data.array.reshape(len(data_set), 784) / 255
    return ((pixels - data_set.mean) / data_set.std).astype(dtype), data_set.targets.array


def run(lib: Any, dtype: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Run the program on minidl or torch; return the loss of each step and the scores of the test images."""
    random = np.random.RandomState(0)  # a stream that NumPy keeps as it is
    program: dict[str, Any] = {"losses": []}
    exec(IMPORTS[lib.__name__] + MODEL, program)
    net = program["net"]
    if dtype == np.float64:
        net.double()
    drawn = {}
    for name, inputs, outputs in (("fc1", 784, 128), ("fc2", 128, 10)):
        for part, shape in (("weight", (outputs, inputs)), ("bias", (outputs,))):
            drawn[f"{name}.{part}"] = lib.tensor((random.uniform(-1, 1, shape) / inputs**0.5).astype(dtype))
    net.load_state_dict(drawn)
    pixels, labels = images(True, dtype)
    order = np.concatenate([random.permutation(len(labels)) for _ in range(EPOCHS)]).reshape(-1, BATCH)
    program["batches"] = [(lib.tensor(pixels[chosen]), lib.tensor(labels[chosen])) for chosen in order]
    exec(TRAINING, program)
    with lib.no_grad():
        scores = net(lib.tensor(images(False, dtype)[0])).numpy()
    return np.array(program["losses"]), scores


def accuracy(scores: np.ndarray[Any, Any]) -> float:
    return float(np.mean(scores.argmax(axis=1) == images(False, np.float32)[1]))


@pytest.mark.parametrize("kernels", ["compiled", "reference", "formula"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_losses_follow_pytorch(dtype: Any, kernels: str) -> None:
    if kernels == "compiled" and not minidl._kernels.compiled:
        pytest.skip("the kernels are not compiled here")
    with minidl.use_kernels(kernels):
        losses, scores = run(minidl, dtype)
    with np.load(GOLDEN) as golden:
        name = np.dtype(dtype).name
        assert losses.shape == golden[f"{name}.losses"].shape == (EPOCHS * 4000 // BATCH,)
        np.testing.assert_allclose(losses, golden[f"{name}.losses"], rtol=1e-3 if dtype == np.float32 else 1e-9)
        assert abs(accuracy(scores) - float(golden[f"{name}.accuracy"])) <= 0.002
    assert losses[-50:].mean() < 0.35 * losses[:10].mean()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_losses_follow_the_pytorch_that_is_installed(dtype: Any) -> None:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    ours, theirs = run(minidl, dtype), run(torch, dtype)
    tolerance = {"rtol": 1e-3, "atol": 1e-4} if dtype == np.float32 else {"rtol": 1e-9, "atol": 1e-11}
    np.testing.assert_allclose(ours[0], theirs[0], **tolerance)
    np.testing.assert_allclose(ours[1], theirs[1], **tolerance)


# -- typical slips ---------------------------------------------------------------------------------------------------


def network() -> Any:
    program: dict[str, Any] = {}
    exec(IMPORTS["minidl"] + MODEL, program)
    return program["net"]


def pixels(*shape: int) -> minidl.Tensor:
    return minidl.tensor(np.random.default_rng(0).standard_normal(shape, dtype=np.float32))


LABELS = minidl.tensor([3, 1, 4, 1])


def test_super_init_forgotten() -> None:
    class Net(minidl.nn.Module):
        def __init__(self) -> None:
            self.fc1 = minidl.nn.Linear(784, 128)

    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\) of this Net has not run; make it the first line"):
        Net()


def test_images_not_flattened() -> None:
    with pytest.raises(RuntimeError) as raised:
        network()(pixels(4, 1, 28, 28))
    for part in ("Net.fc1 (Linear)", "(4, 1, 28, 28)", "784", "flatten"):
        assert part in str(raised.value)


def test_layers_that_do_not_fit_each_other() -> None:
    net = network()
    net.fc2 = minidl.nn.Linear(100, 10)
    with pytest.raises(RuntimeError, match=r"^Net\.fc2 \(Linear\): .*128.*100"):
        net(pixels(4, 784))


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_images_of_another_dtype(dtype: str) -> None:
    with pytest.raises(RuntimeError, match=rf"^Net\.fc1 \(Linear\): .*{dtype}"):
        network()(minidl.zeros(4, 784, dtype=getattr(minidl, dtype)))


@pytest.mark.parametrize(
    ("labels", "error", "says"),
    [
        (LABELS.float(), TypeError, r"target is float32 .*\.long\(\)"),
        (minidl.nn.functional.one_hot(LABELS, 10), ValueError, r"target has shape \(4, 10\).*\.argmax\(1\)"),
        (LABELS.unsqueeze(1), ValueError, r"target has shape \(4, 1\), expected \(4,\).*squeeze"),
        (LABELS[:3], ValueError, r"target has shape \(3,\), expected \(4,\)"),
        (
            minidl.tensor([1, 2, 10, 3]),
            IndexError,
            r"target 10 at index 2 .* expected 0 to 9; do the labels start at 1",
        ),
        (minidl.tensor([1, 2, -1, 3]), IndexError, r"target -1 at index 2 .* expected 0 to 9"),
    ],
    ids=["floats", "one-hot", "a column", "too few", "from 1", "negative"],
)
def test_labels_of_the_wrong_kind(labels: minidl.Tensor, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        minidl.nn.CrossEntropyLoss()(network()(pixels(4, 784)), labels)


def test_outputs_and_labels_exchanged() -> None:
    with pytest.raises(TypeError, match=r"cross_entropy: input is int64"):
        minidl.nn.CrossEntropyLoss()(LABELS, network()(pixels(4, 784)))


def test_a_softmax_before_the_loss_still_gives_right_numbers() -> None:
    scores = pixels(4, 10).requires_grad_()
    probabilities = minidl.softmax(scores, dim=1)
    minidl.nn.CrossEntropyLoss()(probabilities, LABELS).backward()
    p = np.exp(scores.array.astype(np.float64))
    p /= p.sum(axis=1, keepdims=True)
    q = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True)  # the softmax of probabilities
    dp = (q - np.eye(10)[LABELS.array]) / 4
    np.testing.assert_allclose(scores.grad.array, p * (dp - (dp * p).sum(axis=1, keepdims=True)), rtol=1e-4, atol=1e-7)


def test_zero_grad_forgotten_adds_gradients_up() -> None:
    net = network()
    x = pixels(4, 784)
    for _ in range(2):
        minidl.nn.CrossEntropyLoss()(net(x), LABELS).backward()
    twice = net.fc1.weight.grad.array.copy()
    net.zero_grad()
    minidl.nn.CrossEntropyLoss()(net(x), LABELS).backward()
    np.testing.assert_array_equal(twice, 2 * net.fc1.weight.grad.array)


def test_backward_twice() -> None:
    loss = minidl.nn.CrossEntropyLoss()(network()(pixels(4, 784)), LABELS)
    loss.backward()
    with pytest.raises(RuntimeError, match=r"second time.*retain_graph=True"):
        loss.backward()


def test_backward_of_outputs_in_place_of_the_loss() -> None:
    with pytest.raises(RuntimeError, match=r"scalar.*\(4, 10\).*\.sum\(\) or \.mean\(\)"):
        network()(pixels(4, 784)).backward()


def test_training_under_no_grad() -> None:
    with minidl.no_grad():
        loss = minidl.nn.CrossEntropyLoss()(network()(pixels(4, 784)), LABELS)
    with pytest.raises(RuntimeError, match=r"does not require grad.*no_grad\(\)"):
        loss.backward()


def test_an_optimizer_without_parameters() -> None:
    with pytest.raises(ValueError, match="nothing to optimize"):
        minidl.optim.SGD(minidl.nn.ReLU().parameters(), lr=0.01)
    with pytest.raises(TypeError, match=r"the module Net itself; pass model\.parameters\(\)"):
        minidl.optim.SGD(network(), lr=0.01)


@pytest.mark.parametrize("lr", [-0.01, float("nan"), float("inf")])
def test_a_learning_rate_that_makes_no_sense(lr: float) -> None:
    with pytest.raises(ValueError, match=r"lr must be a finite number of 0 or more"):
        minidl.optim.SGD(network().parameters(), lr=lr)


def test_predictions_that_still_require_a_gradient() -> None:
    with pytest.raises(RuntimeError, match=r"detach\(\)\.numpy\(\)"):
        network()(pixels(4, 784)).numpy()


def test_a_column_of_predictions_against_a_row_of_targets_warns_and_broadcasts() -> None:
    with pytest.warns(UserWarning, match=r"\(4,\) differs from the input's \(4, 1\)"):
        loss = minidl.nn.MSELoss()(minidl.ones(4, 1), minidl.zeros(4))
    assert loss.item() == 1


def test_weights_of_another_network() -> None:
    net = network()
    state = net.state_dict()
    state["fc3.weight"] = state.pop("fc2.weight")
    with pytest.raises(RuntimeError) as raised:
        net.load_state_dict(state)
    for part in ("Net", "missing: fc2.weight", "unexpected: fc3.weight"):
        assert part in str(raised.value)


def write_golden() -> None:
    """Compute the golden figures with PyTorch."""
    import torch

    figures = {}
    for dtype in (np.float32, np.float64):
        losses, scores = run(torch, dtype)
        name = np.dtype(dtype).name
        figures[f"{name}.losses"] = losses.astype(dtype)
        figures[f"{name}.accuracy"] = np.array(accuracy(scores))
    np.savez_compressed(GOLDEN, **figures)


if __name__ == "__main__":
    write_golden()
