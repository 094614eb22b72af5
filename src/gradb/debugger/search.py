"""A movement over what is recorded, done a little at a time, so that it can be watched and broken off.

How far it is, is what it says itself; what it moves must not be known here.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Reached(NamedTuple):
    """How far a search has come."""

    event: int
    """The event that was last looked at."""
    share: float
    """Of what it may have to look through, 0 to 1."""


Way = Generator[Reached, None, T]
"""A search by steps: each says how far it is."""


class Progress(NamedTuple):
    """What can be said of a search that is under way."""

    event: int
    """The event that was last looked at."""
    share: float
    """Of what it may have to look through, 0 to 1."""
    seconds: float
    """Since it began."""


class Search:
    """One movement under way.

    Args:
        way: carries it out, by steps.
        origin: the position where it began.
    """

    def __init__(self, way: Way[None], origin: int) -> None:
        self.origin = origin
        """The position where it began."""
        self._way = way
        self._began = time.monotonic()
        self._reached = Reached(origin, 0.0)

    def go_on(self, seconds: float) -> bool:
        """Search for some seconds, and a moment more; return whether it is over.

        Raises:
            UserError: the tape is damaged on the way.
        """
        until = time.monotonic() + seconds
        for reached in self._way:
            self._reached = reached
            if time.monotonic() >= until:
                return False
        return True

    def give_up(self) -> None:
        """Break it off."""
        self._way.close()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return Progress(*self._reached, time.monotonic() - self._began)
