"""Where a value that the tape tells is from: it knows variables by their names, and no scopes.

So the value of a name may be one that a function had which is over, and is told with its event and place.
"""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from pathlib import PurePath

from gradb.frame.reader import Tape
from gradb.tape.expressions.names import WORDS
from gradb.tape.expressions.syntax import Expression
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.op import OpDetail

_MOST_NAMED = 5
_NEVER_VARIABLES = frozenset({"event", "upstream", "local", "downstream"})


@dataclass(frozen=True, slots=True)
class Source:
    """The event that a variable's value was recorded at."""

    variable: str
    event: int
    file: str
    """Empty where there is none."""
    line: int
    """From 1; 0 where there is none."""
    function: str
    """The function whose code is there; empty for a module, and where that is not known."""
    called: str = ""
    """What the event is called; empty: by its number."""

    @property
    def text(self) -> str:
        """``event 9, train.py:5 in f``."""
        place = f", {PurePath(self.file).name}:{self.line}" if self.file and self.line else ""
        return f"event {self.called or self.event}{place}" + (f" in {self.function}" if self.function else "")


def sources_text(sources: tuple[Source, ...]) -> str:
    """Return ``as of event 9, train.py:5 in f``; of several variables, which is of when."""
    if len(sources) == 1:
        return f"as of {sources[0].text}"
    named = [f"{one.variable} as of {one.text}" for one in sources[:_MOST_NAMED]]
    more = len(sources) - _MOST_NAMED
    return "; ".join([*named, *([f"{more} more"] if more > 0 else [])])


def sources_of(tape: Tape, position: int, expression: Expression) -> tuple[Source, ...]:
    """Return where the values of the variables in an expression are from.

    Raises:
        TapeError: the tape is damaged there.
    """
    found = [_source(tape, position, path) for path in sorted(expression.paths)]
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _source(tape: Tape, position: int, path: str) -> Source | None:
    name, tensor = _called(tape, position, path)
    if tensor is None:
        return None
    is_grad = path[len(name) :].startswith(".grad")
    seq = _touched(tape, tensor, position) if is_grad else _valued(tape, tensor, position)
    if not seq:
        return None
    event = tape.event(seq)
    variable, called = f"{name}.grad" if is_grad else name, tape.called(seq)
    return Source(variable, seq, event.file or "", event.line or 0, _function(tape, event), called)


def _called(tape: Tape, position: int, path: str) -> tuple[str, int | None]:
    """Return the longest beginning of a path that a tensor is called by, and that tensor."""
    while path:
        is_word = path in _NEVER_VARIABLES or (path in WORDS and path not in tape.names(position))
        if not is_word and (tensor := tape.tensor(path, position)) is not None:
            return path, tensor
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return "", None


def _touched(tape: Tape, tensor: int, position: int) -> int | None:
    found = tape.touched_grad(tensor, position)
    return None if found is None else found[0]


def _valued(tape: Tape, tensor: int, position: int) -> int | None:
    """Return the event that defined a tensor; the one at the position where that was given another value."""
    detail = tape.detail(position) if position else None
    given = (*detail.outputs, *detail.inputs) if isinstance(detail, OpDetail) else ()
    own = next((one.value for one in given if one.id == tensor), None)
    made = tape.appearance(tensor, position)
    if own is not None and (made is None or made.value != own):
        return position
    return tape.defined_at(tensor, position)


def _function(tape: Tape, event: Event) -> str:
    """Return the function that an event's line is in, by the source."""
    text = tape.source_text(event.file) if event.file and event.line else None
    if text is None or event.line is None:
        return ""
    line = event.line
    around = [(first, name) for first, last, name in _functions(text) if first <= line <= last]
    return max(around)[1] if around else ""


@functools.lru_cache(maxsize=16)
def _functions(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return first line, last line and name of each function in a source."""
    tree = _parsed(text)
    return tuple(
        (node.lineno, node.end_lineno or 0, node.name)
        for node in (() if tree is None else ast.walk(tree))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@functools.lru_cache(maxsize=16)
def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def bound_in_sources(tape: Tape, names: frozenset[str]) -> frozenset[str]:
    """Return those of some names that the script's sources give to something: a variable, an argument, an import."""
    found: set[str] = set()
    for _, text in tape.sources:
        if text is not None and any(name in text for name in names):
            tree = _parsed(text)
            found |= names if tree is None else names & {name for node in ast.walk(tree) for name in _bound(node)}
    return frozenset(found)


def _bound(node: ast.AST) -> tuple[str, ...]:
    match node:
        case ast.Name(ctx=ast.Store()):
            return (node.id,)
        case ast.arg():
            return (node.arg,)
        case ast.alias():
            return ((node.asname or node.name).partition(".")[0],)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return (node.name,)
    return ()
