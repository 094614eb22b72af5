"""Recordings of which something is killed at a random moment.

Each round one of the script, the scribe, ``gradb record``, the app or all of them at once is killed while a script
prints numbered lines. Whatever was killed: the tape opens, its events are numbered without a gap, its lines are the
first that were printed, as many as had left the script when it was killed but for those of its last ticks; no process,
no log and no file beside the tape is left.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pexpect

from gradb.frame.reader import Tape
from gradb.log.segments import folder_of
from gradb.scribe.tapes import complete
from gradb.tape.kinds.output import OutputDetail
from tests.e2e.gradb_process import GRADB, processes_with
from tests.e2e.kills.killing import Killing

_SCRIPT = """
import sys, time
with open(sys.argv[1], "w", buffering=1) as count:
    for number in range(1500):
        print("line", number)
        if number % 10 == 9:
            time.sleep(0.002)
            count.write(f"{number} {time.monotonic()}\\n")
"""
_TICK = 0.25
"""Seconds of printing that may be missing where the script itself was killed: a few ticks on a busy machine."""


class Round(Killing):
    """One recording with its victim."""

    VICTIMS = ("script", "scribe", "record", "app", "all")
    _killed_at = 0.0

    def run(self, folder: Path, chance: random.Random) -> None:
        """Record, kill, and wait for the end."""
        (folder / "script.py").write_text(_SCRIPT)
        started = self._start(folder)
        self._killed_at = self._kill(folder, chance.uniform(0.0, 1.0))
        self.is_killed = True
        started()

    def _start(self, folder: Path) -> Callable[[], object]:
        """Start the recording; return what waits for its end."""
        words = [str(folder / "run.tape"), str(folder / "script.py"), str(folder / "count")]
        if self.victim == "app":
            app = pexpect.spawn(
                sys.executable, ["-m", "gradb", "run", "-o", *words], cwd=str(folder), dimensions=(30, 100),
                env=os.environ | {"TERM": "xterm-256color"},
            )  # fmt: skip
            app.expect("paused|not stepped|script.py", timeout=60)
            time.sleep(1.5)
            app.send("c")
            return lambda: app.close(force=True)
        process = subprocess.Popen([*GRADB, "record", "-o", *words], cwd=folder, stdout=subprocess.DEVNULL)
        return lambda: process.wait(120)

    def _kill(self, folder: Path, delay: float) -> float:
        """Kill the victim some seconds after the script's first lines; return when."""
        deadline = time.monotonic() + 60
        while not (folder / "count").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(delay)
        marks = {"script": [b"tracer/__main__.py"], "scribe": [b"scribe/__main__.py"]}
        for pid in processes_with(str(folder)):
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes()
                is_child = b"/__main__.py" in words
                is_meant = any(mark in words for mark in marks.get(self.victim, ()))
                if self.victim == "all" or is_meant or (self.victim in {"record", "app"} and not is_child):
                    os.kill(pid, signal.SIGKILL)
        return time.monotonic()

    def judge(self, folder: Path) -> str:
        """Look at the tape, and at what was printed by then."""
        path = folder / "run.tape"
        complete(path)
        with Tape.open(path) as tape:
            if [event.seq for event in tape.events()] != list(range(1, tape.head + 1)):
                return "events are missing"
            details = [tape.detail(event.seq) for event in tape.events() if event.kind == "output"]
        text = "".join(detail.text for detail in details if isinstance(detail, OutputDetail))
        lines = text.splitlines()
        if lines[: len(lines) - 1] != [f"line {number}" for number in range(max(0, len(lines) - 1))]:
            return "its lines are not the first that were printed"
        counts = [line.split() for line in (folder / "count").read_text().splitlines()]
        until = self._killed_at - _TICK if self.victim in {"script", "all"} else float("inf")
        due = max((int(number) + 1 for number, when in counts if float(when) < until), default=0)
        if len(lines) < due and self.victim not in {"record", "app"}:
            return f"{due} lines were printed, and {len(lines)} are on it"
        if os.path.exists(folder_of(path)) or sorted(one.name for one in folder.iterdir()) != [
            "count", "run.tape", "script.py",
        ]:  # fmt: skip
            return f"left behind: {sorted(one.name for one in folder.iterdir())}"
        return ""
