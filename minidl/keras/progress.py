"""What fit and evaluate print, in Keras's form."""

from __future__ import annotations

import sys
import time

WIDTH = 20
EVERY = 0.1  # seconds between two pictures of the bar


class Bar:
    """A line such as `63/63 ━━━━━━━━━━━━━━━━━━━━ 1s 2ms/step - accuracy: 0.8100 - loss: 0.5500`.

    `verbose` is 0 for nothing, 1 for a bar, 2 for one line at the end. On a terminal the bar moves.
    """

    def __init__(self, verbose: int, length: int | None) -> None:
        self.verbose, self.length = verbose, length
        self.start = time.perf_counter()
        self.next = 0.0
        self.moves = verbose == 1 and sys.stdout.isatty()

    def due(self) -> bool:
        """Return whether it is time for another picture."""
        return self.moves and time.perf_counter() >= self.next

    def update(self, done: int, logs: dict[str, float]) -> None:
        """Draw the bar after so many steps."""
        self.next = time.perf_counter() + EVERY
        print(f"\r\033[K{self.line(done, logs)}", end="", flush=True)

    def end(self, done: int, logs: dict[str, float]) -> None:
        """Draw the last picture."""
        if self.verbose == 1:
            print(("\r\033[K" if self.moves else "") + self.line(done, logs, True), flush=True)
        elif self.verbose == 2:
            passed = time.perf_counter() - self.start
            print(" - ".join([f"{done}/{self.length or done}", f"{passed:.0f}s", step(passed, done), *figures(logs)]))

    def line(self, done: int, logs: dict[str, float], ended: bool = False) -> str:
        """Return the bar as text."""
        length = self.length or (done if ended else None)
        passed = time.perf_counter() - self.start
        full = WIDTH if length is None else WIDTH * done // max(1, length)
        bar = "━" * full + " " * (WIDTH - full)
        head = f"{done}/{'Unknown' if length is None else length}"
        if ended or length is None:
            spent = f"{passed:.0f}s {step(passed, done)}"
        else:
            spent = f"{passed / max(1, done) * (length - done):.0f}s {step(passed, done)}"  # what is left
        return " - ".join([f"{head} {bar} {spent}", *figures(logs)])


def step(seconds: float, steps: int) -> str:
    """Return the time of a step."""
    each = seconds / max(1, steps)
    return (
        f"{each:.0f}s/step" if each >= 1 else f"{each * 1e3:.0f}ms/step" if each >= 1e-3 else f"{each * 1e6:.0f}us/step"
    )


def figures(logs: dict[str, float]) -> list[str]:
    """Return the figures as text."""
    return [f"{name}: {value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{name}: {value:.4e}"
            for name, value in logs.items()]  # fmt: skip
