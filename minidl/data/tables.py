"""Tables of numbers: from a CSV file, and cleaned of missing values, outliers and duplicates.

A table is a float64 array (rows, columns) in which NaN stands for a missing value.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, ShapeError, StateError

Array = np.ndarray[Any, Any]

MISSING = ("", "na", "n/a", "nan", "null", "none", "?")


class Table(NamedTuple):
    """The names of the columns and the values, float64 (rows, columns)."""

    names: list[str]
    values: Array


def read_csv(
    path: str | os.PathLike[str],
    *,
    delimiter: str = ",",
    header: bool = True,
    categories: Mapping[str, Sequence[str]] | None = None,
    missing: Sequence[str] = MISSING,
    encoding: str = "utf-8-sig",
) -> Table:
    """Return the table of a CSV file.

    Args:
        header: whether the first line names the columns; else they are "0", "1", ...
        categories: for columns of words, the words by name of the column; a cell becomes the place of its word.
        missing: what a cell without a value holds, in small letters; it becomes NaN.

    Raises StateError that names file, line and column for a line with too few or too many cells, and for a cell that is
    no number; for a file without rows too.

    >>> import os, tempfile
    >>> from minidl.data import read_csv
    >>> path = os.path.join(tempfile.mkdtemp(), "people.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("age,kind\\n31,cat\\n,dog\\n")
    >>> read_csv(path, categories={"kind": ["cat", "dog"]})
    Table(names=['age', 'kind'], values=array([[31.,  0.],
           [nan,  1.]]))
    """
    rows: list[list[float]] = []
    names: list[str] | None = None
    try:
        with open(path, newline="", encoding=encoding) as file:
            lines = csv.reader(file, delimiter=delimiter, strict=True)
            for cells in lines:
                if not cells:
                    continue  # an empty line
                if names is None:
                    names = [cell.strip() for cell in cells] if header else [str(k) for k in range(len(cells))]
                    codes = _codes(categories or {}, names)
                    if header:
                        continue
                if len(cells) != len(names):
                    raise StateError(f"{path}, line {lines.line_num}: {len(cells)} cells, expected {len(names)}")
                rows.append([
                    _number(cell.strip(), codes.get(name), missing, f"{path}, line {lines.line_num}, column {name!r}")
                    for cell, name in zip(cells, names, strict=True)
                ])  # fmt: skip
    except (csv.Error, UnicodeDecodeError) as error:
        raise StateError(f"{path}: not a CSV file in {encoding} ({error})") from error
    if names is None or not rows:
        raise StateError(f"{path}: there are no rows")
    return Table(names, np.array(rows, dtype=np.float64))


def read_categories(
    path: str | os.PathLike[str], *, delimiter: str = ",", missing: Sequence[str] = MISSING, encoding: str = "utf-8-sig"
) -> dict[str, list[str]]:
    """Return the words in each column of a CSV file that holds words alone, sorted: `categories` for read_csv.

    A column with a number in it is one of numbers, and read_csv names the cells of it that are none.

    >>> import os, tempfile
    >>> from minidl.data import read_categories
    >>> path = os.path.join(tempfile.mkdtemp(), "people.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("age,kind\\n31,dog\\n,cat\\n")
    >>> read_categories(path)
    {'kind': ['cat', 'dog']}
    """
    names: list[str] | None = None
    found: list[set[str]] = []
    try:
        with open(path, newline="", encoding=encoding) as file:
            for cells in csv.reader(file, delimiter=delimiter, strict=True):
                if names is None and cells:
                    names = [cell.strip() for cell in cells]
                    found = [set() for _ in names]
                    continue
                for words, cell in zip(found, cells, strict=False):
                    words.add(cell.strip())
    except (csv.Error, UnicodeDecodeError) as error:
        raise StateError(f"{path}: not a CSV file in {encoding} ({error})") from error
    columns = {
        name: [word for word in sorted(words) if word.lower() not in missing]
        for name, words in zip(names or (), found, strict=True)
    }
    return {name: words for name, words in columns.items() if words and not any(map(_is_number, words))}


def drop_missing(values: Any) -> Array:
    """Return the rows without NaN.

    >>> from minidl.data import drop_missing
    >>> drop_missing([[1.0, 2.0], [float("nan"), 3.0]])
    array([[1., 2.]])
    """
    table = as_table(values)
    return table[~np.isnan(table).any(axis=1)]


def fill_missing(values: Any, fill: Any = "median", *, fitted_on: Any = None) -> Array:
    """Return the table with its NaNs filled.

    Args:
        fill: "median", "mean" or "most_frequent" of the column, or a number, or one for each column.
        fitted_on: the table that the figures are of, by default this one; for test data, the training data.

    Raises ArgumentError for a column without any value.

    >>> from minidl.data import fill_missing
    >>> fill_missing([[1.0], [float("nan")], [3.0]], "mean").tolist()
    [[1.0], [2.0], [3.0]]
    """
    table = as_table(values)
    if not isinstance(fill, str):
        return np.where(np.isnan(table), np.broadcast_to(np.asarray(fill, np.float64), table.shape), table)
    source = table if fitted_on is None else as_table(fitted_on)
    if source.shape[1] != table.shape[1]:
        raise ShapeError(f"fitted_on has {source.shape[1]} columns, expected {table.shape[1]}")
    figures = [_figure(source[~np.isnan(source[:, k]), k], fill, k) for k in range(table.shape[1])]
    return np.where(np.isnan(table), figures, table)


def drop_duplicates(values: Any) -> Array:
    """Return the rows without those that stood there before, in their order; NaN equals NaN.

    >>> from minidl.data import drop_duplicates
    >>> drop_duplicates([[1, 2], [3, 4], [1, 2]]).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    table = as_table(values)
    first: dict[bytes, int] = {}
    for k, row in enumerate(table + 0.0):  # which makes 0 of -0
        first.setdefault(row.tobytes(), k)
    return table[list(first.values())]


def outliers(values: Any, *, method: str = "iqr", threshold: float | None = None) -> Array:
    """Return a mask of the values far from the others of their column; NaN is none.

    Args:
        method: "iqr" finds what is more than `threshold` (1.5) times the distance of the quartiles below the first or
            above the third; "zscore" what is more than `threshold` (3) standard deviations from the mean.

    >>> from minidl.data import outliers
    >>> outliers([[1.0], [2.0], [3.0], [2.0], [50.0]])[:, 0].tolist()
    [False, False, False, False, True]
    """
    table = as_table(values)
    mask = np.zeros(table.shape, dtype=bool)
    for k, column in enumerate(table.T):
        known = column[~np.isnan(column)]
        if known.size == 0:
            continue
        if method == "iqr":
            low, high = np.quantile(known, [0.25, 0.75])
            margin = (1.5 if threshold is None else threshold) * (high - low)
            mask[:, k] = (column < low - margin) | (column > high + margin)
        elif method == "zscore":
            mask[:, k] = np.abs(column - known.mean()) > (3 if threshold is None else threshold) * known.std()
        else:
            raise ArgumentError(f'method is {method!r}, expected "iqr" or "zscore"')
    return mask


def as_table(values: Any) -> Array:
    """Return numbers as float64 (rows, columns), or raise."""
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2:
        raise ShapeError(f"a table has the shape (rows, columns), got {table.shape}")
    return table


def _codes(categories: Mapping[str, Sequence[str]], names: Sequence[str]) -> dict[str, dict[str, float]]:
    unknown = [name for name in categories if name not in names]
    if unknown:
        raise ArgumentError(f"categories: there is no column {unknown[0]!r}; the columns are {', '.join(names)}")
    return {name: {word: float(k) for k, word in enumerate(words)} for name, words in categories.items()}


def _number(cell: str, codes: Mapping[str, float] | None, missing: Sequence[str], where: str) -> float:
    if codes is not None and cell in codes:
        return codes[cell]
    if cell.lower() in missing:
        return float("nan")
    if codes is not None:
        raise StateError(f"{where}: found {cell!r}, expected one of {', '.join(map(repr, codes))}")
    try:
        return float(cell)
    except ValueError:
        raise StateError(f"{where}: found {cell!r}, expected a number") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _figure(known: Array, fill: str, column: int) -> float:
    if known.size == 0:
        raise ArgumentError(f"column {column} has no value at all, so nothing says what to fill in")
    if fill == "median":
        return float(np.median(known))
    if fill == "mean":
        return float(known.mean())
    if fill == "most_frequent":
        found, counts = np.unique(known, return_counts=True)
        return float(found[counts.argmax()])
    raise ArgumentError(f'fill is {fill!r}, expected "median", "mean", "most_frequent" or numbers')
