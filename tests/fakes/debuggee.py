"""A debuggee without torch: it plays a finished tape again, event by event, under control as a live script would be.

Started as ``python -m tests.fakes.debuggee TAPE [MISCHIEF=POSITION ...] FD SPEC``: give all but the last two as the
``command`` of ``Debugger.launch``. At a position it can do what bad scripts do: ``spin`` (loop for ever, deaf),
``kill`` (SIGKILL itself), ``exit`` (``os._exit(3)``), ``print`` (8 MB to stdout), ``child`` (start a child that
sleeps). ``refuse`` ends before there is a tape, ``pace=0.01`` waits so many seconds after each event, ``late=0.5``
once it has said that it ends.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gradb.frame.reader import Tape
from gradb.link.channel import Channel, Closed
from gradb.link.messages import (
    Ask,
    Continue,
    Ended,
    Evaluate,
    Loading,
    Message,
    Pause,
    Paused,
    Progress,
    Quit,
    Ready,
    Set,
)
from gradb.link.spec import Intervention, RunSpec, What
from gradb.tape.conditions.newest import Newest
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.kinds.print_ import PrintDetail, PrintedPart
from gradb.tape.kinds.registry import Kind
from gradb.tape.lookout import Lookout
from gradb.tape.stops import Stop
from gradb.tape.writer import TapeWriter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # this is started as a script
from tests.fakes.flat import flatten
from tests.fakes.wire import encode

PRINTED = 8_000_000
"""Bytes that ``print`` prints."""
_TABLES = ("node", "tensor", "name", "grad")


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
    """Plays a tape again into a new one. What is changed from outside becomes an event, and changes no number."""

    def __init__(
        self, source: str, mischief: dict[int, str], spec: RunSpec, channel: Channel, pace: float = 0.0
    ) -> None:
        self._tape = Tape.open(source)
        self._rows = sqlite3.connect(source)
        flatten(self._rows)
        self._rows.execute("CREATE INDEX temp.event_at ON event(seq)")
        for table in _TABLES:  # of a long tape none is to be looked through for each event
            self._rows.execute(f"CREATE TEMP TABLE {table} AS SELECT * FROM main.{table}")
            self._rows.execute(f"CREATE INDEX temp.{table}_at ON {table}(event)")
        self._mischief = mischief
        self._pace = pace
        self._spec = spec
        self._channel = channel
        self._writer = TapeWriter(spec.tape)
        self._order = Continue(Stop("end"), spec.breakpoints)
        self._newest = Newest()
        self._lookout = Lookout(self._order.stops, None, self._newest)
        self._news = News(channel)
        self._seqs = [0]  # number of each event of the source on the new tape
        self._due: list[Intervention] = list(spec.interventions)
        self._set: dict[What, str] = {"zero_grad": "script", "lr": "script", "record": "full"}
        self._points: dict[int, list[tuple[int, int, float]]] = {}
        for id_, one in enumerate(self._tape.series, 1):
            for event, iteration, value in zip(one.events, one.iterations, one.values, strict=True):
                self._points.setdefault(event, []).append((id_, iteration, value))
        self._kinds = [one.kind for one in self._tape.series]
        self._losses = {id_ for id_, one in enumerate(self._tape.series, 1) if one.kind == "loss"}

    def run(self) -> int:
        """Play the whole tape and return the exit code."""
        seed = "" if self._spec.seed is None else str(self._spec.seed)
        facts = dict(self._rows.execute("SELECT key, value FROM run")) | {"status": "running", "seed": seed}
        self._writer.set_run(**facts)
        for path, text in self._rows.execute("SELECT path, text FROM source ORDER BY id"):
            self._writer.source(path, text)
        for head in self._rows.execute("SELECT kind, name, file, line FROM series ORDER BY id"):
            self._writer.series(*head)
        self._channel.send(Loading("importing torch"))
        self._channel.send(Ready(self._tape.run.torch))
        if self._spec.is_paused_at_start:
            self._pause(0)
        for event in self._tape.events():
            self._change_what_is_due(event.iteration)
            self._play(event)
        self._writer.set_run(status="finished")
        self._writer.close()
        self._channel.send(Ended(0))
        return 0

    def _play(self, event: Event) -> None:
        source, writer = event.seq, self._writer
        seq = writer.head + 1
        self._seqs.append(seq)
        row = self._rows.execute("SELECT * FROM event WHERE seq = ?", (source,)).fetchone()
        kind, name, *rest, detail, data = row[1:]
        *place, scope, iteration, phase, node, flags, thread = rest
        facts = {"scope": scope, "iteration": iteration, "phase": phase, "node": node, "flags": flags, "thread": thread}
        writer.event(kind, name, tuple(place), _referring(event.kind, detail, self._seqs), data, **facts)
        for table in _TABLES:
            cursor = self._rows.execute(f"SELECT * FROM {table} WHERE event = ?", (source,))
            at = [column[0] for column in cursor.description].index("event")
            rows: list[tuple[object, ...]] = getattr(writer, f"{table}s")
            rows += [(*found[:at], seq, *found[at + 1 :]) for found in cursor]
        for series, iteration, value in self._points.get(source, ()):
            writer.point(series, seq, iteration, value)
            self._news.loss = value if series in self._losses else self._news.loss
            if (named := self._kinds[series - 1]) == "loss" or named == "grad_norm":
                self._newest.add(named, series, seq, value)
        if source in self._mischief:
            writer.commit()
            self._channel.send(Progress(seq, event.iteration))
            MISCHIEF[self._mischief[source]]()
        time.sleep(self._pace)
        self._news.tell(writer, event.iteration)
        self._arrive(replace(event, seq=seq), _referring(event.kind, detail, self._seqs), data)

    def _arrive(self, event: Event, detail: str, data: bytes | None) -> None:
        """Make the changes asked for meanwhile, and pause where that is wanted."""
        asked = 0
        while (message := self._heard(0.0)) is not None:
            if isinstance(message, Pause):
                asked = message.seq
            if isinstance(message, Set):
                self._set_or_keep(message.intervention, event.iteration)
        if event.kind != "end" and (asked or self._lookout.sees(event, detail, data)):
            self._pause(self._writer.head, asked or self._order.seq)

    def _pause(self, head: int, request_seq: int = 0) -> None:
        self._writer.commit()
        self._channel.send(Paused(head, request_seq))
        message = self._heard(None)
        while not isinstance(message, Continue):
            if isinstance(message, Set):
                self._set_or_keep(message.intervention, self._iteration)
                self._writer.commit()
                self._channel.send(Paused(self._writer.head, message.seq))
            elif isinstance(message, Ask):  # there is no node to probe
                self._channel.send(Paused(self._writer.head, message.seq))
            elif isinstance(message, Evaluate):
                self._evaluate(message)
            message = self._heard(None)
        self._order, self._lookout = message, Lookout(message.stops, message.origin, self._newest)

    def _evaluate(self, question: Evaluate) -> None:
        """Answer with the length of the expression: there is no frame to evaluate it in."""
        part = PrintedPart("", "int", str(len(question.text)))
        text, data = encode(PrintDetail(question.text, "", (part,)))
        nowhere = (None, None, None, None, None)
        self._writer.event("print", question.text, nowhere, text, data, iteration=self._iteration)
        self._writer.commit()
        self._channel.send(Paused(self._writer.head, question.seq))

    # --- changes ---

    @property
    def _iteration(self) -> int:
        """The iteration of the last event played."""
        return self._tape.event(len(self._seqs) - 1).iteration if len(self._seqs) > 1 else 1

    def _change_what_is_due(self, iteration: int) -> None:
        due = [change for change in self._due if change.iteration <= iteration]
        self._due = [change for change in self._due if change not in due]
        for change in due:
            self._make(change, iteration)

    def _set_or_keep(self, change: Intervention, iteration: int) -> None:
        if change.iteration > iteration:
            self._due.append(change)
        else:
            self._change_what_is_due(iteration)
            self._make(change, iteration)

    def _make(self, change: Intervention, iteration: int) -> None:
        before, self._set[change.what] = self._set[change.what], change.value
        if before == change.value:
            return
        is_depth = change.what == "record"
        made = InterventionDetail(change.what, before, change.value)
        text, data = encode(DepthDetail(change.value, "asked for") if is_depth else made)
        kind: Kind = "depth" if is_depth else "intervention"
        name = change.value if is_depth else change.what
        phase = self._tape.event(len(self._seqs) - 1).phase if len(self._seqs) > 1 else "start"
        nowhere = (None, None, None, None, None)
        self._writer.event(kind, name, nowhere, text, data, iteration=iteration, phase=phase)

    def _heard(self, timeout: float | None) -> Message | None:
        try:
            message = self._channel.receive(timeout)
        except Closed:
            os._exit(1)
        if isinstance(message, Quit):
            os._exit(1)
        return message


class News:
    """Tells of the progress of a run, ten times a second at most."""

    def __init__(self, channel: Channel) -> None:
        self.loss: float | None = None
        self._channel = channel
        self._told = time.monotonic()

    def tell(self, writer: TapeWriter, iteration: int) -> None:
        """Tell, if it is time to."""
        if time.monotonic() - self._told >= 0.1:
            self._told = time.monotonic()
            writer.commit()
            self._channel.send(Progress(writer.head, iteration, self.loss))


_REFERENCES = {
    "op": (6,), "node_start": (0,), "aten": (0,), "node": (0, 2), "probe": (0,), "accumulate": (5, 6),
    "backward_end": (0,),
}  # fmt: skip
"""Where the wire form of a detail has the numbers of other events."""


def _referring(kind: str, text: str, seqs: Sequence[int]) -> str:
    """Return the wire form of a detail with the numbers that events have on the new tape."""
    places = _REFERENCES.get(kind)
    if places is None or len(seqs) - 1 == seqs[-1]:
        return text
    wire = json.loads(text)
    for at in places:
        if at < len(wire):
            wire[at] = seqs[wire[at]]
    return json.dumps(wire, separators=(",", ":"))


def main(arguments: Sequence[str]) -> int:
    """Run as a debuggee; see the module's docstring for the arguments."""
    source, *words, fd, spec = arguments
    if "refuse" in words:
        sys.stderr.write("gradb: there is no torch here\n")
        return 2
    pairs = [word.split("=") for word in words]
    mischief = {int(position): name for name, position in pairs if name in MISCHIEF}
    pace, late = (float(dict(pairs).get(name, 0)) for name in ("pace", "late"))
    code = Replay(source, mischief, RunSpec.from_json(spec), Channel.from_fd(int(fd)), pace).run()
    time.sleep(late)
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
