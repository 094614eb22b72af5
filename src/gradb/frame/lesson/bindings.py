"""Which tensors the variables mean that a statement has given new values, once it has run.

Names come to the tape with what uses them. Where an op stands in the script itself, that is its own event
(``h = w * x``). What a library returns (``loss = criterion(...)``) gets its name with the next event that is given it,
and until then the name means what it did before. What no event tells is not known.
"""

from __future__ import annotations

import re

from gradb.frame.lesson.lesson import Assigned, Moment
from gradb.frame.lesson.trail import Trail
from gradb.frame.store import Store

MOST_AHEAD = 20
"""Events after a statement in which a live script may still tell what its variables mean."""
_ENDS = r"(?!\w)(?!\.(?!grad\b)[A-Za-z_])"
"""No longer path: of ``loss`` and ``loss.grad`` the variable is ``loss``, and of ``loss.fn`` it is another."""
_NAMED = "SELECT event, tensor FROM name WHERE name = ? AND event "


class Bindings:
    """Tells it for the questions of one lesson.

    Args:
        store: the rows of the tape.
        trail: the way of the script.
    """

    def __init__(self, store: Store, trail: Trail) -> None:
        self._store, self._trail = store, trail

    def of(self, moment: Moment, head: int) -> dict[str, int | None]:
        """Return, of the variables in a question that its statement gives new values, the ids of their tensors.

        Args:
            moment: of the question; one within its statement has none.
            head: as far as the tape is read.

        Returns:
            By name; None where it is not known.
        """
        question, told = moment.question, moment.told
        if told is None or question.stop:
            return {}
        found: dict[str, int | None] = {}
        for name in {one.name for one in question.span.assigns}:
            if re.search(rf"(?<![\w.]){re.escape(name)}{_ENDS}", question.text):
                where = [one for one in question.span.assigns if one.name == name]
                found[name] = self._meant(where, moment.met, told, head)
        return found

    def is_open(self, moment: Moment, head: int) -> bool:
        """Tell whether the next events of a live script may tell what is not known yet."""
        return (
            moment.told is not None
            and head <= moment.told + MOST_AHEAD
            and None in self.of(moment, head).values()
            and self._store.latest("end", head) is None
        )

    def _meant(self, where: list[Assigned], entered: int, told: int, head: int) -> int | None:
        name = where[0].name
        row = self._store.db.one(f"{_NAMED} BETWEEN ? AND ? ORDER BY event DESC LIMIT 1", name, entered, told)
        if row is not None and self._is_newest(where, row[0], row[1], told):
            return int(row[1])
        after = self._store.db.all(f"{_NAMED} > ? AND event <= ? ORDER BY event LIMIT 8", name, told, head)
        first = [tensor for event, tensor in after if event == after[0][0]]
        return next((tensor for tensor in first if self._made(tensor, told) >= entered), None)

    def _is_newest(self, where: list[Assigned], event: int, tensor: int, told: int) -> bool:
        """Tell whether a name that came up within a statement was not given to another tensor in it since.

        So it is where that was after its last assignment, or where the op itself is what is assigned.
        """
        newest, last = max(((self._trail.newest(one.first, one.last, told) or 0, one) for one in where), key=_by_event)
        if event > newest:
            return True
        return self._made(tensor, event) == event and last.first <= self._trail.line(event) <= last.last

    def _made(self, tensor: int, until: int) -> int:
        found = self._store.defined_at(tensor, until)
        return 0 if found is None else found[0]


def _by_event(found: tuple[int, Assigned]) -> int:
    return found[0]
