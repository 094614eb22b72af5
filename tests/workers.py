"""The processes of pytest-xdist, forked from one that has in memory what takes them longest to import.

Each brings along the one from which its end-to-end tests fork (``tests.e2e.warm``), a fork as well. Of pytest, of its
plugins and of the tests nothing is in memory: pytest rewrites what it imports.
"""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

from tests import forkserver, pages
from tests.e2e import warm

_SERVER = forkserver.Forkserver("tests.workers")
_NAME = "tests.e2e.warm"


class _Worker(forkserver.Forked):
    """A process; one of pytest-xdist is forked instead of started."""

    @classmethod
    def server(cls, argv: list[str]) -> tuple[forkserver.Forkserver, dict[str, Any]] | None:
        """Return who forks it, and what it is asked."""
        from execnet.gateway_io import popen_bootstrapline

        return (_SERVER, {}) if argv[-2:] == ["-c", popen_bootstrapline] else None


def fork_them() -> Callable[[], None]:
    """Have the processes of pytest-xdist forked, as long as what is returned has not been called."""
    if sys.platform == "linux":
        _SERVER.start()  # loads what it has to while there are other things to do
    started = subprocess.Popen
    subprocess.Popen = _Worker  # type: ignore[misc]

    def leave() -> None:
        subprocess.Popen = started  # type: ignore[misc]

    return leave


def _become(line: list[str]) -> NoReturn:
    """Be the process that was asked for."""
    forkserver.STANDING[_NAME] = _bring_along()
    sys.argv = line[-2:-1]
    main = sys.modules["__main__"] = ModuleType("__main__")
    warm.end(lambda: exec(line[-1], vars(main)))


def _bring_along() -> socket.socket:
    """Fork the process from which the end-to-end tests fork, and return where it is asked."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if not os.fork():
        ours.close()
        os.setpgid(0, 0)
        nowhere = os.open(os.devnull, os.O_RDWR)
        forkserver.take([nowhere, nowhere, 2, theirs.fileno()], [0, 1, 2, theirs.fileno()])
        forkserver.be_called([sys.executable, "-m", _NAME])
        warm.serve(theirs, {__file__})
    theirs.close()
    return ours


if __name__ == "__main__":
    warm.load()
    gc.collect()
    gc.freeze()
    pages.collapse()
    forkserver.serve(socket.socket(fileno=int(sys.argv[1])), _become)
