"""What the events of a tape are called where they are written for people, and typed by them.

They are called by their numbers. On the tape of an iteration that was lived again they are called by that:
``3000:17`` is the 17th event of iteration 3,000, and the numbers are those of another tape than the one that is open.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple

from gradb.tape.database import TapeError
from gradb.tape.kinds.event import Event


class Place(NamedTuple):
    """An event, as people name it."""

    event: int
    """Its number on the tape, or from 1 among the events of its iteration."""
    iteration: int = 0
    """The iteration in which it is counted; 0: it is counted on the tape."""

    def __str__(self) -> str:
        """Return it as it is typed."""
        return f"{self.iteration}:{self.event}" if self.iteration else str(self.event)


class Called:
    """Names of events by their numbers: ``17``."""

    path = ""
    """The tape that the numbers of events are of, where they are not called by them."""

    def __call__(self, seq: int, spec: str = "") -> str:
        """Return the name of an event; ``spec`` formats a number alone."""
        return format(seq, spec)

    def among(self, seq: int, head: int) -> str:
        """Return the name of an event, and among how many it is: ``17/87``."""
        return f"{seq}/{head}"


NUMBERS = Called()


class ByIteration(Called):
    """Names of events by their iterations: ``3000:17``.

    Args:
        path: the tape.
        event: returns the header of an event; iterations never fall.
        head: its last event.
    """

    def __init__(self, path: str, event: Callable[[int], Event], head: int) -> None:
        self.path = path
        self._event, self._head = event, head
        self._begins: dict[int, int] = {}

    def begin(self, iteration: int) -> int:
        """Return the first event of an iteration, or of one after it; the one behind the head where there is none.

        Raises:
            TapeError: the tape is damaged on the way.
        """
        if iteration not in self._begins:
            self._begins[iteration] = begin_of(iteration, self._event, self._head)
        return self._begins[iteration]

    def place(self, seq: int) -> Place:
        """Return what an event is called.

        Raises:
            TapeError: there is no such event, or it is damaged.
        """
        iteration = self._event(seq).iteration
        return Place(seq - self.begin(iteration) + 1, iteration)

    def __call__(self, seq: int, spec: str = "") -> str:
        """Return the name of an event; of one that cannot be read it is not known."""
        try:
            return str(self.place(seq))
        except TapeError:
            return f"?:{seq}"

    def among(self, seq: int, head: int) -> str:
        """Return the name of an event, and how many its iteration has: ``3000:17/61``."""
        try:
            iteration = self._event(seq).iteration
            return f"{self(seq)}/{self.begin(iteration + 1) - self.begin(iteration)}"
        except TapeError:
            return self(seq)


def begin_of(iteration: int, event: Callable[[int], Event], head: int) -> int:
    """Return the first event of an iteration, or of one after it, on a tape of so many events.

    Raises:
        TapeError: the tape is damaged on the way.
    """
    return bisect_left(range(1, head + 1), iteration, key=lambda seq: event(seq).iteration) + 1
