"""Forks ``tests.fakes.debuggee`` from a process that has loaded it, where a test would start an interpreter for it."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import sys
from typing import Any, NoReturn

from tests.fakes import DEBUGGEE
from tests.forkserver import Forked, Forkserver, serve

_SERVER = Forkserver("tests.fakes.forking")


class Forking(Forked):
    """A process; a debuggee of the fakes is forked instead of started."""

    @classmethod
    def server(cls, argv: list[str]) -> tuple[Forkserver, dict[str, Any]] | None:
        """Return who forks it, and what it is asked."""
        return (_SERVER, {}) if argv[:2] == [sys.executable, DEBUGGEE] else None


def _become(line: list[str]) -> NoReturn:
    """Be the debuggee that was asked for."""
    from tests.fakes.debuggee import main

    gc.disable()
    code = 1
    try:
        code = main(line[2:])
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    import tests.fakes.debuggee  # noqa: F401 - what is to be in memory

    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])), _become)
