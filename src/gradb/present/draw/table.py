"""A table of figures: a head and rows of texts, the numbers under each other."""

from __future__ import annotations

from collections.abc import Sequence

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
