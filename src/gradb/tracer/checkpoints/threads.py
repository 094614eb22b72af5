"""Whose the threads of this process are: a fork takes none of them along, and only some can be done without.

Those that Python knows say so themselves. Of any other the library is found that started it (``starting``), or, where
that cannot be told, whose calls are on its stack while it waits.
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
from gradb.tracer.checkpoints.starting import Records, read

_TASKS = "/proc/self/task"
_MOST = 1 << 16
"""Bytes of a stack that are looked at."""
_TRIES, _WHILE = 4, 0.0005
"""How often a thread is looked at that is busy, and seconds in between."""
_SOFTLY = 1
_POOL = "PTThreadPool"
_HARMLESS = re.compile(r"openblas|/lib(gomp|iomp5|omp|torch_cpu)\b[^/]*$")
"""Libraries whose threads can be done without: OpenBLAS ends its own before a fork, those of OpenMP are paused, and
torch's pool in C knows of forks. What torch has C++ start is another thing.
"""
_TORCH = re.compile(r"/lib(torch\w*|c10)\b[^/]*$")
_CPP = re.compile(r"/libstdc\+\+[^/]*$")
_PYTHON = re.compile(r"/(lib)?python3[^/]*$")
_SYSTEM = re.compile(r"^\[|/(ld-linux|libc|libpthread)\b[^/]*$")
_TORCHS_OWN = "torch has a thread of its own (for a backward many levels within others, or for jit.fork)"
_BUSY = "a thread of compiled code is busy"


class Threads:
    """The threads of this process. What was found out of one is remembered as long as it lives."""

    def __init__(self) -> None:
        self._harmless: set[tuple[int, str]] = set()
        self._records: Records | None = None

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
            if self._records is None and not is_main and thread.ident is not None and thread.native_id is not None:
                self._records = Records.learned(thread.ident, thread.native_id, mappings)
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
            if (task, born) not in self._harmless and (why := self._why_not(task, name, mappings)) is not None:
                return why
            harmless.add((task, born))
        self._harmless = harmless
        return None

    def _why_not(self, task: int, name: str, mappings: Mappings) -> str | None:
        if name.startswith(_POOL):
            return _TORCHS_OWN
        try:
            begin, stack = _stack(task, mappings)
        except (OSError, ValueError):
            return None if not os.path.exists(f"{_TASKS}/{task}") else _BUSY
        start = None if self._records is None else self._records.start_of(task, stack, begin, mappings)
        if start is None:
            return _why_not_by(_callers(stack, mappings))
        if start.is_cpp and _TORCH.search(start.library):
            return _TORCHS_OWN
        if _HARMLESS.search(start.library):
            return None
        return _thread_of(start.library)


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


def _thread_of(library: str) -> str:
    if _PYTHON.search(library):
        return "the script has another thread (which the module threading does not know)"
    name = "the system's libraries" if _SYSTEM.search(library) else os.path.basename(library)
    return f"there is a thread of {name}, which a fork would not take along"


def _why_not_by(callers: list[str]) -> str | None:
    """Return what stands against a thread of which only is known whose calls are on its stack, or are left there."""
    strange = [path for path in callers if not _HARMLESS.search(path)]
    if callers and not strange:
        return None
    if any(map(_TORCH.search, callers)) and all(map(_CPP.search, strange)):
        return _TORCHS_OWN
    if not strange:
        return _thread_of("[none]")
    name = os.path.basename(strange[-1])
    return f"it cannot be told whose a thread is (calls of {name} are on its stack), and a fork would not take it along"


def _stack(task: int, mappings: Mappings) -> tuple[int, bytes]:
    """Return where the stack of a thread that waits begins, innermost first, and what is on it.

    Raises:
        OSError: it is gone, or must not be looked at.
        ValueError: it does not wait.
    """
    with open(f"{_TASKS}/{task}/syscall", "rb", buffering=0) as file:
        words = (file.readall() or b"").split()
    if len(words) < 3:
        raise ValueError
    begin = int(words[-2], 16)
    return begin, read(begin, min(mappings.end_of(begin) - begin, _MOST) & ~7)


def _callers(stack: bytes, mappings: Mappings) -> list[str]:
    """Return the files whose code is on a stack."""
    found = (mappings.code_of(word) for (word,) in struct.iter_unpack("=Q", stack[: len(stack) & ~7]))
    return [path for path in found if path is not None and not _SYSTEM.search(path)]
