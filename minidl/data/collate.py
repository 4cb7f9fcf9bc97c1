"""From a list of samples to one batch."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

import minidl

from ..errors import ArgumentTypeError, DTypeError, ShapeError


def default_collate(batch: Sequence[Any]) -> Any:
    """Return the samples of a list as one batch, with a new first axis, as PyTorch does.

    What one sample is decides: Tensors, arrays and NumPy scalars become one Tensor; ints and bools an int64 or bool
    Tensor, floats a float64 one; strings stay a list. Of tuples and lists a list is made with a batch for each place,
    of a namedtuple a namedtuple, and of dicts a dict with a batch for each key.

    Raises ShapeError for samples of different shapes or lengths, ArgumentTypeError for samples of another type. To fill
    up sequences of different lengths, write a function with `nn.utils.rnn.pad_sequence` and pass it as `collate_fn`.

    >>> from minidl.data import default_collate
    >>> default_collate([{"x": [0.5, 1], "name": "a"}, {"x": [2.5, 3], "name": "b"}])
    {'x': [tensor([0.5000, 2.5000], dtype=float64), tensor([1, 3])], 'name': ['a', 'b']}
    """
    sample = batch[0]
    if isinstance(sample, minidl.Tensor | np.ndarray):
        return _stacked(batch)
    if isinstance(sample, np.bool_ | np.number):
        return minidl.from_numpy(np.array(batch))
    if isinstance(sample, float):
        return minidl.tensor(batch, dtype=minidl.float64)
    if isinstance(sample, int):
        return minidl.tensor(batch)
    if isinstance(sample, str | bytes):
        return batch
    if isinstance(sample, Mapping):
        return _rebuilt(sample, ((key, default_collate([each[key] for each in batch])) for key in sample))
    if isinstance(sample, Sequence):
        if any(len(each) != len(sample) for each in batch):
            raise ShapeError(f"the samples of a batch are sequences of different lengths: {[len(x) for x in batch]}")
        return _like(sample, [default_collate(places) for places in zip(*batch, strict=True)])
    raise ArgumentTypeError(
        f"can't make a batch of samples of type {type(sample).__name__}; expected tensors, arrays, numbers, strings, "
        "or tuples, lists and dicts of them. Pass a collate_fn for anything else"
    )


def default_convert(sample: Any) -> Any:
    """Return a sample with its arrays and NumPy scalars as Tensors, all else as it is; for loaders without batches.

    >>> import numpy as np
    >>> from minidl.data import default_convert
    >>> default_convert({"x": np.array([1, 2]), "name": "a"})
    {'x': tensor([1, 2]), 'name': 'a'}
    """
    if isinstance(sample, np.ndarray | np.bool_ | np.number):
        array = np.asarray(sample)
        return minidl.from_numpy(array) if array.dtype.kind in "biuf" else sample
    if isinstance(sample, Mapping):
        return _rebuilt(sample, ((key, default_convert(value)) for key, value in sample.items()))
    if isinstance(sample, Sequence) and not isinstance(sample, str | bytes):
        return _like(sample, [default_convert(each) for each in sample])
    return sample


def collated(dataset: Any, indices: Sequence[Any]) -> Any:
    """Return default_collate of the samples at these indices, by the fastest way that the data set offers."""
    if _fetches_batches(dataset):
        return dataset.fetch_batch(indices)
    return default_collate(samples(dataset, indices))


def samples(dataset: Any, indices: Sequence[Any]) -> list[Any]:
    """Return the list of the samples at these indices."""
    if hasattr(dataset, "__getitems__"):
        return dataset.__getitems__(indices)
    return [dataset[index] for index in indices]


def _fetches_batches(dataset: Any) -> bool:
    """Whether `dataset` has a fetch_batch that goes with its __getitem__.

    A subclass that writes only a new __getitem__, say to turn the images of FashionMNIST, inherits a fetch_batch that
    knows nothing of it and must not be used.
    """
    for cls in type(dataset).__mro__:
        if "fetch_batch" in vars(cls):
            return True
        if "__getitem__" in vars(cls):
            return False
    return False


def _stacked(batch: Sequence[Any]) -> minidl.Tensor:
    """Stack Tensors or arrays of one shape along a new first axis."""
    expected = tuple(batch[0].shape)
    for index, sample in enumerate(batch):
        if tuple(sample.shape) != expected:
            raise ShapeError(
                f"the samples of a batch have different shapes: the first {expected}, number {index} "
                f"{tuple(sample.shape)}. Bring them to one shape, or pass a collate_fn"
            )
    if isinstance(batch[0], minidl.Tensor):
        return minidl.stack(list(batch))
    stacked = np.stack(batch)
    if stacked.dtype.kind not in "biuf":
        raise DTypeError(f"can't make a batch of arrays of dtype {stacked.dtype}, expected real numbers or bool")
    return minidl.from_numpy(stacked)


def _rebuilt(sample: Mapping[Any, Any], items: Iterable[tuple[Any, Any]]) -> Any:
    """Return a mapping of the type of `sample` with these items."""
    if not isinstance(sample, MutableMapping):
        return type(sample)(dict(items))  # type: ignore[call-arg]
    clone = copy.copy(sample)  # keeps what the type may hold besides its items, such as a default
    clone.update(items)
    return clone


def _like(sample: Sequence[Any], places: list[Any]) -> Any:
    """Return the places as a namedtuple if `sample` is one, else as a list."""
    return type(sample)(*places) if hasattr(sample, "_fields") else places
