"""`print EXPR`: what an expression comes to at the position.

A script that is held there is asked for what a variable is: that runs its own code, and is that frame's. The tape tells
the rest, what only it has, and what is past; and of each variable of when that is.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
from dataclasses import dataclass, field

from gradb.debugger.debugger import Debugger
from gradb.debugger.displays import value_at
from gradb.debugger.errors import UserError
from gradb.debugger.expect import reading
from gradb.debugger.provenance import Source, bound_in_sources, sources_of, sources_text
from gradb.debugger.view import View
from gradb.frame.called import NUMBERS, Called
from gradb.frame.displayed import Found
from gradb.frame.frame import PrintedAt
from gradb.frame.reader import Tape, TapeError
from gradb.tape.expressions.faults import ExpressionError, NoValue
from gradb.tape.expressions.functions import FUNCTIONS
from gradb.tape.expressions.names import WORDS
from gradb.tape.expressions.syntax import Expression

_ASKS = "!"
"""Before an expression that only the script is to evaluate."""
_TAPES_OWN = frozenset(WORDS) - {"loss"}
"""Names that say nothing to the script, as good as ever."""
_TAPES_CALLS = frozenset({*FUNCTIONS, "approx", "tensor"}) - frozenset(dir(builtins))
"""Functions that Python has not: its own ``max(x)`` is the script's."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What an expression comes to."""

    text: str
    """As it was typed."""
    position: int
    """Where it was evaluated."""
    found: Found
    sources: tuple[Source, ...] = ()
    """Where the values of the variables in it are from."""
    note: str = ""
    """Why it is told by the tape though a script is held there; empty where that says itself."""
    called: Called = field(default=NUMBERS, compare=False)
    """What the events of the tape are called."""

    @property
    def origin(self) -> str:
        """Where it is from, and why from there, on one line; empty where it speaks of no variable."""
        return "; ".join(part for part in (sources_text(self.sources) if self.sources else "", self.note) if part)


def printed(view: View, text: str) -> Printed:
    """Evaluate an expression at the position, by the tape alone; of what has no value there is told why.

    Raises:
        UserError: it cannot be read, speaks of what there is not, or makes no sense; or the tape is damaged.
    """
    if not text:
        raise UserError("`print` needs an expression, e.g. print norm(upstream)")
    return _by_tape(view, view.position, text)


def _by_tape(view: View, position: int, text: str, note: str = "") -> Printed:
    expression, tape = reading.read(text), view.recorded()
    try:
        value = value_at(tape, position, expression)
        return Printed(text, position, Found(value), sources_of(tape, position, expression), note, tape.called)
    except NoValue as error:
        return Printed(text, position, Found(why=str(error)), called=tape.called)
    except (ExpressionError, TapeError) as error:
        raise UserError(str(error)) from error


def ask(debugger: Debugger, text: str) -> Printed | None:
    """Evaluate an expression; None where the script has been asked for it, which answers by an event.

    A variable is the held frame's wherever that can be asked: the tape knows no scopes.

    Raises:
        UserError: neither can tell: the tape's reason.
    """
    if text.startswith(_ASKS):
        if why := _unasked(debugger):
            raise UserError(f"`print !EXPR` asks the script, and {why}")
        debugger.evaluate(text.removeprefix(_ASKS).strip())
        return None
    if not text or _unasked(debugger):
        return printed(debugger, text)
    with contextlib.suppress(UserError):
        expression = reading.read(text)
        if _is_the_tapes(debugger.recorded(), expression, text):
            found = printed(debugger, text)
            if not found.found.why or expression.names & _TAPES_OWN:
                return found
    debugger.evaluate(text)
    return None


def _is_the_tapes(tape: Tape, expression: Expression, text: str) -> bool:
    """Tell whether an expression says what only the tape's language has, or names nothing at all."""
    called = {
        node.func.id
        for node in ast.walk(expression.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    own = (expression.names & _TAPES_OWN) | (frozenset(called) & _TAPES_CALLS)
    return not expression.names or not _is_python(text) or bool(own - bound_in_sources(tape, own))


def _is_python(text: str) -> bool:
    """Tell whether Python can read an expression: it cannot read ``net.0.weight``."""
    try:
        ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def recalled(debugger: Debugger, answered: PrintedAt, text: str) -> Printed | None:
    """Return what the tape has by a name that the held frame does not know, as of before it was asked; None: nothing.

    Args:
        debugger: what was asked.
        answered: its answer.
        text: as it was typed; of what begins with ! the answer is the script's alone.
    """
    error = answered.detail.error
    if text.startswith(_ASKS) or not error.startswith("NameError"):
        return None
    try:
        found = _by_tape(debugger, answered.event - 1, text, f"the held frame does not know it: {error}")
    except UserError:
        return None
    return None if found.found.why else found


def _unasked(debugger: Debugger) -> str:
    """Return why the script cannot be asked, or nothing where it is held at the position."""
    if not debugger.is_live:
        return "this is a recording: only what is on it can be told"
    if debugger.is_running:
        return "it is running: pause it first"
    if not debugger.is_at_head:
        return f"it is held at event {debugger.run.head}, not here: `head` goes there"
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
