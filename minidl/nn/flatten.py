"""Layers that change the shape alone."""

from __future__ import annotations

import minidl

from ..errors import ArgumentTypeError
from ..tensor import Tensor
from .checks import whole
from .module import Module


class Flatten(Module):
    """Merge the dimensions from `start_dim` to `end_dim` into one; by default all but the first, the batch.

    Shapes: x (N, *) -> y (N, product of *).

    >>> import minidl
    >>> minidl.nn.Flatten()(minidl.zeros(64, 1, 28, 28)).shape
    (64, 784)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with these dimensions merged."""
        return minidl.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return the dimensions."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Split dimension `dim` into `unflattened_size`, of which one entry may be -1: the inverse of Flatten.

    >>> import minidl
    >>> minidl.nn.Unflatten(1, (1, 28, 28))(minidl.zeros(64, 784)).shape
    (64, 1, 28, 28)
    """

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        super().__init__()
        if not isinstance(unflattened_size, (tuple, list)):
            raise ArgumentTypeError(f"unflattened_size must be a tuple of sizes, got {unflattened_size!r}")
        self.dim = whole("dim", dim, -64)
        self.unflattened_size = tuple(whole("unflattened_size", size, -1) for size in unflattened_size)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with the dimension split."""
        return minidl.unflatten(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """Return the dimension and its sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
