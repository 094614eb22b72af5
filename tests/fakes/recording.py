"""Writes events of any kind to a tape, and keeps phase, iteration and scope: what is left when there is no autograd."""

from __future__ import annotations

import functools
import json
import os
import tempfile
from typing import Self

from gradb.tape.kinds.breakpoint import BreakpointDetail
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.end import EndDetail
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.kinds.loss import LossDetail
from gradb.tape.kinds.note import NoteDetail
from gradb.tape.kinds.output import OutputDetail
from gradb.tape.kinds.registry import PHASE_OF_KIND, Detail, Kind
from gradb.tape.oddity import oddity
from gradb.tape.schema import QUIET
from gradb.tape.writer import TapeWriter
from tests.fakes.wire import encode

Path = str | os.PathLike[str]


@functools.cache
def _empty() -> bytes:
    """Return a tape that is laid out, and no more: to copy it takes less time than to run the schema."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "empty.tape")
        TapeWriter(path).close()
        with open(path, "rb") as file:
            return file.read()


class Recording:
    """A tape being written, event by event. Use it as a context manager, or call ``close``."""

    def __init__(self, path: Path, script: str = "script.py", source: str = "") -> None:
        with open(path, "xb") as file:
            file.write(_empty())
        self.writer = TapeWriter(path, goes_on=True)
        self.script = script
        self.iteration = 1
        self.scope = ""
        self._phase = "start"
        self._series: dict[tuple[str, str, int | None], int] = {}
        facts = {"script": script, "arguments": "[]", "module": "", "cwd": "", "title": "", "lesson": "", "seed": ""}
        self.set_run(**facts, python="3.11.7", torch="2.13.0", status="running", started="2026-01-01T00:00:00")
        self._source = self.writer.source(script, source)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def head(self) -> int:
        """Number of the last event written."""
        return self.writer.head

    def commit(self) -> None:
        """Let readers see what was written so far."""
        self.writer.commit()

    def close(self) -> None:
        """Commit, and leave one clean file."""
        self.writer.close()

    def set_run(self, **facts: str) -> None:
        """Set facts of the run: title, lesson, status ..."""
        self.writer.set_run(**facts)

    def event(
        self,
        detail: Detail,
        kind: Kind,
        name: str,
        line: int | None = None,
        *,
        columns: tuple[int | None, int | None] = (None, None),
        node: int | None = None,
        is_quiet: bool = False,
        odd: int = 0,
        phase: str | None = None,
        file: str | None = None,
    ) -> int:
        """Write one event of any kind and return its number."""
        self._phase = phase or PHASE_OF_KIND.get(kind) or self._phase
        text, data = encode(detail)
        source = self._source if file is None else self.writer.source(file, None)
        return self.writer.event(
            kind,
            name,
            (None if line is None else source, line, line, *columns),
            text,
            data,
            scope=self.scope,
            iteration=self.iteration,
            phase=self._phase,
            node=node,
            flags=QUIET * is_quiet | odd,
        )

    def output(self, text: str, stream: str = "stdout", line: int | None = None) -> int:
        """Print."""
        return self.event(OutputDetail(stream, text), "output", stream, line)

    def error(self, type_: str, message: str, line: int | None = None, *, is_uncaught: bool = False) -> int:
        """Raise."""
        trace = f"Traceback (most recent call last):\n{type_}: {message}\n" if is_uncaught else ""
        return self.event(ErrorDetail(type_, message, trace, is_uncaught), "error", type_, line)

    def breakpoint(self, line: int | None = None, header: str = "", call: str = "breakpoint()") -> int:
        """Come to a breakpoint of the script's own."""
        return self.event(BreakpointDetail(header), "breakpoint", call, line)

    def note(self, text: str) -> int:
        """Let gradb say something about the recording."""
        return self.event(NoteDetail(text), "note", "gradb")

    def lose(self, part: str, why: str, hides: str = "", node: int | None = None) -> int:
        """Lose an event: a note stands in its place."""
        seq = self.event(NoteDetail(f"{part} not recorded here: {why}"), "note", "missing", node=node)
        self.writer.missing(seq, part, why, hides)
        return seq

    def stop(self, why: str) -> None:
        """End the recording before the script, after the last event."""
        self.set_run(stopped=json.dumps([self.head, why]))

    def intervene(self, what: str, after: str, before: str = "script") -> int:
        """Change the zero_grad policy (``zero_grad``) or the learning rate (``lr``) from outside."""
        return self.event(InterventionDetail(what, before, after), "intervention", what)

    def set_depth(self, depth: str, reason: str = "asked for") -> int:
        """Go on recording everything (``full``) or only watching (``watch``)."""
        return self.event(DepthDetail(depth, reason), "depth", depth)

    def loss(self, name: str, number: float, line: int | None = None) -> int:
        """Run a backward while only watching."""
        seq = self.event(LossDetail(((name, number),)), "loss", name, line, odd=oddity(number))
        self.point("loss", name, number, seq, line)
        return seq

    def point(self, kind: str, name: str, number: float, event: int, line: int | None = None) -> None:
        """Add a point to a series, which begins with its first."""
        key = (kind, name, line)
        if key not in self._series:
            self._series[key] = self.writer.series(kind, name, None if line is None else self._source, line)
        self.writer.point(self._series[key], event, self.iteration, number)

    def end(self, exit_code: int | None = 0, reason: str = "finished") -> int:
        """End the run."""
        self.set_run(status=reason)
        return self.event(EndDetail(exit_code, None, reason), "end", reason)
