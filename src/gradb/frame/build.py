"""Builds Frames: everything true at a position, from the rows of the tape up to that position."""

from __future__ import annotations

import json
import os
from pathlib import Path

from gradb.frame.aten import Atens
from gradb.frame.backwards import BackwardCall, Backwards
from gradb.frame.buffers import GradBuffers
from gradb.frame.cache import Cache
from gradb.frame.chain.chain import Chains
from gradb.frame.chain.pathfinder import PathFinder
from gradb.frame.chain.pathview import PathsAt
from gradb.frame.frame import Frame, OutputLine, PrintedAt, RunInfo, SourceView
from gradb.frame.gaps import Gaps, stopped_of
from gradb.frame.graph.graph import Graphs
from gradb.frame.lesson.lessons import Lessons
from gradb.frame.memory import Holdings
from gradb.frame.naming import Naming
from gradb.frame.origins import Origins
from gradb.frame.stack import CallStacks
from gradb.frame.store import Store
from gradb.frame.training import Trainings
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.output import OutputDetail
from gradb.tape.kinds.print_ import PrintDetail
from gradb.tape.kinds.registry import CODES
from gradb.tape.missing import read_failures

MAX_OUTPUTS = 500
MAX_SOURCES = 10_000
_NEAR = 16  # events before a change from outside, looked through for where the script stood
_LOOK_BACK = 1000  # events looked through for the last known source line


