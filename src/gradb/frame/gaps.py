"""What a position of a tape must not be told of as if it had been seen: what was lost, and where a recording ended."""

from __future__ import annotations

import signal

from gradb.frame.cache import Cache
from gradb.frame.store import Store
from gradb.tape.database import Row
from gradb.tape.kinds.end import EndDetail
from gradb.tape.kinds.registry import CODES
from gradb.tape.missing import RECORDING, Gap, Stopped, read_stopped

_MAX = 64
_KEPT = 64
_VALUES, _GRADIENTS = frozenset({"values"}), frozenset({"gradients"})
_ALL = _VALUES | _GRADIENTS  # what may have changed both may have run nodes too
CUT = "the recording has no end: it was cut off, or still goes on"
_SELECT = "SELECT m.event, m.part, m.why, m.hides FROM missing m JOIN event e ON e.seq = m.event"
_NOTE = CODES["note"]
_PARTS = f"m.event = ? AND e.kind <> {_NOTE}"
_NEWEST = "m.hides <> '' ORDER BY m.event DESC LIMIT 1"


class Gaps:
    """The gaps of one tape that hide something."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wide = Cache(self._read_wide, _KEPT)
        self._newest = Cache(self._read_newest, _KEPT)
        self._watches = Cache(self._read_watch, _KEPT)
        self._has_any = Cache(self._read_any, _KEPT)
        self._stopped: Cache[tuple[int, Stopped | None], Stopped | None] = Cache(lambda key: stopped_of(store), 4)
        """By position, and what is heard of the end of a recording: looked up once for all that a Frame shows."""

    def at(self, position: int) -> tuple[Gap, ...]:
        """Return the newest gaps up to a position by which something may have changed unseen, newest first."""
        query = (
            "SELECT event, part, why, hides FROM missing WHERE event <= ? AND hides <> '' ORDER BY event DESC, part"
            " LIMIT ?"
        )
        return tuple(_gap(row) for row in self._store.db.all(query, position, _MAX))

    def parts_of(self, event: int) -> tuple[Gap, ...]:
        """Return the parts that are missing from an event, by their names; none of a note, which says it itself."""
        return tuple(_gap(row) for row in self._store.db.all(f"{_SELECT} WHERE {_PARTS} ORDER BY m.part", event))

    def of_node(self, node: int, since: int, position: int, *, is_awaited: bool = False) -> str:
        """Say why it is not known whether a node has run after the event ``since``; empty where it is known.

        ``is_awaited``: it waits in a backward that goes on, which would tell of its run.
        """
        stopped = self._stopped((position, self._store.stopped))
        if stopped is not None and position >= stopped.event:
            return stopped.text
        found = self._of_node(node, since, position)
        if found is None and not is_awaited:
            made = self._store.node(node)
            since = max(since, 0 if made is None else made.event)
            found = _after(since, self._wide((position, _ALL)))
            watched = self._watched(since, position)
            if watched is not None:
                return f"only watched since event {self._store.called(watched, ',')}"
        return "" if found is None else found.text

    def of_value(self, since: int, position: int) -> Gap | None:
        """Return why a value from the event ``since`` is not known any more at a position; None where it is."""
        return self._ended(position) or _after(since, self._wide((position, _VALUES)))

    def may_hide_buffers(self, position: int) -> bool:
        """Tell whether ``of_buffer`` may say anything of any buffer at a position."""
        return self._ended(position) is not None or self._newest(position) is not None

    def of_buffer(self, node: int | None, since: int, position: int) -> Gap | None:
        """Return the same for a ``.grad``; ``node`` is its leaf's, or that of the tensor that retains it."""
        ended = self._ended(position)
        if ended is not None or _after(since, self._newest(position)) is None:
            return ended
        own = None if node is None else self._of_node(node, since, position)
        return own or _after(since, self._wide((position, _GRADIENTS)))

    # --- the rows -----------------------------------------------------------------------------------------------------

    def _ended(self, position: int) -> Gap | None:
        """Return the end of a recording that broke off before a position."""
        stopped = self._stopped((position, self._store.stopped))
        if stopped is None or not stopped.is_sure or position <= stopped.event:
            return None
        return Gap(stopped.event, RECORDING, stopped.why, _ALL)

    def _of_node(self, node: int, since: int, position: int) -> Gap | None:
        """Return the newest lost event of one node."""
        if not self._has_any(position):
            return None
        query = f"{_SELECT} WHERE e.node = ? AND e.seq > ? AND e.seq <= ? AND +e.kind = {_NOTE} AND {_NEWEST}"
        return _first(self._store.db.all(query, node, since, position))

    def _read_wide(self, key: tuple[int, frozenset[str]]) -> Gap | None:
        """Return the newest gap up to a position that hides all of some things, and is not of one node alone."""
        position, wanted = key
        hides = " ".join(f"AND instr(m.hides, '{one}')" for one in sorted(wanted))
        query = f"{_SELECT} WHERE m.event <= ? {hides} AND (e.node IS NULL OR e.kind <> {_NOTE}) AND {_NEWEST}"
        return _first(self._store.db.all(query, position))

    def _read_newest(self, position: int) -> Gap | None:
        """Return the newest gap that hides gradients, whosever they are."""
        query = f"{_SELECT} WHERE m.event <= ? AND instr(m.hides, 'gradients') AND {_NEWEST}"
        return _first(self._store.db.all(query, position))

    def _read_any(self, position: int) -> bool:
        """Tell whether anything is missing up to a position."""
        return self._store.db.one("SELECT 1 FROM missing WHERE event <= ? LIMIT 1", position) is not None

    def _watched(self, since: int, position: int) -> int | None:
        """Return the newest event up to a position from which on a script was only watched, if it is a later one."""
        newest = self._watches(position)
        return newest if newest is not None and newest > since else None

    def _read_watch(self, position: int) -> int | None:
        query = (
            "SELECT max(e.seq) FROM event e CROSS JOIN site t ON t.id = e.site"
            f" WHERE e.kind = {CODES['depth']} AND e.seq <= ? AND t.name = 'watch'"
        )
        row = self._store.db.one(query, position)
        return None if row is None else row[0]


def _gap(row: Row) -> Gap:
    event, part, why, hides = row
    return Gap(int(event), str(part), str(why), frozenset(str(hides).split()))


def _first(rows: list[Row]) -> Gap | None:
    return _gap(rows[0]) if rows else None


def _after(event: int, gap: Gap | None) -> Gap | None:
    return gap if gap is not None and gap.event > event else None


def stopped_of(store: Store) -> Stopped | None:
    """Return where and why a recording ended before its script; None where it goes on, or has the script's end."""
    row = store.db.one("SELECT value FROM run WHERE key = 'stopped'")
    told = store.stopped if row is None else read_stopped(str(row[0]))
    if told is not None:
        return told
    head = store.head
    end = store.latest("end", head)
    if end is None:
        return Stopped(head, CUT) if store.is_over else None
    return _killed(store, end)


def _killed(store: Store, end: int) -> Stopped | None:
    """Tell of a script that a signal has ended: nobody could write its last moments down.

    One that ends by its own KeyboardInterrupt has had the time.
    """
    detail = store.detail(end)
    if not isinstance(detail, EndDetail) or detail.signal is None:
        return None
    error = store.latest("error", end) if detail.signal == signal.SIGINT else None
    if error is not None and store.event(error).name == "KeyboardInterrupt":
        return None
    return Stopped(
        end - 1, f"the script was {detail.reason} before its last moments were sure to be written", is_sure=False
    )
