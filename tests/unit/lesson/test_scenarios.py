"""The lessons that come with gradb: their comments can be read, fit the smallest screen, and belong somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradb.batch.quiz import read_answers
from gradb.debugger.expect.reading import read
from gradb.frame.lesson.lesson import Lesson
from gradb.frame.lesson.moments import stop_of
from gradb.frame.lesson.reading import read_lesson

SCENARIOS = Path(__file__).parents[3] / "scenarios"
_COMMENT = re.compile(r"#(?::| ?\?) *\S")
_WIDTH, _LINES = 76, 2
"""Cells and lines of a caption on the smallest screen."""


def lessons() -> dict[str, Lesson]:
    """Return the lessons by the names of their scenarios."""
    read_all = {path.stem: read_lesson(path.read_text()) for path in sorted(SCENARIOS.glob("*.py"))}
    return {name: lesson for name, lesson in read_all.items() if lesson is not None}


LESSONS = lessons()


@pytest.mark.parametrize("name", LESSONS)
def test_each_comment_of_a_lesson_belongs_to_a_statement(name: str) -> None:
    """None is lost: behind the last statement, or a hint without a question."""
    lesson = LESSONS[name]
    written = len(_COMMENT.findall((SCENARIOS / f"{name}.py").read_text()))
    captions = sum(len(each.lines) for each in lesson.captions)
    assert written == captions + len(lesson.questions) + sum(len(each.hints) for each in lesson.questions)


@pytest.mark.parametrize("name", LESSONS)
def test_captions_fit_and_questions_can_be_read(name: str) -> None:
    """As written, in two lines of 80 columns; expressions and where they stop are some; each has an answer."""
    lesson = LESSONS[name]
    assert lesson.captions
    assert lesson.questions
    for caption in lesson.captions:
        assert len(caption.lines) <= _LINES, caption
        assert max(map(len, caption.lines)) <= _WIDTH, caption
    for question in lesson.questions:
        read(question.text)
        assert not question.stop or stop_of(question.stop) is not None, question
    answers = SCENARIOS / "answers" / f"{name}.txt"
    assert len(read_answers(answers.read_text(), answers.name)) == len(lesson.questions)
