"""Which of the backward calls of its iteration a position is in, and how many there are by what is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.frame.graph.runs import Runs
from gradb.frame.store import Store
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import numbers_of

_CALLS = f"kind IN ({numbers_of('backward_start', 'loss')})"
_MOST = 1000  # calls of one iteration that are counted


@dataclass(frozen=True, slots=True)
class BackwardCall:
    """One call into the engine, among those of its iteration."""

    event: Event
    """Its backward_start event, which has the place of the call."""
    number: int
    """From 1, in the order in which they began."""
    count: int
    """How many have begun in the iteration, as far as it is recorded."""
    is_whole: bool
    """True where the iteration is over, so that there are no more."""


class Backwards:
    """Counts the backward calls of one tape."""

    def __init__(self, store: Store, runs: Runs) -> None:
        self._store, self._runs = store, runs

    def at(self, position: int, head: int) -> BackwardCall | None:
        """Return the innermost call that a position is in; None where in none, or where there are too many to count."""
        moment = self._runs.moment(position)
        if moment is None or not (moment.is_open or moment.end == position):
            return None
        event = self._store.event(moment.backward.start)
        before = self._beside(event, "seq <= ?", "DESC")
        after = self._beside(event, "seq > ?", "ASC")
        if before + after > _MOST:
            return None
        return BackwardCall(event, before, before + after, self._is_over(event.iteration, head))

    def starts(self, head: int, most: int) -> tuple[int, ...]:
        """Return the events at which calls begin, oldest first; none where there are more than ``most``."""
        query = f"SELECT seq FROM event WHERE {_CALLS} AND seq <= ? ORDER BY seq LIMIT ?"
        found = self._store.db.all(query, head, most + 1)
        return tuple(int(seq) for (seq,) in found) if len(found) <= most else ()

    def _beside(self, event: Event, which: str, order: str) -> int:
        """Count the calls of an iteration on one side of an event, the event itself included where it is."""
        query = f"SELECT seq, iteration FROM event WHERE {_CALLS} AND {which} ORDER BY seq {order} LIMIT ?"
        count = 0
        for seq, iteration in self._store.db.all(query, event.seq, _MOST + 1):
            if self._store.renumbering.settled(seq, iteration) != event.iteration:
                break
            count += 1
        return count

    def _is_over(self, iteration: int, head: int) -> bool:
        return self._store.latest("end", head) is not None or self._store.event(head).iteration > iteration
