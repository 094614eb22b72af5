"""A movement over what is recorded, done a little at a time, so that it can be watched and broken off.

How far it is, is what it says itself; what it moves must not be known here.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import NamedTuple, TypeVar

from gradb.frame.called import NUMBERS, Called

T = TypeVar("T")


class Reached(NamedTuple):
    """How far a search has come."""

    event: int
    """The event that was last looked at."""
    share: float
    """Of what it may have to look through, 0 to 1."""
    called: Called = NUMBERS
    """What the events of that tape are called."""
    is_place: bool = True
    """Whether it goes from event to event; else there is no more to be said of it than the share."""


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
    called: Called = NUMBERS
    """What the events of that tape are called."""
    is_place: bool = True
    """Whether it goes from event to event."""

    @property
    def where(self) -> str:
        """What the event is called, as it is said; empty where it goes from none to none."""
        return self.called(self.event, ",") if self.is_place else ""


class Search:
    """One movement under way.

    Args:
        way: carries it out, by steps.
        begun: where it begins.
    """

    def __init__(self, way: Way[None], begun: Reached) -> None:
        self._way = way
        self._began = time.monotonic()
        self._reached = begun

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
        event, share, called, is_place = self._reached
        return Progress(event, share, time.monotonic() - self._began, called, is_place)
