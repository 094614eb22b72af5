"""Watches the events of a run, one after the other, for where an order stops; a tape is searched by the same rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gradb.tape.kinds.event import Event
from gradb.tape.stops import Stop


class Lookout:
    """Sees the events after the one where a movement began, but for those that a sieve of its stops keeps back.

    Args:
        stops: where it stops.
        origin: the event where it began; None before the first.
    """

    def __init__(self, stops: Iterable[Stop], origin: Event | None) -> None:
        self.stops = tuple(stops)
        """What is left of them: another tuple where that has changed, for then a sieve of them is another too."""
        self.origin = origin

    def sees(self, event: Event) -> bool:
        """Tell whether the movement stops at the next event."""
        is_met, changed = False, list(self.stops)
        for index, stop in enumerate(self.stops):  # each of them, since each may have something to count
            if stop.is_inside:
                if stop.is_left(event):
                    changed[index] = replace(stop, is_inside=False)
            elif stop.matches(event, self.origin):
                is_met = is_met or not stop.passes
                if stop.passes:
                    changed[index] = stop.passed()
        if any(new is not old for new, old in zip(changed, self.stops, strict=True)):
            self.stops = tuple(changed)
        return is_met
