"""A numerical check on the screen: it runs the script again, and says how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gradb.algebra.differences import Result
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.tui.telling import Tone

if TYPE_CHECKING:
    from gradb.debugger.gradcheck.gradcheck import GradCheck


class Told(Protocol):
    """Who is told of a check."""

    def notice(self, text: str, tone: Tone = "news") -> None:
        """Say something to the user."""

    def show_finding(self, result: Result) -> None:
        """Show what a numerical check has found."""


class Checks:
    """The numerical check of one session, one at a time."""

    def __init__(self, front: Told) -> None:
        self._front = front
        self._check: GradCheck | None = None

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
        self._check = check
        return "gradcheck: the script is run again, six times or ten; `gradcheck off` or Ctrl+C gives up"

    def poll(self) -> None:
        """Take in what the runs have said, and say how far they are, or what was found."""
        check = self._check
        if check is None:
            return
        before = (check.runs, check.doing)
        try:
            is_over = check.pump()
        except UserError as error:
            self._check = None
            self._front.notice(f"gradcheck: {error}", "warning")
            return
        if is_over and check.result is not None:
            self._check = None
            self._front.show_finding(check.result)
        elif before != (check.runs, check.doing):
            self._front.notice(f"gradcheck: {check.doing} ({check.runs} runs made)")

    def close(self) -> None:
        """End a check under way; idempotent."""
        check, self._check = self._check, None
        if check is not None:
            check.close()
