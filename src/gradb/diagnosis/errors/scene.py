"""Where an error was raised: the event that tells it, the failed run of the engine before it, and words for events."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gradb.diagnosis.errors.source import segment
from gradb.diagnosis.finding import Finding, Step
from gradb.frame.reader import Tape
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor

_MAX_TWINS = 32  # errors that were caught, looked through for the place where one was raised
_NEAR = 16  # events between the end of a failed backward and the error


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A call of the engine that raised, and the node that it was running."""

    start: int
    """seq of its backward_start event."""
    node: int | None
    """Id of the node; None where none was running, or it was not recorded."""
    event: int
    """seq of the node's node_start event; where there is none, of the backward_end."""


class Scene:
    """An error of torch's on a tape.

    Args:
        tape: what was recorded.
        event: of the error, where torch raised it if that was seen.
        detail: of that event.
        traceback: Python's rendering, where the error was not caught; else empty.
    """

    def __init__(self, tape: Tape, event: Event, detail: ErrorDetail, traceback: str = "") -> None:
        self.tape, self.event, self.detail, self.traceback = tape, event, detail, traceback

    @classmethod
    def of(cls, tape: Tape, event: Event) -> Scene | None:
        """Return the scene of an error; None where a ``raise`` that is not torch's made it: it may mean anything."""
        detail = tape.detail(event.seq) if event.kind == "error" else None
        if not isinstance(detail, ErrorDetail) or detail.is_raised:
            return None
        raised = _raised(tape, event.seq, detail) if detail.is_uncaught else None
        if raised is None:
            return cls(tape, event, detail, detail.traceback)
        seq, found = raised
        return None if found.is_raised else cls(tape, tape.event(seq), found, detail.traceback)

    @property
    def seq(self) -> int:
        """Position at which it was raised."""
        return self.event.seq

    @property
    def message(self) -> str:
        """What torch says."""
        return self.detail.message

    def failed_run(self) -> FailedRun | None:
        """Return the call of the engine that raised the error; None where none did."""
        for seq in range(self.seq - 1, max(self.seq - _NEAR, 0), -1):
            if self.tape.event(seq).kind == "backward_end":
                detail = self.tape.detail(seq)
                is_it = isinstance(detail, BackwardEndDetail) and self.message in detail.error
                return _running(self.tape, detail.start, seq) if is_it else None  # type: ignore[union-attr]
        return None

    def maker(self, tensor: Tensor) -> Event | None:
        """Return the event that made a tensor as it is, or last changed it; None where that was not recorded."""
        seq = self.tape.defined_at(tensor.id, self.seq - 1) if tensor.id else None
        return None if seq is None else self.tape.event(seq)

    # --- words --------------------------------------------------------------------------------------------------------

    def place(self, event: Event) -> str:
        """Return where an event happened, for a sentence: ``on line 4``, in another file ``at model.py:4``."""
        if event.line is None:
            return "at a place that is not known"
        if event.file == self.event.file or event.file is None:
            return f"on line {event.line}"
        return f"at {Path(event.file).name}:{event.line}"

    def code(self, event: Event) -> str:
        """Return what stands in the source there, in backquotes: `` `y.add_(1)` ``; else the name of the call."""
        text = segment(self.tape, event)
        if not text:
            detail = self.tape.detail(event.seq)
            text = detail.function if isinstance(detail, OpDetail) else event.name
        return f"`{text}`"

    def at(self, event: Event) -> str:
        """Return both: `` `y.add_(1)` on line 4 ``."""
        return f"{self.code(event)} {self.place(event)}"

    def finding(
        self,
        code: str,
        message: str,
        *,
        culprit: Event | None = None,
        steps: tuple[Step, ...] = (),
        tensors: tuple[str | None, ...] = (),
        advice: str = "",
    ) -> Finding:
        """Return the finding; ``culprit``: whose place the reader is to open, None for that of the error itself."""
        place = culprit if culprit is not None and culprit.line is not None else self.event
        names = tuple(dict.fromkeys(name for name in tensors if name))
        return Finding(code, self.seq, message, place.file, place.line, steps, names, advice)


def shape_text(tensor: Tensor) -> str:
    """Return the shape of a tensor: ``[4, 3]``."""
    return f"[{', '.join(map(str, tensor.value.shape))}]"


def _raised(tape: Tape, seq: int, uncaught: ErrorDetail) -> tuple[int, ErrorDetail] | None:
    """Return the event at which the error was raised that ended the script; None where that was not seen."""
    position = seq
    for _ in range(_MAX_TWINS):
        position = tape.latest("error", position - 1) or 0
        if not position:
            return None
        detail = tape.detail(position)
        if not isinstance(detail, ErrorDetail):
            return None
        if (detail.type, detail.message) == (uncaught.type, uncaught.message) and not detail.is_uncaught:
            return position, detail
    return None


def _running(tape: Tape, start: int, end: int) -> FailedRun:
    """Return the node that a backward was running when it ended."""
    finished: set[int] = set()
    for seq in range(end - 1, start, -1):
        event = tape.event(seq)
        if event.node is None:
            continue
        if event.kind in {"node", "accumulate"}:
            finished.add(event.node)
        elif event.kind == "node_start":
            if event.node not in finished:
                return FailedRun(start, event.node, seq)
            finished.discard(event.node)
    return FailedRun(start, None, end)
