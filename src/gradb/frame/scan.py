"""Looks for the nearest event at which one stop stops, by what is said in headers, in one direction.

What is asked of values beside that is handed in. Of candidates that SQL finds each is tried, by batches; stretches that
are known to have none are passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradb.frame.clauses import CLAUSES, FIXED, Clause, is_stop
from gradb.frame.conditions import FIRST_HEADER
from gradb.frame.steps import Steps
from gradb.frame.store import Store
from gradb.tape.kinds.event import Event
from gradb.tape.stops import Stop, is_named

_BATCH = 200


def _always(event: Event) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Scan:
    """The search of one movement for one stop."""

    store: Store
    stop: Stop
    direction: int
    """+1: events after a position are looked at, -1: those before."""
    origin: Event | None
    """Where the movement began; None: before the first event."""
    meets: Callable[[Event], bool] = _always
    """Tells of an event that matches by its header whether it meets what else is asked."""

    def nearest(self, position: int, last: int | None) -> Steps[int | None]:
        """Return the nearest event beyond a position, up to and with another one if that is given; None: there is none.

        Raises:
            TapeError: an event on the way is damaged.
        """
        fixed = FIXED.get(self.stop.kind)
        if fixed is None:
            return (yield from self._among_candidates(position, last))
        found = fixed(self.store, self.stop, position, self.direction)
        while found is not None and (last is None or (found - last) * self.direction <= 0):
            if self.meets is _always or self.meets(self.store.event(found)):
                return found
            yield found
            found = fixed(self.store, self.stop, found, self.direction)
        return None

    def _among_candidates(self, position: int, last: int | None) -> Steps[int | None]:
        """Try the candidates in order; pass over the stretches that are known to have none."""
        store, direction = self.store, self.direction
        clause, is_without = self._clause(position), self._barren()
        if is_without is None:
            return (yield from first_accepted(store, self._accepts, clause, direction, position, last))
        for low, high, number in store.stretches.walk(position, direction, store.head):
            begin, end = (low - 1, high) if direction > 0 else (high + 1, low)
            yield begin
            if last is not None and (begin - last) * direction >= 0:
                break
            if number is None or not is_without(number):
                end = end if last is None or (end - last) * direction < 0 else last
                found = yield from first_accepted(store, self._accepts, clause, direction, begin, end)
                if found is not None:
                    return found
        return None

    def _accepts(self, event: Event) -> bool:
        return self.stop.matches(event, self.origin) and self.meets(event)

    def _clause(self, position: int) -> Clause:
        """Return what SQL narrows the candidates down by."""
        stop, until = self.stop, self.store.renumbering.until
        clause = CLAUSES[stop.kind](stop, self.origin)
        if (
            stop.kind == "iteration" and until and (self.direction < 0 or position < until)
        ):  # they may say other numbers
            return f"({clause[0]} OR (e.seq < ? AND {is_stop(stop)}))", (*clause[1], until)
        return clause

    def _barren(self) -> Callable[[int], bool] | None:
        """Return what tells of a stretch that no event in it can match; None where that cannot be told of any."""
        store, stop, origin = self.store, self.stop, self.origin
        stretches = store.stretches
        if stop.kind == "node":
            return lambda number: (
                not any(is_named(name, stop.argument) for name in stretches.names(number) or [stop.argument])
            )
        if origin is None or (stop.kind == "iteration" and stop.argument):
            return None
        match stop.kind:
            case "iteration":
                until = store.renumbering.until
                return lambda number: (
                    stretches.begin(number) >= until and stretches.has_all(number, "iteration", origin.iteration)
                )
            case "phase":
                return lambda number: stretches.has_all(number, "phase", origin.phase)
            case "line":
                place = (store.source(origin.file), origin.line)
                return lambda number: stretches.has_all(number, "place", place)
        return None


def first_accepted(
    store: Store,
    accepts: Callable[[Event], bool],
    clause: Clause,
    direction: int,
    after: int,
    last: int | None,
) -> Steps[int | None]:
    """Try the candidates beyond an event, up to and with another one, by batches.

    Raises:
        TapeError: an event on the way is damaged.
    """
    compare, order, up_to = (">", "ASC", "<=") if direction > 0 else ("<", "DESC", ">=")
    where, parameters = clause
    if last is not None:
        where, parameters = f"e.seq {up_to} ? AND {where}", (last, *parameters)
    query = f"{FIRST_HEADER} WHERE e.seq {compare} ? AND {where} ORDER BY e.seq {order} LIMIT ?"
    size = 1
    while True:
        rows = store.db.all(query, after, *parameters, size)
        for row in rows:
            event = store.header(row)
            if accepts(event):
                return event.seq
            yield event.seq
        if len(rows) < size:
            return None
        after, size = rows[-1][0], _BATCH
