"""The time steps of a recurrence whose rows lie one step after the other: step t is the next batch_sizes[t] rows.

Sequences are sorted by length, the longest first, so the n rows of a step belong to the first n sequences. Forward, a
sequence that is over keeps its last state; in reverse, one that has not begun keeps its first. Either way the state
that is left after the last step computed is each sequence's own.

Twin: kernels/core/recurrence.c
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

Steps = list[tuple[slice, int]]


def steps_of(batch_sizes: Sequence[int], reverse: bool) -> Steps:
    """Return (slice of the rows, number of rows) of every step, in the order in which they are computed."""
    steps, start = [], 0
    for n in batch_sizes:
        steps.append((slice(start, start + n), n))
        start += n
    return steps[::-1] if reverse else steps


def states_before(y: ndarray, h0: ndarray, steps: Steps) -> ndarray:
    """Return, for each row of y, the state that its step started from."""
    before, h = np.empty_like(y), h0.copy()
    for rows, n in steps:
        before[rows] = h[:n]
        h[:n] = y[rows]
    return before
