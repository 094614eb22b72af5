"""A sieve in parts, one for each stop that has a condition: C asks the conditions of those whose facts an event has."""

from __future__ import annotations

from collections.abc import Iterable

from gradb.tape.conditions.condition import condition_of
from gradb.tape.conditions.newest import Newest
from gradb.tape.conditions.program import Program, program_of
from gradb.tape.kinds.event import Event
from gradb.tape.sieve import PathOf, Sieve
from gradb.tape.stops import Stop


def parted(
    stops: Iterable[Stop],
    origin: Event | None,
    points: Newest | None = None,
    path_of: PathOf | None = None,
    told: frozenset[str] = frozenset(),
) -> Sieve:
    """Return a sieve by whose parts C knows of most events that no condition holds.

    Args:
        stops: where it stops.
        origin: where it begins.
        points: what the series have come to, kept up to date.
        path_of: as for ``Sieve``.
        told: conditions of which it was told that they make no sense of some values.
    """
    sieve = Sieve(stops, origin, path_of, points)
    sieve.told = told
    programs = [(stop, _program(stop, told)) for stop in sieve.stops]
    if any(program is not None for _, program in programs):
        rest = Sieve([stop for stop, program in programs if program is None], origin, path_of, points)
        each = [(Sieve((stop,), origin, path_of, points), program) for stop, program in programs if program is not None]
        sieve.parts = ((rest, None), *each)
    return sieve


def has_program(stop: Stop) -> bool:
    """Tell whether C can be asked the condition of a stop."""
    return _program(stop, frozenset()) is not None


def _program(stop: Stop, told: frozenset[str]) -> Program | None:
    """Return by what it is known that a stop does not stop at an event whose header it matches."""
    if not stop.condition or stop.is_inside:
        return None
    return program_of(condition_of(stop.condition).expression, stop.condition in told)
