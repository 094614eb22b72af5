"""The way of a script through its main file, by the places of the events that tell where it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from gradb.frame.lesson.passing import END, Lines
from gradb.frame.stack import MOST_CALLS
from gradb.frame.store import Store
from gradb.tape.kinds.end import EndDetail
from gradb.tape.kinds.registry import CODES, numbers_of

_BATCH = 200
_ELSEWHERE = numbers_of(
    "node_start", "node", "accumulate", "hook", "note", "breakpoint", "print", "intervention", "depth"
)
"""Kinds of events whose place says nothing of where the script is: the engine's are where their ops were made."""
_TELLS = f"kind NOT IN ({_ELSEWHERE})"
_OUTER = (
    "WITH RECURSIVE up(id, depth) AS (SELECT stack, 0 FROM called WHERE site = ? UNION ALL SELECT k.outer, depth + 1"
    f" FROM up JOIN stack k ON k.id = up.id WHERE depth < {MOST_CALLS}) SELECT k.line FROM up JOIN stack k"
    " ON k.id = up.id JOIN source s ON s.id = k.file WHERE s.path = ? ORDER BY up.depth DESC"
)
_OWN = "SELECT t.line FROM site t JOIN source s ON s.id = t.file WHERE t.id = ? AND s.path = ?"


@dataclass(frozen=True, slots=True)
class Passage:
    """An event by which a script has come from some lines of its main file to others, or stayed."""

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
        self._lines: dict[int, Lines] = {}
        self._newest = 0
        self._has_calls = store.db.one("SELECT 1 FROM sqlite_master WHERE name = 'called'") is not None

    def back(self, position: int, most: int) -> Iterator[Passage]:
        """Yield the passages up to a position, the newest first, of so many events."""
        after: Lines | None = None
        first = max(position - most + 1, 1)
        for lines in self._before(position, first):
            if after is not None:
                yield Passage(lines, after)
            after = lines
        if after is not None and first == 1:
            yield Passage((), after)

    def _before(self, position: int, first: int) -> Iterator[Lines]:
        query = (
            f"SELECT seq, kind, site FROM event WHERE seq BETWEEN ? AND ? AND {_TELLS} ORDER BY seq DESC LIMIT {_BATCH}"
        )
        while rows := self._store.db.all(query, first, position):
            for event, kind, site in rows:
                if lines := self._end_lines(event) if kind == CODES["end"] else self._of_site(site):
                    yield lines
            position = int(rows[-1][0]) - 1

    # --- places -------------------------------------------------------------------------------------------------------

    def sites(self) -> Mapping[int, Lines]:
        """Return the lines of all places that occur on the tape so far, by their numbers; some are nowhere."""
        for (site,) in self._store.db.all("SELECT id FROM site WHERE id > ? ORDER BY id", self._newest):
            self._of_site(site)
            self._newest = site
        return self._lines

    def first(self, site: int) -> int | None:
        """Return the first event at a place."""
        row = self._store.db.one(f"SELECT seq FROM event WHERE site = ? AND {_TELLS} ORDER BY seq LIMIT 1", site)
        return None if row is None else int(row[0])

    def line(self, event: int) -> int:
        """Return the line of the main file where an event happened; 0 where it did so in another."""
        row = self._store.db.one(
            "SELECT t.line FROM event e JOIN site t ON t.id = e.site JOIN source s ON s.id = t.file"
            " WHERE e.seq = ? AND s.path = ?",
            event,
            self._path,
        )
        return 0 if row is None or type(row[0]) is not int else row[0]

    def newest(self, first: int, last: int, until: int) -> int | None:
        """Return the last event at some lines, or in what they call, up to another event."""
        sites = [site for site, lines in self.sites().items() if any(first <= line <= last for line in lines)]
        which = f"seq <= ? AND {_TELLS} AND site IN ({', '.join(map(str, sites))})"
        row = self._store.db.one(f"SELECT max(seq) FROM event WHERE {which}", until)
        return None if row is None or row[0] is None else int(row[0])

    def elsewhere(self, sites: Collection[int], after: int, until: int) -> int | None:
        """Return the first event after one, up to another, that is at none of some places."""
        numbers = ", ".join(map(str, sites))
        which = f"seq > ? AND seq <= ? AND {_TELLS} AND site NOT IN ({numbers})"
        row = self._store.db.one(f"SELECT seq FROM event WHERE {which} ORDER BY seq LIMIT 1", after, until)
        return None if row is None else int(row[0])

    def around(self, sites: Mapping[int, int], is_around: Callable[[int, int], bool], most: int) -> int | None:
        """Return the first event by which the script has come around a loop, or out of it.

        Args:
            sites: the places in a loop at which it has not come to its end, with the line that it is at.
            is_around: tells it of two such lines, of which the second is 0 out of the loop.
            most: events that are looked at.
        """
        if not sites:
            return None
        numbers = ", ".join(map(str, sites))
        begin = self._store.db.one(f"SELECT min(seq) FROM event WHERE site IN ({numbers}) AND {_TELLS}")
        if begin is None or begin[0] is None:
            return None
        line, query = 0, f"SELECT seq, site FROM event WHERE seq BETWEEN ? AND ? AND {_TELLS} ORDER BY seq"
        for event, site in self._store.db.all(query, begin[0], begin[0] + most):
            if self._of_site(site):
                last, line = line, sites.get(site, 0)
                if is_around(last, line):
                    return int(event)
        return None

    def end(self) -> int | None:
        """Return the end of a run that has come to the end of its file."""
        event = self._store.latest("end", self._store.head)
        return event if event is not None and self._end_lines(event) else None

    def _end_lines(self, event: int) -> Lines:
        detail = self._store.detail(event)
        return (END,) if isinstance(detail, EndDetail) and detail.reason == "finished" else ()

    def _of_site(self, site: int) -> Lines:
        """Return the lines of the main file that an event at a place has come to."""
        if site not in self._lines:
            rows = self._store.db.all(_OUTER, site, self._path) if self._has_calls else []
            rows = rows or self._store.db.all(_OWN, site, self._path)
            self._lines[site] = tuple(line for (line,) in rows if type(line) is int and 0 < line < END)
        return self._lines[site]
