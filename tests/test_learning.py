"""The networks learn, in small form; benchmarks/learning.py has the tasks, and does them at their full size."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.data import Digits, FashionMNIST

learning = pytest.importorskip("benchmarks.learning", reason="runs in the source tree")


def test_an_lstm_learns_to_count():
    random = np.random.default_rng(0)
    minidl.manual_seed(0)
    model = learning.Tagger(2, 9, hidden=24)
    assert learning.learn(model, lambda: learning.counting(random, 8, 32), steps=250, lr=1e-2) >= 0.95


def test_an_lstm_learns_to_copy():
    random = np.random.default_rng(0)
    minidl.manual_seed(0)
    model = learning.Tagger(5, 4, hidden=32)
    assert learning.learn(model, lambda: learning.copying(random, 3, 32, 4), steps=300, lr=1e-2) >= 0.95


def test_a_transformer_learns_to_sort():
    random = np.random.default_rng(0)
    minidl.manual_seed(0)
    model = learning.Sorter(5)
    assert learning.learn(model, lambda: learning.sorting(random, 5, 64), steps=250, lr=5e-3) >= 0.95


def test_a_cnn_learns_clothes():
    minidl.manual_seed(0)
    train, test = learning.images_of(FashionMNIST, FashionMNIST.bundled_folder)
    accuracies = [right for right, _ in learning.learn_images(learning.cnn(28, 4), train, test, 3, 32, 5e-3)]
    assert accuracies[-1] >= 0.8


def test_a_cnn_learns_digits():
    minidl.manual_seed(0)
    train, test = learning.images_of(Digits, maximum=16)
    accuracies = [right for right, _ in learning.learn_images(learning.cnn(8, 8), train, test, 10, 32, 5e-3)]
    assert accuracies[-1] >= 0.9


def test_the_tasks_are_what_they_say():
    random = np.random.default_rng(0)
    bits, counts = learning.counting(random, 4, 2)
    assert counts.tolist() == np.cumsum(bits.tolist(), 1).tolist()
    said, again = learning.copying(random, 2, 1, symbols=3)
    assert said[0, 2:].tolist() == [3, 3]
    assert again[0].tolist() == [-100, -100, *said[0, :2].tolist()]
    drawn, in_order = learning.sorting(random, 5, 1)
    assert in_order[0].tolist() == sorted(drawn[0].tolist())


def test_what_knows_nothing_is_seen_to_know_nothing():
    class Mute(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = nn.Parameter(minidl.zeros(1, 9, 1))

        def forward(self, x):
            return self.bias.expand(x.shape[0], 9, x.shape[1])

    random = np.random.default_rng(0)
    assert learning.learn(Mute(), lambda: learning.counting(random, 8, 64), steps=50) < 0.4
