"""Evaluates expressions at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.expressions.compiler import Run, test_of
from gradb.tape.expressions.faults import ExpressionError, NoValue
from gradb.tape.expressions.names import Names
from gradb.tape.expressions.operands import Operand
from gradb.tape.expressions.syntax import Expression


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates expressions by what names mean at one moment."""

    names: Names

    def value(self, expression: Expression) -> Operand:
        """Return what an expression comes to.

        Raises:
            NoName: it speaks of what there is not.
            NoValue: it speaks of what has no value, or of one that is not known.
            ExpressionError: it makes no sense of these values.
        """
        return self._run(expression.run)

    def truth(self, expression: Expression) -> bool:
        """Tell whether an expression holds.

        Raises:
            NoName: it speaks of what there is not.
            NoValue: whether it holds depends on what has no value, or on one that is not known.
            ExpressionError: it makes no sense of these values.
        """
        return bool(self._run(test_of(expression.run)))

    def holds(self, expression: Expression) -> bool:
        """Tell whether a condition holds: one whose truth is not known does not.

        Raises:
            NoName: it speaks of what there is not.
            ExpressionError: it makes no sense of these values.
        """
        try:
            return self.truth(expression)
        except NoValue:
            return False

    def _run(self, run: Run) -> Operand:
        try:
            return run(self.names)
        except RecursionError as error:
            raise ExpressionError("the expression is nested too deeply") from error
