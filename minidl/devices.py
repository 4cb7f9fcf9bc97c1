"""The one device there is: the CPU. The names let programs written for PyTorch run unchanged."""

from __future__ import annotations

from typing import Any

from .errors import ArgumentError


class device:
    """Where a Tensor lives: "cpu", always.

    >>> import minidl
    >>> minidl.device("cpu")
    device(type='cpu')
    """

    index = None

    def __init__(self, type: Any = "cpu") -> None:
        check_device(type)
        self.type = "cpu"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device)

    def __hash__(self) -> int:
        return hash(device)

    def __str__(self) -> str:
        return self.type

    def __repr__(self) -> str:
        return "device(type='cpu')"


def check_device(value: Any) -> None:
    """Accept the CPU by any of its names; refuse another device by name."""
    if value is not None and str(value) not in ("cpu", "cpu:0"):
        raise ArgumentError(f'device: got {str(value)!r}; minidl computes on the CPU, use device="cpu"')


cpu = device()
