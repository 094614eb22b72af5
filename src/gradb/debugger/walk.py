"""A position that moves over what is recorded: what is looked for there, a little at a time, and what was met.

A script that could run on where the recording ends is the debugger's.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

from gradb.debugger.aten import what_was_not_seen
from gradb.debugger.breakpoints import Breakpoints
from gradb.debugger.errors import UserError
from gradb.debugger.movement import Leg, seek
from gradb.debugger.run import Run
from gradb.debugger.search import Progress, Reached, Search, Way
from gradb.debugger.stops import describe
from gradb.debugger.view import View
from gradb.tape.stops import Stop


class Walk(View):
    """A run, a position in it, and the movement that is under way over what is recorded, if there is one."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.message = ""
        """The last thing to tell the user; whoever shows it may clear it."""
        self.breakpoints = Breakpoints()
        self.missed: Stop | None = None
        """What the last movement looked for and did not find."""
        self.patience = math.inf
        """Seconds that a movement over what is recorded may take at a time; what is left is for ``search_on``."""
        self._is_following = True  # the position goes with the head of a running script
        self._search: Search | None = None
        self._legs: deque[Leg] = deque()
        self._news: list[str] = []

    def back(self, stop: Stop, also: tuple[Stop, ...] = (), count: int = 1) -> None:
        """Go to the nearest earlier event that matches, ``count`` times over; never disturbs the script."""
        self.missed = None
        if not self.position:
            self.message = "already at the start"
            return
        self._is_following = False
        stop = replace(stop, with_quiet=self.shows_quiet)
        self._legs = deque([Leg(stop, also)] * count)
        self._search_by(self._walk_back())

    def stay(self) -> None:
        """Leave the position where it is, though the script may run on."""
        self._legs.clear()
        self._is_following = False

    def _search_by(self, way: Way[None]) -> None:
        self._search = Search(way, self.position)
        self.search_on(self.patience)

    def search_on(self, seconds: float) -> bool:
        """Go on for some seconds with a movement over what is recorded; return whether it is over.

        Raises:
            UserError: the tape is damaged on the way.
        """
        if self._search is None:
            return True
        try:
            is_over = self._search.go_on(seconds)
        except UserError:
            self._search = None
            raise
        if is_over:
            self._search = None
        return is_over

    def break_off(self) -> None:
        """Give up a movement over what is recorded: the position is where it began."""
        search, self._search = self._search, None
        if search is not None:
            search.give_up()
            self._legs.clear()
            self.position = search.origin

    @property
    def progress(self) -> Progress | None:
        """How far a movement over what is recorded is; None where none is under way."""
        return None if self._search is None else self._search.progress

    def _walk(self, direction: int) -> Way[Leg | None]:
        """Follow the legs over the recorded stretch; return the first that finds nothing there."""
        count = len(self._legs)
        while self._legs:
            leg = self._legs.popleft().begun(self.position, self.event())
            yield Reached(self.position, 1 - (len(self._legs) + 1) / count)
            found = yield from seek(self.tape, leg.stops, self.position, direction)
            if found is None:
                self._hear(is_over=False)
                return leg
            self.position = found
            yield from self._arrive(leg, found)
        return None

    def _arrive(self, leg: Leg, position: int) -> Way[None]:
        """Count what was met on the way; say what was not seen."""
        yield from self.breakpoints.count(self.tape, leg, position)
        self._hear(is_over=False)
        if leg.stop.kind == "into" and self.tape is not None and (event := self.event()) is not None:
            self.message = what_was_not_seen(self.tape, event) or self.message

    def _walk_back(self) -> Way[None]:
        missed = yield from self._walk(-1)
        if missed is None:
            return
        self._legs.clear()
        yield from self.breakpoints.count(self.tape, missed, 0)
        if missed.is_search:
            self._miss(missed, "there is no earlier")
        else:
            self.position = 0

    def _miss(self, leg: Leg, sentence: str) -> None:
        if leg.is_search:
            self.missed = leg.stop
            self.message = f"{sentence} {describe(leg.stop)}"

    def _hear(self, *, is_over: bool) -> None:
        self._news += self.breakpoints.news(self.tape, is_over=is_over)

    def take_news(self) -> str:
        """Return, once, what there is to say of breakpoints that cannot mean what they say."""
        news, self._news = self._news, []
        return "\n".join(news)
