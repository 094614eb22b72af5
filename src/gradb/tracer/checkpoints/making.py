"""Makes checkpoints of the script's process: processes forked from it that wait at the beginning of an iteration.

Each is announced over the line, with the socket that it listens to. How it waits there and goes on is ``waiting``; when
one is due, ``spacing`` knows.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from gradb.link.handing import send
from gradb.link.messages import Checkpoints, Refused
from gradb.log import marks
from gradb.tape import trouble
from gradb.tape.descriptors import Held, moved_up
from gradb.tracer.checkpoints import randomness
from gradb.tracer.checkpoints.descriptors import CannotShare, Private, take
from gradb.tracer.checkpoints.forking import Handlers, fork_apart, leave
from gradb.tracer.checkpoints.mappings import Mappings
from gradb.tracer.checkpoints.refusals import Ours, Refusals
from gradb.tracer.checkpoints.spacing import Spacing
from gradb.tracer.checkpoints.threads import pause
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


class Ends:
    """What the script's process and a checkpoint have between them until the checkpoint waits."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        """By which the checkpoint is told what to do: the end for gradb, and its own."""
        self._heard, self.told = os.pipe()
        self._pages = mmap.mmap(-1, _TRIED * _PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._pages.write(bytes(_TRIED * _PAGE))

    @property
    def numbers(self) -> frozenset[int]:
        """The descriptors of both."""
        return frozenset({self.ours.fileno(), self.theirs.fileno(), self._heard, self.told})

    def keep_theirs(self) -> None:
        """Let go, in the checkpoint, of what is not its own."""
        self.ours.close()
        os.close(self._heard)
        self._heard = -1

    def tell(self) -> None:
        """Say, in the checkpoint, that it waits, and what it has cost."""
        begin = time.thread_time()
        memoryview(self._pages)[::_PAGE] = bytes(_TRIED)
        fault = (time.thread_time() - begin) / _TRIED
        os.write(self.told, _READY.pack(os.getpid(), time.process_time(), fault))
        os.close(self.told)
        self.told = -1

    def hear(self) -> tuple[int, float, float]:
        """Return what a checkpoint says once it waits: its process, its CPU seconds, and those of a page.

        Raises:
            CannotMakeError: it says nothing.
        """
        self.theirs.close()
        os.close(self.told)
        self.told = -1
        poll = select.poll()
        poll.register(self._heard, select.POLLIN)
        data = os.read(self._heard, _READY.size) if poll.poll(_PATIENCE) else b""
        if len(data) < _READY.size:
            raise CannotMakeError("the process that was to wait is gone")
        pid, seconds, fault = _READY.unpack(data)
        return pid, seconds, fault

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of all; a runner, which comes here too, has let go of it before."""
        for sock in (self.ours, self.theirs):
            sock.close()
        for fd in (self._heard, self.told):
            if fd >= 0:
                os.close(fd)
        self._pages.close()


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
        self._spacing, self._refusals = Spacing(), Refusals()
        self._count = 0
        self.is_forking = False
        """True while this process is forked for a checkpoint, and in the checkpoint."""
        self._handlers: Handlers | None = None
        self._is_on = self._is_wanted = self._is_due = self._is_listening = False
        recorder.observer.between_events.listen(self._look)

    def order(self, order: Checkpoints) -> None:
        """Make checkpoints from here on, or no more; from any thread."""
        self._is_on, self._is_wanted = order.most > 0, order.is_now
        if self._is_on and self._handlers is None:
            with contextlib.suppress(LookupError):
                self._handlers = Handlers()  # which looks through all objects: at the start there are few
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
        if self._handlers is None:
            raise CannotMakeError("this Python does not tell what it runs at a fork")
        own, number, tape = self._around.own(), self._count + 1, self._recorder.writer.path
        ours = Ours(own.threads, own.descriptors | {self._line.fileno()}, self._recorder.writer.folder)
        if (why := self._refusals.why_not(ours)) is not None:
            raise CannotMakeError(why)
        with Ends() as ends:
            private = self._take(marks.files_of(tape, number), ours.descriptors | ends.numbers)
            try:
                self._mark(number)
                states = randomness.take()
                pause(Mappings.now())
                self.is_forking = True
                between = fork_apart(self._fork)
            except BaseException:
                self.is_forking = False
                private.discard()
                marks.discard(tape, number)
                raise
            if between is None:
                return self._wait(ends, private, Waiter(ends.theirs, tape, number, states, self._fork))
            self.is_forking = False
            private.release()
            pid, seconds, fault = ends.hear()
            price = time.process_time() - begin + between + seconds
            hello = {"number": number, "iteration": self._recorder.iteration, "head": self._recorder.writer.head,
                     "pid": pid, "price": price, "copied": self._spacing.copied, "tape": tape}  # fmt: skip
            send(self._line, hello, [ends.ours.fileno()], socket.MSG_DONTWAIT)
        self._count = number
        self._spacing.made(price, fault, _resident())
        return None

    def _fork(self) -> int:
        """Fork, and run nothing of the script's."""
        assert self._handlers is not None
        with self._handlers.put_aside():
            return self._around.fork()

    def _take(self, folder: str, ours: frozenset[int]) -> Private:
        """Open once more for the checkpoint what the script has open; what it writes is copied into a folder.

        Raises:
            CannotMakeError: it cannot have all of it.
        """
        try:
            marks.make(self._recorder.writer.path)
            os.makedirs(folder, 0o700, exist_ok=True)
            return take(folder, ours, log=self._recorder.writer.folder)
        except CannotShare as error:
            marks.discard(self._recorder.writer.path, self._count + 1)
            raise CannotMakeError(str(error)) from error

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
            writer.mark(number)
        except OSError as error:
            raise CannotMakeError(trouble.why(error) or str(error)) from error

    def _wait(self, ends: Ends, private: Private, waiter: Waiter) -> Ordered:
        """Be the checkpoint; return in a runner."""
        try:
            self._around.let_go()
            self.close()
            ends.keep_theirs()
            waiter.begin(private, [ends.theirs.fileno(), ends.told])
            ends.tell()
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


def _resident() -> int:
    """Return how many pages of memory this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1])
