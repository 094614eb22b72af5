"""Movements as legs: what `forward` and `back` look for, one search after the other. Nothing here moves anything."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gradb.debugger.inplace import START, Spot
from gradb.tape.kinds.event import Event
from gradb.tape.stops import Stop

_SHORT = frozenset({"step", "event", "line", "into", "out"})
_WALKS = _SHORT | {"phase", "iteration", "end"}


@dataclass(frozen=True, slots=True)
class Leg:
    """One search."""

    stop: Stop
    also: tuple[Stop, ...] = ()
    """Where it stops as well."""
    origin: Spot = START
    """Where it began."""
    event: Event | None = None
    """The event there."""

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Everything it stops at."""
        return (self.stop, *self.also)

    @property
    def is_search(self) -> bool:
        """True when it looks for something that may not be there (not merely for what comes next)."""
        return self.stop.kind not in _WALKS or bool(self.stop.argument)

    @property
    def is_short(self) -> bool:
        """True when it goes to the next event or line."""
        return self.stop.kind in _SHORT and not self.is_search

    def is_behind(self, event: Event | None) -> bool:
        """Tell whether what it looks for cannot come any more after ``event``: an iteration that has begun."""
        is_of_iteration = self.stop.kind == "iteration" and self.stop.argument
        return bool(is_of_iteration and event is not None and event.iteration >= int(self.stop.argument))

    def begun(self, origin: Spot, event: Event | None) -> Leg:
        """Return it as it begins at an event; a breakpoint at the very place of that is met once the place was left."""
        also = tuple(replace(stop, is_inside=stop.holds(event)) for stop in self.also)
        stop = replace(self.stop, is_inside=self.stop.kind == "module" and self.stop.holds(event))
        return replace(self, stop=stop, also=also, origin=origin, event=event)
