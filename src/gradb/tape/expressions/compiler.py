"""Makes of a parsed expression a function of what its names mean, so that evaluating it costs no walk.

Every node of the tree becomes one closure; what is not in the table of nodes cannot be said. Whatever goes wrong is an
``ExpressionError``: of making it what can never be said, of running it what makes no sense of these values.
"""

from __future__ import annotations

import ast
import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

from gradb.tape.expressions.arithmetic import OPERATIONS, calculate, is_within_floats, single
from gradb.tape.expressions.equality import Approx, cut, show
from gradb.tape.expressions.faults import ExpressionError, NoName, NoValue
from gradb.tape.expressions.functions import FUNCTIONS, MANY
from gradb.tape.expressions.names import Names
from gradb.tape.expressions.operands import VIEWS, Numbers, Operand, Unkept
from gradb.tape.expressions.relations import RELATIONS
from gradb.tape.expressions.variables import path_of, quote, quoted, quoted_in

Run = Callable[[Names], Operand]
"""An expression: what it comes to, by what its names mean."""
Test = Callable[[Names], bool]

_MAX_DEPTH = 100
_CONSTANTS = {"nan": math.nan, "inf": math.inf}
_CALLS = "approx(x), approx(x, 0.01), tensor('name'), " + ", ".join(f"{name}(x)" for name in FUNCTIONS)


