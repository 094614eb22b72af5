"""What a question is about may not be recorded yet: then the script runs on to the end of the statement.

The position stays where it is, in the past; what is recorded meanwhile is shown when it is come to.
"""

from __future__ import annotations

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.quiz.quiz import moment_of
from gradb.frame.lesson.lesson import Moment, Question
from gradb.link.messages import Continue
from gradb.tape.stops import Stop


def moment_here(debugger: Debugger) -> Moment:
    """Return the question that is asked at the position, else the last one before.

    Raises:
        UserError: there is none, or this is another run than the one that asks.
    """
    if debugger.spot.lived is not None:
        raise UserError("the questions are about the first run, and this is an iteration of it that was lived again")
    return debugger.quiz.here(debugger.tape, debugger.position, debugger.head)


def moment_told(debugger: Debugger, question: Question) -> int | None:
    """Return the position that a question is about; None as long as the script is in the statement, or its next
    events may tell what the variables mean that it gives new values.

    A script that ended in it is at its head.

    Raises:
        UserError: the tape is damaged.
    """
    tape = debugger.tape
    moment = moment_of(tape, question, debugger.head)
    bindings = None if tape is None else tape.lessons.bindings
    if debugger.is_live and moment and bindings and bindings.is_open(moment, debugger.head):
        return None
    told = None if moment is None else moment.told
    return debugger.head if told is None and not debugger.is_live else told


def run_ahead(debugger: Debugger) -> None:
    """Let a live script that stands still at its head go one step on, without the position."""
    tape, head = debugger.tape, debugger.head
    if tape is not None and not debugger.is_running:
        debugger.stay()
        updates = debugger.displays.asks_for_updates
        debugger.run.run_on(Continue(Stop("step"), (), tape.event(head), measures_updates=updates))
