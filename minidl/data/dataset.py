"""What a data set is: samples by number, or one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import minidl

from ..errors import ArgumentError, ShapeError

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """A data set: `dataset[index]` is a sample, `len(dataset)` their number. Subclasses write both.

    A subclass may also write one of two methods that a DataLoader prefers, for speed:

    `fetch_batch(indices)` returns a whole collated batch. It must give exactly what
    `default_collate([self[i] for i in indices])` gives. It is not asked when the loader has a `collate_fn` of its own,
    nor when a subclass writes a new `__getitem__` and no `fetch_batch`.
    `__getitems__(indices)`, PyTorch's protocol, returns the list of the samples.

    >>> from minidl.data import DataLoader, Dataset
    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 5
    ...     def __getitem__(self, index):
    ...         return index, float(index**2)
    >>> [squares.tolist() for numbers, squares in DataLoader(Squares(), batch_size=2)]
    [[0.0, 1.0], [4.0, 9.0], [16.0]]
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__(index), which returns a sample")

    def __add__(self, other: Any) -> Dataset[Any]:
        from .combine import ConcatDataset

        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """A data set that is read from its start to its end: a stream, a file too large for memory.

    A subclass writes `__iter__`, which yields the samples, and `__len__` if it knows their number. A DataLoader makes
    batches of them in the order in which they come, so it takes no `shuffle` and no sampler.

    >>> from minidl.data import DataLoader, IterableDataset
    >>> class Countdown(IterableDataset):
    ...     def __iter__(self):
    ...         return iter([3, 2, 1])
    >>> [batch.tolist() for batch in DataLoader(Countdown(), batch_size=2)]
    [[3, 2], [1]]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__(), which yields samples")

    def __add__(self, other: Any) -> Dataset[Any]:
        from .combine import ChainDataset

        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple["minidl.Tensor", ...]]):
    """Sample i is the tuple of row i of each tensor: `dataset[i] = (tensors[0][i], tensors[1][i], ...)`.

    Args:
        tensors: Tensors or arrays of one length along the first axis, such as inputs and targets.

    Raises ArgumentError without tensors, ShapeError for different lengths.

    >>> import minidl
    >>> dataset = minidl.data.TensorDataset(minidl.arange(6).reshape(3, 2), minidl.tensor([0, 1, 0]))
    >>> len(dataset), dataset[1][0].tolist(), dataset[1][1].item()
    (3, [2, 3], 1)
    """

    def __init__(self, *tensors: Any) -> None:
        if not tensors:
            raise ArgumentError("TensorDataset needs at least one tensor")
        self.tensors: tuple[minidl.Tensor, ...] = tuple(minidl.as_tensor(tensor) for tensor in tensors)
        shapes = [tuple(tensor.shape) for tensor in self.tensors]
        if any(shape[:1] != shapes[0][:1] or not shape for shape in shapes):
            raise ShapeError(
                f"TensorDataset: the tensors have the shapes {shapes}, expected one length of the first axis"
            )

    def __getitem__(self, index: Any) -> tuple[minidl.Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def fetch_batch(self, indices: Sequence[int]) -> list[minidl.Tensor]:
        """Return the rows at `indices` of each tensor, taken in one step."""
        return [tensor[indices] for tensor in self.tensors]

    def __len__(self) -> int:
        return len(self.tensors[0])
