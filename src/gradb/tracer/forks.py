"""Forked children of the script (data loader workers) are not traced: the tape belongs to the parent."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from gradb.link.channel import Channel
from gradb.tracer.recorder import Recorder

_Forked = TypeVar("_Forked")
_OURS_AND_MAIN = 2


def stop_in_forks(recorder: Recorder, channel: Channel) -> None:
    """Make every forked child of this process stop recording at once, and let go of the line."""
    os.register_at_fork(after_in_child=recorder.abandon)
    os.register_at_fork(after_in_child=channel.close)
    if sys.version_info >= (3, 12):
        os.fork, os.forkpty = without_our_thread(os.fork), without_our_thread(os.forkpty)


def count_threads() -> int:
    """Return the number of threads of this process, as Python counts them before it warns; 0 where it is not known."""
    try:
        with open("/proc/self/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[17])
    except (OSError, ValueError, IndexError):
        return 0


def without_our_thread(fork: Callable[[], _Forked], count: Callable[[], int] = count_threads) -> Callable[[], _Forked]:
    """Return a function that forks, and warns of threads only where the script has some of its own.

    Args:
        fork: ``os.fork`` or ``os.forkpty``, which warn of every thread from Python 3.12 on.
        count: returns the number of threads.
    """

    @wraps(fork)
    def quietly() -> _Forked:
        has_own = count() > _OURS_AND_MAIN
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            forked = fork()
        for one in heard if has_own else ():
            warnings.warn(one.message, one.category, stacklevel=2)
        return forked

    return quietly
