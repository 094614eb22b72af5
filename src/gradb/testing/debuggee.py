"""A debuggee without torch: it plays a finished tape again, event by event, under control as a live script would be.

Started as ``python -m gradb.testing.debuggee TAPE [MISCHIEF=POSITION ...] FD SPEC``: give all but the last two as the
``command`` of ``Debugger.launch``. At a position it can do what bad scripts do: ``spin`` (loop for ever, deaf),
``kill`` (SIGKILL itself), ``exit`` (``os._exit(3)``), ``print`` (8 MB to stdout), ``child`` (start a child that
sleeps). ``refuse`` ends before there is a tape.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from gradb.link.channel import Channel, Closed
from gradb.link.messages import Continue, Ended, Loading, Pause, Paused, Progress, Quit, Ready
from gradb.link.spec import RunSpec
from gradb.tape.events import Event
from gradb.tape.stops import Stop
from gradb.tape.tape import Tape
from gradb.tape.writer import TapeWriter

PRINTED = 8_000_000
"""Bytes that ``print`` prints."""


def _spin() -> None:
    while True:
        time.sleep(0.01)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _print() -> None:
    for _ in range(PRINTED // 80):
        os.write(1, b"x" * 79 + b"\n")


def _child() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    os.write(1, b"child %d\n" % child.pid)


MISCHIEF: dict[str, Callable[[], None]] = {
    "spin": _spin,
    "kill": _kill,
    "exit": lambda: os._exit(3),
    "print": _print,
    "child": _child,
}


class Replay:
    """Plays a tape again into a new one."""

    def __init__(self, source: str, mischief: dict[int, str], spec: RunSpec, channel: Channel) -> None:
        self._tape = Tape.open(source)
        self._rows = sqlite3.connect(source)
        self._mischief = mischief
        self._spec = spec
        self._channel = channel
        self._writer = TapeWriter(spec.tape)
        self._order = Continue(Stop("end"), spec.breakpoints)
        self._points: dict[int, list[tuple[int, int, float]]] = {}
        for id_, one in enumerate(self._tape.series, 1):
            for event, iteration, value in zip(one.events, one.iterations, one.values, strict=True):
                self._points.setdefault(event, []).append((id_, iteration, value))

    def run(self) -> int:
        """Play the whole tape and return the exit code."""
        self._writer.set_run(**dict(self._rows.execute("SELECT key, value FROM run")) | {"status": "running"})
        for path, text in self._rows.execute("SELECT path, text FROM source ORDER BY id"):
            self._writer.source(path, text)
        for head in self._rows.execute("SELECT kind, name, file, line FROM series ORDER BY id"):
            self._writer.series(*head)
        self._channel.send(Loading("importing torch"))
        self._channel.send(Ready(self._tape.run.torch))
        if self._spec.is_paused_at_start:
            self._pause(0)
        for event in self._tape.events():
            self._play(event)
        self._writer.set_run(status="finished")
        self._writer.close()
        self._channel.send(Ended(0))
        return 0

    def _play(self, event: Event) -> None:
        seq, writer = event.seq, self._writer
        writer.events += self._rows.execute("SELECT * FROM event WHERE seq = ?", (seq,))
        writer.head = seq
        for table in ("node", "tensor", "name", "grad"):
            rows: list[tuple[object, ...]] = getattr(writer, f"{table}s")
            rows += self._rows.execute(f"SELECT * FROM {table} WHERE event = ?", (seq,))
        for series, iteration, value in self._points.get(seq, ()):
            writer.point(series, seq, iteration, value)
        if seq in self._mischief:
            writer.commit()
            self._channel.send(Progress(seq, event.iteration))
            MISCHIEF[self._mischief[seq]]()
        is_asked = isinstance(self._heard(0.0), Pause)
        if event.kind != "end" and (is_asked or self._order.matches(event)):
            self._pause(seq)

    def _pause(self, head: int) -> None:
        self._writer.commit()
        self._channel.send(Paused(head))
        message = None
        while not isinstance(message, Continue):
            message = self._heard(None)
        self._order = message

    def _heard(self, timeout: float | None) -> Continue | Pause | None:
        try:
            message = self._channel.receive(timeout)
        except Closed:
            os._exit(1)
        if isinstance(message, Quit):
            os._exit(1)
        return message if isinstance(message, Continue | Pause) else None


def main(arguments: Sequence[str]) -> int:
    """Run as a debuggee; see the module's docstring for the arguments."""
    source, *words, fd, spec = arguments
    if "refuse" in words:
        sys.stderr.write("gradb: there is no torch here\n")
        return 2
    pairs = (word.split("=") for word in words)
    mischief = {int(position): name for name, position in pairs}
    return Replay(source, mischief, RunSpec.from_json(spec), Channel.from_fd(int(fd))).run()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
