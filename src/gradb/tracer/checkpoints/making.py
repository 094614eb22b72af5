"""Makes checkpoints of the script's process: processes forked from it that wait at the beginning of an iteration.

Each is announced over the line, with the socket that it listens to. How it waits there and goes on is ``waiting``; when
one is due, ``spacing`` knows.
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import os
import resource
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from gradb.link.handing import send
from gradb.link.messages import Checkpoints, Refused
from gradb.log import marks
from gradb.tape import trouble
from gradb.tape.descriptors import Held, moved_up
from gradb.tracer.checkpoints import randomness
from gradb.tracer.checkpoints.forking import fork_twice, leave, let_go_of_threads
from gradb.tracer.checkpoints.spacing import Spacing
from gradb.tracer.checkpoints.waiting import Ordered, Waiter
from gradb.tracer.isolation import signals
from gradb.tracer.isolation.signals import shielded
from gradb.tracer.recording.recorder import Recorder

LARGEST = 256 << 20
"""Bytes of a tape, with what waits to be written to it, that is still copied for a checkpoint."""
_READY = struct.Struct("<qdd")
"""Process id, CPU seconds, and those of a page that is copied."""
_PATIENCE = 20_000
_PAGE = mmap.PAGESIZE
_TRIED = 64
"""Pages that are copied to know what that costs."""


class CannotMakeError(Exception):
    """No checkpoint can be made now; the message is a clause that says why."""


@dataclass(frozen=True, slots=True)
class Own:
    """What of the script's process is gradb's own."""

    descriptors: frozenset[int]
    """But for the line's."""
    threads: frozenset[int]
    """By the system's numbers."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a checkpoint has to know of the process that it is made of."""

    fork: Callable[[], int]
    """Forks, as the script's own would."""
    own: Callable[[], Own]
    """Returns what of this process is gradb's."""
    is_settled: Callable[[], bool]
    """Tells whether the number of the iteration that begins is sure to stay."""
    let_go: Callable[[], object]
    """Called in a checkpoint: lets go of what is the script's process's alone."""
    go_on: Callable[[Ordered], object]
    """Called in a runner, in the place where the checkpoint has waited: makes it one."""