class Compiler:
    """Compiles one expression.

    Args:
        kind: what it is, for sentences: ``an expectation``.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._depth = 0

    def compile(self, tree: ast.expr) -> Run:
        """Return the function that evaluates an expression.

        Raises:
            ExpressionError: it uses what the language has not, or is nested too deeply.
        """
        make = _NODES.get(type(tree))
        if make is None:
            raise self._unsayable(tree)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ExpressionError(f"the expression is nested too deeply: more than {_MAX_DEPTH} levels")
        run = make(self, tree)
        self._depth -= 1
        return run

    def _unsayable(self, tree: ast.expr) -> ExpressionError:
        return ExpressionError(f"`{quote(tree)}` is not something {self._kind} can say")

    def _constant(self, tree: ast.Constant) -> Run:
        value = tree.value
        if value is not None and not isinstance(value, str | int | float | complex):
            raise self._unsayable(tree)
        if isinstance(value, int) and not is_within_floats(value):
            raise ExpressionError(f"`{quote(tree)}` is larger than any number that a tensor holds")
        return lambda names: value

    def _list(self, tree: ast.List | ast.Tuple) -> Run:
        items = [self.compile(item) for item in tree.elts]
        return lambda names: [item(names) for item in items]

    def _bool(self, tree: ast.BoolOp) -> Run:
        """What is not known decides nothing: true or unknown is true, false and unknown is false."""
        sides, decisive = [test_of(self.compile(value)) for value in tree.values], isinstance(tree.op, ast.Or)

        def run(names: Names) -> bool:
            unknown = None
            for side in sides:
                try:
                    if side(names) is decisive:
                        return decisive
                except NoValue as error:
                    unknown = unknown or error
            if unknown is not None:
                raise unknown
            return not decisive

        return run

    def _unary(self, tree: ast.UnaryOp) -> Run:
        inner = self.compile(tree.operand)
        if isinstance(tree.op, ast.Not):
            test = test_of(inner)
            return lambda names: not test(names)
        if not isinstance(tree.op, ast.USub | ast.UAdd):
            raise ExpressionError(f"`{quote(tree)}` is not a number")
        sign = operator.neg if isinstance(tree.op, ast.USub) else operator.pos
        return lambda names: sign(single(inner(names)))

    def _binary(self, tree: ast.BinOp) -> Run:
        operation = OPERATIONS.get(type(tree.op))
        if operation is None:
            raise self._unsayable(tree)
        left, right = self.compile(tree.left), self.compile(tree.right)
        return lambda names: calculate(operation, left(names), right(names))

    def _compare(self, tree: ast.Compare) -> Run:
        relations = [RELATIONS[type(op)] for op in tree.ops]
        items = [self.compile(item) for item in (tree.left, *tree.comparators)]
        if len(relations) == 1:
            (relate,), (left, right) = relations, items
            return lambda names: relate(left(names), right(names))

        def run(names: Names) -> bool:
            pairs = itertools.pairwise([item(names) for item in items])
            return all(relate(*pair) for relate, pair in zip(relations, pairs, strict=True))

        return run

    def _subscript(self, tree: ast.Subscript) -> Run:
        path, value, index = path_of(tree), self.compile(tree.value), self.compile(tree.slice)
        key = tree.slice.value if isinstance(tree.slice, ast.Constant) else None

        def run(names: Names) -> Operand:
            if path and names.means(path):
                return names.tensor(path)
            try:
                found = value(names)
            except NoName:
                if not path or type(key) is not str:
                    raise
                return names.tensor(path)  # which says what is not there in full
            return _within(found, index(names))

        return run

    def _call(self, tree: ast.Call) -> Run:
        name = tree.func.id if isinstance(tree.func, ast.Name) else ""
        count = 0 if tree.keywords else len(tree.args)
        arguments = [self.compile(item) for item in tree.args]
        if name == "approx" and count in {1, 2}:
            return lambda names: _approx(*[argument(names) for argument in arguments])
        if name == "tensor" and count == 1:
            return self._quoted(tree)
        if (function := FUNCTIONS.get(name)) and (count == 1 or (count and name in MANY)):
            return lambda names: function([argument(names) for argument in arguments])
        raise ExpressionError(f"`{quote(tree)}`: {self._kind} can call {_CALLS}")

    def _quoted(self, tree: ast.Call) -> Run:
        name = quoted_in(tree)
        if not name:
            raise ExpressionError(f"`{quote(tree)}`: tensor() takes a name in quotes")
        return lambda names: names.tensor(name)

    def _name(self, tree: ast.Name) -> Run:
        name = tree.id
        if name in _CONSTANTS:
            number = _CONSTANTS[name]
            return lambda names: number
        return lambda names: names.word(name)

    def _attribute(self, tree: ast.Attribute) -> Run:
        path, name, inner = path_of(tree), tree.attr, self.compile(tree.value)
        if name == "grad":
            return self._grad(tree, path)

        def run(names: Names) -> Operand:
            if path and names.means(path):
                return names.tensor(path)
            value = inner(names)
            if isinstance(value, VIEWS):
                return value.attribute(name)
            fault = NoValue if value is None else ExpressionError
            raise fault(f"`{quote(tree.value)}` has no {quoted(name)}" + (": it is None" if value is None else ""))

        return run

    def _grad(self, tree: ast.Attribute, path: str) -> Run:
        """The buffer of a tensor that is called so; only where there is none, a tensor that is called ``x.grad``."""
        owner = self._owner(tree.value)

        def run(names: Names) -> Operand:
            is_path = bool(path) and names.means(path)
            name = owner(names)
            grad = None if is_path and not names.means(name) else names.grad(name)
            return names.tensor(path) if grad is None and is_path else grad

        return run

    def _owner(self, tree: ast.expr) -> Run:
        """Return what tells the name of the tensor whose ``.grad`` is meant."""
        path = quoted_in(tree) or path_of(tree) or quote(tree)
        return lambda names: path


def test_of(run: Run) -> Test:
    """Return what tells whether an expression holds."""

    def test(names: Names) -> bool:
        value = run(names)
        if value is True or value is False:
            return value
        if isinstance(value, VIEWS):
            raise ExpressionError("a value alone is neither true nor false: compare it with something")
        return bool(value)

    return test


def _approx(value: Operand, tolerance: Operand = 1e-4) -> Approx:
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance < math.inf:
        raise ExpressionError(
            f"approx(x, TOLERANCE) takes a number from 0 on, such as 0.01, not {cut(show(tolerance))}"
        )
    return Approx(value, float(tolerance))


def _within(value: Operand, index: Operand) -> Operand:
    if isinstance(value, Unkept):
        raise NoValue(f"the value cannot be looked into: {value.why}")
    if value is None:
        raise NoValue("None has no elements")
    for part in index if isinstance(index, list) else [index]:  # x[0, 1]
        value = _item(value, part)
    return value


def _item(value: Operand, index: Operand) -> Operand:
    if type(index) is not int or not isinstance(value, Numbers | list | str):
        raise ExpressionError("an index is a whole number, into a value or a list")
    if isinstance(value, Numbers):
        return value.item(index)
    if not -len(value) <= index < len(value):
        raise ExpressionError(f"there is no [{index}] in a list of {len(value)}")
    return value[index]


_NODES: dict[type[ast.expr], Callable[[Compiler, Any], Run]] = {
    ast.Constant: Compiler._constant,
    ast.List: Compiler._list,
    ast.Tuple: Compiler._list,
    ast.BoolOp: Compiler._bool,
    ast.UnaryOp: Compiler._unary,
    ast.BinOp: Compiler._binary,
    ast.Compare: Compiler._compare,
    ast.Subscript: Compiler._subscript,
    ast.Call: Compiler._call,
    ast.Name: Compiler._name,
    ast.Attribute: Compiler._attribute,
}
