"""What a stretch of a tape has in common, so that a search passes over it without looking at its events.

A stretch is whole once the tape goes on after it; then it never changes, and what was found out of it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gradb.frame.cache import Cache
from gradb.tape.database import Database
from gradb.tape.kinds.registry import numbers_of

LENGTH = 2048
_KEPT = 4096
_COMMON = (
    "SELECT min(iteration), max(iteration), min(phase), max(phase), min(file), max(file), count(file), min(line),"
    " max(line), count(line) FROM event e LEFT JOIN site t ON t.id = e.site WHERE seq BETWEEN ? AND ?"
)
_NAMES = (
    "SELECT DISTINCT name FROM site WHERE id IN (SELECT site FROM event WHERE seq BETWEEN ? AND ?"
    f" AND +kind IN ({numbers_of('node', 'op')})) LIMIT 1000"
)
Trait = Literal["iteration", "phase", "place"]


@dataclass(frozen=True, slots=True)
class _Common:
    """What all events of a stretch have in common; None where they do not."""

    iteration: int | None
    phase: str | None
    place: tuple[int | None, int | None] | None
    """Source id and line."""


class Stretches:
    """The stretches of one tape."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._commons = Cache(self._read_common, _KEPT)
        self._names = Cache(self._read_names, _KEPT)

    def walk(self, position: int, direction: int, head: int) -> Iterator[tuple[int, int, int | None]]:
        """Yield (first, last, number) of what lies after (1) or before (-1) a position, in the order of the way.

        A stretch that is not whole, at either end of the way, has no number.
        """
        first, last = (position + 1, head) if direction > 0 else (1, position - 1)
        while first <= last:
            number = (first if direction > 0 else last) // LENGTH
            begin, end = number * LENGTH, number * LENGTH + LENGTH - 1
            is_whole = first <= max(begin, 1) and end <= last and end < head
            yield max(first, begin), min(last, end), number if is_whole else None
            first, last = (end + 1, last) if direction > 0 else (first, begin - 1)

    def begin(self, number: int) -> int:
        """Return the first event of a stretch."""
        return number * LENGTH

    def has_all(self, number: int, trait: Trait, value: object) -> bool:
        """Tell whether all events of a stretch have a trait in common, and that of some value."""
        return bool(getattr(self._commons(number), trait) == value)

    def names(self, number: int) -> frozenset[str] | None:
        """Return the names of the ops and nodes of a stretch; None where there are too many."""
        return self._names(number)

    def _read_common(self, number: int) -> _Common:
        first = number * LENGTH
        row = self._db.all(_COMMON, first, first + LENGTH - 1)[0]
        low, high, begin, end, file, other_file, files, line, other_line, lines = row
        count = LENGTH - (number == 0)  # there is no event 0
        is_one = file == other_file and line == other_line and files in {0, count} and lines in {0, count}
        return _Common(
            low if low == high and type(low) is int else None, begin if begin == end else None,
            (file, line) if is_one else None,
        )  # fmt: skip

    def _read_names(self, number: int) -> frozenset[str] | None:
        rows = self._db.all(_NAMES, number * LENGTH, number * LENGTH + LENGTH - 1)
        return frozenset(str(name) for (name,) in rows) if len(rows) < 1000 else None
