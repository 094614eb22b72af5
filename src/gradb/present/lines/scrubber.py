"""The scrubber: the whole run as one line, each column a bucket of events, with the position on it.

Phases differ by letter and line weight as well as by colour. The phases of a long run are sampled: one event a column,
so that a tape of a million events costs as many reads as the line has columns.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter

from rich.text import Text

from gradb.present.draw import theme
from gradb.tape.database import TapeError
from gradb.tape.kinds.event import Event

_POSITION = "◆"
_MARK = "!"
_OPENED, _OPENED_MARK = "◇", "◈"
_KEPT = "○"
_CALLED = "backward"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One column of the scrubber."""

    first: int
    """First seq of the bucket."""
    last: int
    """Last seq of the bucket."""
    phase: str
    """Phase of the sampled event (the last of the bucket)."""


def buckets(event: Callable[[int], Event], head: int, width: int) -> tuple[Bucket, ...]:
    """Cut events 1..head into at most ``width`` buckets, reading one event of each."""
    count = min(max(width, 0), head)
    edges = [head * index // count for index in range(count + 1)] if count else []
    return tuple(Bucket(first + 1, last, _phase(event, last)) for first, last in pairwise(edges))


def _phase(event: Callable[[int], Event], seq: int) -> str:
    """Return the phase of an event; none of one that is damaged."""
    try:
        return event(seq).phase
    except TapeError:
        return ""


def scrubber(
    cells: tuple[Bucket, ...],
    position: int,
    head: int,
    width: int,
    marks: tuple[int, ...] = (),
    calls: tuple[int, ...] = (),
    opened: tuple[tuple[int, int], ...] = (),
    kept: tuple[int, ...] = (),
) -> Text:
    """Return the line: ``F──B━━◆━O!``, padded to ``width``; ``◆`` is the position, ``!`` has one of the marks in it.

    ``◇`` has one of the spans ``opened`` in it (first and last event), ``◈`` a mark as well; ``○`` one of the events
    ``kept``, behind which a checkpoint waits. Each of ``calls``, the backward calls, has its letter too, if there is
    room for a cell after each.
    """
    drawn: list[tuple[str, str]] = []
    here = column_of(cells, position)
    if position == 0 or not cells:
        drawn.append((_POSITION, "bold reverse"))
    previous, marked = "", {column_of(cells, mark) for mark in marks}
    called, filled = _apart(cells, calls), _meeting(cells, opened)
    waiting = {column_of(cells, event) for event in kept}
    for index, cell in enumerate(cells[: max(width - (position == 0), 0)]):
        style = theme.PHASE_STYLES.get(cell.phase, "")
        if index == here:
            drawn.append((_POSITION, f"{style} bold reverse".strip()))
        elif index in filled:
            drawn.append((_OPENED_MARK, theme.WARNING) if index in marked else (_OPENED, "bold"))
        elif index in marked:
            drawn.append((_MARK, theme.WARNING))
        elif index in waiting:
            drawn.append((_KEPT, "bold"))
        else:
            phase = _CALLED if index in called else cell.phase
            begins = index in called or cell.phase != previous
            glyphs = theme.PHASE_LETTERS if begins else theme.PHASE_BARS
            drawn.append((glyphs.get(phase, "?"), theme.PHASE_STYLES.get(phase, "")))
        previous = cell.phase
    runs = groupby(drawn, key=itemgetter(1))  # one piece for cells that look alike is drawn sooner than one for each
    line = Text.assemble(*(("".join(glyph for glyph, _ in run), style) for style, run in runs), no_wrap=True)
    line.append(" " * max(width - line.cell_len, 0))
    return line


def _meeting(cells: tuple[Bucket, ...], spans: tuple[tuple[int, int], ...]) -> frozenset[int]:
    """Return the columns that have a part of one of the spans."""
    firsts, lasts = ([cell.first for cell in cells], [cell.last for cell in cells]) if spans else ([], [])
    return frozenset(
        index for first, last in spans for index in range(bisect_left(lasts, first), bisect_right(firsts, last))
    )


def _apart(cells: tuple[Bucket, ...], calls: tuple[int, ...]) -> frozenset[int]:
    """Return the first column of each call; none where two of them would touch, and so could not be told apart."""
    firsts = [cell.first for cell in cells]
    found = []
    for call in calls:
        index = bisect_right(firsts, call) - 1
        if index >= 0 and call <= cells[index].last:
            found.append(bisect_left(firsts, cells[index].first))
    return frozenset(found) if all(right - left > 1 for left, right in pairwise(found)) else frozenset()


def column_of(cells: tuple[Bucket, ...], position: int) -> int | None:
    """Return the last column in which a position lies, so that the head is at the far end; None at 0 or outside."""
    columns = range(len(cells) - 1, -1, -1)
    return next((index for index in columns if cells[index].first <= position <= cells[index].last), None)
