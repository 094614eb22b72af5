"""The course: the scenarios as lessons, of which one opens after the other, and what is remembered of them."""

from __future__ import annotations

from collections.abc import Mapping

from gradb.cli import progress
from gradb.cli.recent import remember_script
from gradb.cli.scenarios import Scenario, course, is_scenario, scenario, scenarios
from gradb.cli.tapes import new_recent_tape
from gradb.cli.target import check_script, check_torch
from gradb.debugger.debugger import Debugger
from gradb.link.spec import RunSpec
from gradb.tui.entries import Entry


class Lessons:
    """The lessons, and the runs of those that were opened one after the other."""

    def __init__(self) -> None:
        self.started: list[Debugger] = []

    def of(self, script: str, cwd: str) -> Entry | None:
        """Return the lesson that a script is, as it was named in a folder; None where it is none."""
        stem = script.rpartition("/")[2].removesuffix(".py")
        found = scenario(stem) if stem in course() and is_scenario(script, cwd) else None
        return None if found is None else _entry(found, progress.progress())

    def after(self, lesson: Entry) -> Entry | None:
        """Return the lesson that follows; None after the last one."""
        names = course()
        rest = names[names.index(lesson.name) + 1 :]
        found = scenario(rest[0]) if rest else None
        return None if found is None else _entry(found, progress.progress())

    def summary(self) -> str:
        """Return how many are done, in a few words."""
        marks, names = progress.progress(), course()
        return f"{sum(marks.get(name) == 'done' for name in names)} of {len(names)} lessons done"

    def end(self, lesson: Entry) -> None:
        """Remember that a lesson is done."""
        progress.note(lesson.name, "done")

    def start(self, lesson: Entry) -> Debugger:
        """Start a lesson.

        Raises:
            UserError: it cannot be started.
        """
        check_script(lesson.path)
        check_torch()
        self.started.append(launch(RunSpec(script=lesson.path, tape=new_recent_tape(lesson.path))))
        return self.started[-1]


def launch(spec: RunSpec) -> Debugger:
    """Start a script on the screen, and remember it for the picker: a scenario as a lesson that was begun.

    Raises:
        UserError: it cannot be started.
    """
    debugger = Debugger.launch(spec)
    if spec.script is not None and is_scenario(spec.script, spec.cwd or ""):
        progress.note(spec.script.rpartition("/")[2].removesuffix(".py"), "begun")
    elif spec.script is not None:
        remember_script(spec.script, spec.arguments)
    return debugger


def lessons() -> list[Entry]:
    """Return all scenarios as lessons, in the order in which to learn from them."""
    marks = progress.progress()
    return [_entry(each, marks) for each in scenarios()]


def _entry(found: Scenario, marks: Mapping[str, progress.Mark]) -> Entry:
    return Entry(found.path, found.title, found.lesson, found.chapter, found.name, mark=marks.get(found.name, ""))
