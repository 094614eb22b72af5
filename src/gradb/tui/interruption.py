"""Ctrl+C and Esc: they break off what takes long, and the app stays.

One thing goes at a time: what runs beside the script only once the script stands still. What it takes to break a thing
off is the affair of who does it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from gradb.tui.again import Again
from gradb.tui.session import Session

_AGAIN = 2.0
"""Seconds in which a second Ctrl+C is one that insists."""
_HINT = "asked the script to pause; Ctrl+C again within 2 s sends it KeyboardInterrupt"
_IDLE = "nothing runs that could be broken off: `q` quits"


class Interruption:
    """What there is to break off in a session, and how.

    Args:
        session: of the screen.
        again: has the script run again on a thread.
        clock: tells the seconds.
    """

    def __init__(self, session: Session, again: Again, clock: Callable[[], float] = time.monotonic) -> None:
        self._session, self._again, self._clock = session, again, clock
        self._asked_at = float("-inf")
        """When Ctrl+C last asked the script to pause; what another one does is counted from when that can be seen."""
        self._is_seen = True

    @property
    def is_idle(self) -> bool:
        """True where there is nothing to break off."""
        ghost = self._session.ghost
        is_alone = ghost is None or not ghost.is_running
        is_still = not self._is_running and not self._session.is_searching
        return is_alone and is_still and not self._session.checks.is_running and not self._again.is_running

    def look(self, after_paint: Callable[[Callable[[], None]], object]) -> str:
        """Take note of whether the script stands still; return what another Ctrl+C does now that the first has not.

        It does so for some seconds from when that is on the screen: ``after_paint`` calls something then.
        """
        if not self._is_running:
            self._asked_at, self._is_seen = float("-inf"), True
        elif not self._is_seen:
            after_paint(self._see)
        return _HINT if self._is_asked() else ""

    def _see(self) -> None:
        if not self._is_seen:
            self._is_seen, self._asked_at = True, self._clock()

    def break_off(self) -> str:
        """Break one thing off, and return what is to be said; empty where there is nothing, or it is seen."""
        debugger = self._session.debugger
        if said := self._session.break_off_search():
            return said
        if debugger is not None and debugger.is_running:
            debugger.pause()
            return ""
        if self._again.give_up():
            return "the run again is given up"
        if self._session.checks.is_running:
            return self._session.gradcheck("off")
        return self._session.stop_ghost()

    def interrupt(self) -> str:
        """Do the same; where the script has just been asked to pause and has not, send it KeyboardInterrupt.

        Where there is nothing to break off, what is returned says how to quit.
        """
        if self._session.is_searching or not self._is_running:
            return self.break_off() or _IDLE
        insists, self._asked_at = self._is_asked(), self._clock()
        self._is_seen = insists
        if insists:
            self._session.signal(signal.SIGINT)
            return "KeyboardInterrupt was sent to the script"
        return self.break_off()

    @property
    def _is_running(self) -> bool:
        debugger = self._session.debugger
        return debugger is not None and debugger.is_running

    def _is_asked(self) -> bool:
        return not self._is_seen or self._clock() - self._asked_at <= _AGAIN
