"""What a position of a tape must not be told of as if it had been seen: what was lost, and where a recording ended."""

from __future__ import annotations

from gradb.tape.missing import Gap, Stopped, read_stopped
from gradb.tape.store import Store

_MAX = 64
CUT = "the recording has no end: it was cut off, or still goes on"


class Gaps:
    """The gaps of one tape that hide something."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def at(self, position: int) -> tuple[Gap, ...]:
        """Return the newest gaps up to a position by which something may have changed unseen, newest first."""
        query = (
            "SELECT event, part, why, hides FROM missing WHERE event <= ? AND hides <> '' ORDER BY event DESC, part"
            " LIMIT ?"
        )
        rows = self._store.db.all(query, position, _MAX)
        return tuple(Gap(event, str(part), str(why), frozenset(str(hides).split())) for event, part, why, hides in rows)

    def of_node(self, node: int, since: int, position: int) -> str:
        """Say why it is not known whether a node has run after the event ``since``; empty where it is known."""
        stopped = stopped_of(self._store)
        if stopped is not None and position >= stopped.event:
            return stopped.text
        row = self._store.db.one(
            "SELECT m.event, m.part, m.why FROM event e JOIN missing m ON m.event = e.seq WHERE e.node = ?"
            " AND e.seq > ? AND e.seq <= ? AND +e.kind = 'note' AND m.hides <> '' ORDER BY e.seq DESC LIMIT 1",
            node,
            since,
            position,
        )
        return "" if row is None else Gap(row[0], str(row[1]), str(row[2]), frozenset()).text


def stopped_of(store: Store) -> Stopped | None:
    """Return where and why a recording ended before its script; None where it goes on, or has the script's end."""
    row = store.db.one("SELECT value FROM run WHERE key = 'stopped'")
    told = store.stopped if row is None else read_stopped(str(row[0]))
    if told is not None or not store.is_over:
        return told
    head = store.head
    return Stopped(head, CUT) if store.latest("end", head) is None else None
