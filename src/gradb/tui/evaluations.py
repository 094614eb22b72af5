"""What `print` on the screen comes to: at once, or once the script has evaluated it."""

from __future__ import annotations

import contextlib

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.printing import Printed, answer, ask, recalled
from gradb.present.lines.operand import printed_line

_WIDE = 200
"""Cells of a line that is told without being asked for one of some width."""


class Evaluations:
    """The expressions of one session."""

    def __init__(self) -> None:
        self._asked = ""
        """What the script was asked for and has not answered yet."""

    def printed(self, debugger: Debugger | None, argument: str, width: int) -> str:
        """Return what an expression comes to, on a line, or that the script was asked, which answers later.

        Raises:
            UserError: it cannot be read, or speaks of what there is not.
        """
        if debugger is None:
            raise UserError("there is no run yet to ask")
        found = ask(debugger, argument)
        if found is None:
            self._asked = argument
            return "the script evaluates it: `pause` breaks that off"
        return _told(found, width)

    def recalled(self, debugger: Debugger | None) -> str:
        """Return what the tape has, once the script has answered that its frame does not know a name; else empty."""
        text = self._asked
        if not text or debugger is None or debugger.is_running:
            return ""
        self._asked = ""
        with contextlib.suppress(UserError):  # it has not answered: it is over
            if (known := recalled(debugger, answer(debugger), text)) is not None:
                return _told(known, _WIDE)
        return ""


def _told(found: Printed, width: int) -> str:
    """Return what an expression comes to, and where that is from, on a line."""
    origin = f"  {found.origin}" if found.origin else ""
    return printed_line(found.text, found.found, max(width - len(origin), 20)).plain + origin
