"""Which events a movement cannot stop at, told by a few facts of the header that cost next to nothing to look at.

A script that runs freely asks at each event, in C where there is the accelerator: it reads the slots. What passes is
looked at by the stops themselves. The sieve may let an event pass at which none of them stops, and never the other way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gradb.tape.conditions.condition import TELLING, Condition, condition_of
from gradb.tape.conditions.event_names import mark_of
from gradb.tape.conditions.newest import SERIES, Newest
from gradb.tape.conditions.program import Program
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import CODES, SPECS, STOP_KINDS, Kind
from gradb.tape.schema import BIRTH, INFINITY, NAN, NONFINITE
from gradb.tape.stops import CHANGES, Stop, StopKind, is_at, is_called, is_named, is_within, lines_of, writes_in_place

_LARGEST = 1 << 31
"""No line, iteration or event that is looked for has a number as large as this."""
_MAX_KNOWN = 4096
_MOST_LINES = 100
"""Of a statement of more lines every event passes."""


Place = tuple[int | None, int | None, int | None, int | None, int | None]
"""Number of a file in the recording, first and last line, first and last column."""
PathOf = Callable[[int | None], str | None]
Part = tuple["Sieve", Program | None]
"""What the headers have that pass, for one stop with a condition or for all without, and what has to hold then."""


class Sieve:
    """What the headers have that pass, for stops of one movement.

    Args:
        stops: where it stops.
        origin: where it begins (see ``Stop.matches``).
        path_of: returns the file of a place, by its number in the recording; None: every line of that number passes.
        points: what the series have come to, kept up to date; None: every event passes where points of one matter.
    """

    __slots__ = (
        "_at", "_inside", "_wanted", "begun", "flags", "is_open", "iterations", "kinds", "known", "levels",
        "lines", "marks", "named", "origin", "other_than", "parts", "path_of", "places", "positions", "scoped",
        "scopes", "series", "stops", "telling", "told",
    )  # fmt: skip

    def __init__(
        self,
        stops: Iterable[Stop],
        origin: Event | None = None,
        path_of: PathOf | None = None,
        points: Newest | None = None,
    ) -> None:
        self.stops, self.origin, self.path_of = tuple(stops), origin, path_of
        self.is_open = False
        """True where every event passes."""
        self.flags = 0
        """An event with one of these flags passes."""
        self.kinds = 0
        """One of these kinds does: the bit of each is the number that stands for it on a tape."""
        self.named = 0
        """Of these kinds the name is asked, in the same way."""
        self.known: dict[str, bool] = {}
        """Whether an event of this name passes then, as far as it was asked."""
        self.scoped = 0
        """Of these kinds the scope is asked."""
        self.scopes: dict[str, bool] = {}
        """Whether an event in this scope passes then, as far as it was asked."""
        self.lines: tuple[int, ...] = ()
        """Of these lines the place is asked."""
        self.places: dict[Place, bool] = {}
        """Whether an event at this place passes then, as far as it was asked."""
        self.iterations: tuple[int, ...] = ()
        self.positions: tuple[int, ...] = ()
        self.parts: tuple[Part, ...] = ()
        """Where there are some, an event has to pass one of them too; C asks them, and Python has no need to."""
        self.told: frozenset[str] = frozenset()
        """Conditions of which it is known that they make no sense of some values."""
        self.telling = 0
        """Of these kinds an event passes too, if it tells of what ends with one of ``marks``: C looks for them."""
        self.marks: tuple[str, ...] = ()
        self.series: tuple[int, ...] = ()
        """Of these of ``SERIES`` the event passes at which the newest point begins."""
        self.levels = None if points is None else points.levels
        """The newest point of each of ``SERIES``; None where that is not known."""
        self.begun = None if points is None else points.begun
        """The event from which on it holds."""
        self.other_than: int | None = None
        """Of every iteration but this one every event passes; None: it does not matter."""
        self._at: list[str] = []
        self._inside: list[str] = []
        self._wanted: list[Callable[[str], bool]] = []
        for stop in self.stops:
            _any(self, stop, origin) if stop.is_inside else _FACTS.get(stop.kind, _any)(self, stop, origin)

    def passes(self, seq: int, kind: Kind, name: str, place: Place, scope: str, iteration: int, flags: int) -> bool:
        """Tell whether one of the stops may match an event: no for most that it does not."""
        bit = 1 << CODES[kind]
        return bool(
            self.is_open
            or flags & self.flags
            or (self.kinds | self.telling) & bit
            or (place[1] in self.lines and self.is_here(place))
            or iteration in self.iterations
            or seq in self.positions
            or (self.other_than is not None and iteration != self.other_than)
            or (self.named & bit and self.knows(name))
            or (self.scoped & bit and self.includes(scope))
            or (self.series and self.has_begun(seq))
        )

    def knows(self, name: str) -> bool:
        """Tell whether an op or node of this name is meant."""
        known = self.known.get(name)
        return self.learn(name) if known is None else known

    def learn(self, name: str) -> bool:
        """Find out whether an op or node of this name is meant, once for all."""
        if len(self.known) >= _MAX_KNOWN:
            self.known.clear()
        known = self.known[name] = any(is_wanted(name) for is_wanted in self._wanted)
        return known

    def is_here(self, place: Place) -> bool:
        """Tell whether a place is meant whose line is one of those that are looked for."""
        known = self.places.get(place)
        return self.learn_place(place) if known is None else known

    def learn_place(self, place: Place) -> bool:
        """Find out whether a place is meant, once for all."""
        if self.path_of is None:
            return True
        if len(self.places) >= _MAX_KNOWN:
            self.places.clear()
        path = self.path_of(place[0])
        known = self.places[place] = any(is_at(path, place[1], argument) for argument in self._at)
        return known

    def includes(self, scope: str) -> bool:
        """Tell whether a module is meant in whose scope an event is."""
        known = self.scopes.get(scope)
        return self.learn_scope(scope) if known is None else known

    def learn_scope(self, scope: str) -> bool:
        """Find out whether a module is meant with this scope, once for all."""
        if len(self.scopes) >= _MAX_KNOWN:
            self.scopes.clear()
        known = self.scopes[scope] = any(is_within(scope, path) for path in self._inside)
        return known

    def has_begun(self, seq: int) -> bool:
        """Tell whether the newest point of a series that matters holds from this event on."""
        begun = self.begun
        return begun is None or any(begun[at] == seq for at in self.series)

    # --- what stops add to it -----------------------------------------------------------------------------------------

    def add_kind(self, kind: str) -> None:
        """Let all events of a kind pass."""
        self.kinds |= sum(1 << CODES[one] for one in SPECS if one == kind)

    def add_told(self, condition: Condition) -> None:
        """Let events pass that may newly determine something which a condition names."""
        for kind in condition.kinds:
            self.add_kind(kind)
        self.series += tuple(SERIES.index(name) for name in sorted(condition.series))
        if condition.variables:
            self.telling |= sum(1 << CODES[kind] for kind in TELLING)
            self.marks += tuple(map(mark_of, {*condition.owners, *condition.grads}))

    def add_names(self, kinds: Iterable[Kind], is_wanted: Callable[[str], bool]) -> None:
        """Let events of some kinds pass whose names are wanted; of other kinds named so, they may pass as well."""
        self.named |= sum(1 << CODES[kind] for kind in kinds)
        self._wanted.append(is_wanted)

    def add_lines(self, argument: str) -> None:
        """Let events pass at some lines."""
        _, first, last = lines_of(argument)
        if last - first > _MOST_LINES:
            self.is_open = True
        elif first <= last < _LARGEST:
            self.lines += tuple(range(first, last + 1))
            self._at.append(argument)

    def add_module(self, path: str) -> None:
        """Let events pass at which a step stops, in the scope of a module."""
        self.scoped |= sum(1 << CODES[kind] for kind in STOP_KINDS)
        self._inside.append(path)


def _any(sieve: Sieve, stop: Stop, origin: Event | None) -> None:
    sieve.is_open = True


def _kind(sieve: Sieve, stop: Stop, origin: Event | None) -> None:
    sieve.add_kind(stop.argument)


def _of_kind(kind: Kind) -> Callable[[Sieve, Stop, Event | None], None]:
    return lambda sieve, stop, origin: sieve.add_kind(kind)


def _with(flags: int) -> Callable[[Sieve, Stop, Event | None], None]:
    def add(sieve: Sieve, stop: Stop, origin: Event | None) -> None:
        sieve.flags |= flags

    return add


def _at(sieve: Sieve, stop: Stop, origin: Event | None) -> None:
    sieve.add_lines(stop.argument)


def _node(sieve: Sieve, stop: Stop, origin: Event | None) -> None:
    sieve.add_names(("node", "op"), lambda name: is_named(name, stop.argument))


def _module(sieve: Sieve, stop: Stop, origin: Event | None) -> None:
    sieve.add_module(stop.argument)


def _param(sieve: Sieve, stop: Stop, origin: Event | None) -> None:
    for kind in CHANGES:
        sieve.add_kind(kind)
    sieve.add_names(("accumulate",), lambda name: is_called(name, stop.argument))
    sieve.add_names(("op",), writes_in_place)


def _when(sieve: Sieve, stop: Stop, origin: Event | None) -> None:
    condition: Condition = condition_of(stop.condition)
    sieve.is_open |= condition.is_of_events
    sieve.add_told(condition)


def _iteration(sieve: Sieve, stop: Stop, origin: Event | None) -> None:
    if stop.argument:
        sieve.iterations += _possible(stop.argument)
    else:
        sieve.other_than = origin.iteration if origin else 0


def _position(sieve: Sieve, stop: Stop, origin: Event | None) -> None:
    sieve.positions += _possible(stop.argument)


def _possible(number: str) -> tuple[int, ...]:
    """Return a number as it may stand in a header: nothing where none is that large."""
    try:
        found = int(number)
    except ValueError:
        return ()
    return (found,) if 0 <= found < _LARGEST else ()


_FACTS: dict[StopKind, Callable[[Sieve, Stop, Event | None], None]] = {
    "aten": _of_kind("aten"),
    "at": _at,
    "birth": _with(BIRTH),
    "end": _of_kind("end"),
    "inf": _with(INFINITY),
    "iteration": _iteration,
    "kind": _kind,
    "module": _module,
    "nan": _with(NAN),
    "node": _node,
    "nonfinite": _with(NONFINITE),
    "param": _param,
    "position": _position,
    "when": _when,
}
"""What each kind of stop adds; with any other every event passes."""


OPEN = Sieve((Stop("event"),))
"""Lets everything pass."""
