"""Something that is done again and again: often while something goes on, seldom while nothing does."""

from __future__ import annotations

from collections.abc import Callable

from textual.message_pump import MessagePump
from textual.timer import Timer


class Pulse:
    """The beat of one action, so that a screen that nobody touches costs next to nothing.

    Args:
        pump: the widget whose loop waits.
        action: what is done at each beat; it returns the seconds until the next, None for none.
    """

    def __init__(self, pump: MessagePump, action: Callable[[], float | None]) -> None:
        self._pump, self._action = pump, action
        self._timer: Timer | None = None
        self._seconds = 0.0

    def within(self, seconds: float) -> None:
        """Have the next beat after so many seconds, where it would come later, or never."""
        if self._timer is None or seconds < self._seconds:
            self.end()
            self._seconds = seconds
            self._timer = self._pump.set_timer(seconds, self._beat)

    def end(self) -> None:
        """Beat no more until the next ``within``."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _beat(self) -> None:
        self._timer = None
        if (seconds := self._action()) is not None:
            self.within(seconds)
