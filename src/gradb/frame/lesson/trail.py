"""The way of a script through its main file: of the events that tell where it is, the lines, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gradb.frame.cache import Cache
from gradb.frame.lesson.passing import END, Lines
from gradb.frame.stack import MOST_CALLS
from gradb.frame.store import Store
from gradb.tape.kinds.end import EndDetail
from gradb.tape.kinds.registry import CODES, numbers_of

_BATCH = 200
_ELSEWHERE = numbers_of("node_start", "node", "accumulate", "note", "breakpoint", "print", "intervention", "depth")
"""Kinds of events whose place says nothing of where the script is: the engine's are where their ops were made."""
_OUTER = (
    "WITH RECURSIVE up(id, depth) AS (SELECT stack, 0 FROM called WHERE site = ? UNION ALL SELECT k.outer, depth + 1"
    f" FROM up JOIN stack k ON k.id = up.id WHERE depth < {MOST_CALLS}) SELECT k.line FROM up JOIN stack k"
    " ON k.id = up.id JOIN source s ON s.id = k.file WHERE s.path = ? ORDER BY up.depth DESC"
)
_OWN = "SELECT t.line FROM site t JOIN source s ON s.id = t.file WHERE t.id = ? AND s.path = ?"


@dataclass(frozen=True, slots=True)
class Passage:
    """An event by which a script has come from some lines of its main file to others, or stayed."""

    event: int
    before: Lines
    """Where it was at the event before, of those that tell; none at the first."""
    lines: Lines


class Trail:
    """Reads the way from a tape.

    Args:
        store: its rows.
        path: of the main file.
    """

    def __init__(self, store: Store, path: str) -> None:
        self._store, self._path = store, path
        self._of_site = Cache(self._read, 1024)
        self._has_calls = store.db.one("SELECT 1 FROM sqlite_master WHERE name = 'called'") is not None

    def back(self, position: int, most: int) -> Iterator[Passage]:
        """Yield the passages up to a position, the newest first, of so many events."""
        after: tuple[int, Lines] | None = None
        for event, lines in self._places("seq <= ?", "DESC", position, most):
            if after is not None:
                yield Passage(after[0], lines, after[1])
            after = event, lines
        if after is not None and after[0] > position - most:
            yield Passage(after[0], (), after[1])

    def places(self, after: int, until: int) -> Iterator[tuple[int, Lines]]:
        """Yield (event, lines) of the events of a stretch that tell, oldest first."""
        yield from self._places("seq > ?", "ASC", after, until - after)

    def _places(self, which: str, order: str, seq: int, most: int) -> Iterator[tuple[int, Lines]]:
        query = (
            f"SELECT seq, kind, site FROM event WHERE {which} AND seq BETWEEN ? AND ? AND kind NOT IN ({_ELSEWHERE})"
            f" ORDER BY seq {order} LIMIT {_BATCH}"
        )
        first, last = (seq + 1, seq + most) if order == "ASC" else (seq - most + 1, seq)
        while rows := self._store.db.all(query, seq, first, last):
            for event, kind, site in rows:
                if lines := self._end(event) if kind == CODES["end"] else self._of_site(site):
                    yield event, lines
            seq = int(rows[-1][0]) - (order == "DESC")

    def _end(self, event: int) -> Lines:
        """Return the end of the file, where the script has come to it."""
        detail = self._store.detail(event)
        return (END,) if isinstance(detail, EndDetail) and detail.reason == "finished" else ()

    def _read(self, site: int) -> Lines:
        rows = self._store.db.all(_OUTER, site, self._path) if self._has_calls else []
        rows = rows or self._store.db.all(_OWN, site, self._path)
        return tuple(line for (line,) in rows if type(line) is int and 0 < line < END)
