"""Builds Frames: everything true at a position, from the rows of the tape up to that position."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from gradb.algebra import jacobian
from gradb.algebra.local import Check
from gradb.frame.aten import Atens
from gradb.frame.cache import Cache
from gradb.frame.chain.chain import Chains
from gradb.frame.chain.pathfinder import PathFinder
from gradb.frame.chain.pathview import PathsAt
from gradb.frame.frame import Frame, GradBuffer, OutputLine, RunInfo, SourceView
from gradb.frame.gaps import Gaps, stopped_of
from gradb.frame.graph.graph import Graphs
from gradb.frame.memory import Holdings
from gradb.frame.naming import Naming
from gradb.frame.store import Store
from gradb.frame.training import Trainings
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.output import OutputDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tape.missing import Gap, read_failures
from gradb.tape.values import TensorValue

MAX_OUTPUTS = 500
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
        self._leaves = Leaves(store)
        self._gaps = Gaps(store)
        self.trainings = Trainings(store)
        self._holdings = Holdings(graphs, self.trainings)
        self._lines = Cache(self._read_lines, 32)
        self._outputs = Cache(self._read_outputs, 4)
        self._counted = (0, 0)

    def at(self, position: int, head: int, run: RunInfo) -> Frame:
        """Return the Frame at a position, 0 <= position <= head."""
        event = self._store.event(position) if position else None
        detail = self._store.detail(position) if position else None
        outputs = self._outputs(self._store.latest("output", position))
        return Frame(
            position,
            head,
            run,
            event,
            detail,
            event.phase if event else "start",
            event.iteration if event else 0,
            self._source(event, run),
            self._graphs.at(position),
            self._chains.at(position),
            self._grads(position, event),
            outputs,
            self._count_outputs(outputs[0].event - 1) if outputs else 0,
            self._naming.known(position),
            self.trainings.at(position, head, event.iteration if event else 0),
            PathsAt(self._pathfinder, position),
            self._holdings.at(position),
            self._atens.at(event, detail),
            self._gaps.at(position),
            self._gaps.parts_of(position),
        )

    # --- source -------------------------------------------------------------------------------------------------------

    def _source(self, event: Event | None, run: RunInfo) -> SourceView | None:
        if event is None:
            paths = (run.script, os.path.normpath(Path(run.cwd, run.script)))
            return next((self._view(path) for path in paths if self._lines(path) is not None), None)
        placed = event if event.file is not None else self._fatal(event.seq)
        if placed is not None and placed.file is not None:
            place = (placed.line, placed.end_line, placed.column, placed.end_column)
            return SourceView(
                placed.file,
                self._lines(placed.file) or (),
                *place,
                event.has_nonfinite,
                self._store.library(placed.seq),
            )
        row = self._store.db.one(
            "SELECT s.path FROM event e JOIN source s ON s.id = e.file WHERE e.seq < ? AND e.seq > ?"
            " ORDER BY e.seq DESC LIMIT 1",
            event.seq,
            event.seq - _LOOK_BACK,
        )
        return None if row is None else self._view(str(row[0]))

    def _fatal(self, position: int) -> Event | None:
        """Return the error that nothing caught: what is printed and ends after it has no line of its own."""
        seq = self._store.latest("error", position)
        detail = None if seq is None else self._store.detail(seq)
        return self._store.event(seq) if seq and isinstance(detail, ErrorDetail) and detail.is_uncaught else None

    def _view(self, path: str) -> SourceView:
        return SourceView(path, self._lines(path) or (), None, None, None, None)

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

    # --- gradients ----------------------------------------------------------------------------------------------------

    def _grads(self, position: int, event: Event | None) -> tuple[GradBuffer, ...]:
        iteration = event.iteration if event is not None and event.phase == "backward" else 0
        worked = self._store.last_work(position)
        found = (self._grad(leaf, position, iteration, worked) for leaf in self._leaves.at(position))
        return tuple(one for one in found if one.event is not None or one.leaf is None or one.leaf.numel)

    def _grad(self, leaf: int, position: int, iteration: int, worked: int) -> GradBuffer:
        """Return one buffer.

        ``iteration`` is that of the backward going on, 0 outside of any; what the script lets go of after it has
        computed for the last time, at ``worked``, stays to be looked at.
        """
        value = self.value(leaf, position)
        event, fills, since = self._store.grad_event(leaf, position) or (None, 0, 0)
        before, added, after, how, told = self._touched(leaf, event)
        name = self._naming.best(leaf, position, value.name if value else None, told) or f"leaf #{leaf}"
        is_current = event is not None and event == position and bool(how)
        check = _check(before, added, after) if is_current and how == "accumulated" else None
        newest = value.value if value else None
        doubt = self._doubt_of_grad(leaf, event or 0, position)
        if doubt:
            unknown = _unknown(after or newest, doubt)
            return GradBuffer(leaf, name, newest, None, None, unknown, None, False, None, "", -1, 0, is_stale=None)
        is_stale: bool | None = fills != 0 and since < iteration
        if fills and self._gap_of_grad(leaf, self._store.emptied(leaf, position), position) is not None:
            fills, is_stale = -1, None
        return GradBuffer(
            leaf, name, newest, before, added, after, event, is_current, check, how, fills, since, is_stale,
            self._is_gone(leaf, worked), value is not None and not value.requires_grad and after is None,
            bool(is_stale) and not self._store.was_empty(leaf, position),
        )  # fmt: skip

    def _is_gone(self, leaf: int, position: int) -> bool:
        """Tell whether a leaf is no more at a position: its node lives as long as it does."""
        found = self._store.defined_at(leaf, position)
        return found is not None and found[1] is not None and self._store.gone(found[1], position) is not None

    def value(self, tensor: int, position: int) -> Tensor | None:
        """Return the newest appearance of a tensor; it has no value where that may have changed unseen."""
        found = self._store.defined_at(tensor, position)
        known = None if found is None else self._store.defined(found[0]).get(tensor)
        doubt = "" if found is None else self._doubt(found[0], position, self._gaps.of_value(found[0], position))
        if known is None or not doubt:
            return known
        return replace(known, value=_unknown(known.value, doubt))

    def _doubt_of_grad(self, tensor: int, event: int, position: int) -> str:
        """Say why the ``.grad`` of a tensor is not known any more that was recorded at an event; empty: it is."""
        return self._doubt(event, position, self._gap_of_grad(tensor, event, position))

    def _gap_of_grad(self, tensor: int, event: int, position: int) -> Gap | None:
        found = self._store.defined_at(tensor, position)
        return self._gaps.of_buffer(None if found is None else found[1], event, position)

    def _doubt(self, event: int, position: int, gap: Gap | None) -> str:
        mark = self.trainings.unseen_since(event, position, self._store.head)
        if mark is not None:
            return f"not recorded since iteration {mark.iteration}: only watched"
        return "" if gap is None else gap.doubt

    def _touched(
        self, leaf: int, event: int | None
    ) -> tuple[TensorValue | None, TensorValue | None, TensorValue | None, str, str]:
        """Return before, added, after, how, and the name told by the event that touched a buffer last."""
        detail = None if event is None else self._store.detail(event)
        if isinstance(detail, AccumulateDetail):
            return detail.before, detail.added, detail.after, "accumulated", detail.parameter
        if isinstance(detail, ZeroGradDetail):
            for one in detail.cleared:
                if one.tensor == leaf:
                    how = "cleared (set to None)" if one.after is None else "cleared (zeroed)"
                    return one.before, None, one.after, how, one.parameter
        if isinstance(detail, GradChangeDetail):
            for one in detail.changed:
                if one.tensor == leaf:
                    return one.before, None, one.after, f"changed by {detail.by}", one.parameter
        if isinstance(detail, HookDetail) and len(detail.before) == len(detail.after) == 1:
            before, after = (None if one is None else one.value for one in (*detail.before, *detail.after))
            return before, None, after, f"changed by the hook {detail.function}", ""
        if isinstance(detail, DepthDetail):
            for tensor, gradient in zip(detail.leaves, detail.gradients, strict=True):
                if tensor.id == leaf:  # it was there before: the event found it
                    unseen = _unknown(gradient, "not recorded: only watched before")
                    return unseen, unseen, gradient, "", tensor.name or ""
        return None, None, None, "", ""

    def grad(self, name: str, position: int) -> TensorValue | None:
        """Return the ``.grad`` of the variable called ``name`` at a position."""
        leaf = self._naming.tensor(name, position)
        found = None if leaf is None else self._store.grad_event(leaf, position)
        if leaf is None or found is None:
            return None
        after = self._touched(leaf, found[0])[2]
        doubt = self._doubt_of_grad(leaf, found[0], position)
        return _unknown(after, doubt) if doubt else after

    # --- output -------------------------------------------------------------------------------------------------------

    def _read_outputs(self, last: int | None) -> tuple[OutputLine, ...]:
        """Return the newest outputs up to an output event."""
        if last is None:
            return ()
        rows = self._store.db.all(
            "SELECT seq FROM event WHERE kind = 'output' AND seq <= ? ORDER BY seq DESC LIMIT ?", last, MAX_OUTPUTS
        )
        found = ((seq, self._store.detail(seq)) for (seq,) in reversed(rows))
        return tuple(OutputLine(seq, one.stream, one.text) for seq, one in found if isinstance(one, OutputDetail))

    def _count_outputs(self, until: int) -> int:
        """Count the output events up to one, starting from the last count."""
        seq, count = self._counted
        first, last = sorted((seq, until))
        query = "SELECT count(*) FROM event WHERE kind = 'output' AND seq > ? AND seq <= ?"
        between = self._store.db.all(query, first, last)[0][0]
        self._counted = (until, count + between if until > seq else count - between)
        return self._counted[1]


class Leaves:
    """The leaves of a tape in the order of their appearance, the first ``MAX`` of them."""

    MAX = 512

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read_at = 0
        self._found: dict[int, int] = {}
        """tensor -> event of its first appearance."""

    def at(self, position: int) -> list[int]:
        """Return the leaves that have appeared up to a position."""
        head = self._store.head
        if head > self._read_at:
            self._read_leaves(head)
            self._read_touched()
            self._read_at = head
        first = sorted((event, tensor) for tensor, event in self._found.items() if event <= position)
        return [tensor for _, tensor in first[: self.MAX]]

    def _read_leaves(self, head: int) -> None:
        query = "SELECT seq FROM event WHERE kind = 'leaf' AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
        room = max(0, self.MAX - len(self._found))
        for (seq,) in self._store.db.all(query, self._read_at, head, room):
            for tensor in self._store.defined(seq):
                self._found.setdefault(tensor, seq)

    def _read_touched(self) -> None:
        """Add the leaves whose ``.grad`` was touched, jumping through the index from one tensor to the next."""
        query = "SELECT tensor, min(event) FROM grad WHERE tensor > ? GROUP BY tensor ORDER BY tensor LIMIT 1"
        row = self._store.db.one(query, -(2**63))
        while row is not None and len(self._found) < 2 * self.MAX:
            self._found[row[0]] = min(row[1], self._found.get(row[0], row[1]))
            row = self._store.db.one(query, row[0])


def _unknown(value: TensorValue | None, note: str) -> TensorValue:
    """Return a value that is not known: what was recorded of it may have changed since."""
    if value is None:
        return TensorValue((), "", None, None, note)
    return TensorValue(value.shape, value.dtype, None, None, note)


def _check(before: TensorValue | None, added: TensorValue | None, after: TensorValue | None) -> Check | None:
    check = None if added is None else jacobian.check_sum((before, added), after)
    if check is None or not check.is_ok or check.text != jacobian.AGREES:
        return check
    return Check(True, check.max_error, "before + added = after")


def fact(store: Store, key: str) -> str | None:
    """Return one fact of the run, or None."""
    row = store.db.one("SELECT value FROM run WHERE key = ?", key)
    return None if row is None else str(row[0])


def run_info(store: Store) -> RunInfo:
    """Return what the tape says of the whole run."""
    facts = {str(key): str(value) for key, value in store.db.all("SELECT key, value FROM run LIMIT 1000")}
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
    )


def _arguments(text: str) -> tuple[str, ...]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    return tuple(str(item) for item in items) if isinstance(items, list) else ()
