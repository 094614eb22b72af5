"""A tape that may grow while it is read: its head, and what can be kept of it.

It knows which rows can still be added to and which cannot; what they mean it does not know.
"""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter

from gradb.frame.cache import History
from gradb.frame.newest import Newest
from gradb.tape.database import Database, Row
from gradb.tape.renumbering import Renumbering

_SHORT = 64  # rows of one tensor or node that are kept: a parameter has one a step
_KEPT = 4096  # tensors or nodes of which they are
_STATE = (
    "SELECT max(seq), (SELECT count(*) FROM renumbered), EXISTS (SELECT 1 FROM run WHERE key = 'is_finished')"
    " FROM event"
)


class Growing:
    """The rows of one tape, as many as there are by now."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.renumbering = Renumbering(db)
        self._is_indexed = False
        self._state = (0, -1)
        """The head as it was last looked up, and the version of the file that was."""
        self._is_closed = False
        """True where the tape says that it was finished: nothing is added to it."""
        self._newest = Newest(db)

    @property
    def head(self) -> int:
        """Number of the last event committed now."""
        if self._is_closed:
            return self._state[0]
        version = self.db.version()
        if version != self._state[1]:
            self._state = (self._read_head(), version)
        return self._state[0]

    @property
    def is_indexed(self) -> bool:
        """True where the tape has its indexes: a free run gets them at its first pause, or when it is over."""
        if not self._is_indexed:
            self._is_indexed = self.db.one("SELECT 1 FROM sqlite_master WHERE name = 'name_name'") is not None
        return self._is_indexed

    def _read_head(self) -> int:
        row = self.db.one(_STATE)
        if row is None or row[0] is None:
            return 0
        self.renumbering.read(row[1])
        self._is_closed = row[2] == 1
        return int(row[0])

    def newest(self, code: int, position: int) -> int | None:
        """Return the seq of the newest event of a kind, given by its number, up to a position."""
        found = self._newest.kept(code, position)
        if found is None:
            head = self._state[0] if position <= self._state[0] else self.head
            settled = head if self._is_closed else head - 1  # the last may be moved, for what was printed late
            found = self._newest.read(code, position, settled, is_indexed=self.is_indexed)
        return found or None

    def history(self, select: str, key: str, order: str) -> History[int, list[Row] | None]:
        """Return what keeps the rows of each tensor or node; None in place of more than a few.

        ``select`` has ``key`` in its first column, which is left out of the rows.
        """
        query = f"{select} WHERE {key} IN (SELECT value FROM json_each(?)) ORDER BY {key}, {order} LIMIT ?"

        def read(keys: list[int]) -> dict[int, list[Row] | None]:
            most = _SHORT * len(keys)
            rows = self.db.all(query, json.dumps(keys), most + 1)
            if len(rows) > most:
                return read(keys[: len(keys) // 2]) | read(keys[len(keys) // 2 :]) if len(keys) > 1 else {keys[0]: None}
            found: dict[int, list[Row] | None] = {one: [] for one in keys}
            for one, group in groupby(rows, itemgetter(0)):
                few = [row[1:] for row in group]
                found[one] = few if len(few) <= _SHORT else None
            return found

        return History(read, lambda: self._state, _KEPT)
