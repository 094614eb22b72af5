"""Reads the lesson of a main file: a pure function of its text.

A file teaches where its docstring has a line that begins with ``Lesson:``. A comment ``#: text`` is a caption,
``#? EXPR`` or ``#? EXPR at STOP`` a question, ``#? hint: text`` a hint for the question above it (formatters make
``# ?`` of that, which is the same). Those on lines of their own belong to the statement below, others to that on their
line. Comments are told by the tokenizer, so that what only looks like one within a string is none.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gradb.frame.lesson.aim import learns
from gradb.frame.lesson.lesson import Assigned, Body, Caption, Lesson, Question, Span, Stray

MAX_TEXT = 200_000
"""Characters; what is longer teaches nothing."""
_STOP = re.compile(r"\s+at\s+(?=[A-Za-z_])")
_HINT = re.compile(r"hint:\s*")
_TEACHES = re.compile(r"#(:| ?\?)\s*(.*\S)")


def read_lesson(text: str) -> Lesson | None:
    """Return the lesson of a file; None where it has none, or cannot be read."""
    if len(text) > MAX_TEXT or "Lesson:" not in text:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(text)
        said = learns(ast.get_docstring(tree) or "")
        if said is None:
            return None
        lesson = _Reader(list(_spans(tree)), text.split("\n")).read(said, _comments(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return None
    return replace(
        lesson,
        scopes=_bodies(tree, _SCOPES),
        loops=_bodies(tree, _LOOPS),
        begin=_first(tree.body[1]) if len(tree.body) > 1 else 0,
        end=tree.body[-1].end_lineno or 0,
    )


@dataclass(frozen=True, slots=True)
class _Comment:
    line: int
    is_alone: bool
    is_caption: bool
    words: str


def _comments(text: str) -> Iterator[_Comment]:
    """Yield the comments that are captions or questions."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and (found := _TEACHES.match(token.string)):
            line, column = token.start
            yield _Comment(line, not token.line[:column].strip(), found[1] == ":", found[2])


@dataclass(slots=True)
class _Reader:
    """Puts comments to statements, in the order of the file."""

    spans: list[Span]
    lines: list[str]
    captions: list[Caption] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)

    def read(self, said: str, comments: Iterator[_Comment]) -> Lesson:
        for comment in comments:
            span = self._below(comment.line) if comment.is_alone else self._on(comment.line)
            if span is not None and comment.is_caption:
                self._caption(comment.words, span, is_alone=comment.is_alone)
            elif not comment.is_caption and not (span and self._question(comment.words, span, comment.line)):
                hint = _HINT.match(comment.words)
                self.strays.append(Stray(comment.line, comment.words, hint is not None))
        return Lesson(said, tuple(self.captions), tuple(self.questions), tuple(self.strays))

    def _caption(self, words: str, span: Span, *, is_alone: bool) -> None:
        if is_alone and self.captions and self.captions[-1].span == span:
            self.captions[-1] = replace(self.captions[-1], lines=(*self.captions[-1].lines, words))
        else:
            self.captions.append(Caption((words,), span))

    def _question(self, words: str, span: Span, line: int) -> bool:
        """Take a question, or a hint for the last one; return whether there is one that it is for."""
        last = self.questions[-1] if self.questions and self.questions[-1].span == span else None
        if hint := _HINT.match(words):
            if last is not None and words[hint.end() :]:
                told, at = (*last.hints, words[hint.end() :]), (*last.hint_lines, line)
                self.questions[-1] = replace(last, hints=told, hint_lines=at)
            return last is not None
        text, *stop = _STOP.split(words, maxsplit=1)
        number = len(self.questions) + 1
        where, code = stop[0].strip() if stop else "", self.lines[span.first - 1].strip()
        self.questions.append(Question(number, text.strip(), where, (), (), line, span, code))
        return True

    def _below(self, line: int) -> Span | None:
        """Return the first statement below a line, the outer one of those that begin together."""
        return min(
            (span for span in self.spans if span.first > line), key=lambda span: (span.first, -span.end), default=None
        )

    def _on(self, line: int) -> Span | None:
        """Return the innermost statement on a line."""
        on = (span for span in self.spans if span.first <= line <= span.last)
        return min(on, key=lambda span: (span.end - span.first, -span.first), default=None)


_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def _spans(tree: ast.Module) -> Iterator[Span]:
    """Yield the statements of a file, but for its docstring."""
    waiting: list[tuple[list[ast.stmt], int]] = [(tree.body[1:], 0)]
    while waiting:
        block, scope = waiting.pop()
        until = block[-1].end_lineno or 0 if block else 0
        for statement in block:
            inner = [each for each in _inner(statement) if each]
            span = _span(statement, inner, until, scope)
            yield span
            below = span.first if isinstance(statement, _SCOPES) else scope
            waiting += [(each, below) for each in inner]


def _bodies(tree: ast.Module, kinds: tuple[type[ast.stmt], ...]) -> tuple[Body, ...]:
    """Return all statements of some kinds that have a body."""
    found = (each for each in ast.walk(tree) if isinstance(each, kinds))
    return tuple(Body(_first(each), each.body[0].lineno, each.end_lineno or 0) for each in found)  # type: ignore[attr-defined]


def _first(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min(statement.lineno, *(each.lineno for each in decorators)) if decorators else statement.lineno


def _inner(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a statement."""
    for name in _BLOCKS:
        block = getattr(statement, name, [])
        parts = [part.body for part in block if not isinstance(part, ast.stmt)]  # of `except` and `case`
        yield from parts or [block]


def _span(statement: ast.stmt, inner: list[list[ast.stmt]], until: int, scope: int) -> Span:
    end = statement.end_lineno or statement.lineno
    last = max(inner[0][0].lineno - 1, statement.lineno) if inner else end
    return Span(_first(statement), last, end, until, scope, tuple(_assigned(statement)))


def _assigned(statement: ast.stmt) -> Iterator[Assigned]:
    """Yield what a statement gives new values; what it changes in place (``+=``) stays what it is."""
    if isinstance(statement, (*_SCOPES, ast.AugAssign)):
        return
    parts = [part for part in ast.iter_child_nodes(statement) if isinstance(part, ast.expr | ast.withitem)]
    last = max((getattr(part, "end_lineno", 0) for part in parts), default=0)
    for node in (node for part in parts for node in ast.walk(part)):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield Assigned(ast.unparse(node), statement.lineno, max(last, node.end_lineno or 0))
    for block in _inner(statement):
        for each in block:
            yield from _assigned(each)
