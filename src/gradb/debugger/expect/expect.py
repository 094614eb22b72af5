"""`expect EXPR`: evaluates an expression at a position of the tape and shows the difference when it is false."""

from __future__ import annotations

import ast
import itertools
from typing import Protocol

from gradb.debugger.errors import ExpectationFailed, UserError
from gradb.debugger.expect import reading
from gradb.debugger.expect.names import TapeNames
from gradb.frame.frame import Frame
from gradb.frame.reader import Tape
from gradb.tape.expressions.equality import cut, differences, show
from gradb.tape.expressions.evaluator import Evaluator
from gradb.tape.expressions.faults import NoValue
from gradb.tape.expressions.syntax import MAX_LENGTH, Expression

_MOST_DIFFERENCES = 5


class Placed(Protocol):
    """A tape and a position on it, as a debugger has."""

    @property
    def tape(self) -> Tape | None:
        """The tape."""
        ...

    def frame(self) -> Frame:
        """Return everything true at the position."""
        ...


def check(debugger: Placed, text: str) -> None:
    """Check that an expression holds at the debugger's position.

    Raises:
        ExpectationFailed: it does not hold.
        UserError: it cannot be read, or speaks of what is not there.
    """
    expression, frame = read(text), debugger.frame()
    assert debugger.tape is not None  # else there would be no frame
    evaluator = Evaluator(TapeNames(debugger.tape, frame.position))
    with reading.told():
        holds = evaluator.truth(expression)
        failure = "" if holds else _failure(text, expression, evaluator, frame)
    if not holds:
        raise ExpectationFailed(failure)


def read(text: str) -> Expression:
    """Read an expectation.

    Raises:
        UserError: it is empty, too long or cannot be read.
    """
    if not text or len(text) > MAX_LENGTH:
        raise UserError("`expect` needs an expression, e.g. expect a.grad == [28, 36, 44, 52]")
    return reading.read(text, "an expectation")


def _failure(text: str, expression: Expression, evaluator: Evaluator, frame: Frame) -> str:
    at = f"position {frame.called(frame.position)}"
    if frame.event is not None:
        at += f" ({frame.event.kind} {frame.event.name})"
    lines = [f"expect {text} does not hold at {at}"]
    part = _failing_part(expression, evaluator)
    if part is not expression:
        lines.append(f"  {part.text}")
    if isinstance(part.tree, ast.Compare) and len(part.tree.ops) == 1:
        sides = part.tree.left, part.tree.comparators[0]
        left, right = (evaluator.value(part.part(side)) for side in sides)
        lines += [f"  left:  {cut(show(left))}", f"  right: {cut(show(right))}"]
        if isinstance(part.tree.ops[0], ast.Eq):
            lines += [f"  {text}" for text in itertools.islice(differences(left, right), _MOST_DIFFERENCES)]
    return "\n".join(lines)


def _failing_part(expression: Expression, evaluator: Evaluator) -> Expression:
    """Return the first condition of a conjunction that fails."""
    while isinstance(expression.tree, ast.BoolOp) and isinstance(expression.tree.op, ast.And):
        parts = map(expression.part, expression.tree.values)
        expression = next(part for part in parts if _is_false(part, evaluator))
    return expression


def _is_false(expression: Expression, evaluator: Evaluator) -> bool:
    try:
        return not evaluator.truth(expression)
    except NoValue:
        return False
