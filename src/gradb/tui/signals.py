"""The app and the signals: the script gets what the app gets but Ctrl+C, and without a terminal both end.

A terminal that is gone is noticed by a thread of its own: the event loop may hang in a write to it. Textual's handlers
are called between two turns of the event loop: they take locks, which it may hold when the signal comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_PASSED = (signal.SIGUSR1, signal.SIGUSR2)
_EVERY = 0.25
_LAST = 3.0
"""Seconds after which an app that does not end without its terminal is ended."""
Handler = Callable[[int, FrameType | None], object]


class Signals:
    """Takes the signals of the app's process while it shows.

    Args:
        pass_on: sends the script a signal.
        stop: stops the script.
        end: ends the app, given the signal.
        interrupt: does what Ctrl+C does.
    """

    def __init__(
        self,
        pass_on: Callable[[int], object],
        stop: Callable[[], object],
        end: Callable[[int], object],
        interrupt: Callable[[], object],
    ) -> None:
        self._pass_on, self._stop, self._end, self._interrupt = pass_on, stop, end, interrupt
        self._is_over = threading.Event()
        self._is_ending = self._has_resumed = False

    def install(self, terminal: int | None) -> None:
        """Take the signals, in the running event loop; ``terminal``: a descriptor of it, None where there is none."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            for number in _ENDING:
                loop.add_signal_handler(number, self.end, number)
            for number in _PASSED:
                loop.add_signal_handler(number, self._pass_on, number)
            loop.add_signal_handler(signal.SIGINT, self._interrupt)
            resize = signal.getsignal(signal.SIGWINCH)
            loop.add_signal_handler(signal.SIGWINCH, self._pass_on, signal.SIGWINCH)
            # Textual's stays, and is put there anew whenever it goes on; the loop hears of the signal all the same
            signal.signal(signal.SIGWINCH, resize or signal.SIG_DFL)
            suspend, resume = _textuals(signal.SIGTSTP, terminal), _textuals(signal.SIGCONT, terminal)
            if suspend is not None and resume is not None:
                loop.add_signal_handler(signal.SIGTSTP, self._stop_all, suspend, resume)
                loop.add_signal_handler(signal.SIGCONT, self._go_on, resume)
        if terminal is not None:
            threading.Thread(target=self._watch, args=(terminal, loop), name="terminal", daemon=True).start()

    def uninstall(self) -> None:
        """Give the signals back."""
        self._is_over.set()
        loop = asyncio.get_running_loop()
        for number in (*_ENDING, *_PASSED, signal.SIGINT, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(number)

    def end(self, number: int) -> None:
        """End script and app because of a signal, once."""
        if not self._is_ending:
            self._is_ending = True
            self._end(number)

    def _stop_all(self, suspend: Callable[[], object], resume: Callable[[], object]) -> None:
        """Stop the script, then the app until it is told to go on; its screen is back before anything is drawn."""
        self._stop()
        suspend()
        resume()
        self._has_resumed = True

    def _go_on(self, resume: Callable[[], object]) -> None:
        """Continue the script after the app, which does not hear of a resize while it is stopped."""
        if not self._has_resumed:
            resume()
        self._has_resumed = False
        self._pass_on(signal.SIGCONT)

    def _watch(self, terminal: int, loop: asyncio.AbstractEventLoop) -> None:
        while not is_gone(terminal):
            if self._is_over.wait(_EVERY):
                return
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(self.end, signal.SIGHUP)
        time.sleep(_LAST)
        os._exit(128 + signal.SIGHUP)  # what guards the script ends that


def _textuals(number: int, terminal: int | None) -> Callable[[], object] | None:
    """Return what calls Textual's own handler, if there is one: not without its terminal, there it would hang."""
    theirs = signal.getsignal(number)
    if not callable(theirs):
        return None
    handler: Handler = theirs
    return lambda: None if terminal is not None and is_gone(terminal) else handler(number, None)


def is_gone(terminal: int) -> bool:
    """Tell whether a terminal has hung up."""
    poll = select.poll()
    poll.register(terminal, 0)
    try:
        return any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0))
    except OSError:
        return True
