"""What the event line says of what takes its time: a search, or a script that runs on. It counts seconds and events."""

from __future__ import annotations

import time
from collections.abc import Callable

from gradb.debugger.debugger import Debugger
from gradb.present.lines.underway import ran_line, searched_line

_PAUSING = "pausing at the next event"
_LEAST = 1.0
"""Seconds of which nothing is said."""


class Underway:
    """Watches one debugger.

    Args:
        clock: tells the seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._went_on: tuple[float, int] | None = None
        """When the script went on, and the head then; None while it stands still."""

    def line(self, debugger: Debugger, command: str) -> str:
        """Return what is to be said now; ``command`` is what was carried out last, as typed."""
        if not debugger.is_running:
            self._went_on = None
        elif self._went_on is None:
            self._went_on = self._clock(), debugger.head
        progress = debugger.progress
        if progress is not None:
            told = (progress.where, progress.share, progress.seconds)
            return searched_line(command, *told) if progress.seconds >= _LEAST else ""
        return debugger.waiting if self._went_on is None else self._ran(debugger, *self._went_on)

    def _ran(self, debugger: Debugger, began: float, head: int) -> str:
        seconds = self._clock() - began
        if seconds < _LEAST or debugger.tape is None:
            return debugger.waiting
        doing = _PAUSING if debugger.run.is_pausing else debugger.waiting
        return ran_line(doing, debugger.head - head, debugger.share, seconds, is_asked=debugger.run.is_pausing)
