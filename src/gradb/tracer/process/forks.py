"""Forked children of the script (data loader workers) are not traced: the tape belongs to the parent.

From Python 3.12 on a fork beside other threads warns. Ours is not the script's: where it is the only other one there is
nothing to warn of, and the script's own warnings, filters and what it has warned of once are left as they are.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, TypeVar

_Forked = TypeVar("_Forked")
_OURS_AND_MAIN = 2
_WARNING = "is multi-threaded, use of"


def stop_in_forks(stop: Callable[[], object]) -> None:
    """Have every forked child of this process stop recording at once, and let go of what gradb talks by.

    Args:
        stop: does that, in the child.
    """
    os.register_at_fork(after_in_child=stop)
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
        heard = _Heard(count)
        with _ignoring(heard):
            forked = fork()
        for text in heard.texts:
            warnings.warn(text, DeprecationWarning, stacklevel=2)
        return forked

    return quietly


class _Heard:
    """Stands for the pattern of a filter, and keeps what is to be said again at the script's line.

    It is asked when Python warns, after the fork: a library may have ended threads of its own before that, and the bare
    script would not have been warned of them.
    """

    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count
        self.texts: list[str] = []

    def match(self, text: str) -> bool:
        """Tell whether Python warns of threads."""
        is_of_threads = _WARNING in text
        if is_of_threads and self._count() > _OURS_AND_MAIN:
            self.texts.append(text)
        return is_of_threads


@contextmanager
def _ignoring(pattern: _Heard) -> Iterator[None]:
    """Put a filter before the script's without telling, for Python would forget then what it has warned of once."""
    ours: Any = ("ignore", pattern, DeprecationWarning, None, 0)
    filters: Any = warnings.filters
    filters.insert(0, ours)
    try:
        yield
    finally:
        with suppress(ValueError):  # a hook of the script's has cleared them
            filters.remove(ours)
