"""Breaks off what is being evaluated: a KeyboardInterrupt is raised in it, and in nothing else."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from gradb.tracer.isolation.signals import taken

T = TypeVar("T")
_raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc


class Interruption:
    """One evaluation, on the thread that makes it."""

    def __init__(self) -> None:
        self.is_broken_off = False
        self._ident = threading.get_ident()
        self._is_main = self._ident == threading.main_thread().ident
        self._is_open = False
        self._lock = threading.Lock()

    def run(self, function: Callable[[], T]) -> T:
        """Return what a function returns.

        Raises:
            KeyboardInterrupt: it was broken off.
        """
        if not self._is_main:
            return self._run(function)
        with taken(signal.SIGINT, self._arrived):
            return self._run(function)

    def _run(self, function: Callable[[], T]) -> T:
        try:
            self._is_open = True
            return function()
        finally:
            self._close()

    def _close(self) -> None:
        while True:
            try:
                with self._lock:
                    self._is_open = False
                if self.is_broken_off and not self._is_main:
                    self._take()
                return
            except KeyboardInterrupt:
                continue

    def _take(self) -> None:
        """Have what was sent, and may not have come yet, raised here.

        To take it back would leave Python looking for it for ever: wherever it looks for signals, and in 3.11 under a
        profile or trace function without an end.
        """
        with contextlib.suppress(KeyboardInterrupt):
            self._send()
            while True:
                pass

    def _send(self) -> None:
        _raise_in(ctypes.c_ulong(self._ident), ctypes.py_object(KeyboardInterrupt))

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        if self._is_open:
            self.is_broken_off = True
            raise KeyboardInterrupt

    def break_off(self) -> None:
        """Raise a KeyboardInterrupt in what runs; called from another thread.

        The main thread is woken as well where it waits; any other sees it at its next instruction of Python's.
        """
        with self._lock:
            if not self._is_open:
                return
            if self._is_main:
                signal.pthread_kill(self._ident, signal.SIGINT)
            else:
                self.is_broken_off = True
                self._send()
