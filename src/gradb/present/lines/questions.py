"""The questions of a script that teaches, in words: what is asked, and what is said to an answer."""

from __future__ import annotations

import re

from gradb.frame.lesson.lesson import Question, Stray
from gradb.present.draw.safe import plain

_LIMIT = 200
_TRUTH = re.compile(r"[=!<>]=|[<>]|\b(?:and|or|not|in)\b")
"""What makes an expression come to True or False."""
_STOPS = {"error": "the error", "accumulate": "the accumulation", "step": "the step"}
"""Where a question stops, as one says it."""
RIGHT, WRONG = "✓ right", "✗ not yet"


def question_text(question: Question, count: int) -> str:
    """Return what is asked: ``Question 2 of 3: what will a.grad be once line 20 has run?``."""
    span, text = question.span, plain(question.text, _LIMIT)
    which = f"{which_text(question, count).capitalize()}: "
    lines = f"line {span.first}" if span.first == span.end else f"lines {span.first} to {span.end}"
    asked = f"{which}will {text} be True or False" if _TRUTH.search(text) else f"{which}what will {text} be"
    if question.stop:
        stop = plain(_STOPS.get(question.stop, question.stop), _LIMIT)
        return f"{asked} at {stop}, while {lines} run{_s(lines)}?"
    return f"{asked} once {lines} ha{_s(lines, 's', 've')} run?"


def which_text(question: Question, count: int) -> str:
    """Return ``question 2 of 3``."""
    return f"question {question.number} of {count}"


def _s(lines: str, one: str = "s", many: str = "") -> str:
    return one if lines.startswith("line ") else many


def right_text(question: Question, engine: str) -> str:
    """Return what is said to a right answer."""
    return f"{RIGHT}: {plain(question.text, _LIMIT)} is {plain(engine)}"


def wrong_text(remark: str, hint: str = "") -> str:
    """Return what is said to a wrong one, and the next hint."""
    return ". ".join([f"{WRONG}: {remark}", *([f"Hint: {plain(hint, _LIMIT)}"] if hint else [])])


def told_text(question: Question, remark: str, engine: str) -> str:
    """Return what is said to a wrong one after which there is no hint any more."""
    return f"✗ {remark}. The engine: {plain(question.text, _LIMIT)} is {plain(engine)}"


def stray_text(stray: Stray, file: str) -> str:
    """Return that a question or a hint belongs to nothing."""
    where = f"{plain(file)}:{stray.line}: #? {plain(stray.text, _LIMIT)}"
    if stray.is_hint:
        return f"{where} has no question right above it, so it is never given"
    return f"{where} has no statement below it, so it is never asked"
