"""Labels over a plot: each begins or ends at its column, or lies over it, and none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from gradb.present.safe import plain

_MAX_TEXT = 60


@dataclass(frozen=True, slots=True)
class Flag:
    """A label at an iteration."""

    iteration: int
    text: str
    style: str = ""
    line: str | None = None
    """The sign of a line that is drawn down from it to the axis; empty: only to a mark on the axis; None: neither."""


def flag_lines(flags: Sequence[tuple[int, Flag]], width: int, rows: int) -> tuple[list[Text], list[Flag]]:
    """Set labels, given with their cells, on ``rows`` lines; return those and the flags there was no room for.

    The first of the flags go first.
    """
    lines: list[list[tuple[int, int, Flag]]] = [[] for _ in range(rows)]
    left_out = []
    for cell, flag in flags:
        size = cell_len(plain(flag.text, _MAX_TEXT))
        places = [
            (line, begin) for line in reversed(lines) for begin in (cell, cell - size + 1, min(cell, width - size))
        ]
        fitting = [(line, begin) for line, begin in places if _is_free(line, begin, size, width)]
        if fitting:
            line, begin = fitting[0]
            line.append((begin, begin + size, flag))
        else:
            left_out.append(flag)
    return [_drawn(line) for line in lines], left_out


def _is_free(line: list[tuple[int, int, Flag]], begin: int, size: int, width: int) -> bool:
    is_inside = begin >= 0 and begin + size <= width
    return is_inside and all(begin > end or begin + size < first for first, end, _ in line)


def _drawn(line: list[tuple[int, int, Flag]]) -> Text:
    text = Text(no_wrap=True)
    for begin, _, flag in sorted(line, key=lambda one: one[0]):
        text.append(" " * (begin - text.cell_len)).append(plain(flag.text, _MAX_TEXT), flag.style)
    return text
