"""The calls of the script's functions that lead to an event: the innermost, and those around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradb.frame.backwards import BackwardCall
from gradb.frame.cache import Cache
from gradb.frame.store import Store
from gradb.tape.database import Row
from gradb.tape.kinds.event import Event

MOST_CALLS = 200
_CALLED = "SELECT c.stack FROM event e JOIN called c ON c.site = e.site WHERE e.seq = ?"
_UP = (
    "WITH RECURSIVE up(id, depth) AS (SELECT ?, 0 UNION ALL SELECT k.outer, depth + 1 FROM up JOIN stack k"
    f" ON k.id = up.id WHERE depth < {MOST_CALLS}) SELECT s.path, k.line, k.end_line, k.col, k.end_col, k.function,"
    " k.others, k.packages, k.outer FROM up JOIN stack k ON k.id = up.id LEFT JOIN source s ON s.id = k.file"
    " ORDER BY up.depth"
)
_OF_THE_ENGINE = frozenset({"node_start", "node", "accumulate"})
"""Kinds of events that the engine makes by itself, within a call of the script's."""


@dataclass(frozen=True, slots=True)
class StackFrame:
    """One call of a function of the script's."""

    file: str
    lines: tuple[str, ...]
    """Every line of the file, without line ends; empty when the text is not on the tape."""
    line: int | None
    end_line: int | None
    column: int | None
    """UTF-8 byte offset, as in ``ast``."""
    end_column: int | None
    function: str
    """``main``, ``Net.forward``, ``<module>``."""
    others: int
    """Frames of libraries between it and what it has called."""
    packages: str
    """Whose these are: ``torch, lightning``; empty where there are none."""

    @property
    def text(self) -> str | None:
        """Its line of the source; None where that is not known."""
        return self.lines[self.line - 1] if self.line and 0 < self.line <= len(self.lines) else None


@dataclass(frozen=True, slots=True)
class CallStack:
    """The calls that lead to an event."""

    event: int
    """seq of the event; at a node that the engine runs, that of the backward_start event."""
    frames: tuple[StackFrame, ...]
    """The innermost first."""
    is_cut: bool
    """True where there are calls around the outermost of these that are not known."""


class CallStacks:
    """Reads the stacks of one tape.

    Args:
        store: its rows.
        lines: returns the lines of a source file, None where they are not on the tape.
    """

    def __init__(self, store: Store, lines: Callable[[str], tuple[str, ...] | None]) -> None:
        self._store, self._lines = store, lines
        self._rows = Cache(self._read, 256)
        self._are_kept = store.db.one("SELECT 1 FROM sqlite_master WHERE name = 'called'") is not None

    def running(self, event: Event | None, backward: BackwardCall | None) -> CallStack | None:
        """Return the calls that are running at an event; None where they are not known."""
        if event is not None and event.kind in _OF_THE_ENGINE:
            return None if backward is None else self.of(backward.event.seq)
        return None if event is None else self.of(event.seq)

    def of(self, seq: int) -> CallStack | None:
        """Return the calls that lead to the place of an event; None where they are not known."""
        row = self._store.db.one(_CALLED, seq) if self._are_kept else None
        if row is None or type(row[0]) is not int:
            return None
        rows = self._rows(row[0])
        frames = tuple(frame for row in rows if (frame := self._frame(row)) is not None)
        return CallStack(seq, frames, len(frames) < len(rows) or rows[-1][-1] != 0) if frames else None

    def _read(self, stack: int) -> list[Row]:
        return self._store.db.all(_UP, stack)

    def _frame(self, row: Row) -> StackFrame | None:
        """Make a call of a row; None where it is none."""
        path, *numbers, function, others, packages, _ = row
        typed = all(number is None or type(number) is int for number in numbers) and type(others) is int
        if not typed or not all(type(text) is str for text in (path, function, packages)):
            return None
        line, end_line, column, end_column = numbers
        place = (line, end_line, column, end_column)
        return StackFrame(path, self._lines(path) or (), *place, function, others, packages)
