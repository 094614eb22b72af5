"""What stands against a checkpoint is found and told, and what does not is passed over."""

from __future__ import annotations

import _thread
import ctypes
import mmap
import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from gradb.log import segments
from gradb.tracer.checkpoints import landlock, memory, opened
from gradb.tracer.checkpoints.mappings import Mappings
from gradb.tracer.checkpoints.refusals import Ours, Refusals
from tests.forked import in_child

pytestmark = pytest.mark.skipif(landlock.why_not() is not None, reason="the kernel has no Landlock of version 3")


def _why_not(prepare: Callable[[], object] = lambda: None, room: int | None = None, log: str = "/none") -> str | None:
    """Return what stands against a checkpoint in a child that has done something before."""

    def work() -> str | None:
        ours = frozenset(opened.numbers())
        kept = prepare()
        found = Refusals().why_not(Ours(frozenset(), ours, log), room)
        del kept
        return found

    found: str | None = in_child(work)
    return found


def _thread_of_pythons() -> object:
    started = threading.Thread(target=time.sleep, args=(600,), name="feeder", daemon=True)
    started.start()
    return started


def _unnamed_thread() -> object:
    begun = _thread.allocate_lock()
    begun.acquire()

    def work() -> None:
        begun.release()
        time.sleep(600)

    _thread.start_new_thread(work, ())
    begun.acquire()
    return begun


def _thread_of_a_library() -> object:
    libc = ctypes.CDLL(None)
    thread = ctypes.c_ulong()
    libc.pthread_create(ctypes.byref(thread), None, ctypes.cast(libc.pause, ctypes.c_void_p), None)
    return thread


