"""The layout of labelled values: label, symbol and value in columns; what does not fit goes below, indented."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.present.draw import theme
from gradb.present.draw.safe import plain

INDENT = "    "
_LABEL = 12
_MAX_SYMBOL = 30
_TEXT_LIMIT = 600


@dataclass(frozen=True, slots=True)
class Field:
    """One labelled value."""

    label: str
    symbol: str
    """What it is in mathematics, e.g. ``∂d/∂c = 2·c``."""
    body: Sequence[Text]
    """The value, one Text a line."""
    note: str = ""
    """A remark that is set beside the value where there is room, else below it."""
    style: str = ""
    """Style of the label."""


def layout(items: Sequence[Field | Text], width: int) -> list[Text]:
    """Set fields in common columns, with other lines between them as they are."""
    symbols = [len(item.symbol) for item in items if isinstance(item, Field) and len(item.symbol) <= _MAX_SYMBOL]
    column = min(max(symbols, default=0), max(width - _LABEL - 20, 8))
    result: list[Text] = []
    for item in items:
        result += _field(item, column, width) if isinstance(item, Field) else [item]
    return result


def _field(item: Field, column: int, width: int) -> list[Text]:
    head = Text(no_wrap=True).append(f"{item.label:<{_LABEL}} ", item.style or theme.LABEL)
    head.append(f"{item.symbol:<{column}}", theme.MATH)
    note = Text(item.note, style=theme.DIM, no_wrap=True) if item.note else None
    notes = wrapped(item.note, width - len(INDENT), theme.DIM) if item.note else []
    if len(item.body) == 1 and head.cell_len + 2 + item.body[0].cell_len <= width:
        line = head.append("  ").append_text(item.body[0])
        if note is None:
            return [line]
        if line.cell_len + 2 + note.cell_len <= width:
            return [line.append("  ").append_text(note)]
        return [line, *(indented(text, width) for text in notes)]
    head.rstrip()
    heads = [head] if head.cell_len <= width else _folded(item, width)
    return [*heads, *(indented(line, width) for line in (*item.body, *notes))]


def _folded(item: Field, width: int) -> list[Text]:
    """Return label and symbol on lines of their own."""
    symbol = [indented(line, width) for line in wrapped(item.symbol, width - len(INDENT), theme.MATH)]
    return [cut(Text(item.label, style=item.style or theme.LABEL), width), *symbol]


def indented(line: Text, width: int) -> Text:
    """Return a line set in, cut to ``width``."""
    return cut(Text(INDENT, no_wrap=True).append_text(line), width)


def cut(line: Text, width: int) -> Text:
    """Return a line of at most ``width`` cells, ended by ``…`` where it was cut."""
    line = line.copy()
    line.truncate(width, overflow="ellipsis")
    return line


def held(renderable: RenderableType, width: int) -> RenderableType:
    """Return the same with every line of a fixed kind in a group ended by ``…`` where it has no room.

    What is drawn of one that is too long would end in the middle of a number, and nobody could tell.
    """
    if isinstance(renderable, Group):
        return Group(*(held(part, width) for part in renderable.renderables))
    if isinstance(renderable, Text) and renderable.no_wrap and renderable.cell_len > width:
        return cut(renderable, width)
    return renderable


def wrapped(text: str, width: int, style: str) -> list[Text]:
    """Return a sentence folded to ``width``."""
    folded = textwrap.wrap(plain(text, _TEXT_LIMIT), max(width, 8), subsequent_indent="  ")
    return [Text(line, style=style, no_wrap=True) for line in folded]


class Hint(Group):
    """A sentence that stands in place of a pane's content."""


def remark(text: str, width: int) -> Hint:
    """Return a sentence that stands in place of a pane's content."""
    return Hint(*wrapped(text, width, theme.DIM))
