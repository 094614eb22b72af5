"""Which of the backward calls of its iteration a position is in, and how many there are by what is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.frame.cache import Cache
from gradb.frame.graph.runs import Runs
from gradb.frame.store import Store
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import CODES

_FEW, _MOST = 8, 1000  # calls of one iteration that are looked at first, and that are counted


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
        self._counts = Cache(self._count, 64)

    def at(self, position: int, head: int) -> BackwardCall | None:
        """Return the innermost call that a position is in; None where in none, or where there are too many to count."""
        moment = self._runs.moment(position)
        if moment is None or not (moment.is_open or moment.end == position):
            return None
        event = self._store.event(moment.backward.start)
        before, count = self._counts((event.seq, head, event.iteration))
        if count > _MOST:
            return None
        return BackwardCall(event, before, count, self._is_over(event.iteration, head))

    def starts(self, head: int, most: int) -> tuple[int, ...]:
        """Return the events at which calls begin, oldest first; none where there are more than ``most``."""
        found = self._calls("seq <= ?", "ASC", head, most + 1)
        return tuple(seq for seq, _ in found) if len(found) <= most else ()

    def _count(self, key: tuple[int, int, int]) -> tuple[int, int]:
        """Return which of the calls of an iteration begins at an event, and how many there are of them."""
        start, _, iteration = key
        before = self._beside("seq <= ?", "DESC", start, iteration)
        return before, before + self._beside("seq > ?", "ASC", start, iteration)

    def _beside(self, which: str, order: str, start: int, iteration: int) -> int:
        """Count the calls of an iteration on one side of an event."""
        for most in (_FEW, _MOST + 1):
            found = self._calls(which, order, start, most)
            numbers = [self._store.renumbering.settled(seq, number) == iteration for seq, number in found]
            if False in numbers or len(found) < most:
                break
        return numbers.index(False) if False in numbers else len(numbers)

    def _calls(self, which: str, order: str, seq: int, most: int) -> list[tuple[int, int]]:
        """Return (seq, iteration) of the calls on one side of an event, the nearest first."""
        each = [
            f"SELECT seq, iteration FROM event WHERE kind = {CODES[kind]} AND {which}"
            for kind in ("backward_start", "loss")
        ]
        query = f"{' UNION ALL '.join(each)} ORDER BY 1 {order} LIMIT ?"  # merged by its index: nothing is sorted
        return [(int(at), int(number)) for at, number in self._store.db.all(query, seq, seq, most)]

    def _is_over(self, iteration: int, head: int) -> bool:
        return self._store.latest("end", head) is not None or self._store.event(head).iteration > iteration
