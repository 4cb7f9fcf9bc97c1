"""fit: it is the plain loop that it prints, bit for bit, and what stands around the loop does what it says."""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import nn, optim
from minidl.data import DataLoader, Digits, TensorDataset, transforms
from minidl.errors import ArgumentError, ArgumentTypeError
from minidl.training import EarlyStopping, History, Training, evaluate, loop


def digits(samples: int = 300) -> TensorDataset:
    """The first of the bundled handwritten digits, as inputs (64) and labels."""
    images = Digits(transform=transforms.Compose([transforms.ToTensor(16), transforms.Flatten()]))
    inputs, labels = zip(*[images[k] for k in range(samples)], strict=True)
    return TensorDataset(minidl.stack(inputs), minidl.tensor([int(label) for label in labels]))


DIGITS = digits()


def parts(batch: int = 32, rate: float = 0.1) -> dict[str, Any]:
    """A network, data, loss and optimizer that start equal each time."""
    minidl.manual_seed(5)
    model = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 10))
    optimizer = optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    return {
        "model": model, "train": DataLoader(DIGITS, batch_size=batch, shuffle=True), "optimizer": optimizer,
        "criterion": nn.CrossEntropyLoss(), "validation": DataLoader(DIGITS, batch_size=100),
        "metrics": {"accuracy": minidl.metrics.accuracy},
    }  # fmt: skip


def schedulers() -> dict[str, Any]:
    lr = optim.lr_scheduler
    return {
        "none": (None, "epoch"),
        "epoch": (lambda o: lr.StepLR(o, 1, 0.5), "epoch"),
        "step": (lambda o: lr.OneCycleLR(o, 0.2, total_steps=60), "step"),
        "plateau": (lambda o: lr.ReduceLROnPlateau(o, patience=0), "epoch"),
    }


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("clip_norm", [None, 0.5])
@pytest.mark.parametrize("schedule", list(schedulers()))
@pytest.mark.parametrize("validated", [False, True])
def test_the_printed_loop_is_the_run_bit_for_bit(
    accumulate: int, clip_norm: float | None, schedule: str, validated: bool
) -> None:
    make, when = schedulers()[schedule]
    weights = []
    for printed in (False, True):
        p = parts()
        scheduler = make(p["optimizer"]) if make else None
        options = {"epochs": 3, "schedule": when, "accumulate": accumulate, "clip_norm": clip_norm}
        if printed:
            program = loop(
                validation=validated, metrics=p["metrics"] if validated else (), scheduler=scheduler, **options
            )
            with contextlib.redirect_stdout(io.StringIO()):
                exec(program, {**p, "minidl": minidl, "scheduler": scheduler})
        else:
            measured = {"validation": p["validation"], "metrics": p["metrics"]} if validated else {}
            minidl.fit(
                p["model"], p["train"], p["criterion"], p["optimizer"], scheduler=scheduler, verbose=False, **options,
                **measured,
            )  # fmt: skip
        weights.append([np.array(w.detach()) for w in p["model"].parameters()])
    if schedule == "plateau" and not validated:
        return  # the loop's last loss is not fit's mean: both are figures to go by
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_history_has_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    p = parts()
    history = minidl.fit(
        p["model"], p["train"], p["criterion"], p["optimizer"], epochs=4, validation=p["validation"],
        metrics=p["metrics"],
    )  # fmt: skip
    assert history.columns == ["epoch", "loss", "val_loss", "val_accuracy", "lr", "seconds"]
    assert history["epoch"] == [1, 2, 3, 4] and len(history) == 4
    assert history["loss"][-1] < history["loss"][0]
    expected = evaluate(p["model"], p["validation"], p["criterion"], p["metrics"])
    assert history["val_accuracy"][-1] == expected["accuracy"] > 0.8
    assert history["val_loss"][-1] == expected["loss"]
    assert p["model"].training
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 4 and "val_accuracy" in out and err == ""
    with pytest.raises(ArgumentError, match="no figure 'recall', expected one of epoch, loss"):
        history["recall"]
    table = str(history).splitlines()
    assert len(table) == 5 and len({len(line) for line in table}) == 1


def test_history_is_drawn(tmp_path: Any) -> None:
    pytest.importorskip("matplotlib")
    history = History()
    history.add(epoch=1, loss=0.5, val_loss=0.6, val_accuracy=0.7, lr=0.1, seconds=1.0)
    history.plot(tmp_path / "history.png")
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")