class Frames:
    """Makes Frames of one tape."""

    def __init__(self, store: Store, naming: Naming, graphs: Graphs, chains: Chains) -> None:
        self._store = store
        self._naming = naming
        self._graphs = graphs
        self._chains = chains
        self._pathfinder = PathFinder(graphs, chains)
        self._atens = Atens(store, naming, graphs.runs)
        self._gaps = Gaps(store)
        self.backwards = Backwards(store, graphs.runs)
        self.trainings = Trainings(store)
        self.buffers = GradBuffers(store, naming, self._gaps, self.trainings, graphs.runs)
        self.holdings = Holdings(graphs, self.trainings)
        self.origins = Origins(store, graphs, self.holdings, self.trainings)
        self._texts = Cache(self._read_lines, 32)
        self._stacks = CallStacks(store, self._lines)
        self.lessons = Lessons(store, self._lines)
        self._outputs = Cache(self._read_outputs, 4)
        self._counted = (0, 0)

    def at(self, position: int, head: int, run: RunInfo) -> Frame:
        """Return the Frame at a position, 0 <= position <= head."""
        event = self._store.event(position) if position else None
        detail = self._store.detail(position) if position else None
        outputs = self._outputs(self._store.latest("output", position))
        backward = self.backwards.at(position, head)
        return Frame(
            position=position,
            head=head,
            run=run,
            event=event,
            detail=detail,
            phase=event.phase if event else "start",
            iteration=event.iteration if event else 0,
            source=self._source(event, run, backward),
            graph=self._graphs.at(position),
            chain=self._chains.at(position),
            grads=self.buffers.at(position, event),
            outputs=outputs,
            outputs_dropped=self._count_outputs(outputs[0].event - 1) if outputs else 0,
            names=self._naming.known(position),
            training=self.trainings.at(position, head, event.iteration if event else 0),
            paths=PathsAt(self._pathfinder, position),
            saved=self.holdings.at(position),
            aten=self._atens.at(event, detail),
            printed=self._printed(self._store.latest("print", position)),
            gaps=self._gaps.at(position),
            are_grads_cut=self.buffers.is_cut(position),
            missing=self._gaps.parts_of(position),
            backward=backward,
            stack=self._stacks.running(None if event is None else self._placed(event), backward),
            lesson=self.lessons.at(position, head, run.script, run.cwd, run.lesson),
        )

    def _printed(self, seq: int | None) -> PrintedAt | None:
        detail = None if seq is None else self._store.detail(seq)
        return PrintedAt(seq, detail) if seq is not None and isinstance(detail, PrintDetail) else None

    # --- source -------------------------------------------------------------------------------------------------------

    def _source(self, event: Event | None, run: RunInfo, backward: BackwardCall | None) -> SourceView | None:
        if event is None:
            paths = (run.script, os.path.normpath(Path(run.cwd, run.script)))
            return next((self._view(path) for path in paths if self._lines(path) is not None), None)
        placed = self._placed(event)
        if placed is not None and placed.file is not None:
            place = (placed.line, placed.end_line, placed.column, placed.end_column)
            call = None if backward is None or backward.event.file != placed.file else backward.event.line
            return SourceView(
                placed.file,
                self._lines(placed.file) or (),
                *place,
                event.has_nonfinite,
                self._store.library(placed.seq),
                call,
                placed.kind == "error",
                self._caller(placed),
            )
        row = self._store.db.one(
            "SELECT s.path FROM event e CROSS JOIN site t ON t.id = e.site CROSS JOIN source s ON s.id = t.file"
            " WHERE e.seq < ? AND e.seq > ? ORDER BY e.seq DESC LIMIT 1",
            event.seq,
            event.seq - _LOOK_BACK,
        )
        return None if row is None else self._view(str(row[0]))

    def _caller(self, event: Event) -> tuple[str, int | None] | None:
        """Return what called the function that the place of an event is in."""
        stack = self._stacks.of(event.seq)
        return None if stack is None or len(stack.frames) < 2 else (stack.frames[1].file, stack.frames[1].line)

    def _placed(self, event: Event) -> Event | None:
        """Return the event whose place in the script counts at an event."""
        if event.kind == "intervention":  # made between two events, while the script stood at the first of them
            before = (self._store.event(seq) for seq in range(event.seq - 1, max(event.seq - _NEAR, 0), -1))
            return next((one for one in before if one.file is not None), None)
        return event if event.file is not None else self._fatal(event.seq)

    def _fatal(self, position: int) -> Event | None:
        """Return the error that nothing caught: what is printed and ends after it has no line of its own."""
        seq = self._store.latest("error", position)
        detail = None if seq is None else self._store.detail(seq)
        return self._store.event(seq) if seq and isinstance(detail, ErrorDetail) and detail.is_uncaught else None

    def _view(self, path: str) -> SourceView:
        return SourceView(
            file=path, lines=self._lines(path) or (), line=None, end_line=None, column=None, end_column=None
        )

    def _lines(self, path: str) -> tuple[str, ...] | None:
        """Return the lines of a source file; what is not on the tape yet may be there the next time."""
        lines = self._texts(path)
        if lines is None:
            self._texts.drop(path)
        return lines

    def _read_lines(self, path: str) -> tuple[str, ...] | None:
        text = self.source_text(path)
        if text is None:
            return None
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")  # as Python counts them: no form feeds
        return tuple(lines[:-1] if not lines[-1] else lines)

    def source_text(self, path: str) -> str | None:
        """Return the text of a source file, or None where it is not on the tape."""
        row = self._store.db.one("SELECT text FROM source WHERE path = ?", path)
        return None if row is None or row[0] is None else str(row[0])

    def sources(self) -> tuple[tuple[str, str | None], ...]:
        """Return path and text of every source file on the tape."""
        rows = self._store.db.all("SELECT path, text FROM source ORDER BY id LIMIT ?", MAX_SOURCES)
        return tuple((str(path), None if text is None else str(text)) for path, text in rows)

    # --- output -------------------------------------------------------------------------------------------------------

    def _read_outputs(self, last: int | None) -> tuple[OutputLine, ...]:
        """Return the newest outputs up to an output event."""
        if last is None:
            return ()
        rows = self._store.db.all(
            f"SELECT seq FROM event WHERE kind = {CODES['output']} AND seq <= ? ORDER BY seq DESC LIMIT ?",
            last,
            MAX_OUTPUTS,
        )
        found = ((seq, self._store.detail(seq)) for (seq,) in reversed(rows))
        return tuple(OutputLine(seq, one.stream, one.text) for seq, one in found if isinstance(one, OutputDetail))

    def _count_outputs(self, until: int) -> int:
        """Count the output events up to one, starting from the last count."""
        seq, count = self._counted
        first, last = sorted((seq, until))
        query = f"SELECT count(*) FROM event WHERE kind = {CODES['output']} AND seq > ? AND seq <= ?"
        between = self._store.db.all(query, first, last)[0][0]
        self._counted = (until, count + between if until > seq else count - between)
        return self._counted[1]


def fact(store: Store, key: str) -> str | None:
    """Return one fact of the run, or None."""
    row = store.db.one("SELECT value FROM run WHERE key = ?", key)
    return None if row is None else str(row[0])


def run_info(store: Store) -> RunInfo:
    """Return what the tape says of the whole run."""
    facts = {
        str(key): str(value)
        for key, value in store.db.all("SELECT key, value FROM run WHERE key NOT GLOB 'wrote_*' LIMIT 1000")
    }
    return RunInfo(
        script=facts.get("script") or facts.get("module") or "",
        arguments=_arguments(facts.get("arguments", "[]")),
        title=facts.get("title", ""),
        lesson=facts.get("lesson", ""),
        torch=facts.get("torch", ""),
        status=facts.get("status", ""),
        cwd=facts.get("cwd", ""),
        failures=read_failures(facts.get("failures")),
        stopped=stopped_of(store),
        called=store.called,
    )


def _arguments(text: str) -> tuple[str, ...]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    return tuple(str(item) for item in items) if isinstance(items, list) else ()
