"""The exception that ended a script, and which findings are about it: one that the script catches is no fault."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.diagnosis.finding import Finding
from gradb.frame.reader import Tape
from gradb.tape.kinds.end import EndDetail
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.stops import Stop

_ERROR = Stop("kind", "error")


@dataclass(frozen=True, slots=True)
class Uncaught:
    """The exception that ended the script."""

    event: int
    detail: ErrorDetail
    is_explained: bool = False
    """A rule has found what is behind it."""

    def is_behind(self, finding: Finding, tape: Tape) -> bool:
        """Tell whether a finding of a rule about errors is about this one: where it was raised, or told at the end."""
        raised: int | None = finding.event
        if tape.event(finding.event).kind != "error":
            raised = tape.find(_ERROR, finding.event, 1)
        detail = None if raised is None else tape.detail(raised)
        if not isinstance(detail, ErrorDetail):
            return False
        return (detail.type, detail.message) == (self.detail.type, self.detail.message)


def uncaught(tape: Tape) -> Uncaught | None:
    """Return the exception that ended the script, or None.

    Raises:
        TapeError: the tape is damaged.
    """
    head = tape.head
    if not head:
        return None
    seq = head if tape.event(head).kind == "error" else tape.find(_ERROR, head, -1)
    detail = None if seq is None else tape.detail(seq)
    if seq is None or not isinstance(detail, ErrorDetail) or not detail.is_uncaught:
        return None
    return Uncaught(seq, detail)


def failure(tape: Tape) -> str:
    """Return how the script ended that did not end well, ``exit code 3``; empty where it did, or is not over."""
    detail = tape.detail(tape.head) if tape.is_finished else None
    if not isinstance(detail, EndDetail) or (not detail.exit_code and detail.signal is None):
        return ""
    return detail.reason if detail.signal is not None else f"exit code {detail.exit_code}"