def test_early_stopping_gives_back_the_best_weights() -> None:
    p = parts(rate=3.0)  # too fast on purpose: it becomes worse
    stopping = EarlyStopping(patience=2)
    history = minidl.fit(
        p["model"], p["train"], p["criterion"], p["optimizer"], epochs=50, validation=p["validation"],
        callbacks=[stopping], linter=False, verbose=False,
    )  # fmt: skip
    assert len(history) < 50 and "val_loss" in history.stopped
    assert evaluate(p["model"], p["validation"], p["criterion"])["loss"] == min(history["val_loss"])


def test_a_callback_sees_and_stops_the_training() -> None:
    p, seen = parts(), []

    def callback(training: Training) -> None:
        seen.append((training.epoch, training.model is p["model"], len(training.history)))
        training.stop = "enough" if training.epoch == 2 else ""

    history = minidl.fit(
        p["model"], p["train"], p["criterion"], p["optimizer"], epochs=9, callbacks=[callback], verbose=False
    )
    assert seen == [(1, True, 1), (2, True, 2)] and history.stopped == "enough"


def test_accumulation_is_a_larger_batch() -> None:
    weights = []
    for batch, accumulate in ((60, 1), (20, 3)):
        minidl.manual_seed(1)
        model = nn.Linear(64, 10).double()
        x, y = DIGITS.tensors
        loader = DataLoader(TensorDataset(x.double(), y), batch_size=batch)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        minidl.fit(
            model, loader, nn.CrossEntropyLoss(), optimizer, epochs=2, accumulate=accumulate, verbose=False,
            ignore=["not-shuffled"],
        )  # fmt: skip
        weights.append(np.array(model.weight.detach()))
    np.testing.assert_allclose(*weights, rtol=1e-12, atol=1e-14)


def test_several_inputs() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(64, 10), nn.Linear(64, 10)

        def forward(self, x: Any, y: Any) -> Any:
            return self.a(x) + self.b(y)

    x, labels = DIGITS.tensors
    loader = DataLoader(TensorDataset(x, x, labels), batch_size=50, shuffle=True)
    model = Sum()
    history = minidl.fit(
        model, loader, nn.CrossEntropyLoss(), optim.Adam(model.parameters()), epochs=2, validation=loader, verbose=False
    )
    assert history["val_loss"][1] < history["val_loss"][0]


def test_a_generator_of_batches_will_do() -> None:
    class Batches:
        def __iter__(self) -> Any:
            x, labels = DIGITS.tensors
            yield x[:50], labels[:50]
            yield x[50:90], labels[50:90]

    p = parts()
    assert len(minidl.fit(p["model"], Batches(), p["criterion"], p["optimizer"], ignore=["not-shuffled"])) == 1


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"model": lambda x: x}, ArgumentTypeError, "model: got function, expected an nn.Module"),
        ({"optimizer": "adam"}, ArgumentTypeError, "optimizer: got str"),
        ({"epochs": 0}, ArgumentError, "epochs: got 0"),
        ({"epochs": 1.5}, ArgumentError, r"epochs: got 1\.5"),
        ({"accumulate": -1}, ArgumentError, "accumulate: got -1"),
        ({"schedule": "batch"}, ArgumentError, "schedule: got 'batch'"),
        ({"ignore": ["typo"]}, ArgumentError, r"ignore: got \['typo'\]"),
        ({"train": []}, ArgumentError, "train: no batch came"),
        ({"validation": []}, ArgumentError, "validation: no batch came"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], error: type[Exception], words: str) -> None:
    p = parts()
    arguments = {name: p[name] for name in ("model", "train", "criterion", "optimizer")}
    with pytest.raises(error, match=words):
        minidl.fit(**{**arguments, "verbose": False, **change})


def test_early_stopping_refuses_what_makes_no_sense() -> None:
    with pytest.raises(ArgumentError, match="mode"):
        EarlyStopping(mode="up")
    with pytest.raises(ArgumentError, match="patience"):
        EarlyStopping(0)


def test_a_loader_smaller_than_a_batch() -> None:
    p = parts()
    loader = DataLoader(DIGITS, batch_size=1000, drop_last=True)
    with pytest.raises(ArgumentError, match="smaller than a batch with drop_last"):
        minidl.fit(p["model"], loader, p["criterion"], p["optimizer"], verbose=False)


def test_the_linter_changes_no_number() -> None:
    weights = []
    for linter in (True, False):
        p = parts()
        minidl.fit(p["model"], p["train"], p["criterion"], p["optimizer"], epochs=2, linter=linter, verbose=False)
        weights.append([np.array(w.detach()) for w in p["model"].parameters()])
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_nan_loss_does_not_stop_it() -> None:
    p = parts(rate=1e30)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        history = minidl.fit(p["model"], p["train"], p["criterion"], p["optimizer"], epochs=2, verbose=False)
    assert math.isnan(history["loss"][-1]) and len(history) == 2
