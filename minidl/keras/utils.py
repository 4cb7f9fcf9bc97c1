"""Small helpers under Keras's names."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

import minidl

from ..errors import ArgumentError
from . import naming
from .values import Array


def to_categorical(x: Any, num_classes: int | None = None) -> Array:
    """Return one-hot rows for the numbers of classes.

    >>> from minidl import keras
    >>> keras.utils.to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    labels = np.asarray(x.detach() if isinstance(x, minidl.Tensor) else x)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    labels = labels.astype(np.int64)
    count = int(labels.max(initial=-1)) + 1 if num_classes is None else num_classes
    if labels.size and (labels.min() < 0 or labels.max() >= count):
        raise ArgumentError(
            f"to_categorical: labels go from {labels.min()} to {labels.max()}, expected 0 to {count - 1}"
        )
    return np.eye(count)[labels]


def set_random_seed(seed: int) -> None:
    """Seed minidl's, NumPy's and Python's random numbers.

    >>> import minidl
    >>> from minidl import keras
    >>> keras.utils.set_random_seed(0)
    >>> first = minidl.rand(1)
    >>> keras.utils.set_random_seed(0)
    >>> minidl.equal(first, minidl.rand(1))
    True
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  programs written for Keras draw from it
    minidl.manual_seed(seed)


def clear_session() -> None:
    """Forget the names that layers have been given.

    >>> from minidl import keras
    >>> keras.utils.clear_session()
    >>> keras.layers.Dense(1).name
    'dense'
    """
    naming.counts.clear()
