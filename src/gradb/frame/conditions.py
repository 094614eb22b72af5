"""What the condition of a stop says at the events of a tape, and which events are worth asking it about."""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from operator import neg

from gradb.frame.steps import Steps
from gradb.frame.store import HEADER, Store
from gradb.tape.conditions.condition import Condition, condition_of, meets
from gradb.tape.conditions.event_names import EventNames, Raw, mark_of
from gradb.tape.conditions.newest import SeriesName
from gradb.tape.expressions.faults import ExpressionError
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import numbers_of
from gradb.tape.series import Series
from gradb.tape.stops import Stop
from gradb.tape.wire import WireError

_BATCH = 200
_WINDOW = 2048
"""Events that are looked through for candidates at a time."""
FIRST_HEADER = HEADER.replace("LEFT JOIN site", "CROSS JOIN site")
"""The same, the events always first: SQLite is not to begin with the sites."""


class TapePoints:
    """What the series of a tape have come to at any event: see ``conditions.newest.Points``."""

    def __init__(self, series: Iterable[Series]) -> None:
        self._series: dict[str, list[Series]] = {}
        for one in series:
            self._series.setdefault(one.kind, []).append(one)

    def latest(self, kind: SeriesName, seq: int) -> float | None:
        """Return the newest point of a kind at an event; None before the first."""
        found, at = None, 0
        for one in self._series.get(kind, ()):
            count = one.until(seq)
            if count and one.events[count - 1] > at:
                found, at = one.values[count - 1], one.events[count - 1]
        return found

    def begins(self, kind: SeriesName, seq: int) -> bool:
        """Tell whether there is a point of a kind that holds from this very event on."""
        return any((count := one.until(seq)) and one.events[count - 1] == seq for one in self._series.get(kind, ()))

    def events(self, kinds: Iterable[SeriesName]) -> list[int]:
        """Return the events from which on there is another point of one of the kinds, in their order."""
        found = [one.events[: one.count] for kind in kinds for one in self._series.get(kind, ())]
        return sorted(set().union(*found))


class Verdicts:
    """The verdicts on the events of one tape, of one stop that is conditional."""

    def __init__(self, store: Store, stop: Stop) -> None:
        self._store, self._stop = store, stop
        self._condition: Condition | None = condition_of(stop.condition) if stop.condition else None
        self._points = TapePoints(store.series.all())
        self._head = store.head
        self._raws, self._starts = store.sweep(), store.sweep()
        self._ready: dict[int, Event] = {}  # headers that were read together

    @property
    def is_steady(self) -> bool:
        """True where it says the same from one point of a series to the next."""
        return self._stop.kind not in {"when", "param"} and self._condition is not None and self._condition.is_steady

    def meets(self, event: Event) -> bool:
        """Tell whether an event that the stop matches by its header is one to stop at."""
        try:
            return meets(self._stop, EventNames(event, self._points, lambda: self._raws.of(event.seq), self._start))
        except (ExpressionError, WireError) as error:
            self._store.faults.setdefault(self._stop.condition or str(self._stop), str(error))
            return False

    def _start(self, seq: int) -> Raw | None:
        return self._starts.of(seq) if 0 < seq <= self._head else None

    def holds_at(self, seq: int) -> bool:
        """Tell whether a condition that names nothing but series holds at an event."""
        return self.meets(Event(seq, "note", "", None, None, None, None, None, "", 0, "", None, 0))

    # --- where to ask -------------------------------------------------------------------------------------------------

    def first(self, position: int, direction: int, last: int | None) -> Steps[int | None]:
        """Return the nearest event that newly determines something which the condition names, and makes it true."""
        condition = self._condition
        if condition is None:
            return None
        is_simple, points = condition.is_steady, self._points.events(condition.series)
        for low, high in _windows(*_bounds(position, direction, last, self._head), direction):
            yield low if direction > 0 else high
            for seq in self._candidates(condition, points, low, high, direction):
                if self.holds_at(seq) if is_simple else self.meets(self._header(seq)):
                    return seq
                yield seq
        return None

    def _header(self, seq: int) -> Event:
        known = self._ready.get(seq)
        return self._store.event(seq) if known is None else known

    def _candidates(
        self, condition: Condition, points: list[int], low: int, high: int, direction: int
    ) -> Iterator[int]:
        if condition.is_of_events:
            return iter(range(low, high + 1)[::direction])
        within = points[bisect_left(points, low) : bisect_right(points, high)][::direction]
        marks = set(map(mark_of, condition.owners))
        sources = [iter(within), *(self._store.mentions.of(mark, low, high, direction) for mark in sorted(marks))]
        if condition.kinds:
            sources.append(self._of_kinds(condition, low, high, direction))
        return heapq.merge(*sources, key=neg if direction < 0 else None)

    def _of_kinds(self, condition: Condition, low: int, high: int, direction: int) -> Iterator[int]:
        order, wanted = "ASC" if direction > 0 else "DESC", numbers_of(*sorted(condition.kinds))
        query = f"{FIRST_HEADER} WHERE e.seq BETWEEN ? AND ? AND +e.kind IN ({wanted}) ORDER BY e.seq {order} LIMIT ?"
        size = 1
        while True:
            rows = self._store.db.all(query, low, high, size)
            self._ready = {event.seq: event for event in map(self._store.header, rows)}
            yield from self._ready.copy()
            if len(rows) < size:
                return
            low, high = (rows[-1][0] + 1, high) if direction > 0 else (low, rows[-1][0] - 1)
            size = _BATCH

    def mentioned(self, position: int, direction: int, last: int | None) -> Iterator[int | None]:
        """Yield the events that may tell of the parameter that the stop is about, and now and then None."""
        mark = mark_of(self._stop.argument)
        for low, high in _windows(*_bounds(position, direction, last, self._head), direction):
            yield None
            yield from self._store.mentions.of(mark, low, high, direction)

    def spans(self, position: int, direction: int, last: int | None) -> Iterator[tuple[int, int]]:
        """Yield the first and last event of each stretch over which a steady condition holds, in order of the way."""
        low, high = _bounds(position, direction, last, self._head)
        points = self._points.events(() if self._condition is None else self._condition.series)
        begins = [low, *points[bisect_right(points, low) : bisect_right(points, high)]]
        stretches = [(begin, end - 1) for begin, end in zip(begins, [*begins[1:], high + 1], strict=True)]
        for begin, end in stretches[::direction]:
            if begin <= end and self.holds_at(begin):
                yield begin, end


def _bounds(position: int, direction: int, last: int | None, head: int) -> tuple[int, int]:
    """Return the first and the last event of a way."""
    if direction > 0:
        return position + 1, head if last is None else min(last, head)
    return 1 if last is None else max(last, 1), position - 1


def _windows(low: int, high: int, direction: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last event of pieces of a way, in the order of the way."""
    for first in range(low, high + 1, _WINDOW)[::direction]:
        yield first, min(first + _WINDOW - 1, high)
