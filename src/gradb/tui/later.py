"""Something that a widget does after a pause, in which keys are answered and the screen is painted."""

from __future__ import annotations

from collections.abc import Callable

from textual.message_pump import MessagePump


class Later:
    """One thing that is put off, however often it is asked for meanwhile.

    Args:
        pump: the widget whose loop waits.
        seconds: of the pause.
        action: what is done then.
    """

    def __init__(self, pump: MessagePump, seconds: float, action: Callable[[], None]) -> None:
        self._pump, self._seconds, self._action = pump, seconds, action
        self._is_asked = False

    def ask(self) -> None:
        """Have it done after the pause."""
        if not self._is_asked:
            self._is_asked = True
            self._pump.set_timer(self._seconds, self._do)

    def _do(self) -> None:
        self._is_asked = False
        self._action()
