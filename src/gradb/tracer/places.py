"""Where in the source an event happened, and what the source calls the tensors there.

A place is found from a running frame by its code object and instruction offset, resolved once to line and columns and
matched with the syntax tree. Names come from syntax alone (``c = b + 5`` calls the result ``c`` and the first operand
``b``): no frame's locals are ever read, since on Python before 3.13 that would keep the values alive.

Knows nothing of torch beyond the folder it lives in.
"""

from __future__ import annotations

import ast
import itertools
import os
import sys
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType, FrameType, TracebackType

Span = tuple[int, int, int, int]
PlaceRow = tuple[int | None, int | None, int | None, int | None, int | None]

LITERAL = ""
"""Stands for a number written out, among the names of operands."""
_GRADB = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
# Files of torch whose frames may stand between the user's call and the torch function it names, one call deep.
_THIN = frozenset(
    {"_tensor.py", "functional.py", "nn/functional.py", "overrides.py", "_jit_internal.py", "autograd/function.py"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """A source position, resolved."""

    file: str
    row: PlaceRow
    """(source id, line, end line, column, end column) as the tape wants it."""
    targets: tuple[str | None, ...]
    """Names the value of the expression is assigned to; several for unpacking; empty when it is not assigned."""
    operands: tuple[str | None, ...]
    """Names of the operands in the order of evaluation: the object of a method call first, left before right."""
    keywords: dict[str, str]
    """Names passed by keyword."""
    is_call: bool = False
    """True for a call expression: the first operand is then what the method is looked up on (a tensor or a module)."""

    def argument_names(self, count: int, order: str) -> tuple[str | None, ...]:
        """Return the names of the ``count`` positional arguments that torch received, as far as syntax tells.

        ``order`` is ``same``, ``reversed`` (a reflected operator) or ``either``: torch calls ``mul`` for ``2 * a`` and
        for
        ``a * 2``, so that only a literal beside the tensor tells which side it stood on.
        """
        names = self.operands
        if self.is_call:
            return names if len(names) == count else names[1:] if len(names) == count + 1 else ()
        if order == "reversed" or (order == "either" and names[:1] == (LITERAL,)):
            return names[::-1]
        return () if order == "either" and names[1:] != (LITERAL,) else names


NOWHERE = Place("", (None, None, None, None, None), (), (), {})


@dataclass(frozen=True, slots=True)
class Found:
    """What a walk up the stack met."""

    place: Place
    is_direct: bool
    """True when the user's own expression is the torch call itself, so that its names are those of the call's
    tensors."""
    is_optimizer: bool
    """True when the call comes from inside torch.optim."""
    module_calls: int
    """How many nn.Module calls lie between the user's frame and the call."""


class Places:
    """Finds and remembers places.

    Args:
        register: takes (path, text or None) and returns the tape's source id.
    """

    def __init__(self, register: Callable[[str, str | None], int]) -> None:
        self._register = register
        self._torch = "\0"
        self._kinds: dict[str, int] = {}
        self._codes: dict[int, tuple[CodeType, dict[int, Place]]] = {}
        self._files: dict[str, _File] = {}

    def learn_torch(self, folder: str) -> None:
        """Say where torch lives, once it is imported."""
        self._torch = folder + os.sep
        self._kinds.clear()

    def find(self, frame: FrameType | None) -> Found:
        """Walk up from ``frame`` to the nearest frame outside of torch, gradb and the import machinery."""
        is_direct, is_optimizer, calls = True, False, 0
        kinds = self._kinds
        while frame is not None:
            code = frame.f_code
            kind = kinds.get(code.co_filename)
            if kind is None:
                kind = self._classify(code.co_filename)
            if kind == _USER:
                return Found(self._place(code, frame.f_lasti), is_direct, is_optimizer, calls)
            if kind == _DEEP:
                is_direct = False
                calls += code.co_name == "_call_impl"
            elif kind == _OPTIM:
                is_direct, is_optimizer = False, True
            frame = frame.f_back
        return Found(NOWHERE, False, is_optimizer, calls)

    def of_traceback(self, traceback: TracebackType | None) -> PlaceRow:
        """Return the place of the innermost frame that is the user's."""
        row = NOWHERE.row
        while traceback is not None:
            code = traceback.tb_frame.f_code
            if self._classify(code.co_filename) == _USER:
                row = self._place(code, traceback.tb_lasti).row
            traceback = traceback.tb_next
        return row

    def _classify(self, filename: str) -> int:
        kind = _USER
        if filename.startswith((_GRADB, "<frozen ")):
            kind = _TRANSPARENT
        elif filename.startswith(self._torch):
            rest = filename[len(self._torch) :].replace(os.sep, "/")
            kind = _TRANSPARENT if rest in _THIN else _OPTIM if rest.startswith("optim/") else _DEEP
        elif filename in _STDLIB_GLUE:
            kind = _DEEP
        self._kinds[filename] = kind
        return kind

    def _place(self, code: CodeType, lasti: int) -> Place:
        known = self._codes.get(id(code))
        if known is None:
            known = self._codes[id(code)] = (code, {})  # holding the code object keeps its id its own
        place = known[1].get(lasti)
        if place is None:
            place = known[1][lasti] = self._resolve(code, lasti)
        return place

    def _resolve(self, code: CodeType, lasti: int) -> Place:
        filename = code.co_filename
        file = self._files.get(filename)
        if file is None:
            text = read_source(filename)
            file = self._files[filename] = _File(self._register(filename, text), text)
        line, end_line, column, end_column = _position(code, lasti)
        row = (file.id, line, end_line, column, end_column)
        if line is None or end_line is None or column is None or end_column is None:
            return Place(filename, row, (), (), {})
        return file.named(Place(filename, row, (), (), {}), (line, column, end_line, end_column))


_USER, _DEEP, _OPTIM, _TRANSPARENT = range(4)
_STDLIB_GLUE = {
    module.__file__
    for name in ("functools", "contextlib", "threading", "runpy", "copy", "abc")
    if (module := sys.modules.get(name)) is not None and module.__file__
}


def _position(code: CodeType, lasti: int) -> tuple[int | None, int | None, int | None, int | None]:
    positions = next(itertools.islice(code.co_positions(), lasti // 2, None), (None,) * 4)
    return positions[0], positions[1], positions[2], positions[3]


def read_source(path: str) -> str | None:
    """Return the text of a Python file, decoded as Python would, or None where it cannot be read."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return None


class _File:
    """One source file and the expressions in it that have names around them."""

    def __init__(self, id: int, text: str | None) -> None:
        self.id = id
        self._text = text
        self._spans: dict[Span, tuple[ast.AST, tuple[str | None, ...]]] | None = None
        self._ends: dict[tuple[int, int], Span] = {}

    def named(self, place: Place, span: Span) -> Place:
        """Return the place with the names that the syntax tree gives it."""
        if self._spans is None:
            self._index()
        assert self._spans is not None
        found = self._spans.get(span) or self._spans.get(self._ends.get((span[2], span[3]), span))
        if found is None:
            return place
        node, targets = found
        operands, keywords = _operands(node)
        return Place(place.file, place.row, targets, operands, keywords, isinstance(node, ast.Call))

    def _index(self) -> None:
        self._spans = {}
        try:
            tree = ast.parse(self._text or "")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        for node, targets in _expressions(tree):
            span = _span(node)
            self._spans[span] = (node, targets)
            if targets:
                self._ends[span[2:]] = span


def _span(node: ast.AST) -> Span:
    return (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]


def _expressions(tree: ast.AST) -> Iterator[tuple[ast.AST, tuple[str | None, ...]]]:
    """Yield every call and operator with the names that its value is bound to."""
    bound: dict[int, tuple[str | None, ...]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            bound[id(node.value)] = _targets(node.targets[0])
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            bound[id(node.value)] = _targets(node.target)
        elif isinstance(node, ast.AugAssign):
            yield node, _targets(node.target)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Call, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript, ast.Attribute)):
            yield node, bound.get(id(node), ())


def _targets(node: ast.AST) -> tuple[str | None, ...]:
    if isinstance(node, (ast.Tuple, ast.List)):
        if any(isinstance(item, ast.Starred) for item in node.elts):
            return ()
        return tuple(_dotted(item) for item in node.elts)
    return (_dotted(node),)


def _dotted(node: ast.AST) -> str | None:
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
    return LITERAL if isinstance(inner, ast.Constant) else _dotted(node)


def _operands(node: ast.AST) -> tuple[tuple[str | None, ...], dict[str, str]]:
    if isinstance(node, ast.Call):
        return _call_operands(node)
    if isinstance(node, ast.BinOp):
        return (_operand(node.left), _operand(node.right)), {}
    if isinstance(node, ast.AugAssign):
        return (_operand(node.target), _operand(node.value)), {}
    if isinstance(node, ast.UnaryOp):
        return (_dotted(node.operand),), {}
    if isinstance(node, (ast.Subscript, ast.Attribute)):
        return (_dotted(node.value),), {}
    if isinstance(node, ast.Compare) and len(node.comparators) == 1:
        return (_dotted(node.left), _dotted(node.comparators[0])), {}
    return (), {}


def _call_operands(node: ast.Call) -> tuple[tuple[str | None, ...], dict[str, str]]:
    """Name the arguments of a call; the object of a method call comes first (the caller knows whether it is one)."""
    names: list[str | None] = [_dotted(node.func.value) if isinstance(node.func, ast.Attribute) else None]
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            break  # from here on positions are not known
        names.append(_dotted(argument))
    keywords = {k.arg: name for k in node.keywords if k.arg and (name := _dotted(k.value)) is not None}
    return tuple(names), keywords
