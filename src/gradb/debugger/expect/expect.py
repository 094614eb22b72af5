"""`expect EXPR`: reads an expression, evaluates it at a position of the tape and shows the difference when it is false.

The expression is parsed by ``ast`` and walked here, node by node from a short list: nothing is ever run by Python.
Names are variables on the tape, ``event``, ``upstream``, ``local``, ``downstream`` and ``loss``.
"""

from __future__ import annotations

import ast
import difflib
import itertools
import math
import operator
from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from gradb.debugger.errors import ExpectationFailed, UserError
from gradb.debugger.expect import operands
from gradb.debugger.expect.equality import Approx, differences, is_equal, show
from gradb.debugger.expect.operands import EventView, Numbers, Unkept
from gradb.debugger.expect.variables import path_of, readable, written
from gradb.frame.chain.record import Chain
from gradb.frame.frame import Frame
from gradb.frame.reader import Tape

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger

_MAX_LENGTH = 10_000
_MOST_DIFFERENCES = 5
_MOST_QUOTED = 200
_CONSTANTS = {"nan": math.nan, "inf": math.inf}
_CHAIN: dict[str, Callable[[Chain], Any]] = {
    "upstream": operands.upstream,
    "local": operands.local,
    "downstream": operands.downstream,
}
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def check(debugger: Debugger, text: str) -> None:
    """Check that an expression holds at the debugger's position.

    Raises:
        ExpectationFailed: it does not hold.
        UserError: it cannot be read, or speaks of what is not there.
    """
    tree, frame = read(text), debugger.frame()
    assert debugger.tape is not None  # else there would be no frame
    evaluator = Evaluator(debugger.tape, frame)
    try:
        holds = evaluator.truth(tree)
        failure = "" if holds else _failure(text, tree, evaluator)
    except RecursionError as error:
        raise UserError("the expression is nested too deeply") from error
    if not holds:
        raise ExpectationFailed(failure)


