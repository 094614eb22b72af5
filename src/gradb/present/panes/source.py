"""The source pane: the script's text with the current line and the very sub-expression marked."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from pygments.lexers.python import PythonLexer
from rich.console import Group, RenderableType
from rich.text import Text

from gradb.frame.frame import Frame, SourceView
from gradb.present.draw import theme
from gradb.present.draw.fields import remark, wrapped
from gradb.present.draw.files import relative
from gradb.present.draw.safe import plain
from gradb.present.draw.viewport import window
from gradb.present.json.calls import call_json
from gradb.present.json.lessons import lesson_json
from gradb.present.json.values import Json
from gradb.present.lines.captions import caption_lines
from gradb.present.options import Options

_MAX_HIGHLIGHTED = 200_000  # characters; a longer file is shown without colours
_MAX_LINE = 400
ODD = "×"
"""Stands behind the number of a line whose event has a NaN or an infinity."""
FAILED = "✗"
"""Stands in front of a line that has raised an error, in the place of the arrow."""
CALL = "«"
"""Stands in front of the line from which the backward was called that runs at the position."""


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the lines around the current one."""
    view = frame.source
    if view is None:
        return remark("no source line for this position", options.width)
    if not view.lines:
        where = f":{view.line}" if view.line else ""
        return remark(f"{plain(view.file, 200)}{where}: its text is not on the tape", options.width)
    focus = None if view.line is None else min(max(view.line, 1), len(view.lines)) - 1
    words = wrapped(beside(view), options.width, theme.DIM) if beside(view) else []
    words += caption_lines(frame.lesson, options.width) if frame.lesson is not None and frame.lesson.caption else []
    room = None if options.height is None else max(options.height - len(words), 1)
    first, last = window(len(view.lines), focus, room or len(view.lines))
    digits = len(str(last))
    cells = max(options.width - digits - 3, 10)
    return Group(*(_line(view, index, digits, cells) for index in range(first, last)), *words)


_HINT = re.compile(r"(hint:).*")


def veiled(frame: Frame, given: frozenset[int]) -> SourceView | None:
    """Return what is shown of the source, without the words of those hints of a lesson that were not given yet."""
    view, at = frame.source, frame.lesson
    if view is None or at is None or view.file != at.file:
        return view
    hidden = frozenset(line for question in at.lesson.questions for line in question.hint_lines) - given
    return replace(view, lines=_without(view.lines, hidden)) if hidden else view


@lru_cache(maxsize=8)
def _without(lines: tuple[str, ...], hidden: frozenset[int]) -> tuple[str, ...]:
    return tuple(_HINT.sub(r"\1 …", line) if number in hidden else line for number, line in enumerate(lines, 1))


def beside(view: SourceView) -> str:
    """Return where in a library it happened, and from where the function of the marked line was called."""
    parts = [f"in {plain(view.library, 200)}"] if view.library else []
    if view.caller is not None:
        file, line = view.caller
        parts.append(f"called from {plain(file.rpartition('/')[2], 200)}:{line or '?'}")
    return ", ".join(parts)


def source_line(view: SourceView, index: int, width: int, left: int = 0) -> Text:
    """Return one line of the file (index from 0), for a view that draws only the lines on the screen.

    Args:
        view: what is shown of the file.
        index: of the line, from 0.
        width: cells there are.
        left: characters that lie to the left of what is shown; 0: the marked expression is brought into view.
    """
    return _line(view, index, len(str(len(view.lines))), text_room(view, width), left)


def text_room(view: SourceView, width: int) -> int:
    """Return how many of ``width`` cells are for the text of a line."""
    return max(width - len(str(len(view.lines))) - 2, 10)


