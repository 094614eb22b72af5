"""Forks a process that is no child of the script's, and of which the script sees nothing.

The process between is gone at once: no signal says so, and what it has used is counted nowhere. What the script, and
any library, has asked Python to run at forks is not run: it would be seen, and the new process goes on as the old one.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import mmap
import os
import signal
import struct
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

from gradb.tracer.native.loading import standing

_SIGACTION = 256
"""Bytes that hold any system's ``struct sigaction``."""
_IGNORE = struct.pack("=Q", 1)
"""How that begins where a signal is ignored."""
_SECONDS = struct.Struct("=d")
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
                handlers[:] = [one for one in handlers if _is_kept(str(getattr(one, "__module__", "")))]
            yield
        finally:
            for handlers, all_ in zip(self._lists, before, strict=True):
                handlers[:] = all_


def _is_kept(module: str) -> bool:
    return module == "threading" or module.startswith("gradb.")


def fork_apart(fork: Callable[[], int]) -> float | None:
    """Return None in a new process that is nobody's child here, and in this one the CPU seconds of the one between.

    Args:
        fork: forks.

    Raises:
        OSError: there can be none.
    """
    in_c = getattr(standing().module, "fork_apart", None)
    with _unseen():
        return _fork_twice(fork) if in_c is None else in_c(fork)


def _fork_twice(fork: Callable[[], int]) -> float | None:
    own = os.getpid()
    with contextlib.closing(mmap.mmap(-1, _SECONDS.size)) as told:
        try:
            between = fork()
            if not between and fork():
                told[: _SECONDS.size] = _SECONDS.pack(time.process_time())
                leave(0)
        except BaseException:
            if os.getpid() != own:
                leave(1)
            raise
        if not between:
            return None
        with contextlib.suppress(ChildProcessError):  # it is gone: nobody is told how it ended
            os.waitpid(between, 0)
        (seconds,) = _SECONDS.unpack(told[: _SECONDS.size])
    if not seconds:
        raise OSError(errno.EAGAIN, "no process can be forked")
    return float(2 * seconds)  # its end, at which all memory is let go of, costs about as much


@contextlib.contextmanager
def _unseen() -> Iterator[None]:
    """Have the end of a child be no signal, and what it has used be left out of what children have used."""
    before, ignored = ctypes.create_string_buffer(_SIGACTION), ctypes.create_string_buffer(_IGNORE, _SIGACTION)
    if _libc.sigaction(signal.SIGCHLD, ignored, before):
        raise OSError(ctypes.get_errno(), "what is done at the end of a child cannot be put aside")
    try:
        yield
    finally:
        _libc.sigaction(signal.SIGCHLD, before, None)
