"""What the first iterations are may be known late: the numbers that they have been given instead.

The tape keeps each event with the number that it was recorded with, and beside that what was found out later. A number
that was found out holds wherever one looks from, so of this alone a Frame says what the newest part of the tape knows.
"""

from __future__ import annotations

import json
from array import array

from gradb.tape.database import Database, TapeError

_MOST = 1000


class Renumbering:
    """The renumberings of one tape, in the order of their events."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.rows: list[tuple[int, tuple[int, ...]]] = []

    @property
    def until(self) -> int:
        """The event before which numbers may be other ones than were recorded; 0 where there is none."""
        return self.rows[-1][0] if self.rows else 0

    def read(self, count: int) -> None:
        """Read what there is, where the tape has a number of rows that is not the one known.

        Raises:
            TapeError: a row is damaged.
        """
        if count == len(self.rows):
            return
        rows = self._db.all("SELECT event, numbers FROM renumbered ORDER BY event LIMIT ?", _MOST)
        self.rows = [(self._event(event), self._numbers(text)) for event, text in rows]

    def _event(self, event: object) -> int:
        if type(event) is not int:
            raise TapeError(f"{self._db.name} is damaged: iterations are numbered anew before no event.")
        return event

    def _numbers(self, text: object) -> tuple[int, ...]:
        try:
            numbers = json.loads(str(text))
        except (ValueError, RecursionError):
            numbers = None
        if not isinstance(numbers, list) or not numbers or not all(type(one) is int and one > 0 for one in numbers):
            raise TapeError(f"{self._db.name} is damaged: the new numbers of iterations are none.")
        return tuple(numbers)

    def settled(self, event: int, iteration: int) -> int:
        """Return the iteration that something is of which was recorded with a number at an event."""
        if event < self.until:
            for before, numbers in self.rows:
                if event < before:
                    iteration = renumbered(iteration, numbers)
        return iteration

    def settle(
        self, events: array[int], iterations: array[int], first: int, row: int, until: int | None = None
    ) -> None:
        """Correct the numbers of points from index ``first`` on, by what was found out in rows ``row`` to ``until``."""
        for before, numbers in self.rows[row:until]:
            for index in range(first, len(events)):
                if events[index] >= before:
                    break
                iterations[index] = renumbered(iterations[index], numbers)


def renumbered(iteration: int, numbers: tuple[int, ...]) -> int:
    """Return the number that an iteration has been given instead."""
    if 0 < iteration <= len(numbers):
        return numbers[iteration - 1]
    return iteration - (len(numbers) - numbers[-1]) if iteration > len(numbers) else iteration
