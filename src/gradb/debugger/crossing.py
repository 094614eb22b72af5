"""Searches over the borders of tapes: what a movement looks for on one tape it goes on to look for on the next.

What of a stop is left where one tape is gone over (how often it still lets pass, whether its place was left) is taken
along, and so is the event where the movement began: lines, phases and iterations mean the same on all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gradb.debugger import movement
from gradb.debugger.inplace import InPlace, Spot, Stretch
from gradb.debugger.lived import Lived
from gradb.debugger.search import Way
from gradb.frame.reader import Tape
from gradb.tape.kinds.event import Event
from gradb.tape.stops import Stop

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """What is searched of one tape."""

    tape: Tape | None
    lived: Lived | None
    """Whose tape it is; None: the first."""
    begin: int
    """The event that it is gone on from."""
    end: int | None
    """The last event that is looked at; None: there is no end but the tape's."""
    is_own: bool = True
    """The movement began at ``begin``."""

    @property
    def length(self) -> int:
        """How many events it has."""
        return 0 if self.end is None else abs(self.end - self.begin)

    def has(self, spot: Spot) -> bool:
        """Tell whether a spot lies in it."""
        if self.lived is not spot.lived:
            return False
        return self.end is None or min(self.begin, self.end) <= spot.position <= max(self.begin, self.end)


def parts(inplace: InPlace, first: Tape | None, spot: Spot, direction: int) -> list[Part]:
    """Return what a movement from a spot goes over, forth (1) or back (-1), in the order of its way.

    From an event that is hidden it goes into what hides it.

    Raises:
        UserError: one of the tapes is damaged.
    """
    if first is None or not inplace:
        return [Part(first, None, spot.position, None)]
    stretches = inplace.stretches(first)
    number, here = inplace.standing(first, spot)
    begin, is_own = spot.position, here.lived is spot.lived
    if not is_own and here.lived is not None:
        place = inplace.hiding(first, spot.position)
        begin = here.first if place is None else here.lived.begin(place.iteration)
        begin -= direction > 0 or not spot.position
    others = range(number + 1, len(stretches)) if direction > 0 else range(number - 1, -1, -1)
    return [
        Part(here.tape, here.lived, begin, _end(stretches, number, direction), is_own),
        *_others(stretches, others, direction),
    ]


def _others(stretches: Sequence[Stretch], numbers: range, direction: int) -> Iterator[Part]:
    for number in numbers:
        one = stretches[number]
        begin = one.first - 1 if direction > 0 else one.last + 1
        yield Part(one.tape, one.lived, begin, _end(stretches, number, direction), is_own=False)


def _end(stretches: Sequence[Stretch], number: int, direction: int) -> int | None:
    one = stretches[number]
    if one.lived is None and number == (len(stretches) - 1 if direction > 0 else 0):
        return None
    return one.last if direction > 0 else one.first


def seek(way: Sequence[Part], stops: Sequence[Stop], direction: int, origin: Event | None) -> Way[Spot | None]:
    """Return the nearest spot of the way at which one of the stops stops; None where there is none.

    Args:
        way: what is gone over.
        stops: what is looked for.
        direction: of the way.
        origin: where the movement began; None: before the first event.

    Raises:
        UserError: one of the tapes is damaged.
    """
    total, done = sum(part.length for part in way), 0
    for part in way:
        began = None if part.is_own else origin
        steps = movement.seek(part.tape, stops, part.begin, direction, part.end, began)
        found = yield from (steps if len(way) == 1 else _shared(steps, done, part.length, total))
        if found is not None:
            return Spot(found, part.lived)
        done += part.length
        if part is not way[-1]:
            stops = yield from _left(part, stops, began)
    is_step = direction < 0 and any(stop.kind in {"step", "event"} for stop in stops)
    return Spot() if is_step and way[0].begin else None


def follow(way: Sequence[Part], stop: Stop, to: Spot, origin: Event | None) -> Way[tuple[bool, Stop]]:
    """Return whether a stop stops where a movement has come to, and what is left of it there; see ``seek``.

    Raises:
        UserError: one of the tapes is damaged.
    """
    for part in way:
        began = None if part.is_own else origin
        if part.has(to):
            return (yield from movement.follow(part.tape, stop, part.begin, to.position, began))
        if part.end is not None:
            _, stop = yield from movement.follow(part.tape, stop, part.begin, part.end, began)
    return False, stop


def _left(part: Part, stops: Sequence[Stop], origin: Event | None) -> Way[list[Stop]]:
    """Return what is left of stops where a part is gone over in which none of them stopped."""
    left = []
    for stop in stops:
        if part.end is None or not (stop.is_inside or stop.passes):
            left.append(stop)
        else:
            left.append((yield from movement.follow(part.tape, stop, part.begin, part.end, origin))[1])
    return left


def _shared(steps: Way[T], done: int, length: int, total: int) -> Way[T]:
    """Carry out the search of one part, and say how far that is of all."""
    while True:
        try:
            reached = next(steps)
        except StopIteration as over:
            found: T = over.value
            return found
        share = (done + reached.share * length) / max(total, 1)
        yield reached._replace(share=min(share, 1.0))
