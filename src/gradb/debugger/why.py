"""Asks a run why: where a NaN or an infinity was born, and at an error what it means and who did it.

The birth is that of the value at the position, of an event, of an iteration, or the first.

Where the run was only watched there, the script is run again, with what is around it recorded in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradb.debugger.errors import UserError
from gradb.debugger.interventions import parse_iteration
from gradb.debugger.places import read_place
from gradb.debugger.rerun.again import around
from gradb.debugger.rerun.following import Tell, silent
from gradb.debugger.rerun.watched import Watched, of_tape
from gradb.diagnosis.explaining import explanation
from gradb.diagnosis.fault import Fault, single
from gradb.diagnosis.nonfinite.explanation import Explanation, Nothing
from gradb.diagnosis.nonfinite.why import explain
from gradb.diagnosis.registry import RULES
from gradb.frame.called import Place
from gradb.frame.reader import Tape, TapeError
from gradb.tape.kinds.event import Event

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger

EXIT_FOUND, EXIT_NONE, EXIT_UNKNOWN = 0, 1, 2
FULL = 20
"""Iterations of a script that are recorded in full at once; most births are among them."""
AGAIN = "again"
"""What is asked for where a run again is to be offered."""
_UNEXPLAINED = Nothing("of this error gradb knows no more than its own words say", is_sure=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, and what is to be said of how."""

    found: Explanation | Nothing
    remarks: tuple[str, ...] = ()
    """Sentences: that the script was run again, and did the same or not."""

    @property
    def exit_code(self) -> int:
        """0 where it is known where it began, 1 where nothing is seen to be non-finite, 2 where it cannot be told."""
        if isinstance(self.found, Nothing):
            return EXIT_NONE if self.found.onset is None else EXIT_UNKNOWN
        return EXIT_FOUND if self.found.is_found else EXIT_UNKNOWN


def why(debugger: Debugger, argument: str) -> Explanation | Nothing | Fault:
    """Explain what an argument names: ``12`` an event, ``@3`` an iteration, nothing: the position, else the run.

    An iteration that was lived again is asked as it is in its place, and so is an event of it (``3000:17``). Of an
    error it is explained what it means and who did it.

    Raises:
        UserError: there is no such event or iteration, nothing is recorded yet, or the tape is damaged.
    """
    tape = debugger.run.tape
    if tape is None:
        raise UserError(debugger.failure or f"nothing is recorded yet ({debugger.status})")
    if argument == AGAIN:
        raise UserError("a script is run again for an answer on the screen, and by gradb why: here nobody can agree")
    if argument.startswith("@"):
        iteration = parse_iteration(argument[1:].strip())
        lived = debugger.inplace.covering(iteration)
        return ask(tape if lived is None else lived.tape, iteration=iteration)
    spot = debugger.spot_at(_place(argument)) if argument else debugger.spot
    tape = tape if spot.lived is None else spot.lived.tape
    here = tape.event(spot.position) if 1 <= spot.position <= tape.head else None
    if here is not None and here.kind == "error":
        return _error(tape, here)
    return ask(tape, at=spot.position if argument or (here is not None and here.has_nonfinite) else None)


def _error(tape: Tape, event: Event) -> Fault | Nothing:
    try:
        found = explanation(tape, event)
        return _UNEXPLAINED if found is None else single(tape, found, RULES[found.code])
    except TapeError as error:
        raise UserError(str(error)) from error


def ask(tape: Tape, at: int | None = None, iteration: int | None = None) -> Explanation | Nothing:
    """Explain the non-finite value of an event, of an iteration, or the first that matters.

    Raises:
        UserError: there is no such event, or the tape is damaged.
    """
    head = tape.head
    if at is not None and not 1 <= at <= head:
        raise UserError(f"there is no event {at}: this run has events 1 to {head}")
    try:
        return explain(tape.origins, head, at=at, iteration=iteration)
    except TapeError as error:
        raise UserError(str(error)) from error


def is_unseen(found: Explanation | Nothing) -> bool:
    """Tell whether what is asked about was only watched, so that a run again would show it."""
    return isinstance(found, Nothing) and found.onset is not None


@dataclass(frozen=True, slots=True)
class Offer:
    """That a script be run again around what was only watched."""

    first: Watched
    """What was watched, and what has to be agreed to."""
    found: Nothing
    """What is known of it: it has an onset."""


def offer(debugger: Debugger, found: Explanation | Nothing | Fault) -> Offer | None:
    """Return the run again that would show what was asked for; None where it would show no more.

    Raises:
        UserError: it would, and it cannot be run again.
    """
    tape = debugger.run.tape
    if tape is None or isinstance(found, Fault):
        return None
    wanted = ask(tape) if isinstance(found, Explanation) and not found.is_found else found
    if not isinstance(wanted, Nothing) or not is_unseen(wanted):
        return None
    if debugger.is_live:
        raise UserError("the script has not come to its end yet")
    return Offer(of_tape(tape.path), wanted)


def run_again(first: Watched, found: Nothing, tell: Tell = silent) -> Answer:
    """Run a script again around what was only watched, and explain what is not finite there.

    Args:
        first: the run that was watched; the user has agreed to its ``consent``.
        found: what the first run tells: it has an onset.
        tell: is called now and then while it runs.

    Raises:
        UserError: it cannot be run again.
    """
    assert found.onset is not None
    with around(first, found.onset, is_agreed=True, tell=tell) as again, _opened(again.tape) as tape:
        second = ask(tape)
        shown = _vanished(found, second) if isinstance(second, Nothing) else second
        return Answer(shown, (*again.sentences, *again.closing))


def _vanished(first: Nothing, second: Nothing) -> Nothing:
    """Return what is known where the second run does not show what the first one had."""
    had = f"in the first run {first.seen or first.text}"
    lacks = (
        f"run again, {second.seen}, and what it came of is not on the tape"
        if second.seen
        else "run again, it was not there"
    )
    text = f"{had}; {lacks}: so where it was born is not known"
    return Nothing(text, is_sure=False, onset=first.onset, seen=first.seen)


def _opened(path: str) -> Tape:
    try:
        return Tape.open(path, is_over=True)
    except TapeError as error:
        raise UserError(str(error)) from error


def _place(text: str) -> Place:
    if (place := read_place(text)) is None:
        raise UserError(f"{text!r} is not an event: give its number, or @N for an iteration")
    return place
