"""Processes forked from one that has in memory what they need, where a test would start an interpreter for them.

What is forked is a process like any other: a child of who asked for it, with the arguments, folder, environment,
session, terminal and descriptors that it is given, and the command line that it stands for. Only Linux can hand a
grandchild on, so elsewhere each is started.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from gradb.tracer.checkpoints.forking import fork_apart

_LARGEST = 1 << 18
_PATIENCE = 240.0
_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2): orphans among our descendants become our children."""
_ROOM = 4096
"""Bytes that a server keeps on its command line for those of what it forks."""
STANDING: dict[str, socket.socket] = {}
"""By module: where a server is asked that this process has brought along, so that none has to be started."""


class Forkserver:
    """A process that is forked from, started when it is first needed.

    Args:
        module: it is ``python -m MODULE FD``, and calls ``serve``.
        requests: to one that has been started.
    """

    def __init__(self, module: str, requests: socket.socket | None = None) -> None:
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._requests = requests

    def fork(
        self, asked: dict[str, Any], descriptors: dict[int, int], *, group: int, has_terminal: bool = False
    ) -> int:
        """Have a process forked, and return its process id; it is a child of ours.

        Args:
            asked: ``line`` (its command line), ``cwd``, ``env``, and what the server's ``become`` takes besides.
            descriptors: what it has open, by its numbers there.
            group: the process group that it joins; 0: one of its own, -1: it has a session of its own.
            has_terminal: what is its stdin is the terminal of its session.
        """
        asked |= {"numbers": [*descriptors], "group": group, "has_terminal": has_terminal}
        requests = self.start()
        _adopt(True)
        try:
            socket.send_fds(requests, [json.dumps(asked).encode()], [*descriptors.values()])
            return int(requests.recv(64))
        finally:
            _adopt(False)

    def start(self) -> socket.socket:
        """Start it where it has not been, and return where it is asked."""
        if self._requests is None and self._module in STANDING:
            self._requests = STANDING.pop(self._module)
            self._requests.settimeout(_PATIENCE)
            atexit.register(self.close)
        elif self._requests is None:
            self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._requests.settimeout(_PATIENCE)
            words = [sys.executable, "-m", self._module, str(theirs.fileno()), "-" * _ROOM]
            root = Path(__file__).resolve().parents[1]
            with theirs:
                self._process = subprocess.Popen(
                    words, cwd=root, stdin=subprocess.DEVNULL, pass_fds=(theirs.fileno(),), process_group=0
                )
            atexit.register(self.close)
        return self._requests

    def close(self) -> None:
        """End it; what it has forked goes on."""
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if self._process is not None:
            self._process.wait(_PATIENCE)


class Forked(subprocess.Popen[Any]):
    """A process; what ``server`` knows is forked instead of started."""

    @classmethod
    def server(cls, argv: list[str]) -> tuple[Forkserver, dict[str, Any]] | None:
        """Return who forks it, and what it is asked; None where it has to be started."""
        raise NotImplementedError

    def _execute_child(self, *given: Any) -> None:
        argv, pass_fds, cwd, env, pipes = given[0], given[4], given[5], given[6], given[10:16]
        known = self.server(argv) if sys.platform == "linux" and isinstance(argv, list) else None
        if known is None:
            super()._execute_child(*given)  # type: ignore[misc]
            return
        server, asked = known
        wanted = {number: number if fd < 0 else fd for number, fd in enumerate((pipes[0], pipes[3], pipes[5]))}
        wanted |= {fd: fd for fd in pass_fds}
        asked |= {"cwd": os.fspath(cwd or os.getcwd()), "env": dict(os.environ if env is None else env), "line": argv}
        has_session, group = given[-2:]
        self.pid = server.fork(asked, wanted, group=-1 if has_session else os.getpgrp() if group < 0 else group)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def _adopt(is_on: bool) -> None:
    ctypes.CDLL(None).prctl(_SUBREAPER, int(is_on), 0, 0, 0)


def serve(requests: socket.socket, become: Callable[..., NoReturn]) -> None:
    """Fork what is asked for, and answer with its process id, until nobody can ask any more.

    Args:
        requests: where it is asked for.
        become: called in the process that was asked for, with its command line and what was asked besides.
    """
    while True:
        text, descriptors, _, _ = socket.recv_fds(requests, _LARGEST, 8)
        if not text:
            return
        ours, theirs = socket.socketpair()
        if fork_apart(os.fork) is None:  # what is nobody's child here is a child of who asked
            theirs.send(str(os.getpid()).encode())
            theirs.recv(1)  # until it is: should it end before, nobody could wait for it
            _begin(become, descriptors, **json.loads(text))
        requests.send(ours.recv(64))
        ours.send(b"!")
        for one in (ours, theirs):
            one.close()
        for fd in descriptors:
            os.close(fd)


def _begin(
    become: Callable[..., NoReturn],
    descriptors: list[int],
    numbers: list[int],
    line: list[str],
    group: int,
    has_terminal: bool,
    cwd: str,
    env: dict[str, str],
    **asked: Any,
) -> NoReturn:
    """Be the process that was asked for, as far as it does not matter what runs in it."""
    if group < 0:
        os.setsid()
    else:
        os.setpgid(0, group)
    take(descriptors, numbers)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    if has_terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):  # a background job of a shell ignores some
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    be_called(line)
    become(line, **asked)


def take(descriptors: list[int], numbers: list[int]) -> None:
    """Give descriptors the numbers that they are to have, and close all others."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, max(numbers) + 1) for fd in descriptors]
    for fd, number in zip(high, numbers, strict=True):
        os.dup2(fd, number, inheritable=True)
    low = 3
    for number in sorted(number for number in numbers if number >= 3):
        os.closerange(low, number)
        low = number + 1
    os.closerange(low, 1 << 16)


def be_called(line: list[str]) -> None:
    """Have the system show a command line for this process, in the place of its server's."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    text = b"\0".join(word.encode() for word in line)[: end - start - 1]
    ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)
