"""The questions of one session: which of them a movement has come to, and what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal

from gradb.debugger.errors import UserError
from gradb.debugger.expect import reading
from gradb.debugger.quiz.judging import Verdict, judge
from gradb.frame.lesson.aim import learns
from gradb.frame.lesson.lesson import Lesson, Moment, Question
from gradb.frame.lesson.moments import stop_of
from gradb.frame.reader import Tape, TapeError
from gradb.present.lines.questions import right_text, stray_text, told_text, wrong_text
from gradb.tape.stops import Stop

Outcome = Literal["", "skipped", "right", "told"]
"""Not asked, or asked and not answered yet; passed over; answered rightly; told after all hints."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with one question."""

    wrong: int = 0
    """Wrong answers so far."""
    outcome: Outcome = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said to an answer."""

    verdict: Verdict
    hint: str = ""
    """After a wrong answer; empty where there is no further one."""
    is_told: bool = False
    """All hints were given: the engine's answer is told."""

    def text(self, question: Question) -> str:
        """Return it in words."""
        if self.verdict.is_right:
            return right_text(question, self.verdict.engine)
        if self.is_told:
            return told_text(question, self.verdict.remark, self.verdict.engine)
        return wrong_text(self.verdict.remark, self.hint)


class Quiz:
    """What was asked and answered in a session; the tape says the rest."""

    def __init__(self) -> None:
        self._standings: dict[int, Standing] = {}
        self.is_asking = False
        """Somebody is there to be asked: `continue` stops at questions."""

    def standing(self, question: Question) -> Standing:
        """Return how it stands with a question."""
        return self._standings.get(question.number, Standing())

    def is_done(self, questions: Sequence[Question]) -> bool:
        """Tell whether each of some questions was answered, or its answer told."""
        return all(self.standing(each).outcome in {"right", "told"} for each in questions)

    def given(self, questions: Sequence[Question]) -> frozenset[int]:
        """Return the lines of the hints that may be read: those that were given, and all of what is over."""
        lines: list[int] = []
        for each in questions:
            standing = self.standing(each)
            lines += each.hint_lines if standing.outcome else each.hint_lines[: standing.wrong]
        return frozenset(lines)

    def met(self, tape: Tape | None, origin: int, position: int) -> Moment | None:
        """Return the first question, of those not asked yet, that a movement from one position to another has come to.

        Raises:
            UserError: the tape is damaged there.
        """
        found = [
            moment
            for each in questions_of(tape)
            if each.number not in self._standings
            and (moment := moment_of(tape, each, position)) is not None
            and origin < moment.met <= position
        ]
        return min(found, key=lambda moment: (moment.met, moment.question.number), default=None)

    def here(self, tape: Tape | None, position: int, head: int) -> Moment:
        """Return the question that is asked at a position, else the last one before.

        Raises:
            UserError: there is none.
        """
        questions = questions_of(tape)
        if not questions:
            raise UserError("this script asks no questions")
        found = [moment for each in questions if (moment := moment_of(tape, each, head)) is not None]
        asked = [moment for moment in found if moment.place <= position]
        if not asked:
            raise UserError("no question was asked up to here")
        due = [moment for moment in asked if position < moment.met]
        left = [moment for moment in due if self.standing(moment.question).outcome in {"", "skipped"}]
        return (left or due or [max(asked, key=lambda moment: moment.met)])[0]

    def ask(self, question: Question) -> None:
        """Take note that a question is asked."""
        self._standings[question.number] = self.standing(question)

    def skip(self, question: Question) -> None:
        """Take note that it was passed over, unless it was answered before."""
        standing = self.standing(question)
        if standing.outcome == "":
            self._standings[question.number] = replace(standing, outcome="skipped")

    def answer(self, tape: Tape, position: int, question: Question, text: str) -> Reply:
        """Judge an answer, and take note of it.

        Raises:
            UserError: it is no value, or it is not known what is right.
        """
        verdict = judge(tape, position, question.text, text, bound_of(tape, question))
        standing = self.standing(question)
        if verdict.is_right:
            self._standings[question.number] = replace(standing, outcome="right")
            return Reply(verdict)
        hint = question.hints[standing.wrong] if standing.wrong < len(question.hints) else ""
        outcome = standing.outcome if hint or standing.outcome == "right" else "told"
        self._standings[question.number] = Standing(standing.wrong + 1, outcome)
        return Reply(verdict, hint, is_told=not hint)

    def stops(self, tape: Tape | None, position: int) -> tuple[Stop, ...]:
        """Return where a run that goes on would come to questions that were not asked yet.

        Raises:
            UserError: the tape is damaged there.
        """
        if tape is None or not self.is_asking:
            return ()
        questions = [each for each in questions_of(tape) if each.number not in self._standings]
        if not questions:
            return ()
        event, path, found = tape.event(position) if position else None, tape.lessons.path, []
        for each in questions:
            lines = Stop("at", f"{path}:{each.span.first}-{each.span.end}")
            inner = stop_of(each.stop) if each.stop and event is not None and lines.matches(event, None) else None
            found.append(lines if inner is None else inner)
        return tuple(found)


def questions_of(tape: Tape | None) -> tuple[Question, ...]:
    """Return the questions of the script on a tape.

    Raises:
        UserError: the tape is damaged.
    """
    lesson = _lesson_of(tape)
    return () if lesson is None else lesson.questions


def strays_of(tape: Tape | None) -> list[str]:
    """Return what is written like a question or a hint and is never seen, a sentence each.

    Raises:
        UserError: the tape is damaged.
    """
    lesson = _lesson_of(tape)
    if tape is None or lesson is None:
        return []
    return [stray_text(stray, PurePath(tape.lessons.path).name) for stray in lesson.strays]


def faults_of(tape: Tape | None) -> list[str]:
    """Return the same, and which questions cannot be answered as they are written.

    Raises:
        UserError: the tape is damaged.
    """
    found = strays_of(tape)
    for question in questions_of(tape):
        where = f"{PurePath(tape.lessons.path).name if tape else ''}:{question.line}"
        if question.stop and stop_of(question.stop) is None:
            found.append(f"{where}: {question.stop} is no place to stop")
        try:
            reading.read(question.text, "a question")
        except UserError as error:
            found.append(f"{where}: {error}")
    return found


def _lesson_of(tape: Tape | None) -> Lesson | None:
    try:
        if tape is None or learns(tape.fact("lesson") or "") is None:
            return None
        at = tape.frame(0).lesson
    except TapeError as error:
        raise UserError(str(error)) from error
    return None if at is None else at.lesson


def moment_of(tape: Tape | None, question: Question, head: int) -> Moment | None:
    """Return when a question of a tape is about; None where the script has not come to it up to the head.

    Raises:
        UserError: the tape is damaged.
    """
    moments = None if tape is None else tape.lessons.moments
    try:
        return None if moments is None else moments.of(question, head)
    except TapeError as error:
        raise UserError(str(error)) from error


def bound_of(tape: Tape, question: Question) -> dict[str, int | None]:
    """Return what the variables of a question mean that its statement gives new values: see ``frame.lesson.bindings``.

    Raises:
        UserError: the tape is damaged there.
    """
    head, bindings = tape.head, tape.lessons.bindings
    moment = moment_of(tape, question, head)
    try:
        return {} if bindings is None or moment is None else bindings.of(moment, head)
    except TapeError as error:
        raise UserError(str(error)) from error
