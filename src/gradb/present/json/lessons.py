"""What a script that teaches says at a position, as data."""

from __future__ import annotations

from gradb.frame.lesson.lesson import LessonAt, Question
from gradb.present.json.values import Json


def lesson_json(at: LessonAt | None) -> Json | None:
    """Return what holds of a lesson at a position; None where the script teaches nothing."""
    if at is None:
        return None
    caption, question = at.caption, at.question
    told = None if caption is None else {"lines": [*caption.lines], "line": caption.span.first}
    asked = None if question is None else question_json(question)
    return {"learns": at.lesson.learns, "questions": len(at.lesson.questions), "caption": told, "question": asked}


def question_json(question: Question) -> Json:
    """Return a question: of what, where, and at which statement."""
    place = {"at": question.stop or None, "line": question.span.first}
    return {"number": question.number, "text": question.text, **place}
