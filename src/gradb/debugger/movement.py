"""Movements as legs: what `forward` and `back` look for, one search after the other.

Most movements are one leg. One that looks for a breakpoint on the very line it starts from is two: leave the line, then
look; otherwise it would stop at each of the line's events. Nothing here moves anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradb.debugger.errors import UserError
from gradb.frame.reader import Tape, TapeError
from gradb.tape.kinds.event import Event
from gradb.tape.stops import Stop

_WALKS = frozenset({"step", "event", "line", "phase", "iteration", "end", "into", "out"})


@dataclass(frozen=True, slots=True)
class Leg:
    """One search."""

    stop: Stop
    also: tuple[Stop, ...] = ()
    """Where it stops as well."""
    is_prelude: bool = False
    """The next leg is the real one, unless one of ``also`` comes first."""

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Everything it stops at."""
        return (self.stop, *self.also)

    @property
    def is_search(self) -> bool:
        """True when it looks for something that may not be there (not merely for what comes next)."""
        return self.stop.kind not in _WALKS or bool(self.stop.argument)

    def is_behind(self, event: Event | None) -> bool:
        """Tell whether what it looks for cannot come any more after ``event``: an iteration that has begun."""
        is_of_iteration = self.stop.kind == "iteration" and self.stop.argument
        return bool(is_of_iteration and event is not None and event.iteration >= int(self.stop.argument))


def legs_of(stop: Stop, also: tuple[Stop, ...], origin: Event | None) -> list[Leg]:
    """Return the legs of a movement that begins at ``origin``."""
    here = [s for s in also if s.kind == "at" and origin is not None and s.matches(origin, None)]
    if not here:
        return [Leg(stop, also)]
    elsewhere = tuple(s for s in also if s not in here)
    leaving = Leg(Stop("line"), (*elsewhere, stop), is_prelude=True)
    return [leaving, Leg(stop, also)]


def nearest(tape: Tape | None, stops: Sequence[Stop], position: int, direction: int) -> int | None:
    """Return the nearest recorded position after (1) or before (-1) ``position`` that one of the stops matches.

    Raises:
        UserError: the tape is damaged there.
    """
    if tape is None:
        return None
    try:
        found = [hit for stop in stops if (hit := tape.find(stop, position, direction)) is not None]
    except TapeError as error:
        raise UserError(str(error)) from error
    if not found:
        return None
    return min(found) if direction > 0 else max(found)
