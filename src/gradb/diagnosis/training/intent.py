"""What a run that was ended early might still have come to, as far as the script's text shows it.

``gradb check`` ends a script after some iterations: what "never" happened by then may be meant for later.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import lru_cache

from gradb.frame.reader import Tape
from gradb.tape.kinds.event import Event

_MOST_OPTIMIZERS = 256
_NO_OPTIMIZERS = frozenset({"lr_scheduler", "swa_utils"})
_BRANCHES = (ast.If, ast.IfExp, ast.Match)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def within(tape: Tape) -> str:
    """Return `` in the 20 iterations judged`` of a run that was ended after them, else an empty text."""
    ended = tape.fact("ended_after")
    return "" if ended is None else f" in the {ended} iterations judged"


def is_ended(tape: Tape) -> bool:
    """Tell whether the script would have gone on."""
    return tape.fact("ended_after") is not None


def later_optimizer(tape: Tape) -> int | None:
    """Return the line of a call that gives an optimizer parameters and was not come to; None where none is seen.

    Not counted is what stands in another branch of the choice by which an optimizer was made before any loop.
    """
    made = set(_made(tape)) if is_ended(tape) else set()
    for path, text in tape.sources if is_ended(tape) else ():
        lines = {line for file, line in made if file == path}
        for call, around in _calls(text):
            name = _dotted(call.func)
            is_group = name[-1:] == ["add_param_group"]
            if is_group or (
                _makes_optimizer(call, name) and not _is_made(call, lines) and not _is_chosen(around, lines)
            ):
                return call.lineno
    return None


def is_conditional(tape: Tape, event: Event) -> bool:
    """Tell whether what happens at an event may depend on how far the training is.

    It stands in a branch, or its grad mode is not switched by a ``with`` or a decorator around it that always does.
    """
    around = _around(None if event.file is None else tape.source_text(event.file), event.line)
    if any(isinstance(node, _BRANCHES) and not _is_main(node) for node in around):
        return True
    return event.grad_mode != "on" and not any(_always_off(node) for node in around)


def _made(tape: Tape) -> Iterator[tuple[str, int]]:
    """Yield where the optimizers were made that the tape knows of."""
    for number in range(1, _MOST_OPTIMIZERS):
        text = tape.fact(f"optimizer_{number}")
        if text is None:
            return
        try:
            file, line = json.loads(text)[2:4]
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        if isinstance(file, str) and isinstance(line, int):
            yield file, line


@lru_cache(8)
def _tree(text: str | None) -> ast.Module | None:
    try:
        return None if text is None else ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _calls(text: str | None) -> Iterator[tuple[ast.Call, tuple[ast.AST, ...]]]:
    """Yield each call, and what stands around it, outermost first."""
    tree = _tree(text)
    stack: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [] if tree is None else [(tree, ())]
    while stack:
        node, around = stack.pop()
        if isinstance(node, ast.Call):
            yield node, around
        stack.extend((child, (*around, node)) for child in ast.iter_child_nodes(node))


def _around(text: str | None, line: int | None) -> list[ast.AST]:
    """Return all nodes that have a line among theirs."""
    tree = _tree(text)
    if tree is None or line is None:
        return []
    return [node for node in ast.walk(tree) if getattr(node, "lineno", line + 1) <= line <= (_end(node) or 0)]


def _end(node: ast.AST) -> int | None:
    end: int | None = getattr(node, "end_lineno", None)
    return end


def _dotted(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [*_dotted(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else []


def _makes_optimizer(call: ast.Call, name: list[str]) -> bool:
    """Tell whether a call is of ``optim.X`` or, by its words, of what is imported from there."""
    if not name or _NO_OPTIMIZERS & {*name}:
        return False
    return "optim" in name[:-1] or any(keyword.arg == "lr" for keyword in call.keywords)


def _is_made(node: ast.AST, lines: set[int]) -> bool:
    """Tell whether an optimizer was made at any line of a node."""
    first: int = getattr(node, "lineno", 0)
    return any(first <= line <= (_end(node) or 0) for line in lines)


def _is_chosen(around: tuple[ast.AST, ...], lines: set[int]) -> bool:
    """Tell whether another branch of a choice that stands in no loop was taken."""
    loop = next((number for number, node in enumerate(around) if isinstance(node, _LOOPS)), len(around))
    return any(isinstance(node, _BRANCHES) and _is_made(node, lines) for node in around[:loop])


def _is_main(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _always_off(node: ast.AST) -> bool:
    """Tell whether a ``with`` or a function always switches gradients off."""
    if isinstance(node, ast.With | ast.AsyncWith):
        calls = [item.context_expr for item in node.items]
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        calls = node.decorator_list
    else:
        return False
    return any(_dotted(call.func if isinstance(call, ast.Call) else call)[-1:] in _OFF for call in calls)


_OFF = (["no_grad"], ["inference_mode"])
