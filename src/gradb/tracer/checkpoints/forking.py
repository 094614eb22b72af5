"""Forks a process that is no child of the script's, and of which the script sees nothing.

The process between is reaped at once, and the signal that its end would send comes to nothing. Threads that OpenMP
keeps are let go before, for a forked process has none of them and would wait for them for ever; the next parallel call
makes them anew.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import signal
from collections.abc import Callable, Iterator
from typing import NoReturn

_SIGACTION = 256
"""Bytes that hold any system's ``struct sigaction``."""
_SOFT = 1
"""``omp_pause_soft``."""
_OPENMP = re.compile(r"/\S*/lib[gi]?omp\d*[-.][^/\s]*$", re.MULTILINE)
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


def let_go_of_threads() -> None:
    """Have OpenMP end the threads that it keeps for this one."""
    for path in _openmp():
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(path, os.RTLD_LAZY | os.RTLD_NOLOAD).omp_pause_resource_all(_SOFT)


def _openmp() -> set[str]:
    """Return the files of the OpenMP libraries that are in memory; there may be several."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
            return set(_OPENMP.findall(file.read()))
    except OSError:
        return set()
