"""Runs with checkpoints for tests, started by gradb in the test's own process, and what tapes say, to compare it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gradb.debugger.checkpoints.pool import Pool
from gradb.debugger.live import Live
from gradb.debugger.rerun import orders
from gradb.debugger.run import Run
from gradb.debugger.writing import Writing
from gradb.frame.reader import Tape
from gradb.link.checkpoints import Line, Said, Waiting
from gradb.link.messages import Checkpoints, Continue
from gradb.link.spec import Intervention, RunSpec
from gradb.tape.stops import Stop
from tests.e2e.gradb_process import DEADLINE

_APART = {"block", "apart", "run", "chunk", "event"}
"""Tables that are compared by what they say: what is packed together depends on when it was written."""


class Script:
    """A script that is watched, with checkpoints that wait.

    Args:
        spec: what to run.
        most: how many checkpoints; 0: none unless asked for.
        full: how many of the first iterations are recorded in full.
    """

    def __init__(self, spec: RunSpec, most: int = 0, full: int = 0) -> None:
        watching = orders.watching(spec, spec.tape, full)
        self.spec = replace(watching, is_paused_at_start=True, checkpoints=most)
        self.run = Run.launch(self.spec)
        assert self.run._live is not None
        line = self.run._live.debuggee.line
        assert line is not None
        self.run.checkpoints = Pool()  # what comes is for the test
        self.line: Line = line
        self.waiting: list[Waiting] = []
        self.said: list[Said] = []
        self.until(lambda: not self.run.is_running)

    def until(self, is_so: Callable[[], object]) -> None:
        """Wait for something."""
        deadline = time.monotonic() + DEADLINE
        while not is_so():
            assert time.monotonic() < deadline
            self.run.pump(0.02)
            for one in self.line.take():
                (self.waiting if isinstance(one, Waiting) else self.said).append(one)  # type: ignore[arg-type]

    def go_on(self, stop: Stop = Stop("end")) -> None:  # noqa: B008 - it is frozen
        """Let it go on until it is held again, or over."""
        self.run.run_on(Continue(stop))

    def go_to_iteration(self, iteration: int) -> None:
        """Let it go on until an iteration has begun, and its first event is there."""
        self.go_on(Stop("iteration", str(iteration)))
        self.until(lambda: not self.run.is_running or not self.run.is_live)

    def make_one(self) -> None:
        """Have a checkpoint made where the next iteration begins."""
        assert self.run._live is not None
        self.run._live.send(Checkpoints(8, is_now=True))

    def end(self) -> None:
        """Let it come to its end."""
        self.until(lambda: not self.run.is_live)

    def close(self) -> None:
        """End all there is."""
        for one in self.waiting:
            one.close()
        self.run.close()
        self.line.close()


@contextmanager
def script(spec: RunSpec, most: int = 0, full: int = 0) -> Iterator[Script]:
    """Start a script, and end all there is of it afterwards."""
    one = Script(spec, most, full)
    try:
        yield one
    finally:
        one.close()


def lived(waiting: Waiting, spec: RunSpec, path: Path, **changes: Any) -> Run:
    """Have a runner go on, and wait for its end."""
    run = begun(waiting, spec, path, **changes)
    deadline = time.monotonic() + DEADLINE
    while run.is_live:
        assert time.monotonic() < deadline
        run.pump(0.05)
    return run


def begun(waiting: Waiting, spec: RunSpec, path: Path, **changes: Any) -> Run:
    """Have a runner go on from a checkpoint, in the place of ``Run.launch``."""
    ordered = orders.unattended(spec, tape=str(path), checkpoints=0, **changes)
    writing = Writing(ordered.tape, waiting.lay_out(ordered.tape))
    try:
        run = Run(ordered.tape, Live(waiting.start(ordered), writing))
    except BaseException:
        writing.close()
        raise
    run.spec = ordered
    return run


def full(first: int) -> tuple[Intervention, ...]:
    """Return the order to record in full from an iteration on."""
    return (Intervention("record", "full", first),)


def events_of(path: Path | str, iteration: int) -> list[str]:
    """Return all events of the iterations up to one."""
    with Tape.open(str(path)) as tape:
        some = [event for event in tape.events() if event.iteration <= iteration and event.kind != "end"]
        return [f"{event} {tape.detail(event.seq)}" for event in some]


def said_by(path: Path | str) -> dict[str, Any]:
    """Return all that a tape says, but for facts of the run itself."""
    with Tape.open(str(path)) as tape:
        found: dict[str, Any] = {"events": [(event, repr(tape.detail(event.seq))) for event in tape.events()]}
        found["series"] = [repr(one) for one in tape.series]
    with closing(sqlite3.connect(str(path))) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in sorted(set(names) - _APART):
            found[name] = sorted(map(repr, db.execute(f"SELECT * FROM {name}")))
    return found


def differing(one: Path | str, other: Path | str) -> list[str]:
    """Return what two tapes do not say alike, and an example of each."""
    first, second = said_by(one), said_by(other)
    lines = []
    for key in {**first, **second}:
        a, b = first.get(key, []), second.get(key, [])
        if a != b:
            example = next(((x, y) for x, y in zip(a, b, strict=False) if x != y), (len(a), len(b)))
            lines.append(f"{key}: {example}")
    return lines


def printed(path: Path | str) -> list[str]:
    """Return the lines that a script has printed."""
    with Tape.open(str(path)) as tape:
        details: list[Any] = [tape.detail(event.seq) for event in tape.events() if event.kind == "output"]
    return "".join(detail.text for detail in details).splitlines()
