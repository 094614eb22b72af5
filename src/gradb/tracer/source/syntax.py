"""What the source calls the values around one expression: read off the syntax tree, and given out only where it fits.

A name is worth showing only if it is the right one. An expression may run torch code that it does not spell out
(``sum(xs)`` adds, ``for row in a + b`` unbinds, ``list(map(f, xs))`` calls ``f``), so the function that torch says was
called is held against the expression, and where the two do not fit nothing is named.
"""

from __future__ import annotations

import ast
import builtins
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Span = tuple[int, int, int, int]
NameRow = tuple[str | None, ...]

LITERAL = ""
"""Stands for a number written out, among the names of operands."""
_BUILTINS = frozenset(dir(builtins))
# Functions written in C, with no frame of their own, that call other functions or compare tensors.
_HIGHER_ORDER = frozenset(
    {"accumulate", "append", "count", "extend", "filterfalse", "groupby", "index", "map", "reduce", "remove", "sort"}
    | {"starmap", "takewhile", "dropwhile", "__next__", "send"}
)
_FOREIGN_ROOTS = frozenset({"functools", "itertools", "np", "numpy", "operator"})
_OPERATORS: dict[type[ast.AST], frozenset[str]] = {
    ast.Add: frozenset({"add", "radd", "iadd"}),
    ast.Sub: frozenset({"sub", "rsub", "isub"}),
    ast.Mult: frozenset({"mul", "rmul", "imul"}),
    ast.Div: frozenset({"div", "rdiv", "idiv", "truediv", "rtruediv", "itruediv"}),
    ast.FloorDiv: frozenset({"floordiv", "rfloordiv", "ifloordiv", "floor_divide"}),
    ast.Mod: frozenset({"mod", "rmod", "imod", "remainder"}),
    ast.Pow: frozenset({"pow", "rpow", "ipow"}),
    ast.MatMult: frozenset({"matmul", "rmatmul", "imatmul"}),
    ast.BitAnd: frozenset({"and", "rand", "iand"}),
    ast.BitOr: frozenset({"or", "ror", "ior"}),
    ast.BitXor: frozenset({"xor", "rxor", "ixor"}),
    ast.LShift: frozenset({"lshift", "rlshift", "ilshift"}),
    ast.RShift: frozenset({"rshift", "rrshift", "irshift"}),
    ast.USub: frozenset({"neg"}),
    ast.UAdd: frozenset({"pos", "positive"}),
    ast.Invert: frozenset({"invert", "bitwise_not"}),
}
_COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
_ITEM = frozenset({"__getitem__", "__setitem__", "__delitem__"})
_ATTRIBUTE = frozenset({"__get__", "__set__", "__delete__"})


