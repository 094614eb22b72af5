"""Finds what is repeated in a list of ops that comes one by one: ``a b a b a b ...`` becomes a number of ``a b``.

Pure: it knows ops only as units that can be equal. What has been seen so far is a value, so that another list which
begins in the same way can go on from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

LONGEST = 8
"""Units in what is repeated, at most."""
_LEAST, _TIMES = 16, 4  # units in a run, and how often something is repeated in it, at least
_LOOKED_AT = LONGEST * _TIMES  # units in which a run shows


class Unit(NamedTuple):
    """One op and the leaves and references that are drawn below it."""

    name: str
    indent: int
    rows: int
    references: int


@dataclass(frozen=True, slots=True)
class Run:
    """What is repeated, and how often."""

    pattern: tuple[Unit, ...]
    """The lowest first."""
    count: int

    @property
    def name(self) -> str:
        """The names of its ops, as they are drawn from the top down."""
        names = [unit.name for unit in reversed(self.pattern)]
        return ", ".join(names) if len(names) <= 3 else f"{names[0]}, {names[1]} and {len(names) - 2} more"

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.count * self.each

    @property
    def each(self) -> int:
        """How many rows what is repeated has."""
        return sum(unit.rows for unit in self.pattern)

    @property
    def references(self) -> int:
        """Rows of it that refer to a node (leaves apart) which is drawn on another row."""
        return self.count * sum(unit.references for unit in self.pattern)


Part = Run | Unit


@dataclass(frozen=True, slots=True)
class Repeats:
    """The units of which it is not known yet whether they are part of a run."""

    open: tuple[Unit, ...] = ()
    """Of a run that may go on what is repeated, else the units that came last."""
    count: int = 0
    """Units in a run that may go on; 0: there is none."""
    matches: tuple[int, ...] = (0,) * LONGEST
    """For each length how many of the last units are what came so many before."""

    def taking(self, units: Iterable[Unit]) -> tuple[list[Part], Repeats]:
        """Return what is known with some units more, the lowest first, and what is not."""
        known: list[Part] = []
        last, count, matches = list(self.open), self.count, list(self.matches)
        for unit in units:
            if count:
                if unit == last[count % len(last)]:
                    count += 1
                    continue
                known.append(Run(tuple(last), count // len(last)))
                last, count, matches = _begun(last[: count % len(last)])
            run = _matched(last, matches, unit)
            last.append(unit)
            if run:
                known += last[: -run[1]]
                last, count = last[-run[1] :][: run[0]], run[1]
            elif len(last) > 2 * _LOOKED_AT:
                known += last[:-_LOOKED_AT]
                last = last[-_LOOKED_AT:]
        return known, Repeats(tuple(last), count, tuple(matches))

    def ended(self) -> list[Part]:
        """Return what is left where nothing comes any more."""
        if not self.count:
            return list(self.open)
        times, rest = divmod(self.count, len(self.open))
        return [Run(self.open, times), *self.open[:rest]]


NOTHING = Repeats()
"""No unit has come."""


def _begun(units: list[Unit]) -> tuple[list[Unit], int, list[int]]:
    """Return what is known of a few units that end a run."""
    last, matches = list[Unit](), [0] * LONGEST
    for unit in units:
        _matched(last, matches, unit)
        last.append(unit)
    return last, 0, matches


def _matched(last: list[Unit], matches: list[int], unit: Unit) -> tuple[int, int] | None:
    """Take note of what a unit is equal to; return (units repeated, units in the run) where that is a run now."""
    for length in range(1, min(len(last), LONGEST) + 1):
        if last[-length] != unit:
            matches[length - 1] = 0
            continue
        matches[length - 1] += 1
        units = matches[length - 1] + length
        if units >= max(_LEAST, _TIMES * length):
            return length, units
    return None
