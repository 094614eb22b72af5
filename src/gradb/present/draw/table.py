"""Tables: of figures, the numbers under each other; and of many rows, which are to be drawn fast."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gradb.present.draw.safe import plain


def figures(rows: Sequence[Sequence[str]]) -> Table:
    """Return the rows as a table, the first being its head."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in rows[0]:
        table.add_column(Text(plain(title)), justify="right", no_wrap=True)
    for row in rows[1:]:
        table.add_row(*(Text(plain(text)) for text in row))
    return table


_HEAD = "bold"  # what rich adds to the style of a head


def columns(rows: Sequence[Sequence[Text]], width: int) -> RenderableType:
    """Return rows of texts as a table of ``width`` cells at most, the first row being its head.

    It looks as a table of rich's does, which is made only where there is no room for all.
    """
    widths = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) > width:
        return _narrow(rows)
    return Group(_head(rows[0], widths), *(_line(row, widths) for row in rows[1:]))


def _head(row: Sequence[Text], widths: Sequence[int]) -> Text:
    """Return the first line, blanks in its style too; piece by piece, as rich would send it to a terminal."""
    line, last = Text(no_wrap=True), len(widths) - 1
    for index, (cell, room) in enumerate(zip(row, widths, strict=True)):
        for piece in (" " if index else "", f"{cell.plain:<{room}}", " " if index < last else ""):
            line.append(piece, f"{_HEAD} {cell.style}")
    return line


def _line(row: Sequence[Text], widths: Sequence[int]) -> Text:
    line, last = Text(no_wrap=True), len(widths) - 1
    for index, (cell, room) in enumerate(zip(row, widths, strict=True)):
        padded = cell.copy()
        padded.pad_right(room - cell.cell_len)  # in the cell's own style
        line.append_text(padded).append("  " if index < last else "")
    return line


def _narrow(rows: Sequence[Sequence[Text]]) -> Table:
    table = Table(box=None, padding=(0, 1), show_edge=False, pad_edge=False)
    for title in rows[0]:
        table.add_column(title.plain, header_style=title.style, no_wrap=True)
    for row in rows[1:]:
        table.add_row(*row)
    return table
