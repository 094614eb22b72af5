"""Reads an expression: parsed by Python's own ``ast``, compiled once, and never run by Python.

Its length and its depth are limited, so that one of n parts over values of m numbers costs no more than n times m.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from gradb.tape.expressions.compiler import Compiler, Run
from gradb.tape.expressions.faults import ExpressionError
from gradb.tape.expressions.variables import parse, paths_of, quote, quoted

MAX_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that has been read, to be evaluated as often as wanted."""

    text: str
    """As a person would write it."""
    kind: str
    """What it is, for sentences: ``an expectation``."""
    tree: ast.expr = field(repr=False, compare=False)
    run: Run = field(repr=False, compare=False)
    """Evaluates it; see ``evaluator.Evaluator`` for one that raises nothing but ``ExpressionError``."""

    @property
    def paths(self) -> frozenset[str]:
        """Everything that it names, each by the longest path: ``a.grad``, ``event.kind``, ``layers[0].weight``."""
        return frozenset(paths_of(self.tree)) - {"nan", "inf"}

    @property
    def names(self) -> frozenset[str]:
        """The first word of each path: ``a``, ``event``, ``layers``."""
        return frozenset(path.partition(".")[0].partition("[")[0] for path in self.paths)

    def part(self, tree: ast.expr) -> Expression:
        """Return a part of the tree as an expression of its own."""
        return Expression(quote(tree), self.kind, tree, Compiler(self.kind).compile(tree))


def read(text: str, kind: str = "an expression") -> Expression:
    """Read an expression.

    Args:
        text: as it was typed.
        kind: what it is, for sentences: ``an expectation``, ``a condition``.

    Raises:
        ExpressionError: it is empty, too long or nested too deeply, no expression, or uses what the language has not.
    """
    if not text.strip():
        raise ExpressionError(f"{kind} is missing")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression is too long: it has {len(text)} letters, at most {MAX_LENGTH} are read")
    try:
        tree = parse(text.strip())
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deeply"
        raise ExpressionError(f"cannot read the expression {quoted(text)}: {reason}") from error
    try:
        return Expression(text.strip(), kind, tree, Compiler(kind).compile(tree))
    except RecursionError as error:
        raise ExpressionError("the expression is nested too deeply") from error
