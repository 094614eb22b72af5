"""Whose the threads of this process are: a fork takes none of them along, and only some can be done without.

Those that Python knows say so themselves. Of any other the library is found that started it, from the calls that are on
its stack while it waits.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import struct
import threading
import time
from collections.abc import Collection

from gradb.tracer.checkpoints.mappings import Mappings

_TASKS = "/proc/self/task"
_MOST = 1 << 16
"""Bytes of a stack that are looked at."""
_TRIES, _WHILE = 4, 0.0005
"""How often a thread is looked at that is busy, and seconds in between."""
_SOFTLY = 1
_POOL = "PTThreadPool"
_HARMLESS = re.compile(r"openblas|/lib(gomp|iomp5|omp|torch_cpu)\b[^/]*$")
"""Libraries whose threads can be done without, where no other is on the stack (with what others have left on it):
OpenBLAS ends its own before a fork, those of OpenMP are paused, and torch's pool in C knows of forks.
"""
_TORCH = re.compile(r"/libtorch_cpu\b[^/]*$")
_CPP = re.compile(r"/libstdc\+\+[^/]*$")
_SYSTEM = re.compile(r"^\[|/(ld-linux|libc|libpthread)\b[^/]*$")
_TORCHS_OWN = "torch has a thread of its own (for a backward many levels within others, or for jit.fork)"
_BUSY = "a thread of compiled code is busy"


class Threads:
    """The threads of this process. What was found out of one is remembered as long as it lives."""

    def __init__(self) -> None:
        self._harmless: set[tuple[int, str]] = set()

    def why_not(self, ours: Collection[int], mappings: Mappings) -> str | None:
        """Return of which thread a child would be in want; None: of none.

        Args:
            ours: native ids of gradb's own.
            mappings: as they are now.
        """
        if threading.get_ident() != threading.main_thread().ident:
            return "the script trains on a thread that is not its main one"
        passed: set[int | None] = {*ours, os.getpid()}
        for thread in threading.enumerate():
            is_main = thread is threading.main_thread()  # whose native id, in a forked process, is not up to date
            if thread.native_id not in passed and not is_main and not _is_monitor(thread):
                return f"the script has another thread ({thread.name})"
            passed.add(thread.native_id)
        for _ in range(_TRIES):
            why = self._why_not_native(passed, mappings)
            if why != _BUSY:
                break
            pause(mappings)  # those of OpenMP do not wait at once when their work is done
            time.sleep(_WHILE)
        return why

    def _why_not_native(self, passed: Collection[int | None], mappings: Mappings) -> str | None:
        harmless = set()
        for task in map(int, os.listdir(_TASKS)):
            if task in passed:
                continue
            name, born = _state(task)
            if (task, born) not in self._harmless and (why := _why_not(task, name, mappings)) is not None:
                return why
            harmless.add((task, born))
        self._harmless = harmless
        return None


def pause(mappings: Mappings) -> None:
    """End the threads that OpenMP has for this one; it starts others where it needs them."""
    for path in mappings.openmp():
        with contextlib.suppress(OSError, AttributeError):  # an old one, without that function
            ctypes.CDLL(path).omp_pause_resource_all(_SOFTLY)


def _is_monitor(thread: threading.Thread) -> bool:
    """Tell whether it is the one of tqdm's, which only looks after bars that stand still."""
    return type(thread).__name__ == "TMonitor" and type(thread).__module__ == "tqdm._monitor"


def _state(task: int) -> tuple[str, str]:
    """Return the name of a thread, and when it was started; both empty where it is gone."""
    with contextlib.suppress(OSError):
        with open(f"{_TASKS}/{task}/stat", encoding="utf-8", errors="replace") as file:
            before, _, after = file.read().rpartition(")")
        return before.partition("(")[2], after.split()[19]
    return "", ""


def _why_not(task: int, name: str, mappings: Mappings) -> str | None:
    if name.startswith(_POOL):
        return _TORCHS_OWN
    try:
        callers = _callers(task, mappings)
    except (OSError, ValueError):
        return None if not os.path.exists(f"{_TASKS}/{task}") else _BUSY
    strange = [path for path in callers if not _HARMLESS.search(path)]
    if callers and not strange:
        return None
    if any(map(_TORCH.search, callers)) and all(map(_CPP.search, strange)):
        return _TORCHS_OWN
    last = os.path.basename(strange[-1]) if strange else "the system's libraries"
    return f"there is a thread of {last}, which a fork would not take along"


def _callers(task: int, mappings: Mappings) -> list[str]:
    """Return the files whose code is on the stack of a thread that waits, innermost first.

    Raises:
        OSError: it is gone, or must not be looked at.
        ValueError: it does not wait.
    """
    with open(f"{_TASKS}/{task}/syscall", "rb", buffering=0) as file:
        words = file.readall().split()
    if len(words) < 3:
        raise ValueError
    begin = int(words[-2], 16)
    size = min(mappings.end_of(begin) - begin, _MOST) & ~7
    memory = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        stack = os.pread(memory, size, begin)
    finally:
        os.close(memory)
    found = (mappings.code_of(word) for (word,) in struct.iter_unpack("=Q", stack[: len(stack) & ~7]))
    return [path for path in found if path is not None and not _SYSTEM.search(path)]
