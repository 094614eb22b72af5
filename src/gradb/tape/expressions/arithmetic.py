"""Arithmetic with single numbers: ``+ - * /`` in double precision, as IEEE says: a division by zero is inf or nan.

Whole numbers stay exact, and no larger than what a tensor holds.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable

from gradb.tape.expressions.faults import ExpressionError, NoValue
from gradb.tape.expressions.operands import Numbers, Operand, Unkept
from gradb.tape.values import Number

Operation = Callable[[Number, Number], Number]


def single(value: Operand) -> Number:
    """Return the number that an operand is.

    Raises:
        ExpressionError: it is something else.
        NoValue: it is not known.
    """
    if isinstance(value, Numbers) and len(value.numbers) == 1:
        value = value.numbers[0]
    if isinstance(value, Unkept):
        raise NoValue(f"the value cannot be calculated with: {value.why}")
    if value is None:
        raise NoValue("None cannot be calculated with")
    if isinstance(value, bool) or not isinstance(value, int | float | complex):
        raise ExpressionError("only single numbers can be calculated with")
    return value


def calculate(operation: Operation, left: Operand, right: Operand) -> Number:
    """Return what an operation of ``OPERATIONS`` makes of two operands.

    Raises:
        ExpressionError: one is no single number, or the result is larger than any that a tensor holds.
        NoValue: one is not known.
    """
    return bounded(operation(single(left), single(right)))


def bounded(number: Number) -> Number:
    """Return a number as it is, unless it is a whole one that is larger than what a tensor holds.

    Raises:
        ExpressionError: it is.
    """
    if isinstance(number, int) and not is_within_floats(number):
        raise ExpressionError("a result is larger than any number that a tensor holds")
    return number


def is_within_floats(number: int) -> bool:
    """Tell whether a whole number is no larger than the largest float64."""
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False


def _divide(left: Number, right: Number) -> Number:
    if right != 0:
        return left / right
    if isinstance(left, complex) or isinstance(right, complex):
        return complex(math.nan, math.nan)
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, math.copysign(1, left) * math.copysign(1, right))


OPERATIONS: dict[type[ast.operator], Operation] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
}
