"""Breakpoints: numbered places to stop at, switched on or off, told what to let pass, and how often each was met.

A breakpoint is met where `continue` or `reverse-continue` came to an event that it stops at: it stopped there, or let
that pass because it was told to. What is counted is found on the tape when a movement is over, so a script that ran to
an event and a recording that was searched up to it count the same. Going over the same events again counts again; what
is switched off meets nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from gradb.debugger.errors import UserError
from gradb.debugger.legs import Leg
from gradb.debugger.numerals import read_whole
from gradb.debugger.remarks import fault, never
from gradb.debugger.search import Way
from gradb.debugger.stops import describe, parse_stop
from gradb.frame.reader import Tape, TapeError
from gradb.tape.stops import Stop, lines_of

Mark = Literal["off", "pending", "conditional", "on"]
"""What a line with breakpoints is marked by: one that is off, one at which nothing has happened yet, one that has a
condition, one that has none; the last of these that there is.
"""
_MARKS: tuple[Mark, ...] = get_args(Mark)


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A place to stop at."""

    number: int
    """From 1; never given twice."""
    stop: Stop
    """As it was set, with nothing of what is counted."""
    is_enabled: bool = True
    ignores: int = 0
    """How many of the next times it lets pass."""
    hits: int = 0
    """How often it was met."""
    is_temporary: bool = False
    """It is gone once it has stopped a movement."""
    file: str = ""
    """The end of the path of its file, by which it is told from those of other breakpoints; empty: its name will do."""

    @property
    def words(self) -> str:
        """Where it stops, as one would type it."""
        if not self.file:
            return describe(self.stop)
        return describe(replace(self.stop, argument=f"{self.file}:{self.stop.argument.rpartition(':')[2]}"))


class Breakpoints:
    """The breakpoints of one debugger, by their numbers."""

    def __init__(self, stops: Sequence[Stop] = ()) -> None:
        self._all: dict[int, Breakpoint] = {}
        self._last = 0
        self._told: set[str] = set()
        for stop in stops:
            self.add(stop)

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter(self._all.values())

    def __len__(self) -> int:
        return len(self._all)

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Where those that are switched on stop, and how many times each lets pass before."""
        return tuple(replace(one.stop, passes=one.ignores) for one in self if one.is_enabled)

    def add(self, stop: Stop, *, is_temporary: bool = False) -> Breakpoint:
        """Set a breakpoint that is not there yet."""
        self._last += 1
        self._all[self._last] = Breakpoint(self._last, stop, is_temporary=is_temporary)
        files = {_file(one) for one in self}
        for one in list(self):
            self.change(replace(one, file=_told_apart(_file(one), files)))
        return self._all[self._last]

    def at(self, stop: Stop) -> Breakpoint | None:
        """Return the breakpoint that was set to a stop, or None."""
        return next((one for one in self if one.stop == stop), None)

    def meant(self, text: str, placed: Callable[[Stop], Stop] = lambda stop: stop) -> Breakpoint:
        """Return the breakpoint that a number or a place means; a bare number that is none of one means a line.

        ``placed`` makes of a place as it was typed the one that a breakpoint there would have been set to.

        Raises:
            UserError: there is none, or more than one that is called so.
        """
        number = read_whole(text)
        if number is not None and number in self._all:
            return self._all[number]
        found = self.at(stop := placed(parse_stop(text))) or self._called(text.strip())
        if found is None:
            nor = "" if number is None else f" with the number {number}, nor"
            raise UserError(f"there is no breakpoint{nor} {describe(stop)}")
        return found

    def _called(self, words: str) -> Breakpoint | None:
        """Return the only one that is called so in the list, or by the name of its file alone."""
        called = [one for one in self if words in {one.words, describe(one.stop)}]
        if len(called) > 1:
            numbers = " or ".join(str(one.number) for one in called)
            raise UserError(f"{words} may be breakpoint {numbers}: give its number")
        return called[0] if called else None

    def change(self, changed: Breakpoint) -> Breakpoint:
        """Put a changed breakpoint in the place of the one of its number."""
        self._all[changed.number] = changed
        return changed

    def remove(self, one: Breakpoint) -> None:
        """Take a breakpoint away."""
        del self._all[one.number]

    def clear(self) -> int:
        """Take all away, and return how many there were."""
        count = len(self._all)
        self._all.clear()
        return count

    def count(self, leg: Leg, follow: Callable[[Stop], Way[tuple[bool, Stop]]]) -> Way[None]:
        """Count by steps what a leg has met; ``follow`` tells of a stop whether it stops where the leg came to, or was
        left, and what is left of it there.

        Raises:
            UserError: the tape is damaged there.
        """
        for stop in leg.also:
            known = self.at(replace(stop, passes=0, is_inside=False))
            if known is not None:
                is_met, left = yield from follow(stop)
                passed = stop.passes - left.passes
                hits, ignores = known.hits + passed + is_met, max(known.ignores - passed, 0)
                if is_met and known.is_temporary:
                    self.remove(known)
                else:
                    self.change(replace(known, hits=hits, ignores=ignores))

    def news(self, tapes: Sequence[Tape], *, is_over: bool) -> list[str]:
        """Return what was not told before: which conditions made no sense, and when all is over, what never came.

        Raises:
            UserError: the tape is damaged there.
        """
        try:
            found = [
                f"breakpoint {one.number}: {one.words}: {remark}"
                for one in self
                if one.is_enabled
                for remark in (fault(one.stop, tapes), never(one.stop, tapes) if is_over and not one.hits else "")
                if remark
            ]
        except TapeError as error:
            raise UserError(str(error)) from error
        news = [text for text in found if text not in self._told]
        self._told.update(news)
        return news

    def marks(self, file: str, occurs: Callable[[Stop], bool]) -> dict[int, Mark]:
        """Return the lines of a source file with breakpoints; ``occurs`` tells whether something happened there."""
        marks: dict[int, Mark] = {}
        for one in self:
            where, line, _ = lines_of(one.stop.argument)
            if one.stop.kind == "at" and (not where or file == where or file.endswith("/" + where)):
                marks[line] = max(marks.get(line, "off"), _mark(one, occurs), key=_MARKS.index)
        return marks


def _file(one: Breakpoint) -> str:
    """Return the file in which a breakpoint is; empty where it is at no line of a certain file."""
    return lines_of(one.stop.argument)[0] if one.stop.kind == "at" else ""


def _told_apart(file: str, files: Collection[str]) -> str:
    """Return as much of the end of a path as tells it from others; empty where the name of the file does."""
    parts = file.split("/")
    for count in range(1, len(parts)):
        end = "/".join(parts[-count:])
        if not any(other != file and f"/{other}".endswith(f"/{end}") for other in files):
            return end if count > 1 else ""
    return file if len(parts) > 1 else ""


def _mark(one: Breakpoint, occurs: Callable[[Stop], bool]) -> Mark:
    if not one.is_enabled:
        return "off"
    if not occurs(replace(one.stop, condition="")):
        return "pending"
    return "conditional" if one.stop.condition else "on"
