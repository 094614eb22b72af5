"""A run seen from a position: what is true there. How the position moves is the debugger's."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from gradb.debugger.counterpart import counterpart, training_of
from gradb.debugger.displays import Displays, found, rows
from gradb.debugger.errors import UserError
from gradb.debugger.expect.reading import read
from gradb.debugger.inplace import InPlace, Spot
from gradb.debugger.judging import Judging
from gradb.debugger.occurrences import Occurrences
from gradb.debugger.pace import News
from gradb.debugger.quiz.quiz import Quiz
from gradb.debugger.run import Run
from gradb.frame.displayed import Row
from gradb.frame.frame import Frame
from gradb.frame.reader import Tape, TapeError
from gradb.frame.training import Training
from gradb.present.options import Grads, PathChoice, Values
from gradb.tape.kinds.event import Event
from gradb.tape.missing import Stopped
from gradb.tape.stops import Stop

if TYPE_CHECKING:
    from gradb.diagnosis.judged import Judged


class View:
    """One run and a position in it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.spot = Spot()
        """Where the user is looking, and on which tape."""
        self.inplace = InPlace()
        """What lies in the place of iterations that were lived again."""
        self.choice = PathChoice()
        """Whose paths are looked at, and which of them."""
        self.values = Values()
        """The tensor whose elements are looked at."""
        self.grads = Grads()
        """How the .grad buffers are listed."""
        self._chosen: tuple[Spot, int] | None = None
        self.judging_of_run = Judging()
        """What is wrong with the run, as far as that was looked for."""
        self.quiz = Quiz()
        """What was asked and answered of the questions of a script that teaches."""
        self.displays = Displays()
        """What is shown at every stop."""
        self.occurrences = Occurrences()
        """Which breakpoints there is something to stop at for."""
        self.shows_quiet = False
        """Steps stop at data preparation and initialisation too."""
        self._frame: tuple[Tape, int, int, Stopped | None, Frame] | None = None

    @property
    def position(self) -> int:
        """Where the user is looking, 0..head."""
        return self.spot.position

    @property
    def chosen(self) -> int | None:
        """The node that was chosen to be looked at, until the position moves."""
        return self._chosen[1] if self._chosen is not None and self._chosen[0] == self.spot else None

    def choose(self, node: int) -> None:
        """Choose a node to be looked at."""
        self._chosen = (self.spot, node)

    @property
    def tape(self) -> Tape | None:
        """The tape that is looked at; None as long as nothing is committed."""
        return self.run.tape if self.spot.lived is None else self.spot.lived.tape

    @property
    def tapes(self) -> tuple[Tape, ...]:
        """All tapes that are in place, the run's own first."""
        return () if self.run.tape is None else (self.run.tape, *(one.tape for one in self.inplace.readable()))

    @property
    def head(self) -> int:
        """The last event on the tape that is looked at."""
        return self.run.head if self.spot.lived is None else self.spot.lived.tape.head

    @property
    def is_at_head(self) -> bool:
        """True where one stands at the last event of the run's own tape: there a live script is held."""
        return self.spot == Spot(self.run.head)

    @property
    def judging(self) -> Judging:
        """What is wrong with what is on that tape, as far as that was looked for."""
        return self.judging_of_run if self.spot.lived is None else self.spot.lived.judging

    def name(self, event: int) -> str:
        """Return what an event of that tape is called, as it is typed."""
        return str(event) if self.tape is None else self.tape.called(event)

    @property
    def position_of_run(self) -> int:
        """The position in the whole run: the newest event of its own tape that had happened there."""
        tape, (position, lived) = self.run.tape, self.spot
        if tape is None or lived is None:
            return position
        with suppress(TapeError):
            return counterpart(tape, lived, position)
        return self.run.head

    def has(self, stop: Stop) -> bool:
        """Tell whether there is an event on one of the tapes in place at which a stop stops.

        Raises:
            UserError: one of the tapes is damaged.
        """
        return self.occurrences.has(stop, self.run.tape) or any(
            one.occurrences.has(stop, one.tape) for one in self.inplace.readable()
        )

    @property
    def is_live(self) -> bool:
        """True while the debuggee is there."""
        return self.run.is_live

    @property
    def is_running(self) -> bool:
        """True while the script moves (or starts)."""
        return self.run.is_running

    @property
    def status(self) -> str:
        """One short clause: ``importing torch``, ``running``, ``paused``, ``finished``, ``exit code 3`` ..."""
        return self.run.status

    @property
    def failure(self) -> str:
        """Why the run could not begin, or could not be recorded; empty where it could."""
        return self.run.failure

    @property
    def news(self) -> News:
        """What a running script has last said of its progress."""
        return self.run.pace.news

    def frame(self) -> Frame:
        """Return everything true at the position.

        Raises:
            UserError: nothing is recorded yet, or the tape is damaged there.
        """
        tape = self.recorded()
        key = (tape, self.position, self.head, self.run.stopped)
        if self._frame is None or self._frame[:-1] != key:
            try:
                self._frame = (*key, self._made(tape))
            except TapeError as error:
                raise UserError(str(error)) from error
        return self._frame[-1]

    def _made(self, tape: Tape) -> Frame:
        frame, lived, first = tape.frame(self.position), self.spot.lived, self.run.tape
        if lived is None or first is None:
            return frame
        return replace(frame, training=training_of(first, lived, self.position, frame.training))

    def event(self) -> Event | None:
        """Return the event at the position; None at 0.

        Raises:
            UserError: the tape is damaged there.
        """
        if not self.position:
            return None
        try:
            return self.recorded().event(self.position)
        except TapeError as error:
            raise UserError(str(error)) from error

    @property
    def iteration(self) -> int:
        """The iteration at the head; 0 before the first event.

        Raises:
            UserError: the tape is damaged there.
        """
        try:
            tape, head = self.run.tape, self.run.head
            recorded = tape.event(head).iteration if tape is not None and head else 0
        except TapeError as error:
            raise UserError(str(error)) from error
        return max(recorded, self.news.iteration)

    def training(self) -> Training | None:
        """Return how the training goes at the head; None as long as nothing is recorded.

        Raises:
            UserError: the tape is damaged there.
        """
        try:
            return None if self.run.tape is None else self.run.tape.frame(self.run.head).training
        except TapeError as error:
            raise UserError(str(error)) from error

    def judged(self) -> Judged | None:
        """Return what is found on all of the tape.

        Raises:
            UserError: nothing is recorded yet, or the tape is damaged.
        """
        try:
            self.judging.look(self.recorded())
        except TapeError as error:
            raise UserError(str(error)) from error
        return self.judging.judged

    def displayed(self) -> tuple[Row, ...]:
        """Return what the displays come to at the position, and at the stop before it.

        Raises:
            UserError: nothing is recorded yet, or the tape is damaged.
        """
        if not len(self.displays):
            return ()
        try:
            return rows(self.recorded(), self.position, self.displays.expressions, with_quiet=self.shows_quiet)
        except TapeError as error:
            raise UserError(str(error)) from error

    def looked(self) -> Values:
        """Return the tensor that is looked at, as it is at the position.

        Raises:
            UserError: nothing is recorded yet, or the tape is damaged.
        """
        if not self.values.text:
            return self.values
        try:
            return replace(self.values, found=found(self.recorded(), self.position, read(self.values.text)))
        except TapeError as error:
            raise UserError(str(error)) from error

    def recorded(self) -> Tape:
        """Return the tape.

        Raises:
            UserError: nothing is recorded yet.
        """
        tape = self.tape
        if tape is None:
            raise UserError(self.run.failure or f"nothing is recorded yet ({self.status})")
        return tape
