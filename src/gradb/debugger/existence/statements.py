"""Which lines of a source text have code that can do something: its statements, and the lines each goes over."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Span = tuple[int, int]
"""First and last line, from 1."""

_ALWAYS = (
    *(ast.AugAssign, ast.Delete, ast.For, ast.AsyncFor, ast.With, ast.AsyncWith, ast.Raise, ast.Assert, ast.Match),
    *(ast.Import, ast.ImportFrom, ast.match_case),
)
"""Whatever they are about, they may call something: an import runs a file, a loop asks a tensor for its rows."""
_SILENT = (ast.Name, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.expr_context)
"""An expression of these alone calls nothing."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_INNER = (ast.stmt, ast.excepthandler, ast.match_case)


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of one text."""

    lines: tuple[str, ...]
    spans: tuple[Span, ...]
    """Of what can call something, in order; those that share a line are one. Of a compound statement it is the head."""
    texts: tuple[Span, ...]
    """Of the docstrings, and other texts that stand alone."""
    functions: tuple[tuple[Span, int], ...]
    """Heads of functions, and the last line of each function."""

    def at(self, line: int) -> Span | None:
        """Return the span that a line lies in; of a function's head the head and the first statement behind it.

        What a hook does is recorded at its head, all else that a function does at its statements.
        """
        for head, end in self.functions:
            if head[0] <= line <= head[1]:
                behind = (last for first, last in self.spans if head[1] < first <= end)
                return head[0], next(behind, head[1])
        return next((span for span in self.spans if span[0] <= line <= span[1]), None)

    def nearest(self, line: int) -> int | None:
        """Return the first line of the statement that is nearest to a line: of two the one below."""
        near = min(self.spans, key=lambda span: (max(span[0] - line, line - span[1]), -span[0]), default=None)
        return None if near is None else near[0]

    def what(self, line: int) -> str:
        """Say what a line is that has no such statement."""
        text = self.lines[line - 1].strip()
        if any(first <= line <= last for first, last in self.texts):
            return "is part of a docstring"
        if not text:
            return "is empty"
        return "is a comment" if text.startswith("#") else "does nothing that gradb records"


@lru_cache(maxsize=64)
def statements(text: str) -> Statements | None:
    """Return the statements of a Python text; None where Python cannot read it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the script's escape sequences
            tree = ast.parse(text)
        nodes = list(ast.walk(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    found = sorted(_span(node) for node in nodes if _may_act(node))
    texts = tuple(_span(node) for node in nodes if _is_text(node))
    functions = tuple(_function(node) for node in nodes if isinstance(node, _FUNCTIONS))
    return Statements(tuple(lines[:-1] if not lines[-1] else lines), tuple(_joined(found)), texts, functions)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[Span, int]:
    """Return a function's head, which goes up to its body, and its last line."""
    head = _span(node)[0], max(node.lineno, node.body[0].lineno - 1)
    return head, node.end_lineno or head[1]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _joined(spans: list[Span]) -> Iterator[Span]:
    """Yield the spans with those that share a line put together."""
    first = last = 0
    for begin, end in spans:
        if begin > last:
            if last:
                yield first, last
            first, last = begin, end
        last = max(last, end)
    if last:
        yield first, last


def _may_act(node: ast.AST) -> bool:
    """Tell whether a statement, or the head of one, may call something."""
    if isinstance(node, _ALWAYS):
        return True
    if not isinstance(node, ast.stmt | ast.excepthandler):
        return False
    if isinstance(node, ast.If | ast.While):
        return not isinstance(node.test, ast.Constant)  # a tensor is asked whether it is true
    if isinstance(node, ast.Assign) and any(isinstance(target, ast.Tuple | ast.List) for target in node.targets):
        return True  # so is one that is unpacked for its rows
    return any(not isinstance(part, _SILENT) for own in _own(node) for part in ast.walk(own))


def _own(node: ast.AST) -> list[ast.AST]:
    """Return what a statement itself evaluates: not its body, nor what is only written down, as annotations are."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
        case ast.ClassDef():
            return [*node.decorator_list, *(keyword.value for keyword in node.keywords)]
        case ast.AnnAssign():
            return [node.target, *filter(None, [node.value])]
        case _:
            return [part for part in ast.iter_child_nodes(node) if not isinstance(part, _INNER)]


def _span(node: Any) -> Span:
    """Return the lines of a statement; of one that has a body, those of its head."""
    if isinstance(node, ast.match_case):
        node = node.pattern
    first = min([node.lineno, *(part.lineno for part in getattr(node, "decorator_list", ()))])
    if not (hasattr(node, "body") or hasattr(node, "cases")):
        return first, node.end_lineno
    return first, max([node.lineno, *(getattr(part, "end_lineno", None) or 0 for part in _own(node))])
