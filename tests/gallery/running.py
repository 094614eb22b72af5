"""Has cases run, each in a process forked from the warm parent, and returns what was found."""

from __future__ import annotations

import atexit
import json
import os
import select
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.gradb_process import WarmProcess

_ROOT = Path(__file__).resolve().parents[2]
WORKERS = 2
"""Cases that are run at once."""
_DEADLINE = 240.0
"""Seconds after which a case that should have been answered long ago is given up."""


@dataclass(frozen=True, slots=True)
class Found:
    """One finding, as far as the gallery asks about it."""

    code: str
    severity: str
    """``warning``, ``hint`` or ``error``."""
    line: int | None
    """Of the script; None where the finding points nowhere."""
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of running a case."""

    code: int | None
    """Exit code of the script; negative: the signal that ended it."""
    err: str
    """What it wrote to stderr."""
    findings: tuple[Found, ...]
    failure: str
    """The traceback of the judge, where it failed."""

    @property
    def raised(self) -> str:
        """Name of the exception that the script ended with; empty where it ended well."""
        last = self.err.rpartition("Traceback (most recent call last):\n")[2] if self.code else ""
        told = next((line for line in last.splitlines() if line and not line.startswith(" ")), "")
        return told.partition(":")[0].rpartition(".")[2]


class WarmParent:
    """The process that is forked from, started when it is first needed; several threads may ask it at once."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None
        self._lock = threading.Lock()

    def run(self, script: Path, *, is_bare: bool = False, ends_after: int | None = None) -> Result:
        """Run a script, under gradb and judged unless it is to be run bare, and wait for what came of it.

        Args:
            script: the case.
            is_bare: run it without gradb.
            ends_after: the iteration after which gradb ends it.
        """
        readable, writable = os.pipe()
        with self._lock:
            asked = {"script": str(script), "is_bare": is_bare, "ends_after": ends_after}
            socket.send_fds(self._started(), [json.dumps(asked).encode()], [writable])
        os.close(writable)
        said = _read(readable)
        return Result(said["code"], said["err"], tuple(Found(**one) for one in said["findings"]), said["failure"])

    def _started(self) -> socket.socket:
        if self._requests is None:
            self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            words = [sys.executable, "-m", "tests.gallery.parent", str(theirs.fileno()), str(WORKERS)]
            env = os.environ | {"OMP_NUM_THREADS": "1"}
            with theirs:
                self._process = WarmProcess(
                    words, cwd=_ROOT, env=env, stdin=subprocess.DEVNULL, pass_fds=(theirs.fileno(),)
                )
            atexit.register(self.close)
        return self._requests

    def close(self) -> None:
        """End it; safe to call twice."""
        if self._requests is not None and self._process is not None:
            self._requests.close()
            self._process.wait(_DEADLINE)
            self._requests = None


def _read(stream: int) -> dict[str, Any]:
    """Read an answer to its end."""
    with os.fdopen(stream, "rb") as file:
        if not select.select([file], [], [], _DEADLINE)[0]:
            raise TimeoutError("the warm parent does not answer")
        text = file.read()
    if not text:
        raise ConnectionError("what ran the case ended without an answer")
    said: dict[str, Any] = json.loads(text)
    return said


PARENT = WarmParent()
"""The one of this process."""
