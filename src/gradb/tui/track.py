"""What the scrubber says of a debugger: the run, the position in it, and what lies in place of it. It draws nothing."""

from __future__ import annotations

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.inplace import Hidden
from gradb.tui.bars import Track
from gradb.tui.judging import marks_of


def track_of(debugger: Debugger) -> Track | None:
    """Return what the scrubber says; None as long as nothing is recorded."""
    tape, run = debugger.run.tape, debugger.run
    if tape is None:
        return None
    marks = marks_of(debugger.judging_of_run.judged)
    kept = tuple(head for _, head in run.checkpoints.standing.places)
    return Track(tape.event, debugger.position_of_run, run.head, marks, tape.backward_calls, _opened(debugger), kept)


def _opened(debugger: Debugger) -> tuple[Hidden, ...]:
    try:
        return debugger.inplace.hidden(debugger.run.tape)
    except UserError:  # the Frame says so
        return ()
