"""What a call costs beside its arithmetic: programs on single numbers and on sixteen of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .row import Row


def micrograd(lib: Any) -> Callable[[], Any]:
    """The example of micrograd's README, about thirty operations on numbers: g is 24.7041, dg/da is 138.8338."""

    def program() -> tuple[Any, Any, Any]:
        a = lib.tensor(-4.0, requires_grad=True)
        b = lib.tensor(2.0, requires_grad=True)
        c = a + b
        d = a * b + b**3
        c = c + (c + 1)
        c = c + (1 + c + (-a))
        d = d + (d * 2 + (b + a).relu())
        d = d + (3 * d + (b - a).relu())
        e = c - d
        f = e**2
        g = f / 2.0
        g = g + 10.0 / f
        g.backward()
        return g, a.grad, b.grad

    return program


def micrograd_in_place(lib: Any) -> Callable[[], Any]:
    """The same as it stands in that README, with `+=`: on tensors that is a change in place."""

    def program() -> tuple[Any, Any, Any]:
        a = lib.tensor(-4.0, requires_grad=True)
        b = lib.tensor(2.0, requires_grad=True)
        c = a + b
        d = a * b + b**3
        c += c + 1
        c += 1 + c + (-a)
        d += d * 2 + (b + a).relu()
        d += 3 * d + (b - a).relu()
        e = c - d
        f = e**2
        g = f / 2.0
        g += 10.0 / f
        g.backward()
        return g, a.grad, b.grad

    return program


def small_sum(lib: Any) -> Callable[[], Any]:
    """Three operations, one of them backward, on sixteen floats."""
    a, b = (lib.tensor(np.linspace(0, k, 16, dtype=np.float32), requires_grad=True) for k in (1, 2))

    def program() -> Any:
        a.grad = b.grad = None
        (a + b).sum().backward()
        return a.grad

    return program


ROWS = {
    "(a + b).sum().backward(), 16 floats": Row(small_sum),
    "micrograd's example": Row(micrograd),
    "micrograd's example with +=": Row(micrograd_in_place),
}
