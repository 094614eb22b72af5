"""Work over a tape that is done a little at a time: a generator that says now and then which event it has come to.

Whoever has all the time there is calls ``finished``; who has a screen to paint goes on when that is done.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[int, None, T]
"""Yields the number of the event that was last looked at, and returns what was found."""


def finished(steps: Generator[object, None, T]) -> T:
    """Do all of it at once, and return what was found."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found
