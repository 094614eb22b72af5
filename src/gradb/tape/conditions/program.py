"""A condition as a postfix program over numbers, by which C can tell of most events that it does not hold there.

It speaks of what an event says in so many words: values of tensors, series, fields of the header. Whatever else an
expression can say is ``ANY``: it may be anything, and may make no sense. Nothing here decides that a condition holds.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Any

from gradb.tape.conditions.event_names import mark_of
from gradb.tape.conditions.newest import SERIES
from gradb.tape.expressions.syntax import Expression
from gradb.tape.expressions.variables import path_of, quoted_in


class Code(IntEnum):
    """What a step does to the stack: the C header has the same names."""

    ANY = 0
    NUMBER = 1
    NONE = 2
    TEXT = 3
    FIELD = 4
    SERIES = 5
    UPDATE = 6
    UPSTREAM = 7
    DOWNSTREAM = 8
    TENSOR = 9
    GRAD = 10
    INDEX = 11
    SINGLE = 12
    NEGATE = 13
    ADD = 14
    SUBTRACT = 15
    MULTIPLY = 16
    DIVIDE = 17
    NORM = 18
    MIN = 19
    MAX = 20
    SUM = 21
    MEAN = 22
    ABS = 23
    LESS = 24
    AT_MOST = 25
    MORE = 26
    AT_LEAST = 27
    EQUAL = 28
    UNEQUAL = 29
    IS = 30
    IS_NOT = 31
    TEST = 32
    NOT = 33
    AND = 34
    OR = 35
    ALL = 36


Step = tuple[int, int, float, tuple[str, ...]]
"""A code, a whole number (of operands, an index, which field or series), a number, and texts."""
Program = tuple[Step, ...]

FIELDS = ("kind", "name", "scope", "phase", "seq", "iteration", "line", "node")
"""Fields of a header that a step can push, by their numbers."""
MOST_HIGH = 32
"""No program has more on the stack."""
_WORDS = frozenset({"event", "iteration", "phase", "loss", "grad_norm", "update", "upstream", "downstream", "local"})
_PLAIN: dict[str, Code] = {"update": Code.UPDATE, "upstream": Code.UPSTREAM, "downstream": Code.DOWNSTREAM}
_CALLS: dict[str, Code] = {
    "norm": Code.NORM, "min": Code.MIN, "max": Code.MAX, "sum": Code.SUM, "mean": Code.MEAN, "abs": Code.ABS,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], Code] = {
    ast.Add: Code.ADD, ast.Sub: Code.SUBTRACT, ast.Mult: Code.MULTIPLY, ast.Div: Code.DIVIDE,
}  # fmt: skip
_RELATIONS: dict[type[ast.cmpop], Code] = {
    ast.Lt: Code.LESS, ast.LtE: Code.AT_MOST, ast.Gt: Code.MORE, ast.GtE: Code.AT_LEAST, ast.Eq: Code.EQUAL,
    ast.NotEq: Code.UNEQUAL, ast.Is: Code.IS, ast.IsNot: Code.IS_NOT,
}  # fmt: skip
_TAKEN: dict[Code, int] = {
    **dict.fromkeys((*_OPERATORS.values(), *_RELATIONS.values()), 2),
    **dict.fromkeys((Code.INDEX, Code.SINGLE, Code.NEGATE, Code.TEST, Code.NOT), 1),
}
"""How much each takes from the stack; those in ``_COUNTED`` take as many as their number says, all others nothing."""
_COUNTED = frozenset({*_CALLS.values(), Code.AND, Code.OR, Code.ALL})


def program_of(expression: Expression, has_told: bool = False) -> Program | None:
    """Return the program of a condition; None where it would tell nothing.

    Args:
        expression: the condition.
        has_told: it is known already that it makes no sense of some values: that need not be told again.
    """
    program = (*_steps(expression.tree), _step(Code.TEST, int(has_told)))
    return None if program[:-1] == _ANY or _height(program) > MOST_HIGH else program


def _height(program: Program) -> int:
    """Return how high the stack becomes."""
    height = highest = 0
    for code, count, *_ in program:
        height += 1 - (count if code in _COUNTED else _TAKEN.get(Code(code), 0))
        highest = max(highest, height)
    return highest


def _step(code: Code, count: int = 0, number: float = 0.0, texts: tuple[str, ...] = ()) -> Step:
    return int(code), count, number, texts


_ANY: Program = (_step(Code.ANY),)


def _steps(tree: ast.expr) -> Program:
    make = _NODES.get(type(tree))
    return _ANY if make is None else make(tree)


def _constant(tree: ast.Constant) -> Program:
    value = tree.value
    if value is None:
        return (_step(Code.NONE),)
    if isinstance(value, str):
        return (_step(Code.TEXT, texts=(value,)),)
    if isinstance(value, bool) or not isinstance(value, int | float) or float(value) != value:
        return _ANY
    return (_step(Code.NUMBER, number=float(value)),)


def _name(tree: ast.Name) -> Program:
    name = tree.id
    if name in {"nan", "inf"}:
        return (_step(Code.NUMBER, number=math.nan if name == "nan" else math.inf),)
    if name in SERIES:
        return (_step(Code.SERIES, [*SERIES].index(name)),)
    if name in {"iteration", "phase"}:
        return (_step(Code.FIELD, FIELDS.index(name)),)
    if name in _WORDS:
        return (_step(_PLAIN[name]),) if name in _PLAIN else _ANY
    return _tensor(name)


def _tensor(*paths: str) -> Program:
    return (_step(Code.TENSOR, texts=tuple(map(mark_of, paths))),)


def _path(tree: ast.expr) -> Program:
    """Return what pushes the tensor of a path: where only the beginning of the path is one, it may be anything."""
    paths = [*_owners(tree)]
    is_plain = all(paths) and not any(path.endswith(".grad") for path in paths) and paths[-1] not in _WORDS
    return _tensor(*paths) if is_plain else _ANY


def _owners(tree: ast.expr) -> Iterator[str]:
    """Yield the path of an expression, and of what it is a part of: ``layers[0].w``, ``layers[0]``, ``layers``."""
    while isinstance(tree, ast.Attribute | ast.Subscript):
        yield path_of(tree)
        tree = tree.value
    yield path_of(tree)


def _attribute(tree: ast.Attribute) -> Program:
    path = path_of(tree)
    if tree.attr == "grad":
        owner = quoted_in(tree.value) or path_of(tree.value)
        return (_step(Code.GRAD, texts=(mark_of(owner), mark_of(path) if path else "")),) if owner else _ANY
    if path == f"event.{tree.attr}" and tree.attr in FIELDS:
        return (_step(Code.FIELD, FIELDS.index(tree.attr), texts=(mark_of(path),)),)
    return _path(tree)


def _subscript(tree: ast.Subscript) -> Program:
    path, key = path_of(tree), tree.slice.value if isinstance(tree.slice, ast.Constant) else None
    if type(key) is str:
        return _path(tree)
    if type(key) is not int or not 0 <= key < 1 << 31:
        return _ANY
    inner = _steps(tree.value)
    return inner if inner == _ANY else (*inner, _step(Code.INDEX, key, texts=(mark_of(path),) if path else ()))


def _call(tree: ast.Call) -> Program:
    name = tree.func.id if isinstance(tree.func, ast.Name) else ""
    if quoted := quoted_in(tree):
        return _tensor(quoted)
    return _many(_CALLS[name], map(_steps, tree.args)) if name in _CALLS else _ANY


def _many(code: Code, parts: Iterator[Program]) -> Program:
    """Return what is made of several operands."""
    found = [*parts]
    return (*(step for part in found for step in part), _step(code, len(found)))


def _test(tree: ast.expr) -> Program:
    return (*_steps(tree), _step(Code.TEST))


def _bool(tree: ast.BoolOp) -> Program:
    return _many(Code.OR if isinstance(tree.op, ast.Or) else Code.AND, map(_test, tree.values))


def _unary(tree: ast.UnaryOp) -> Program:
    if isinstance(tree.op, ast.Not):
        return (*_test(tree.operand), _step(Code.NOT))
    return (*_steps(tree.operand), _step(Code.NEGATE if isinstance(tree.op, ast.USub) else Code.SINGLE))


def _binary(tree: ast.BinOp) -> Program:
    return (*_steps(tree.left), *_steps(tree.right), _step(_OPERATORS[type(tree.op)]))


def _compare(tree: ast.Compare) -> Program:
    sides = [tree.left, *tree.comparators]
    if any(type(op) not in _RELATIONS for op in tree.ops):
        return _ANY
    pairs = [
        (*_steps(left), *_steps(right), _step(_RELATIONS[type(op)]))
        for left, right, op in zip(sides, sides[1:], tree.ops, strict=False)
    ]
    return pairs[0] if len(pairs) == 1 else _many(Code.ALL, iter(pairs))


_NODES: dict[type[ast.expr], Callable[[Any], Program]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: _call,
    ast.BoolOp: _bool,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _compare,
}
