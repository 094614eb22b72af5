"""The course on the screen: which lesson a run is, that it is over, and which one comes next. It draws nothing."""

from __future__ import annotations

from typing import Protocol

from gradb.algebra.figures import counted
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.inplace import Spot
from gradb.debugger.quiz.quiz import questions_of
from gradb.present.draw.safe import plain
from gradb.tui.entries import Entry
from gradb.tui.telling import Tone


class Course(Protocol):
    """The lessons, in the order in which to learn from them."""

    def of(self, script: str, cwd: str) -> Entry | None:
        """Return the lesson that a script is, as it was named in a folder; None where it is none."""

    def after(self, lesson: Entry) -> Entry | None:
        """Return the lesson that follows; None after the last one."""

    def summary(self) -> str:
        """Return how many are done, in a few words."""

    def end(self, lesson: Entry) -> None:
        """Remember that a lesson is done."""

    def start(self, lesson: Entry) -> Debugger:
        """Start a lesson.

        Raises:
            UserError: it cannot be started.
        """


class CourseLine:
    """What the event line says at the end of a lesson; there the lesson is done.

    Args:
        course: the lessons; None: there are none.
    """

    def __init__(self, course: Course | None) -> None:
        self._course = course
        self._run: tuple[str, str] | None = None
        self._lesson: Entry | None = None
        self._said = ""

    def told(self, notice: str, tone: Tone, debugger: Debugger | None) -> str:
        """Return what the line is to say in place of what it says: at the end what comes next, behind that news."""
        lesson = self._lesson_of(debugger) if _is_over(debugger) else None
        if lesson is None or self._course is None:
            was_said, self._said = self._said, ""
            return "" if was_said and notice.endswith(was_said) else notice
        if not self._said:
            self._said = self._arrived(self._course, lesson, debugger)
        if notice.endswith(self._said) or (notice and tone != "end") or tone not in {"news", "end"}:
            return notice
        return f"{notice}; {self._said}" if notice else f"the end: {self._said}"

    def _arrived(self, course: Course, lesson: Entry, debugger: Debugger | None) -> str:
        """Take note that the end was reached, and say what comes next; questions that are open come first."""
        open_, all_ = _questions(debugger)
        if not open_:
            course.end(lesson)
        left = f"{open_} of {counted(all_, 'question')} open (go back there and press `a`); " if open_ else ""
        following = course.after(lesson)
        if following is None:
            return f"{left}that was the last lesson ({course.summary()})"
        return f"{left}`l` opens the next lesson, {plain(following.name)}"

    def next(self, debugger: Debugger | None) -> Entry:
        """Return the lesson that comes after the one that is run.

        Raises:
            UserError: it is none, or the last one.
        """
        lesson = self._lesson_of(debugger)
        if self._course is None or lesson is None:
            raise UserError("this is no lesson that another could follow: `gradb` alone lists the lessons")
        following = self._course.after(lesson)
        if following is None:
            raise UserError(f"this is the last lesson ({self._course.summary()}): `gradb` alone lists them")
        return following

    def _lesson_of(self, debugger: Debugger | None) -> Entry | None:
        """Return the lesson that is run, or None."""
        if self._course is None or debugger is None or debugger.tape is None:
            return None
        run = debugger.tape.run
        if self._run != (run.script, run.cwd):
            self._run, self._lesson = (run.script, run.cwd), self._course.of(run.script, run.cwd)
        return self._lesson


def _questions(debugger: Debugger | None) -> tuple[int, int]:
    """Return how many questions of a script are not answered yet, and how many it asks."""
    try:
        questions = () if debugger is None else questions_of(debugger.tape)
    except UserError:
        return 0, 0  # the tape is damaged, and the panes say so
    return sum(debugger is not None and not debugger.quiz.is_done([each]) for each in questions), len(questions)


def _is_over(debugger: Debugger | None) -> bool:
    """Tell whether a script has come to its end and that is what is looked at."""
    if debugger is None or debugger.is_live or debugger.tape is None:
        return False
    return debugger.spot == Spot(debugger.run.head) and debugger.run.head > 0 and debugger.status == "finished"
