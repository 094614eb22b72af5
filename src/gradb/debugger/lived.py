"""A tape of iterations that were lived again, as one looks at it: opened late, events called by their iterations."""

from __future__ import annotations

from gradb.debugger.errors import UserError
from gradb.debugger.judging import Judging
from gradb.debugger.occurrences import Occurrences
from gradb.debugger.rerun.relived import Relived
from gradb.frame.called import ByIteration
from gradb.frame.reader import Tape, TapeError


class Lived:
    """A tape of iterations that were lived again; opened when it is looked at first.

    Args:
        relived: which it is.
    """

    def __init__(self, relived: Relived) -> None:
        self.relived = relived
        self.judging = Judging()
        """What is wrong with what is on it, as far as that was looked for."""
        self.occurrences = Occurrences()
        """Which breakpoints there is something to stop at for."""
        self._tape: tuple[Tape, ByIteration] | None = None

    @property
    def tape(self) -> Tape:
        """The tape, its events called by their iterations.

        Raises:
            UserError: it cannot be read any more.
        """
        return self._opened()[0]

    @property
    def called(self) -> ByIteration:
        """What its events are called.

        Raises:
            UserError: it cannot be read any more.
        """
        return self._opened()[1]

    def begin(self, iteration: int) -> int:
        """Return its first event of an iteration, or of one after it.

        Raises:
            UserError: it cannot be read any more, or is damaged.
        """
        try:
            return self.called.begin(iteration)
        except TapeError as error:
            raise UserError(str(error)) from error

    def _opened(self) -> tuple[Tape, ByIteration]:
        if self._tape is None:
            try:
                tape = Tape.open(self.relived.path, is_over=True)
                called = ByIteration(tape.path, tape.event, tape.head)
            except TapeError as error:
                raise UserError(str(error)) from error
            tape.call(called)
            self._tape = tape, called
        return self._tape

    def close(self) -> None:
        """Let go of the file."""
        if self._tape is not None:
            self._tape[0].close()
            self._tape = None
