"""Worker processes: the same batches in the same order, nothing lost, nothing left running."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info
from minidl.errors import ArgumentError, ArgumentTypeError, StateError


class Random(Dataset):
    """Samples that are drawn anew each time."""

    def __getitem__(self, index):
        return index, minidl.rand(2), minidl.randint(0, 1000, ())

    def __len__(self):
        return 10


class Streams(Dataset):
    """What Python and NumPy draw, and in which process."""

    def __getitem__(self, index):
        return random.random(), np.random.rand(), os.getpid()  # noqa: NPY002

    def __len__(self):
        return 8


class Faulty(Dataset):
    def __init__(self, what):
        self.what = what

    def __getitem__(self, index):
        if index == 3:
            if self.what == "raise":
                raise KeyError("no such sample")
            if self.what == "odd":
                raise Odd(1, 2)
            if self.what == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.what == "exit":
                os._exit(7)
            if self.what == "hang":
                time.sleep(1000)
        return index

    def __len__(self):
        return 6


class Odd(Exception):
    def __init__(self, a, b):
        super().__init__("odd")


class Touch(Dataset):
    """Notes in a folder which samples have been read."""

    def __init__(self, folder):
        self.folder = folder

    def __getitem__(self, index):
        (self.folder / str(index)).touch()
        return np.zeros(100_000)

    def __len__(self):
        return 20


class Split(IterableDataset):
    """0 ... 9, each worker its share."""

    def __iter__(self):
        info = get_worker_info()
        return iter(range(10) if info is None else range(info.id, 10, info.num_workers))


class Info(Dataset):
    def __getitem__(self, index):
        info = get_worker_info()
        return info.id, info.num_workers, info.seed, len(info.dataset), minidl.get_num_threads(), Info.called

    def __len__(self):
        return 4

    called = -1


def note(number):
    Info.called = number


def fail(number):
    raise ValueError("not today")


def none_left():
    end = time.monotonic() + 10
    while multiprocessing.active_children() and time.monotonic() < end:
        time.sleep(0.05)
    return not multiprocessing.active_children()


def lists(loader):
    return [[part.tolist() for part in batch] for batch in loader]


def test_order_and_random_numbers_are_the_same_for_0_1_2_and_3_workers():
    expected = None
    for workers in (0, 1, 2, 3):
        minidl.manual_seed(4)
        loader = DataLoader(Random(), batch_size=3, shuffle=True, num_workers=workers)
        found = lists(loader), lists(loader), minidl.rand(1).item()
        expected = expected or found
        assert found == expected
    first, second, _ = expected
    assert len(first) == 4 and first != second and none_left()
    drawn = [row[0] for batch in first for row in batch[1]]
    assert len(set(drawn)) == 10  # each batch has a stream of its own


def test_streams_of_python_and_numpy_are_distinct_and_come_again():
    def run():
        minidl.manual_seed(1)
        return lists(DataLoader(Streams(), batch_size=2, num_workers=2))

    first, second = run(), run()
    assert [batch[:2] for batch in first] == [batch[:2] for batch in second]
    for part in (0, 1):
        assert len({number for batch in first for number in batch[part]}) == 8
    assert len({pid for batch in first for pid in batch[2]} - {os.getpid()}) == 2


def test_persistent_workers_stay_from_run_to_run():
    loader = DataLoader(Streams(), batch_size=2, num_workers=2, persistent_workers=True)
    first = {pid for batch in loader for pid in batch[2].tolist()}
    next(iter(loader))  # broken off
    second = {pid for batch in loader for pid in batch[2].tolist()}
    assert first == second
    del loader
    assert none_left()


def test_a_loader_with_workers_goes_on_where_it_was():
    minidl.manual_seed(2)
    loader = DataLoader(Random(), batch_size=2, shuffle=True, num_workers=2)
    run = iter(loader)
    next(run), next(run)
    state = loader.state_dict()
    rest = lists(run)
    loader.load_state_dict(state)
    assert lists(loader) == rest and len(rest) == 3


def test_an_early_break_leaves_no_process():
    for _ in DataLoader(Random(), num_workers=2):
        assert len(multiprocessing.active_children()) == 2
        break
    assert none_left()


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        ("raise", KeyError, "no such sample"),
        ("odd", StateError, "Odd: odd"),
        ("die", StateError, r"DataLoader worker 1 \(pid \d+\) was killed by SIGKILL"),
        ("exit", StateError, "ended with the exit code 7"),
    ],
)
def test_what_goes_wrong_in_a_worker_is_raised(what, error, words):
    seen = []
    with pytest.raises(error, match=words) as caught:
        for batch in DataLoader(Faulty(what), num_workers=2):
            seen.append(batch.item())
    assert seen == [0, 1, 2][: len(seen)] and none_left()  # a killed worker may take with it what it had read
    if what == "raise":
        assert "in DataLoader worker 1" in str(caught.value.__cause__) and "__getitem__" in str(caught.value.__cause__)


def test_a_hanging_worker_meets_the_timeout():
    with pytest.raises(StateError, match="DataLoader worker 0 gave no batch within timeout=2"):
        list(DataLoader(Faulty("hang"), batch_size=6, num_workers=1, timeout=2))
    assert none_left()


def test_what_does_not_pickle_says_so():
    data = TensorDataset(minidl.arange(4))
    with pytest.raises(ArgumentTypeError, match="does not pickle .*lambda.*num_workers=0"):
        list(DataLoader(data, num_workers=1, collate_fn=lambda samples: samples))
    assert none_left()


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_forked_workers_take_what_does_not_pickle_and_give_the_same():
    class Local(Random):
        pass

    def batches(**options):
        minidl.manual_seed(3)
        return list(DataLoader(Local(), batch_size=3, shuffle=True, collate_fn=lambda samples: samples, **options))

    plain, forked = batches(), batches(num_workers=2, multiprocessing_context="fork")
    assert [[s[0] for s in batch] for batch in plain] == [[s[0] for s in batch] for batch in forked]
    for ours, theirs in zip(chain(*plain), chain(*forked), strict=True):
        assert minidl.equal(ours[1], theirs[1]) and minidl.equal(ours[2], theirs[2])
    assert none_left()


def test_workers_read_ahead_but_not_everything(tmp_path):
    run = iter(DataLoader(Touch(tmp_path), num_workers=2, prefetch_factor=3))
    next(run)
    end = time.monotonic() + 10
    while len(list(tmp_path.iterdir())) < 7 and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.2)
    assert len(list(tmp_path.iterdir())) == 7  # 2 workers read 3 ahead each, one has been taken


def test_a_stream_is_shared_out_by_its_workers():
    assert [batch.tolist() for batch in DataLoader(Split(), batch_size=2, num_workers=2)] == [
        [0, 2], [1, 3], [4, 6], [5, 7], [8], [9],
    ]  # fmt: skip
    kept = DataLoader(Split(), batch_size=None, num_workers=3, persistent_workers=True)
    assert list(kept) == list(kept) == list(range(10))


def test_a_worker_knows_who_it_is():
    assert get_worker_info() is None
    rows = [[part.item() for part in batch] for batch in DataLoader(Info(), num_workers=2, worker_init_fn=note)]
    assert [row[0] for row in rows] == [0, 1, 0, 1] and {tuple(row[1:2] + row[3:5]) for row in rows} == {(2, 4, 1)}
    assert [row[5] for row in rows] == [0, 1, 0, 1] and rows[0][2] != rows[1][2]
    with pytest.raises(ValueError, match="not today"):
        list(DataLoader(Info(), num_workers=1, worker_init_fn=fail))


def test_kernels_run_beside_workers():
    x, w = minidl.randn(512, 512), minidl.randn(512, 512)
    expected = (x @ w).tolist()
    for _ in DataLoader(Random(), num_workers=2):
        assert (x @ w).tolist() == expected


@pytest.mark.parametrize(
    "options",
    [
        {"prefetch_factor": 2}, {"persistent_workers": True}, {"timeout": -1}, {"num_workers": 1, "prefetch_factor": 0},
        {"num_workers": 1, "multiprocessing_context": "thread"}, {"multiprocessing_context": "spawn"},
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused_as_in_pytorch(options):
    with pytest.raises(ArgumentError):
        DataLoader([1], **options)


def script(text, path):
    path.write_text(textwrap.dedent(text))
    environment = {**os.environ, "PYTHONPATH": str(Path(minidl.__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def test_a_script_without_a_guard_is_told_so(tmp_path):
    process = script(
        """
        import minidl
        from minidl.data import DataLoader
        print(list(DataLoader([1, 2], num_workers=1)))
        """,
        tmp_path / "unguarded.py",
    )
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0 and "__main__" in errors.splitlines()[-1]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_and_a_kill_leave_no_process(tmp_path, sent):
    process = script(
        """
        import os, time
        from minidl.data import DataLoader, Dataset

        class Slow(Dataset):
            def __getitem__(self, index):
                time.sleep(0.05)
                return os.getpid()
            def __len__(self):
                return 10_000

        if __name__ == "__main__":
            for k, batch in enumerate(DataLoader(Slow(), num_workers=2)):
                if k < 2:
                    print(batch.item(), flush=True)
        """,
        tmp_path / "slow.py",
    )
    workers = [int(process.stdout.readline()) for _ in range(2)]
    process.send_signal(sent)
    process.communicate(timeout=30)
    assert process.returncode == -sent
    end = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
