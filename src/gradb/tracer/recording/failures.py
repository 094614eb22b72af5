"""What of gradb's own went wrong: each failure costs one event or one part of it, and is told and counted.

A part that is missing is a row of the tape's ``missing`` table, and so is a lost event, in whose place a note stands.
Each kind of failure is told once by a note. Nothing here may raise: it is called where something already has.
"""

from __future__ import annotations

import json
import os
from types import CodeType, TracebackType
from typing import Any, Protocol

from gradb.log.writer import LogWriter
from gradb.tape.cutting import first_line
from gradb.tape.expressions.faults import ExpressionError
from gradb.tape.kinds.note import write as write_note
from gradb.tape.kinds.registry import Kind
from gradb.tape.missing import GapRow
from gradb.tape.schema import QUIET
from gradb.tracer import FOLDER

_BOTH = "values gradients"
_UNSAID = "could not be said where it happened, as at the end of the stack"
_LOST: dict[str, tuple[str, str]] = {
    "ForwardCall.before": ("what a call was about to change", _BOTH),
    "ForwardCall.after": ("a call", _BOTH),
    "ForwardCall.failed": ("an error", ""),
    "EngineWatch._prepare": ("the beginning of a backward", _BOTH),
    "EngineWatch._begin_unseen": ("a loss", ""),
    "BackwardRun.begin": ("a backward", _BOTH),
    "BackwardRun.finish": ("the end of a backward", ""),
    "NodeVisit._before": ("a node", "gradients"),
    "NodeVisit._after": ("a node", "gradients"),
    "LeafVisit._before": ("an accumulation", "gradients"),
    "LeafVisit._after": ("an accumulation", "gradients"),
    "GradWatch.error": ("an error", ""),
    "GradWatch.suppresses": ("a call that clears gradients", "gradients"),
    "GradWatch._refused": ("a call that clears gradients", "gradients"),
    "GradWatch._before_clearing": ("a call that clears gradients", "gradients"),
    "GradWatch._cleared": ("a call that clears gradients", "gradients"),
    "StepWatch._attempt": ("what a step was about to change", "values"),
    "StepWatch._after": ("a step", "values"),
    "Iterations.made": ("an optimizer", ""),
    "ModuleScopes._entered": ("the scope of a module", ""),
    "ModuleScopes._name_arguments": ("names", ""),
    "ModuleScopes._name_result": ("names", ""),
    "ModuleScopes._registered": ("a parameter", ""),
    "UserHooks.register": ("a hook", ""),
    "UserHooks._removed": ("a hook", ""),
    "UserHooks._before": ("a hook", "gradients"),
    "UserHooks._after": ("a hook", "gradients"),
    "UserHooks._fill": ("the accumulation before a hook", "gradients"),
    "Look.before": ("an ATen call", ""),
    "Look.after": ("an ATen call", ""),
    "_name_scale": ("names", ""),
    "_name_result": ("names", ""),
}
"""What is lost when a guarded part fails, and what that may hide; any other may hide everything."""
_MAX_KINDS = 100
_MAX_TEXT = 120
Failure = tuple[str, str, bool]
"""What is missing, why, and whether the whole event is."""
Unsaid = tuple[type[BaseException], list[tuple[CodeType, int]]]
"""What an error was, and the code and lines that it came through, outermost first: nothing that keeps a frame."""


class Recording(Protocol):
    """The recorder, as far as failures are told to it."""

    writer: LogWriter
    has_errands: bool
    iteration: int
    phase: str

    def emit(self, kind: Kind, name: str, place: Any, detail: str, *, may_hold: bool = True) -> int:
        """Record an event."""
        ...


