"""The rows of events that wait to be written: what they have in common said once, their details packed.

Owned by the ``TapeWriter``.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from gradb.tape.kinds.registry import CODES, PARTS
from gradb.tape.packing import Entry, pack
from gradb.tape.sums import summed

_EVENT = "INSERT INTO event VALUES(?,?,?,?,?,?,?)"
_SITE = "INSERT INTO site VALUES(?,?,?,?,?,?,?,?,?,?)"
_CALLED = "INSERT INTO called VALUES(?,?)"
_STACK = "INSERT OR IGNORE INTO stack VALUES(?,?,?,?,?,?,?,?,?,?)"
_BLOCK = "INSERT INTO block VALUES(?,?)"
_APART = "INSERT INTO apart VALUES(?,?,?,?)"
_PARTS = frozenset(CODES[kind] for kind in PARTS)

Place = tuple[int | None, int | None, int | None, int | None, int | None]
"""Source id, line, end line, column, end column."""


class EventRows:
    """Events that follow each other."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []
        self._entries: list[Entry] = []
        self._sites: dict[tuple[Any, ...], int] = {}
        self._new: list[tuple[Any, ...]] = []
        self._called: list[tuple[int, int]] = []
        self.stacks: list[tuple[Any, ...]] = []
        """Rows of the ``stack`` table."""
        self._last = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._rows)

    def read_sites(self, db: sqlite3.Connection) -> None:
        """Take note of the sites of a tape that is gone on with."""
        rows = "SELECT s.*, coalesce(c.stack, 0) FROM site s LEFT JOIN called c ON c.site = s.id ORDER BY s.id"
        for id_, *site in db.execute(rows).fetchall():
            self._sites[tuple(site)] = self._last = id_

    def site(self, name: str, place: Place, scope: str, phase: str, thread: int, stack: int = 0) -> int:
        """Return the number of a site, whose place lies in a call of the ``stack`` table, where that is not 0."""
        key = (name, *place, scope, phase, thread, stack)
        known = self._sites.get(key)
        if known is None:
            known = self._sites[key] = self._last = self._last + 1
            self._new.append((known, *key[:-1]))
            if stack:
                self._called.append((known, stack))
        return known

    def add(
        self,
        seq: int,
        code: int,
        site: int,
        iteration: int,
        node: int | None,
        flags: int,
        detail: bytes,
        data: bytes | None,
    ) -> None:
        """Append an event. ``code``: the number of its kind; ``seq`` is one more than that of the event before."""
        back = _back(seq, detail) if code in _PARTS else None
        self._rows.append((seq, code, site, iteration, node, flags, back))
        self._entries.append((detail, data))

    def write(self, db: sqlite3.Connection) -> None:
        """Hand all that waits to SQLite, in a transaction of the caller's."""
        blocks, apart = pack(self._rows[0][0], self._entries) if self._rows else ([], [])
        for statement, rows in (
            (_STACK, self.stacks), (_SITE, self._new), (_CALLED, self._called), (_EVENT, self._rows), (_BLOCK, blocks),
            (_APART, summed(apart)),
        ):  # fmt: skip
            if rows:
                db.executemany(statement, rows)

    def clear(self) -> None:
        """Let go of what waits: it is written, or never will be."""
        self._rows.clear()
        self._entries.clear()
        self._new.clear()
        self._called.clear()
        self.stacks.clear()


def _back(seq: int, detail: bytes) -> int | None:
    """Return how far before an event that one lies whose seq its detail begins with."""
    try:
        return seq - int(detail[1 : detail.index(b",")])
    except ValueError:
        return None
