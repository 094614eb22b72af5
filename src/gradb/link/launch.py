"""Starts the debuggee: a child process in a session of its own, with one end of a socket pair.

No port is opened. Ending the debuggee ends its whole process group, so that no worker process stays behind. Only
gradb's own process imports this module; it must not know what the messages or the tape say.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from gradb.link.channel import Channel
from gradb.link.checkpoints import Line
from gradb.link.spec import RunSpec
from gradb.link.strays import Drained, Strays

__all__ = ["Debuggee", "DebuggeeProcess", "RunSpec", "Strays", "launch"]

_TRACER = Path(__file__).resolve().parents[1] / "tracer" / "__main__.py"
_STDERR = 2
_GUARD = "read -r _ && exit; sleep 0.2; kill -s KILL -- -$0"
_HASH_SEED = "PYTHONHASHSEED"
_HASH_SEEDS = 2**32


class Debuggee(Protocol):
    """A debuggee as it is followed: a child process, or one that goes on from a checkpoint."""

    channel: Channel
    line: Line | None
    strays: Strays
    pipes: dict[int, str]

    @property
    def pid(self) -> int:
        """The number of its process, and of its process group."""
        ...

    def drain(self, fd: int) -> bool:
        """Read what one pipe holds now, up to 64 KiB; return False when there was nothing to read."""
        ...

    def drain_rest(self) -> None:
        """Read what is left in the pipes, but not without end."""
        ...

    def poll(self) -> int | None:
        """Return the return code (negative: the signal), or None while the process lives."""
        ...

    def wait(self, timeout: float) -> int | None:
        """Wait for the end of the process; None when it still lives after ``timeout`` seconds."""
        ...

    @property
    def is_gone(self) -> bool:
        """True once the process has ended."""
        ...

    def signal(self, number: int, *, is_for_all: bool = False) -> None:
        """Send a signal to the process, or to its whole process group, as a terminal would."""
        ...

    def kill(self) -> None:
        """Kill the whole process group, whatever it does, and wait for the process."""
        ...

    def close(self) -> None:
        """Let go of the channel and the pipes; safe to call twice."""
        ...


class DebuggeeProcess(Drained):
    """The child process, the channel to it and what it printed past the tracer."""

    def __init__(self, process: subprocess.Popen[bytes], channel: Channel, line: Line | None = None) -> None:
        super().__init__()
        self.process = process
        self.pid = process.pid
        self.channel = channel
        self.line = line
        """By which its checkpoints come; None: it makes none."""
        self._guard = _guard(process.pid)
        for stream, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            if pipe is not None:
                self.watch(stream, pipe.fileno())

    def poll(self) -> int | None:
        """Return the return code (negative: the signal), or None while the process lives."""
        return self.process.poll()

    def wait(self, timeout: float) -> int | None:
        """Wait for the end of the process; None when it still lives after ``timeout`` seconds."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    @property
    def is_gone(self) -> bool:
        """True once the process has ended."""
        return self.process.poll() is not None

    def signal(self, number: int, *, is_for_all: bool = False) -> None:
        """Send a signal to the process, or to its whole process group, as a terminal would."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if not is_for_all:
                self.process.send_signal(number)
            elif not self.is_gone:
                os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """Kill the whole process group, whatever it does, and wait for the process."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.wait(10.0)

    def close(self) -> None:
        """Let go of the channel and the pipes; safe to call twice."""
        self.channel.close()
        if self.line is not None:
            self.line.close()
        self._dismiss_guard()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        self.pipes.clear()

    def _dismiss_guard(self) -> None:
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.kill()
            guard.wait()
            if guard.stdin is not None:
                guard.stdin.close()


def _guard(group: int) -> subprocess.Popen[bytes] | None:
    """Start what kills a process group once this process is gone, however it went: a pipe of ours ends then.

    It waits a moment, in which the debuggee commits what it has. Without a shell there is none, and the debuggee alone
    ends, by its channel.
    """
    try:
        return subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, str(group)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True, cwd="/",
        )  # fmt: skip
    except OSError:
        return None


def launch(spec: RunSpec, command: Sequence[str] | None = None) -> DebuggeeProcess:
    """Start the debuggee.

    Args:
        spec: what to run.
        command: what to start in place of ``python gradb/tracer/__main__.py`` (a test's own debuggee); the descriptor
            and the spec are appended.

    Raises:
        OSError: the stdin file cannot be opened, or no process can be started.
    """
    spec, environment = _with_hash_seed(spec)
    ours, theirs = socket.socketpair()
    line, inherited = Line.pair(spec.tape) if sys.platform == "linux" else (None, None)
    passed = (theirs,) if inherited is None else (theirs, inherited)
    spec = replace(spec, line=None if inherited is None else inherited.fileno())
    argv = [*(command or (sys.executable, str(_TRACER))), str(theirs.fileno()), spec.to_json()]
    err = None if spec.passes_output else subprocess.PIPE
    out = _STDERR if spec.passes_output and spec.prints_to_stderr else err
    try:
        with Path(spec.stdin or os.devnull).open("rb") as stdin:
            process = subprocess.Popen(
                argv, stdin=stdin, stdout=out, stderr=err, pass_fds=[one.fileno() for one in passed],
                start_new_session=True, cwd=spec.cwd, env=environment,
            )  # fmt: skip
    except OSError:
        ours.close()
        if line is not None:
            line.close()
        raise
    finally:
        for one in passed:
            one.close()
    return DebuggeeProcess(process, Channel(ours), line)


def _with_hash_seed(spec: RunSpec) -> tuple[RunSpec, dict[str, str]]:
    """Return the spec with the seed of Python's hashes, and the environment that sets it.

    So it is known, and a second run can have the same. A seed that the user has set in the environment stays.
    """
    environment = dict(os.environ)
    if spec.hash_seed is None:
        if _HASH_SEED in environment:
            return spec, environment
        spec = replace(spec, hash_seed=1 + secrets.randbelow(_HASH_SEEDS - 1))
    environment[_HASH_SEED] = str(spec.hash_seed)
    return spec, environment
