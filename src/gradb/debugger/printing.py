"""`print EXPR`: what an expression comes to at the position, by what is recorded there.

What the tape cannot tell, a script that is held at the position is asked for: that runs its own code.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradb.debugger.debugger import Debugger
from gradb.debugger.displays import value_at
from gradb.debugger.errors import UserError
from gradb.debugger.expect import reading
from gradb.debugger.view import View
from gradb.frame.displayed import Found
from gradb.frame.frame import PrintedAt
from gradb.frame.reader import TapeError
from gradb.tape.expressions.faults import ExpressionError, NoValue
from gradb.tape.expressions.names import WORDS

_ASKS = "!"
"""Before an expression that only the script is to evaluate."""
_TAPES_OWN = frozenset(WORDS) - {"loss"}
"""Names that say nothing to the script, as good as ever."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What an expression comes to."""

    text: str
    """As it was typed."""
    position: int
    """Where it was evaluated."""
    found: Found


def printed(view: View, text: str) -> Printed:
    """Evaluate an expression at the position, by the tape alone; of what has no value there is told why.

    Raises:
        UserError: it cannot be read, speaks of what there is not, or makes no sense; or the tape is damaged.
    """
    if not text:
        raise UserError("`print` needs an expression, e.g. print norm(upstream)")
    expression, position, tape = reading.read(text), view.position, view.recorded()
    try:
        return Printed(text, position, Found(value_at(tape, position, expression)))
    except NoValue as error:
        return Printed(text, position, Found(why=str(error)))
    except (ExpressionError, TapeError) as error:
        raise UserError(str(error)) from error


def ask(debugger: Debugger, text: str) -> Printed | None:
    """Evaluate an expression by the tape; None where the script has been asked for it, which answers by an event.

    Raises:
        UserError: neither can tell: the tape's reason.
    """
    if text.startswith(_ASKS):
        if why := _unasked(debugger):
            raise UserError(f"`print !EXPR` asks the script, and {why}")
        debugger.evaluate(text.removeprefix(_ASKS).strip())
        return None
    try:
        found = printed(debugger, text)
    except UserError:
        if not text or _unasked(debugger):
            raise
    else:
        if not found.found.why or reading.read(text).names & _TAPES_OWN or _unasked(debugger):
            return found
    debugger.evaluate(text)
    return None


def _unasked(debugger: Debugger) -> str:
    """Return why the script cannot be asked, or nothing where it is held at the position."""
    if not debugger.is_live:
        return "this is a recording: only what is on it can be told"
    if debugger.is_running:
        return "it is running: pause it first"
    if debugger.position != debugger.head:
        return f"it is held at event {debugger.head}, not here: `head` goes there"
    return ""


def answer(debugger: Debugger) -> PrintedAt:
    """Return what the script has answered, once it is held again.

    Raises:
        UserError: it has not, since it is over.
    """
    found = debugger.frame().printed
    if found is None or found.event != debugger.position:
        raise UserError(f"the script has not answered: {debugger.status}")
    return found
