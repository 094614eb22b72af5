"""A position that moves over what is recorded: what is looked for there, a little at a time, and what was met.

A script that could run on where the recording ends is the debugger's.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from gradb.debugger.aten import what_was_not_seen
from gradb.debugger.breakpoints import Breakpoints
from gradb.debugger.crossing import follow, parts, seek
from gradb.debugger.errors import UserError
from gradb.debugger.inplace import Spot
from gradb.debugger.legs import Leg
from gradb.debugger.rerun.relived import Relived, beside, passed_over
from gradb.debugger.run import Run
from gradb.debugger.search import Progress, Reached, Search, Way
from gradb.debugger.stops import describe
from gradb.debugger.view import View
from gradb.frame.called import Place
from gradb.frame.reader import TapeError
from gradb.tape.stops import Stop


class Walk(View):
    """A run, a position in it, and the movement that is under way over what is recorded, if there is one."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.message = ""
        """The last thing to tell the user; whoever shows it may clear it."""
        self.tells_of_end = False
        """Whether that is that the end of the run was come to."""
        self.breakpoints = Breakpoints()
        self.missed: Stop | None = None
        """What the last movement looked for and did not find."""
        self.patience = math.inf
        """Seconds that a movement over what is recorded may take at a time; what is left is for ``search_on``."""
        self._is_following = True  # the position goes with the head of a running script
        self._search: tuple[Search, Spot] | None = None  # and where it began
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

    # --- standing somewhere -------------------------------------------------------------------------------------------

    def go_to_end(self) -> None:
        """Go to the last event recorded."""
        self._stand(self._end())

    def _stand(self, spot: Spot) -> None:
        self._legs.clear()
        self.spot = spot
        self._is_following = self.is_at_head

    def spot_at(self, place: Place) -> Spot:
        """Return the spot that a place means; a number is an event of the run's own tape, though there may be none.

        Raises:
            UserError: there is no such event in an iteration lived again, or its tape is damaged.
        """
        tape = self.run.tape
        if not place.iteration:
            return Spot(place.event)
        if tape is None:
            raise UserError(f"nothing is recorded yet: there is no event {place}")
        return self.inplace.spot(tape, place)

    def _end(self) -> Spot:
        tape = self.run.tape
        return self.inplace.end(tape) if tape is not None and self.inplace else Spot(self.run.head)

    def hidden_by(self) -> str:
        """Say what lies in the place of the event at the position; empty where nothing does.

        Raises:
            UserError: one of the tapes is damaged.
        """
        tape = self.run.tape
        place = None if tape is None or self.spot.lived else self.inplace.hiding(tape, self.position)
        if place is None:
            return ""
        return (
            f"event {self.position:,} is the first run's: iteration {place.iteration:,} was lived again,"
            f" and is in full from {place} on"
        )

    def name_of_run(self, position: int) -> str:
        """Return what lies in the place of an event of the run's own tape, by its name.

        Raises:
            UserError: one of the tapes is damaged.
        """
        tape = self.run.tape
        place = None if tape is None else self.inplace.hiding(tape, position)
        return str(position) if place is None else str(place)

    def find_relived(self) -> None:
        """Put in place what lies beside the tape; what lies there and cannot be used is told when the run is closed.

        Raises:
            UserError: one of the tapes is damaged.
        """
        tape = self.run.tape
        if tape is None:
            return
        try:
            self.put_in_place(beside(tape))
            self.run.closing += passed_over(tape)
        except TapeError as error:
            raise UserError(str(error)) from error

    def put_in_place(self, relived: Iterable[Relived]) -> None:
        """Put iterations in place that were lived again; the position stays in its iteration.

        Raises:
            UserError: one of the tapes is damaged.
        """
        self.break_off()
        here, first = self.event(), self.run.tape
        self.inplace.put(relived)
        if first is None or here is None or self.spot.lived is None:
            return
        lived = self.inplace.covering(here.iteration)
        if lived is None:
            self.spot = Spot()
        elif lived is not self.spot.lived:
            self.spot = self.inplace.spot(first, Place(1, here.iteration))

    def stay(self) -> None:
        """Leave the position where it is, though the script may run on."""
        self._legs.clear()
        self._is_following = False

    def _search_by(self, way: Way[None]) -> None:
        begun = Reached(self.position, 0.0) if self.tape is None else Reached(self.position, 0.0, self.tape.called)
        self._search = Search(way, begun), self.spot
        self.search_on(self.patience)

    def carry_out(self, way: Way[None]) -> None:
        """Do something that may take long as a movement is done: a little at a time, watched, and broken off like one.

        Raises:
            UserError: it fails at once.
        """
        self._search_by(way)

    def search_on(self, seconds: float) -> bool:
        """Go on for some seconds with a movement over what is recorded; return whether it is over.

        Raises:
            UserError: the tape is damaged on the way.
        """
        if self._search is None:
            return True
        try:
            is_over = self._search[0].go_on(seconds)
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
            search[0].give_up()
            self._legs.clear()
            self.spot = search[1]

    @property
    def progress(self) -> Progress | None:
        """How far a movement over what is recorded is; None where none is under way."""
        return None if self._search is None else self._search[0].progress

    def _walk(self, direction: int) -> Way[Leg | None]:
        """Follow the legs over the recorded stretch; return the first that finds nothing there."""
        count = len(self._legs)
        while self._legs:
            event = self.event()
            leg = self._legs.popleft().begun(self.spot, event)
            yield Reached(self.position, 1 - (len(self._legs) + 1) / count)
            way = parts(self.inplace, self.run.tape, self.spot, direction)
            found = yield from seek(way, leg.stops, direction, event)
            if found is None:
                self._hear(is_over=False)
                return leg
            self.spot = found
            if found.lived is None and found.position > self.run.head:
                self.run.grow(found.position)  # the tape may go further than the script's process has said so far
            yield from self._arrive(leg, found, direction)
        return None

    def _arrive(self, leg: Leg, spot: Spot, direction: int = 1) -> Way[None]:
        """Count what was met on the way; say what was not seen."""
        yield from self._count(leg, spot, direction)
        self._hear(is_over=False)
        if leg.stop.kind == "into" and self.tape is not None and (event := self.event()) is not None:
            self.message = what_was_not_seen(self.tape, event) or self.message

    def _count(self, leg: Leg, to: Spot, direction: int = 1) -> Way[None]:
        """Count what a leg has met up to a spot."""
        if leg.also:
            way = parts(self.inplace, self.run.tape, leg.origin, direction)
            event = leg.event if len(way) > 1 else None
            yield from self.breakpoints.count(leg, lambda stop: follow(way, stop, to, event))

    def _walk_back(self) -> Way[None]:
        missed = yield from self._walk(-1)
        if missed is None:
            return
        self._legs.clear()
        yield from self._count(missed, Spot(), -1)
        if missed.is_search:
            self._miss(missed, "there is no earlier")
        else:
            self.spot = Spot()

    def _miss(self, leg: Leg, sentence: str) -> None:
        if leg.is_search:
            self.missed = leg.stop
            self.message = f"{sentence} {describe(leg.stop)}"

    def _hear(self, *, is_over: bool) -> None:
        self._news += self.breakpoints.news(self.tapes, is_over=is_over)

    def take_news(self) -> str:
        """Return, once, what there is to say of breakpoints that cannot mean what they say, tapes, checkpoints."""
        news, self._news = [*self._news, *self.inplace.troubles, *self.run.checkpoints.take_news()], []
        self.inplace.troubles.clear()
        return "\n".join(news)
