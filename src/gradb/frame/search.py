"""Finds the next or the previous event at which a movement stops.

SQL narrows the search down by kind, line, node name and the like; ``Stop.matches``, which also decides in the debuggee,
has the last word on every candidate. So a recorded stretch and a live run stop at the same events. A search that looks
at values takes long, so each is made of steps: between two of them a screen can be painted, or it is broken off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gradb.frame.clauses import outside
from gradb.frame.conditions import Verdicts
from gradb.frame.scan import Scan, first_accepted
from gradb.frame.steps import Steps
from gradb.frame.store import Store
from gradb.tape.kinds.event import Event
from gradb.tape.stops import TURNS, Stop


def find(
    store: Store, stop: Stop, position: int, direction: int, last: int | None = None, origin: Event | None = None
) -> Steps[int | None]:
    """Return the nearest event after (+1) or before (-1) a position at which ``stop`` stops, or None.

    The movement's origin is ``origin``, where it began on another tape, else the event at ``position`` (None at 0).
    Going back by ``step`` or ``event`` ends at 0, the
    start, where no event is left. Going back to an iteration goes to where it begins, not to where it ends. With
    ``last``, nothing beyond that event is looked for.

    Raises:
        ValueError: the stop's argument is not of its kind.
        TapeError: an event on the way is damaged.
    """
    found, _ = yield from _follow(store, stop, position, direction, last, origin)
    if found is None and last is None and direction < 0 < position and stop.kind in {"step", "event"}:
        return 0
    return found


def follow(store: Store, stop: Stop, position: int, last: int, origin: Event | None = None) -> Steps[tuple[bool, Stop]]:
    """Return whether a stop stops a movement at ``last`` that began at a position, and what is left of the stop.

    Its origin is as for ``find``. The movement is known not to have been stopped before.

    Raises:
        TapeError: an event on the way is damaged.
    """
    direction = 1 if last > position else -1
    if stop.passes:
        found, left = yield from _follow(store, stop, position, direction, last, origin)
        return found == last, left
    if stop.is_inside:
        if (yield from _leave(store, stop, position, direction, last, origin)) is None:
            return False, stop
        stop = replace(stop, is_inside=False)
    if stop.kind == "iteration":
        return (yield from _nearest(store, stop, position, direction, last, origin)) == last, stop
    if last <= 0:
        return False, stop
    began = origin or _origin(store, position)
    found = yield from _search(store, stop, last - direction, direction, began, last)
    return found == last, stop


def _origin(store: Store, position: int) -> Event | None:
    return store.event(position) if position else None


def _follow(
    store: Store, stop: Stop, position: int, direction: int, last: int | None, origin: Event | None
) -> Steps[tuple[int | None, Stop]]:
    """Return where a movement stops, up to an event if one is given, and what is left of the stop there.

    It does what ``Lookout`` does, but passes at once over all that lies between two matches.
    """
    while True:
        if stop.is_inside:
            found = yield from _leave(store, stop, position, direction, last, origin)
            if found is None:
                return None, stop
            position, stop, origin = found, replace(stop, is_inside=False), None
        found = yield from _nearest(store, stop, position, direction, last, origin)
        if found is None or not stop.passes:
            return found, stop
        position, stop, origin = found, stop.passed(), None


def _leave(
    store: Store, stop: Stop, position: int, direction: int, last: int | None, origin: Event | None
) -> Steps[int | None]:
    """Return the nearest event that is not at the place, or not of the iteration, of a stop."""
    if stop.kind == "module":
        return (yield from first_accepted(store, stop.is_left, outside(stop), direction, position, last))
    found = None
    for other in _OTHERS[stop.kind]:
        hit = yield from _nearest(store, other, position, direction, last, origin)
        while hit is not None and not stop.is_left(store.event(hit)):
            hit = yield from _nearest(store, other, hit, direction, last)
        found, last = (found, last) if hit is None else (hit, hit)
    return found


def _nearest(
    store: Store, stop: Stop, position: int, direction: int, last: int | None, origin: Event | None = None
) -> Steps[int | None]:
    """Return the nearest matching event, up to another one if that is given."""
    if stop.kind == "iteration" and stop.argument and direction < 0:  # to where it begins
        found = yield from _search(store, stop, 0, 1, None, position - 1)
        return None if found is None or (last is not None and found < last) else found
    return (yield from _search(store, stop, position, direction, origin or _origin(store, position), last))


def _search(
    store: Store, stop: Stop, position: int, direction: int, origin: Event | None, last: int | None
) -> Steps[int | None]:
    """Ask a condition only where it can make a difference."""
    scan = Scan(store, stop, direction, origin)
    if not stop.is_conditional:
        return (yield from scan.nearest(position, last))
    verdicts = Verdicts(store, stop)
    if stop.kind == "when":
        return (yield from verdicts.first(position, direction, last))
    if stop.kind == "param":
        return (yield from _about(store, stop, verdicts, origin, verdicts.mentioned(position, direction, last)))
    if not verdicts.is_steady:
        return (yield from replace(scan, meets=verdicts.meets).nearest(position, last))
    for low, high in verdicts.spans(position, direction, last):
        begin, end = (low - 1, high) if direction > 0 else (high + 1, low)
        found = yield from scan.nearest(begin, end)
        if found is not None:
            return found
    return None


def _about(
    store: Store, stop: Stop, verdicts: Verdicts, origin: Event | None, mentioned: Iterator[int | None]
) -> Steps[int | None]:
    """Try the events that may tell of a parameter."""
    at = 0
    for seq in mentioned:
        yield (at := seq or at)
        if seq is not None and stop.matches(event := store.event(seq), origin) and verdicts.meets(event):
            return seq
    return None


_TURNS = tuple(Stop("kind", kind) for kind in sorted(TURNS))
_OTHERS = {"at": (Stop("line"), *_TURNS), "iteration": (Stop("iteration"),)}
"""What stops wherever the script may have left the line, or the iteration, of a stop."""
