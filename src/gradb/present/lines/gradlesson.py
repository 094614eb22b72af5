"""The .grad buffers of a lesson: few and small, so each is shown by its elements, before + added = after.

Where there is little room each takes lines of its own; where there is much, norms stand beside the elements.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from gradb.frame.gradbuffer import GradBuffer
from gradb.present.draw import theme
from gradb.present.draw.fields import cut
from gradb.present.draw.numbers import inline
from gradb.present.draw.table import columns
from gradb.present.lines.buffers import (
    NAME_LIMIT,
    NOT_ADDED,
    before_text,
    change_line,
    marker,
    name_text,
    part_lines,
    verdict,
)
from gradb.present.lines.gradrows import NEVER, Column, norm_columns, shape_column, titled

_TABLE_WIDTH = 60  # narrower than this a buffer takes lines of its own
_BESIDE_NAME = len(".grad") + 13 + len("! [34.13 …]") + 2 * len("[34.13 …]")
"""Columns that a row of the table takes at least beside the name: three values, and signs with their gaps."""
_TITLES = (("", ""), ("name", "buffer"), ("before", "before"), ("added", "+ added"), ("after", "= after"), ("", ""))
_BETWEEN = 15  # cells between the columns, and of the signs
_LEAST = 8
_GAP = 2

Drawn = list[tuple[int, Text]]
"""Lines, each with the index of the buffer that it is about, -1 for the head."""


def lesson(buffers: Sequence[GradBuffer], width: int, sorted_by: str, *, is_reversed: bool) -> Drawn:
    """Return the lines of some buffers, the head first where they have one."""
    if not buffers:
        return []
    if width < _TABLE_WIDTH or _are_alike(buffers, _name_limit(width)):
        return [(index, line) for index, buffer in enumerate(buffers) for line in _stacked(buffer, width)]
    rows = _rows(buffers, width, sorted_by, is_reversed=is_reversed)
    return list(enumerate(columns(rows, width), -1))


def _name_limit(width: int) -> int:
    """Return how many cells of a name there is room for in a row of the table."""
    return min(NAME_LIMIT, width - _BESIDE_NAME)


def _are_alike(buffers: Sequence[GradBuffer], limit: int) -> bool:
    """Tell whether names that differ would be cut to the same text."""
    names = {buffer.name for buffer in buffers}
    return len({name_text(buffer, limit).plain for buffer in buffers}) < len(names)


def _rows(buffers: Sequence[GradBuffer], width: int, sorted_by: str, *, is_reversed: bool) -> list[list[Text]]:
    """Return the titles and the rows, with the norms where there is room for them."""
    names = [name_text(buffer, _name_limit(width)) for buffer in buffers]
    whole = [_cells(buffer, width) for buffer in buffers]
    natural = [max(cell.cell_len for cell in column) for column in zip(*whole, strict=True)]
    room = width - max(name.cell_len for name in names) - _BETWEEN
    shape, norms = shape_column(buffers), norm_columns()
    more = sum(column.width + _GAP for column in (shape, *norms))
    beside: tuple[Column, ...] = (shape, *norms) if sum(_wide(natural)) + more <= room else ()
    widths = share(natural, room)
    titles = [
        *_TITLES[:2],
        *((c.key, c.title) for c in beside[:1]),
        *_TITLES[2:],
        *((c.key, c.title) for c in beside[1:]),
    ]
    rows = [[Text(titled(*title, sorted_by, is_reversed=is_reversed), style=theme.DIM) for title in titles]]
    for buffer, name, cells in zip(buffers, names, whole, strict=True):
        fits = all(cell.cell_len < size for cell, size in zip(cells, widths, strict=True))
        values = cells if fits else _cells(buffer, *widths)
        more_cells = [column.cell(buffer) for column in beside]
        rows.append([marker(buffer), name, *more_cells[:1], *values, verdict(buffer), *more_cells[1:]])
    return rows


def _wide(natural: Sequence[int]) -> list[int]:
    """Return the widths of values so that the norms stay where they are while the values come and go."""
    return [max(natural)] * len(natural)


def share(natural: list[int], room: int) -> list[int]:
    """Give each column what it needs where there is room for all, else cut the widest down to a fair share."""
    widths = list(natural)
    while sum(widths) > max(room, _LEAST * len(widths)):
        widths[widths.index(max(widths))] -= 1
    return [max(width, _LEAST) for width in widths]


def _cells(buffer: GradBuffer, before: int, added: int = 0, after: int = 0) -> tuple[Text, Text, Text]:
    """Return before, added and after, cut to widths (``before`` for all where no others are given)."""
    added, after = added or before, after or before
    left, middle = Text(""), Text("")
    if buffer.is_current and buffer.how.startswith(NOT_ADDED):
        left, middle = inline(buffer.before, before), Text(buffer.how.partition(" ")[0], style=theme.WARNING)
    elif buffer.is_current:
        left, middle = before_text(buffer, before), inline(buffer.added, added, theme.UPSTREAM)
    return left, middle, _after(buffer, after)


def _after(buffer: GradBuffer, width: int) -> Text:
    text = inline(buffer.after, width, theme.DOWNSTREAM if buffer.is_current else "")
    if buffer.is_never:
        text.append(f": {NEVER}" if text.cell_len + len(NEVER) + 2 <= width else "", theme.WARNING)
    return text


def _stacked(buffer: GradBuffer, width: int) -> list[Text]:
    head = marker(buffer).append(" ").append_text(name_text(buffer))
    if buffer.is_current:
        changed = change_line(buffer, width - head.cell_len - 2)
        if changed:
            return [head.append("  ").append_text(changed)]
        return [head.append("  ").append_text(verdict(buffer)), *part_lines(buffer, width - 4)]
    head.append("  ").append_text(_after(buffer, width - head.cell_len - 2))
    return [cut(head, width)]
