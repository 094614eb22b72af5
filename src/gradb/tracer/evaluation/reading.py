"""Reads what is to be evaluated: one expression of Python's, and nothing that would change a variable."""

from __future__ import annotations

import ast
from types import CodeType

FILE = "<print>"
"""What stands for a file where the expression is one."""
_LONGEST = 10_000


class NotAnExpression(ValueError):
    """A text that is not evaluated; the message is one sentence that says why."""


def compiled(text: str) -> CodeType:
    """Compile an expression.

    Raises:
        NotAnExpression: it is none, or it would change a variable.
    """
    if len(text) > _LONGEST:
        raise NotAnExpression(f"{len(text):,} characters are more than {_LONGEST:,}")
    text = text.strip()
    if not text:
        raise NotAnExpression("there is no expression to evaluate")
    try:
        tree = _parsed(text)
        if any(isinstance(node, ast.NamedExpr) for node in ast.walk(tree)):
            raise NotAnExpression("`:=` would change a variable: only expressions that change none are evaluated")
        return compile(tree, FILE, "eval", dont_inherit=True)
    except SyntaxError as error:
        raise NotAnExpression(f"{error.msg}: here is no function that it could stand in") from None
    except (RecursionError, MemoryError):
        raise NotAnExpression("the expression is nested too deeply") from None
    except (ValueError, OverflowError) as error:  # a null character
        raise error if isinstance(error, NotAnExpression) else NotAnExpression(str(error)) from None


def _parsed(text: str) -> ast.Expression:
    try:
        return ast.parse(text, FILE, "eval")
    except SyntaxError as error:
        raise NotAnExpression(_why(text, error)) from None


def _why(text: str, error: SyntaxError) -> str:
    try:
        ast.parse(text, FILE, "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        where = f" at column {error.offset}" if error.offset and error.lineno == 1 else ""
        return f"this is no expression of Python's: {error.msg}{where}"
    return "this is a statement: only expressions are evaluated"
