"""A checkpoint: a process that waits for orders at the place of the script where it was forked, and forks runners.

It runs nothing of the script's. Its end is that of the socket by which it is told what to do; with it go its runners,
and what was kept for it. A runner goes on with the script from here, with descriptors of its own, and can write
nowhere but to its own log.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import select
import shutil
import signal
import socket
from collections.abc import Callable, Collection
from typing import Any, NamedTuple, NoReturn

from gradb.link.channel import Channel
from gradb.link.handing import close, receive, send
from gradb.link.spec import RunSpec
from gradb.log import marks, segments
from gradb.tracer.checkpoints import randomness
from gradb.tracer.checkpoints.descriptors import CannotShare, Private, take
from gradb.tracer.checkpoints.forking import leave
from gradb.tracer.checkpoints.landlock import confine

_SET_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2): what a process gets when its parent ends."""
_FIRST_TO_GO = "1000"
_prctl = ctypes.CDLL(None, use_errno=True).prctl


class Ordered(NamedTuple):
    """What a runner is to do."""

    spec: RunSpec
    """What it writes, how much it records, what is changed and where it ends."""
    channel: Channel
    """To who has ordered it."""


class Waiter:
    """Waits in a checkpoint.

    Args:
        sock: by which it is told what to do.
        tape: of the script's run.
        number: of the checkpoint.
        states: of the random generators.
        fork: forks.
    """

    def __init__(
        self, sock: socket.socket, tape: str, number: int, states: randomness.States, fork: Callable[[], int]
    ) -> None:
        self._socket, self._tape, self._number = sock, tape, number
        self._states, self._fork = states, fork
        self._runners: dict[int, tuple[int, str]] = {}  # process id -> (its descriptor, folder of its files)
        self._mask: set[int] = set()
        self._private = Private([], {}, frozenset(), [])
        self._collects = gc.isenabled()

    def begin(self, private: Private, keep: Collection[int]) -> None:
        """Be a process of its own, which no signal but SIGKILL ends, and the first to go where memory is short.

        Args:
            private: what it has open.
            keep: descriptors that it has besides.
        """
        self._private = private
        private.settle({}, keep)
        self._mask = {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())}
        gc.disable()
        os.setsid()
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write(_FIRST_TO_GO)

    def wait(self) -> Ordered:
        """Wait until this process is a runner, and return its order there; a checkpoint never returns."""
        while True:
            poll = select.poll()
            for fd in (self._socket.fileno(), *(fd for fd, _ in self._runners.values())):
                poll.register(fd, select.POLLIN)
            ready = {fd for fd, _ in poll.poll()}
            for pid in [pid for pid, (fd, _) in self._runners.items() if fd in ready]:
                self._bury(pid)
            if self._socket.fileno() in ready and (ordered := self._hear()) is not None:
                return ordered

    def _hear(self) -> Ordered | None:
        raw, descriptors = receive(self._socket)
        if raw is None:
            self._end()
        try:
            spec = RunSpec.from_json(raw["spec"])
            channel, out, err = descriptors
        except (ValueError, KeyError, TypeError):
            self._answer(refused="the order makes no sense")
            close(descriptors)
            return None
        try:
            return self._start(spec, channel, {1: out, 2: err})
        except OSError as error:
            self._answer(refused=str(error))
            return None
        finally:
            close(descriptors)

    def _start(self, spec: RunSpec, channel: int, streams: dict[int, int]) -> Ordered | None:
        """Fork a runner; return its order in it."""
        if (why := self._private.why_stale()) is not None:
            self._answer(refused=why)
            return None
        waits, files = os.getpid(), f"{spec.tape}-files"
        own = {self._socket.fileno(), channel, *streams.values(), *(fd for fd, _ in self._runners.values())}
        os.makedirs(files, 0o700, exist_ok=True)
        try:
            private = take(files, own)
        except CannotShare as error:
            self._answer(refused=str(error))
            return None
        heard, told = os.pipe()
        pid = self._fork()
        if pid:
            os.close(told)
            private.release()
            self._begun(pid, heard, files)
            return None
        os.close(heard)
        return self._prepare(spec, waits, channel, streams, private, files, told)

    def _begun(self, pid: int, heard: int, files: str) -> None:
        """Tell of a runner once it is one, or why it is none."""
        with open(heard, encoding="utf-8", errors="replace") as file:
            why = file.read()
        self._runners[pid] = os.pidfd_open(pid), files
        if why:
            self._answer(refused=why)
        else:
            self._answer(pid=pid)

    def _prepare(
        self, spec: RunSpec, waits: int, channel: int, streams: dict[int, int], private: Private, files: str, told: int
    ) -> Ordered:
        """Make this process a runner, and return its order; where that fails, say why and end."""
        try:
            heard = Channel.from_fd(os.dup(channel))
            self._become(waits)
            private.settle(streams, [heard.fileno(), told])
            confine([segments.folder_of(spec.tape), files])
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
            os.close(told)
            return Ordered(spec, heard)
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.write(told, f"{type(error).__name__}: {error}".encode())
            leave(1)

    def _become(self, parent: int) -> None:
        """Be a runner: a process that ends with its checkpoint."""
        os.setsid()
        _prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            leave(1)
        self._socket.close()
        if name := randomness.put_back(self._states):
            raise RuntimeError(f"the state of {name} is another in a forked process")
        if self._collects:
            gc.enable()

    def _bury(self, pid: int) -> None:
        """Say how a runner has ended."""
        fd, files = self._runners.pop(pid)
        os.close(fd)
        _, status = os.waitpid(pid, 0)
        shutil.rmtree(files, ignore_errors=True)
        self._answer(ended=pid, status=os.waitstatus_to_exitcode(status))

    def _answer(self, **words: Any) -> None:
        with contextlib.suppress(OSError):
            send(self._socket, words)

    def _end(self) -> NoReturn:
        """End this process, its runners, and what was kept for them."""
        for pid, (_, files) in self._runners.items():
            for kill in (os.killpg, os.kill):
                with contextlib.suppress(OSError):
                    kill(pid, signal.SIGKILL)
            shutil.rmtree(files, ignore_errors=True)
        marks.discard(self._tape, self._number)
        leave(0)
