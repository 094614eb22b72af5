"""Forks a process that is no child of the script's, and of which the script sees nothing.

The process between is reaped at once, and the signal that its end would send comes to nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
from collections.abc import Callable, Iterator
from typing import NoReturn

_SIGACTION = 256
"""Bytes that hold any system's ``struct sigaction``."""
_libc = ctypes.CDLL(None, use_errno=True)
leave: Callable[[int], NoReturn] = os._exit
"""Ends this process at once: the system's own, which runs nothing."""


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
