"""The course: the scenarios as lessons, of which one opens after the other, and what is remembered of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gradb.cli import progress
from gradb.cli.scenarios import course, is_scenario, scenario, scenarios
from gradb.cli.target import check_script, check_torch
from gradb.link.spec import RunSpec
from gradb.tui.entries import Entry

if TYPE_CHECKING:
    from gradb.cli.scenarios import Scenario
    from gradb.debugger.debugger import Debugger


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
        from gradb.cli.starting import launch  # behind the first paint

        self.started.append(launch(RunSpec(script=lesson.path, tape="")))
        return self.started[-1]


def lessons() -> list[Entry]:
    """Return all scenarios as lessons, in the order in which to learn from them."""
    marks = progress.progress()
    return [_entry(each, marks) for each in scenarios()]


def _entry(found: Scenario, marks: Mapping[str, progress.Mark]) -> Entry:
    return Entry(found.path, found.title, found.lesson, found.chapter, found.name, mark=marks.get(found.name, ""))
