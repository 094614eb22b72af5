"""A teacher's grader: the answers of a file held against what a run came to, question by question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal

from gradb.algebra.figures import counted
from gradb.batch.lines import line
from gradb.batch.show import Style
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.quiz.judging import engine, judge, read_answer, told
from gradb.debugger.quiz.quiz import bound_of, moment_of, questions_of, strays_of
from gradb.frame.lesson.lesson import Question
from gradb.frame.lesson.moments import stop_of
from gradb.present.draw.safe import plain
from gradb.present.json.lessons import question_json
from gradb.present.json.values import Json
from gradb.tape.kinds.error import ErrorDetail

_NONE = "-"
_LIMIT = 300


def read_answers(text: str, origin: str) -> list[tuple[int, str]]:
    """Return (line, answer) of a file of answers: one a line, ``-`` for none; comments and empty lines do not count.

    Raises:
        UserError: an answer is no value.
    """
    found = [(number, each.strip()) for number, each in enumerate(text.splitlines(), 1)]
    answers = [(number, each) for number, each in found if each and not each.startswith("#")]
    for number, each in answers:
        try:
            if each != _NONE:
                read_answer(each, "")
        except UserError as error:
            raise UserError(f"{origin}:{number}: {error}") from error
    return answers


def grade(
    debugger: Debugger,
    answers: Sequence[tuple[int, str]],
    origin: str,
    style: Style,
    out: Callable[[str], object],
    warn: Callable[[str], object] = lambda sentence: None,
) -> bool:
    """Run a script to its end, say of each of its questions whether the answer is right, and return whether all are.

    Args:
        debugger: of the script, or of a recording.
        answers: as of ``read_answers``.
        origin: the file that they are from.
        style: as text, or as JSON.
        out: takes what is said.
        warn: takes what is wrong with the script: it did not run to its end, or a question is never asked.

    Raises:
        UserError: the script could not begin, asks nothing, or there are more answers than questions.
    """
    debugger.inplace.put(())  # the answers are about the run itself
    debugger.wait()
    debugger.run_to_end()
    debugger.wait()
    if debugger.failure:
        raise UserError(debugger.failure)
    questions = questions_of(debugger.tape)
    for sentence in strays_of(debugger.tape):
        warn(sentence)
    if not questions:
        raise UserError("the script asks no questions: see docs/lessons.md")
    if len(answers) > len(questions):
        raise UserError(
            f"{origin}:{answers[len(questions)][0]}: there are more answers than the script has questions,"
            f" which is {len(questions)}"
        )
    given = [answer for _, answer in answers] + [_NONE] * (len(questions) - len(answers))
    graded = [_graded(debugger, question, answer) for question, answer in zip(questions, given, strict=True)]
    right = sum(each.result == "right" for each in graded)
    out("".join(line(each.json) + "\n" if style.is_json else each.text for each in graded))
    ended = _ending(debugger)
    total = {"right": right, "questions": len(questions), "ended": ended}
    out((line(total) if style.is_json else f"{right} of {len(questions)} right") + "\n")
    if ended != "finished":
        missed = sum(each.result == "not asked" for each in graded)
        lost = f"; {missed} of {counted(len(questions), 'question')} did not come up" if missed else ""
        warn(f"the script did not run to its end: {ended}{lost}")
    return right == len(questions)


@dataclass(frozen=True, slots=True)
class Graded:
    """What became of one question."""

    question: Question
    result: Literal["right", "wrong", "missing", "not asked", "not judged"]
    answer: str | None
    """As written; None where there is none."""
    engine: str | None = None
    """What the engine came to; None where that is not known."""
    remark: str | None = None

    @property
    def json(self) -> Json:
        """All of it as data."""
        told_ = {"result": self.result, "answer": self.answer, "engine": self.engine, "remark": self.remark}
        return {**question_json(self.question), **told_}

    @property
    def text(self) -> str:
        """``2 wrong      a.grad (line 20): [1, 2]; the engine: [28, 36]``, with its line end."""
        stop = f" at {self.question.stop}" if self.question.stop else ""
        asked = f"{plain(self.question.text + stop, _LIMIT)} (line {self.question.span.first})"
        parts = [] if self.answer is None else [plain(self.answer, _LIMIT)]
        parts += [] if self.engine is None or self.result == "right" else [f"the engine: {plain(self.engine)}"]
        parts += [] if self.remark is None else [plain(self.remark, _LIMIT)]
        return f"{self.question.number} {self.result:<10} {asked}{': ' if parts else ''}{'; '.join(parts)}\n"


def _graded(debugger: Debugger, question: Question, answer: str) -> Graded:
    tape, yours = debugger.tape, None if answer == _NONE else answer
    moment = moment_of(tape, question, debugger.head)
    if tape is None or moment is None:
        return Graded(question, "not asked", yours, None, _why_not(debugger, question))
    position = debugger.head if moment.told is None else moment.told
    try:
        bound = bound_of(tape, question)
        truth = told(engine(tape, position, question.text, bound))
        if yours is None:
            return Graded(question, "missing", None, truth)
        verdict = judge(tape, position, question.text, yours, bound)
    except UserError as error:
        return Graded(question, "not judged", yours, None, str(error))
    return Graded(question, "right" if verdict.is_right else "wrong", yours, truth, verdict.remark or None)


def _why_not(debugger: Debugger, question: Question) -> str:
    """Say why a question was not asked."""
    line_ = question.span.first
    if question.stop and stop_of(question.stop) is None:
        return f"{question.stop} is no place to stop"
    if question.stop and moment_of(debugger.tape, replace(question, stop=""), debugger.head) is not None:
        return f"no {question.stop} came while line {line_} ran"
    return f"nothing that is recorded shows that the run came to line {line_}"


def _ending(debugger: Debugger) -> str:
    """Return how a script ended: ``finished``, ``ValueError: boom (lesson.py:11)``, ``exit code 3`` ..."""
    tape = debugger.tape
    error = None if tape is None else tape.latest("error", debugger.head)
    if tape is None or error is None:
        return debugger.status
    detail, event = tape.detail(error), tape.event(error)
    if not isinstance(detail, ErrorDetail) or not detail.is_uncaught:
        return debugger.status
    place = f" ({plain(PurePath(event.file).name)}:{event.line})" if event.file and event.line else ""
    return plain(f"{detail.type}: {detail.message}".split("\n", 1)[0], _LIMIT) + place
