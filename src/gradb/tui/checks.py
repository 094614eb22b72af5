"""A numerical check on the screen: it runs the script again, and says how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from gradb.algebra.differences import Result
from gradb.algebra.figures import counted
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.present.lines.underway import again_line
from gradb.tui.telling import Tone

if TYPE_CHECKING:
    from gradb.debugger.gradcheck.gradcheck import GradCheck

_LEAST = 1.0  # seconds of which nothing is said


class Told(Protocol):
    """Who is told of a check."""

    def notice(self, text: str, tone: Tone = "news") -> None:
        """Say something to the user."""

    def show_finding(self, result: Result) -> None:
        """Show what a numerical check has found."""


class Checks:
    """The numerical check of one session, one at a time.

    Args:
        front: who is told.
        clock: tells the seconds.
    """

    def __init__(self, front: Told, clock: Callable[[], float] = time.monotonic) -> None:
        self._front, self._clock = front, clock
        self._check: GradCheck | None = None
        self._began = 0.0
        self._said = ""

    @property
    def is_running(self) -> bool:
        """True while there is one under way."""
        return self._check is not None

    def begin(self, debugger: Debugger | None, argument: str) -> str:
        """Begin a check in place of the one under way, or with ``off`` end that; return what to say.

        Raises:
            UserError: there is nothing to check, or no check to end.
        """
        if argument == "off":
            if self._check is None:
                raise UserError("there is no check under way")
            self.close()
            return "the check is given up"
        if debugger is None:
            raise UserError("there is no run yet to check")
        from gradb.debugger.gradcheck import gradcheck  # not needed for the first paint

        check = gradcheck.start(debugger, argument)
        self.close()
        self._check, self._began, self._said = check, self._clock(), ""
        return "gradcheck: the script is run again, six times or ten; `gradcheck off` or Ctrl+C gives up"

    def poll(self) -> None:
        """Take in what the runs have said, and say how far they are, or what was found."""
        check = self._check
        if check is None:
            return
        try:
            is_over = check.pump()
        except UserError as error:
            self._check = None
            self._front.notice(f"gradcheck: {error}", "warning")
            return
        if is_over and check.result is not None:
            self._check = None
            self._front.show_finding(check.result)
        else:
            self._tell(check)

    def _tell(self, check: GradCheck) -> None:
        """Say how far it is, where that is more than was said last."""
        seconds = self._clock() - self._began
        if not check.runs and seconds < _LEAST:
            return
        said = again_line(f"gradcheck: {check.doing}", f"{counted(check.runs, 'run')} made", seconds)
        if said != self._said:
            self._said = said
            self._front.notice(said)

    def close(self) -> None:
        """End a check under way; idempotent."""
        check, self._check = self._check, None
        if check is not None:
            check.close()
