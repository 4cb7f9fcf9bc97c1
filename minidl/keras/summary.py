"""The table of a model's layers, as Keras prints it."""

from __future__ import annotations

from typing import Any


def size(count: int, width: int = 4) -> str:
    """Return how much memory so many numbers take."""
    amount = float(count * width)
    for unit in ("B", "KB", "MB"):
        if amount < 1024:
            return f"{amount:.2f} {unit}"
        amount /= 1024
    return f"{amount:.2f} GB"


def text(model: Any, line_length: int) -> str:
    """Return the table."""
    rows = []
    for layer in model.layers:
        shape = "?" if layer.output_shape is None else str(layer.output_shape)
        state = (
            f"{layer.count_params():,}"
            if layer.built or layer.weights
            else "0"
            if layer.output_shape
            else "0 (unbuilt)"
        )
        rows.append((f"{layer.name} ({type(layer).__name__})", shape, state))
    first = max(20, int(line_length * 0.45))
    second = max(20, int(line_length * 0.32))
    widths = (first, second, max(12, line_length - first - second - 4))

    def cells(values: tuple[str, str, str], bar: str) -> str:
        a, b, c = (
            value if len(value) <= w - 2 else value[: w - 3] + "…" for value, w in zip(values, widths, strict=True)
        )
        return f"{bar} {a:<{widths[0] - 2}} {bar} {b:<{widths[1] - 2}} {bar} {c:>{widths[2] - 2}} {bar}"

    def rule(left: str, line: str, cross: str, right: str) -> str:
        return left + cross.join(line * w for w in widths) + right

    lines = [
        f'Model: "{model.name}"',
        rule("┏", "━", "┳", "┓"),
        cells(("Layer (type)", "Output Shape", "Param #"), "┃"),
    ]
    lines.append(rule("┡", "━", "╇", "┩"))
    for number, row in enumerate(rows):
        if number:
            lines.append(rule("├", "─", "┼", "┤"))
        lines.append(cells(row, "│"))
    lines.append(rule("└", "─", "┴", "┘"))
    trained = sum(w.numel() for w in model.trainable_weights)
    fixed = sum(w.numel() for w in model.non_trainable_weights)
    for label, count in (("Total", trained + fixed), ("Trainable", trained), ("Non-trainable", fixed)):
        lines.append(f" {label} params: {count:,} ({size(count)})")
    return "\n".join(lines)