def _line(view: SourceView, index: int, digits: int, room: int, left: int = 0) -> Text:
    number = index + 1
    is_current = view.line is not None and view.line <= number <= (view.end_line or view.line)
    text = highlight(view.lines)[index].copy()
    if is_current:
        begin, end = span(view, number)
        text.stylize(theme.MARKED, begin, end)
        text = text if left else _in_view(text, begin, end, room)
    line = Text(no_wrap=True)
    is_failed = view.has_failed and number == view.line
    line.append(_sign(view, number, is_current=is_current), theme.WARNING if is_failed else theme.CURRENT)
    line.append(f"{number:>{digits}}", theme.CURRENT if is_current else theme.DIM)
    is_odd = number == view.line and view.has_nonfinite
    line.append(ODD if is_odd else " ", theme.NONFINITE if is_odd else "")
    if left:
        text = Text("…", theme.DIM).append_text(text[left + 1 :]) if text.plain[:left].strip() else text[left:]
    text.truncate(room, overflow="ellipsis")
    return line.append_text(text)


def _sign(view: SourceView, number: int, *, is_current: bool) -> str:
    """Return what stands in front of a line."""
    if number == view.line:
        return FAILED if view.has_failed else "▶"
    return CALL if number == view.backward else "┃" if is_current else " "


def _in_view(text: Text, begin: int, end: int, room: int) -> Text:
    """Cut the front off a line whose marked expression ends beyond ``room``, so that it begins in view."""
    shift = max(min(begin - 4, end - room + 1), 0) if end > room else 0
    return Text("…", theme.DIM).append_text(text[shift + 1 :]) if shift else text


def span(view: SourceView, number: int) -> tuple[int, int]:
    """Return the first and one past the last cell of the marked expression on line ``number`` (from 1)."""
    raw = view.lines[number - 1]
    last = view.end_line or view.line
    blank = len(raw) - len(raw.lstrip())
    begin = _characters(raw, view.column) if number == view.line and view.column is not None else blank
    is_end_known = number == last and view.end_column is not None
    end = _characters(raw, view.end_column) if is_end_known else len(raw.rstrip())
    return len(plain(raw[:begin])), len(plain(raw[: max(begin, end)]))


def _characters(line: str, offset: int | None) -> int:
    """Turn a UTF-8 byte offset into a number of characters."""
    return len(line.encode("utf-8", "replace")[: max(offset or 0, 0)].decode("utf-8", "ignore"))


@lru_cache(maxsize=8)
def highlight(lines: tuple[str, ...]) -> tuple[Text, ...]:
    """Return the lines coloured as Python, made plain."""
    text = "\n".join(lines)
    if len(text) > _MAX_HIGHLIGHTED:
        return tuple(Text(plain(line, _MAX_LINE), no_wrap=True) for line in lines)
    result = [Text(no_wrap=True)]
    for token, piece in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        style = _style(str(token))
        for position, part in enumerate(piece.split("\n")):
            if position:
                result.append(Text(no_wrap=True))
            result[-1].append(plain(part), style)
    # a lexer may normalise line ends inside a line: the tape's lines are what counts
    if len(result) != len(lines):
        return tuple(Text(plain(line, _MAX_LINE), no_wrap=True) for line in lines)
    return tuple(result)


@lru_cache(maxsize=256)
def _style(token: str) -> str:
    while token and token not in theme.TOKEN_STYLES:
        token = token.rpartition(".")[0]
    return theme.TOKEN_STYLES.get(token, "")


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return the place in the script and its line."""
    view = frame.source
    if view is None:
        return {"file": None, "line": None, "text": None, "nonfinite": False, "failed": False, "library": None,
                "backward": None, "lesson": lesson_json(frame.lesson)}  # fmt: skip
    text = view.lines[view.line - 1] if view.line and view.line <= len(view.lines) else None
    place = {key: getattr(view, key) for key in ("line", "end_line", "column", "end_column")}
    call = frame.backward
    rest = {"text": text, "nonfinite": view.has_nonfinite, "failed": view.has_failed, "library": view.library or None}
    running = None if call is None else call_json(call, frame.run)
    return {
        "file": relative(view.file, frame.run),
        **place,
        **rest,
        "backward": running,
        "lesson": lesson_json(frame.lesson),
    }
