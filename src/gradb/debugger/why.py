"""Asks a run where a NaN or an infinity was born: that of the position, of an event, of an iteration, or the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradb.debugger.errors import UserError
from gradb.debugger.interventions import parse_iteration
from gradb.diagnosis.nonfinite.explanation import Explanation, Nothing
from gradb.diagnosis.nonfinite.why import explain
from gradb.frame.reader import Tape, TapeError

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger

EXIT_FOUND, EXIT_NONE, EXIT_UNKNOWN = 0, 1, 2
_MAX_DIGITS = 15


def why(debugger: Debugger, argument: str) -> Explanation | Nothing:
    """Explain what an argument names: ``12`` an event, ``@3`` an iteration, nothing: the position, else the run.

    Raises:
        UserError: there is no such event or iteration, nothing is recorded yet, or the tape is damaged.
    """
    tape = debugger.tape
    if tape is None:
        raise UserError(debugger.failure or f"nothing is recorded yet ({debugger.status})")
    if argument.startswith("@"):
        return ask(tape, iteration=parse_iteration(argument[1:].strip()))
    if argument:
        return ask(tape, at=_event(argument))
    here = debugger.event()
    return ask(tape, at=here.seq if here is not None and here.has_nonfinite else None)


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


def exit_code(found: Explanation | Nothing) -> int:
    """Return 0 where a birth was found, 1 where nothing is non-finite, 2 where that cannot be told."""
    if isinstance(found, Nothing):
        return EXIT_NONE if found.is_sure else EXIT_UNKNOWN
    return EXIT_FOUND if found.is_found else EXIT_UNKNOWN


def _event(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < _MAX_DIGITS):
        raise UserError(f"{text!r} is not an event: give its number, or @N for an iteration")
    return int(text)
