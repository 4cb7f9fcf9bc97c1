"""Random numbers: PyTorch's functions and distributions over NumPy's generators; the bit streams are ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from . import autograd, dtypes
from .autograd import wrap
from .devices import check_device, cpu
from .errors import ArgumentError, DTypeError

MODULUS = 2**64


class Generator:
    """A stream of random numbers (NumPy's PCG64); the same seed draws the same.

    >>> import minidl
    >>> g = minidl.Generator().manual_seed(7)
    >>> a = minidl.rand(3, generator=g)
    >>> b = minidl.rand(3, generator=g.manual_seed(7))
    >>> minidl.equal(a, b)
    True
    """

    def __init__(self, device: Any = "cpu") -> None:
        check_device(device)
        self.device = cpu
        self.manual_seed(67280421310721)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of this seed, an int from -2^63 to 2^64 - 1; returns the generator."""
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise DTypeError(f"seed: got {seed!r}, expected an int")
        if not -(2**63) <= seed < MODULUS:
            raise ArgumentError(f"seed: got {seed}, expected an int from -2**63 to 2**64 - 1")
        self._seed = int(seed) % MODULUS
        self.__dict__.pop("numpy", None)
        return self

    @cached_property
    def numpy(self) -> np.random.Generator:
        """The NumPy generator inside."""
        return np.random.Generator(np.random.PCG64(self._seed))

    def seed(self) -> int:
        """Seed from the system's randomness and return the seed."""
        return self.manual_seed(int.from_bytes(os.urandom(8)) // 2).initial_seed()

    def initial_seed(self) -> int:
        """Return the seed that the stream started from."""
        return self._seed

    def get_state(self) -> Any:
        """Return the place in the stream, as a uint8 Tensor."""
        state = self.numpy.bit_generator.state
        words = (
            self._seed,
            state["state"]["state"],
            state["state"]["inc"],
            state["has_uint32"],
            state["uinteger"],
        )
        return wrap(np.frombuffer(b"".join(int(w).to_bytes(16, "little") for w in words), np.uint8).copy())

    def set_state(self, state: Any) -> None:
        """Go to a place in the stream that get_state returned."""
        array = state.array if isinstance(state, autograd.Variable) else np.asarray(state)
        if array.dtype != np.uint8 or array.shape != (80,):
            raise DTypeError(f"state: got {array.dtype} of shape {array.shape}, expected what get_state() returned")
        seed, position, step, has, half = (
            int.from_bytes(array[i : i + 16].tobytes(), "little") for i in range(0, 80, 16)
        )
        self.manual_seed(seed)
        self.numpy.bit_generator.state = {
            "bit_generator": "PCG64", "state": {"state": position, "inc": step}, "has_uint32": has, "uinteger": half,
        }  # fmt: skip


default_generator = Generator()


def manual_seed(seed: Any) -> Generator:
    """Seed the generator that everything random uses by default.

    Unlike PyTorch's, the stream of numbers is minidl's own.

    >>> import minidl
    >>> a = minidl.manual_seed(0) and minidl.rand(2)
    >>> b = minidl.manual_seed(0) and minidl.rand(2)
    >>> minidl.equal(a, b)
    True
    """
    try:
        return default_generator.manual_seed(int(seed))
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"seed: got {seed!r}, expected an int from -2**63 to 2**64 - 1") from None


def seed() -> int:
    """Seed the default generator from the system's randomness and return the seed.

    >>> import minidl
    >>> minidl.seed() == minidl.initial_seed()
    True
    """
    return default_generator.seed()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run a block with the default generator at the start of this seed's stream; then it goes on where it was.

    >>> import minidl
    >>> state = minidl.get_rng_state()
    >>> with minidl.random.seeded(7):
    ...     a = minidl.rand(2)
    >>> minidl.equal(minidl.get_rng_state(), state)
    True
    """
    before = vars(default_generator).copy()  # the NumPy generator in it is replaced, not moved
    default_generator.manual_seed(seed)
    try:
        yield
    finally:
        vars(default_generator).clear()
        vars(default_generator).update(before)


def initial_seed() -> int:
    """Return the seed of the default generator.

    >>> import minidl
    >>> _ = minidl.manual_seed(3)
    >>> minidl.initial_seed()
    3
    """
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """Return the default generator's place in its stream, a uint8 Tensor.

    >>> import minidl
    >>> state = minidl.get_rng_state()
    >>> a = minidl.rand(2)
    >>> minidl.set_rng_state(state)
    >>> minidl.equal(a, minidl.rand(2))
    True
    """
    return default_generator.get_state()


def set_rng_state(state: Any) -> None:
    """Put the default generator where get_rng_state() found it.

    >>> import minidl
    >>> state = minidl.get_rng_state()
    >>> first = minidl.rand(1)
    >>> minidl.set_rng_state(state)
    >>> minidl.equal(minidl.rand(1), first)
    True
    """
    default_generator.set_state(state)


def stream(generator: Generator | None) -> np.random.Generator:
    """Return the NumPy generator to draw from."""
    if generator is None:
        return default_generator.numpy
    if not isinstance(generator, Generator):
        raise DTypeError(f"generator: got {type(generator).__name__}, expected a minidl.Generator")
    return generator.numpy


def uniform(shape: tuple[int, ...], dtype: np.dtype[Any], generator: Generator | None) -> Any:
    """Draw from U[0, 1) in a floating dtype."""
    drawn = np.float32 if dtype == dtypes.float32 else np.float64
    return stream(generator).random(shape, drawn).astype(dtype, copy=False)


def normal(shape: tuple[int, ...], dtype: np.dtype[Any], generator: Generator | None) -> Any:
    """Draw from N(0, 1) in a floating dtype."""
    drawn = np.float32 if dtype == dtypes.float32 else np.float64
    return stream(generator).standard_normal(shape, drawn).astype(dtype, copy=False)
