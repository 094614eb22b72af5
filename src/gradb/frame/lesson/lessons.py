"""The lesson of the script on one tape, and what holds of it at a position."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gradb.frame.cache import Cache
from gradb.frame.lesson.aim import learns
from gradb.frame.lesson.bindings import Bindings
from gradb.frame.lesson.lesson import Caption, Lesson, LessonAt
from gradb.frame.lesson.moments import Moments
from gradb.frame.lesson.passing import Lines, Places
from gradb.frame.lesson.reading import read_lesson
from gradb.frame.lesson.trail import Trail
from gradb.frame.store import Store

_MOST_BACK = 2_000
"""Events that a caption outlasts, where no other is reached."""


@dataclass(frozen=True, slots=True)
class _Taught:
    """A lesson, with what finds its way about the tape."""

    lesson: Lesson
    places: Places
    trail: Trail
    moments: Moments
    bindings: Bindings


class Lessons:
    """Tells what the script of a tape teaches.

    Args:
        store: the rows of the tape.
        lines: returns the lines of a source file, None where they are not on the tape.
    """

    def __init__(self, store: Store, lines: Callable[[str], tuple[str, ...] | None]) -> None:
        self._store, self._lines = store, lines
        self._taught: _Taught | None = None
        self.path = ""
        """Of the main file, as on the tape, once that is known to teach."""
        self._reached = Cache(self._read_reached, 4096)

    def at(self, position: int, head: int, script: str, cwd: str, docstring: str) -> LessonAt | None:
        """Return what holds at a position; None where the script teaches nothing.

        Args:
            position: 0 to the head.
            head: the last event recorded.
            script: its path, as given.
            cwd: the folder that it began in.
            docstring: of the script, or the end of it.
        """
        if self._taught is None and not self._begin(script, cwd, docstring):
            return None
        taught = self._taught
        assert taught is not None  # it has begun
        caption, question = self._caption(taught, position), taught.moments.due(position, head)
        return LessonAt(taught.lesson, caption, question, self.path, is_start=position == 0)

    @property
    def moments(self) -> Moments | None:
        """When its questions are about; None as long as it is not known to teach."""
        return None if self._taught is None else self._taught.moments

    @property
    def bindings(self) -> Bindings | None:
        """What the variables of its questions mean; None as long as it is not known to teach."""
        return None if self._taught is None else self._taught.bindings

    def _begin(self, script: str, cwd: str, docstring: str) -> bool:
        """Read the lesson, if there is one."""
        if learns(docstring) is None:
            return False
        for path in (script, os.path.normpath(Path(cwd, script))):
            if (lines := self._lines(path)) is not None and (
                lesson := read_lesson("\n".join(lines) + "\n")
            ) is not None:
                places, trail = Places(lesson), Trail(self._store, path)
                moments, bindings = Moments(lesson, places, trail, self._store), Bindings(self._store, trail)
                self.path, self._taught = path, _Taught(lesson, places, trail, moments, bindings)
                return True
        return False

    def _caption(self, taught: _Taught, position: int) -> Caption | None:
        for passage in taught.trail.back(position, _MOST_BACK):
            if (found := self._reached((passage.before, passage.lines))) is not None:
                return taught.lesson.captions[found]
        if position > _MOST_BACK:
            return None
        return next((each for each in taught.lesson.captions if each.span.first == taught.lesson.begin), None)

    def _read_reached(self, key: tuple[Lines, Lines]) -> int | None:
        """Return which caption is reached by a passage: that of the innermost call, the last of it."""
        before, lines = key
        if self._taught is None or before == lines:
            return None
        best: tuple[int, int, int] | None = None
        for index, caption in enumerate(self._taught.lesson.captions):
            depth = self._taught.places.depth(caption.span, before, lines)
            if depth is not None:
                best = max(best or (-1, 0, 0), (depth, caption.span.first, index))
        return None if best is None else best[2]
