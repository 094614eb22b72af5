"""Lessons one after the other: what is said at the end of one, and how the next is opened in the same app."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.quiz.quiz import questions_of
from gradb.tui.app import GradbApp
from gradb.tui.course import CourseLine
from gradb.tui.entries import Entry
from tests.fakes import examples
from tests.tui.support import debug_screen, painted, position_of, shown, text_of, wait_until

FIRST = Entry("chain_rule.py", "The chain rule, node by node", name="chain_rule")
SECOND = Entry("train.py", "A small network learns", name="mlp")


class TwoLessons:
    """A course of two lessons, of which the second is a tape too."""

    def __init__(self, tape: Path) -> None:
        self.ended: set[str] = set()
        self.started: list[Debugger] = []
        self.refusal = ""
        self.offered: tuple[Entry, ...] = (FIRST, SECOND)
        self._tape = tape

    def of(self, script: str, cwd: str) -> Entry | None:
        return next((each for each in self.offered if script.endswith(each.path)), None)

    def after(self, lesson: Entry) -> Entry | None:
        return SECOND if lesson is FIRST else None

    def summary(self) -> str:
        return f"{len(self.ended)} of 2 lessons done"

    def end(self, lesson: Entry) -> None:
        self.ended.add(lesson.name)

    def start(self, lesson: Entry) -> Debugger:
        if self.refusal:
            raise UserError(self.refusal)
        self.started.append(Debugger.open(str(self._tape)))
        return self.started[-1]


@pytest.fixture
def lessons(training_tape: Path) -> TwoLessons:
    """Offer a second lesson."""
    return TwoLessons(training_tape)


def opened(tape: Path, lessons: TwoLessons | None) -> tuple[GradbApp, Debugger]:
    """Return an app that looks at a tape, and its debugger."""
    debugger = Debugger.open(str(tape))
    return GradbApp(debugger, script="script.py", course=lessons), debugger


async def test_next_lesson_takes_the_place_of_the_one_before(chain_tape: Path, lessons: TwoLessons) -> None:
    """At the end it is said which follows, and the lesson is done; `l` ends what runs and opens the next one."""
    app, before = opened(chain_tape, lessons)
    async with shown(app, 100, 30) as pilot:
        assert not lessons.ended
        await pilot.press("end")
        await wait_until(lambda: "the end: `l` opens the next lesson, mlp" in text_of(app))
        assert lessons.ended == {"chain_rule"}
        await pilot.press("question_mark")
        await wait_until(lambda: len(app.screen_stack) == 2)
        await pilot.press("escape", "l")
        await wait_until(lambda: lessons.started and debug_screen(app).session.debugger is lessons.started[0])
        await painted(app)
        assert (before.run._tape, len(app.screen_stack), position_of(app)) == (None, 1, 0)
        await pilot.press("end")
        await wait_until(lambda: "that was the last lesson (2 of 2 lessons done)" in text_of(app))
        await pilot.press("l")
        await wait_until(lambda: "this is the last lesson" in text_of(app))
    assert lessons.started[0].run._tape is None


def test_questions_that_are_open_keep_a_lesson_from_being_done(tmp_path: Path, lessons: TwoLessons) -> None:
    """They are counted at the end; what was answered, or told after all hints, is not open any more."""
    examples.lesson(path := tmp_path / "lesson.tape", "chain_rule.py")
    debugger = Debugger.open(str(path))
    line, questions = CourseLine(lessons), questions_of(debugger.tape)
    assert debugger.tape is not None

    def told_at_the_end() -> str:
        line.told("", "news", None)
        debugger.go(debugger.head)
        return line.told("", "news", debugger)

    assert told_at_the_end().startswith("the end: 3 of 3 questions open (go back there and press `a`); `l` opens")
    for question in questions[1:]:
        debugger.quiz.answer(debugger.tape, debugger.head, question, "[28, 36, 44, 52]")
    debugger.quiz.skip(questions[0])
    assert told_at_the_end().startswith("the end: 1 of 3 questions open")
    for question in questions:
        for _ in range(3):
            debugger.quiz.answer(debugger.tape, debugger.head, question, "0")
    assert not lessons.ended
    assert told_at_the_end() == "the end: `l` opens the next lesson, mlp"
    assert lessons.ended == {"chain_rule"}
    debugger.close()


async def test_lesson_that_cannot_be_started_leaves_all_as_it_is(chain_tape: Path, lessons: TwoLessons) -> None:
    """Why it cannot is said, and the run that was there goes on."""
    lessons.refusal = "torch is not installed"
    app, debugger = opened(chain_tape, lessons)
    async with shown(app, 100, 30) as pilot:
        await pilot.press("space", "l")
        await wait_until(lambda: "torch is not installed" in text_of(app))
        await pilot.press("space")
        await wait_until(lambda: position_of(app) == 2)
        assert debugger.tape is not None


@pytest.mark.parametrize("has_course", [True, False])
def test_after_what_is_no_lesson_none_follows(training_tape: Path, lessons: TwoLessons, *, has_course: bool) -> None:
    """It is said so, whether or not there is a course, and the end of such a script is its end."""
    debugger = Debugger.open(str(training_tape))
    assert debugger.tape is not None
    lessons.offered = ()
    line = CourseLine(lessons if has_course else None)
    debugger.go(debugger.head)
    assert line.told("the script has ended", "end", debugger) == "the script has ended"
    with pytest.raises(UserError, match="this is no lesson"):
        line.next(debugger)
    debugger.close()


def test_the_next_lesson_is_told_of_at_the_end_alone(chain_tape: Path, lessons: TwoLessons) -> None:
    """Behind the news of that, each time that it is come to; an answer or a warning is not added to."""
    debugger, line = Debugger.open(str(chain_tape)), CourseLine(lessons)
    assert debugger.tape is not None
    said = "`l` opens the next lesson, mlp"
    for _ in range(2):
        debugger.go(debugger.head - 1)
        assert line.told("", "news", debugger) == ""
        debugger.go(debugger.head)
        assert line.told("", "news", debugger) == f"the end: {said}"
        ended = "the script has ended (finished)"
        assert line.told(ended, "end", debugger) == f"{ended}; {said}"
        assert line.told("already at the end", "end", debugger) == f"already at the end; {said}"
        assert line.told("saved", "news", debugger) == "saved"
        assert line.told("no", "warning", debugger) == "no"
        debugger.go(0)
        assert line.told(f"the end: {said}", "news", debugger) == ""
    debugger.close()
