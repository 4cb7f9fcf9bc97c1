"""A training that is killed, again and again, ends with the same bits as one that was left alone.

`MINIDL_KILLS=50 pytest tests/test_resume.py` kills more often than the suite does.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import nn, optim
from minidl.data import DataLoader, Dataset, RandomSampler, TensorDataset, WeightedRandomSampler

KILLS = int(os.environ.get("MINIDL_KILLS", "12"))
EPOCHS = 4


class Noisy(Dataset):
    """Rows with noise that is new in every epoch."""

    def __init__(self):
        self.x = minidl.rand(120, 6, generator=minidl.Generator().manual_seed(1))

    def __getitem__(self, index):
        return self.x[index] + 0.1 * minidl.randn(6), (self.x[index] > 0.5).sum() % 3

    def __len__(self):
        return len(self.x)


class Training:
    """A training of a few seconds with everything that must be restored."""

    def __init__(self, path):
        minidl.manual_seed(3)
        self.path = Path(path)
        self.model = nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 3))
        self.optimizer = optim.Adam(self.model.parameters(), lr=0.01)
        self.loader = DataLoader(Noisy(), batch_size=8, shuffle=True)
        steps = EPOCHS * len(self.loader)
        self.scheduler = optim.lr_scheduler.OneCycleLR(self.optimizer, max_lr=0.05, total_steps=steps + 1)
        self.epoch, self.losses = 0, []
        if self.path.exists():
            self.restore()

    def save(self):
        minidl.save(
            {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scheduler": self.scheduler.state_dict(),
                "loader": self.loader.state_dict(),
                "random": minidl.get_rng_state(),
                "epoch": self.epoch,
                "losses": self.losses,
            },
            self.path,
        )

    def restore(self):
        checkpoint = minidl.load(self.path)
        self.model.load_state_dict(checkpoint["model"])
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        self.scheduler.load_state_dict(checkpoint["scheduler"])
        self.loader.load_state_dict(checkpoint["loader"])
        minidl.set_rng_state(checkpoint["random"])
        self.epoch, self.losses = checkpoint["epoch"], checkpoint["losses"]

    def run(self, every=1, after_step=lambda: None):
        while self.epoch < EPOCHS:
            for x, y in self.loader:
                self.optimizer.zero_grad()
                loss = nn.functional.cross_entropy(self.model(x), y)
                loss.backward()
                self.optimizer.step()
                self.scheduler.step()
                self.losses.append(loss.item())
                if len(self.losses) % every == 0:
                    self.save()
                after_step()
            self.epoch += 1
        self.save()


def bits(path):
    checkpoint = minidl.load(path)
    weights = b"".join(value.numpy().tobytes() for value in checkpoint["model"].values())
    return weights, checkpoint["losses"], checkpoint["random"].tolist()


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    path = tmp_path_factory.mktemp("alone") / "checkpoint"
    Training(path).run(every=1000)
    return bits(path)


def start(path, **options):
    return subprocess.Popen(
        [sys.executable, __file__, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(minidl.__file__).parents[1])}, **options,
    )  # fmt: skip


def finish(path):
    process = start(path)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_killed_at_random_instants(tmp_path, expected, sent):
    path, dice = tmp_path / "checkpoint", random.Random(4)
    kills = 0
    while kills < (KILLS if sent == signal.SIGKILL else KILLS // 4):
        process = start(path)
        process.stdout.readline()  # a first step is done
        time.sleep(dice.uniform(0, 0.05))
        process.send_signal(sent)
        _, errors = process.communicate(timeout=60)
        if process.returncode == 0:  # it was done before: begin anew
            assert bits(path) == expected
            path.unlink()
            continue
        assert process.returncode == -sent, errors
        kills += 1
        minidl.load(path)  # whole
        if sent == signal.SIGINT:
            assert os.listdir(tmp_path) == ["checkpoint"]
    finish(path)
    assert bits(path) == expected


def test_a_full_disk_in_the_middle(tmp_path, expected):
    path = tmp_path / "checkpoint"
    training = Training(path)
    with pytest.raises(StopIteration):
        training.run(after_step=iter([None] * 20).__next__)
    before = path.read_bytes()

    def small_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, len(before) // 2))

    process = start(path, preexec_fn=small_disk)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and "OSError" in errors and "too large" in errors
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["checkpoint"]
    finish(path)
    assert bits(path) == expected


@pytest.mark.parametrize("steps", [1, 15, 16, 59, 60])  # 15 steps are an epoch
def test_resumed_after_any_step(tmp_path, expected, steps):
    path = tmp_path / "checkpoint"
    with pytest.raises(StopIteration):
        Training(path).run(after_step=iter([None] * (steps - 1)).__next__)
    minidl.rand(5)  # what the program draws in between does not matter
    Training(path).run()
    assert bits(path) == expected


SAMPLERS = {
    "random": lambda g: {"shuffle": True, "generator": g},
    "own generator": lambda g: {"sampler": RandomSampler(range(9), generator=g)},
    "more than there are": lambda g: {"sampler": RandomSampler(range(9), num_samples=20, generator=g)},
    "replacement": lambda g: {"sampler": RandomSampler(range(9), replacement=True, generator=g)},
    "weighted": lambda g: {"sampler": WeightedRandomSampler([1.0] * 9, 12, generator=g)},
    "single": lambda g: {"shuffle": True, "generator": g, "batch_size": None},
    "in order": lambda g: {},
}


@pytest.mark.parametrize("with_generator", [True, False])
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_loader_goes_on_where_it_was(name, with_generator, tmp_path):
    def make():
        generator = minidl.Generator().manual_seed(5) if with_generator else None
        return DataLoader(TensorDataset(minidl.arange(9)), **{"batch_size": 2, **SAMPLERS[name](generator)})

    minidl.manual_seed(8)
    loader = make()
    seen, states = [], [(loader.state_dict(), minidl.get_rng_state())]
    for _ in range(2):
        for (batch,) in loader:
            seen.append(batch.tolist())
            minidl.rand(1)
            states.append((loader.state_dict(), minidl.get_rng_state()))
    for number, (state, random_state) in enumerate(states):
        minidl.save(state, tmp_path / "loader")
        minidl.manual_seed(99)
        again = make()
        again.load_state_dict(minidl.load(tmp_path / "loader"))
        minidl.set_rng_state(random_state)
        rest = []
        while len(rest) < len(seen) - number:
            for (batch,) in again:
                rest.append(batch.tolist())
                minidl.rand(1)
        assert rest == seen[number:]


def test_a_loader_of_a_stream_goes_on_where_it_was():
    class Stream(minidl.data.IterableDataset):
        def __iter__(self):
            return (k + minidl.rand(1).item() for k in range(7))

    minidl.manual_seed(1)
    loader = DataLoader(Stream(), batch_size=2)
    run = iter(loader)
    next(run)
    state = loader.state_dict()
    rest = [batch.tolist() for batch in run]
    loader.load_state_dict(state)
    assert [batch.tolist() for batch in loader] == rest


def test_states_that_do_not_fit_a_loader():
    loader = DataLoader(range(3), shuffle=True)
    with pytest.raises(minidl.errors.StateError, match="expected what the state_dict"):
        loader.load_state_dict({"epoch": 3})
    own = DataLoader(range(3), shuffle=True, generator=minidl.Generator())
    with pytest.raises(minidl.errors.StateError, match="has 1 generators, and this loader and its samplers 0"):
        loader.load_state_dict(own.state_dict())


@pytest.mark.parametrize("name", optim.lr_scheduler.__all__)
def test_every_schedule_goes_on_from_a_file(name, tmp_path):
    kinds = optim.lr_scheduler
    makers = {
        "StepLR": lambda o: kinds.StepLR(o, 2),
        "MultiStepLR": lambda o: kinds.MultiStepLR(o, [2, 5, 5]),
        "LambdaLR": lambda o: kinds.LambdaLR(o, lambda epoch: 1 / (epoch + 1)),
        "MultiplicativeLR": lambda o: kinds.MultiplicativeLR(o, lambda epoch: 0.9),
        "ExponentialLR": lambda o: kinds.ExponentialLR(o, 0.9),
        "CosineAnnealingLR": lambda o: kinds.CosineAnnealingLR(o, 5),
        "CosineAnnealingWarmRestarts": lambda o: kinds.CosineAnnealingWarmRestarts(o, 3),
        "CyclicLR": lambda o: kinds.CyclicLR(o, 0.01, 0.1, step_size_up=3),
        "OneCycleLR": lambda o: kinds.OneCycleLR(o, 0.1, total_steps=20),
        "SequentialLR": lambda o: kinds.SequentialLR(o, [kinds.StepLR(o, 1), kinds.ExponentialLR(o, 0.9)], [4]),
        "ChainedScheduler": lambda o: kinds.ChainedScheduler([kinds.StepLR(o, 1), kinds.ExponentialLR(o, 0.9)]),
    }
    if name in ("LRScheduler", "ReduceLROnPlateau"):
        pytest.skip("has no rule of its own, or needs a metric")
    make = makers.get(name, getattr(kinds, name))

    def new():
        optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
        return optimizer, make(optimizer)

    optimizer, scheduler = new()
    rates = []
    for step in range(10):
        optimizer.step()
        scheduler.step()
        rates.append(scheduler.get_last_lr())
        if step == 2:
            minidl.save([optimizer.state_dict(), scheduler.state_dict()], tmp_path / "state")
    optimizer, scheduler = new()
    for target, state in zip((optimizer, scheduler), minidl.load(tmp_path / "state"), strict=True):
        target.load_state_dict(state)
    for step in range(3, 10):
        optimizer.step()
        scheduler.step()
        assert scheduler.get_last_lr() == rates[step]


def test_a_checkpoint_of_another_model_says_which_keys_and_shapes(tmp_path):
    path = tmp_path / "checkpoint"
    minidl.save({"model": nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)).state_dict()}, path)
    model = nn.Sequential(nn.Linear(5, 3), nn.ReLU(), nn.Linear(3, 2))
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    with pytest.raises(minidl.errors.StateError) as caught:
        model.load_state_dict(minidl.load(path)["model"])
    for words in ("missing: 2.weight, 2.bias", "unexpected: 1.weight, 1.bias", "0.weight is (3, 4)", "(3, 5)"):
        assert words in str(caught.value)
    assert all(np.array_equal(before[name], value.numpy()) for name, value in model.state_dict().items())


if __name__ == "__main__":
    Training(sys.argv[1]).run(after_step=lambda: print(flush=True))
