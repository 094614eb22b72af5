"""What stands in the source text that is on the tape: expressions, and the contexts around a line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from gradb.frame.reader import Tape
from gradb.tape.kinds.event import Event

_MAX_CODE = 60
_SWITCHES = frozenset({"no_grad", "inference_mode", "set_grad_enabled", "enable_grad"})


def segment(tape: Tape, event: Event) -> str:
    """Return the expression that an event happened in, in one line and shortened; empty where it is not known."""
    text = " ".join(whole_segment(tape, event).split())
    return text if len(text) <= _MAX_CODE else f"{text[: _MAX_CODE - 1]}…"


def whole_segment(tape: Tape, event: Event) -> str:
    """Return the same, as it stands there."""
    if event.file is None or event.line is None or event.column is None or event.end_column is None:
        return ""
    text = tape.source_text(event.file)
    lines = [] if text is None else text.splitlines()[event.line - 1 : event.end_line]
    if not lines:
        return ""
    encoded = [line.encode() for line in lines]
    encoded[-1] = encoded[-1][: event.end_column]
    encoded[0] = encoded[0][event.column :]
    return b"\n".join(encoded).decode(errors="replace").strip()


def line_of(tape: Tape, event: Event) -> str:
    """Return the whole line of an event; empty where it is not known."""
    text = None if event.file is None or event.line is None else tape.source_text(event.file)
    lines = [] if text is None else text.splitlines()
    return lines[event.line - 1] if event.line is not None and 0 < event.line <= len(lines) else ""


def expression(text: str) -> ast.AST | None:
    """Return the syntax tree of a piece of source; None where it is none by itself."""
    try:
        return ast.parse(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def assignment(tape: Tape, event: Event, name: str) -> tuple[int, str] | None:
    """Return (line, code of the value) of the last assignment to a variable that stands above an event."""
    tree = _tree(None if event.file is None else tape.source_text(event.file))
    found: tuple[int, str] | None = None
    for node in ast.walk(tree) if tree is not None and event.line is not None else ():
        if isinstance(node, ast.Assign) and (node.end_lineno or 0) < (event.line or 0):
            is_it = any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
            if is_it and (found is None or node.lineno > found[0]):
                found = node.lineno, ast.unparse(node.value)
    return found


@lru_cache(8)
def _tree(text: str | None) -> ast.Module | None:
    try:
        return None if text is None else ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def switch(tape: Tape, event: Event) -> tuple[int, str] | None:
    """Return (line, text) of what is innermost around an event and switches gradients off; None where none is seen.

    A ``with`` or a decorator: what calls the function in which the event happened is not looked at.
    """
    tree = _tree(None if event.file is None else tape.source_text(event.file))
    if tree is None or event.line is None:
        return None
    found: tuple[int, str] | None = None
    for node, calls, first in _switching(tree):
        if first <= event.line <= (node.end_lineno or 0):
            for call in calls:
                found = (call.lineno, _shown(node, call)) if _name(call) != "enable_grad" else None
    return found


def function_at(tape: Tape, event: Event) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the innermost function in which an event happened; None at the top of a file, or where it is not known."""
    tree, line = tree_of(tape, event), event.line
    functions = (
        node
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    if line is None:
        return None
    around = [node for node in functions if node.body[0].lineno <= line <= (node.end_lineno or 0)]
    return around[-1] if around else None


def tree_of(tape: Tape, event: Event) -> ast.Module | None:
    """Return the syntax tree of the file in which an event happened; None where it is not known."""
    return _tree(None if event.file is None else tape.source_text(event.file))


def _switching(tree: ast.Module) -> Iterator[tuple[ast.stmt, list[ast.expr], int]]:
    """Yield each ``with`` and function, outermost first, with its switches and the first line that they are for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.With | ast.AsyncWith):
            calls = [item.context_expr for item in node.items]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            calls = node.decorator_list
        else:
            continue
        if chosen := [call for call in calls if _name(call) in _SWITCHES]:
            yield node, chosen, node.body[0].lineno


def _name(call: ast.expr) -> str:
    target = call.func if isinstance(call, ast.Call) else call
    return target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""


def _shown(node: ast.stmt, call: ast.expr) -> str:
    text = ast.unparse(call)
    return f"with {text}" if isinstance(node, ast.With | ast.AsyncWith) else f"@{text}"
