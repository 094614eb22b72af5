"""Passes on to the script what signals gradb gets, and stops and goes on together with it.

The script lives in a session of its own, where no terminal reaches it. What a terminal sends goes to everything that
runs there, so it goes to the script's whole process group; what another process sends goes to the script alone, as it
would if gradb were not there. A thread of its own waits for the signals, since only that tells who sent them.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from gradb.link.launch import Debuggee

PASSED = frozenset(
    {
        signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2,
        signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT,
    }
)  # fmt: skip
"""What is passed on, unless gradb was started to ignore it: then the script ignores it too."""
_WAKE = signal.SIGURG
_FROM_KERNEL = 0x80
_HANDLER_TIME = 0.3


class SignalRelay:
    """A context in which the signals of this process are the script's; for the main thread."""

    def __init__(self, debuggee: Debuggee, is_held: Callable[[], bool] = lambda: False) -> None:
        """Take the process of the script.

        Args:
            debuggee: the process.
            is_held: tells whether the script stands still: then Ctrl+C is for what gradb does.
        """
        self._debuggee = debuggee
        self._is_held = is_held
        self._is_over = False
        self._wanted = {number for number in PASSED if signal.getsignal(number) is not signal.SIG_IGN} | {_WAKE}
        self._mask: set[int] = set()
        self._thread = threading.Thread(target=self._pass_on, name="signals", daemon=True)
        self.passed: set[int] = set()
        """The signals that have come."""

    def __enter__(self) -> Self:
        self._mask = {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, self._wanted)}
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over = True
        while self._thread.is_alive():
            signal.pthread_kill(self._thread.ident or 0, _WAKE)
            self._thread.join(0.5)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _pass_on(self) -> None:
        while not self._is_over:
            info = signal.sigwaitinfo(self._wanted)
            is_for_all = _is_for_all(info)
            if info.si_signo == _WAKE:
                continue
            self.passed.add(info.si_signo)
            if self._debuggee.is_gone or (info.si_signo == signal.SIGINT and self._is_held()):
                _take(info.si_signo)
            elif info.si_signo == signal.SIGTSTP:
                self._stop(is_for_all)
            else:
                self._debuggee.signal(info.si_signo, is_for_all=is_for_all)

    def _stop(self, is_for_all: bool) -> None:
        """Stop the script unless it has other plans, then this process until it is told to go on, then go on."""
        if not stop(self._debuggee, is_for_all=is_for_all):
            return
        _take(signal.SIGTSTP)
        self._debuggee.signal(signal.SIGCONT, is_for_all=True)


def _is_for_all(info: signal.struct_siginfo) -> bool:
    """Tell whether a signal was meant for all that runs in the terminal: it sent it, or its shell hangs up."""
    is_hangup = info.si_signo == signal.SIGHUP and info.si_pid == os.getsid(0)
    return info.si_code == _FROM_KERNEL or info.si_signo == signal.SIGCONT or is_hangup


def stop(debuggee: Debuggee, *, is_for_all: bool) -> bool:
    """Stop a debuggee as SIGTSTP would if it were in the session of the terminal; tell whether it is stopped.

    Outside of it the system drops SIGTSTP where the script leaves that to the system, so SIGSTOP is sent in its place.
    """
    plans = _plans(debuggee.pid)
    if plans == "ignored":
        return False
    if plans == "caught":
        debuggee.signal(signal.SIGTSTP, is_for_all=is_for_all)
        time.sleep(_HANDLER_TIME)  # a handler that stops by itself has put back the default by then
        if _plans(debuggee.pid) != "default":
            return False
    debuggee.signal(signal.SIGSTOP, is_for_all=is_for_all)
    return True


def _plans(pid: int) -> str:
    """Return what a process does at SIGTSTP: ``caught``, ``ignored`` or ``default``."""
    try:
        lines = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        caught, ignored = (int(lines[name], 16) for name in ("SigCgt", "SigIgn"))
    except (OSError, ValueError, KeyError):
        return "default"
    bit = 1 << (signal.SIGTSTP - 1)
    return "ignored" if ignored & bit else "caught" if caught & bit else "default"


def _take(number: int) -> None:
    """Let a signal do to this process what it does."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    time.sleep(0)  # it is delivered by now
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})
