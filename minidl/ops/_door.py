"""What the doors of kernels share: kernels take contiguous arrays, and any other layout is converted here."""

from __future__ import annotations

from typing import Any

from numpy import ascontiguousarray


def contiguous(*arrays: Any) -> list[Any]:
    """Return the arrays in row-major order, copied only where they are not; None stays None."""
    return [x if x is None or x.flags.c_contiguous else ascontiguousarray(x) for x in arrays]
