"""What lies in the place of iterations: the first tape, and in it those that were lived again, as one way to walk.

A *spot* is an event of one of these tapes. The way is made of *stretches*, each of one tape; those of the first tape
leave out what another tape has in full. Where nothing was lived again there is one stretch, the first tape.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import NamedTuple

from gradb.debugger.errors import UserError
from gradb.debugger.lived import Lived
from gradb.debugger.rerun.relived import Relived, meant
from gradb.frame.called import Place, begin_of
from gradb.frame.reader import Tape, TapeError


class Spot(NamedTuple):
    """Where one may stand."""

    position: int = 0
    """An event of the tape; 0: before the first."""
    lived: Lived | None = None
    """Whose tape; None: the first."""


START = Spot()


class Hidden(NamedTuple):
    """Events of the first tape in whose place others lie."""

    first: int = 0
    last: int = -1
    meant: int = 0
    """Where the iteration begins that was meant; the first event where that has another tape."""


NOTHING = Hidden()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Events of one tape that lie in the way, one after the other."""

    lived: Lived | None
    """Whose they are; None: the first tape's."""
    tape: Tape
    first: int
    last: int
    """The last event; before ``first`` where there is none."""
    hidden: Hidden = NOTHING
    """Of the first tape, whose place it takes."""


class InPlace:
    """What lies in the place of iterations of one tape, which are over on it; it may go on behind them."""

    def __init__(self) -> None:
        self._lived: tuple[Lived, ...] = ()
        self._made: tuple[Tape, int, tuple[Stretch, ...]] | None = None
        self.troubles: list[str] = []
        """What is to be said of tapes that cannot be read."""

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return bool(self._lived)

    def __iter__(self) -> Iterator[Lived]:
        """Yield the tapes, in the order of the iterations that are meant."""
        return iter(self._lived)

    def put(self, relived: Iterable[Relived]) -> None:
        """Put tapes in place; one that takes the place of another of its iteration is opened anew."""
        wanted = {one.iteration: one for one in relived}
        kept = {one.relived.iteration: one for one in self._lived if wanted.get(one.relived.iteration) == one.relived}
        for one in self._lived:
            if one not in kept.values():
                one.close()
        self._lived = tuple(kept.get(iteration) or Lived(wanted[iteration]) for iteration in sorted(wanted))
        self._made = None

    def close(self) -> None:
        """Let go of the files."""
        for one in self._lived:
            one.close()

    def readable(self) -> Iterator[Lived]:
        """Yield those that can be read."""
        for one in self._lived:
            with suppress(UserError):
                one.tape  # noqa: B018
                yield one

    def covering(self, iteration: int) -> Lived | None:
        """Return what has an iteration: the tape on which it is meant, else the nearest that has it in full."""
        found = meant(tuple(one.relived for one in self._lived), iteration)
        return next((one for one in self._lived if one.relived == found), None)

    def told(self) -> str:
        """Return the iterations that were lived again, in words: ``299 to 301, 400``; empty where none was."""
        ranges: list[tuple[int, int]] = []
        for first, last in sorted((one.relived.first, one.relived.last) for one in self._lived):
            if ranges and first <= ranges[-1][1] + 1:
                ranges[-1] = ranges[-1][0], max(ranges[-1][1], last)
            else:
                ranges.append((first, last))
        return ", ".join(f"{first:,} to {last:,}" if first < last else f"{first:,}" for first, last in ranges)

    # --- the way ------------------------------------------------------------------------------------------------------

    def stretches(self, first: Tape) -> tuple[Stretch, ...]:
        """Return the stretches of the way, in its order.

        Raises:
            UserError: one of the tapes is damaged.
        """
        if self._made is None or self._made[0] is not first or self._made[1] != first.head:
            try:
                self._made = first, first.head, tuple(self._make(first))
            except TapeError as error:
                raise UserError(str(error)) from error
        return self._made[2]

    def _make(self, first: Tape) -> Iterator[Stretch]:
        begin, head = 1, first.head
        for lived, low, high in self._spans():
            hidden = self._hidden(first, lived.relived.iteration, low, high)
            found, end = self._range(lived, low, high)
            if hidden.first <= hidden.last and found <= end:
                if begin < hidden.first:
                    yield Stretch(None, first, begin, hidden.first - 1)
                yield Stretch(lived, lived.tape, found, end, hidden)
                begin = hidden.last + 1
        if begin <= head or begin == 1:
            yield Stretch(None, first, begin, head)

    @staticmethod
    def _hidden(first: Tape, meant: int, low: int, high: int) -> Hidden:
        begin, middle, after = (begin_of(one, first.event, first.head) for one in (low, meant, high + 1))
        return Hidden(begin, after - 1, middle if begin <= middle < after else begin)

    def _range(self, lived: Lived, low: int, high: int) -> tuple[int, int]:
        """Return first and last event of some iterations; where they cannot be read there is none, and that is told."""
        try:
            found, after = lived.begin(low), lived.begin(high + 1)
            return found, after - 1 - (after > found and lived.tape.event(after - 1).kind == "end")
        except (UserError, TapeError) as error:
            self.troubles.append(f"iteration {lived.relived.iteration:,} as it was lived again is not shown: {error}")
            return 1, 0

    def _spans(self) -> Iterator[tuple[Lived, int, int]]:
        """Yield (tape, first iteration, last iteration) of the runs of iterations that are of one tape."""
        edges = sorted({edge for one in self._lived for edge in (one.relived.first, one.relived.last + 1)})
        edges = sorted({*edges, *(number for low, high in pairwise(edges) for number in self._turns(low, high))})
        parts = [(self.covering(low), low, high - 1) for low, high in pairwise(edges)]
        for lived, group in groupby(parts, key=lambda part: part[0]):
            spans = list(group)
            if lived is not None:
                yield lived, spans[0][1], spans[-1][2]

    def _turns(self, low: int, high: int) -> Iterator[int]:
        """Yield the iterations from ``low`` to before ``high`` from which on another tape is the nearest."""
        having = sorted({one.relived.iteration for one in self._lived if one.relived.has(low)})
        for left, right in pairwise(having):
            if low < (turn := (left + right) // 2 + 1) < high:
                yield turn

    # --- spots --------------------------------------------------------------------------------------------------------

    def standing(self, first: Tape, spot: Spot) -> tuple[int, Stretch]:
        """Return the stretch that a spot lies in, by its number; of an event that is hidden, the one that hides it.

        Raises:
            UserError: one of the tapes is damaged.
        """
        stretches = self.stretches(first)
        for number, one in enumerate(stretches):
            if one.lived is spot.lived and one.first <= spot.position <= one.last:
                return number, one
            if spot.lived is None and one.hidden.first <= spot.position <= one.hidden.last:
                return number, one
        return (0, stretches[0]) if not spot.position else (len(stretches) - 1, stretches[-1])

    def spot(self, first: Tape, place: Place) -> Spot:
        """Return where the event of an iteration lies.

        Raises:
            UserError: the iteration was not lived again, it has no such event, or its tape is damaged.
        """
        lived = self.covering(place.iteration)
        if lived is None:
            which = f"only {self.told()}" if self._lived else "none"
            raise UserError(f"iteration {place.iteration:,} was not lived again ({which}): there is no event {place}")
        begin, after = (lived.begin(one) for one in (place.iteration, place.iteration + 1))
        spot = Spot(begin + place.event - 1, lived)
        if not begin <= spot.position < after or self.standing(first, spot)[1].lived is not lived:
            raise UserError(f"there is no event {place}: iteration {place.iteration:,} has events 1 to {after - begin}")
        return spot

    def hiding(self, first: Tape, position: int) -> Place | None:
        """Return where the iteration of an event of the first tape begins on the tape that hides it; None: none does.

        Raises:
            UserError: one of the tapes is damaged.
        """
        if not self._lived or not position or self.standing(first, Spot(position))[1].lived is None:
            return None
        try:
            return Place(1, first.event(position).iteration)
        except TapeError as error:
            raise UserError(str(error)) from error

    def hidden(self, first: Tape | None) -> tuple[Hidden, ...]:
        """Return what of the first tape is hidden, in order.

        Raises:
            UserError: one of the tapes is damaged.
        """
        if first is None or not self._lived:
            return ()
        return tuple(one.hidden for one in self.stretches(first) if one.lived is not None)

    def end(self, first: Tape) -> Spot:
        """Return the last spot of the way.

        Raises:
            UserError: one of the tapes is damaged.
        """
        last = self.stretches(first)[-1]
        return Spot(last.last, last.lived)
