"""The events of the script's hooks, by their nodes: few among many events of a leaf, so that each is read once."""

from __future__ import annotations

from array import array
from bisect import bisect_right

from gradb.tape.database import Database
from gradb.tape.kinds.registry import CODES

_QUERY = f"SELECT node, seq FROM event WHERE kind = {CODES['hook']} AND seq > ? AND seq <= ? ORDER BY seq"


class HookRows:
    """The hook events of one tape, as far as positions have come."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._events: dict[int | None, array[int]] = {}
        self._until = 0

    def of(self, node: int, position: int) -> list[int]:
        """Return the hook events at a node up to a position, oldest first."""
        if position > self._until:
            for at, seq in self._db.all(_QUERY, self._until, position):
                self._events.setdefault(at, array("q")).append(seq)
            self._until = position
        found = self._events.get(node)
        return [] if found is None else found[: bisect_right(found, position)].tolist()