def _thread_where_pythons_calls_are_left() -> object:
    """Start one of a library on a stack that is full of them, as where a thread of Python's had it before."""
    libc, thread, attributes = ctypes.CDLL(None), ctypes.c_ulong(), ctypes.create_string_buffer(256)
    stack = mmap.mmap(-1, 1 << 18, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    address = ctypes.addressof(ctypes.c_char.from_buffer(stack))
    call = ctypes.cast(ctypes.pythonapi.Py_IsInitialized, ctypes.c_void_p).value or 0
    ctypes.memmove(address, struct.pack("=Q", call) * (len(stack) // 8), len(stack))
    libc.pthread_attr_init(attributes)
    libc.pthread_attr_setstack(attributes, ctypes.c_void_p(address), ctypes.c_size_t(len(stack)))
    libc.pthread_create(ctypes.byref(thread), attributes, ctypes.cast(libc.pause, ctypes.c_void_p), None)
    return stack


def _accelerator() -> object:
    sys.modules["torch.cuda"] = cuda = ModuleType("torch.cuda")
    vars(cuda)["_initialized"] = True
    return cuda


def _timer() -> object:
    return signal.setitimer(signal.ITIMER_REAL, 500)


def _monitor() -> object:
    kind = type("TMonitor", (threading.Thread,), {"__module__": "tqdm._monitor", "run": lambda self: time.sleep(600)})
    monitor = kind(daemon=True)
    monitor.start()
    return monitor


def _ended_child() -> object:
    ended = subprocess.Popen([sys.executable, "-S", "-c", ""])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    return ended


AGAINST: dict[str, tuple[Callable[[], object], str]] = {
    "thread": (_thread_of_pythons, "the script has another thread (feeder)"),
    "unnamed thread": (_unnamed_thread, "it cannot be told whose a thread is"),
    "native thread": (_thread_of_a_library, "there is a thread of the system's libraries"),
    "child": (lambda: subprocess.Popen(["sleep", "5"]), "the script has started 1 other process"),
    "ended child": (_ended_child, "the script has started 1 other process"),
    "timer": (_timer, "the script has set a timer"),
    "shared memory": (lambda: mmap.mmap(-1, 4096), "the script can write to memory that it shares (/dev/zero"),
    "accelerator": (_accelerator, "the script uses an accelerator (cuda)"),
    "pipe": (os.pipe, "a pipe is open"),
}


@pytest.mark.parametrize("what", AGAINST)
def test_what_stands_against_it_is_told(what: str) -> None:
    """Each with its own reason."""
    prepare, why = AGAINST[what]
    assert (_why_not(prepare) or "").startswith(why)


def test_a_lock_between_processes_does_where_it_is_held() -> None:
    """A free one is copied; of one that is held nobody in the child would let go."""
    assert _why_not(multiprocessing.Lock) is None

    def held() -> object:
        lock = multiprocessing.Lock()
        lock.acquire()
        return lock

    assert _why_not(held) == "a lock between processes is held"


def test_nothing_stands_against_a_plain_script() -> None:
    """Nor against one with a bar of tqdm's, whose thread only looks after it."""
    assert _why_not() is None
    assert _why_not(_monitor) is None


def test_the_log_is_shared_and_ours(tmp_path: Path) -> None:
    """A segment of our own log is passed over, one elsewhere is not; nor is memory that only this process has."""

    def prepare() -> object:
        return segments.Segment(segments.path_of(str(tmp_path), 1), segments.FIRST), mmap.mmap(
            -1, 4096, mmap.MAP_PRIVATE
        )

    assert _why_not(prepare, log=str(tmp_path)) is None
    assert (_why_not(prepare) or "").startswith(f"the script can write to memory that it shares ({tmp_path}")


def test_threads_of_ours_are_passed_over() -> None:
    """By their native ids."""

    def work() -> str | None:
        thread = threading.Thread(target=time.sleep, args=(600,), daemon=True)
        thread.start()
        ours = Ours(frozenset({thread.native_id or 0}), frozenset(opened.numbers()), "/none")
        return Refusals().why_not(ours)

    assert in_child(work) is None


def test_a_thread_is_of_whom_has_started_it() -> None:
    """Whatever is on its stack. Where that cannot be told no other is said to be known."""

    def work() -> list[str | None]:
        found = []
        for is_there in (False, True):
            ours = set[int]()
            if is_there:  # a thread of Python's, from which it is learned
                thread = threading.Thread(target=time.sleep, args=(600,), daemon=True)
                thread.start()
                ours.add(thread.native_id or 0)
            else:
                kept = _thread_where_pythons_calls_are_left()
            time.sleep(0.01)
            found.append(Refusals().why_not(Ours(frozenset(ours), frozenset(opened.numbers()), "/none")))
        del kept
        return found

    unknown, known = in_child(work)
    assert unknown.startswith("it cannot be told whose a thread is (calls of ")
    assert known.startswith("there is a thread of the system's libraries")


def test_only_the_main_thread_forks() -> None:
    """In a training on another one nothing is made."""

    def work() -> list[str | None]:
        found: list[str | None] = []
        ours = frozenset(opened.numbers())
        thread = threading.Thread(target=lambda: found.append(Refusals().why_not(Ours(frozenset(), ours, "/none"))))
        thread.start()
        thread.join()
        return found

    assert in_child(work) == ["the script trains on a thread that is not its main one"]


def test_memory_that_would_not_suffice_is_told() -> None:
    """By what the script holds, and by what there is."""
    assert (_why_not(room=1 << 20) or "").endswith("a child that had to copy it all could have 1 MiB")
    found = memory.available()
    assert found is None or found > 0
    assert memory.held() > 1 << 20


def test_code_is_known_by_its_address() -> None:
    """An address of a function belongs to the library that has it, one of data to none."""
    mappings = Mappings.now()
    libc = ctypes.CDLL(None)
    address = ctypes.cast(libc.getpid, ctypes.c_void_p).value or 0
    assert "libc" in (mappings.code_of(address) or "")
    assert mappings.end_of(address) > address
    data = ctypes.create_string_buffer(8)
    assert mappings.code_of(ctypes.addressof(data)) is None
    assert (mappings.code_of(0), mappings.end_of(5)) == (None, 5)