def read(text: str) -> ast.expr:
    """Parse an expression.

    Raises:
        UserError: it is empty, too long or not an expression.
    """
    if not text or len(text) > _MAX_LENGTH:
        raise UserError("`expect` needs an expression, e.g. expect a.grad == [28, 36, 44, 52]")
    try:
        return ast.parse(readable(text.strip()), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deeply"
        raise UserError(f"cannot read the expression {_cut(repr(text), _MOST_QUOTED)}: {reason}") from error


def _quote(tree: ast.expr) -> str:
    """Return an expression as text for a sentence, cut where it is long."""
    try:
        return _cut(written(ast.unparse(tree)), _MOST_QUOTED)
    except RecursionError:
        return "…"


def _failure(text: str, tree: ast.expr, evaluator: Evaluator) -> str:
    frame = evaluator.frame
    at = f"position {frame.position}"
    if frame.event is not None:
        at += f" ({frame.event.kind} {frame.event.name})"
    lines = [f"expect {text} does not hold at {at}"]
    part = _failing_part(tree, evaluator)
    if part is not tree:
        lines.append(f"  {_quote(part)}")
        tree = part
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1:
        left, right = evaluator.value(tree.left), evaluator.value(tree.comparators[0])
        lines += [f"  left:  {_cut(show(left))}", f"  right: {_cut(show(right))}"]
        if isinstance(tree.ops[0], ast.Eq):
            lines += [f"  {text}" for text in itertools.islice(differences(left, right), _MOST_DIFFERENCES)]
    return "\n".join(lines)


def _failing_part(tree: ast.expr, evaluator: Evaluator) -> ast.expr:
    """Return the first condition of a conjunction that fails."""
    while isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        tree = next(value for value in tree.values if not evaluator.truth(value))
    return tree


def _cut(text: str, length: int = 2000) -> str:
    return text if len(text) <= length else text[:length] + " …"


class Evaluator:
    """Evaluates expressions at one position."""

    def __init__(self, tape: Tape, frame: Frame) -> None:
        self.tape = tape
        self.frame = frame

    def truth(self, tree: ast.expr) -> bool:
        """Tell whether an expression holds."""
        value = self.value(tree)
        if isinstance(value, Numbers | Unkept | EventView):
            raise UserError("a value alone is neither true nor false: compare it with something")
        return bool(value)

    def value(self, tree: ast.expr) -> Any:
        """Return the value of an expression.

        Raises:
            UserError: it uses what expectations have not, or a name that is not there.
        """
        reader = _READERS.get(type(tree))
        if reader is None:
            raise UserError(f"`{_quote(tree)}` is not something an expectation can say")
        return reader(self, tree)

    def _constant(self, tree: ast.Constant) -> Any:
        if tree.value is not None and not isinstance(tree.value, str | int | float | complex | bool):
            raise UserError(f"`{_quote(tree)}` is not something an expectation can say")
        if isinstance(tree.value, int) and not _is_within_floats(tree.value):
            raise UserError(f"`{_quote(tree)}` is larger than any number that a tensor holds")
        return tree.value

    def _list(self, tree: ast.List | ast.Tuple) -> list[Any]:
        return [self.value(item) for item in tree.elts]

    def _bool(self, tree: ast.BoolOp) -> bool:
        test = all if isinstance(tree.op, ast.And) else any
        return test(self.truth(value) for value in tree.values)

    def _unary(self, tree: ast.UnaryOp) -> Any:
        if isinstance(tree.op, ast.Not):
            return not self.truth(tree.operand)
        value = self.value(tree.operand)
        if not isinstance(tree.op, ast.USub | ast.UAdd) or not isinstance(value, int | float | complex):
            raise UserError(f"`{_quote(tree)}` is not a number")
        return -value if isinstance(tree.op, ast.USub) else value

    def _compare(self, tree: ast.Compare) -> bool:
        values = [self.value(item) for item in (tree.left, *tree.comparators)]
        pairs = zip(tree.ops, itertools.pairwise(values), strict=True)
        return all(_relate(op, left, right) for op, (left, right) in pairs)

    def _subscript(self, tree: ast.Subscript) -> Any:
        if self._is_name(path := path_of(tree)):
            return self._variable(path)
        value, index = self.value(tree.value), self.value(tree.slice)
        if isinstance(value, Unkept):
            raise UserError(f"the value cannot be looked into: {value.why}")
        if isinstance(index, list):  # x[0, 1]
            for part in index:
                value = _item(value, part)
            return value
        return _item(value, index)

    def _call(self, tree: ast.Call) -> Any:
        name = tree.func.id if isinstance(tree.func, ast.Name) else ""
        arguments = [self.value(item) for item in tree.args]
        if name == "approx" and len(arguments) in {1, 2} and not tree.keywords:
            return Approx(arguments[0], *map(_tolerance, arguments[1:]))
        if name == "tensor" and len(arguments) == 1 and not tree.keywords:
            return self._variable(str(arguments[0]))
        raise UserError(f"`{_quote(tree)}`: an expectation can call approx(x), approx(x, 0.01) and tensor('name')")

    def _name(self, tree: ast.Name) -> Any:
        name = tree.id
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name == "event" and self.frame.event is not None:
            return EventView(self.frame.event, self.frame.detail)
        if name in _CHAIN:
            return self._chain(name)
        if name == "loss" and "loss" not in self.frame.names:
            return self._loss()
        return self._variable(name)

    def _chain(self, name: str) -> Any:
        if self.frame.chain is None:
            raise UserError(f"there is no {name} here: no node has run")
        return _CHAIN[name](self.frame.chain)

    def _loss(self) -> Any:
        known = [(one.events[count - 1], one.values[count - 1]) for one in self.frame.training.losses
                 if (count := one.until(self.frame.position))]  # fmt: skip
        if not known:
            raise UserError("there is no loss yet: no backward has begun")
        return Numbers((), (max(known, key=itemgetter(0))[1],), "float32")

    def _attribute(self, tree: ast.Attribute) -> Any:
        path = path_of(tree)
        if self._is_name(path):
            return self._variable(path)
        owner = path_of(tree.value) or self._quoted(tree.value)
        if tree.attr == "grad" and self._is_name(owner):
            return operands.tensor(self.tape.grad(owner, self.frame.position))
        if tree.attr == "grad":
            raise UserError(self._no_name(owner or _quote(tree.value)))
        value = self.value(tree.value)
        if isinstance(value, Numbers | Unkept | EventView):
            return value.attribute(tree.attr)
        raise UserError(f"`{_quote(tree.value)}` has no {tree.attr!r}")

    def _quoted(self, tree: ast.expr) -> str:
        """Return the name in ``tensor('name')``."""
        is_call = isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "tensor"
        return str(self.value(tree.args[0])) if is_call and isinstance(tree, ast.Call) and tree.args else ""

    def _is_name(self, name: str) -> bool:
        """Tell whether a tensor is called so, in full or as the end of the one path that ends so."""
        return bool(name) and self.tape.means(name, self.frame.position)

    def _variable(self, name: str) -> Any:
        if not self._is_name(name):
            raise UserError(self._no_name(name))
        return operands.tensor(self.tape.lookup(name, self.frame.position))

    def _no_name(self, name: str) -> str:
        close = difflib.get_close_matches(name, self.frame.names, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        return f"no tensor is called {name!r} at position {self.frame.position}{hint}"


def _is_within_floats(number: int) -> bool:
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False


def _tolerance(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise UserError(f"approx(x, TOLERANCE) takes a number from 0 on, such as 0.01, not {_cut(show(value))}")
    return float(value)


def _item(value: Any, index: Any) -> Any:
    if not isinstance(index, int) or not isinstance(value, Numbers | list | str):
        raise UserError("an index is a whole number, into a value or a list")
    if isinstance(value, Numbers):
        return value.item(index)
    if not -len(value) <= index < len(value):
        raise UserError(f"there is no [{index}] in a list of {len(value)}")
    return value[index]


def _relate(op: ast.cmpop, left: Any, right: Any) -> bool:
    match op:
        case ast.Eq():
            return is_equal(left, right)
        case ast.NotEq():
            return not is_equal(left, right)
        case ast.Is():
            return left is None and right is None
        case ast.IsNot():
            return (left is None) != (right is None)
        case ast.In():
            return _is_in(left, right)
        case ast.NotIn():
            return not _is_in(left, right)
    a, b = _single(left), _single(right)
    return _ORDER[type(op)](a, b)


def _is_in(left: Any, right: Any) -> bool:
    if isinstance(right, str) and isinstance(left, str):
        return left in right
    if isinstance(right, list):
        return any(is_equal(left, item) for item in right)
    raise UserError("`in` looks for text in text, or for a value in a list")


def _single(value: Any) -> float:
    if isinstance(value, Numbers) and len(value.numbers) == 1:
        value = value.numbers[0]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError("only single numbers are smaller or larger than others")
    return value


_READERS: dict[type[ast.expr], Callable[[Evaluator, Any], Any]] = {
    ast.Constant: Evaluator._constant,
    ast.List: Evaluator._list,
    ast.Tuple: Evaluator._list,
    ast.BoolOp: Evaluator._bool,
    ast.UnaryOp: Evaluator._unary,
    ast.Compare: Evaluator._compare,
    ast.Subscript: Evaluator._subscript,
    ast.Call: Evaluator._call,
    ast.Name: Evaluator._name,
    ast.Attribute: Evaluator._attribute,
}
