"""Watches the events of a run, one after the other, for where an order stops; a tape is searched by the same rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from gradb.tape.conditions.condition import condition_of, meets
from gradb.tape.conditions.event_names import EventNames, Raw
from gradb.tape.conditions.newest import SERIES, Newest, Points, SeriesName
from gradb.tape.kinds.event import Event
from gradb.tape.parts import has_program, parted
from gradb.tape.sieve import PathOf, Sieve
from gradb.tape.stops import Stop

_NOWHERE = Event(0, "note", "", None, None, None, None, None, "", 0, "", None)
_MOST_STARTS = 256  # of nodes whose end has not been seen: those that run inside of another, and those that raised


class Lookout:
    """Sees the events after the one where a movement began, but for those that a sieve of its stops keeps back.

    Args:
        stops: where it stops.
        origin: the event where it began; None before the first.
        points: what the series have come to.
        fault: told of what goes wrong with a condition, which does not hold then.
        starts: what nodes began with that have not ended, by the numbers of those events: of a lookout before it.
        path_of: returns the file of a place; see ``sieve``.
    """

    def __init__(
        self,
        stops: Iterable[Stop],
        origin: Event | None,
        points: Points | None = None,
        fault: Callable[[Stop, Exception], object] = lambda stop, error: None,
        starts: dict[int, Raw] | None = None,
        path_of: PathOf | None = None,
    ) -> None:
        self.stops = tuple(stops)
        """What is left of them: another tuple wherever a sieve of them has become another."""
        self.origin = origin
        self._points = Newest() if points is None else points
        self._fault, self._path_of = fault, path_of
        self._told: frozenset[str] = frozenset()
        self._now = EventNames(_NOWHERE, self._points, lambda: ("", None), lambda seq: None)
        self.changing: frozenset[SeriesName] = frozenset(SERIES)
        """The series at whose points its sieve may become another."""
        self._starts: dict[int, Raw] = {} if starts is None else starts

    def sees(self, event: Event, detail: str = "", data: bytes | None = None) -> bool:
        """Tell whether the movement stops at the next event.

        Args:
            event: its header.
            detail: its wire form.
            data: the bytes of its values.
        """
        names = EventNames(event, self._points, lambda: (detail, data), self._starts.get)
        if event.kind == "node_start":
            begun(self._starts, event.seq, (detail, data))
        is_met, changed, known = False, list(self.stops), self._told
        for index, stop in enumerate(self.stops):  # each of them, since each may have something to count
            if stop.is_inside:
                if stop.is_left(event):
                    changed[index] = replace(stop, is_inside=False)
            elif stop.matches(event, self.origin) and self._meets(stop, names):
                is_met = is_met or not stop.passes
                if stop.passes:
                    changed[index] = stop.passed()
        if known is not self._told or any(new is not old for new, old in zip(changed, self.stops, strict=True)):
            self.stops = (*changed,)
        return is_met

    def sieve(self, known: Sieve | None = None, *, asks_parts: bool = False) -> Sieve:
        """Return what lets all pass that matters until a series of ``changing`` comes to something else.

        Args:
            known: the one before, which is returned if it still does.
            asks_parts: what it lets pass is asked its parts (by C), so that conditions need not be asked here.
        """
        waiting = [stop for stop in self.stops if self._is_steady(stop) and not (asks_parts and has_program(stop))]
        self.changing = frozenset[SeriesName]().union(*(condition_of(stop.condition).series for stop in waiting))
        ready = tuple(stop for stop in self.stops if stop not in waiting or self._is_ready(stop))
        if known is None or (known.stops, known.told) != (ready, self._told) or known.origin is not self.origin:
            points = self._points if isinstance(self._points, Newest) else None
            return parted(ready, self.origin, points, self._path_of, self._told)
        return known

    def _is_steady(self, stop: Stop) -> bool:
        """Tell whether a stop cannot be met from one point of a series to the next, or its condition holds for all."""
        return bool(stop.condition) and not stop.is_inside and condition_of(stop.condition).is_steady

    def _is_ready(self, stop: Stop) -> bool:
        condition = condition_of(stop.condition)
        try:
            return condition.holds(self._now)
        except Exception:
            return True  # what is wrong with it is told where it is asked

    def _meets(self, stop: Stop, names: EventNames) -> bool:
        if not stop.is_conditional:
            return True
        try:
            return meets(stop, names)
        except Exception as error:
            self._fault(stop, error)
            self._told |= {stop.condition}
            return False


def begun(starts: dict[int, Raw], seq: int, raw: Raw) -> None:
    """Keep what a node began with until its end."""
    starts[seq] = raw
    if len(starts) > _MOST_STARTS:
        del starts[next(iter(starts))]
