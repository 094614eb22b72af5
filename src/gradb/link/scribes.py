"""Starts the scribe: a child process in a session of its own, with one end of a socket pair.

Only gradb's own process imports this module; it must not know what is in a log or a tape.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from pathlib import Path

from gradb.link.channel import Channel

_SCRIBE = Path(__file__).resolve().parents[1] / "scribe" / "__main__.py"


class ScribeProcess:
    """The child process and the channel to it.

    Args:
        tape: path of the tape, which is laid out already.
        file: what tells it from every other (see ``descriptors.identity``).

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, tape: str, file: tuple[int, int]) -> None:
        ours, theirs = socket.socketpair()
        argv = [sys.executable, "-S", "-E", str(_SCRIBE), str(theirs.fileno()), tape, *map(str, file)]
        try:
            with theirs:
                self.process = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),), start_new_session=True,
                )  # fmt: skip
        except OSError:
            ours.close()
            raise
        self.channel = Channel(ours)

    def close(self, timeout: float = 0.0) -> None:
        """Wait some seconds for its end, and end it then; safe to call twice."""
        self.channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout)
            return
        self.process.kill()
        self.process.wait()
