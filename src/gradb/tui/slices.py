"""A search of a recording in the event loop: some of it at a time, so that keys are taken and the screen is painted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError

FIRST = 0.03
"""Seconds that a movement has before others get their turn: most are over by then, and are painted at once."""
_SLICE = 0.008
_PAUSE = 0.003
"""Seconds between two slices, in which everything else goes on."""
_MOST_GIVEN_WAY = 8
"""Times in a row that a slice is put off because the loop was busy in the pause."""


class Slices:
    """Has the movement of a debugger go on until it is over.

    Args:
        told: called when it is, with what went wrong where something did.
    """

    def __init__(self, told: Callable[[UserError | None], None]) -> None:
        self._told = told
        self._timer: asyncio.TimerHandle | None = None
        self._given_way = 0

    def begin(self, debugger: Debugger) -> None:
        """Go on with the movement that is under way, if there is one."""
        if debugger.progress is not None and self._timer is None:
            self._wait(debugger)

    def end(self) -> None:
        """Leave the event loop."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, debugger: Debugger) -> None:
        due = time.monotonic() + _PAUSE
        self._timer = asyncio.get_running_loop().call_later(_PAUSE, self._go_on, debugger, due)

    def _go_on(self, debugger: Debugger, due: float) -> None:
        self._timer = None
        was_busy = time.monotonic() - due > _PAUSE
        if was_busy and self._given_way < _MOST_GIVEN_WAY:
            self._given_way += 1
            self._wait(debugger)
            return
        self._given_way = 0
        try:
            is_over = debugger.search_on(_SLICE)
        except UserError as error:
            self._told(error)
            return
        if is_over:
            self._told(None)
        else:
            self._wait(debugger)
