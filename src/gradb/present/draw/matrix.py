"""Matrices as text: aligned, with a label on each row and column, and a window where there is not room for all.

Knows nothing of derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.text import Text

from gradb.present.draw import theme
from gradb.present.draw.numbers import is_odd

_MAX_LABEL = 18
_MAX_COLUMNS = 120  # no terminal shows more of them at once


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a matrix that is shown."""

    width: int
    """Cells a line may take."""
    rows: int = 12
    """Rows at most."""
    first_row: int = 0
    first_column: int = 0
    """Where it begins, as near to that as there are rows and columns."""


def matrix_lines(
    cell: Callable[[int, int], str],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    window: Window,
    style: str = "",
) -> list[Text]:
    """Return a line of column labels and a line for each row in the window; ``…`` stands for what is left out."""
    rows = _shown(len(row_labels), window.first_row, window.rows)
    labels = [_short(row_labels[row]) for row in rows]
    margin = max(map(len, labels), default=0)
    first = min(max(window.first_column, 0), max(len(column_labels) - 1, 0))
    columns = _columns(cell, rows, column_labels, first, window.width - margin - 2)
    is_cut = (first > 0, first + len(columns) < len(column_labels))
    head = [(_short(column_labels[column]), theme.DIM) for column, _ in columns]
    lines = [_line(" " * margin, head, columns, is_cut, theme.DIM)]
    if rows and rows[0]:
        lines.append(_gap(margin))
    for row, label in zip(rows, labels, strict=True):
        cells = [(cell(row, column), "") for column, _ in columns]
        shown = [(text, theme.NONFINITE if is_odd(text) else theme.DIM if text == "0" else style) for text, _ in cells]
        lines.append(_line(label.rjust(margin), shown, columns, is_cut, style))
    if rows and rows[-1] + 1 < len(row_labels):
        lines.append(_gap(margin))
    return lines


def _shown(count: int, first: int, most: int) -> range:
    """Return the rows in the window: as many as there may be, from ``first`` or from where the last ones begin."""
    begin = min(max(first, 0), max(count - most, 0))
    return range(begin, min(begin + most, count))


def _columns(
    cell: Callable[[int, int], str], rows: range, labels: Sequence[str], first: int, room: int
) -> list[tuple[int, int]]:
    """Return (column, width) of the columns that there is room for from ``first`` on, at least one."""
    room -= 2 if first else 0
    found: list[tuple[int, int]] = []
    for column in range(first, min(len(labels), first + _MAX_COLUMNS)):
        size = max([len(_short(labels[column])), *(len(cell(row, column)) for row in rows)])
        is_last = column + 1 == len(labels)
        if found and size + 1 > room - (0 if is_last else 2):
            break
        found.append((column, size))
        room -= size + 1
    return found


def _line(
    label: str,
    cells: Sequence[tuple[str, str]],
    columns: Sequence[tuple[int, int]],
    is_cut: tuple[bool, bool],
    dots: str,
) -> Text:
    line = Text(label, style=theme.DIM, no_wrap=True)
    line.append(" " if cells else "")
    if is_cut[0]:
        line.append(" …", dots)
    for (text, style), (_, size) in zip(cells, columns, strict=True):
        line.append(" " + " " * (size - len(text)))
        line.append(text, style)
    if is_cut[1]:
        line.append(" …", dots)
    return line


def _gap(margin: int) -> Text:
    return Text("…".rjust(margin), style=theme.DIM, no_wrap=True)


def _short(label: str) -> str:
    """Return a label of bounded length: of a long name its end, where the index is."""
    return label if len(label) <= _MAX_LABEL else "…" + label[-_MAX_LABEL + 1 :]