class Failures:
    """Counts the failures of one recording by kind.

    Args:
        recorder: whose tape says so.
    """

    def __init__(self, recorder: Recording) -> None:
        self._recorder = recorder
        self._counts: dict[Failure, int] = {}
        self._untold: list[tuple[str, str]] = []
        self.unsaid = 0
        """Events that were lost where there was no room on the stack to say so."""
        self.first_unsaid: Unsaid | None = None
        """What the first of these was lost by, as far as it could be kept."""
        self._is_saved = True
        self._faults: dict[str, str] = {}
        self._are_faults_saved = True

    def part(self, what: str, error: BaseException, *, hides: str = "") -> str:
        """Mark a part of the event that is being composed as missing; return why.

        Args:
            what: the part, in the plural: ``names``, ``values``.
            error: what it failed with.
            hides: what may have changed unseen by this: ``values``, ``gradients`` or ``values gradients``.
        """
        why = reason(error)
        try:
            recorder = self._recorder
            recorder.writer.missing(recorder.writer.head + 1, what, why, hides)
            if self._count((what, why, False)):
                text = f"{what} could not be recorded here: {why}; what else is missing so is counted"
                self._untold.append(("missing", text))
                recorder.has_errands = True
        except Exception:
            self._is_saved = False
        return why

    def condition(self, condition: str, error: Exception) -> None:
        """Say in the tape's facts that a breakpoint's condition makes no sense; a failure of gradb's own is an event.

        Who sets breakpoints, and which, must not move the numbers of events.
        """
        if isinstance(error, ExpressionError):
            if len(self._faults) < _MAX_KINDS:
                self._faults.setdefault(condition, str(error))
                self._are_faults_saved = False
            return
        text = f"at event {self._recorder.writer.head} the condition `{condition}` counts as false: {reason(error)}"
        self._untold.append(("gradb", text))
        self._recorder.has_errands = True

    def event(self, what: str, error: BaseException, *, hides: str = "", node: int | None = None) -> None:
        """Put a note in the place of an event that is lost."""
        self._lose(what, reason(error), hides, node)

    def _lose(self, what: str, why: str, hides: str, node: int | None = None) -> None:
        try:
            recorder = self._recorder
            is_first = self._count((what, why, True))
            writer = recorder.writer
            writer.pen.forget(writer.head)
            text = f"{what} not recorded here: {why}"
            seq = writer.event(
                "note", "missing", (None,) * 5, write_note(text=text), None,
                iteration=recorder.iteration, phase=recorder.phase, node=node, flags=0 if is_first else QUIET,
            )  # fmt: skip
            writer.missing(seq, what, why, hides)
        except Exception:
            self._is_saved = False

    def carried(self) -> list[GapRow]:
        """Take back what was said to be missing of the next event, before which others are about to be written."""
        writer, taken = self._recorder.writer, []
        while writer.gaps and writer.gaps[-1][0] > writer.head:
            taken.append(writer.gaps.pop())
        return taken[::-1]

    def carry(self, gaps: list[GapRow]) -> None:
        """Say what was taken back, of what is the next event now."""
        writer = self._recorder.writer
        writer.gaps += [(writer.head + 1, *gap[1:]) for gap in gaps]

    def keep_first(self, error: BaseException) -> None:
        """Keep what an event was lost by that nothing can be said of here, if it is the first.

        Near the end of the stack this may raise too.
        """
        if self.first_unsaid is None:
            self.first_unsaid = type(error), _came_through(error.__traceback__)

    def tell(self) -> None:
        """Write the notes that are due; called between two events."""
        unsaid, self.unsaid = self.unsaid, 0
        first, self.first_unsaid = self.first_unsaid, None
        for number in range(unsaid):
            why = f"why {_UNSAID}" if number or first is None else f"{_kept(first)}; more {_UNSAID}"
            self._lose("a call", why, _BOTH)
        while self._untold:
            name, text = self._untold.pop(0)
            self._recorder.emit("note", name, (None,) * 5, write_note(text=text), may_hold=False)

    def save(self) -> None:
        """Write the counts to the tape's facts, if they have changed."""
        if not self._is_saved:
            self._is_saved = True
            rows = [[*kind, count] for kind, count in self._counts.items()]
            self._recorder.writer.set_run(failures=json.dumps(rows))
        if not self._are_faults_saved:
            self._are_faults_saved = True
            self._recorder.writer.set_run(faults=json.dumps(self._faults))

    def _count(self, kind: Failure) -> bool:
        """Count one more; return whether it is the first of its kind."""
        self._is_saved = False
        known = self._counts.get(kind)
        if known is None and len(self._counts) >= _MAX_KINDS:
            kind = (kind[0], "for other reasons", kind[2])
            known = self._counts.get(kind)
        self._counts[kind] = (known or 0) + 1
        return known is None


def lost_by(part: object) -> tuple[str, str]:
    """Return what is lost when a part fails, and what that may hide."""
    return _LOST.get(getattr(part, "__qualname__", ""), ("an event", _BOTH))


def reason(error: BaseException) -> str:
    """Return what went wrong, and where in gradb, in one line."""
    try:
        line = first_line(str(error), _MAX_TEXT)
    except Exception:
        line = ""
    said = f": {line}" if line else ""
    return f"{type(error).__name__}{said}{_where(_came_through(error.__traceback__))}"


def _kept(unsaid: Unsaid) -> str:
    """Return what is known of an error that only this was kept of."""
    kind, places = unsaid
    return f"{kind.__name__}{_where(places)}"


def _came_through(traceback: TracebackType | None) -> list[tuple[CodeType, int]]:
    places = []
    while traceback is not None:
        places.append((traceback.tb_frame.f_code, traceback.tb_lineno))
        traceback = traceback.tb_next
    return places


def _where(places: list[tuple[CodeType, int]]) -> str:
    """Return the innermost place in the tracer that an error came through."""
    for code, line in reversed(places):
        if code.co_filename.startswith(FOLDER):
            return f" ({os.path.basename(code.co_filename)}:{line})"
    return ""
