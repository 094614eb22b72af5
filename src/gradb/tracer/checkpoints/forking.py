"""Forks a process that is no child of the script's, and of which the script sees nothing.

The process between is reaped at once, and the signal that its end would send comes to nothing. What the script, and any
library, has asked Python to run at forks is not run: it would be seen, and the new process goes on as the old one.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import os
import signal
from collections.abc import Callable, Iterator
from typing import NoReturn

_SIGACTION = 256
"""Bytes that hold any system's ``struct sigaction``."""
_KEPT = ("gradb.", "threading")
_libc = ctypes.CDLL(None, use_errno=True)
leave: Callable[[int], NoReturn] = os._exit
"""Ends this process at once: the system's own, which runs nothing."""


class Handlers:
    """What Python runs at forks, which only Python's own lists know.

    Raises:
        LookupError: these are not to be found.
    """

    def __init__(self) -> None:
        marks: list[Callable[[], None]] = [lambda: None, lambda: None, lambda: None]
        os.register_at_fork(before=marks[0], after_in_child=marks[1], after_in_parent=marks[2])
        self._lists = [one for one in gc.get_referrers(*marks) if type(one) is list and one is not marks]
        if len(self._lists) != len(marks):
            raise LookupError("this Python does not tell what it runs at a fork")

    @contextlib.contextmanager
    def put_aside(self) -> Iterator[None]:
        """Have none of them run but those of ours, and Python's own for its threads."""
        before = [list(handlers) for handlers in self._lists]
        try:
            for handlers in self._lists:
                handlers[:] = [one for one in handlers if str(getattr(one, "__module__", "")).startswith(_KEPT)]
            yield
        finally:
            for handlers, all_ in zip(self._lists, before, strict=True):
                handlers[:] = all_


def fork_twice(fork: Callable[[], int]) -> bool:
    """Return True in a new process that is nobody's child here, and False in this one.

    Args:
        fork: forks.

    Raises:
        OSError: there can be none.
    """
    with _unsignalled():
        between = fork()
        if between:
            _, status = os.waitpid(between, 0)
            if status:
                raise OSError(errno.EAGAIN, "no process can be forked")
            return False
        try:
            if fork():
                leave(0)
        except BaseException:
            leave(1)
    return True


@contextlib.contextmanager
def _unsignalled() -> Iterator[None]:
    """Have the end of a child be no signal: where that is left to the system it does nothing."""
    before, default = ctypes.create_string_buffer(_SIGACTION), ctypes.create_string_buffer(_SIGACTION)
    if _libc.sigaction(signal.SIGCHLD, default, before):
        raise OSError(ctypes.get_errno(), "what is done at the end of a child cannot be put aside")
    try:
        yield
    finally:
        _libc.sigaction(signal.SIGCHLD, before, None)
