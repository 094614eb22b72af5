"""`print EXPR`: what an expression comes to at the position, by what is recorded there."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.debugger.displays import value_at
from gradb.debugger.errors import UserError
from gradb.debugger.expect import reading
from gradb.debugger.view import View
from gradb.frame.displayed import Found
from gradb.frame.reader import TapeError
from gradb.tape.expressions.faults import ExpressionError, NoValue


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

    That, and what is raised, is where a script that is held here can be asked for more.

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
