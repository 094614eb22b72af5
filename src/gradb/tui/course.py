"""The course on the screen: which lesson a run is, that it is over, and which one comes next. It draws nothing."""

from __future__ import annotations

from typing import Protocol

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
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
        """Return what the line is to say in place of what it says: at the end what comes next, behind what is news."""
        lesson = self._lesson_of(debugger) if _is_over(debugger) else None
        if lesson is None or self._course is None:
            was_said, self._said = self._said, ""
            return "" if was_said and notice.endswith(was_said) else notice
        if not self._said:
            self._course.end(lesson)
            self._said = self._what_is_next(lesson)
        if tone != "news" or notice.endswith(self._said):
            return notice
        return f"{notice}; {self._said}" if notice else f"the end: {self._said}"

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

    def _what_is_next(self, lesson: Entry) -> str:
        assert self._course is not None
        following = self._course.after(lesson)
        if following is None:
            return f"that was the last lesson ({self._course.summary()})"
        return f"`l` opens the next lesson, {plain(following.name)}"


def _is_over(debugger: Debugger | None) -> bool:
    """Tell whether a script has come to its end and that is what is looked at."""
    if debugger is None or debugger.is_live or debugger.tape is None:
        return False
    return debugger.position == debugger.head > 0 and debugger.status == "finished"
