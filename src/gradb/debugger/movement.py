"""Searches of one tape for what a movement stops at, by steps. Nothing here moves anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from gradb.debugger.errors import UserError
from gradb.debugger.search import Reached, Way
from gradb.frame.reader import Tape, TapeError
from gradb.frame.steps import Steps, finished
from gradb.tape.kinds.event import Event
from gradb.tape.stops import Stop

T = TypeVar("T")


def nearest(tape: Tape | None, stops: Sequence[Stop], position: int, direction: int) -> int | None:
    """Return the nearest recorded position after (1) or before (-1) ``position`` at which one of the stops stops.

    Raises:
        UserError: the tape is damaged there.
    """
    return finished(seek(tape, stops, position, direction))


def seek(
    tape: Tape | None,
    stops: Sequence[Stop],
    position: int,
    direction: int,
    last: int | None = None,
    origin: Event | None = None,
) -> Way[int | None]:
    """Do the same by steps, up to ``last`` if that is given; ``origin``: where it began, if on another tape."""
    if tape is None:
        return None
    found: int | None = None
    try:
        for index, stop in enumerate(stops):  # nothing is looked for beyond what another has found
            until = last if found is None else found
            end = (tape.head if direction > 0 else 0) if until is None else until
            steps = tape.seek(stop, position, direction, until, origin)
            hit = yield from _shared(steps, tape, position, end, index, len(stops))
            found = found if hit is None else hit
    except TapeError as error:
        raise UserError(str(error)) from error
    return found


def _shared(steps: Steps[T], tape: Tape, begin: int, end: int, index: int, count: int) -> Way[T]:
    """Carry out one of so many searches from one event to another, and say how far all of them are."""
    span = max(abs(end - begin), 1)
    while True:
        try:
            event = next(steps)
        except StopIteration as over:
            found: T = over.value
            return found
        yield Reached(event, (index + min(abs(event - begin) / span, 1.0)) / count, tape.called)


def follow(
    tape: Tape | None, stop: Stop, begin: int, position: int, origin: Event | None = None
) -> Way[tuple[bool, Stop]]:
    """Return by steps whether a stop stops where a movement from ``begin`` has come to, and what is left of it there.

    ``origin`` is where it began, if on another tape.

    Raises:
        UserError: the tape is damaged there.
    """
    if tape is None or begin == position:
        return False, stop
    try:
        return (yield from _shared(tape.follow(stop, begin, position, origin), tape, begin, position, 0, 1))
    except TapeError as error:
        raise UserError(str(error)) from error
