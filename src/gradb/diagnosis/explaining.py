"""Explains an error of torch's that stands on a tape, caught or not: what it means here, and who did it."""

from __future__ import annotations

from gradb.diagnosis.errors.scene import Scene
from gradb.diagnosis.errors.table import ROWS
from gradb.diagnosis.finding import Finding
from gradb.frame.reader import Tape
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.kinds.event import Event


def explanation(tape: Tape, event: Event) -> Finding | None:
    """Return what is known of the error at an event; None where it is no error, or none that has a rule.

    What the script or a library raised in words of its own is never explained, whatever these say.

    Raises:
        TapeError: the tape is damaged.
    """
    scene = Scene.of(tape, event) if event.kind == "error" else None
    if scene is None:
        return None
    return next((found for row in ROWS if (found := row.explain(scene)) is not None), None)


def explanation_of_end(tape: Tape) -> Finding | None:
    """Return what is known of the error that ended the script; None where none did, or it has no rule.

    Raises:
        TapeError: the tape is damaged.
    """
    last = tape.latest("error", tape.head)
    detail = None if last is None else tape.detail(last)
    is_end = isinstance(detail, ErrorDetail) and detail.is_uncaught
    return explanation(tape, tape.event(last)) if last is not None and is_end else None
