"""When the questions of a lesson are about: found by the places that occur on the tape, so however long that is."""

from __future__ import annotations

from functools import partial

from gradb.frame import search
from gradb.frame.lesson.lesson import Lesson, Moment, Question, Span
from gradb.frame.lesson.passing import END, Places
from gradb.frame.lesson.trail import Trail
from gradb.frame.steps import finished
from gradb.frame.store import Store
from gradb.tape.kinds.registry import SPECS
from gradb.tape.stops import Stop, StopKind

_VALUES: dict[str, StopKind] = {"birth": "birth", "nan": "nan", "inf": "inf", "nonfinite": "nonfinite"}
_STEP = Stop("step")
_MOST_AROUND = 20_000
"""Events of one time through a loop, at most, for a statement in it that nothing is recorded of."""


def stop_of(text: str) -> Stop | None:
    """Return where a question stops: ``node NAME``, ``aten NAME``, a kind of event, ``nan`` ...; None: nowhere."""
    word, _, rest = text.partition(" ")
    rest = rest.strip()
    if word in {"node", "aten"} and rest:
        return Stop("node" if word == "node" else "aten", rest)
    if rest:
        return None
    return Stop(_VALUES[word]) if word in _VALUES else Stop("kind", word) if word in SPECS else None


class Moments:
    """Finds the moments of one lesson.

    Args:
        lesson: whose questions they are.
        places: of its file.
        trail: the way of the script.
        store: the rows of the tape.
    """

    def __init__(self, lesson: Lesson, places: Places, trail: Trail, store: Store) -> None:
        self._lesson, self._places, self._trail, self._store = lesson, places, trail, store
        self._entered: dict[int, int] = {}
        self._left: dict[int, int] = {}
        self._inside: dict[int, int] = {}  # up to which event the script has not left

    def of(self, question: Question, head: int) -> Moment | None:
        """Return when a question is about; None where the script has not come to it up to the head."""
        entered = self._entry(question, head)
        if entered is None:
            return None
        left = self._leaving(question, entered, head)
        told, met = (None if left is None else max(left - 1, entered - 1)), entered
        if question.stop:
            stop = stop_of(question.stop)
            found = None if stop is None else self._find(stop, entered - 1, head if left is None else left - 1)
            if found is None:
                return None
            told = met = found
        place = finished(search.find(self._store, _STEP, met, -1, None))
        return Moment(question, place or 0, met, told)

    def due(self, position: int, head: int) -> Question | None:
        """Return the question that is asked before the step that follows a position, as far as the tape goes."""
        if not self._lesson.questions or position >= head:
            return None
        after = finished(search.find(self._store, _STEP, position, 1, None)) or head
        found = (self.of(question, after) for question in self._lesson.questions)
        return next((moment.question for moment in found if moment and moment.place <= position < moment.met), None)

    def _find(self, stop: Stop, after: int, last: int) -> int | None:
        return finished(search.find(self._store, stop, after, 1, last)) if after < last else None

    def _entry(self, question: Question, head: int) -> int | None:
        """Return the first event at the statement, or beyond it in its block, or around its loop: it was come to."""
        number, span = question.number, question.span
        if number not in self._entered:
            sites = [site for site, lines in self._trail.sites().items() if self._places.is_at_or_past(span, lines)]
            found = [first for site in sites if (first := self._trail.first(site)) is not None]
            found += [each for each in (self._around(span), self._end(span)) if each is not None]
            if not found:
                return None
            self._entered[number] = min(found)
        entered = self._entered[number]
        return entered if entered <= head else None

    def _leaving(self, question: Question, entered: int, head: int) -> int | None:
        """Return the first event from there on that is not in the statement."""
        number, span = question.number, question.span
        if number not in self._left:
            newest = self._store.head  # before the places are read: all of its are among them
            sites = self._trail.sites().items()
            inside = [site for site, lines in sites if not lines or self._places.is_in(span, lines)]  # or nowhere
            begin, self._inside[number] = self._inside.get(number, entered - 1), newest
            ways = (self._trail.elsewhere(inside, begin, newest), self._trail.end())
            found = [each for each in ways if each is not None]
            if not found:
                return None
            self._left[number] = min(found)
        left = self._left[number]
        return left if left <= head else None

    def _around(self, span: Span) -> int | None:
        """Return the first event after which a loop has been gone through of which a statement is a part."""
        found = {site: self._places.before(span, lines) for site, lines in self._trail.sites().items()}
        inside = {site: line for site, line in found.items() if line is not None}
        return self._trail.around(inside, partial(self._places.is_around, span), _MOST_AROUND)

    def _end(self, span: Span) -> int | None:
        """Return the end of a run that has come to the end of its file, where that is past a statement."""
        return self._trail.end() if self._places.is_at_or_past(span, (END,)) else None
