"""When the questions of a lesson are about: found once, from the start on, as far as the tape goes."""

from __future__ import annotations

from gradb.frame import search
from gradb.frame.lesson.lesson import Lesson, Moment, Question
from gradb.frame.lesson.passing import Lines, Places
from gradb.frame.lesson.trail import Trail
from gradb.frame.steps import finished
from gradb.frame.store import Store
from gradb.tape.kinds.registry import SPECS
from gradb.tape.stops import Stop, StopKind

_VALUES: dict[str, StopKind] = {"birth": "birth", "nan": "nan", "inf": "inf", "nonfinite": "nonfinite"}
_STEP = Stop("step")


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
        self._seen, self._before = 0, Lines()
        self._waiting = list(lesson.questions)
        self._entered: dict[int, int] = {}
        self._left: dict[int, int] = {}

    def of(self, question: Question, head: int) -> Moment | None:
        """Return when a question is about; None where the script has not come to it up to the head."""
        self._follow(head, question)
        entered = self._entered.get(question.number)
        if entered is None or entered > head:
            return None
        left = self._left.get(question.number)
        left = left if left is not None and left <= head else None
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

    def _follow(self, head: int, question: Question) -> None:
        """Follow the script up to an event, unless all is known of a question."""
        if question.number in self._left or self._seen >= head:
            return
        for event, lines in self._trail.places(self._seen, head):
            self._seen = event
            if lines != self._before:
                self._take(event, lines)
                self._before = lines
            if question.number in self._left:
                return
        self._seen = head

    def _take(self, event: int, lines: Lines) -> None:
        """Take in that the script has moved on."""
        for question in list(self._waiting):
            span, number = question.span, question.number
            if number not in self._entered and self._places.depth(span, self._before, lines) is not None:
                self._entered[number] = event
            if number in self._entered and not self._places.is_in(span, lines):
                self._left[number] = event
                self._waiting.remove(question)
