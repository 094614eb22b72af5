"""Movements as legs: what `forward` and `back` look for, one search after the other. Nothing here moves anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from gradb.debugger.errors import UserError
from gradb.debugger.search import Reached, Way
from gradb.frame.reader import Tape, TapeError
from gradb.frame.steps import Steps, finished
from gradb.tape.kinds.event import Event
from gradb.tape.stops import Stop

T = TypeVar("T")
_WALKS = frozenset({"step", "event", "line", "phase", "iteration", "end", "into", "out"})


@dataclass(frozen=True, slots=True)
class Leg:
    """One search."""

    stop: Stop
    also: tuple[Stop, ...] = ()
    """Where it stops as well."""
    origin: int = 0
    """The position where it began."""

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

    def begun(self, position: int, event: Event | None) -> Leg:
        """Return it as it begins at an event; a breakpoint at the very place of that is met once the place was left."""
        also = tuple(replace(stop, is_inside=stop.holds(event)) for stop in self.also)
        stop = replace(self.stop, is_inside=self.stop.kind == "module" and self.stop.holds(event))
        return replace(self, stop=stop, also=also, origin=position)


class Occurrences:
    """What is known of a growing tape: which stops there is an event for, and up to where there is none for others."""

    def __init__(self) -> None:
        self._searched: dict[Stop, int | None] = {}  # up to which event there is none; None: there is one

    def has(self, stop: Stop, tape: Tape | None) -> bool:
        """Tell whether a tape has an event at which a stop stops; where there was none, only what is new is searched.

        Raises:
            UserError: the tape is damaged there.
        """
        if tape is None:
            return False
        if stop.kind == "iteration":  # the first ones get their numbers late
            return nearest(tape, (stop,), 0, 1) is not None
        head, after = tape.head, self._searched.get(stop, 0)
        if after is None:
            return True
        found = nearest(tape, (stop,), min(after, head), 1)
        self._searched[stop] = head if found is None else None
        return found is not None


def nearest(tape: Tape | None, stops: Sequence[Stop], position: int, direction: int) -> int | None:
    """Return the nearest recorded position after (1) or before (-1) ``position`` at which one of the stops stops.

    Raises:
        UserError: the tape is damaged there.
    """
    return finished(seek(tape, stops, position, direction))


def seek(tape: Tape | None, stops: Sequence[Stop], position: int, direction: int) -> Way[int | None]:
    """Do the same by steps."""
    if tape is None:
        return None
    found: int | None = None
    try:
        for index, stop in enumerate(stops):  # nothing is looked for beyond what another has found
            end = (tape.head if direction > 0 else 0) if found is None else found
            steps = tape.seek(stop, position, direction, found)
            hit = yield from _shared(steps, position, end, index, len(stops))
            found = found if hit is None else hit
    except TapeError as error:
        raise UserError(str(error)) from error
    return found


def _shared(steps: Steps[T], begin: int, end: int, index: int, count: int) -> Way[T]:
    """Carry out one of so many searches from one event to another, and say how far all of them are."""
    span = max(abs(end - begin), 1)
    while True:
        try:
            event = next(steps)
        except StopIteration as over:
            found: T = over.value
            return found
        yield Reached(event, (index + min(abs(event - begin) / span, 1.0)) / count)


def follow(tape: Tape | None, stop: Stop, origin: int, position: int) -> Way[tuple[bool, Stop]]:
    """Return by steps whether a stop stops where a movement from ``origin`` has come to, and what is left of it there.

    Raises:
        UserError: the tape is damaged there.
    """
    if tape is None or origin == position:
        return False, stop
    try:
        return (yield from _shared(tape.follow(stop, origin, position), origin, position, 0, 1))
    except TapeError as error:
        raise UserError(str(error)) from error
