"""What a script's comments teach at a position: the caption that holds there, and how a lesson begins."""

from __future__ import annotations

import textwrap

from rich.text import Text

from gradb.algebra.figures import counted
from gradb.frame.lesson.lesson import Lesson, LessonAt
from gradb.present.draw import theme
from gradb.present.draw.fields import cut
from gradb.present.draw.safe import plain
from gradb.present.lines.questions import question_text
from gradb.present.options import Asked

MAX_LINES = 3
"""Of a caption on the screen."""
BAR, ASKS, _GAP = "┃ ", "? ", "   "
_KEYS = "(a answers, space goes on)"
_LIMIT = 400


def caption_lines(at: LessonAt, width: int, most: int = MAX_LINES) -> list[Text]:
    """Return the caption at a position behind a bar; at the start how to begin, and where none holds what comes."""
    style = theme.TITLE if at.caption is not None or at.is_start else theme.DIM
    return [
        cut(Text.assemble((BAR, theme.NAME), (line, style), no_wrap=True), width)
        for line in _folded(_written(at), width)[:most]
    ]


def asked_lines(asked: Asked, width: int) -> list[Text]:
    """Return a question, its statement, and what was said to the last answer, in the place of the caption.

    One sign stands before all of it, so that what is folded does not look like another question.
    """
    question = asked.question
    rows = [Text(line, theme.TITLE) for line in _folded((question_text(question, asked.count),), width)]
    code = Text(f"{question.span.first}  {plain(question.code, _LIMIT)}" if question.code else "")
    if rows[-1].cell_len + len(_GAP) + code.cell_len <= width - len(ASKS):
        rows[-1] = Text.assemble(rows[-1], _GAP, code)
    else:
        rows.append(code)
    if not asked.said and rows[-1].cell_len + len(_GAP) + len(_KEYS) <= width - len(ASKS):
        rows[-1] = Text.assemble(rows[-1], _GAP, (_KEYS, theme.DIM))
    rows += [Text(line, theme.CHANGED) for line in (_folded((asked.said,), width) if asked.said else [])]
    signs = [ASKS, *[" " * len(ASKS)] * (len(rows) - 1)]
    return [
        cut(Text.assemble((sign, theme.CHANGED), row, no_wrap=True), width)
        for sign, row in zip(signs, rows, strict=True)
    ]


def caption_rows(lesson: Lesson, width: int) -> int:
    """Return how many lines the longest caption of a lesson takes, so that nothing moves when another is shown."""
    head = (each.lines for each in lesson.captions if each.span.first == lesson.begin)
    texts = [(_opening(lesson), *next(head, ())), *(each.lines for each in lesson.captions)]
    asked = [asked_lines(Asked(each, len(lesson.questions)), width) for each in lesson.questions]
    rows = max(*(len(_folded(text, width)) for text in texts), *map(len, asked), 0)
    return min(rows, MAX_LINES) if len(texts) > 1 or asked else 0


def caption_text(at: LessonAt | None) -> str:
    """Return the caption at a position as one line; empty where there is none."""
    return "" if at is None or at.caption is None else _joined(at.caption.lines)


def _joined(lines: tuple[str, ...]) -> str:
    return plain(" ".join(lines), _LIMIT)


def _written(at: LessonAt) -> tuple[str, ...]:
    said = () if at.caption is None else at.caption.lines
    return (_opening(at.lesson), *said) if at.is_start else said or (_coming(at.lesson),)


def _folded(lines: tuple[str, ...], width: int) -> list[str]:
    """Return lines as they are written, where they fit; else folded as one."""
    room = max(width - len(BAR), 8)
    written = [plain(line, _LIMIT) for line in lines]
    if len(written) <= MAX_LINES and all(len(line) <= room for line in written):
        return written
    return textwrap.wrap(_joined(lines), room) or [""]


def _opening(lesson: Lesson) -> str:
    asks = f" {_counted(lesson)} will be asked." if lesson.questions else ""
    return f"Press 3 and z to read the lesson, z to go back.{asks}"


def _coming(lesson: Lesson) -> str:
    are = f", and {_counted(lesson)} {'is' if len(lesson.questions) == 1 else 'are'} asked" if lesson.questions else ""
    return f"Here stands what just happened{are}."


def _counted(lesson: Lesson) -> str:
    return counted(len(lesson.questions), "question")
