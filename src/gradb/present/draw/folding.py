"""Styled lines folded to a width: between words where there is a blank, else anywhere; nothing is lost."""

from __future__ import annotations

from rich.cells import get_character_cell_size
from rich.text import Text


def folded(line: Text, width: int, hang: str = "") -> list[Text]:
    """Return the lines that a line takes in ``width`` cells; those after the first begin with ``hang``."""
    if line.cell_len <= width:
        return [line]
    text, breaks, room = line.plain, list[int](), max(width, 1)
    start = 0
    while (end := _end(text, start, room)) < len(text):
        blank = text.rfind(" ", start, end + 1)
        start = blank + 1 if blank > start and text[start:blank].strip() else max(end, start + 1)
        breaks.append(start)
        room = max(width - len(hang), 1)
    first, *rest = line.divide(breaks)
    pieces = [first, *(Text(hang, no_wrap=True).append_text(piece) for piece in rest if piece)]
    for piece in pieces:
        piece.rstrip()
    return pieces


def _end(text: str, start: int, room: int) -> int:
    """Return how far a text goes that begins at ``start`` and has so many cells."""
    if text.isascii():
        return min(start + room, len(text))
    cells = 0
    for at in range(start, len(text)):
        cells += get_character_cell_size(text[at])
        if cells > room:
            return at
    return len(text)
