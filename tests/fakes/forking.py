"""Forks ``tests.fakes.debuggee`` from a process that has loaded it, where a test would start an interpreter for it.

What is forked is a process like any other: a child of the tests' own, in a session of its own, with the arguments,
folder, environment and descriptors that it is given. Only Linux can hand a grandchild on, so elsewhere each is started.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

from tests.fakes import DEBUGGEE

_LARGEST = 1 << 18
_PATIENCE = 60.0
_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2): orphans among our descendants become our children."""


class Forking(subprocess.Popen[Any]):
    """A process; a debuggee of the fakes is forked instead of started."""

    def _execute_child(self, *given: Any) -> None:
        argv, pass_fds, cwd, env, pipes = given[0], given[4], given[5], given[6], given[10:16]
        if sys.platform != "linux" or not isinstance(argv, list) or argv[:2] != [sys.executable, DEBUGGEE]:
            super()._execute_child(*given)  # type: ignore[misc]
            return
        wanted = {number: number if fd < 0 else fd for number, fd in enumerate((pipes[0], pipes[3], pipes[5]))}
        wanted |= {fd: fd for fd in pass_fds}
        asked = {"words": argv[2:], "cwd": cwd or os.getcwd(), "env": dict(env or os.environ), "numbers": [*wanted]}
        self.pid = _SERVER.fork(asked, [*wanted.values()])
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


class _Server:
    """The process that is forked from, started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None

    def fork(self, asked: dict[str, Any], descriptors: list[int]) -> int:
        """Have a debuggee forked, and return its process id; it is a child of ours."""
        requests = self._started()
        _adopt(True)
        try:
            socket.send_fds(requests, [json.dumps(asked).encode()], descriptors)
            return int(requests.recv(64))
        finally:
            _adopt(False)

    def _started(self) -> socket.socket:
        if self._requests is None:
            self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._requests.settimeout(_PATIENCE)
            words = [sys.executable, "-m", "tests.fakes.forking", str(theirs.fileno())]
            root = Path(__file__).resolve().parents[2]
            with theirs:
                self._process = subprocess.Popen(
                    words, cwd=root, stdin=subprocess.DEVNULL, pass_fds=(theirs.fileno(),), start_new_session=True
                )
            atexit.register(self._close)
        return self._requests

    def _close(self) -> None:
        if self._requests is not None and self._process is not None:
            self._requests.close()
            self._process.wait(_PATIENCE)


_SERVER = _Server()


def _adopt(is_on: bool) -> None:
    ctypes.CDLL(None).prctl(_SUBREAPER, int(is_on), 0, 0, 0)


def serve(requests: socket.socket) -> None:
    """Fork what is asked for, and answer with its process id, until nobody can ask any more."""
    while True:
        text, descriptors, _, _ = socket.recv_fds(requests, _LARGEST, 8)
        if not text:
            return
        readable, writable = os.pipe()
        between = os.fork()
        if not between:
            pid = os.fork()
            if not pid:
                _become(descriptors, **json.loads(text))
            os.write(writable, str(pid).encode())
            os._exit(0)
        os.waitpid(between, 0)  # from here on the debuggee is a child of who asked
        requests.send(os.read(readable, 64))
        for fd in (*descriptors, readable, writable):
            os.close(fd)


def _become(descriptors: list[int], words: list[str], cwd: str, env: dict[str, str], numbers: list[int]) -> NoReturn:
    """Be the debuggee that was asked for."""
    from tests.fakes.debuggee import main

    gc.disable()
    os.setsid()
    _take(descriptors, numbers)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    code = 1
    try:
        code = main(words)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _take(descriptors: list[int], numbers: list[int]) -> None:
    """Give descriptors the numbers that they are to have, and close all others."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, max(numbers) + 1) for fd in descriptors]
    for fd, number in zip(high, numbers, strict=True):
        os.dup2(fd, number, inheritable=True)
    low = 3
    for number in sorted(number for number in numbers if number >= 3):
        os.closerange(low, number)
        low = number + 1
    os.closerange(low, 1 << 16)


if __name__ == "__main__":
    import tests.fakes.debuggee  # noqa: F401 - what is to be in memory

    signal.signal(signal.SIGINT, signal.default_int_handler)
    serve(socket.socket(fileno=int(sys.argv[1])))
