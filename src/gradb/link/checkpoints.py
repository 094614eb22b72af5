"""Checkpoints of a live script as gradb holds them: those that wait, and the runners that go on from one.

A checkpoint is a process forked from the script's, which waits at the beginning of an iteration. The script's process
sends one end of a socket pair for each over the *line*, which it inherits beside its channel. Whoever holds that end
orders a runner over it, and by closing it, or by an end of its own, ends the checkpoint with all its runners.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from gradb.link.channel import Channel
from gradb.link.handing import close, receive, send
from gradb.link.spec import RunSpec
from gradb.link.strays import Drained
from gradb.log import marks
from gradb.tape.wire import integer

_PATIENCE = 20.0
_LAST_WORD = 2.0
_EVERY = 0.01


class NotStarted(Exception):
    """A checkpoint cannot be gone on from; the message says why."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the script's process has to say of its checkpoints."""

    why: str
    """Why none could be made: a clause behind ``no checkpoint can be made: ``."""
    iteration: int
    """Where one was due."""


class Line:
    """gradb's end of the line over which checkpoints come.

    Args:
        sock: of the kind that keeps messages apart.
        tape: of the script's run.
    """

    def __init__(self, sock: socket.socket, tape: str) -> None:
        self._socket = sock
        self.is_over = False
        """True once no more can come."""
        self._tape = tape

    @classmethod
    def pair(cls, tape: str) -> tuple[Line, socket.socket]:
        """Return a line, and the end of it that the script's process inherits."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(ours, tape), theirs

    def fileno(self) -> int:
        """Return its descriptor, readable when ``take`` has something to return; -1 once there is nothing more."""
        return -1 if self.is_over else self._socket.fileno()

    def take(self) -> list[Waiting | Said]:
        """Return what has come since, without waiting."""
        found: list[Waiting | Said] = []
        with contextlib.suppress(BlockingIOError):
            while not self.is_over:
                raw, descriptors = receive(self._socket, socket.MSG_DONTWAIT)
                if raw is None:
                    self.is_over = True
                elif (one := self._read(raw, descriptors)) is not None:
                    found.append(one)
        return found

    def close(self) -> None:
        """Let go of it: no more comes. What came before stays; safe to call twice."""
        self.is_over = True
        self._socket.close()
        marks.sweep(self._tape)

    def _read(self, raw: dict[str, Any], descriptors: list[int]) -> Waiting | Said | None:
        try:
            if "why" in raw:
                return Said(str(raw["why"]), int(raw["iteration"]))
            hello = Hello(**raw)
            (fd,) = descriptors
            one = Waiting(fd, hello, self)
            descriptors.clear()
            return one
        except (TypeError, ValueError, KeyError, OSError):
            return None
        finally:
            close(descriptors)


class Hello(NamedTuple):
    """What a checkpoint is announced with."""

    number: int
    iteration: int
    head: int
    pid: int
    price: float
    copied: float
    tape: str


class Waiting:
    """A checkpoint that waits. Safe for use from several threads.

    Args:
        fd: of the socket by which it is told what to do, and which ends it by being closed.
        hello: what it was announced with.
        line: over which it was.

    Raises:
        OSError: what belongs to it is gone.
    """

    def __init__(self, fd: int, hello: Hello, line: Line) -> None:
        self.number = int(hello.number)
        """From 1, in the order in which they were made."""
        self.iteration = int(hello.iteration)
        """The one that begins where it waits: the first that a runner lives through."""
        self.head = int(hello.head)
        """The last event before it."""
        self.pid = int(hello.pid)
        """Its process."""
        self.price = float(hello.price)
        """CPU seconds that making it has cost, in all processes."""
        self.copied = float(hello.copied)
        """The same, of what the one before it has made the script copy since."""
        self._tape, self._line = str(hello.tape), line
        self._hold = marks.hold(self._tape)
        self._socket = socket.socket(fileno=fd)
        self._lock = threading.Lock()
        self._begun: set[int] = set()  # runners
        self._ended: dict[int, int] = {}
        self._is_gone = False

    def fileno(self) -> int:
        """Return a descriptor that is readable when it is gone, or has something to say; -1 once closed."""
        return self._socket.fileno()

    @property
    def is_gone(self) -> bool:
        """True once its process has ended, or is told to."""
        if not self._is_gone:
            with self._lock:
                self._hear()
        return self._is_gone

    @property
    def is_used(self) -> bool:
        """True while a runner goes on from it, or is about to."""
        if not self._lock.acquire(blocking=False):
            return True
        try:
            self._hear()
            return not self._is_gone and bool(self._begun.difference(self._ended))
        finally:
            self._lock.release()

    def _hear(self) -> dict[str, Any] | None:
        """Take what it has said, with the lock held, without waiting; return an answer where there is one."""
        with contextlib.suppress(BlockingIOError):
            while not self._is_gone:
                raw, descriptors = receive(self._socket, socket.MSG_DONTWAIT)
                close(descriptors)
                if raw is None:
                    self._is_gone = True
                elif "ended" not in raw:
                    return raw
                else:
                    pid, status = integer(raw["ended"]), integer(raw.get("status"))
                    if pid is not None and status is not None:
                        self._ended[pid] = status
        return None

    def ended(self, pid: int) -> int | None:
        """Return how a runner has ended (negative: the signal), None where it has not."""
        if self._lock.acquire(blocking=False):
            try:
                self._hear()
            finally:
                self._lock.release()
        status = self._ended.get(pid)
        return -signal.SIGKILL if status is None and self._is_gone else status

    def lay_out(self, tape: str) -> tuple[int, int]:
        """Put the tape as it was here where a runner's is to be, and make the folder of its log; return what tells it.

        Raises:
            OSError: it cannot be, or the tape as it was here is not there.
        """
        return marks.lay_out(self._tape, self.number, tape)

    def start(self, spec: RunSpec) -> Runner:
        """Have a runner go on from here; the checkpoint stays, and may be used again.

        Args:
            spec: what it writes, how much it records, what is changed and where it ends. What is run, with which
                arguments, seed and input, is what was run up to here.

        Raises:
            NotStarted: it cannot be.
        """
        ours, theirs = socket.socketpair()
        pipes = [os.pipe(), os.pipe()]
        given = [theirs.fileno(), *(write for _, write in pipes)]
        try:
            pid = self._order({"order": "run", "spec": spec.to_json()}, given)
        except BaseException:
            ours.close()
            for read, _ in pipes:
                os.close(read)
            raise
        finally:
            theirs.close()
            for _, write in pipes:
                os.close(write)
        return Runner(pid, Channel(ours), {pipes[0][0]: "stdout", pipes[1][0]: "stderr"}, self.ended, spec.tape)

    def _order(self, order: dict[str, Any], descriptors: list[int]) -> int:
        """Order a runner and return its process id, or say why not."""
        with self._lock:
            try:
                send(self._socket, order, descriptors)
            except OSError as error:
                raise NotStarted("the checkpoint is gone") from error
            deadline = time.monotonic() + _PATIENCE
            while (answer := self._hear()) is None:
                left = deadline - time.monotonic()
                if self._is_gone or left <= 0:
                    raise NotStarted("the checkpoint is gone" if self._is_gone else "the checkpoint does not answer")
                _is_readable(self._socket, left)
        pid = integer(answer.get("pid"))
        if pid is None:
            raise NotStarted(str(answer.get("refused", "the checkpoint does not answer")))
        self._begun.add(pid)
        return pid

    def close(self) -> None:
        """End it, with its runners, and remove what belongs to it; safe to call twice."""
        with self._lock:
            self._is_gone = True
            if self._socket.fileno() >= 0:
                self._socket.close()
                marks.discard(self._tape, self.number)
                os.close(self._hold)
                if self._line.is_over:
                    marks.sweep(self._tape)


def _is_readable(one: socket.socket | int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(one, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


class Runner(Drained):
    """A process that goes on from a checkpoint: a debuggee like any other, though no child of ours.

    Args:
        pid: of the process, whose group and session have the same number.
        channel: to it.
        pipes: its stdout and stderr.
        ended: returns how the process has ended, None as long as that is not known.
        tape: path of its tape.
    """

    def __init__(
        self, pid: int, channel: Channel, pipes: dict[int, str], ended: Callable[[int], int | None], tape: str
    ) -> None:
        super().__init__()
        self.pid = pid
        self.channel = channel
        self.line: Line | None = None
        """None: nobody makes checkpoints of a runner."""
        self._ended, self._tape = ended, tape
        self._code: int | None = None
        self._files = [*pipes]
        for fd, stream in pipes.items():
            self.watch(stream, fd)
        try:
            self._process = os.pidfd_open(pid)
        except OSError:
            self._process = -1

    def poll(self) -> int | None:
        """Return the return code (negative: the signal), or None while the process lives."""
        if self._code is None:
            self._code = self._ended(self.pid)
        if self._code is None and self._process >= 0 and _is_readable(self._process, 0.0):
            self._code = self._last_word()
        return self._code

    def _last_word(self) -> int:
        """Return how a process that is over has ended: the checkpoint tells it in a moment."""
        deadline = time.monotonic() + _LAST_WORD
        while (code := self._ended(self.pid)) is None and time.monotonic() < deadline:
            time.sleep(_EVERY)
        return -signal.SIGKILL if code is None else code

    def wait(self, timeout: float) -> int | None:
        """Wait for the end of the process; None when it still lives after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None and (left := deadline - time.monotonic()) > 0:
            if self._process >= 0:
                _is_readable(self._process, left)
            else:
                time.sleep(_EVERY)
        return code

    @property
    def is_gone(self) -> bool:
        """True once the process has ended."""
        return self.poll() is not None

    def signal(self, number: int, *, is_for_all: bool = False) -> None:
        """Send a signal to the process, or to its whole process group, as a terminal would."""
        if not self.is_gone:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                (os.killpg if is_for_all else os.kill)(self.pid, number)

    def kill(self) -> None:
        """Kill the whole process group, whatever it does, and wait for the process."""
        self.signal(signal.SIGKILL, is_for_all=True)
        self.wait(10.0)

    def close(self) -> None:
        """Let go of the channel and the pipes; safe to call twice."""
        self.channel.close()
        files, self._files = [*self._files, *([self._process] if self._process >= 0 else [])], []
        self._process = -1
        for fd in files:
            os.close(fd)
        self.pipes.clear()
        shutil.rmtree(f"{self._tape}-files", ignore_errors=True)  # a checkpoint that was killed has left them
