"""The questions of a script that teaches, told as text: each before the step into its statement, then what is right.

Nobody can answer where a run is told, so each is a pause for thought: a line ``?`` with what is asked, and once the
statement has run a line ``=`` with what the engine came to.
"""

from __future__ import annotations

from gradb.debugger.errors import UserError
from gradb.debugger.quiz.judging import engine, told
from gradb.debugger.quiz.quiz import bound_of, moment_of, questions_of
from gradb.frame.lesson.lesson import Moment, Question
from gradb.frame.reader import Tape
from gradb.present.draw.safe import plain
from gradb.present.lines.questions import question_text

_LIMIT = 200


class Asked:
    """What was asked of one run so far, and what is still to be told."""

    def __init__(self) -> None:
        self._asked: list[Question] = []
        self._over: set[int] = set()

    def before(self, tape: Tape, origin: int, position: int) -> list[str]:
        """Return the questions that a movement from one position to another has come to, a line each.

        Raises:
            UserError: the tape is damaged.
        """
        questions = questions_of(tape)
        met = [
            each
            for each in questions
            if each not in self._asked
            and (moment := moment_of(tape, each, position)) is not None
            and origin < moment.met <= position
        ]
        self._asked += met
        return [_asked(each, len(questions)) for each in met]

    def after(self, tape: Tape, position: int) -> list[str]:
        """Return what is right, of the questions asked whose statements are behind a position, a line each.

        Raises:
            UserError: the tape is damaged.
        """
        lines = []
        for each in self._asked:
            moment = None if each.number in self._over else moment_of(tape, each, tape.head)
            if moment is not None and moment.told is not None and moment.told <= position:
                self._over.add(each.number)
                lines.append(_answered(tape, moment))
        return lines

    def rest(self, tape: Tape) -> list[str]:
        """Return what is still to be told at the end: the questions that came up since, and what is right.

        Raises:
            UserError: the tape is damaged.
        """
        lines, questions = self.after(tape, tape.head), questions_of(tape)
        for each in questions:
            if each not in self._asked and (moment := moment_of(tape, each, tape.head)) is not None:
                self._asked.append(each)
                lines += [_asked(each, len(questions)), _answered(tape, moment)]
        return lines


def _asked(question: Question, count: int) -> str:
    return f"? {question_text(question, count)}"


def _answered(tape: Tape, moment: Moment) -> str:
    question, position = moment.question, tape.head if moment.told is None else moment.told
    try:
        value = told(engine(tape, position, question.text, bound_of(tape, question)))
    except UserError as error:
        return f"= {plain(question.text, _LIMIT)}: {plain(str(error), _LIMIT)}"
    return f"= {plain(question.text, _LIMIT)} is {plain(value)}"
