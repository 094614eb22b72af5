"""How two operands can be related: equal, smaller, larger, in, and whether there is a value at all (``is None``)."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable

from gradb.tape.expressions.equality import is_equal
from gradb.tape.expressions.faults import ExpressionError, NoValue
from gradb.tape.expressions.operands import Numbers, Operand, Unkept

_MOST_IN = 1_000_000
_SINGLE = "only single numbers are smaller or larger than others"

Relation = Callable[[Operand, Operand], bool]


def _ordered(order: Callable[[float, float], bool]) -> Relation:
    def relate(left: Operand, right: Operand) -> bool:
        if type(left) is not float:
            left = _single(left)
        if type(right) is not float and type(right) is not int:
            right = _single(right)
        return order(left, right)

    return relate


def _single(value: Operand) -> float:
    if isinstance(value, Numbers) and len(value.numbers) == 1:
        value = value.numbers[0]
    if isinstance(value, Unkept):
        raise NoValue(f"the value cannot be compared: {value.why}")
    if value is None:
        raise NoValue(_SINGLE)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionError(_SINGLE)
    return value


def _is(left: Operand, right: Operand) -> bool:
    return left is None and right is None


def _is_not(left: Operand, right: Operand) -> bool:
    return (left is None) != (right is None)


def _is_in(left: Operand, right: Operand) -> bool:
    if isinstance(right, str) and isinstance(left, str):
        return left in right
    if not isinstance(right, list):
        raise ExpressionError("`in` looks for text in text, or for a value in a list")
    if _size(left) * len(right) > _MOST_IN:
        raise ExpressionError(f"`in` would compare more than {_MOST_IN} numbers")
    return any(is_equal(left, item) for item in right)


def _size(value: Operand) -> int:
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    return len(value.numbers) if isinstance(value, Numbers) else 1


RELATIONS: dict[type[ast.cmpop], Relation] = {
    ast.Eq: is_equal,
    ast.NotEq: lambda left, right: not is_equal(left, right),
    ast.Lt: _ordered(operator.lt),
    ast.LtE: _ordered(operator.le),
    ast.Gt: _ordered(operator.gt),
    ast.GtE: _ordered(operator.ge),
    ast.Is: _is,
    ast.IsNot: _is_not,
    ast.In: _is_in,
    ast.NotIn: lambda left, right: not _is_in(left, right),
}
