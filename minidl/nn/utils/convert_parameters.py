"""Parameters as one vector."""

from __future__ import annotations

from collections.abc import Iterable

import minidl

from ...autograd import no_grad
from ...errors import ShapeError
from ...tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return all parameters, flattened, as one vector.

    >>> import minidl
    >>> minidl.nn.utils.parameters_to_vector(minidl.nn.Linear(3, 2).parameters()).shape
    (8,)
    """
    return minidl.cat([param.reshape(-1) for param in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write the parts of a vector into the parameters, in place: the inverse of parameters_to_vector.

    >>> import minidl
    >>> layer = minidl.nn.Linear(1, 1)
    >>> minidl.nn.utils.vector_to_parameters(minidl.tensor([2.0, 3.0]), layer.parameters())
    >>> layer(minidl.ones(1)).tolist()
    [5.0]
    """
    listed = list(parameters)
    sizes = [param.numel() for param in listed]
    if vec.shape != (sum(sizes),):
        raise ShapeError(f"vector_to_parameters: expected a vector of {sum(sizes)} elements, got shape {vec.shape}")
    start = 0
    with no_grad():
        for param, size in zip(listed, sizes, strict=True):
            param.copy_(vec[start : start + size].reshape(param.shape))
            start += size