@dataclass(frozen=True, slots=True, eq=False)
class Callee:
    """The function that torch says was called; one object a function."""

    name: str
    """Without its module: ``mul``, ``__rsub__``, ``apply``; empty for the call of an nn.Module."""
    is_method: bool = False
    order: Literal["same", "reversed", "either"] = "same"
    """How its arguments stand to the operands of an operator: ``reversed`` is a reflected operator; with ``either``
    torch calls ``mul`` for ``2 * a`` and for ``a * 2``."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names around one expression."""

    node: type[ast.AST]
    word: str = ""
    """Calls: the last part of what is called (``mul`` of ``torch.mul``)."""
    root: str = ""
    """Calls: the first part of it (``torch``)."""
    fits: frozenset[str] = frozenset()
    """Operators, items and attributes: the functions that it stands for."""
    operands: NameRow = ()
    """In the order of evaluation: the object of a method call first (None for a plain function), left before right."""
    is_starred: bool = False
    targets: NameRow = ()
    """Names that the value is assigned to; empty when it is not assigned."""
    is_unpacked: bool = False
    callee: str | None = None
    """Calls: what is called, where that is a plain name or a chain of attributes (``self.net``)."""
    scope: str = ""
    """The function that it stands in (``main``, ``Net.forward``), as its code is called; empty in a module."""
    _known: dict[tuple[Callee, int, bool, bool], NameRow] = field(default_factory=dict, compare=False, repr=False)

    def of_arguments(self, callee: Callee, count: int, is_pair: bool) -> NameRow:
        """Return the names of the first positional arguments that torch received, as far as syntax tells.

        Args:
            callee: the function.
            count: how many positional arguments it received.
            is_pair: whether these are two tensors.
        """
        key = (callee, count, is_pair, True)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._of_arguments(callee, count, is_pair)
        return known

    def of_results(self, callee: Callee, count: int, is_single: bool) -> NameRow:
        """Return the names of what a function returned: ``count`` tensors, or a single one that is no tuple."""
        if not self.targets:
            return ()
        key = (callee, count, is_single, False)
        known = self._known.get(key)
        if known is None:
            is_it = is_single is not self.is_unpacked and len(self.targets) == count and self._is_of(callee)
            known = self._known[key] = self.targets if is_it else ()
        return known

    def _of_arguments(self, callee: Callee, count: int, is_pair: bool) -> NameRow:
        if not self.operands or not self._is_of(callee):
            return ()
        if self.node is ast.Call:
            return self._call_arguments(callee, count)
        if callee.order == "reversed":
            return self.operands[::-1]
        if callee.order == "either" and not is_pair:
            if self.operands[:1] == (LITERAL,):
                return self.operands[::-1]
            return self.operands if self.operands[1:] == (LITERAL,) else ()
        return self.operands

    def _is_of(self, callee: Callee) -> bool:
        """Tell whether the expression is the call of this very function."""
        if self.node is not ast.Call:
            return (callee.name if callee.name in self.fits else callee.name.strip("_")) in self.fits
        if self.root in _FOREIGN_ROOTS:
            return False
        is_same = _is_same(self.word, callee.name)
        if callee.is_method:
            return is_same
        is_plain = self.word == self.root
        return is_same or not (self.word in _HIGHER_ORDER or (is_plain and self.word in _BUILTINS))

    def _call_arguments(self, callee: Callee, count: int) -> NameRow:
        if self.is_starred:
            return ()
        names, owner = self.operands, self.operands[0]
        is_bound = callee.is_method and self.word != self.root and owner not in {"torch", "torch.Tensor", "Tensor"}
        if not is_bound:
            names = names[1:]
        # torch's own Python functions pass the last arguments on by keyword; only a name assures that nothing was put
        # before the first, as functools.partial does
        return names if len(names) == count or _is_same(self.word, callee.name) else ()


NAMELESS = Names(ast.AST)


def _is_same(word: str, function: str) -> bool:
    return bool(function) and (word == function or word.strip("_") == function.strip("_"))


class Index(NamedTuple):
    """What a source text calls things."""

    spans: dict[Span, Names]
    """The names around every call and operator, by its position as bytecode tells it."""
    passing: frozenset[str]
    """The variables of loops and comprehensions: they are one thing after another."""


