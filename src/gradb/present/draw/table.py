"""Tables: of figures, the numbers under each other; and of many rows, which are to be drawn fast."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from gradb.present.draw.fields import cut
from gradb.present.draw.safe import plain


def figures(rows: Sequence[Sequence[str]]) -> Table:
    """Return the rows as a table, the first being its head."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in rows[0]:
        table.add_column(Text(plain(title)), justify="right", no_wrap=True)
    for row in rows[1:]:
        table.add_row(*(Text(plain(text)) for text in row))
    return table


_GAP = 2
_HEAD = "bold"  # what rich adds to the style of a head


def columns(rows: Sequence[Sequence[Text]], width: int) -> list[Text]:
    """Return rows of texts as lines of ``width`` cells at most, the first row being the head.

    Where there is no room for all, the widest columns are cut, each cell ending in ``…``.
    """
    widths = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]
    room = width - _GAP * (len(widths) - 1)
    while sum(widths) > room and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    return [head_line(rows[0], widths), *(line(row, widths) for row in rows[1:])]


def head_line(row: Sequence[Text], widths: Sequence[int]) -> Text:
    """Return the titles, blanks in their style too; piece by piece, as rich would send it to a terminal."""
    made, last = Text(no_wrap=True), len(widths) - 1
    for index, (cell, room) in enumerate(zip(row, widths, strict=True)):
        for piece in (" " if index else "", f"{_fitted(cell, room).plain:<{room}}", " " if index < last else ""):
            made.append(piece, f"{_HEAD} {cell.style}")
    return made


def line(row: Sequence[Text], widths: Sequence[int]) -> Text:
    """Return the cells of a row in columns of some widths, two blanks between them."""
    made, last = Text(no_wrap=True), len(widths) - 1
    for index, (cell, room) in enumerate(zip(row, widths, strict=True)):
        padded = _fitted(cell, room)
        padded.pad_right(room - padded.cell_len)  # in the cell's own style
        made.append_text(padded).append(" " * _GAP if index < last else "")
    return made


def _fitted(cell: Text, room: int) -> Text:
    return cut(cell, room) if cell.cell_len > room else cell.copy()
