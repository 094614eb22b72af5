"""Labels over a plot: each begins or ends at its column, or lies over it, and none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from gradb.present.draw import theme
from gradb.present.draw.curves import GHOST_SIGNS, Canvas, onset
from gradb.present.draw.safe import plain

MARK = "┊"
"""The line of an intervention."""
NONFINITE = "×"
"""Stands where a value is no number."""
_MAX_TEXT = 60


@dataclass(frozen=True, slots=True)
class Flag:
    """A label at an iteration."""

    iteration: int
    text: str
    style: str = ""
    line: str | None = None
    """The sign of a line that is drawn down from it to the axis; empty: only to a mark on the axis; None: neither."""


def flags_of(drawing: Canvas) -> list[Flag]:
    """Return the labels of what was changed and of where values stop being numbers, the most important first."""
    return [*_intervention_flags(drawing), *_fork_flags(drawing), *_nonfinite_flags(drawing), *_depth_flags(drawing)]


def _intervention_flags(drawing: Canvas) -> list[Flag]:
    """Return the flags of policies and rates; they have a line of their own through the plot."""
    names = {"zero_grad": "", "lr": "lr "}
    marks = [("", mark) for mark in drawing.marks] + [(f"{GHOST_SIGNS[0]} ", mark) for mark in drawing.ghost_marks]
    return [
        Flag(mark.iteration, f"{whose}{names[mark.what]}{mark.value}@{mark.iteration}", "", MARK)
        for whose, mark in marks
        if mark.what in names and drawing.window.first <= mark.iteration <= drawing.window.last
    ]


def _fork_flags(drawing: Canvas) -> list[Flag]:
    """Return the flags of branches, where they begin."""
    return [
        Flag(max(fork.iteration, 1), f"{fork.text}@{max(fork.iteration, 1)}", fork.style, MARK)
        for fork in drawing.forks
        if drawing.window.first <= max(fork.iteration, 1) <= drawing.window.last
    ]


def _depth_flags(drawing: Canvas) -> list[Flag]:
    """Return the flags of changes of depth, which may be many: they come last and have no line."""
    return [
        Flag(mark.iteration, f"{mark.value}@{mark.iteration}", theme.DIM, "")
        for mark in drawing.marks
        if mark.what == "record" and drawing.window.first <= mark.iteration <= drawing.window.last
    ]


def _nonfinite_flags(drawing: Canvas) -> list[Flag]:
    result = []
    for curve in drawing.curves:
        at, words = onset(curve.series)
        if words and at <= drawing.window.last:
            whose = f"{curve.label} " if len(drawing.curves) > 1 else ""
            result.append(Flag(max(at, drawing.window.first), f"{NONFINITE} {whose}{words}", theme.WARNING))
    return result


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