class Making:
    """Makes checkpoints, once it is told to.

    Args:
        recorder: of the run.
        line: descriptor over which they are announced.
        around: what there is beside it.
    """

    def __init__(self, recorder: Recorder, line: int, around: Surroundings) -> None:
        self._recorder, self._around = recorder, around
        self._line = socket.socket(fileno=moved_up(line))
        self._held = Held.of(self._line.fileno())
        self._spacing = Spacing()
        self._count = 0
        self.is_forking = False
        """True while this process is forked for a checkpoint, and in the checkpoint."""
        self._is_on = self._is_wanted = self._is_due = self._is_listening = self._is_frozen = False
        recorder.observer.between_events.listen(self._look)

    def order(self, order: Checkpoints) -> None:
        """Make checkpoints from here on, or no more; from any thread."""
        self._is_on, self._is_wanted = order.most > 0, order.is_now
        if self._is_on and not self._is_listening:
            self._is_listening = True
            self._recorder.observer.iteration_begins.listen(self._begin_iteration)

    def close(self) -> None:
        """Let go of the line; safe to call twice."""
        self._is_on = False
        if self._held.is_ours:
            self._line.close()
        else:
            self._line.detach()

    def _begin_iteration(self, iteration: int) -> None:
        if not self._is_on:
            return
        is_due = self._spacing.is_due() or self._is_wanted
        is_here = is_due and threading.get_ident() == threading.main_thread().ident and not signals.held
        if is_here and self._around.is_settled():
            self._is_due = self._recorder.has_errands = True

    def _look(self) -> None:
        """Make the one that is due; called between two events with the recorder's lock held."""
        if not self._is_due:
            return
        self._is_due = self._is_wanted = False
        begin = self._spacing.begins().seconds
        try:
            ordered = self._make(begin)
        except Exception as error:
            self._spacing.failed(time.process_time() - begin)
            self._say(str(error) if isinstance(error, CannotMakeError) else f"{type(error).__name__}: {error}")
            return
        if ordered is not None:
            self._go_on(ordered)

    def _go_on(self, ordered: Ordered) -> None:
        self.is_forking = False
        try:
            self._around.go_on(ordered)
        except BaseException as error:
            with contextlib.suppress(Exception):
                ordered.channel.send(Refused(trouble.why(error) or f"{type(error).__name__}: {error}"))
            leave(2)

    @shielded
    def _make(self, begin: float) -> Ordered | None:
        """Make a checkpoint; return the order in a runner that goes on from it, None where the script goes on."""
        if not self._held.is_ours:
            self._is_on = False
            raise CannotMakeError("the script has closed gradb's line")
        number, tape = self._count + 1, self._recorder.writer.path
        self._mark(number)
        before, page = _of_children(), mmap.mmap(-1, _TRIED * _PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        page.write(bytes(_TRIED * _PAGE))
        states = randomness.take()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        heard, told = os.pipe()
        if not self._is_frozen:
            gc.freeze()
            self._is_frozen = True
        let_go_of_threads()
        self.is_forking = True
        if fork_twice(self._around.fork):
            ours.close()
            os.close(heard)
            return self._wait(Waiter(theirs, tape, number, states, self._around.fork), page, told)
        self.is_forking = False
        theirs.close()
        os.close(told)
        page.close()
        try:
            pid, seconds, fault = _heard(heard)
            price = time.process_time() - begin + _of_children() - before + seconds
            hello = {"number": number, "iteration": self._recorder.iteration, "head": self._recorder.writer.head,
                     "pid": pid, "price": price, "copied": self._spacing.copied, "tape": tape}  # fmt: skip
            send(self._line, hello, [ours.fileno()], socket.MSG_DONTWAIT)
        except OSError as error:
            raise CannotMakeError("gradb does not take it") from error
        finally:
            ours.close()
        self._count = number
        self._spacing.made(price, fault, _resident())
        return None

    def _mark(self, number: int) -> None:
        """Have the scribe keep the tape as it is now.

        Raises:
            CannotMakeError: it is too large.
        """
        writer = self._recorder.writer
        if (size := writer.size()) > LARGEST:
            raise CannotMakeError(f"the tape has {size >> 20} MiB, and each would need a copy of it")
        self._recorder.write()
        if not self._recorder.is_open:
            raise CannotMakeError("the recording is over")
        try:
            marks.make(writer.path)
            writer.mark(number)
        except OSError as error:
            raise CannotMakeError(trouble.why(error) or str(error)) from error

    def _wait(self, waiter: Waiter, page: mmap.mmap, told: int) -> Ordered:
        """Be the checkpoint; return in a runner."""
        try:
            self._around.let_go()
            self.close()
            waiter.begin()
            begin = time.thread_time()
            memoryview(page)[::_PAGE] = bytes(_TRIED)
            fault = (time.thread_time() - begin) / _TRIED
            os.write(told, _READY.pack(os.getpid(), time.process_time(), fault))
            os.close(told)
            return waiter.wait()
        except BaseException:
            leave(1)

    def _say(self, why: str) -> None:
        """Say why no checkpoint was made."""
        said = {"why": why, "iteration": self._recorder.iteration}
        try:
            if self._held.is_ours:
                send(self._line, said, flags=socket.MSG_DONTWAIT)
        except OSError:
            pass  # nobody wants to know


def _heard(fd: int) -> tuple[int, float, float]:
    """Return what a checkpoint says once it waits: its process, its CPU seconds, and those of a page.

    Raises:
        CannotMakeError: it says nothing.
    """
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        data = os.read(fd, _READY.size) if poll.poll(_PATIENCE) else b""
    finally:
        os.close(fd)
    if len(data) < _READY.size:
        raise CannotMakeError("the process that was to wait is gone")
    pid, seconds, fault = _READY.unpack(data)
    return pid, seconds, fault


def _of_children() -> float:
    """Return the CPU seconds of the children that are gone."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def _resident() -> int:
    """Return how many pages of memory this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1])