def index(text: str) -> Index:
    """Read a source text; what cannot be read names nothing."""
    try:
        tree = ast.parse(text)
        spans = {span: names for node, names in _expressions(tree) for span in _spans(node)}
        return Index(spans, frozenset(_loop_variables(tree)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Index({}, frozenset())


def _spans(node: ast.AST) -> Iterator[Span]:
    """Yield the position of an expression, and the one that Python 3.11 gives a method on a line of its own."""
    end: tuple[int, int] = (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
    yield (node.lineno, node.col_offset, *end)  # type: ignore[attr-defined]
    function = node.func if isinstance(node, ast.Call) else node
    if isinstance(function, ast.Attribute) and function.end_lineno != function.lineno:
        column = (function.end_col_offset or 0) - len(function.attr.encode())
        yield (function.end_lineno or 0, column, *end)


def _loop_variables(tree: ast.AST) -> Iterator[str]:
    """Yield the names that loops and comprehensions give to one thing after another."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            yield from (item.id for item in ast.walk(node.target) if isinstance(item, ast.Name))


def _expressions(tree: ast.AST) -> Iterator[tuple[ast.AST, Names]]:
    """Yield every call and operator with the names around it."""
    bound: dict[int, tuple[NameRow, bool]] = {}
    for node, scope in _scoped(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            bound.update(_bindings(node.targets[0], node.value))
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            bound.update(_bindings(node.target, node.value))
        targets = _targets(node.target) if isinstance(node, ast.AugAssign) else bound.get(id(node), ((), False))
        names = _names(node, *targets, scope)
        if names is not None:
            yield node, names


def _scoped(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Yield every node after its parent, with the name of the function that it stands in, as ``co_qualname`` has it."""
    pending: deque[tuple[ast.AST, str, str]] = deque([(tree, "", "")])
    while pending:
        node, scope, prefix = pending.popleft()
        yield node, scope
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            scope = prefix + node.name
            prefix = f"{scope}.<locals>."
        elif isinstance(node, ast.ClassDef):
            prefix += f"{node.name}."
        pending.extend((child, scope, prefix) for child in ast.iter_child_nodes(node))


def _bindings(target: ast.AST, value: ast.AST) -> Iterator[tuple[int, tuple[NameRow, bool]]]:
    """Yield (id of an expression, the names that its value gets); ``a, b = f(), g()`` binds one by one."""
    yield id(value), _targets(target)
    if not isinstance(target, (ast.Tuple, ast.List)) or not isinstance(value, (ast.Tuple, ast.List)):
        return
    names, items = target.elts, value.elts
    if len(names) == len(items) and not any(isinstance(one, ast.Starred) for one in (*names, *items)):
        for name, item in zip(names, items, strict=True):
            yield from _bindings(name, item)


def _targets(node: ast.AST) -> tuple[NameRow, bool]:
    if not isinstance(node, (ast.Tuple, ast.List)):
        return (dotted(node),), False
    is_starred = any(isinstance(item, ast.Starred) for item in node.elts)
    return () if is_starred else tuple(dotted(item) for item in node.elts), True


def _names(node: ast.AST, targets: NameRow, is_unpacked: bool, scope: str) -> Names | None:
    match node:
        case ast.Call():
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            parts = (dotted(node.func) or _last(node.func)).split(".")
            operands = (None if owner is None else dotted(owner), *map(dotted, node.args))
            is_starred = any(isinstance(argument, ast.Starred) for argument in node.args)
            root = parts[0] if owner is None or len(parts) > 1 else ""
            return Names(
                ast.Call, parts[-1], root, frozenset(), operands, is_starred, targets, is_unpacked, dotted(node.func),
                scope,
            )  # fmt: skip
        case ast.BinOp():
            fits, operands = _OPERATORS[type(node.op)], (_operand(node.left), _operand(node.right))
        case ast.AugAssign():
            fits, operands = _OPERATORS[type(node.op)], (_operand(node.target), _operand(node.value))
        case ast.UnaryOp() if type(node.op) in _OPERATORS:
            fits, operands = _OPERATORS[type(node.op)], (dotted(node.operand),)
        case ast.Compare() if len(node.ops) == 1:  # which side is which, and whose elements, syntax does not tell
            fits, operands = _COMPARISONS, ()
        case ast.Subscript():
            fits, operands = _ITEM, (dotted(node.value),)
        case ast.Attribute():
            fits, operands = _ATTRIBUTE, (dotted(node.value),)
        case _:
            return None
    return Names(type(node), "", "", fits, operands, False, targets, is_unpacked, None, scope)


def _last(node: ast.AST) -> str:
    """Return the method's name where what it is looked up on has none."""
    return node.attr if isinstance(node, ast.Attribute) else ""


def dotted(node: ast.AST) -> str | None:
    """Return ``a`` or ``self.a`` for a plain name or a chain of attributes, else None."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def _operand(node: ast.AST) -> str | None:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return LITERAL if isinstance(inner, ast.Constant) else dotted(node)
